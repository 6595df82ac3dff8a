"""Prescribed motions of the coil, as closed forms."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np

from twin.piece import Piece, exact_hertz, harmonics, polynomial
from twin.times import NS, to_ns


@lru_cache(maxsize=32)
def flat_top(orders: tuple[int, ...], window: float) -> tuple[float, ...]:
    """Cosine amplitudes of the harmonics `orders` whose sum is as close to 1 as can be in the middle of a half cycle.

    Least squares over the central `window` (a fraction of the half cycle); odd orders make the other half cycle −1.

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
    centre: float, velocity: float, frequency: float, orders: tuple[int, ...], window: float, start: int, cycles: int, lead: int
) -> list[Piece]:
    """A flat-topped oscillation about `centre` (m), led in and out by smooth moves of `lead` ns.

    Parameters
    ----------
    velocity : in the flat part (m/s); the coil moves up first.
    frequency : of the oscillation (Hz).
    orders, window : see `flat_top`.
    start : of the lead-in (ns); the oscillation starts at the lower turning point, `lead` later.
    cycles : whole oscillations.
    """
    hertz = exact_hertz(frequency)
    amplitudes = {}
    for n, a in zip(orders, flat_top(orders, window), strict=True):
        # v = a cos(2 pi n (f t − 1/4)) has its middle at a quarter cycle; z is its integral.
        amplitudes[n * hertz] = velocity * a * np.exp(-0.5j * np.pi * n) / (2j * np.pi * n * float(hertz))
    first = start + lead
    last = first + int(Fraction(cycles * NS) / hertz)
    swing = harmonics(centre, amplitudes, first, last)
    return [*_glide(centre, swing.values_at(first)[0].real, start, first), swing,
            *_glide(swing.values_at(last)[0].real, centre, last, last + lead)]  # fmt: skip


def sweeps(
    centre: float, velocity: float, duration: float, acceleration_time: float, start: int, pairs: int, lead: int
) -> list[Piece]:
    """Pairs of sweeps up and down at constant velocity about `centre`, led in and out by smooth moves of `lead` ns.

    Parameters
    ----------
    velocity : in the constant part (m/s).
    duration : of a sweep (s), of which `acceleration_time` (s) at either end.
    start : of the lead-in (ns).
    """
    a, total, fast = to_ns(acceleration_time), to_ns(duration), to_ns(duration) - 2 * to_ns(acceleration_time)
    rate, cruise = velocity / (a / NS), fast / NS
    height = velocity * (a + fast) / NS
    laws: list[Piece] = []
    begin = start + lead
    low = centre - 0.5 * height
    for k in range(2 * pairs):
        sign, z0 = (1.0, low) if k % 2 == 0 else (-1.0, low + height)
        t0 = begin + k * total
        gained = 0.5 * rate * (a / NS) ** 2
        laws.append(polynomial([z0, 0.0, 0.5 * sign * rate], t0, t0 + a))
        laws.append(polynomial([z0 + sign * gained, sign * velocity], t0 + a, t0 + a + fast))
        z2 = z0 + sign * (gained + velocity * cruise)
        laws.append(polynomial([z2, sign * velocity, -0.5 * sign * rate], t0 + a + fast, t0 + total))
    end = begin + 2 * pairs * total
    return [*_glide(centre, low, start, begin), *laws, *_glide(low, centre, end, end + lead)]


def _glide(z0: float, z1: float, start: int, end: int) -> list[Piece]:
    """A move from rest to rest along ``3 s² − 2 s³``; nothing if it takes no time."""
    if start == end:
        return []
    h = (end - start) / NS
    return [polynomial([z0, 0.0, 3.0 * (z1 - z0) / h**2, -2.0 * (z1 - z0) / h**3], start, end)]
