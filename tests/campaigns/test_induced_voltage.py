"""The induced-voltage test, both forms: what it finds is what the sources do, whatever they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scenarios
from scenarios.cli.app import main
from scenarios.reduction import Estimate, ReductionError
from scenarios.run.measured import Measured
from scenarios.schema import ScenarioError
from twin.errors import SimulationError
from twin.recorder import Blocks

LENGTH = "external_flux.radius"
NAME, SOURCE = "tsinghua_induced_voltage", "tsinghua_induced_voltage_source"
SOURCES = "balance.external_flux.sources"
NEAR = {"kind": "near", "direction": "vertical", "z": -0.24, "shielding": 9.0}
EARTH = {"kind": "far", "vertical": 48e-6}


def measured(name: str = NAME, keys: dict[str, Any] | None = None, **sources: Any) -> Measured:
    """Without any effect but these sources."""
    result = scenarios.load(name).ideal().with_({SOURCES: sources, **(keys or {})}).run()
    assert isinstance(result, Measured)
    return result


def value(result: Measured, key: str = "delta_b_T") -> Any:
    return result.findings[key].value


# --- coil and magnet move together -----------------------------------------------------------------------------------


def test_without_sources_there_is_no_voltage() -> None:
    result = measured()
    assert value(result, "delta_v_V") == 0.0
    assert np.all(value(result, "delta_b_of_position_T") == 0.0)


def test_a_uniform_field_is_not_seen() -> None:
    result = measured(earth=EARTH)
    assert abs(value(result)) < 1e-17
    assert result.true["delta_b_T"] == 0.0


@pytest.mark.parametrize("strength", [1.0, -3.0])
def test_what_is_found_follows_the_source(strength: float) -> None:
    """The mean over what is read of the travel, not over all of it: to 0.3 %."""
    result = measured(near={**NEAR, "remanence": strength})
    assert abs(result.true["delta_b_T"]) > 1e-7
    assert value(result) == pytest.approx(result.true["delta_b_T"], rel=3e-3)
    assert value(result) == pytest.approx(strength * value(measured(near={**NEAR, "remanence": 1.0})), rel=1e-9)


def test_it_tells_the_error_of_a_mass() -> None:
    """ε by the same source of the same magnet, in the weighing position; the field is not linear along the travel."""
    result = measured(near=NEAR)
    part: Any = result.scenario.components()["external_flux"]
    assert value(result, "epsilon") == pytest.approx(part.epsilon(110.3), rel=0.05)
    place = int(np.argmin(np.abs(value(result, "positions_m"))))
    z = float(value(result, "positions_m")[place])
    there = part.derivatives("near", z, z)
    assert value(result, "delta_b_of_position_T")[place] == pytest.approx(sum(there) / part.wire_length, rel=1e-3)


def test_a_source_that_appears_with_the_motion_is_seen() -> None:
    assert value(measured(motor={**NEAR, "appears": "moving"})) == pytest.approx(value(measured(near=NEAR)), rel=1e-9)


def test_offsets_and_their_drift_go_with_the_rests() -> None:
    emf = {"balance.circuit.thermal_emf": 1e-6, "balance.circuit.thermal_emf_drift": 1e-9}
    meter = {"balance.induced_voltmeter.offset": 5e-6, "balance.induced_voltmeter.offset_drift": 1e-9}
    plain = measured(near=NEAR)
    assert value(measured(keys=emf | meter, near=NEAR)) == pytest.approx(value(plain), rel=1e-6)


@pytest.mark.parametrize("speed", [0.5e-3, 2e-3])
def test_neither_velocity_nor_turns_matter(speed: float) -> None:
    keys = {"campaign.velocity": speed, "balance.external_flux.turns": 100}
    assert value(measured(keys=keys, near=NEAR)) == pytest.approx(value(measured(near=NEAR)), rel=0.01)


def test_the_uncertainty_covers_the_error() -> None:
    """The standard deviation of the pairs is that of white noise, and the mean is off as it says."""
    experiment = scenarios.load(NAME)
    z, spreads = [], []
    for seed in range(16):
        result = experiment.with_(seed=seed).run()
        found = result.findings["delta_v_V"]
        z.append(found.value / found.u)
        spreads.append(result.findings["std_delta_v_V"].value)
    expected = 1e-6 * np.sqrt((1 / 19.9 + 1 / 19.8) / 4)  # each of two moves against both its rests: S²/2T, over two
    assert np.sqrt(np.mean(np.square(spreads))) == pytest.approx(expected, rel=0.25)
    assert 0.6 < np.sqrt(np.mean(np.square(z))) < 2.2  # t with four degrees of freedom: 1.4


# --- the source moves ------------------------------------------------------------------------------------------------

MOVED = {**NEAR, "z": 0.17, "carried": True, "shielding": 92.0, "course": {"schedule": [[545, 1], [595, 0]]}}


def test_a_source_that_moves_is_found_along_its_way() -> None:
    """ΔB̄ at each distance as the parts have it; a source that stays, and the Earth's field, do nothing."""
    result = measured(SOURCE, interfering=MOVED, other={**NEAR, "z": -0.3}, earth=EARTH)
    part: Any = result.scenario.components()["external_flux"]
    z, field = value(result, "positions_m"), value(result, "delta_b_of_position_T")
    expected = [part.derivatives("interfering", -at, -at)[0] / part.wire_length for at in z.tolist()]
    assert field == pytest.approx(expected, rel=0.03)
    assert np.all(np.abs(np.diff(field)) > 0)
    assert value(result) == pytest.approx(result.true["delta_b_T"], rel=0.02)


