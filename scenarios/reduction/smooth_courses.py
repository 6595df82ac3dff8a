"""Smooth courses in time: what of a series is drift, and not noise."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
SMOOTH_ORDER = 3  # of the course of Bl within a group that is taken for temperature, not for noise


@lru_cache(maxsize=16)
def smooth_courses(count: int, order: int = SMOOTH_ORDER) -> Array:
    """Orthonormal polynomials up to an order at `count` even distances, shape (count, order + 1)."""
    basis: Array = np.linalg.qr(np.polynomial.legendre.legvander(np.linspace(-1, 1, count), order))[0]
    return basis
