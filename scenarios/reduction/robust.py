"""Robust statistics for data of which some may be wrong (C. Leys et al., J. Exp. Soc. Psychol. 49, 764 (2013))."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NORMAL = 1.4826  # standard deviation of normal noise over its median absolute deviation
EFFICIENCY = 0.37  # of the median absolute deviation: its degrees of freedom over those of a standard deviation
MANY = 100.0  # degrees of freedom that need no correction
CHANCE = 3e-5  # at which normal noise may pass a limit


def spread(deviations: Array) -> float:
    """Standard deviation of the good majority of deviations from what is expected: their median absolute value."""
    return NORMAL * float(np.median(np.abs(deviations))) if len(deviations) else 0.0


def limit(threshold: float, dof: float) -> float:
    """The number of standard deviations that counts as an outlier, when they are known with so many degrees of freedom.

    That is `threshold`, or more if they are known too badly: Student's t at `CHANCE`.
    """
    from scipy.special import stdtrit

    return threshold if dof > MANY else max(threshold, float(stdtrit(max(dof, 1.0), 1 - CHANCE / 2)))


def beside(values: Array, width: int) -> Array:
    """Running median over `width` neighbours (odd); at the ends over the first or last `width`."""
    n = len(values)
    if n <= width:
        return np.full(n, np.median(values)) if n else values
    middle = np.median(np.lib.stride_tricks.sliding_window_view(values, width), axis=1)
    half = width // 2
    return np.concatenate([np.full(half, middle[0]), middle, np.full(half, middle[-1])])
