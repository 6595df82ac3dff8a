"""Current source, standard resistor and voltage reference: what they put out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from components.current_source import CurrentSource
from components.resistor import Resistor
from components.voltage_reference import VoltageReference
from tests.components.bench import allan_deviation, bench
from twin.component import Component
from twin.signal import Constant, Elapsed
from twin.times import NS
from twin.twin import Twin

# Each with a noise of its own: the part, and the output that carries it.
NOISY: dict[str, tuple[Callable[..., Component], dict[str, Any], str]] = {
    "resistor": (lambda **p: Resistor(resistance=100.0, **p), {"current": 0.0}, "voltage"),
    "voltage reference": (lambda **p: VoltageReference(voltage=10.0, **p), {}, "voltage"),
    "current source": (CurrentSource, {}, "noise"),
}


def output(part: Component, port: str, times: Any, **inputs: Any) -> Any:
    return bench(part, **inputs).signal(f"part.{port}")(times)


# --- noise -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", NOISY)
def test_white_noise_has_its_density(which: str) -> None:
    make, inputs, port = NOISY[which]
    signal = bench(make(white_noise=2.0, noise_step=0.1), **inputs).signal(f"part.{port}")
    step = NS // 10
    values = signal.means(step * np.arange(20_000), step)
    assert np.std(values) == pytest.approx(2.0 / np.sqrt(0.2), rel=0.02)
    averaged = values.reshape(-1, 10).mean(axis=1)
    assert np.std(averaged) == pytest.approx(2.0 / np.sqrt(2.0), rel=0.064)


@pytest.mark.parametrize("which", NOISY)
def test_flicker_noise_has_a_flat_allan_deviation(which: str) -> None:
    make, inputs, port = NOISY[which]
    signal = bench(make(flicker_noise=3.0, noise_step=0.1), **inputs).signal(f"part.{port}")
    values = signal.means(NS // 10 * np.arange(2**17), NS // 10)
    for averaged in (4, 64):
        assert allan_deviation(values, averaged) == pytest.approx(3.0 * np.sqrt(2 * np.log(2)), rel=0.06)


@pytest.mark.parametrize("which", NOISY)
def test_who_looks_twice_sees_the_same_noise(which: str) -> None:
    make, inputs, port = NOISY[which]
    signal = bench(make(white_noise=1.0), **inputs).signal(f"part.{port}")
    times = np.linspace(0.0, 5.0, 101)
    first = signal(times)
    assert np.array_equal(signal(times), first)
    assert np.ptp(first) > 0


# --- resistor --------------------------------------------------------------------------------------------------------


def test_a_resistor_obeys_ohm_with_gain_drift_and_offset() -> None:
    times = np.array([0.0, 1e4, 3e4])
    assert output(Resistor(resistance=100.0), "voltage", times, current=0.02) == pytest.approx(
        np.full(3, 2.0), rel=1e-15
    )
    real = Resistor(resistance=100.0, gain=2e-6, drift=1e-9, offset=3e-6)
    exact = 100.0 * (1 + 2e-6 + 1e-9 * times) * -0.02 + 3e-6
    assert output(real, "voltage", times, current=-0.02) == pytest.approx(exact, rel=1e-15)


def test_the_noise_of_a_current_makes_a_voltage_across_the_resistor() -> None:
    voltage = output(Resistor(resistance=50.0), "voltage", np.array([1.0, 2.0]), current=0.0, current_noise=Elapsed())
    assert voltage == pytest.approx([50.0, 100.0], rel=1e-15)


# --- voltage reference -----------------------------------------------------------------------------------------------


def test_a_reference_gives_its_voltage_with_gain_and_offset() -> None:
    assert output(VoltageReference(voltage=10.0), "voltage", 7.0) == 10.0
    assert output(VoltageReference(voltage=10.0, gain=2e-6, offset=5e-6), "voltage", 7.0) == pytest.approx(
        10.000025, rel=1e-15
    )


# --- current source --------------------------------------------------------------------------------------------------


def connected(demand: float = 0.0, **parameters: Any) -> tuple[Twin, CurrentSource]:
    source = CurrentSource(**parameters)
    twin = bench(source, demand=Constant(demand))
    source.connect()
    return twin, source


def test_a_source_delivers_demand_and_set_value_while_connected() -> None:
    source = CurrentSource(gain=1e-3, offset=1e-6)
    twin = bench(source, demand=0.02)

    def operation() -> Any:
        yield twin.clock.until(NS)
        source.connect()
        yield from source.set(0.01, 2.0)
        yield twin.clock.until(4 * NS)
        source.disconnect()

    twin.clock.run(operation())
    current = twin.signal("part.current")(np.array([0.5, 1.0, 2.0, 3.0, 3.9, 4.0, 9.0]))
    exact = [1.001 * (0.02 + x) + 1e-6 for x in (0.0, 0.005, 0.01, 0.01)]
    assert current == pytest.approx([0.0, *exact, 0.0, 0.0], rel=1e-14)
    assert current[0] == current[-1] == current[-2] == 0.0


def test_set_ends_with_its_ramp_and_starts_from_the_present_value() -> None:
    twin, source = connected()
    twin.clock.run(source.set(0.02, 1.0))
    assert twin.clock.now == NS
    twin.clock.run(source.set(-0.02, 2.0))
    assert twin.signal("part.current")(np.array([0.5, 1.5, 2.0, 3.0])) == pytest.approx(
        [0.01, 0.01, 0.0, -0.02], abs=1e-17
    )


@pytest.mark.parametrize("current", [0.0501, -0.0501, float("nan")])
def test_a_source_refuses_what_is_beyond_its_limit(current: float) -> None:
    twin, source = connected(limit=0.05)
    with pytest.raises(ValueError, match=r"part: .* beyond its limit of 0.05 A"):
        twin.clock.run(source.set(current, 1.0))
    assert twin.signal("part.current")(5.0) == 0.0


def test_a_source_reaches_its_limit() -> None:
    twin, source = connected(limit=0.05)
    twin.clock.run(source.set(-0.05, 1.0))
    assert twin.signal("part.current")(2.0) == pytest.approx(-0.05, rel=1e-15)
