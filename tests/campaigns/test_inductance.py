"""Inductance by a sine of current: what coil and yoke were given is found, and the force follows."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scenarios
from components.coil import Coil
from components.yoke import Yoke
from scenarios.cli.app import main
from scenarios.reduction import ReductionError
from scenarios.run.experiment import Experiment
from scenarios.run.measured import Measured
from scenarios.schema import ScenarioError

PLAIN: dict[str, Any] = {
    "balance.coil.geometry": None,
    "balance.coil.inductance": 3.4,
    "balance.coil.inductance_curvature": 160.0,
    "balance.coil.uncertainties": None,
    "campaign.frequencies": [],
    "campaign.profile_frequencies": [0.1],
}
"""A coil whose figures are stated: nothing is computed from dimensions."""
LOW = [0.05, 0.1, 0.2, 0.5, 1.0, 2.0]
RIGID: dict[str, Any] = {"balance.coil.yoke_inductance": 0.0, "campaign.frequencies": [0.1, 0.2, 0.5, 1.0]}
"""An iron that follows at once: L does not fall with the frequency, and that is seen."""


@lru_cache(maxsize=2)
def shipped(ideal: bool) -> Experiment:
    experiment = scenarios.load("nist4_inductance").with_(PLAIN)
    return experiment.ideal().with_({"balance.coil.inductance_curvature": 160.0}) if ideal else experiment


def measured(changes: dict[str, Any] | None = None, *, ideal: bool = False, seed: int = 1) -> Measured:
    result = shipped(ideal).with_(changes or {}, seed=seed).run()
    assert isinstance(result, Measured)
    return result


def value(result: Measured, key: str) -> float:
    return float(result.findings[key].value)


def pull(result: Measured, key: str, true: float) -> float:
    return (value(result, key) - true) / float(result.findings[key].u or 0.0)


def response(result: Measured, frequency: Any) -> Any:
    """What of L_y is there at a frequency, by the yoke's closed form."""
    yoke = result.scenario.components()["yoke"]
    assert isinstance(yoke, Yoke)
    return yoke.response(np.asarray(frequency, dtype=float)).real


# --- closure ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frequency", [0.03, 0.1, 7.3, 400.0])
@pytest.mark.parametrize("curvature", [160.0, 328.0])
def test_without_effects_and_without_iron_that_lags_it_closes(frequency: float, curvature: float) -> None:
    changes = {
        "campaign.profile_frequencies": [frequency],
        "campaign.readings": 20,
        "balance.coil.inductance_curvature": curvature,
        "balance.flexure.weighing_position": 2e-3,
    }
    result = measured(changes, ideal=True)
    assert value(result, "inductance_H") == pytest.approx(3.4 - curvature * 4e-6, rel=1e-9)
    assert value(result, "gradient_H_per_m") == pytest.approx(-2 * curvature * 2e-3, rel=1e-6)
    assert value(result, "second_derivative_H_per_m2") == pytest.approx(-2 * curvature, rel=1e-6)


# --- the iron --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reluctance", "time_constant"), [(190.0, 24.0), (40.0, 24.0), (190.0, 5.0)])
def test_inductance_against_frequency_is_what_the_iron_lets_in(reluctance: float, time_constant: float) -> None:
    """L(f) = L_0 − L_y + L_y Re Y(f), and R(f) more than the wire's by −ω L_y Im Y."""
    frequencies = [0.1, 3.0, 50.0, 1000.0]
    iron = {"balance.yoke.gap_reluctance": reluctance, "balance.yoke.time_constant": time_constant}
    result = measured({**iron, "campaign.frequencies": frequencies, "campaign.profile_frequencies": []})
    quantity = result.findings["inductances_H"]
    expected = 3.4 - 3.2 + 3.2 * response(result, frequencies)
    assert np.all(np.abs(quantity.value - expected) < 4 * np.asarray(quantity.u) + 1e-9)
    assert np.all(np.asarray(quantity.u) < 1e-3)
    yoke = result.scenario.components()["yoke"]
    assert isinstance(yoke, Yoke)
    lost = -2 * np.pi * np.array(frequencies) * 3.2 * yoke.response(np.array(frequencies)).imag
    assert result.findings["resistances_ohm"].value == pytest.approx(110.78 + lost, rel=2e-3)


