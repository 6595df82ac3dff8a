"""The motion that all sweeps of a coil going up and down have in common, with its velocity and acceleration."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ROUNDING = 1e-9
"""Of the travel: what the harmonics need not describe even if nothing scatters."""
MOST = 6
"""Harmonics at most, that is orders to 11: more would describe the interferometer's periodic error."""
WEAKEST = 1e-9
"""Of the strongest combination of harmonics: what is told from the readings by less is left out, as it is rounding."""


class RepeatedMotion(NamedTuple):
    """Position (m), velocity (m/s) and acceleration (m/s²) at each reading of the position, shape (sweeps, n)."""

    position: Array
    velocity: Array
    acceleration: Array


def repeated_motion(position: Array, time: Array, step: float) -> RepeatedMotion:
    """The constant velocity or the odd harmonics of a motion up and down; zeros if all sweeps go the same way.

    A sweep alone does not tell its acceleration at its ends, and it is the ends that count: what the mean velocity of a
    window gains by ``c z̈`` on the positions is c times the difference of z̈ between its ends. But sweeps repeat. Half
    the difference of the mean sweeps up and down holds odd harmonics of the motion only, as up and down are half a
    period apart. It is an exact line, or else as few of them as leave no more than its scatter. Even harmonics are the
    same in both directions, as an offset of the voltmeter is, and cancel in Bl with it.

    Parameters
    ----------
    position : (m), shape (sweeps, n).
    time : middle of each sweep (s), shape (sweeps,); the median distance is half the period.
    step : between readings (s).
    """
    upward = position[:, -1] > position[:, 0]
    if upward.all() or not upward.any():
        nothing = np.zeros_like(position)
        return RepeatedMotion(nothing, nothing, nothing)
    up, down = position[upward], position[~upward]
    course = 0.5 * (up.mean(axis=0) - down.mean(axis=0))
    scatter = 0.5 * np.sqrt(_variance_of_mean(up) + _variance_of_mean(down))
    half_period = float(np.median(np.diff(time)))
    sign = np.where(upward, 1.0, -1.0)[:, None]
    z, v, a = _described(course, np.pi / half_period, step, scatter)
    return RepeatedMotion(sign * z, sign * v, sign * a)


def _described(course: Array, omega: float, step: float, scatter: float) -> tuple[Array, Array, Array]:
    """A course (m) and its derivatives: an exact line, or as few odd harmonics of ω as leave twice the `scatter`."""
    rounding = ROUNDING * float(np.ptp(course))
    enough = max(2.0 * scatter, rounding)
    n = len(course)
    t = step * (np.arange(n) - 0.5 * (n - 1))
    speed = float(t @ course / (t @ t))
    z, v, a = course.mean() + speed * t, np.full(n, speed), np.zeros(n)
    if (course - z) @ (course - z) <= n * rounding**2:
        return z, v, a
    skew, fair = 0.5 * (course - course[::-1]), 0.5 * (course + course[::-1])
    for count in range(1, min(MOST, (n - 1) // 2) + 1):
        orders = omega * (2 * np.arange(count) + 1)
        sine, cosine = np.sin(np.outer(t, orders)), np.cos(np.outer(t, orders))
        # Sines are odd about the middle and cosines even: apart they mix by no rounding.
        odd, even = (np.linalg.lstsq(basis, part, rcond=WEAKEST)[0] for basis, part in ((sine, skew), (cosine, fair)))
        z, v = sine @ odd + cosine @ even, cosine @ (orders * odd) - sine @ (orders * even)
        a = -sine @ (orders**2 * odd) - cosine @ (orders**2 * even)
        if (course - z) @ (course - z) <= (n - 2 * count) * enough**2:
            break
    return z, v, a


def _variance_of_mean(sweeps: Array) -> float:
    """Of the mean of sweeps that repeat (m²), each about its own line, as noise is slow; 0 for a single one."""
    if len(sweeps) < 2:
        return 0.0
    n = sweeps.shape[1]
    line, _ = np.linalg.qr(np.vander(np.linspace(-1.0, 1.0, n), 2))
    deviations = sweeps - sweeps.mean(axis=0)
    deviations -= deviations @ line @ line.T
    return float(np.einsum("ij,ij->", deviations, deviations)) / (max(n - 2, 1) * (len(sweeps) - 1) * len(sweeps))
