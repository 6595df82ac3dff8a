"""Prescribed motions of the coil, as closed forms."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np

from twin.piece import Piece, exact_hertz, harmonics, polynomial
from twin.times import NS, to_ns


@lru_cache(maxsize=32)
def flat_top(orders: tuple[int, ...], window: float) -> tuple[float, ...]:
    """Cosine amplitudes of the harmonics `orders` whose sum is as close to 1 as can be in the middle of a half cycle.

    Least squares over the central `window` (a fraction of the half cycle), with more weight toward its ends (that of
    Gauss nodes), which keeps the largest deviation small; odd orders make the other half cycle −1.

    Raises
    ------
    ValueError
        For even or repeated orders, or a window that is not inside the half cycle.
    """
    if not orders or any(n % 2 == 0 or n < 1 for n in orders) or len(set(orders)) < len(orders):
        raise ValueError(f"a flat-topped velocity needs distinct odd harmonics, not {list(orders)}")
    if not 0 < window < 1:
        raise ValueError(f"the flat window must be a fraction of the half cycle, between 0 and 1, not {window}")
    phase = 0.25 * window * np.polynomial.legendre.leggauss(64)[0]  # cycles from the middle of the half cycle
    matrix = np.cos(2 * np.pi * np.outer(phase, orders))
    return tuple(np.linalg.lstsq(matrix, np.ones(len(phase)), rcond=None)[0].tolist())


def oscillation(
    centre: float, velocity: float, frequency: float, orders: tuple[int, ...], window: float, start: int, cycles: int
) -> list[Piece]:
    """A flat-topped oscillation about `centre` (m), from the lower turning point to the lower turning point.

    Parameters
    ----------
    velocity : in the flat part (m/s); the coil moves up first.
    frequency : of the oscillation (Hz).
    orders, window : see `flat_top`.
    start : ns.
    cycles : whole oscillations.
    """
    hertz = exact_hertz(frequency)
    amplitudes = {}
    for n, a in zip(orders, flat_top(orders, window), strict=True):
        # v = a cos(2 pi n (f t − 1/4)) has its middle at a quarter cycle; z is its integral.
        amplitudes[n * hertz] = velocity * a * np.exp(-0.5j * np.pi * n) / (2j * np.pi * n * float(hertz))
    end = start + int(Fraction(cycles * NS) / hertz)
    return [harmonics(centre, amplitudes, start, end)]


def sweeps(
    centre: float, velocity: float, duration: float, acceleration_time: float, start: int, pairs: int
) -> list[Piece]:
    """Pairs of sweeps up and down at constant velocity about `centre` (m), starting and ending at the bottom.

    Parameters
    ----------
    velocity : in the constant part (m/s).
    duration : of a sweep (s), of which `acceleration_time` (s) at either end.
    start : ns.
    """
    return list(_sweeps(centre, velocity, duration, acceleration_time, start, pairs))


@lru_cache(maxsize=8)  # of a study, every point moves alike
def _sweeps(
    centre: float, velocity: float, duration: float, acceleration_time: float, start: int, pairs: int
) -> tuple[Piece, ...]:
    a, total, fast = to_ns(acceleration_time), to_ns(duration), to_ns(duration) - 2 * to_ns(acceleration_time)
    rate, gained = velocity / (a / NS), 0.5 * velocity * (a / NS)
    height = velocity * (a + fast) / NS
    low = centre - 0.5 * height
    laws: list[Piece] = []
    for k in range(2 * pairs):
        sign, z0 = (1.0, low) if k % 2 == 0 else (-1.0, low + height)
        t0, t1, t2, t3 = (start + k * total + dt for dt in (0, a, a + fast, total))
        z1, z2 = z0 + sign * gained, z0 + sign * (height - gained)
        laws.append(polynomial([z0, 0.0, 0.5 * sign * rate], t0, t1))
        laws.append(polynomial([z1, sign * velocity], t1, t2))
        laws.append(polynomial([z2, sign * velocity, -0.5 * sign * rate], t2, t3))
    return tuple(laws)


def glide(z0: float, z1: float, start: int, end: int) -> list[Piece]:
    """A move from rest at `z0` to rest at `z1` along ``3 s² − 2 s³``; nothing if they are the same."""
    if z0 == z1:
        return []
    h = (end - start) / NS
    return [polynomial([z0, 0.0, 3.0 * (z1 - z0) / h**2, -2.0 * (z1 - z0) / h**3], start, end)]


def travel(z0: float, v0: float, z1: float, velocity: float, acceleration: float, start: int) -> list[Piece]:
    """From `z0` (m) and `v0` (m/s) to rest at `z1`, as a stage does it: in as short a time as its limits let it.

    Parameters
    ----------
    velocity, acceleration : limits (m/s, m/s²). Times are rounded to nanoseconds, and what is left of the limits
        adjusted, so that the motion ends at `z1` exactly.
    start : ns.
    """
    distance, brake = z1 - z0, 0.5 * v0 * abs(v0) / acceleration
    if distance == 0.0 and v0 == 0.0:
        return []
    side = np.sign(distance - brake) or np.sign(v0)
    u0, way = side * v0, side * distance
    top = min(velocity, math.sqrt(max(acceleration * way + 0.5 * u0 * u0, 0.0)))
    first = abs(top - u0) / acceleration
    cruise = way - 0.5 * (top + u0) * first - 0.5 * top * top / acceleration
    t1, t2 = to_ns(first), to_ns(max(cruise, 0.0) / top) if top > 0 else 0
    t3 = max(to_ns(top / acceleration), 1)
    top = (way - 0.5 * u0 * t1 / NS) / ((0.5 * t1 + t2 + 0.5 * t3) / NS)
    laws, z, u = [], z0, u0
    for duration, end_speed in ((t1, top), (t2, top), (t3, 0.0)):
        if duration:
            h = duration / NS
            laws.append(polynomial([z, side * u, 0.5 * side * (end_speed - u) / h], start, start + duration))
            z, start = z + side * 0.5 * (u + end_speed) * h, start + duration
        u = end_speed
    return laws
