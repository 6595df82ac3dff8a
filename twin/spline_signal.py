"""Periodic splines as signals: noise of a given spectrum, or a record, that goes on for ever.

Between the points of a regular grid runs the quintic spline through samples. It has four continuous derivatives, and of
an oscillation with 16 points a period it is wrong by 3e-7. There is no state: the value at an instant follows from the
samples alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from twin.shifted import Rate
from twin.signal import Signal
from twin.times import NS, Times

Array = NDArray[np.float64]
DEGREE = 5
CHUNK = 8192
"""Instants worked on together, which stay in the processor's cache."""
PARTS = 3
"""Into so many are the instants of a long burst divided: at each of them few points count."""


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


@lru_cache(maxsize=32)
def _weights(degree: int, step: int, instants: tuple[int, ...]) -> tuple[Array, list[tuple[slice, slice]]]:
    """What each point counts at instants (ns) since the start of the first point's cell, shape (points, instants); and
    which points count at which instants, these in parts if they are far apart: the rest is zero."""
    cell, part = np.divmod(np.array(instants, dtype=np.int64), step)
    weights = np.zeros((int(cell.max()) + degree + 1, len(cell)))
    for j, weight in enumerate(basis(degree).T @ np.power.outer(part / step, np.arange(degree + 1)).T):
        weights[cell + j, np.arange(len(cell))] = weight
    parts = max(min(PARTS, len(cell), len(weights) // (2 * (degree + 1))), 1)
    ends = np.linspace(0, len(cell), parts + 1).astype(int).tolist()
    some = [slice(a, b) for a, b in pairwise(ends)]
    return weights, [(slice(int(cell[at].min()), int(cell[at].max()) + degree + 1), at) for at in some]


class SplineSignal(Signal):
    """A spline whose B-spline points repeat.

    To the engine it is smooth: it names no breakpoints. Its fifth derivative jumps at every grid point, but to cut
    whatever depends on it there would make a million pieces for nothing.

    Parameters
    ----------
    name : for messages.
    step : from point to point (ns).
    count : of the points.
    points : gives those of the B-spline, that of the first cell first, and the first `degree` of them once more, shape
        (count + degree,), when somebody first looks at the signal.
    degree : of the polynomials.
    """

    def __init__(self, name: str, step: int, count: int, points: Callable[[], Array], degree: int = DEGREE) -> None:
        self.name, self.step, self.count, self.degree = name, step, count, degree
        self._make = points
        self._slope: SplineSignal | None = None
        self._mean: Rate | None = None
        self._last: tuple[NDArray[np.int64], Array] | None = None
        self.leaves = frozenset({self})

    @classmethod
    def through(cls, name: str, step: int, spectrum: Callable[[], NDArray[np.complex128]], count: int) -> SplineSignal:
        """The signal through `count` samples, but for their mean, whose discrete spectrum, as `numpy.fft.rfft`'s, is
        given, or the first part of it that is not zero."""

        def points() -> Array:
            found = spectrum()
            turn = 2.0 * np.pi / count * np.arange(len(found))
            spread = sum(b * np.cos((j - 2) * turn) for j, b in enumerate(basis(DEGREE)[0]))
            middle = np.fft.irfft(np.append(0.0, (found / spread)[1:]), count)  # those of the third cell first
            return np.concatenate([middle[-2:], middle, middle[: DEGREE - 2]])

        return cls(name, step, count, points)

    @property
    def period(self) -> int:
        """After which the signal repeats (ns)."""
        return self.step * self.count

    @cached_property
    def _wrapped(self) -> Array:
        return self._make()

    def _evaluate(self, times: Times) -> Array:
        if times.every and times.every % self.step == 0:
            if self._last is None or not np.array_equal(self._last[0], times.ns):  # two may look at the same bursts
                self._last = times.ns, self._at_rows(times.ns[0], times.every, len(times.ns))
            return self._last[1]
        if times.step and times.step % self.step == 0:
            return self._at_rows(times.ns.reshape(-1)[:1], times.step, times.ns.size).reshape(times.ns.shape)
        ns, result = times.ns.ravel(), np.empty(times.ns.size)
        rest = np.broadcast_to(times.rest, times.ns.shape).ravel()
        columns = np.arange(self.degree + 1)[:, None]
        for i in range(0, len(ns), CHUNK):
            cell = ns[i : i + CHUNK] // self.step
            u = ((ns[i : i + CHUNK] - cell * self.step) + rest[i : i + CHUNK] * NS) / self.step
            rows = basis(self.degree) @ self._wrapped.take(cell % self.count + columns)
            value = rows[-1]
            for row in rows[-2::-1]:
                value *= u
                value += row
            result[i : i + CHUNK] = value
        return result.reshape(times.ns.shape)

    def _at_rows(self, instants: NDArray[np.int64], every: int, count: int) -> Array:
        """At `count` bursts of the same instants, whole steps apart: all have the same weights."""
        first, hop = int(instants.min()) // self.step, every // self.step
        weights, bands = _weights(self.degree, self.step, tuple((instants - first * self.step).tolist()))
        result, row, width = np.empty((count, len(instants))), 0, len(weights)
        while row < count:  # as many rows as there are before the points start anew
            begin = (first + hop * row) % self.count
            rows = min((len(self._wrapped) - width - begin) // hop + 1, count - row)
            if rows < 1:
                result[row] = self._wrapped.take(np.arange(begin, begin + width) % self.count) @ weights
                row += 1
                continue
            there = self._wrapped[begin : begin + hop * (rows - 1) + width]
            step = there.strides[0]
            points = as_strided(there, (rows, width), (hop * step, step), writeable=False)
            for own, at in bands:
                np.matmul(points[:, own], weights[own, at], out=result[row : row + rows, at])
            row += rows
        return result

    def means(self, starts: NDArray[np.int64], aperture: int) -> Array:
        if self._mean is None:
            self._mean = Rate(self.integral())
        return self._mean.means(starts, aperture) if aperture else self.at(Times(starts))

    def breakpoints(self, start: int, end: int) -> set[int]:
        return set()

    def integral(self) -> SplineSignal:
        """An antiderivative over time in seconds, which repeats too."""

        def points() -> Array:
            total = np.zeros(self.count + self.degree + 1)
            np.cumsum(self._wrapped[: self.count], out=total[1 : self.count + 1])
            total *= self.step / NS
            total[: self.count] -= np.linspace(0.0, total[self.count], self.count, endpoint=False)  # rounding
            total[self.count :] = total[: self.degree + 1]
            return total

        return SplineSignal(f"∫{self.name} dt", self.step, self.count, points, self.degree + 1)

    def derivative(self) -> Signal:
        if self.degree == 0:
            return super().derivative()
        if self._slope is None:

            def points() -> Array:
                return np.diff(self._wrapped) / (self.step / NS)

            self._slope = SplineSignal(f"d({self.name})/dt", self.step, self.count, points, self.degree - 1)
        return self._slope

    def __repr__(self) -> str:
        return self.name
