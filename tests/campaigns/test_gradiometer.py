"""The gradiometer's profile: closure, what it follows, what it does not see, and its uncertainty."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scenarios
from scenarios.cli.app import main
from scenarios.run.experiment import Experiment
from scenarios.run.measured import Measured
from scenarios.schema import ScenarioError

EQUAL = {f"balance.gradiometer.uncertainties.{key}": None for key in ("radius", "separation", "mismatch")}


@lru_cache(maxsize=2)
def shipped(ideal: bool) -> Experiment:
    experiment = scenarios.load("nist4_gradiometer")
    return experiment.ideal() if ideal else experiment


def measured(changes: dict[str, Any] | None = None, *, ideal: bool = False, seed: int = 1) -> Measured:
    result = shipped(ideal).with_(changes or {}, seed=seed).run()
    assert isinstance(result, Measured)
    return result


def pull(result: Measured, key: str) -> float:
    quantity = result.findings[key]
    return float((quantity.value - result.true[key]) / quantity.u)


def value(result: Measured, key: str) -> float:
    return float(result.findings[key].value)


# --- closure ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", [[-6.364e-3, -0.16], [2e-2, 0.5, -3.0], []])
def test_without_effects_the_profile_closes(profile: list[float]) -> None:
    """ln B is no polynomial where B is one: order 8 makes up for it. The coils' height, 10 mm, does not matter."""
    result = measured({"balance.magnet.profile": profile, "reduction.profile_order": 8}, ideal=True)
    z, found = (np.asarray(result.findings[key].value) for key in ("position_m", "profile"))
    expected = sum(c * z**k for k, c in enumerate(profile, start=1))
    assert found == pytest.approx(expected, abs=2e-9)  # readings are means over 0.2 mm
    assert value(result, "slope_T_per_m") == pytest.approx(result.true["slope_T_per_m"], rel=3e-6, abs=1e-10)
    assert value(result, "field_T") == pytest.approx(result.true["field_T"], rel=1e-8)


# --- what is found follows the parts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("slope", [-13e-3, 7e-3, -3.5e-3, 0.1e-3])
def test_the_slope_follows_the_magnet(slope: float) -> None:
    """The slopes of the shimming (T/m)."""
    result = measured({"balance.magnet.profile": [slope / 0.55, -0.16]})
    assert result.true["slope_T_per_m"] == pytest.approx(slope, rel=1e-3)
    assert abs(pull(result, "slope_T_per_m")) < 3.5
    assert abs(pull(result, "relative_slope_per_m")) < 3.5
    assert float(result.findings["slope_T_per_m"].u or 0) < 2e-5 + 3e-3 * abs(slope)


def test_the_uncertainty_covers_the_error() -> None:
    """Noise, separation, radius and equality of the coils drawn anew for each seed."""
    keys = "slope_T_per_m", "relative_slope_per_m", "field_T", "deviation"
    pulls = [[pull(result, key) for key in keys] for result in (measured(seed=seed) for seed in range(10))]
    assert np.sqrt(np.mean(np.square(pulls), axis=0)) == pytest.approx(np.ones(4), abs=0.6)


def test_a_drift_of_the_slope_is_seen() -> None:
    """Seifert2014: from −0.594 to −0.609 µT/mm in 60 h. What is unknown of the coils is the same both times."""
    found = [measured({"balance.magnet.profile": [s / 0.55, -0.16]}) for s in (-0.594e-3, -0.609e-3)]
    drift = value(found[1], "slope_T_per_m") - value(found[0], "slope_T_per_m")
    true = found[1].true["slope_T_per_m"] - found[0].true["slope_T_per_m"]
    assert drift == pytest.approx(true, rel=0.02)


def test_the_uniform_range_of_the_shimmed_magnet() -> None:
    shimmed = measured({"balance.magnet.profile": [1.8e-4, -0.16]})
    assert value(shimmed, "uniform_range_m") == pytest.approx(
        0.05, abs=4 * float(shimmed.findings["uniform_range_m"].u or 0)
    )
    steep = measured({"balance.magnet.profile": [-2e-2, 0.0]}, ideal=True)
    assert value(steep, "uniform_range_m") == pytest.approx(0.01, rel=1e-4)


@pytest.mark.parametrize(
    "wrong",
    [{"offset": 1e-3}, {"eccentricity": 0.3e-3}, {"tilt": 2e-3}, {"skew": 1e-3}],
    ids=["offset", "eccentricity", "tilt", "skew"],
)
def test_what_is_not_straight_is_not_seen(wrong: dict[str, float]) -> None:
    """A Hall probe would show 1 mm as 2.5 mT; the slope stays within 0.3 µT/m."""
    straight = measured(ideal=True)
    askew = measured({f"balance.gradiometer.{key}": v for key, v in wrong.items()}, ideal=True)
    assert abs(value(askew, "slope_T_per_m") - value(straight, "slope_T_per_m")) < 3e-7


