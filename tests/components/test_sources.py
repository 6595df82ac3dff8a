"""Current source, standard resistor and voltage reference: the noise that they add."""

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
from twin.times import NS

# Each with a noise of its own: the part, and the output that carries it.
NOISY: dict[str, tuple[Callable[..., Component], dict[str, Any], str]] = {
    "resistor": (lambda **p: Resistor(resistance=100.0, **p), {"current": 0.0}, "voltage"),
    "voltage reference": (lambda **p: VoltageReference(voltage=10.0, **p), {}, "voltage"),
    "current source": (CurrentSource, {}, "noise"),
}


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
