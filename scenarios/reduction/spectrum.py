"""Spectra of readings: averaged over stretches (Welch), with their uncertainty, and resonances in them.

Densities are one-sided. P. D. Welch, IEEE Trans. Audio Electroacoust. 15, 70 (1967): periodograms of half-overlapping
stretches under a window are averaged. Two of them, j stretches and m bins apart, correlate by
``ρ(j, m) = |Σ w_n w_(n+jD) exp(2πi m n/N)|²/(Σ w²)²``, from which the variance of any mean of them follows, where the
spectrum is flat over a few bins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.errors import ReductionError

Array = NDArray[np.float64]
LEAST = 64
"""Readings in a stretch."""
NEIGHBOURS = 4
"""Bins beyond which periodograms under a Hann window do not correlate."""
SPAN = 5.0
"""Half widths of a resonance that are fitted, to either side."""
ITERATIONS, SETTLED = 100, 1e-3
"""At most so many, until a step is less than this part of the uncertainty."""
HALVINGS = 12
"""Of a step, until the resonance becomes more likely by it."""
LOWEST = 1e-3
"""Floor of a resonance, relative to its wings."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """A power spectral density.

    Parameters
    ----------
    frequency, power : (Hz) and density (unit²/Hz), shape (bins,); the first bin and the last one are left out.
    averages : periodograms that count, as if they were independent.
    stretches, length : periodograms that were averaged, and readings in each.
    """

    frequency: Array
    power: Array
    averages: float
    stretches: int
    length: int

    @property
    def amplitude(self) -> Array:
        """Amplitude spectral density (unit/√Hz)."""
        return np.sqrt(self.power)

    @property
    def u_amplitude(self) -> Array:
        """Its standard uncertainty."""
        return self.amplitude / (2.0 * math.sqrt(self.averages))

    def level(self, low: float, high: float) -> tuple[float, float]:
        """Mean power between two frequencies (unit²/Hz), and its standard uncertainty if it is flat there.

        Raises
        ------
        ReductionError
            If no bin lies between them.
        """
        within = (self.frequency >= low) & (self.frequency <= high)
        count = int(np.count_nonzero(within))
        if not count:
            raise ReductionError(
                f"the spectrum has no value between {low:g} and {high:g} Hz; read longer, or choose another band"
            )
        mean = float(self.power[within].mean())
        return mean, mean * math.sqrt(_relative_variance(self.length, self.stretches, count))

    def slope(self, low: float, high: float) -> tuple[float, float]:
        """Exponent of the power against frequency in a band, and its standard uncertainty: 0 for white noise."""
        within = (self.frequency >= low) & (self.frequency <= high)
        if np.count_nonzero(within) < 3 or not self.power[within].all():
            return 0.0, math.inf
        x = np.log(self.frequency[within])
        x = x - x.mean()
        weights = x / (x @ x)
        found = float(weights @ np.log(self.power[within]))
        return found, math.sqrt(float(weights @ weights) * _relative_variance(self.length, self.stretches, 1) * _SPREAD)


def welch(values: Array, step: float, seconds: float, least: int = LEAST) -> Spectrum:
    """The spectrum of readings at regular steps, of stretches of `seconds`, each freed of its mean.

    Parameters
    ----------
    least : readings in a stretch.

    Raises
    ------
    ReductionError
        If there are not enough readings for one stretch.
    """
    length = min(round(seconds / step), len(values))
    if length < least:
        raise ReductionError(f"{length} readings are too few for a spectrum; read at least {least}")
    hop = length // 2
    starts = np.arange(0, len(values) - length + 1, hop)
    window = _hann(length)
    total = np.zeros(length // 2 + 1)
    for start in starts:
        part = values[start : start + length]
        total += np.abs(np.fft.rfft(window * (part - part.mean()))) ** 2
    power = total * 2.0 * step / (len(starts) * float(window @ window))
    return Spectrum(
        _frequencies(length, step)[1:-1],
        power[1:-1],
        1.0 / _relative_variance(length, len(starts), 1),
        len(starts),
        length,
    )


def _frequencies(length: int, step: float) -> Array:
    return np.asarray(np.fft.rfftfreq(length, step), dtype=float)


def _hann(length: int) -> Array:
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(length) / length)


def _relative_variance(length: int, stretches: int, bins: int) -> float:
    """Of the mean over bins of a flat averaged spectrum."""
    window, hop = _hann(length), length // 2
    power = float(window @ window)
    far = min(NEIGHBOURS, bins - 1)
    total = 0.0
    for j in (-1, 0, 1):
        shifted = np.zeros(length)
        if j:
            shifted[hop:] = window[:-hop] * window[hop:]
        else:
            shifted = window * window
        share = max(1.0 - abs(j) / stretches, 0.0) / stretches
        correlation = np.abs(np.fft.fft(shifted)[: far + 1]) ** 2 / power**2
        for m, rho in enumerate(correlation):
            total += share * (2.0 if m else 1.0) * (1.0 - m / bins) / bins * float(rho)
    return total


_SPREAD = 1.94
"""By how much neighbouring bins under a Hann window add to the variance of what is fitted to many: Σ ρ(0, m)."""


# --- resonances ------------------------------------------------------------------------------------------------------


class Resonance(NamedTuple):
    """A peak: where it is (Hz), how sharp, how high (unit/√Hz), each with its standard uncertainty."""

    frequency: float
    u_frequency: float
    quality: float
    u_quality: float
    peak: float
    u_peak: float


def resonances(values: Array, step: float, aperture: float, spectrum: Spectrum, prominence: float) -> list[Resonance]:
    """Peaks that stand out of the spectrum by `prominence` in power, each fitted as a damped oscillation.

    Around each peak ``S = c + A sinc²(f aperture) |r + b d/r|²/|d|²`` with ``r = f/f0`` and ``d = 1 − r² + i r/Q`` is
    fitted to the periodogram of all readings by Whittle's likelihood, whose information gives the uncertainties. It is
    the velocity of something that is shaken by a ground whose motion falls as 1/f². The term with b is what the other
    modes, far from their own resonances, add to the same motion: it tilts the wings, which would pull f0 along.
    """
    if not spectrum.power.all():
        return []
    from scipy.signal import find_peaks

    peaks, _ = find_peaks(np.log(spectrum.power), prominence=math.log(prominence))
    window = _hann(len(values))
    power = np.abs(np.fft.rfft(window * (values - values.mean()))) ** 2 * (2.0 * step / float(window @ window))
    frequency = _frequencies(len(values), step)
    found = []
    for k in peaks:
        fitted = _fit(frequency, power, aperture, float(spectrum.frequency[k]), _width(spectrum, int(k)), tilted=False)
        if fitted is not None:  # again, over as many of its own widths
            width = fitted.frequency / fitted.quality
            fitted = _fit(frequency, power, aperture, fitted.frequency, width, tilted=True)
        if fitted is not None:
            found.append(fitted)
    return found


def _width(spectrum: Spectrum, k: int) -> float:
    """Of a peak at half its power (Hz), as far as the spectrum resolves it; means of three bins spread less."""
    power = np.convolve(spectrum.power, np.ones(3) / 3.0, mode="same")
    low = high = k
    while low > 0 and power[low - 1] > 0.5 * power[k]:
        low -= 1
    while high < len(power) - 1 and power[high + 1] > 0.5 * power[k]:
        high += 1
    return float(spectrum.frequency[1] - spectrum.frequency[0]) * (high - low + 1)


def _fit(
    frequency: Array, power: Array, aperture: float, near: float, width: float, *, tilted: bool
) -> Resonance | None:
    """By Fisher scoring of the logarithms of A, f0, Q and c, and of b; None if the peak is none of that shape.

    A floor far below the wings tells nothing, and is kept from running away. Without `tilted` b stays 0.
    """
    within = np.abs(frequency - near) < SPAN * width
    f, read = frequency[within], power[within]
    if len(f) < 16:
        return None

    def logarithm(theta: Array) -> Array:
        (size, centre, quality, floor), beside = np.exp(theta[:4]), theta[4]
        ratio = f / centre
        detuned = 1.0 - ratio**2 + 1j * ratio / quality
        bell = np.abs(np.sinc(f * aperture) * (ratio / detuned + beside / ratio)) ** 2
        return np.asarray(np.log(floor + size * bell))

    def unlikely(theta: Array) -> float:
        """Whittle's −ln L."""
        level = logarithm(theta)
        return float((level + read * np.exp(-level)).sum())

    quality = near / width
    edge = 0.5 * float(read[: len(read) // 8].mean() + read[-len(read) // 8 :].mean())
    theta = np.append(np.log([float(read.max()) / quality**2 / 3.0, near, quality, 0.1 * edge]), 0.0)
    free = np.diag([1.0, 1.0, 1.0, 1.0, float(tilted)])
    for _ in range(ITERATIONS):
        now = logarithm(theta)
        slopes = np.array([(logarithm(theta + d) - logarithm(theta - d)) / 2e-6 for d in 1e-6 * free])
        information = slopes @ slopes.T + 1e-9 * np.eye(5)
        covariance = _SPREAD * np.linalg.inv(information)
        change = np.linalg.solve(information, slopes @ (read / np.exp(now) - 1.0))
        limit = np.array([1.0, 0.3 / quality, 0.5, 1.0, 0.3])
        change = np.clip(change, -limit, limit)
        before, halved = unlikely(theta), 0
        while unlikely(theta + change) > before and halved < HALVINGS:
            change, halved = 0.5 * change, halved + 1
        if halved == HALVINGS:  # nothing is more likely
            break
        theta = theta + change
        theta[3] = max(theta[3], math.log(LOWEST * edge))
        if np.all(np.abs(change[:3]) < SETTLED * np.sqrt(np.diag(covariance)[:3])):
            break
    else:
        return None
    size, centre, quality = np.exp(theta[:3])
    if abs(centre - near) > SPAN * width or quality <= 0.5:
        return None
    u = np.sqrt(np.diag(covariance))
    # The peak is √A Q: the logarithms of both add up.
    u_peak = math.sqrt(max(0.25 * covariance[0, 0] + covariance[2, 2] + covariance[0, 2], 0.0))
    peak = math.sqrt(size) * quality
    return Resonance(centre, centre * float(u[1]), quality, quality * float(u[2]), peak, peak * u_peak)