def test_what_is_stated_of_the_coils_is_used() -> None:
    """The certificate's separation and mismatch; what they are unsure of is in the uncertainty."""
    unequal = {"balance.gradiometer.mismatch": 3e-6, "balance.gradiometer.separation": 0.015}
    assert abs(pull(measured(unequal), "slope_T_per_m")) < 3.5
    loose = {"balance.gradiometer.uncertainties.separation": 2e-4, "balance.gradiometer.uncertainties.mismatch": 1e-5}
    result = measured(loose)
    expected = 0.55 * np.hypot(1e-5 / 0.012, 6.364e-3 * 2e-4 / 0.012)
    assert float(result.findings["slope_T_per_m"].u or 0) == pytest.approx(expected, rel=0.05)


def test_offsets_of_the_meters_and_wandering_velocity_cost_nothing() -> None:
    effects = {
        "balance.difference_voltmeter.offset": 2e-6,
        "balance.induced_voltmeter.offset": -3e-6,
        "balance.ground_vibration.spectrum": [[0.1, 1e-5], [10, 1e-7]],
        "balance.ground_vibration.coil_share": 1.0,
    }
    result = measured(effects, ideal=True)
    assert abs(value(result, "slope_T_per_m") - result.true["slope_T_per_m"]) < 1e-3 * 3.5e-3
    assert value(result, "common_mode_rejection") > 2e3


def test_what_is_unsure_of_the_height_is_in_the_uncertainty() -> None:
    """b2 h²/12 = −2.5e-5 is taken off the field; of 20 % of the height, 40 % of it."""
    bent = {"balance.magnet.profile": [0.05, -3.0]}
    loose = measured({**bent, "balance.gradiometer.uncertainties.height": 2e-3}, ideal=True)
    sure = measured(bent, ideal=True)
    u, least = (float(result.findings["field_T"].u or 0) / 0.55 for result in (loose, sure))
    assert np.sqrt(u**2 - least**2) == pytest.approx(0.4 * 3.0 * 1e-4 / 12, rel=0.25)


# --- noise -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flexing", [3e-4, 3e-3])
def test_common_mode_noise_drops_by_what_the_former_gives_way(flexing: float) -> None:
    quiet = {"balance.magnet.profile": [], "balance.difference_voltmeter.white_noise": 1e-9}
    result = measured({**quiet, "balance.gradiometer.flexing": flexing})
    assert value(result, "common_mode_rejection") == pytest.approx(1 / flexing, rel=0.1)


def test_or_to_the_noise_of_the_meter() -> None:
    """Readings of 0.2 s of white noise."""
    result = measured({"balance.gradiometer.flexing": 0.0, "balance.difference_voltmeter.white_noise": 3e-7})
    assert value(result, "noise_difference_V") == pytest.approx(3e-7 / np.sqrt(0.4), rel=0.06)


# --- the deviation from 1/r ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("b0", "b2"), [(-1e-3, -18.6), (2e-3, 10.0), (0.0, 0.0)])
def test_radial_coils_tell_the_deviation(b0: float, b2: float) -> None:
    changes = {"balance.gap_field.radial_deviation": b0, "balance.gap_field.radial_deviation_curvature": b2}
    result = measured(changes)
    off = result.findings["deviation_off_plane"]
    assert abs(pull(result, "deviation")) < 3.5
    assert abs(off.value - (b0 + b2 * 0.022**2)) < 3.5 * float(off.u or 0)
    assert float(off.u or 0) < 1e-4


def test_without_radial_coils_there_is_no_deviation() -> None:
    parts = {f"balance.{side}_{what}": None for side in ("inner", "outer") for what in ("coils", "voltmeter")}
    wiring = scenarios.load("nist4_gradiometer").scenario.wiring
    wires = {port: None for port in wiring if port.split(".")[0].split("_")[0] in ("inner", "outer")}
    result = measured({**parts, "balance.wiring": wires})
    assert abs(pull(result, "slope_T_per_m")) < 3.5
    with pytest.raises(KeyError, match="no quantity 'deviation'"):
        result.findings["deviation"]


# --- the run ---------------------------------------------------------------------------------------------------------


def test_an_order_that_does_not_suffice_is_told() -> None:
    bent = {"balance.magnet.profile": [-6e-3, -0.16, 5.0, -200.0], "reduction.profile_order": 2}
    assert "raise it" in measured(bent).findings.notes[0]
    assert measured().findings.notes == ()


def test_run_prints_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert main(["run", "nist4_gradiometer", "--json", "--out", str(out)]) == 0
    summary = json.loads(capsys.readouterr().out)
    keys = {"slope_T_per_m", "u_slope_T_per_m", "relative_slope_per_m", "profile", "u_profile", "uniform_range_m"}
    assert keys <= set(summary["result"])
    assert summary["quantities"]["slope_T_per_m"]["unit"] == "T/m"
    for name in ("profile", "slope"):
        assert (out / "pictures" / f"{name}.png").stat().st_size > 5_000


@pytest.mark.parametrize(
    ("key", "wrong", "said"),
    [
        ("campaign.reading_step", 10.0, "at least 20 readings in a sweep of 80 s"),
        ("campaign.zero_time", 0.5, "four readings within zero_time"),
        ("reduction.profile_order", 0, "greater than or equal to 1"),
    ],
)
def test_wrong_values(key: str, wrong: Any, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        scenarios.load("nist4_gradiometer").with_({key: wrong})
