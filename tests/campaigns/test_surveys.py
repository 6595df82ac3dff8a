"""Environment survey and gap survey: what fluxgates see is what the sources do, and no more."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scenarios
from scenarios.cli.app import main
from scenarios.reduction import ReductionError
from scenarios.reduction.around import fit_wave
from scenarios.run.measured import Measured
from scenarios.schema import ScenarioError
from twin.errors import WiringError
from twin.recorder import Blocks

AROUND, GAP = "tsinghua_environment_survey", "tsinghua_gap_survey"
EARTH = {"kind": "far", "vertical": 48e-6, "horizontal": 28e-6, "azimuth": 0.4}
SOURCES = "balance.external_flux.sources"
PASSING = {
    "kind": "near",
    "direction": "vertical",
    "r": 0.175,
    "z": 0.0,
    "shielding": 100.0,
    "carried": True,
    "course": {"schedule": [[35, 0], [60, 1]]},
}


def measured(name: str, keys: dict[str, Any] | None = None, **sources: Any) -> Measured:
    """Without any effect but these sources."""
    result = scenarios.load(name).ideal().with_({SOURCES: sources, **(keys or {})}).run()
    assert isinstance(result, Measured)
    return result


def value(result: Measured, key: str) -> Any:
    return result.findings[key].value


# --- the environment -------------------------------------------------------------------------------------------------


def test_a_uniform_field_without_a_yoke_is_a_sine_and_does_not_change() -> None:
    result = measured(AROUND, {"balance.external_flux.yoke_volume": 0.0}, earth=EARTH)
    for ring in ("static_radial", "moving_radial"):
        assert value(result, f"{ring}_amplitude_T") == pytest.approx(28e-6, rel=1e-12)
        assert value(result, f"{ring}_mean_T") == pytest.approx(0.0, abs=1e-18)
        assert value(result, f"{ring}_change_T") == pytest.approx(0.0, abs=1e-18)
    for ring in ("static_vertical", "moving_vertical"):
        assert value(result, f"{ring}_mean_T") == pytest.approx(48e-6, rel=1e-12)


def test_the_yoke_bends_the_field_along() -> None:
    """A dipole 3 V B/µ0 that moves with the magnet: static sensors see it pass, those carried along do not."""
    result = measured(AROUND, earth={**EARTH, "horizontal": 0.0})
    moment = 3 * 6.84e-3 * 48e-6 / (4e-7 * math.pi)
    inward = 1e-7 * 3 * moment * 0.16 * 5e-3 / (0.16**2 + 5e-3**2) ** 2.5  # of a dipole downward, 5 mm below
    assert value(result, "static_radial_mean_T") == pytest.approx(inward, rel=1e-9)
    assert value(result, "static_radial_mean_change_T") == pytest.approx(-2 * inward, rel=1e-9)
    assert abs(value(result, "static_radial_change_T")) > 1e-6
    for ring in ("moving_radial", "moving_vertical"):
        assert abs(value(result, f"{ring}_change_T")) < 1e-18


@pytest.mark.parametrize("travel", [4e-3, 10e-3])
def test_the_change_goes_with_the_lift(travel: float) -> None:
    result = measured(AROUND, {"campaign.travel": travel}, earth=EARTH)
    small = measured(AROUND, {"campaign.travel": 1e-3}, earth=EARTH)
    change = value(result, "static_radial_mean_change_T")
    assert change == pytest.approx(travel / 1e-3 * value(small, "static_radial_mean_change_T"), rel=5e-3)


def test_a_motor_that_is_switched_on_is_a_jump() -> None:
    motor = {"kind": "near", "direction": "vertical", "z": -0.34, "shielding": 92.0, "appears": "moving"}
    result = measured(AROUND, motor=motor)
    part: Any = result.scenario.components()["external_flux"]
    field = float(part.sources["motor"].free_field(0.0, -0.085, 0.16)[1])
    assert value(result, "static_vertical_switching_T") == pytest.approx(field, rel=1e-9)
    assert value(measured(AROUND, earth=EARTH), "moving_radial_switching_T") == pytest.approx(0.0, abs=1e-18)
    assert value(result, "static_vertical_change_T") == 0.0  # it is off at either end


def test_zeros_of_fluxgates_are_not_changes() -> None:
    offsets = {"balance.static_radial.offsets": [5e-6, -3e-6, 2e-6, -6e-6, 1e-6, -2e-6]}
    plain, off = (measured(AROUND, keys, earth=EARTH) for keys in ({}, offsets))
    for key in ("static_radial_changes_T", "static_radial_mean_change_T"):
        assert value(off, key) == pytest.approx(value(plain, key), rel=1e-9)
    assert value(off, "static_radial_mean_T") != pytest.approx(value(plain, "static_radial_mean_T"), rel=0.1)


def test_the_uncertainty_of_a_change_covers_it() -> None:
    experiment = scenarios.load(AROUND).with_({SOURCES: {"geomagnetic": None, "motor": None}})
    z = []
    for seed in range(8):
        result = experiment.with_(seed=seed).run()
        found = result.findings["static_radial_changes_T"]
        z.append(found.value / found.u)
    assert 0.7 < np.sqrt(np.mean(np.square(np.concatenate(z)))) < 2.2  # t with four degrees of freedom: 1.4


def test_a_wave_is_fitted() -> None:
    angle = np.array([0.1, 0.9, 2.0, 3.3, 4.1, 5.5])
    wave = fit_wave(angle, 2.0 + 3.0 * np.cos(angle - 0.7), np.full(6, 0.1))
    assert (wave.mean, wave.amplitude, wave.azimuth) == pytest.approx((2.0, 3.0, 0.7))
    even = 2 * np.pi * np.arange(6) / 6
    assert fit_wave(even, np.ones(6), np.full(6, 0.1)).u_mean == pytest.approx(0.1 / math.sqrt(6))
    assert fit_wave(even, np.cos(even), np.full(6, 0.1)).u_amplitude == pytest.approx(0.1 / math.sqrt(3))


def test_without_fluxgates_it_is_refused() -> None:
    rings = [f"{who}_{axis}" for who in ("static", "moving") for axis in ("radial", "vertical")]
    wiring = {key: None for key in scenarios.load(AROUND).scenario.wiring if key.split(".")[0] in rings}
    gone = {f"balance.{ring}": None for ring in rings} | {"balance.wiring": wiring}
    with pytest.raises((WiringError, ScenarioError), match="needs a ring of fluxgates"):
        scenarios.load(AROUND).with_(gone).run()


# --- the gap ---------------------------------------------------------------------------------------------------------


def test_what_fluxgates_see_in_the_gap_is_what_the_parts_let_in() -> None:
    result = measured(GAP, interfering=PASSING, earth=EARTH)
    part: Any = result.scenario.components()["external_flux"]
    z, around = value(result, "heights_m"), part.distribution("interfering")
    at_rest = int(np.argmin(np.abs(z)))
    assert abs(z[at_rest]) < 1e-12
    (block,) = (b for b in result.readings if b.labels.get("height_m") == z[30] and b.labels["sensor"] == 1)
    source = part.sources["interfering"]
    expected = float(source.free_field(math.pi / 3, -z[30], 0.085)[0]) * 10.0 / 100.0
    earth = float(part.distribution("earth").at(math.pi / 3))
    assert block.values == pytest.approx(expected + earth, rel=1e-9)
    assert abs(around.mean) < 1e-20
    assert abs(value(result, "mean_T")[at_rest]) < 1e-18  # V at z = 0
    assert value(result, "mean_T") == pytest.approx(-value(result, "mean_T")[::-1], rel=1e-9, abs=1e-18)


@pytest.mark.parametrize(
    "source",
    [PASSING, {**PASSING, "direction": "horizontal"}, {**PASSING, "r": 0.25}, {**PASSING, "r": 0.0, "z": -0.2}],
    ids=["V", "H", "V far", "V on the axis"],
)
def test_the_mean_is_that_of_the_linkage_within_what_six_fluxgates_cannot_see(source: dict[str, Any]) -> None:
    result = measured(GAP, {"campaign.first": -0.05, "campaign.last": 0.05, "campaign.count": 21}, interfering=source)
    found = result.findings["largest_mean_T"]
    part: Any = result.scenario.components()["external_flux"]
    z = value(result, "largest_mean_at_m")
    true = part.derivatives("interfering", -z, -z)[0] / part.wire_length
    assert abs(found.value - true) <= 2 * found.u + 1e-6 * abs(true)
    many = {"balance.gap_fluxgates.count": 48, "campaign.first": -0.05, "campaign.last": 0.05, "campaign.count": 21}
    assert value(measured(GAP, many, interfering=source), "largest_mean_T") == pytest.approx(
        result.true["largest_mean_T"], rel=1e-4
    )


def test_the_shape_of_a_passing_dipole_fits() -> None:
    result = measured(GAP, interfering=PASSING)
    assert np.all(value(result, "residual_rms_T") < 1e-4 * abs(value(result, "largest_field_T")))
    assert value(result, "widths_m")[0] == pytest.approx(0.175 - 0.085, rel=1e-3)


def test_gamma_and_the_limit() -> None:
    result = measured(GAP, interfering=PASSING)
    gamma = value(result, "gamma_max")
    assert gamma == pytest.approx(abs(value(result, "largest_field_T")) / 0.26, rel=1e-12)
    assert value(result, "gamma_mean") < 0.3 * gamma
    assert value(result, "limit_T") == pytest.approx(0.59 / gamma * 1e-8, rel=1e-12)
    working = measured(GAP, {"balance.external_flux.permeability": 1e4}, interfering=PASSING)
    assert value(working, "gamma_max") == pytest.approx(0.1 * gamma, rel=1e-9)


def test_horizontal_on_the_axis_has_no_mean() -> None:
    on_axis = {**PASSING, "direction": "horizontal", "r": 0.0, "z": -0.2}
    result = measured(GAP, interfering=on_axis)
    assert abs(value(result, "largest_mean_T")) < 1e-15
    assert abs(value(result, "largest_field_T")) > 1e-7


def test_offsets_go_with_the_zero() -> None:
    offsets = {"balance.gap_fluxgates.offsets": [5e-6, -3e-6, 2e-6, -6e-6, 1e-6, -2e-6]}
    plain, off = (measured(GAP, keys, interfering=PASSING) for keys in ({}, offsets))
    assert value(off, "mean_T") == pytest.approx(value(plain, "mean_T"), rel=1e-9, abs=1e-18)


def test_readings_that_cannot_tell_are_refused() -> None:
    result = measured(GAP, interfering=PASSING)
    reduction: Any = result.scenario.sections["reduction"]
    with pytest.raises(ReductionError, match="not read both without the source and with it"):
        reduction.findings(Blocks([b for b in result.readings if not b.has(phase="zero")]), {})
    with pytest.raises(ReductionError, match="no ring of sensors was read"):
        reduction.findings(Blocks([]), {})
    with pytest.raises(ReductionError, match="has 2 sensors"):
        reduction.findings(Blocks([b for b in result.readings if b.labels["sensor"] in (0, 3)]), {})


# --- the runs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "keys", "caption", "picture"),
    [
        (AROUND, {"static_radial_change_T", "u_static_radial_change_T"}, "as it is lifted", "changes"),
        (GAP, {"gamma_max", "u_gamma_max", "largest_mean_T", "limit_T"}, "let into the gap", "gap_field"),
    ],
)
def test_it_runs_and_reports(
    name: str, keys: set[str], caption: str, picture: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert main(["run", name, "--json", "--out", str(out)]) == 0
    assert keys <= set(json.loads(capsys.readouterr().out)["result"])
    assert caption in (out / "report.html").read_text(encoding="utf-8")
    assert (out / "pictures" / f"{picture}.png").stat().st_size > 5_000


@pytest.mark.parametrize(
    ("name", "key", "wrong", "said"),
    [
        (AROUND, "campaign.way", 1.0, "at least four readings"),
        (GAP, "campaign.read_time", 0.5, "at least two readings"),
        (GAP, "campaign.last", -0.1, "a first and a last height that differ"),
        (GAP, "balance.gap_fluxgates.axis", "vertical", "expected axis radial in the gap"),
        (GAP, "balance.gap_fluxgates.offsets", [1e-6], "an offset for each of 6 fluxgates"),
    ],
)
def test_wrong_values(name: str, key: str, wrong: Any, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        scenarios.load(name).with_({key: wrong})
