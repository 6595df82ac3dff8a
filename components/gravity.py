"""Gravity where the mass is: transferred from the gravimeter, and with the tide."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.parameter import Parameters, parameter
from twin.piece import exact_hertz, harmonics
from twin.signal import Constant, Signal
from twin.timeline import Timeline

STANDARD_GRAVITY = 9.80665
"""Standard acceleration (m/s²), by definition: 3rd CGPM, 1901."""
FREE_AIR_GRADIENT = -3.086e-6
"""Vertical gradient of gravity outside the normal Earth (1/s²), 45° latitude, height 0 (GRS80)."""

_DOODSON = 2.6206  # m²/s², of the Moon's tidal potential
_RADIUS = 6.371e6  # m
# Period (s), amplitude in units of Doodson's constant, gravimetric factor, order: 1 diurnal, 2 semidiurnal.
_PRINCIPAL = {
    "M2": (12.4206012 * 3600, 0.90812, 1.160, 2),
    "S2": (12.0 * 3600, 0.42286, 1.160, 2),
    "O1": (25.8193417 * 3600, 0.37689, 1.154, 1),
    "K1": (23.9344696 * 3600, 0.53050, 1.136, 1),
}


class TidalConstituent(Parameters):
    """One cosine of the tide: ``amplitude cos(2π t/period + phase)``; positive is more gravity."""

    amplitude: float = parameter("m/s^2", ge=0, le=1e-4, description="the largest, M2, has 9e-7 m/s² at the equator")
    period: float = parameter("s", gt=0)
    phase: float = parameter("rad", 0.0, description="at the start of the run")


def local_gravity(gravity: float, transfer: float, gradient: float, height: float) -> float:
    """Gravity at the mass (m/s²), without the tide.

    Parameters
    ----------
    gravity : at the gravimeter (m/s²).
    transfer : gravity at the balance's site less that at the gravimeter's (m/s²).
    gradient : vertical gradient at the balance's site (1/s²), negative.
    height : of the mass above the balance's site (m).
    """
    return gravity + transfer + gradient * height


def tide(times_s: ArrayLike, constituents: Sequence[TidalConstituent]) -> NDArray[np.float64]:
    """Change of gravity by the tide (m/s²) at times in seconds since the start of the run, of any shape."""
    t = np.asarray(times_s, dtype=float)
    total = np.zeros(t.shape)
    for c in constituents:
        total += c.amplitude * np.cos(2 * np.pi / c.period * t + c.phase)
    return total


def tidal_signal(name: str, constituents: Sequence[TidalConstituent]) -> Signal:
    """`tide` as a closed form without end; zero for good without constituents.

    Parameters
    ----------
    name : for messages.
    """
    amplitudes: dict[Fraction, complex] = {}
    for c in constituents:
        hertz = 1 / exact_hertz(c.period)
        amplitudes[hertz] = amplitudes.get(hertz, 0.0) + c.amplitude * complex(math.cos(c.phase), math.sin(c.phase))
    if not any(amplitudes.values()):
        return Constant(0.0)
    line = Timeline(name)
    line.follow(harmonics(0.0, amplitudes, 0))
    return line


def principal_tide(latitude: float) -> dict[str, TidalConstituent]:
    """The four largest constituents of the solid Earth at a latitude (rad), with phase zero.

    At 45° their amplitudes are 0.43 (M2), 0.20 (S2), 0.36 (O1) and 0.50 µm/s² (K1); the whole tide goes from peak to
    peak through up to 3 µm/s², 3e-7 of gravity. Phases hang on the Moon; take them from a tidal program.

    Notes
    -----
    Amplitude ``δ · (2 D/a) · c · G``, with Doodson's constant D, the Earth's radius a, the amplitudes c of A. T.
    Doodson, Proc. R. Soc. A 100, 305 (1921), the geodetic coefficient G = cos² φ (semidiurnal) or sin 2φ (diurnal), and
    the gravimetric factors δ of the elastic Earth, V. Dehant et al., J. Geophys. Res. 104, 1035 (1999). Ocean loading
    is not in it.
    """
    geodetic = {1: abs(math.sin(2 * latitude)), 2: math.cos(latitude) ** 2}
    return {
        name: TidalConstituent(amplitude=factor * 2 * _DOODSON / _RADIUS * c * geodetic[order], period=period)
        for name, (period, c, factor, order) in _PRINCIPAL.items()
    }
