"""Multipoles about the axis of a magnet: the field beyond the sphere around its yoke."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.polynomial import Legendre, Polynomial
from numpy.typing import NDArray

Array = NDArray[Any]


DEGREES = {"odd": (1, 3, 5, 7, 9, 11), "even": (2, 4, 6, 8, 10, 12)}
"""Of a yoke symmetric about its middle plane: odd for what a uniform field induces, even for its own magnets."""


def density(
    coefficients: Mapping[int, float], order: int, r: Array | float, z: Array, size: float
) -> tuple[Array, Array]:
    """``B = −∇φ`` outward and upward (T), without their cos mϕ, of ``φ = Σ_l c_l a (a/ρ)^{l+1} P_l^m(cos ϑ)``.

    Parameters
    ----------
    coefficients : c_l (T) by degree l.
    order : m, 0 or 1.
    r, z : from the magnet's centre (m).
    size : a, that the coefficients are counted by (m).
    """
    rho, c, s = _spherical(r, z)
    away, down = np.zeros_like(rho), np.zeros_like(rho)  # along ρ, along ϑ
    for degree, coefficient in coefficients.items():
        value, first, second = _legendre(degree)
        factor, slope = coefficient * (size / rho) ** (degree + 2), first(c)
        away += factor * (degree + 1) * (s * slope if order else value(c))
        down += factor * (s * s * second(c) - c * slope if order else s * slope)
    return away * s + down * c, away * c - down * s


@lru_cache(maxsize=32)
def _legendre(degree: int) -> tuple[Any, Any, Any]:
    """P_l and its first two derivatives, as ordinary polynomials: their degrees are small."""
    found: Any = Legendre.basis(degree).convert(kind=Polynomial)
    return found, found.deriv(), found.deriv(2)


def _spherical(r: Array | float, z: Array) -> tuple[Array, Array, Array]:
    rho = np.hypot(r, z)
    return rho, z / rho, r / rho
