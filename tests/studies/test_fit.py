"""Parameters that a run was made with are found again from what it has recorded, within what the fit states."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scenarios
from scenarios.cli.app import main
from scenarios.run.experiment import Experiment
from scenarios.run.measured import Measured
from scenarios.run.replay import certain
from scenarios.studies.fit import FitError, fit
from scenarios.studies.fitted import Fit

WARM: dict[str, Any] = {
    "balance.thermal_mass.geometry": None,
    "balance.thermal_mass.capacities": {"coil": 30.0, "magnet": 300.0},
    "balance.thermal_mass.links": [{"between": ["coil", "magnet"], "conductance": 0.05}],
    "balance.thermal_mass.film_areas": {"magnet": 0.01},
    "balance.thermal_mass.magnet": ["magnet"],
    **{f"balance.{name}_voltmeter.digits": [] for name in ("current", "induced", "second_current", "second_induced")},
    "campaign.cycles": 2,
    "campaign.settling": 0,
    "campaign.reading_step": "20 s",
    "reduction.periods": 2,
}
"""Liu2025's small magnet with heat of two nodes and meters that show all digits, for two periods."""
RESISTANCE, DRIFT = "balance.resistor.resistance", "balance.resistor.drift"
CONDUCTANCE = "balance.thermal_mass.links.0.conductance"
BL = "balance.magnet.bl"


@cache
def warm() -> Experiment:
    return Experiment(certain(scenarios.load("small_magnet_tmtp").with_(WARM).scenario))


def fitted(start: Experiment, true: dict[str, float], members: int = 6, seed: int = 1) -> Fit:
    run = start.with_(true, seed=seed).run()
    assert isinstance(run, Measured)
    return fit(start, run.readings, run.log, list(true), members=members)


def pulls(found: Fit, true: dict[str, float]) -> np.ndarray[Any, Any]:
    return np.array([(p.value - true[p.path]) / p.u for p in found.parameters])


TRUE = {RESISTANCE: 10.0 * (1 + 2e-4), DRIFT: 3e-8, CONDUCTANCE: 0.052}


def test_resistance_drift_and_conductance_are_found() -> None:
    found = fitted(warm(), TRUE)
    assert np.all(np.abs(pulls(found, TRUE)) < 5.0)  # of Student's t with 6 degrees of freedom
    assert all(abs(p.value - p.start) > 20.0 * p.u for p in found.parameters)
    assert found.chi2 == pytest.approx(found.expected_chi2, rel=0.3) and not found.notes
    assert abs(found.correlation[0, 1]) > 0.3  # a drift is told from a value by the middle of the run
    assert found.parameters[0].u == pytest.approx(found.parameters[0].u_noise)


def test_bl_is_found_from_a_moving_coil() -> None:
    start = scenarios.load("moving_mode").with_({"campaign.frequencies": [1.0], "campaign.read_time": 4.0})
    true = {BL: float(start.scenario.resolved["balance"]["magnet"]["bl"]) * (1 + 1e-4)}
    found = fitted(start, true)
    assert np.all(np.abs(pulls(found, true)) < 5.0)
    assert found.parameters[0].u < 1e-3 * true[BL]  # the motion is that which was asked for: vibration counts in full


def test_without_noise_it_is_found_to_rounding() -> None:
    found = fitted(warm().ideal().with_({"reduction.periods": 2}), {RESISTANCE: 10.003}, members=4)
    assert found.parameters[0].value == pytest.approx(10.003, rel=1e-11)


def test_other_certificates_make_a_fit_less_certain() -> None:
    """Voltage and current tell a resistance as well as the source's gain is known, and no better."""
    start = warm().with_({"balance.current_source.uncertainties": {"gain": 1e-4}})
    found = fitted(start, {RESISTANCE: 10.0}, members=24)
    assert found.parameters[0].u_certificates / 10.0 == pytest.approx(1e-4, rel=0.5)
    assert found.parameters[0].u_certificates > 10.0 * found.parameters[0].u_noise


def test_more_scatter_than_the_twin_knows_of_enlarges_the_uncertainty() -> None:
    quiet = {"balance.current_voltmeter.white_noise": 1e-7}
    loud = warm().with_({"balance.current_voltmeter.white_noise": 1e-4}).run()
    found = fit(warm().with_(quiet), loud.readings, loud.log, [RESISTANCE], members=8)
    assert found.chi2 > 100.0 and "scatter more" in found.notes[0]
    (r,) = found.parameters
    assert abs(r.value - 10.0) < 5.0 * r.u and r.u > 1e-5


@pytest.mark.parametrize(
    ("paths", "text"),
    [
        (["balance.resistor.resistance", "balance.current_voltmeter.gain"], "cannot tell .* apart"),
        (["balance.second_resistor.resistance"], "do not tell anything about it"),
        (["balance.resistor.resistanse"], "no number there"),
        (["balance.name"], "no number"),
    ],
)
def test_what_cannot_be_fitted_is_told(paths: list[str], text: str) -> None:
    run = warm().run()
    with pytest.raises(FitError, match=text):
        fit(warm(), run.readings, run.log, paths, members=4)


@pytest.mark.nightly
def test_stated_uncertainties_are_true() -> None:
    z = np.array([pulls(fitted(warm(), TRUE, members=16, seed=seed), TRUE) for seed in range(1, 31)])
    assert np.all(np.abs(z.mean(axis=0)) < 3.0 / 30**0.5 * 1.2)
    assert np.all((z.std(axis=0) > 0.7) & (z.std(axis=0) < 1.4))


def test_the_command_writes_a_scenario_that_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, run = tmp_path / "warm.yaml", tmp_path / "run"
    file.write_text(warm().with_({RESISTANCE: 10.002}).scenario.to_yaml())
    assert main(["run", str(file), "--out", str(run), "--no-report"]) == 0
    words = ["fit", str(run), "--parameter", RESISTANCE, "--set", f"{RESISTANCE}=10.0", "--members", "4"]
    out = ["--out", str(tmp_path / "fitted.yaml"), "--plot", str(tmp_path / "fit.png")]
    capsys.readouterr()
    assert main([*words, *out, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["parameters"]
    assert (found["start"], found["value"]) == (10.0, pytest.approx(10.002, abs=6.0 * found["u"]))
    again = scenarios.load(tmp_path / "fitted.yaml").scenario
    assert again.resolved["balance"]["resistor"]["resistance"] == found["value"]
    assert (tmp_path / "fit.png").stat().st_size > 5000
    assert main(words) == 0
    told = capsys.readouterr().out
    row = next(line for line in told.splitlines() if line.startswith(RESISTANCE))
    assert "reduced χ²" in told and row.count("Ω") == 5  # before, fitted, and its three uncertainties
