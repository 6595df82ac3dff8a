"""Masses in turn: β comes back from their differences, what heat does as well, and M from turning a mass over."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scenarios
from components.test_mass import MU_0
from scenarios.cli.app import main
from scenarios.reduction import ReductionError
from scenarios.reduction.mass_series import MassSeriesReduction
from scenarios.reduction.resolved import limit
from scenarios.reduction.turns import Turns
from scenarios.report.measured import pictures
from scenarios.run.experiment import Experiment
from scenarios.run.measured import Measured, known_to, own_reduction
from scenarios.schema import ScenarioError
from twin.errors import SimulationError
from twin.recorder import Blocks

COARSE = {"campaign.velocity.reading_step": 0.1, "campaign.weighing.reading_step": 1.0, "campaign.cycles": 2}
SHORT = COARSE | {"campaign.velocity.cycles": 60, "campaign.settling": 1}
"""With short velocity phases: nothing thermal is right, all else is."""
REVERSED = {"campaign.velocity.pairs": 4, "campaign.settling": 2, "campaign.cycles": 2, "campaign.weighing.count": 6}
BETA = "balance.coil.quadratic_current_coefficient"


def series(ideal: bool = False, **changes: Any) -> Experiment:
    experiment = scenarios.load("kbmini_mass_series")
    paths = {key.replace("__", "."): value for key, value in changes.items()}
    return (experiment.ideal() if ideal else experiment).with_(SHORT | paths)


@lru_cache(maxsize=1)
def whole() -> Measured:
    """The shipped series with a β that shows, and a density that is doubted."""
    doubted = {"balance.test_mass.uncertainties": {"density": "100 kg/m^3"}}
    result = scenarios.load("kbmini_mass_series").with_({BETA: 0.1, **doubted}).run()
    assert isinstance(result, Measured)
    return result


def reversal(ideal: bool = False, **changes: Any) -> Measured:
    experiment = scenarios.load("nist4_mass_reversal")
    paths = {key.replace("__", "."): value for key, value in changes.items()}
    result = (experiment.ideal() if ideal else experiment).with_(REVERSED | paths).run()
    assert isinstance(result, Measured)
    return result


# --- β ---------------------------------------------------------------------------------------------------------------


def test_the_truth_has_the_warmth_that_is_not_corrected() -> None:
    """And no more of it than that."""
    warm = {"balance.magnet.temperature_coefficient": -1e-3, "reduction.corrections.temperature": False}
    paths = COARSE | {"campaign.velocity.cycles": 600}
    experiment = scenarios.load("kbmini_mass_series").ideal().with_(paths | {BETA: 1e-2})
    without, with_ = (experiment.with_(keys).run() for keys in ({}, warm))
    for result in (without, with_):
        for key in ("beta_per_A2", "bias_relative", "slope_per_kg2"):
            assert result.true[key] == pytest.approx(result.findings[key].value, rel=1e-4)
    assert without.true["beta_per_A2"] == pytest.approx(1e-2, rel=1e-4)
    assert with_.true["bias_relative"] < 2 * without.true["bias_relative"] < 0


@pytest.mark.parametrize("beta", [-8e-5, 3e-2])
@pytest.mark.parametrize("masses", [[1.0, 0.7, 0.5], [0.5, 1.0, 2.0]])
def test_without_other_effects_beta_is_exact(beta: float, masses: list[float]) -> None:
    """1 kg, 700 g, 500 g (Li2026); m/2, m, 2m (Li2021). The current itself is larger by β I², second order."""
    others = {"balance.test_mass.mass": masses[0], "balance.test_mass.further": masses[1:]}
    found = series(ideal=True).with_({BETA: beta, "campaign.masses": masses, **others}).run().findings
    assert found["beta_per_A2"].value == pytest.approx(beta, rel=1e-4, abs=1e-8)
    assert found["common_relative"].value == pytest.approx(0.0, abs=1e-12)
    expected = 0.5 * np.array(masses) * 9.80665 / 1400.0
    assert found["currents_A"].value == pytest.approx(expected, rel=1e-3)
    assert found["differences_relative"].value == pytest.approx(-beta * expected**2, rel=1e-2, abs=1e-13)


def test_a_bias_that_is_injected_comes_back_with_every_effect_on() -> None:
    found = whole().findings["beta_per_A2"]
    assert abs(found.value - whole().true["beta_per_A2"]) < 3 * found.u
    assert found.u < 0.1 * 0.1
    assert whole().true["beta_per_A2"] != 0.1  # the certificate's error is drawn


def test_what_all_masses_have_in_common_is_no_beta() -> None:
    """A gain that nobody knows shifts them all alike; a line through the origin would take it for β."""
    wrong = {"balance.resistor.gain": 1e-6}
    found = series(ideal=True).with_(wrong).run().findings
    assert found["common_relative"].value == pytest.approx(1e-6, rel=1e-3)
    assert abs(found["beta_per_A2"].value) < 1e-7
    through = series(ideal=True, reduction__through_origin=True).with_(wrong).run().findings
    assert abs(through["beta_per_A2"].value) > 0.05


def test_the_warmth_of_the_magnet_goes_with_the_square_of_the_current() -> None:
    """Not corrected, it is found as β; at 1 kg it is the error of a campaign in the periodic steady state."""
    warm = {"balance.magnet.temperature_coefficient": -1e-3, "reduction.corrections.temperature": False}
    changes = COARSE | {"campaign.cycles": 3, **warm}
    found = scenarios.load("kbmini_mass_series").ideal().with_(changes).run().findings
    single = {"campaign.velocity.reading_step": 0.1, "campaign.weighing.reading_step": 1.0, "campaign.cycles": 3}
    alone = scenarios.load("kbmini_tmtp").ideal().with_(single | warm).run().relative_error
    assert abs(alone) > 1e-8
    assert found["bias_relative"].value == pytest.approx(alone, rel=0.05)
    assert np.abs(found["residuals_relative"].value).max() < 0.03 * abs(alone)
    corrected = (
        scenarios.load("kbmini_mass_series").ideal().with_(changes | {"reduction.corrections.temperature": True})
    )
    assert abs(corrected.run().findings["bias_relative"].value) < 0.02 * abs(alone)


def test_what_is_uncertain_alike_in_all_masses_is_not_uncertain_in_beta() -> None:
    """The density is doubted by 100 kg/m³, 2e-6 of each mass by buoyancy; of a difference of masses nothing is left."""
    scenario = whole().scenario
    turns = Turns.of(whole().readings, known_to(scenario), own_reduction(scenario))  # type: ignore[arg-type]
    one, line = np.eye(3)[:1], np.array([[1.0, 0.0, -1.0]])

    def density(label: str) -> bool:
        return "density" in label

    assert np.abs(turns.causes(density)["test mass: density"]).min() > 1e-6
    assert turns.spread(one, density)[0] > 1e-6
    assert turns.spread(line, density)[0] < np.hypot(*turns.u_scatter[[0, 2]]) + 1e-9


def test_the_picture_shows_the_line_and_the_masses() -> None:
    (picture,) = pictures(whole())
    points, line = whole().findings.curves[0].lines
    assert points.points and len(points.x) == 3
    slope = np.diff(line.y)[0] / np.diff(line.x)[0]
    assert slope == pytest.approx(-whole().findings["beta_per_A2"].value * 1e3)  # 1e-9 against mA²
    assert picture.name == "differences"


# --- turning over ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("magnetisation", [200.0, -3.0])
def test_a_mass_upside_down_shows_its_magnetisation(magnetisation: float) -> None:
    """δ = −V M B'/(m g); the mean of both ways up is the mass."""
    found = reversal(
        ideal=True,
        balance__test_mass__magnetisation=magnetisation,
        balance__magnet__stray_field=45e-6,
        balance__magnet__stray_gradient=1e-4,
        balance__test_mass__susceptibility=4e-3,
    ).findings
    assert found["magnetisation_A_per_m"].value == pytest.approx(magnetisation, rel=1e-5, abs=1e-5)
    assert found["effect_relative"].value == pytest.approx(-magnetisation * 1e-4 / 8000.0 / 9.80665, rel=1e-5)
    assert found["mass_kg"].value == pytest.approx(1.0, abs=1e-12)
    induced = 4e-3 * 45e-6 * 1e-4 / MU_0 / 8000.0 / 9.80665
    assert abs(induced) > 1e-10  # which does not turn over, and is corrected


