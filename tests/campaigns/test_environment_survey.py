"""The environment survey: closure, what moves with the magnet and what does not, the motor, and its uncertainty."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scenarios
from components.external_source import NearEnd
from scenarios.cli.app import main
from scenarios.reduction import ReductionError
from scenarios.run.measured import Measured
from scenarios.schema import ScenarioError
from twin.recorder import Blocks

NAME = "tsinghua_environment_survey"
FLUX, SOURCES = "balance.external_flux", "balance.external_flux.sources"
BRIEF = {"campaign.cycles": 2, "campaign.move_time": 3.0, "campaign.rest_time": 3.0, "campaign.mount_time": 1.0}
EARTH = {"kind": "far", "vertical": 48e-6, "horizontal": 28e-6, "azimuth": 0.4}
STEEL = {"kind": "near", "direction": "horizontal", "r": 1.5, "z": -0.5, "azimuth": 2.0, "remanence": 40.0,
         "shielding": 170.0}  # fmt: skip
MOTOR = {"kind": "near", "appears": "moving", "direction": "vertical", "z": -0.6, "shielding": 92.0}
ARRANGEMENTS = [
    {"axis": axis, "height": height, "carried": carried}
    for axis, height in (("radial", 0.0), ("vertical", -85e-3))
    for carried in (False, True)
]
NAMES = ["radial_static", "radial_moving", "vertical_static", "vertical_moving"]


def measured(changes: dict[str, Any] | None = None, *, ideal: bool = True, seed: int = 1, **sources: Any) -> Measured:
    experiment = scenarios.load(NAME)
    chosen = {SOURCES: sources} if sources else {}
    result = (experiment.ideal() if ideal else experiment).with_({**BRIEF, **chosen, **(changes or {})}, seed=seed)
    found = result.run()
    assert isinstance(found, Measured)
    return found


def value(result: Measured, key: str) -> Any:
    return result.findings[key].value


# --- what Ma2025 states ----------------------------------------------------------------------------------------------


def test_sensors_at_rest_see_the_magnet_pass_and_those_that_move_along_do_not() -> None:
    """Of the Earth's field alone: its distortion by the yoke moves with the yoke."""
    result = measured(earth=EARTH)
    for name in NAMES:
        change = value(result, f"{name}_change_T")
        assert change == pytest.approx(result.true[f"{name}_change_T"], rel=1e-9, abs=1e-18)
        if name.endswith("static"):
            assert -4e-6 < change < -2.5e-6
        else:
            assert np.abs(value(result, f"{name}_changes_T")).max() < 1e-18
    assert value(result, "radial_static_change_amplitude_T") < 1e-12  # the vertical field's alone


def test_around_the_magnet_it_is_a_sine() -> None:
    result = measured(earth=EARTH)
    for end in ("bottom", "top"):
        assert value(result, f"radial_static_{end}_amplitude_T") > 1.5 * 28e-6  # the yoke draws it in
        turned = value(result, f"radial_static_{end}_phase_rad") - 0.4
        assert np.cos(turned) == pytest.approx(-1.0)  # inward where it comes from
    assert value(result, "radial_static_bottom_mean_T") == pytest.approx(-value(result, "radial_static_top_mean_T"))
    assert value(result, "radial_moving_bottom_mean_T") == pytest.approx(0.0, abs=1e-18)
    assert value(result, "radial_static_change_left_T") < 1e-15


@pytest.mark.parametrize("remanence", [0.0, 1.0, 3.0])
def test_a_motor_is_a_step_where_it_is_switched(remanence: float) -> None:
    """The field that it has at a sensor in the middle of the travel; none in Ma2025. It does not change the ends."""
    no_yoke = {f"{FLUX}.vertical_multipoles": [], f"{FLUX}.horizontal_multipoles": []}
    result = measured(no_yoke, earth=EARTH, motor={**MOTOR, "remanence": remanence})
    motor = NearEnd(direction="vertical", z=-0.6, shielding=92.0, remanence=remanence)
    own = -float(motor.free_field(0.0, -85e-3, 0.160)[1])
    steps = value(result, "vertical_static_motor_steps_T")
    assert steps == pytest.approx(np.full(6, own), rel=1e-6, abs=1e-10)
    assert value(result, "vertical_static_change_T") == pytest.approx(0.0, abs=1e-15)


# --- what is found follows the parts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [-1.0, 0.5, 2.0])
def test_the_change_follows_the_vertical_field(factor: float) -> None:
    plain, changed = measured(earth=EARTH), measured(earth={**EARTH, "vertical": 48e-6 * factor})
    for name in ("radial_static", "vertical_static"):
        key = f"{name}_change_T"
        assert value(changed, key) == pytest.approx(factor * value(plain, key), rel=1e-9)


def test_it_goes_with_the_lift() -> None:
    short, long = (measured({"campaign.travel": travel}, earth=EARTH) for travel in (1e-3, 10e-3))
    ratio = value(long, "radial_static_change_T") / value(short, "radial_static_change_T")
    assert ratio == pytest.approx(10.0, rel=0.01)


