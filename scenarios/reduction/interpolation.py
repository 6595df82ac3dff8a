"""Bl between velocity groups."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.errors import ReductionError
from scenarios.reduction.settings import ReductionSettings

Array = NDArray[np.float64]


def interpolation(at: Array, groups: Array, settings: ReductionSettings) -> Array:
    """Weights with which the Bl of velocity groups (times `groups`, ascending) make the Bl at times `at`.

    Linear: between the groups before and after; before the first and after the last the line through the nearest two
    goes on; a single group holds throughout. Polynomial: least squares of order `bl_drift_order`.
    """
    count = len(groups)
    if settings.bl_interpolation == "polynomial":
        order = settings.bl_drift_order
        if count <= order:
            raise ReductionError(
                f"{count} velocity groups cannot determine a Bl drift of order {order}: "
                "lower reduction.bl_drift_order, or record more"
            )
        centre, half = groups.mean(), max(0.5 * float(np.ptp(groups)), 1e-300)
        cheb = np.polynomial.chebyshev.chebvander
        if order == 0:
            return np.full((len(at), count), 1.0 / count)
        return cheb((at - centre) / half, order) @ np.linalg.pinv(cheb((groups - centre) / half, order))
    weights = np.zeros((len(at), count))
    if count == 1:
        weights[:] = 1.0
        return weights
    before = np.clip(np.searchsorted(groups, at) - 1, 0, count - 2)
    share = (at - groups[before]) / (groups[before + 1] - groups[before])
    rows = np.arange(len(at))
    weights[rows, before] = 1.0 - share
    weights[rows, before + 1] = share
    return weights
