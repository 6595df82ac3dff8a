"""Platinum resistance thermometers: resistance against temperature after Callendar and Van Dusen (IEC 60751:2008).

    R(t) = R0 (1 + A t + B t²)                      0 °C ≤ t ≤ 850 °C
    R(t) = R0 (1 + A t + B t² + C (t − 100 °C) t³)  −200 °C ≤ t < 0 °C

Outside this range both functions give not a number: the standard says nothing there, and neither does a thermometer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

ICE_POINT = 273.15
"""0 °C (K)."""
A = 3.9083e-3  # 1/°C
B = -5.775e-7  # 1/°C²
C = -4.183e-12  # 1/°C⁴
LOWEST, HIGHEST = -200.0, 850.0  # °C
_ROUNDING = 1e-9  # °C by which an end of the range may be missed
_NEWTON_STEPS = 4


def resistance(celsius: ArrayLike, ice_resistance: float = 100.0) -> Array:
    """Resistance (ohm) at a temperature (°C), any shape; `ice_resistance` (ohm) is R0. With 1 it is the ratio R/R0."""
    t = np.asarray(celsius, dtype=np.float64)
    w = 1.0 + t * (A + t * (B + np.where(t < 0, C, 0.0) * (t - 100.0) * t))
    return _within(t, ice_resistance * w)


def temperature(ohms: ArrayLike, ice_resistance: float = 100.0) -> Array:
    """Temperature (°C) at which a sensor has this resistance (ohm), any shape: the inverse of `resistance`.

    Above 0 °C it is the root of the quadratic, written so that nothing cancels. Below, Newton's method goes on from
    there: the root is 2.4 K off at −200 °C, and four steps take that to round-off.
    """
    w = np.asarray(ohms, dtype=np.float64) / ice_resistance
    with np.errstate(invalid="ignore"):
        t = 2.0 * (w - 1.0) / (A + np.sqrt(A * A + 4.0 * B * (w - 1.0)))
    c = np.where(t < 0, C, 0.0)
    for _ in range(_NEWTON_STEPS if np.any(t < 0) else 0):
        excess = 1.0 + t * (A + t * (B + c * (t - 100.0) * t)) - w
        t = t - excess / (A + t * (2.0 * B + c * (4.0 * t - 300.0) * t))
    return _within(t, t)


def _within(t: Array, values: Array) -> Array:
    """The values, where the temperature is within the standard's range."""
    return np.where((t >= LOWEST - _ROUNDING) & (t <= HIGHEST + _ROUNDING), values, np.nan)
