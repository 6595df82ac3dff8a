"""Noise slower than a reading, from several records of one kind: what it does to the mean of each.

`scenarios.reduction.allan` asks that of a single record, and fits its whole curve. A run has many records of the same
instrument; together they tell the Allan variance of averages of an eighth of a record well enough, at a hundredth of
the effort.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

AVERAGES = 8  # that a record is divided into
SHORTEST = 32  # readings of a record whose slow noise is looked at


def slow_variance(records: Array, smoothed: int = 0) -> tuple[float, float]:
    """Variance of the mean of a record beyond that of white noise, and its degrees of freedom.

    Parameters
    ----------
    records : equally long ones at equal spacing, shape (records, n).
    smoothed : order of the polynomial that was taken out of each.

    Notes
    -----
    The Allan variance at an eighth of a record, less the white noise that neighbouring readings show, all records
    together. It is carried on to the length of a record as it is (flicker noise), or with the slope that it has from a
    quarter of that time on, up to τ (random walk), where this is clear of white noise too and nothing was smoothed.
    Below the 97.5 % quantile of what white noise would show it is none.
    """
    count, n = records.shape
    m = n // AVERAGES
    if n < SHORTEST:
        return 0.0, math.inf
    quarter = max(m // 4, 1)
    white, long, short = (_allan_variance(records, factor) for factor in (1, m, quarter))
    dof = count * (1.5 * (AVERAGES - 1) - 2.0 * smoothed)
    if white == 0 or m * long / white <= chance(dof):
        return 0.0, math.inf
    excess, before = long - white / m, short - white / quarter
    slope = 0.0
    if not smoothed and quarter < m and quarter * short / white > chance(4 * dof) and before < excess:
        slope = min(math.log(excess / before) / math.log(m / quarter), 1.0)
    return excess * AVERAGES**slope, dof


def mean_uncertainties(records: Array) -> tuple[Array, float]:
    """Standard uncertainty of the mean of each record, shape (records,), and their degrees of freedom."""
    n = records.shape[1]
    white = records.var(axis=1, ddof=1) / n
    slow, slow_dof = slow_variance(records)
    share = slow / (slow + float(white.mean())) if slow > 0 else 0.0
    dof = 1.0 / ((1 - share) ** 2 / (n - 1) + share**2 / slow_dof)
    return np.sqrt(white + slow), dof


def chance(dof: float, of: float = math.inf, z: float = 1.959964) -> float:
    """Quantile of F for `dof` over `of` degrees of freedom (Paulson), by default 97.5 %; for many `of` that of χ²/dof.

    Below three degrees of freedom of the denominator it is taken to have no end.
    """
    a, b = 2.0 / (9.0 * dof), 2.0 / (9.0 * of)
    below = (1.0 - b) ** 2 - z * z * b
    if below <= 0.05:
        return math.inf
    root = (1.0 - a) * (1.0 - b) + z * math.sqrt((1.0 - a) ** 2 * b + (1.0 - b) ** 2 * a - a * b * z * z)
    return (root / below) ** 3


def _allan_variance(records: Array, m: int) -> float:
    """Overlapping Allan variance of averages of m readings, all records together (NIST SP 1065, equation 11)."""
    total = np.cumsum(records - records[:, :1], axis=1)
    total = np.concatenate([np.zeros((len(records), 1)), total], axis=1)
    average = (total[:, m:] - total[:, :-m]) / m
    steps = average[:, m:] - average[:, :-m]
    return 0.5 * float(np.mean(steps * steps))
