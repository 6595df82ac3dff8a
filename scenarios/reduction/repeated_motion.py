"""The motion that all sweeps of a coil going up and down have in common, as a function of time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ROUNDING = 1e-9
"""Of the travel: what the harmonics need not describe even if nothing scatters."""
MOST = 6
"""Harmonics at most, that is orders to 11: more would describe the interferometer's periodic error."""
WEAKEST = 1e-9
"""Of the strongest combination of harmonics: what is told from the readings by less is left out, as it is rounding."""
SCATTER = 2.0
"""So many times its scatter a description of the motion may leave of it."""
DESCRIBED = 0.01
"""Share of what a constant velocity leaves of a motion that harmonics which describe it may leave, beyond scatter."""


@dataclass(frozen=True, eq=False)
class Course:
    """A function of time, ``c + v t + Σ a_k sin ω_k t + b_k cos ω_k t``, of a length (m).

    Parameters
    ----------
    constant, speed : c (m), v (m/s).
    rates : ω_k (rad/s), shape (k,); `sines`, `cosines` are a_k and b_k (m).
    """

    constant: float
    speed: float
    rates: Array
    sines: Array
    cosines: Array

    def position(self, t: Array) -> Array:
        """(m)."""
        angle = np.multiply.outer(t, self.rates)
        return self.constant + self.speed * t + np.sin(angle) @ self.sines + np.cos(angle) @ self.cosines

    def velocity(self, t: Array) -> Array:
        """(m/s)."""
        angle = np.multiply.outer(t, self.rates)
        return self.speed + np.cos(angle) @ (self.rates * self.sines) - np.sin(angle) @ (self.rates * self.cosines)

    def acceleration(self, t: Array) -> Array:
        """(m/s²)."""
        angle, square = np.multiply.outer(t, self.rates), self.rates**2
        result: Array = -np.sin(angle) @ (square * self.sines) - np.cos(angle) @ (square * self.cosines)
        return result


@dataclass(frozen=True, eq=False)
class RepeatedMotion:
    """What up and down have opposite, and what they have in common.

    Parameters
    ----------
    sign : 1 for a sweep up, −1 for one down, shape (sweeps, 1); zeros if all go the same way, and nothing is told.
    time : of the readings of the positions, from the middle of a sweep (s), shape (n,).
    opposite : a constant velocity, or odd harmonics. common : a constant, and even harmonics.
    accelerated : whether constant velocity leaves more of the motion than its scatter, and the harmonics describe it.
    """

    sign: Array
    time: Array
    opposite: Course
    common: Course
    accelerated: bool

    def position(self, later: float = 0.0) -> Array:
        """At each reading, or so much later (s): (m), shape (sweeps, n)."""
        t = self.time + later
        return self._of(self.opposite.position(t), self.common.position(t))

    def velocity(self, later: float = 0.0) -> Array:
        """(m/s), as `position`."""
        t = self.time + later
        return self._of(self.opposite.velocity(t), self.common.velocity(t))

    def acceleration(self, later: float = 0.0) -> Array:
        """(m/s²), as `position`."""
        t = self.time + later
        return self._of(self.opposite.acceleration(t), self.common.acceleration(t))

    def over(self, position: Array) -> RepeatedMotion:
        """The same in all the sweeps of these positions (m), shape (sweeps, n)."""
        told = bool(self.sign.any())
        return replace(self, sign=_sign(position) if told else np.zeros((len(position), 1)))

    def moved(self, position: Array, delay: float, bend: float = 0.0) -> Array:
        """Positions (m) a `delay` (s) later, and `bend` (s²) times the acceleration beside, shape (sweeps, n).

        The delay is exact in what the sweeps repeat; to the rest of the positions it is applied by differences.
        """
        step = float(self.time[1] - self.time[0])
        edge: Literal[1, 2] = 2 if position.shape[1] > 2 else 1
        rows = []
        for course in (self.opposite, self.common):
            here, later = course.position(self.time), course.position(self.time + delay)
            beside = bend * course.acceleration(self.time + delay)
            rows.append(later - here + beside - delay * np.gradient(here, step, edge_order=edge))
        result: Array = position + self._of(*rows)
        if delay:
            result += delay * np.gradient(position, step, axis=1, edge_order=edge)
        return result

    def _of(self, opposite: Array, common: Array) -> Array:
        return self.sign * opposite + self.sign**2 * common


