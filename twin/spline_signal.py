"""Periodic splines as signals: noise of a given spectrum, or a record, that goes on for ever.

Between the points of a regular grid runs the quintic spline through samples. It has four continuous derivatives, and of
an oscillation with 16 points a period it is wrong by 3e-7. There is no state: the value at an instant follows from the
samples alone.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from twin.signal import Rate, Signal
from twin.times import NS, Times

Array = NDArray[np.float64]
DEGREE = 5
CHUNK = 8192
"""Instants worked on together, which stay in the processor's cache."""


@lru_cache(maxsize=8)
def basis(degree: int) -> Array:
    """Coefficients of the uniform B-spline in a cell, shape (degree + 1, degree + 1): rows are powers of u, columns
    the points from the cell's own on."""
    if degree == 0:
        return np.ones((1, 1))
    lower, result = basis(degree - 1), np.zeros((degree + 1, degree + 1))
    result[:-1, :-1] += lower * (1.0 + np.arange(degree))
    result[1:, :-1] -= lower
    result[:-1, 1:] += lower * (degree - 1.0 - np.arange(degree))
    result[1:, 1:] += lower
    return result / degree


class SplineSignal(Signal):
    """A spline whose B-spline points repeat.

    To the engine it is smooth: it names no breakpoints. Its fifth derivative jumps at every grid point, but to cut
    whatever depends on it there would make a million pieces for nothing.

    Parameters
    ----------
    name : for messages.
    step : from point to point (ns).
    points : of the B-spline, those of the first cell first, shape (count,). Their mean is dropped.
    degree : of the polynomials.
    """

    def __init__(self, name: str, step: int, points: Array, degree: int = DEGREE) -> None:
        self.name, self.step, self.degree = name, step, degree
        self._points = points - points.mean()
        self._wrapped = np.concatenate([self._points, self._points[:degree]])
        self._slope: SplineSignal | None = None
        self._mean: Rate | None = None
        self.leaves = frozenset({self})

    @classmethod
    def through(cls, name: str, step: int, spectrum: NDArray[np.complex128], count: int) -> SplineSignal:
        """The signal through the `count` samples whose discrete spectrum, as of `numpy.fft.rfft`, is given."""
        turn = 2.0 * np.pi / count * np.arange(len(spectrum))
        spread = sum(b * np.cos((j - 2) * turn) for j, b in enumerate(basis(DEGREE)[0]))
        return cls(name, step, np.roll(np.fft.irfft(spectrum / spread, count), DEGREE // 2))

    @property
    def period(self) -> int:
        """After which the signal repeats (ns)."""
        return self.step * len(self._points)

    def _evaluate(self, times: Times) -> Array:
        ns, result = times.ns.ravel(), np.empty(times.ns.size)
        rest = np.broadcast_to(times.rest, times.ns.shape).ravel()
        columns = np.arange(self.degree + 1)[:, None]
        for i in range(0, len(ns), CHUNK):
            cell = ns[i : i + CHUNK] // self.step
            u = ((ns[i : i + CHUNK] - cell * self.step) + rest[i : i + CHUNK] * NS) / self.step
            rows = basis(self.degree) @ self._wrapped.take(cell % len(self._points) + columns)
            value = rows[-1]
            for row in rows[-2::-1]:
                value *= u
                value += row
            result[i : i + CHUNK] = value
        return result.reshape(times.ns.shape)

    def means(self, starts: NDArray[np.int64], aperture: int) -> Array:
        if self._mean is None:
            self._mean = Rate(self.integral())
        return self._mean.means(starts, aperture) if aperture else self.at(Times(starts))

    def breakpoints(self, start: int, end: int) -> set[int]:
        return set()

    def integral(self) -> SplineSignal:
        """The antiderivative over time in seconds, of mean zero, which repeats too."""
        turn = 2j * np.pi / len(self._points) * np.arange(len(self._points) // 2 + 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            spectrum = np.fft.rfft(self._points) / np.expm1(turn) * (self.step / NS)
        spectrum[0] = 0.0
        return SplineSignal(f"∫{self.name} dt", self.step, np.fft.irfft(spectrum, len(self._points)), self.degree + 1)

    def derivative(self) -> Signal:
        if self.degree == 0:
            return super().derivative()
        if self._slope is None:
            points = np.diff(self._wrapped[: len(self._points) + 1]) / (self.step / NS)
            self._slope = SplineSignal(f"d({self.name})/dt", self.step, points, self.degree - 1)
        return self._slope

    def __repr__(self) -> str:
        return self.name
