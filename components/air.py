"""Density of moist air by the CIPM-2007 equation."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

GAS_CONSTANT = 8.314472  # J/(mol K): the value that the equation was adjusted with, not today's
MOLAR_MASS_WATER = 18.01528e-3  # kg/mol
RELATIVE_UNCERTAINTY = 22e-6  # of the equation alone, Picard2008 section 3


def air_density(
    temperature_K: ArrayLike, pressure_Pa: ArrayLike, humidity: ArrayLike, co2_fraction: ArrayLike = 400e-6
) -> NDArray[np.float64]:
    """Density of moist air (kg/m³); the arguments broadcast.

    Parameters
    ----------
    temperature_K : thermodynamic temperature (K). The equation was adjusted for 15 °C to 27 °C.
    pressure_Pa : pressure (Pa), adjusted for 600 hPa to 1100 hPa; 0 is vacuum, with density 0.
    humidity : relative humidity, 0 to 1.
    co2_fraction : mole fraction of carbon dioxide (1).

    Raises
    ------
    ValueError
        For a temperature that is not positive, a negative pressure or humidity, a humidity that is in percent, or a
        number that is not finite.

    Notes
    -----
    A. Picard, R. S. Davis, M. Gläser, K. Fujii, *Revised formula for the density of moist air (CIPM-2007)*,
    Metrologia 45, 149 (2008), appendix A1:
    ρ = p M_a/(Z R T) [1 − x_v (1 − M_v/M_a)], with the mole fraction of vapour x_v = h f(p, t) p_sv(T)/p.
    It is written here with the vapour's partial pressure e = x_v p, which needs no division by p but in the smallest
    term.
    """
    T, p, h, x_co2 = np.broadcast_arrays(
        *(np.asarray(x, dtype=float) for x in (temperature_K, pressure_Pa, humidity, co2_fraction))
    )
    _check(T, p, h, x_co2)
    e = vapour_pressure(T, p, h)
    x_v = np.divide(e, p, out=np.zeros_like(e), where=p > 0)
    molar_mass = (28.96546 + 12.011 * (x_co2 - 400e-6)) * 1e-3
    return (p * molar_mass - e * (molar_mass - MOLAR_MASS_WATER)) / (compressibility(T, p, x_v) * GAS_CONSTANT * T)


def vapour_pressure(
    temperature_K: NDArray[np.float64], pressure_Pa: NDArray[np.float64], humidity: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Partial pressure of water (Pa): humidity times enhancement factor times saturation pressure; none in vacuum."""
    T, p = temperature_K, pressure_Pa
    saturation = np.exp(1.2378847e-5 * T**2 - 1.9121316e-2 * T + 33.93711047 - 6.3431645e3 / T)
    enhancement = 1.00062 + 3.14e-8 * p + 5.6e-7 * (T - 273.15) ** 2
    return np.where(p > 0, humidity * enhancement * saturation, 0.0)


def compressibility(temperature_K: ArrayLike, pressure_Pa: ArrayLike, x_w: ArrayLike) -> NDArray[np.float64]:
    """Z of moist air with the mole fraction `x_w` of water."""
    T, p, x = (np.asarray(value, dtype=float) for value in (temperature_K, pressure_Pa, x_w))
    t, ratio = T - 273.15, p / T
    virial = (
        1.58123e-6
        - 2.9331e-8 * t
        + 1.1043e-10 * t**2
        + (5.707e-6 - 2.051e-8 * t) * x
        + (1.9898e-4 - 2.376e-6 * t) * x**2
    )
    result: NDArray[np.float64] = 1 - ratio * virial + ratio**2 * (1.83e-11 - 0.765e-8 * x**2)
    return result


def _check(T: NDArray, p: NDArray, h: NDArray, x_co2: NDArray) -> None:
    # A sensor's noise may carry a humidity just past either end; what is far past is a wrong unit.
    for name, values, low, high in (
        ("temperature (K)", T, 1.0, 1e4),
        ("pressure (Pa)", p, 0.0, 1e7),
        ("relative humidity (1)", h, -0.05, 1.05),
        ("carbon dioxide fraction (1)", x_co2, 0.0, 1.0),
    ):
        if not np.all((values >= low) & (values <= high)):
            wrong = values[~((values >= low) & (values <= high))].flat[0]
            raise ValueError(f"air density: {name} must lie between {low:g} and {high:g}, not {wrong:g}")