def test_the_magnetisation_comes_back_with_every_effect_on() -> None:
    result = reversal(balance__test_mass__magnetisation=-900.0)
    for key in ("magnetisation_A_per_m", "mass_kg"):
        found = result.findings[key]
        assert found.u is not None
        assert abs(found.value - result.true[key]) < 3 * found.u, key
    assert result.findings["magnetisation_A_per_m"].u < 0.4 * 900.0


def test_the_mean_needs_no_magnetisation() -> None:
    """Its certificate enters neither the mean nor its uncertainty; upright alone it is wrong by the effect."""
    found = [
        reversal(ideal=True, balance__test_mass__magnetisation=m, balance__magnet__stray_gradient=1e-4).findings
        for m in (0.0, 1000.0)
    ]
    assert found[0]["mass_kg"].value == pytest.approx(found[1]["mass_kg"].value, abs=1e-12)
    upright = found[1]["masses_kg"].value[0]
    assert upright - 1.0 == pytest.approx(-1000.0 * 1e-4 / 8000.0 / 9.80665, rel=1e-4)
    stated = {"size": 50.0, "distribution": "rectangular"}
    usual, doubted = (
        reversal(balance__test_mass__uncertainties={"magnetisation": u}).findings["mass_kg"].u
        for u in (stated, {**stated, "size": 0.0})
    )
    assert usual == pytest.approx(doubted, rel=0.02)


# --- the run ---------------------------------------------------------------------------------------------------------


