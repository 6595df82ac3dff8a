"""ψ on lines, and the flux linkage of a coil section.

The coil is a rectangle in the (r, z) plane, filled evenly with N turns: its flux linkage is ``λ = 2πN ⟨ψ⟩`` with the
mean over the section, wherever it is; it need not follow the mesh. Along z the solution is a piecewise polynomial, so
that ``⟨ψ⟩``, and ``Bl = dλ/dz`` as a difference between the section's ends, are exact for the solution at hand.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.fields.geometry import CoilSection
from components.fields.magnetostatics import Model

Array = NDArray[Any]


def clipped(nodes: Array, a: float, b: float, points: int) -> tuple[Array, Array]:
    """Points and weights that integrate a piecewise polynomial on `nodes` from a to b exactly."""
    inner = nodes[(nodes > a) & (nodes < b)]
    edges = np.concatenate([[a], inner, [b]])
    x, w = np.polynomial.legendre.leggauss(points)
    half = 0.5 * np.diff(edges)[:, None]
    return ((edges[:-1, None] + half) + half * x).ravel(), (half * w).ravel()


def evaluation(model: Model, r: Array, z: Array) -> Any:
    """Matrix whose product with ψ are its values at the points (r, z), shape (points, unknowns)."""
    from scipy.sparse import coo_matrix

    grid, basis = model.grid, model.basis
    i = np.clip(np.searchsorted(grid.r, r, side="right") - 1, 0, len(grid.r) - 2)
    j = np.clip(np.searchsorted(grid.z, z, side="right") - 1, 0, len(grid.z) - 2)
    cells = i * (len(grid.z) - 1) + j
    across = (r - grid.r[i]) / (grid.r[i + 1] - grid.r[i])
    along = (z - grid.z[j]) / (grid.z[j + 1] - grid.z[j])
    local = np.array([along, across])[:, :, None]  # the reference cell's first axis is z
    rows = np.arange(len(r))
    values, columns = [], []
    for k in range(basis.Nbfun):
        values.append(np.asarray(basis.elem.gbasis(basis.mapping, local, k, tind=cells)[0])[:, 0])
        columns.append(basis.element_dofs[k, cells])
    n = len(values)
    entries = (np.concatenate(values), (np.tile(rows, n), np.concatenate(columns)))
    return coo_matrix(entries, shape=(len(r), basis.N)).tocsr()


def section_source(model: Model, r: tuple[float, float], z: tuple[float, float]) -> Array:
    """``⟨v⟩`` of every basis function v over a section: the load of one turn spread over it, and its linkage."""
    points = model.order + 1
    x, wx = clipped(model.grid.r, *r, points)
    y, wy = clipped(model.grid.z, *z, points)
    weights = np.outer(wx, wy).ravel() / ((r[1] - r[0]) * (z[1] - z[0]))
    matrix = evaluation(model, np.repeat(x, len(y)), np.tile(y, len(x)))
    return matrix.T @ weights


class Line:
    """A mean of ψ over radii as a function of z: a piecewise polynomial, exact for the solution.

    Parameters
    ----------
    model : the model.
    psi : its solution.
    r : one radius, or from and to (m): the mean between them.
    z : range (m) that shall be covered.
    """

    def __init__(self, model: Model, psi: Array, r: float | tuple[float, float], z: tuple[float, float]) -> None:
        from scipy.interpolate import PPoly

        nodes = model.grid.z
        first = max(0, int(np.searchsorted(nodes, z[0], side="right")) - 1)
        last = min(len(nodes) - 1, int(np.searchsorted(nodes, z[1], side="left")))
        edges = nodes[first : last + 1]
        if isinstance(r, tuple):
            radii, weights = clipped(model.grid.r, *r, model.order + 1)
            weights = weights / (r[1] - r[0])
        else:
            radii, weights = np.array([r]), np.ones(1)
        order = model.order
        u = 0.5 - 0.5 * np.cos(np.pi * (np.arange(order + 1) + 0.5) / (order + 1))
        z_points = (edges[:-1, None] + np.diff(edges)[:, None] * u).ravel()
        matrix = evaluation(model, np.repeat(radii, len(z_points)), np.tile(z_points, len(radii)))
        mean = weights @ (matrix @ psi).reshape(len(radii), -1)
        values = mean.reshape(len(edges) - 1, order + 1)
        powers = np.arange(order, -1, -1)
        local = np.linalg.solve(u[:, None] ** powers, values.T)  # coefficients in the cell's own unit, highest first
        self.mean = PPoly(local / np.diff(edges) ** powers[:, None], edges, extrapolate=False)
        self.slope = self.mean.derivative()
        self._integral = self.mean.antiderivative()

    def over(self, centre: Array, height: float) -> Array:
        """Mean over a section of this height, centred at these z."""
        return (self._integral(centre + 0.5 * height) - self._integral(centre - 0.5 * height)) / height

    def over_slope(self, centre: Array, height: float) -> Array:
        """Derivative of `over` by the centre."""
        return (self.mean(centre + 0.5 * height) - self.mean(centre - 0.5 * height)) / height

    def over_curvature(self, centre: Array, height: float) -> Array:
        """Second derivative of `over` by the centre."""
        return (self.slope(centre + 0.5 * height) - self.slope(centre - 0.5 * height)) / height


class Linkage:
    """λ(z) of a coil in a solved field: the magnets', or that of external flux.

    Parameters
    ----------
    model, psi : the field.
    coil : the coil; λ is of one winding.
    reach : largest |z| of its centre (m).
    """

    def __init__(self, model: Model, psi: Array, coil: CoilSection, reach: float) -> None:
        self._height, self._factor = coil.height, 2 * math.pi * coil.turns
        end = reach + 0.5 * coil.height
        self._line = Line(model, psi, coil.radii, (-end, end))

    def flux(self, z: Array | float) -> Array:
        """λ (Wb), coil centres z (m)."""
        return self._factor * self._line.over(np.asarray(z, float), self._height)

    def bl(self, z: Array | float) -> Array:
        """dλ/dz (T·m): exactly the derivative of `flux`."""
        return self._factor * self._line.over_slope(np.asarray(z, float), self._height)

    def bl_slope(self, z: Array | float) -> Array:
        """d²λ/dz² (T)."""
        return self._factor * self._line.over_curvature(np.asarray(z, float), self._height)


def inductance(model: Model, coil: CoilSection, z: Array) -> Array:
    """Self-inductance L of one winding at coil centres z (H): one back-substitution each.

    Of the model as it stands: for iron with a B–H curve, that for small currents about the magnets' field, without
    eddy currents, that is for low frequencies (Seifert2014).
    """
    free = model.boundary[1]
    found = []
    for centre in np.atleast_1d(z):
        source = section_source(model, coil.radii, (centre - 0.5 * coil.height, centre + 0.5 * coil.height))[free]
        found.append(2 * math.pi * coil.turns**2 * float(source @ model.factorised(source, refined=False)))
    return np.array(found)