@pytest.mark.parametrize(("reluctance", "time_constant"), [(190.0, 24.0), (400.0, 20.0)])
def test_the_power_law_and_what_it_goes_on_to(reluctance: float, time_constant: float) -> None:
    """√f where flux has far to go, and a steady current's L and L'' within what the law leaves open."""
    iron = {"balance.yoke.gap_reluctance": reluctance, "balance.yoke.time_constant": time_constant}
    result = measured({**iron, "campaign.frequencies": LOW, "campaign.profile_frequencies": [0.1, 300.0]})
    assert value(result, "exponent") == pytest.approx(0.5, abs=0.06)
    expected = 3.2 / 3.4 * (1.0 - response(result, 1.0))
    assert value(result, "loss_at_1Hz") == pytest.approx(expected, rel=0.1)
    assert abs(pull(result, "inductance_dc_H", 3.4)) < 2
    assert abs(pull(result, "second_derivative_dc_H_per_m2", -320.0)) < 2.5
    assert float(result.findings["second_derivative_dc_H_per_m2"].u or 0) < 0.06 * 320


def test_at_higher_frequency_the_force_is_underestimated() -> None:
    """L'' follows the iron's flux alone, L also what does not cross it."""
    result = measured({"campaign.profile_frequencies": [0.1, 1000.0]})
    share = response(result, 0.1) / response(result, 1000.0)
    assert abs(pull(result, "underestimate", share)) < 4
    assert value(result, "underestimate") == pytest.approx(share, rel=0.01)
    assert share > 4


# --- the profile and its force ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("plane", [0.0, 3e-3])
@pytest.mark.parametrize("curvature", [100.0, 250.0])
def test_the_profile_follows_the_coil(curvature: float, plane: float) -> None:
    changes = {
        "balance.coil.inductance_curvature": curvature,
        "balance.coil.symmetry_plane": plane,
        "balance.coil.yoke_inductance": 0.0,
    }
    result = measured(changes)
    assert abs(pull(result, "second_derivative_H_per_m2", -2 * curvature)) < 4
    assert abs(pull(result, "gradient_H_per_m", 2 * curvature * plane)) < 4
    assert float(result.findings["second_derivative_H_per_m2"].u or 0) < 0.01 * 2 * curvature


def test_the_uncertainty_covers_the_error() -> None:
    rigid = {"balance.coil.yoke_inductance": 0.0}
    pulls = [
        (pull(r, "inductance_H", 3.4), pull(r, "gradient_H_per_m", 0.0), pull(r, "second_derivative_H_per_m2", -320.0))
        for r in (measured(rigid, seed=seed) for seed in range(12))
    ]
    assert np.sqrt(np.mean(np.square(pulls))) == pytest.approx(1.0, abs=0.35)


@pytest.mark.parametrize(
    ("settings", "force"),
    [
        ({"height_off": 9e-6}, -0.5 * 7.8e-3**2 * 320.0 * 9e-6),
        ({"height_on": 9e-6, "height_off": 0.0}, 0.5 * 7.8e-3**2 * 320.0 * 9e-6),
        (
            {"height_on": 1e-3, "height_off": 1e-3, "current_mismatch": 2e-3},
            -0.5 * 7.8e-3**2 * 320.0 * 1e-3 * (1.002**2 - 1),
        ),
    ],
    ids=["shift", "other way", "mismatch"],
)
def test_the_spurious_force(settings: dict[str, float], force: float) -> None:
    """That of the coil itself: its own force at both heights and currents, mass off less mass on."""
    from tests.components.bench import bench
    from twin.field import Field, Shape
    from twin.signal import Constant

    given = {f"reduction.{key}": number for key, number in settings.items()}
    result = measured({**given, **RIGID}, ideal=True)
    assert value(result, "force_N") == pytest.approx(force, rel=1e-4)
    assert result.true["force_N"] == pytest.approx(force, rel=1e-4)
    assert value(result, "force_relative") == pytest.approx(force / 9.80665, rel=1e-4)
    nothing = Field(Shape(np.zeros_like, np.zeros_like, np.zeros_like), Constant(0.0))

    def pulled(current: float, height: float) -> float:
        coil = Coil(resistance=110.0, inductance=3.4, inductance_curvature=160.0)
        twin = bench(coil, field=nothing, position=height, current=current, temperature_rise=0.0)
        return float(twin.signal("part.force")(0.0))

    on = pulled(7.8e-3, settings.get("height_on", 0.0))
    off = pulled(-7.8e-3 * (1 + settings.get("current_mismatch", 0.0)), settings.get("height_off", 9e-6))
    assert value(result, "force_N") == pytest.approx(off - on, rel=1e-4)


