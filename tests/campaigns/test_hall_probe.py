"""The guided Hall probe: closure, the walk of its guide as theory has it, and an uncertainty that holds it."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scenarios
from scenarios.cli.app import main
from scenarios.reduction import ReductionError
from scenarios.run.experiment import Experiment
from scenarios.run.measured import Measured
from scenarios.schema import ScenarioError

WALK = 3e-3  # 0.24 mm over 8 cm
EXACT = {"balance.guide.uncertainties": None, "balance.hall_probe.uncertainties": None}


@lru_cache(maxsize=2)
def shipped(ideal: bool) -> Experiment:
    experiment = scenarios.load("nist4_hall_probe")
    return experiment.ideal() if ideal else experiment


def measured(changes: dict[str, Any] | None = None, *, ideal: bool = False, seed: int = 1) -> Measured:
    result = shipped(ideal).with_(changes or {}, seed=seed).run()
    assert isinstance(result, Measured)
    return result


def value(result: Measured, key: str) -> float:
    return float(result.findings[key].value)


def u(result: Measured, key: str) -> float:
    return float(result.findings[key].u or 0.0)


def error(result: Measured, key: str = "slope_T_per_m") -> float:
    return value(result, key) - result.true[key]


# --- closure, and what it follows ------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", [[-6.364e-3, -0.16], [2e-2, 0.5, -3.0], []])
def test_without_effects_the_profile_closes(profile: list[float]) -> None:
    result = measured({"balance.magnet.profile": profile, "reduction.profile_order": 6}, ideal=True)
    z, found = (np.asarray(result.findings[key].value) for key in ("position_m", "profile"))
    assert found == pytest.approx(sum(c * z**k for k, c in enumerate(profile, start=1)), abs=1e-10)
    assert error(result) == pytest.approx(0.0, abs=1e-9)
    assert value(result, "field_T") == pytest.approx(result.true["field_T"], rel=1e-10)
    assert value(result, "deviation") == pytest.approx(0.0, abs=1e-10)


@pytest.mark.parametrize("slope", [-13e-3, 7e-3, 0.1e-3])
def test_the_slope_follows_the_magnet(slope: float) -> None:
    result = measured({"balance.magnet.profile": [slope / 0.55, -0.16], **EXACT})
    assert result.true["slope_T_per_m"] == pytest.approx(slope, rel=1e-3)
    assert abs(error(result)) < 3.5 * u(result, "slope_T_per_m")
    assert u(result, "slope_T_per_m") < 3e-5


def test_the_uncertainty_covers_the_error() -> None:
    """Walk, bow, centring, radius and gain drawn anew for each seed; nearly all of it is the walk."""
    keys, pulls = ("slope_T_per_m", "field_T", "deviation"), []
    for seed in range(12):
        result = measured(seed=seed)
        pulls.append([error(result, key) / u(result, key) for key in keys])
    assert np.sqrt(np.mean(np.square(pulls), axis=0)) == pytest.approx(np.ones(3), abs=0.55)
    assert u(result, "slope_T_per_m") == pytest.approx(value(result, "uncertainty_centring_T_per_m"), rel=0.02)
    assert value(result, "uncertainty_readings_T_per_m") < 0.01 * u(result, "slope_T_per_m")


# --- centring --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("b0", [0.0, -0.05])
def test_a_walk_looks_like_a_slope(b0: float) -> None:
    """−(1 − b) w B/r; the same walk on the certificate takes it away."""
    field = {"balance.gap_field.radial_deviation": b0, "balance.guide.walk_x": WALK}
    biased = measured({**field, "reduction.centring": False}, ideal=True)
    # ideal() has switched off both, and they are set again
    expected = -(1.0 - b0) * WALK * biased.true["field_T"] / 0.217
    assert error(biased) == pytest.approx(expected, rel=0.01)
    assert value(biased, "centring_T_per_m") == pytest.approx(expected, rel=0.01)
    corrected = measured(field, ideal=True)
    assert abs(error(corrected)) < 0.01 * abs(expected)


def test_a_bow_bends_the_profile() -> None:
    bowed = {"balance.guide.bow_x": 0.05, "balance.magnet.profile": []}
    result = measured({**bowed, "reduction.centring": False}, ideal=True)
    z, found = (np.asarray(result.findings[key].value) for key in ("position_m", "profile"))
    assert found == pytest.approx(-0.05 * z**2 / 0.217, rel=1e-2, abs=1e-9)
    assert np.abs(measured(bowed, ideal=True).findings["profile"].value).max() < 1e-8


def test_it_agrees_with_the_gradiometer_within_its_own_uncertainty() -> None:
    """Both of the same magnet. The Hall probe is a hundred times less sure of the slope."""
    other = scenarios.load("nist4_gradiometer").run()
    for seed in (1, 2):
        result = measured(seed=seed)
        together = np.hypot(u(result, "slope_T_per_m"), u(other, "slope_T_per_m"))
        assert abs(value(result, "slope_T_per_m") - value(other, "slope_T_per_m")) < 2.5 * together
    assert u(result, "slope_T_per_m") > 100 * u(other, "slope_T_per_m")


# --- resolution ------------------------------------------------------------------------------------------------------


def test_a_resolution_that_hides_the_slope_is_in_the_uncertainty() -> None:
    coarse = {"balance.hall_probe.resolution": 1e-3, "balance.hall_probe.white_noise": 0.0, **EXACT}
    result = measured(coarse)
    spread = np.ptp(result.findings["profile"].value)
    assert spread < 1e-9  # all readings are one digit
    assert u(result, "slope_T_per_m") > 0.5 * abs(result.true["slope_T_per_m"])
    assert abs(error(result)) < 3 * u(result, "slope_T_per_m")


# --- across the gap --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("b0", "b2"), [(-1e-3, -18.6), (0.02, 30.0)])
def test_the_deviation_from_1_over_r(b0: float, b2: float) -> None:
    field = {"balance.gap_field.radial_deviation": b0, "balance.gap_field.radial_deviation_curvature": b2}
    result = measured({**field, **EXACT})
    found, sure = (np.asarray(getattr(result.findings["deviations"], name)) for name in ("value", "u"))
    assert np.all(np.abs(found - (b0 + b2 * np.array([0.0, 0.022]) ** 2)) < 4 * sure + 2e-5)
    assert sure.max() < 5e-4


def test_without_going_across_the_field_is_taken_to_fall_as_1_over_r() -> None:
    result = measured({"campaign.heights": []})
    assert abs(error(result)) < 3 * u(result, "slope_T_per_m")
    with pytest.raises(KeyError, match="no quantity 'deviation'"):
        result.findings["deviation"]


# --- the run ---------------------------------------------------------------------------------------------------------


def test_run_prints_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert main(["run", "nist4_hall_probe", "--json", "--out", str(out)]) == 0
    summary = json.loads(capsys.readouterr().out)
    keys = {
        "slope_T_per_m",
        "u_slope_T_per_m",
        "uncertainty_centring_T_per_m",
        "deviation",
        "profile",
        "uniform_range_m",
    }
    assert keys <= set(summary["result"])
    assert (out / "pictures" / "profile.png").stat().st_size > 5_000


@pytest.mark.parametrize(
    ("key", "wrong", "said"),
    [
        ("campaign.reading_step", 3.0, "two readings within read_time"),
        ("campaign.shifts", [0.0], "two shifts or more"),
        ("campaign.points", 3, "greater than or equal to 5"),
    ],
)
def test_wrong_values(key: str, wrong: Any, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        scenarios.load("nist4_hall_probe").with_({key: wrong})


def test_few_places_are_refused() -> None:
    with pytest.raises(ReductionError, match="20 readings cannot determine a profile of order 4"):
        measured({"campaign.points": 5})
