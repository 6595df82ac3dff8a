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

    def mean_acceleration(self, later: float | Array = 0.0) -> Array:
        """From each reading to the next (m/s²), shape (sweeps, n − 1)."""
        t = self.time + later
        return self._of(*(np.diff(course.velocity(t)) / np.diff(t) for course in (self.opposite, self.common)))

    def over(self, position: Array) -> RepeatedMotion:
        """The same in all the sweeps of these positions (m), shape (sweeps, n)."""
        told = bool(self.sign.any())
        return replace(self, sign=_sign(position) if told else np.zeros((len(position), 1)))

    def moved(self, position: Array, delay: float | Array, bend: float = 0.0) -> Array:
        """Positions (m) a `delay` (s) later, and `bend` (s²) times the acceleration beside, shape (sweeps, n).

        A delay may be another one for each reading of a sweep, shape (n,).

        The delay is exact in what the sweeps repeat; to the rest of the positions it is applied by differences.
        """
        if not (np.any(delay) or bend):
            return position
        step = float(self.time[1] - self.time[0])
        edge: Literal[1, 2] = 2 if position.shape[1] > 2 else 1
        courses, then = (self.opposite, self.common), self.time + delay
        here = np.stack([course.position(self.time) for course in courses])
        later = np.stack([course.position(then) for course in courses])
        if bend:
            later += bend * np.stack([course.acceleration(then) for course in courses])
        result = self._of(*(later - here - delay * np.gradient(here, step, axis=1, edge_order=edge)))
        result += position
        if np.any(delay):
            result += delay * np.gradient(position, step, axis=1, edge_order=edge)
        return result

    def _of(self, opposite: Array, common: Array) -> Array:
        """In every sweep, in the order of `Sweeps`."""
        both: Array = np.stack([opposite, common], axis=1) @ np.hstack([self.sign, self.sign**2]).T
        return both.T


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
    up, down = (position.T @ (which / np.count_nonzero(which)) for which in (upward, ~upward))
    scatter = 0.5 * float(
        np.sqrt(_variance_of_means(position.T - np.where(upward, up[:, None], down[:, None]), upward))
    )
    opposite, common = 0.5 * (up - down), 0.5 * (up + down)
    half_period = np.sort(np.diff(time))[(len(time) - 1) // 2]  # whatever is missing between some sweeps
    rates: Array = np.pi / half_period * np.arange(2.0 * MOST)
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


def _leaves(course: Course, t: Array, values: Array) -> float:
    """What a course leaves of values, rms (m)."""
    left = values - course.position(t)
    return float(np.sqrt(left @ left / len(t)))


def _harmonics(t: Array, values: Array, rates: Array, enough: float) -> Course:
    """As few harmonics, in order of `rates` (rad/s), as leave no more than `enough` (m)."""
    skew, fair = 0.5 * (values - values[::-1]), 0.5 * (values + values[::-1])
    for count in range(1, min(len(rates), (len(t) - 1) // 2) + 1):
        # Sines are odd about the middle and cosines even: apart they mix by no rounding.
        odd, even = _waves(len(t), float(t[1] - t[0]), tuple(rates[:count].tolist()))
        if odd.leave(skew) + even.leave(fair) <= enough**2 * (len(t) - 2 * count):
            break
    return Course(0.0, 0.0, rates[:count], odd.amplitudes(skew), even.amplitudes(fair))


class _Waves(NamedTuple):
    """Waves at some times, by their singular values, those that are rounding left out."""

    left: Array
    sizes: Array
    right: Array

    def amplitudes(self, values: Array) -> Array:
        """By least squares."""
        found: Array = ((values @ self.left) / self.sizes) @ self.right
        return found

    def leave(self, values: Array) -> float:
        """Sum of squares of what they leave."""
        left = values - self.left @ (values @ self.left)
        return float(left @ left)


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


def _variance_of_means(deviations: Array, upward: NDArray[np.bool_]) -> float:
    """Of the mean sweep up, and of that down (m²), together: each sweep about its own line, as noise is slow.

    Parameters
    ----------
    deviations : of the sweeps from their mean (m), shape (n, sweeps), 0 for a single one.
    upward : which go up, shape (sweeps,).
    """
    n, line = len(deviations), _lines(len(deviations))
    left = deviations - line @ (line.T @ deviations)
    number = np.where(upward, np.count_nonzero(upward), np.count_nonzero(~upward))
    return float(np.einsum("ij,ij->j", left, left) @ (1.0 / (max(n - 2, 1) * np.maximum(number - 1, 1) * number)))


@lru_cache(maxsize=16)
def _lines(n: int) -> Array:
    """An orthonormal basis of the lines through n equally spaced points, shape (n, 2)."""
    basis, _ = np.linalg.qr(np.vander(np.linspace(-1.0, 1.0, n), 2))
    return basis