def test_what_makes_the_error_that_was_asked_for() -> None:
    result = measured({"reduction.relative": 1e-7, **RIGID}, ideal=True)
    shift, mismatch = value(result, "shift_m"), value(result, "mismatch")
    again = measured({"reduction.height_off": shift, "reduction.height_on": 0.0, **RIGID}, ideal=True)
    assert abs(value(again, "force_relative")) == pytest.approx(1e-7, rel=1e-6)
    off = {"reduction.height_off": 1e-3, "reduction.height_on": 1e-3, "reduction.current_mismatch": mismatch}
    off |= RIGID
    assert abs(value(measured(off, ideal=True), "force_relative")) == pytest.approx(1e-7, rel=0.03)


@pytest.mark.parametrize("frequencies", [[], [0.1, 0.5, 1.0], [0.1, 0.1, 0.5, 5.0, 10.0]])
def test_nothing_is_said_of_a_steady_current_that_was_not_measured(frequencies: list[float]) -> None:
    """Too few frequencies, or too few of them low: what was read at 0.1 Hz stands there, and a reason for the rest."""
    result = measured({"campaign.frequencies": frequencies}, ideal=True)
    told = result.summary()
    steady = {"gradient_dc_H_per_m", "second_derivative_dc_H_per_m2", "force_N", "shift_m", "inductance_dc_H"}
    assert not steady & set(told["result"])
    assert value(result, "inductance_H") == pytest.approx(told["true"]["inductance_H"], rel=1e-6)
    assert told["notes"][0].startswith("Nothing is said of a steady current")


# --- the meters ------------------------------------------------------------------------------------------------------


def test_a_skew_between_the_meters_is_corrected_by_its_certificate() -> None:
    """R times the delay is taken for inductance: 50 µs are 5.5 mH."""
    late = {"balance.induced_voltmeter.trigger_latency": 50e-6}
    assert value(measured(late, ideal=True), "inductance_H") == pytest.approx(3.4, rel=1e-6)
    unsure = {"balance.induced_voltmeter.uncertainties.trigger_latency": 5e-6}
    found = [measured(unsure, seed=seed).findings["inductance_profile_H"] for seed in (1, 2)]
    assert all(np.asarray(q.u).min() > 5e-4 for q in found)
    assert abs(float(np.mean(found[0].value) - np.mean(found[1].value))) > 1e-4


# --- the run ---------------------------------------------------------------------------------------------------------


def test_run_prints_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the coil from its dimensions, by finite elements."""
    out = tmp_path / "run"
    fewer = ["--set", "campaign.points=5", "--set", "campaign.frequencies=[0.1, 0.2, 0.5, 1, 2]"]
    assert main(["run", "nist4_inductance", *fewer, "--json", "--out", str(out)]) == 0
    summary = json.loads(capsys.readouterr().out)
    result, true = summary["result"], summary["true"]
    keys = {"inductance_H", "gradient_H_per_m", "second_derivative_H_per_m2", "force_N", "shift_m", "exponent"}
    assert keys <= set(result)
    for key in ("inductance_dc_H", "second_derivative_dc_H_per_m2", "gradient_dc_H_per_m"):
        assert abs(result[key] - true[key]) < 3 * result[f"u_{key}"]
    for name in ("inductance", "height"):
        assert (out / "pictures" / f"{name}.png").stat().st_size > 5_000


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"campaign.frequencies": [5000.0]}, "above 0 and up to 2000 Hz"),
        ({"campaign.least_cycles": 500}, "least_cycles up to 400"),
        ({"campaign.profile_frequencies": []}, "expected a frequency"),
        ({"reduction.profile_order": 1}, "greater than or equal to 2"),
    ],
)
def test_wrong_values(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        shipped(False).with_(changes)


def test_few_heights_are_refused() -> None:
    with pytest.raises(ReductionError, match="4 heights cannot determine"):
        measured({"campaign.points": 4, "reduction.profile_order": 3})
