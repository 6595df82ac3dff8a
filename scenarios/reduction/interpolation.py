"""Between what is known at some times: Bl of velocity groups, gains of voltmeters and their zeros."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.errors import ReductionError
from scenarios.reduction.settings import ReductionSettings

Array = NDArray[np.float64]


def interpolation(at: Array, groups: Array, settings: ReductionSettings) -> Array:
    """Weights with which the Bl of velocity groups (times `groups`, ascending) make the Bl at times `at`.

    Linear: see `line`. Polynomial: least squares of order `bl_drift_order`.
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
    return line(at, groups)


def line(at: Array, known: Array) -> Array:
    """Weights with which values at the times `known`, ascending, make those at times `at`, shape (at, known).

    Between two times they are those of the line between. Beyond the first and the last one the line goes on that passes
    through it and the nearest value at least as far from it as the time asked for, so that no weight is larger than 2;
    if there is none, through the farthest. A linear course is followed exactly. A single value holds throughout.
    """
    count, weights = len(known), np.zeros((len(at), len(known)))
    if count < 2:
        weights[:] = 1.0
        return weights
    before = np.clip(np.searchsorted(known, at) - 1, 0, count - 2)
    after = before + 1
    early, late = at < known[0], at > known[-1]
    after[early] = np.clip(np.searchsorted(known, 2.0 * known[0] - at[early]), 1, count - 1)
    before[late] = np.clip(np.searchsorted(known, 2.0 * known[-1] - at[late], "right") - 1, 0, count - 2)
    gap = known[after] - known[before]
    share = np.divide(at - known[before], gap, out=np.zeros(len(at)), where=gap > 0)
    rows = np.arange(len(at))
    weights[rows, before] = 1.0 - share
    weights[rows, after] = share
    return weights
