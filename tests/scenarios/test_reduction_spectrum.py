"""Spectra: levels with the uncertainty that they have, and resonances fitted to periodograms."""

from __future__ import annotations

import numpy as np
import pytest

from scenarios.reduction import ReductionError
from scenarios.reduction.spectrum import resonances, welch

STEP = 0.01


def white(seed: int, count: int = 6400, density: float = 1.0) -> np.ndarray:
    return density / np.sqrt(2 * STEP) * np.random.default_rng(seed).standard_normal(count)


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.1), (1.0, 3.0), (0.2, 45.0)])
def test_the_level_and_its_uncertainty(low: float, high: float) -> None:
    """Of one bin, and of many whose periodograms overlap in time and frequency."""
    levels = np.array([welch(white(seed), STEP, 8.0).level(low, high) for seed in range(250)])
    mean, u = levels.mean(axis=0)
    assert mean == pytest.approx(1.0, abs=4 * u / 250**0.5)
    assert np.std(levels[:, 0]) == pytest.approx(u, rel=0.15)


def test_one_stretch_has_the_spread_of_one_periodogram() -> None:
    spectrum = welch(white(0, 800), STEP, 8.0)
    assert spectrum.stretches == 1
    assert spectrum.averages == pytest.approx(1.0, rel=1e-12)
    assert spectrum.u_amplitude == pytest.approx(0.5 * spectrum.amplitude)


def test_the_slope_of_white_noise_is_none() -> None:
    pulls = [np.divide(*welch(white(seed), STEP, 8.0).slope(1.0, 20.0)) for seed in range(120)]
    assert np.mean(pulls) == pytest.approx(0.0, abs=0.3)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.2)
    walk = welch(np.cumsum(white(0)), STEP, 8.0).slope(1.0, 10.0)
    assert walk[0] == pytest.approx(-2.0, abs=4 * walk[1])


def test_a_sine_has_its_power() -> None:
    t = STEP * np.arange(6400)
    spectrum = welch(np.sin(2 * np.pi * 10.0 * t), STEP, 8.0)
    assert np.sum(spectrum.power) * 0.125 == pytest.approx(0.5, rel=1e-3)


def test_a_resonance_and_its_uncertainties() -> None:
    """White noise that a damped oscillator filters, by its response in frequency."""
    count, f0, quality, pulls = 12800, 7.0, 15.0, []
    f = np.fft.rfftfreq(count, STEP)
    response = (f / f0) / (1 - (f / f0) ** 2 + 1j * f / f0 / quality)
    for seed in range(40):
        values = np.fft.irfft(np.fft.rfft(white(seed, count)) * response, count) + white(1000 + seed, count, 0.05)
        (peak,) = resonances(values, STEP, 0.0, welch(values, STEP, 8.0), 10.0)
        pulls.append(
            (
                (peak.frequency - f0) / peak.u_frequency,
                (peak.quality - quality) / peak.u_quality,
                (peak.peak - quality) / peak.u_peak,
            )
        )
    assert np.std(pulls, axis=0) == pytest.approx(np.ones(3), abs=0.35)
    assert np.abs(np.mean(pulls, axis=0)).max() < 0.6


def test_white_noise_has_no_resonance() -> None:
    assert resonances(white(3), STEP, 0.0, welch(white(3), STEP, 8.0), 10.0) == []


def test_what_cannot_be_done() -> None:
    with pytest.raises(ReductionError, match="10 readings are too few"):
        welch(white(0, 10), STEP, 1.0)
    with pytest.raises(ReductionError, match="no value between 60 and 70 Hz"):
        welch(white(0), STEP, 1.0).level(60.0, 70.0)
