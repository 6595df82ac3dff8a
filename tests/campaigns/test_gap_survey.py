"""The gap survey: closure, symmetries, what it follows, what it does not see, and its uncertainty."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scenarios
from scenarios.cli.app import main
from scenarios.reduction import ReductionError
from scenarios.run.execute import execute
from scenarios.run.measured import Measured
from scenarios.schema import ScenarioError
from twin.recorder import Blocks

NAME = "tsinghua_gap_survey"
MAGNET, FLUX = "balance.interfering_magnet", "balance.external_flux"
BRIEF = {"campaign.read_time": 2.0, "campaign.zero_time": 2.0, "campaign.move_time": 1.0}
ON_AXIS = {"mounting": "v_axis", "heights": [-0.34, -0.24, -0.19, -0.165, -0.14]}
BESIDE = {"mounting": "h_beside", "heights": [-0.1, -0.05, -0.025, 0.0, 0.025, 0.05, 0.1]}


def measured(changes: dict[str, Any] | None = None, *scans: Any, ideal: bool = True, seed: int = 1) -> Measured:
    experiment = scenarios.load(NAME)
    chosen = {"campaign.scans": list(scans)} if scans else {}
    result = (experiment.ideal() if ideal else experiment).with_({**BRIEF, **chosen, **(changes or {})}, seed=seed)
    found = result.run()
    assert isinstance(found, Measured)
    return found


def value(result: Measured, key: str) -> Any:
    return result.findings[key].value


@pytest.fixture(scope="module")
def plain() -> Measured:
    """All four mountings without noise, and what is retained 0."""
    return measured({f"{MAGNET}.mountings.{name}.retained": 0.0 for name in ("v_axis", "h_axis")})


# --- what Ma2025 states ----------------------------------------------------------------------------------------------


def test_vertical_beside_is_antisymmetric_in_height_and_0_in_the_plane(plain: Measured) -> None:
    mean = value(plain, "v_beside_mean_T")
    assert mean == pytest.approx(-mean[::-1], rel=1e-9, abs=1e-18)
    assert abs(value(plain, "v_beside_mean_at_0_T")) < 1e-18
    assert value(plain, "v_beside_odd_T") > 1e-7
    assert value(plain, "v_beside_even_T") < 1e-16


def test_horizontal_beside_is_symmetric_and_largest_in_the_plane(plain: Measured) -> None:
    mean = value(plain, "h_beside_mean_T")
    assert mean == pytest.approx(mean[::-1], rel=1e-9)
    assert np.abs(mean).argmax() == 6
    assert abs(value(plain, "h_beside_peak_height_m")) < 1e-4
    assert value(plain, "h_beside_odd_T") < 1e-15


def test_vertical_on_the_axis_is_uniform_around(plain: Measured) -> None:
    assert value(plain, "v_axis_uniformity_T") < 1e-9 * abs(value(plain, "v_axis_mean_where_largest_T"))


def test_horizontal_on_the_axis_is_half_wave_symmetric_without_a_mean(plain: Measured) -> None:
    assert value(plain, "h_axis_half_wave_T") < 1e-16
    assert np.abs(value(plain, "h_axis_mean_T")).max() < 1e-16
    assert value(plain, "h_axis_gamma_max") > 1e-5


def test_with_its_initial_permeability_the_yoke_lets_in_ten_times_as_much(plain: Measured) -> None:
    """β(µ_r) = γ(1000)/γ(µ_r): both seen in the fields, and told by the certificates."""
    working = measured({f"{FLUX}.permeability": 1e4}, ON_AXIS)
    assert value(plain, "v_axis_gamma_mean") == pytest.approx(10 * value(working, "v_axis_gamma_mean"), rel=1e-9)
    assert value(plain, "beta_certified") == 10.0
    assert value(working, "beta_certified") == 1.0
    for key in ("gamma_mean_working", "gamma_max_working", "limit_T"):
        assert value(plain, f"v_axis_{key}") == pytest.approx(value(working, f"v_axis_{key}"), rel=1e-9)


@pytest.mark.parametrize("retained", [0.02, 0.3])
def test_after_the_magnet_is_gone_the_field_does_not_return_to_zero(plain: Measured, retained: float) -> None:
    result = measured({f"{MAGNET}.mountings.v_axis.retained": retained}, ON_AXIS)
    full = value(plain, "v_axis_mean_where_largest_T")
    assert value(result, "v_axis_remanent_T") == pytest.approx(retained * full, rel=1e-9)
    assert value(plain, "v_axis_remanent_T") == pytest.approx(0.0, abs=1e-18)


# --- what is found follows the parts ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "factor"),
    [
        ({f"{MAGNET}.mountings.v_axis.shielding": 44.8}, 2.0),
        ({f"{FLUX}.permeability": 4e3}, 0.25),
        ({f"{MAGNET}.height": 15e-3}, np.hypot(12.5, 15.0) / np.hypot(12.5, 7.5)),  # at the same surface field
        ({f"{MAGNET}.surface_field": 0.13}, 1.0),  # γ is relative to it
    ],
    ids=["shielding", "permeability", "moment", "surface field"],
)
def test_gamma_follows(plain: Measured, change: dict[str, float], factor: float) -> None:
    found = measured({**change, f"{MAGNET}.mountings.v_axis.retained": 0.0}, ON_AXIS)
    for key in ("v_axis_gamma_mean", "v_axis_gamma_max"):
        assert value(found, key) == pytest.approx(factor * value(plain, key), rel=1e-9)
    assert value(found, "v_axis_gamma_mean") == pytest.approx(found.true["v_axis_gamma_mean"], rel=1e-5)


def test_a_weaker_magnet_than_certified_is_a_smaller_gamma() -> None:
    """Its surface field is wrong by what its certificate allows; γ is by as much, and its uncertainty says so."""
    u = {f"{MAGNET}.uncertainties": {"surface_field": 0.02}}
    result = measured(u, ON_AXIS, seed=3)
    truth: Any = result.scenario.true_components()["interfering_magnet"]
    error = truth.surface_field / 0.260 - 1.0
    assert abs(error) > 0.02
    gamma = result.findings["v_axis_gamma_mean"]
    assert gamma.value / result.true["v_axis_gamma_mean"] - 1.0 == pytest.approx(error, rel=1e-3)
    assert gamma.u == pytest.approx(gamma.value * 0.02 / 0.260, rel=1e-3)


def test_gains_are_corrected_and_offsets_zeroed() -> None:
    wrong: dict[str, Any] = {f"balance.fluxgate_{k}.gain": 3e-4 * k for k in range(1, 7)}
    wrong |= {f"balance.fluxgate_{k}.offset": 2e-6 * (-1) ** k for k in range(1, 7)}
    plain, off = measured({}, BESIDE), measured(wrong, BESIDE)
    for k in range(1, 7):
        key = f"h_beside_field_{k}_T"
        assert value(off, key) == pytest.approx(value(plain, key), rel=1e-9, abs=1e-18)


def test_static_fields_go_with_the_zero() -> None:
    earth = {"kind": "far", "vertical": 5e-3, "horizontal": 2e-3, "azimuth": 1.0}
    plain, strong = (measured({f"{FLUX}.sources": sources}, BESIDE) for sources in ({}, {"earth": earth}))
    assert value(strong, "h_beside_mean_T") == pytest.approx(value(plain, "h_beside_mean_T"), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("azimuth", [0.0, np.pi / 12, np.pi / 6])
@pytest.mark.parametrize("mounting", ["v_beside", "h_beside"])
def test_the_mean_of_six_sensors_is_the_mean_within_what_they_miss(mounting: str, azimuth: float) -> None:
    result = measured({"balance.sensor_ring.azimuth": azimuth}, {**BESIDE, "mounting": mounting})
    found = result.findings[f"{mounting}_gamma_mean"]
    error = abs(found.value - result.true[f"{mounting}_gamma_mean"])
    assert error <= 2.0 * float(found.u or 0.0) + 1e-4 * found.value
    uncorrected = measured({"balance.sensor_ring.azimuth": azimuth, "reduction.aliasing": False},
                           {**BESIDE, "mounting": mounting})  # fmt: skip
    naive = abs(value(uncorrected, f"{mounting}_gamma_mean") - result.true[f"{mounting}_gamma_mean"])
    assert error <= naive + 1e-4 * found.value


def test_shapes_fit_a_dipole_that_passes() -> None:
    """Where all harmonics are shielded alike the field in the gap is that of the dipole: d is the distance."""
    result = measured({f"{MAGNET}.mountings.h_beside.shielding_around": None}, BESIDE)
    assert value(result, "h_beside_shape_width_m")[0] == pytest.approx(0.175 - 0.085, rel=1e-3)
    largest = np.abs(value(result, "h_beside_field_1_T")).max()
    assert value(result, "h_beside_shape_residual_T")[0] < 1e-4 * largest


# --- uncertainty -----------------------------------------------------------------------------------------------------


def test_the_uncertainty_covers_the_error() -> None:
    """All errors drawn anew for each seed; on the axis there is no sixth harmonic to guess."""
    keys, pulls = ("v_axis_gamma_mean",), []
    for seed in range(10):
        result = measured({f"{MAGNET}.mountings.v_axis.retained": 0.0}, ON_AXIS, ideal=False, seed=seed)
        pulls.append([(value(result, k) - result.true[k]) / result.findings[k].u for k in keys])
    assert np.sqrt(np.mean(np.square(pulls), axis=0)) == pytest.approx(np.ones(1), abs=0.5)


# --- the run ---------------------------------------------------------------------------------------------------------


def test_run_prints_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    only = "campaign.scans=[{mounting: v_axis, heights: [-340 mm, -240 mm, -190 mm, -165 mm, -140 mm]}]"
    assert main(["run", NAME, "--json", "--set", only, "--out", str(out)]) == 0
    summary = json.loads(capsys.readouterr().out)
    for name in ("v_axis",):
        keys = {f"{name}_{key}" for key in ("gamma_mean", "gamma_max", "remanent_T", "mean_T", "shape_width_m")}
        assert keys | {f"u_{key}" for key in keys} <= set(summary["result"])
        assert (out / "pictures" / f"{name}.png").stat().st_size > 5_000
    assert summary["quantities"]["v_axis_gamma_max"]["unit"] == "1"
    assert "what the magnet couples into the gap" in (out / "report.html").read_text(encoding="utf-8")


def test_a_run_that_stops_goes_on_where_it_was(tmp_path: Path) -> None:
    """What the yoke has kept is in the checkpoint."""

    def stop(step: Any, done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    after = {"mounting": "h_axis", "heights": ON_AXIS["heights"]}
    experiment = scenarios.load(NAME).with_({**BRIEF, "campaign.scans": [ON_AXIS, after]})
    with pytest.raises(KeyboardInterrupt):
        execute(experiment.scenario, store=tmp_path / "run", progress=stop)
    resumed = execute(experiment.scenario, store=tmp_path / "run", resume=True)
    assert resumed.steps_resumed == 1
    assert resumed.summary()["result"] == experiment.run().summary()["result"]


def test_readings_that_cannot_tell_are_refused() -> None:
    result = measured({}, BESIDE)
    reduction: Any = result.scenario.sections["reduction"]
    known = {"interfering_magnet.surface_field": scenarios.reduction.Estimate(0.26)}
    without = [b for b in result.readings if not (b.channel == "fluxgate_4" and b.has(phase="zero"))]
    with pytest.raises(ReductionError, match="expected one block of channel 'fluxgate_4' with phase 'zero'"):
        reduction.findings(Blocks(without), known)
    with pytest.raises(ReductionError, match="no source was brought"):
        reduction.findings(Blocks([]), known)
    with pytest.raises(ReductionError, match=r"needs the certificate interfering_magnet\.surface_field"):
        reduction.findings(result.readings, {})
    few = [b for b in result.readings if b.labels.get("height_m", 0.0) in (0.0, 0.05)]
    with pytest.raises(ReductionError, match="2 heights of 'h_beside' do not determine a shape"):
        reduction.findings(Blocks(few), known)


def test_a_sensor_beyond_its_range_is_named() -> None:
    with pytest.raises(ReductionError, match="fluxgate_1 is beyond its range"):
        measured({"balance.fluxgate_1.range": 1e-6}, BESIDE)


@pytest.mark.parametrize(
    ("key", "wrong", "said"),
    [
        ("campaign.reading_step", 1.0, "four readings within read_time"),
        ("campaign.scans", [BESIDE, BESIDE], "one scan of each mounting"),
        ("campaign.scans", [{**BESIDE, "heights": [0.0] * 5}], "heights that differ"),
        (f"{MAGNET}.mountings.v_axis.retained", 1.5, "less than or equal to 1"),
    ],
)
def test_wrong_values(key: str, wrong: Any, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        scenarios.load(NAME).with_({**BRIEF, key: wrong})
