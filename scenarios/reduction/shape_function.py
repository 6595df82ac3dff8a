"""The field of one sensor as a function of a source's height: ``(c_0 + c_1 u + c_2 u²)/(1 + u²)^{5/2}``, ``u = z/d``.

A dipole's field on a line past it has this shape, whichever way it points. What a yoke makes of it is wider, so that d
is fitted too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
_WIDTHS, _PEAKS, _ROUNDING = 120, 5, 1e-12


@dataclass(frozen=True, eq=False)
class ShapeFunction:
    """A fitted shape.

    Parameters
    ----------
    coefficients : c_0, c_1, c_2 (T).
    width : d (m).
    covariance : of c_0, c_1, c_2 and d.
    residual : what the fit leaves, rms (T).
    """

    coefficients: Array
    width: float
    covariance: Array
    residual: float

    @classmethod
    def fit(cls, z: Array, values: Array, u: Array) -> ShapeFunction:
        """Least squares, the width among many between a quarter of the smallest step and twice the whole range.

        Parameters
        ----------
        z, values, u : heights (m), fields and their standard uncertainties (T); at least five. Where the fit leaves
            more than `u` says, the covariance is that of what it leaves.
        """
        size = float(np.abs(values).max())
        sigma = np.maximum(u, _ROUNDING * size) if size > 0 else np.ones(len(z))

        width = _best_width(z, values, sigma)
        matrix = _columns(z, width) / sigma[:, None]
        found = np.asarray(np.linalg.lstsq(matrix, values / sigma, rcond=None)[0], dtype=float)
        chi = float(((values / sigma - matrix @ found) ** 2).sum())
        scale = max(chi / (len(z) - 4), 1.0 if (u > _ROUNDING * size).all() else 0.0)
        inverse = np.linalg.pinv(np.column_stack([matrix, _by_width(z, width, found) / sigma]))
        residual = float(np.sqrt(np.mean((values - _columns(z, width) @ found) ** 2)))
        return cls(found, width, scale * inverse @ inverse.T, residual)

    def at(self, z: ArrayLike) -> Array:
        """The field (T) at heights (m)."""
        result: Array = _columns(np.asarray(z, dtype=float), self.width) @ self.coefficients
        return result

    def u_slope(self, z: float) -> float:
        """Standard uncertainty of the slope at a height (T/m)."""
        step = 1e-3 * self.width
        ahead, behind = (self._row(z + d) for d in (step, -step))
        row = (ahead - behind) / (2.0 * step)
        return math.sqrt(max(float(row @ self.covariance @ row), 0.0))

    def _row(self, z: float) -> Array:
        """Derivatives of the field at a height by c_0, c_1, c_2 and d."""
        at = np.array([z])
        return np.append(_columns(at, self.width)[0], _by_width(at, self.width, self.coefficients))


def _best_width(z: Array, values: Array, sigma: Array) -> float:
    """The width (m) whose shape leaves least; there may be more than one that leaves less than those near it."""

    def taken(widths: Array) -> Array:
        """How much of the sum of squares a shape of each width takes."""
        matrices = _columns(z / widths[:, None], 1.0) / sigma[:, None]
        along = np.einsum("wnk,n->wk", np.linalg.qr(matrices)[0], values / sigma)
        return np.asarray((along**2).sum(axis=1))

    widths = np.geomspace(0.25 * float(np.diff(np.sort(z)).min()), 2.0 * float(np.abs(z).max()), _WIDTHS)
    fenced = np.concatenate([[-np.inf], taken(widths), [-np.inf]])
    peaks = np.flatnonzero((fenced[1:-1] >= fenced[:-2]) & (fenced[1:-1] >= fenced[2:]))
    best = peaks[np.argsort(fenced[1:-1][peaks])[-_PEAKS:]]
    refined = np.array([_refined(taken, widths[max(k - 1, 0)], widths[min(k + 1, _WIDTHS - 1)]) for k in best.tolist()])
    return float(refined[taken(refined).argmax()])


def _refined(taken: Callable[[Array], Array], low: float, high: float) -> float:
    """Where a function of the width is largest between two (m)."""
    for _ in range(5):
        finer = np.linspace(low, high, 21)
        best = int(taken(finer).argmax())
        low, high = float(finer[max(best - 1, 0)]), float(finer[min(best + 1, 20)])
    return 0.5 * (low + high)


def _by_width(z: Array, width: float, coefficients: Array) -> Array:
    """Derivative of the field by d (T/m)."""
    step = 1e-4 * width
    difference: Array = (_columns(z, width + step) - _columns(z, width - step)) @ coefficients / (2.0 * step)
    return difference


def _columns(z: Array, width: float) -> Array:
    u = z / width
    return np.stack([u**k for k in range(3)], axis=-1) / ((1.0 + u * u) ** 2.5)[..., None]
