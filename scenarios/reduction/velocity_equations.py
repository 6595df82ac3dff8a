"""The equations of a velocity group: what each reading of the voltage has of each unknown."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.fringes import set_instruments
from twin.angles import sine_cosine

Array = NDArray[np.float64]

Part = tuple[Array, Array, Array]
"""Regressors and instruments of some sweeps, shape (unknowns, readings), and the readings (V), those that are first in
their sweep before all second ones: what is done along a sweep is then done to many at once, however short it is."""
CHUNK = 8192  # readings worked on at a time: they stay in the cache


class Beside(NamedTuple):
    """What the model has beside the profile and the offset; see `scenarios.reduction.velocity`.

    Parameters
    ----------
    tau, bend : scaled time of each sweep, and its square less the mean of all squares, shape (sweeps,).
    drifts : order of Bl's course with it, 0, 1 or 2; the second order is without its mean, which is in Bl.
    pace : scaled time from a reading to the next, if the offset drifts with it; None if not.
    acceleration : mean over each aperture (m/s²), shape (sweeps, n); None without skew.
    phase : of the periodic error at the edges (rad), shape (sweeps, n + 1); None without.
    """

    tau: Array
    bend: Array
    drifts: int
    pace: float | None
    acceleration: Array | None
    phase: Array | None

    def of(self, chunk: slice) -> Beside:
        """For some of the sweeps, which come last."""
        acceleration, phase = (None if a is None else a[chunk].T for a in (self.acceleration, self.phase))
        tau, bend = self.tau[chunk], self.bend[chunk]
        return self._replace(tau=tau, bend=bend, acceleration=acceleration, phase=phase)

    @property
    def unknowns(self) -> int:
        """Unknowns, with the offset of the voltage."""
        alone = self.drifts + (self.pace is not None) + (self.acceleration is not None)
        return 1 + alone + (0 if self.phase is None else 2)


def parts(
    voltage: Array, position: Array, aperture: float, place: tuple[float, float], order: int, beside: Beside
) -> Iterator[Part]:
    """The equations, `CHUNK` readings at a time; `place` is the centre of the positions and half of their range (m)."""
    chunks, n = chunks_of(*voltage.shape), voltage.shape[1]
    smoothing = _smoothing(np.diff(position[chunks[0]].T, axis=0))
    space = np.empty((2, order + 1 + beside.unknowns, voltage.size))  # for all at once: it is asked for, and left, once
    for chunk in chunks:
        part = space[:, :, n * chunk.start : n * chunk.stop]
        _set_equations(part, position[chunk].T, aperture, place, smoothing, order, beside.of(chunk))
        yield part[0], part[1], np.ravel(voltage[chunk].T)


def chunks_of(sweeps: int, n: int) -> list[slice]:
    """The sweeps, of n readings each, in parts of `CHUNK` readings."""
    step = max(1, CHUNK // n)
    return [slice(first, first + step) for first in range(0, sweeps, step)]


def within_sweep(n: int, step: float) -> Array:
    """Times of the readings of a sweep about its middle, shape (n, 1)."""
    return np.asarray(step * (np.arange(n) - 0.5 * (n - 1))[:, None])


def _set_equations(
    part: Array,
    edges: Array,
    aperture: float,
    within: tuple[float, float],
    smoothing: Array,
    order: int,
    beside: Beside,
) -> None:
    """Write columns of the model and their weights, both of shape (unknowns, readings), into a `part` of the equations.

    Column k is v (x2^(k+1) − x1^(k+1))/(x2 − x1), from a two-term recurrence that does not cancel; x are the positions
    at the edges, (n + 1, sweeps), about the centre that they are `within`, over half of their range. Then come the
    drift of Bl, the skew, the drift of the offset, the periodic error and the offset.
    """
    x = (edges - within[0]) / within[1]
    columns, rows = part.reshape(*part.shape[:2], len(edges) - 1, edges.shape[1])
    total, product = x[:-1] + x[1:], x[:-1] * x[1:]
    speed, smooth = columns[0], rows[0]
    np.subtract(edges[1:], edges[:-1], out=speed)
    speed /= aperture
    smooth[:] = smoothing @ (smoothing.T @ speed) if smoothing.size else speed
    for k in range(1, order + 1):
        np.multiply(columns[k - 1], total, out=columns[k])
        np.multiply(rows[k - 1], total, out=rows[k])
        if k > 1:
            columns[k] -= columns[k - 2] * product
    place = order + 1
    if beside.drifts:
        np.multiply(speed, beside.tau, out=columns[place])
        np.multiply(smooth, beside.tau, out=rows[place])
        place += 1
    if beside.drifts > 1:
        np.multiply(speed, beside.bend, out=columns[place])
        np.multiply(smooth, beside.bend, out=rows[place])
        place += 1
    if beside.acceleration is not None:
        columns[place] = rows[place] = beside.acceleration
        place += 1
    if beside.pace is not None:
        np.add(within_sweep(len(speed), beside.pace), beside.tau, out=columns[place])
        rows[place] = columns[place]
    if beside.phase is not None:
        waves = sine_cosine(beside.phase)
        for row, wave in zip((-3, -2), waves, strict=True):
            np.subtract(wave[1:], wave[:-1], out=columns[row])
        set_instruments(columns[-3:-1], rows[-3:-1], waves, edges[-1] > edges[0])
    columns[-1] = rows[-1] = 1.0


def _smoothing(speed: Array) -> Array:
    """Orthonormal courses of low order in time, shape (n, orders), if sweeps' velocities look like that; else none."""
    courses = _low_orders(len(speed))
    kept = float(np.sum((courses.T @ speed) ** 2))
    return courses if kept > 0.9 * float(np.sum(speed**2)) else courses[:, :0]


@lru_cache(maxsize=16)
def _low_orders(n: int) -> Array:
    """Orthonormal polynomials of low order at n even distances, shape (n, orders)."""
    index = np.linspace(-1, 1, n) if n > 1 else np.zeros(1)
    basis, _ = np.linalg.qr(index[:, None] ** np.arange(min(2, n // 4) + 1))
    return np.asarray(basis)