def test_what_is_there_without_the_source_is_subtracted() -> None:
    """A source that is never taken away leaves nothing."""
    result = measured(SOURCE, interfering={**MOVED, "course": {}})
    assert abs(value(result)) < 1e-15


def test_the_stage_has_its_travel() -> None:
    with pytest.raises(SimulationError, match=r"beyond the limit of its travel at -0\.075 m"):
        measured(SOURCE, {"campaign.travel": 0.16, "balance.external_flux.reach": 0.1}, interfering=MOVED)


# --- the run ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [NAME, SOURCE])
def test_it_runs_and_reports(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert main(["run", name, "--json", "--out", str(out)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"delta_b_T", "u_delta_b_T", "std_delta_b_T", "delta_v_V", "wire_length_m"} <= set(found["result"])
    assert abs(found["result"]["delta_b_T"] - found["true"]["delta_b_T"]) < 8 * found["result"]["u_delta_b_T"]
    assert found["result"]["wire_length_m"] == pytest.approx(186.9, abs=0.1)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "The external field along the travel" in page
    assert (out / "pictures" / "field_of_position.png").stat().st_size > 5_000


@pytest.mark.parametrize(
    ("name", "key", "wrong", "said"),
    [
        (NAME, "campaign.count", 5, "a multiple of 2"),
        (SOURCE, "campaign.count", 6, "a multiple of 4"),
        (NAME, "campaign.reading_step", 8.0, "at least two readings"),
        (NAME, "thermal.start", "ambient", "unknown key 'thermal'"),
    ],
)
def test_wrong_values(name: str, key: str, wrong: Any, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        scenarios.load(name).with_({key: wrong})


def test_readings_that_cannot_tell_are_refused() -> None:
    result = measured(near=NEAR)
    reduction: Any = result.scenario.sections["reduction"]
    known: dict[str, Any] = {}
    with pytest.raises(ReductionError, match="turns and radius are not known"):
        reduction.findings(result.readings, known)

    def without(**labels: Any) -> Blocks:
        return Blocks([b for b in result.readings if not b.has(**labels)])

    with pytest.raises(ReductionError, match="move 3 lacks the rest before or after it"):
        reduction.findings(without(phase="rest", move=3, place="after"), known)
    with pytest.raises(ReductionError, match="do not alternate between up and down"):
        reduction.findings(without(move=1), {key: Estimate(1.0) for key in ("external_flux.turns", LENGTH)})
