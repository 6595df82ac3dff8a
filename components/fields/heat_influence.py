"""How much the inferred dimensions matter for heat: ∂ ln(result)/∂ ln(dimension) of every figure."""

from __future__ import annotations

import numpy as np

from components.fields.geometry import Geometry
from components.fields.influence import slopes, varied
from components.fields.periodic_heating import PeriodicPower, temperatures
from components.fields.reduced_basis import thermal_basis


def thermal_figures(geometry: Geometry, period: float, p: float = 1.0, h: float = 10.0) -> dict[str, float]:
    """What equal blocks of heating and rest do in the periodic steady state, for 1 W while heating.

    Parameters
    ----------
    geometry : the magnet.
    period : of both blocks together (s).
    p : linear size relative to the geometry.
    h : film coefficient, W/(m² K).

    Returns
    -------
    dict
        `swing_K`, the peak-to-peak of the fundamental of the magnets' temperature, δT_f; `lag_s`, its lag behind that
        of the power, less a quarter of the period (Liu2025, τ_d); `difference_K`, the mean of the magnets' temperature
        while resting less that while heating; `coil_swing_K`; and `mean_K`, the magnets' mean.
    """
    modes = thermal_basis(geometry).modes(p, h)
    magnet, coil = modes.outputs @ (modes.power / (2j * np.pi / period + modes.rates))
    half = PeriodicPower.blocks([period / 2, period / 2], [1.0, 0.0])
    nodes, weights = np.polynomial.legendre.leggauss(40)
    heating, resting = (temperatures(modes, half, 0.25 * period * (nodes + k))[0] @ weights / 2 for k in (1, 3))
    return {
        "swing_K": float(4 / np.pi * abs(magnet)),
        "lag_s": float((-np.angle(magnet) / (2 * np.pi) - 0.25) * period),
        "difference_K": float(resting - heating),
        "coil_swing_K": float(4 / np.pi * abs(coil)),
        "mean_K": float(0.5 * (heating + resting)),
    }


def heat_influence(geometry: Geometry, period: float, p: float = 1.0, h: float = 10.0) -> dict[str, dict[str, float]]:
    """Relative change of each of `thermal_figures` per relative change of each inferred dimension.

    A change of 1 % that the magnet cannot take on one side is made on the other side alone; of a dimension that is 0 it
    is relative to the outer radius.

    Returns
    -------
    dict
        By dimension, then by figure.
    """
    sides = {name: varied(geometry, name) for name in sorted(geometry.inferred - {"coil.turns"})}
    return slopes(geometry, sides, lambda changed: thermal_figures(changed, period, p, h))