def repeated_motion(position: Array, time: Array, step: float) -> RepeatedMotion:
    """The constant velocity or the harmonics of a motion up and down; none if all sweeps go the same way.

    A sweep alone does not tell its acceleration at its ends, and it is the ends that count: what the mean velocity of a
    window gains by ``c z̈`` on the positions is c times the difference of z̈ between its ends. But sweeps repeat. Half
    the difference of the mean sweeps up and down holds odd harmonics of the motion only, and half their sum even ones,
    as up and down are half a period apart. Each is as few harmonics as leave no more than its scatter, the one an exact
    line and the other a constant if they can be.

    Parameters
    ----------
    position : (m), shape (sweeps, n).
    time : middle of each sweep (s), shape (sweeps,); the median distance is half the period.
    step : between readings (s).
    """
    n = position.shape[1]
    t = step * (np.arange(n) - 0.5 * (n - 1))
    sign = _sign(position)
    upward = sign[:, 0] > 0.0
    if upward.all() or not upward.any():
        return RepeatedMotion(np.zeros((len(position), 1)), t, _line(t, 0.0 * t), _line(t, 0.0 * t), False)
    up, down = position[upward], position[~upward]
    scatter = 0.5 * float(np.sqrt(_variance_of_mean(up) + _variance_of_mean(down)))
    opposite, common = (0.5 * (up.mean(axis=0) + sign * down.mean(axis=0)) for sign in (-1.0, 1.0))
    rates: Array = np.pi / float(np.median(np.diff(time))) * np.arange(2.0 * MOST)
    rounding = ROUNDING * float(np.ptp(opposite))
    enough = max(SCATTER * scatter, rounding)
    line = _line(t, opposite)
    left = _leaves(line, t, opposite)
    found = line if left <= rounding else _harmonics(t, opposite, rates[1::2], enough)
    return RepeatedMotion(
        sign=sign,
        time=t,
        opposite=found,
        common=_harmonics(t, common, rates[::2], enough),
        accelerated=left > enough and _leaves(found, t, opposite) <= max(enough, DESCRIBED * left),
    )


def _line(t: Array, values: Array) -> Course:
    nothing = np.zeros(0)
    return Course(float(values.mean()), float(t @ values / (t @ t)), nothing, nothing, nothing)


def _leaves(course: Course, t: Array, values: Array, unknowns: int = 0) -> float:
    """What a course leaves of values, rms (m)."""
    left = values - course.position(t)
    return float(np.sqrt(left @ left / (len(t) - unknowns)))


def _harmonics(t: Array, values: Array, rates: Array, enough: float) -> Course:
    """As few harmonics, in order of `rates` (rad/s), as leave no more than `enough` (m)."""
    skew, fair = 0.5 * (values - values[::-1]), 0.5 * (values + values[::-1])
    for count in range(1, min(len(rates), (len(t) - 1) // 2) + 1):
        # Sines are odd about the middle and cosines even: apart they mix by no rounding.
        waves = _waves(len(t), float(t[1] - t[0]), tuple(rates[:count].tolist()))
        sines, cosines = (wave.amplitudes(part) for wave, part in zip(waves, (skew, fair), strict=True))
        course = Course(0.0, 0.0, rates[:count], sines, cosines)
        if _leaves(course, t, values, 2 * count) <= enough:
            break
    return course


class _Waves(NamedTuple):
    """Waves at some times, by their singular values, those that are rounding left out."""

    left: Array
    sizes: Array
    right: Array

    def amplitudes(self, values: Array) -> Array:
        """By least squares."""
        found: Array = ((values @ self.left) / self.sizes) @ self.right
        return found


@lru_cache(maxsize=64)
def _waves(n: int, step: float, rates: tuple[float, ...]) -> tuple[_Waves, _Waves]:
    """Sines and cosines of these rates (rad/s) at n times about 0; the same for all groups of a run."""
    angle, found = np.outer(step * (np.arange(n) - 0.5 * (n - 1)), rates), []
    for wave in (np.sin(angle), np.cos(angle)):
        left, sizes, right = np.linalg.svd(wave, full_matrices=False)
        kept = sizes > WEAKEST * sizes[0]
        found.append(_Waves(left[:, kept], sizes[kept], right[kept]))
    return found[0], found[1]


def _sign(position: Array) -> Array:
    """1 for a sweep up, −1 for one down, shape (sweeps, 1)."""
    return np.where(position[:, -1] > position[:, 0], 1.0, -1.0)[:, None]


def _variance_of_mean(sweeps: Array) -> float:
    """Of the mean of sweeps that repeat (m²), each about its own line, as noise is slow; 0 for a single one."""
    if len(sweeps) < 2:
        return 0.0
    n, line = sweeps.shape[1], _lines(sweeps.shape[1])
    deviations = sweeps - sweeps.mean(axis=0)
    deviations -= deviations @ line @ line.T
    return float(np.einsum("ij,ij->", deviations, deviations)) / (max(n - 2, 1) * (len(sweeps) - 1) * len(sweeps))


@lru_cache(maxsize=16)
def _lines(n: int) -> Array:
    """An orthonormal basis of the lines through n equally spaced points, shape (n, 2)."""
    basis, _ = np.linalg.qr(np.vander(np.linspace(-1.0, 1.0, n), 2))
    return basis