def test_a_field_that_is_not_uniform_is_seen_by_sensors_that_move() -> None:
    result = measured(steel=STEEL)
    source = NearEnd(**{k: v for k, v in STEEL.items() if k != "kind"})
    angles = value(result, "azimuth_rad")
    own = [-(source.free_field(angles, -85e-3 + z, 0.160)[1]) for z in (5e-3, -5e-3)]
    found = value(result, "vertical_moving_changes_T")
    assert np.abs(found).max() > 5e-8
    assert found == pytest.approx(result.true["vertical_moving_change_T"], abs=0.5 * np.abs(found).max())
    assert np.sign(found).tolist() == np.sign(own[0] - own[1]).tolist()


def test_the_magnets_own_leakage_is_seen_by_sensors_at_rest() -> None:
    """Even about the middle plane: the radial field there does not change, the vertical one does."""
    nothing = {"kind": "far"}
    result = measured({f"{FLUX}.leakage_multipoles": [42e-6, -29e-6]}, nothing=nothing)
    assert abs(value(result, "radial_static_change_T")) < 1e-15
    assert value(result, "radial_static_bottom_mean_T") > 1e-6
    assert abs(value(result, "vertical_static_change_T")) > 1e-6
    assert value(result, "vertical_moving_change_T") == pytest.approx(0.0, abs=1e-18)


def test_offsets_are_not_changes_and_gains_are_corrected() -> None:
    wrong: dict[str, Any] = {f"balance.fluxgate_{k}.gain": 3e-4 * k for k in range(1, 7)}
    wrong |= {f"balance.fluxgate_{k}.offset": 2e-6 * k for k in range(1, 7)}
    plain, off = measured(earth=EARTH), measured(wrong, earth=EARTH)
    for key in ("radial_static_changes_T", "radial_static_change_T", "radial_static_bottom_mean_T"):
        assert value(off, key) == pytest.approx(value(plain, key), rel=1e-9)


def test_offsets_that_are_not_known_are_in_the_mean_and_not_in_its_change() -> None:
    result = measured({}, ideal=False)
    u = 8e-6 / np.sqrt(3) / np.sqrt(6)
    assert result.findings["radial_static_bottom_mean_T"].u == pytest.approx(u, rel=1e-3)
    assert float(result.findings["radial_static_change_T"].u or 0) < 5e-9


def test_what_is_left_by_the_sine_tells_more_than_one_harmonic() -> None:
    near = {**MOTOR, "appears": "always", "r": 0.4, "z": 0.0, "direction": "horizontal", "remanence": 1.0}
    result = measured(earth=EARTH, near=near)
    assert value(result, "vertical_moving_change_left_T") > 0.05 * value(result, "vertical_moving_change_amplitude_T")


# --- uncertainty -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seeds", "within"), [(8, 0.6), pytest.param(60, 0.25, marks=pytest.mark.nightly)], ids=["short", "nightly"]
)
def test_the_uncertainty_covers_the_error(seeds: int, within: float) -> None:
    changes = {"campaign.reading_step": 0.3, "campaign.arrangements": ARRANGEMENTS[:1]}
    pulls, steps = [], []
    for seed in range(seeds):
        result = measured(changes, ideal=False, seed=seed)
        found = result.findings["radial_static_change_T"]
        pulls.append((found.value - result.true["radial_static_change_T"]) / found.u)
        found = result.findings["radial_static_motor_steps_T"]
        steps.append(np.asarray(found.value) / np.asarray(found.u))
    assert np.sqrt(np.mean(np.square(pulls))) == pytest.approx(1.0, abs=within)
    assert np.sqrt(np.mean(np.square(steps))) == pytest.approx(1.0, abs=0.3)  # there is no motor


# --- the run ---------------------------------------------------------------------------------------------------------


def test_run_prints_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    only = "campaign.arrangements=[{axis: radial, height: 0 mm, carried: false}]"
    assert main(["run", NAME, "--json", "--set", only, "--out", str(out)]) == 0
    summary = json.loads(capsys.readouterr().out)
    keys = {f"radial_static_{key}" for key in ("change_T", "bottom_amplitude_T", "motor_step_T")}
    assert keys | {f"u_{key}" for key in keys} <= set(summary["result"])
    for name in ("radial_static_cycle", "radial_static_around"):
        assert (out / "pictures" / f"{name}.png").stat().st_size > 5_000


def test_readings_that_cannot_tell_are_refused() -> None:
    result = measured({"campaign.arrangements": ARRANGEMENTS[:1]}, earth=EARTH)
    reduction: Any = result.scenario.sections["reduction"]
    with pytest.raises(ReductionError, match="nothing was read"):
        reduction.findings(Blocks([]), {})
    with pytest.raises(
        ReductionError, match="the encoder was not read with the sensors in arrangement 'radial_static'"
    ):
        reduction.findings(Blocks([b for b in result.readings if b.channel != "encoder"]), {})
    with pytest.raises(ReductionError, match="expected one block of channel 'fluxgate_2' with phase 'survey'"):
        reduction.findings(Blocks([b for b in result.readings if b.channel != "fluxgate_2"]), {})


@pytest.mark.parametrize(
    ("key", "wrong", "said"),
    [
        ("campaign.move_time", 0.5, "ten readings within move_time and rest_time"),
        ("campaign.arrangements", [ARRANGEMENTS[0]] * 2, "arrangements that differ"),
        ("campaign.cycles", 1, "greater than or equal to 2"),
    ],
)
def test_wrong_values(key: str, wrong: Any, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        scenarios.load(NAME).with_({**BRIEF, key: wrong})