def test_settling_is_where_temperatures_repeat() -> None:
    """Without it the first mass would warm up while it is weighed."""
    changes = {"campaign.cycles": 2, "campaign.settling": 12, "campaign.velocity.reading_step": 0.1}
    result = scenarios.load("kbmini_mass_series").ideal().with_(changes).run()
    truth = list(result.truth.select("thermal_mass.magnet_temperature_rise"))
    times = np.concatenate([block.times().ravel() for block in truth])
    rise = np.concatenate([block.values.ravel() for block in truth])
    starts = 3600.0 * np.array([12.0, 13.0, 14.0])
    first, second, third = np.interp(starts, times, rise)
    assert abs(third - second) < 0.01 * rise.max()
    assert abs(np.interp(3600.0, times, rise) - rise[0]) > 0.05 * rise.max()
    assert abs(second - first) < 0.01 * rise.max()


def test_blocks_say_what_was_weighed() -> None:
    result = series(ideal=True).run()
    read = list(result.readings.select("current_voltmeter", phase="weighing"))
    assert [b.labels["known_mass_kg"] for b in read[:: len(read) // 3]][:3] == [1.0, 0.7, 0.5]
    assert {b.labels["turn"] for b in read} == {0, 1, 2}
    known = known_to(result.scenario)
    alone = Blocks([b for b in result.readings if b.labels.get("turn") == 0])
    with pytest.raises(ReductionError, match="expected at least two turns"):
        MassSeriesReduction().findings(alone, known)  # type: ignore[arg-type]


def test_run_prints_the_magnetisation(capsys: pytest.CaptureFixture[str]) -> None:
    sets = [word for key, value in REVERSED.items() for word in ("--set", f"{key}={value}")]
    assert main(["run", "nist4_mass_reversal", "--json", *sets]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"magnetisation_A_per_m", "u_magnetisation_A_per_m", "u_mass_kg"} <= set(found["result"])
    assert found["true"]["mass_kg"] == 1.0


@pytest.mark.nightly
def test_run_prints_and_shows_beta(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sets = [word for key, value in SHORT.items() for word in ("--set", f"{key}={value}")]
    sets += ["--set", "reduction.corrections.temperature=false", "--set", "balance.magnet.temperature_coefficient=0"]
    out = tmp_path / "run"
    assert main(["run", "kbmini_mass_series", "--json", "--out", str(out), *sets]) == 0
    found = json.loads(capsys.readouterr().out)["result"]
    assert {"beta_per_A2", "u_beta_per_A2", "slope_per_kg2", "differences_kg"} <= set(found)
    assert (out / "pictures" / "differences.png").stat().st_size > 5_000
    from scenarios.run.reopen import reopen

    assert reopen(out)[0].summary()["result"] == found


@pytest.mark.parametrize(
    ("name", "key", "wrong", "said"),
    [
        ("kbmini_mass_series", "campaign.masses", [1.0], "at least two masses"),
        ("kbmini_mass_series", "campaign.masses", [1.0, -0.5], "at least two masses"),
        ("nist4_mass_reversal", "campaign.ways_up", ["upright"], "with both, upright and upside_down"),
        ("nist4_mass_reversal", "campaign.ways_up", ["sideways"], "'upright' or 'upside_down'"),
    ],
)
def test_wrong_values(name: str, key: str, wrong: Any, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        scenarios.load(name).with_({key: wrong})


def test_a_mass_that_is_not_there_and_a_balance_with_one_mass() -> None:
    with pytest.raises(SimulationError, match=r"there is no mass of 0.2 kg among 1, 0.7, 0.5 kg"):
        series(campaign__masses=[0.2, 1.0]).run()
    single = {"balance.test_mass.type": "test_mass", "balance.test_mass.further": None}
    with pytest.raises(ScenarioError, match="needs the role Magazine, called 'test_mass'"):
        series().with_(single).run()


def test_an_interrupted_series_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    """Which mass is in the exchanger, and which way up, is remembered."""
    changes = REVERSED | {"campaign.ways_up": ["upside_down", "upright"], "campaign.velocity.pairs": 3}
    experiment = scenarios.load("nist4_mass_reversal").with_(changes)
    whole = experiment.run()

    class InterruptedRunError(Exception): ...

    def stop(step: Any, done: int, count: int) -> None:
        if done == 9:  # in the second cycle of the first turn
            raise InterruptedRunError

    with pytest.raises(InterruptedRunError):
        experiment.run(store=tmp_path / "run", progress=stop)
    resumed = experiment.run(store=tmp_path / "run", resume=True)
    assert resumed.steps_resumed == 9
    assert resumed.summary()["result"] == whole.summary()["result"]


# --- what is not seen ------------------------------------------------------------------------------------------------


def test_what_is_not_resolved_is_said() -> None:
    """β of 1e-9 is not seen, one of 1e-6 is."""
    small = series().run()
    assert any("β is not resolved: |β| <" in note and "(95 %)" in note for note in small.findings.notes)
    assert not any("β is not resolved" in note for note in whole().findings.notes)
    assert "M is not resolved" in " ".join(reversal().findings.notes)


@pytest.mark.parametrize(("value", "within"), [(0.0, 1.95996), (1.0, 2.65), (-1.0, 2.65), (6.0, 7.645)])
def test_the_limit_is_that_of_a_normal_distribution(value: float, within: float) -> None:
    assert limit(value, 1.0) == pytest.approx(within, rel=2e-3)
