"""Refractive index of moist air by Ciddor's equation."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from components.air import compressibility, vapour_pressure

HELIUM_NEON = 632.9908e-9
"""Vacuum wavelength of a free-running red helium-neon laser (m), J. A. Stone et al., Metrologia 46, 11 (2009)."""
RELATIVE_UNCERTAINTY = 2e-8
"""Of n, of the equation alone: Ciddor1996 states 2e-8 to 5e-8, the lower figure for laboratory air."""


def refractive_index(
    temperature_K: ArrayLike,
    pressure_Pa: ArrayLike,
    humidity: ArrayLike,
    wavelength_m: ArrayLike = HELIUM_NEON,
    co2_fraction: ArrayLike = 400e-6,
) -> NDArray[np.float64]:
    """Phase refractive index of moist air (1); the arguments broadcast. Without pressure it is exactly 1.

    Parameters
    ----------
    temperature_K : thermodynamic temperature (K), −40 °C to 100 °C.
    pressure_Pa : pressure (Pa), 0 to 140 kPa.
    humidity : relative humidity, 0 to 1.
    wavelength_m : in vacuum (m), 300 nm to 1690 nm.
    co2_fraction : mole fraction of carbon dioxide (1).

    Raises
    ------
    ValueError
        For a quantity that is negative, in another unit, out of the equation's range or not finite.

    Notes
    -----
    P. E. Ciddor, *Refractive index of air: new equations for the visible and near infrared*, Appl. Opt. 35, 1566
    (1996), appendix B: ``n − 1 = (n_axs − 1) ρ_a/ρ_axs + (n_ws − 1) ρ_w/ρ_ws``, the refractivities of dry air and of
    vapour, each at its standard state, times its density relative to that state. Densities follow the BIPM equation of
    1991, whose compressibility and vapour pressure are those of CIPM-2007 (`components.air`); the molar masses and the
    gas constant cancel. As there, the vapour's partial pressure takes the place of its mole fraction where that would
    need a division by p.
    """
    T, p, h, wavelength, x_co2 = np.broadcast_arrays(
        *(np.asarray(x, dtype=float) for x in (temperature_K, pressure_Pa, humidity, wavelength_m, co2_fraction))
    )
    _check(T, p, h, wavelength, x_co2)
    s = (1e-6 / wavelength) ** 2  # µm⁻²
    dry = 1e-8 * (5792105 / (238.0185 - s) + 167917 / (57.362 - s)) * (1 + 0.534 * (x_co2 - 450e-6))
    vapour = 1.022e-8 * (295.235 + 2.6422 * s - 0.032380 * s**2 + 0.004028 * s**3)
    e = vapour_pressure(T, p, h)
    x_w = np.divide(e, p, out=np.zeros_like(e), where=p > 0)
    # Number densities of dry air and vapour, in units of 1/R, here and in the standard states.
    here = 1 / (compressibility(T, p, x_w) * T)
    dry_standard = 101325 / (compressibility(288.15, 101325.0, 0.0) * 288.15)
    vapour_standard = 1333 / (compressibility(293.15, 1333.0, 1.0) * 293.15)
    result: NDArray[np.float64] = 1 + (dry / dry_standard * (p - e) + vapour / vapour_standard * e) * here
    return result


def _check(T: NDArray, p: NDArray, h: NDArray, wavelength: NDArray, x_co2: NDArray) -> None:
    # A sensor's noise may carry a humidity just past either end; what is far past is a wrong unit.
    for name, values, low, high in (
        ("temperature (K)", T, 200.0, 400.0),
        ("pressure (Pa)", p, 0.0, 200e3),
        ("relative humidity (1)", h, -0.05, 1.05),
        ("wavelength (m)", wavelength, 0.3e-6, 1.7e-6),
        ("carbon dioxide fraction (1)", x_co2, 0.0, 1.0),
    ):
        if not np.all((values >= low) & (values <= high)):
            wrong = values[~((values >= low) & (values <= high))].flat[0]
            raise ValueError(f"refractive index: {name} must lie between {low:g} and {high:g}, not {wrong:g}")
