"""Conduction of heat in a magnet: finite volumes on the lines of a tensor-product grid.

The unknowns are temperatures where grid lines cross. Each cell has one conductivity and gives a quarter of itself to
each of its corners, split so that a slab and a cylinder that are heated evenly are exact at the nodes. Conductances
link neighbours, so that heat is conserved, reciprocity holds, and no temperature overshoots, whatever the grid.

The model is affine in the linear size p, relative to the geometry, and in the film coefficient h (Liu2025, scaling):

    (p³ C) dx/dt + (p K + p² h K_h) x = b P + p² h K_h 1 T_room

Iron, magnets and the coil conduct, and so does the air in gap and chamber, which stands still. Every surface that meets
the room has the film: the outside and the bore. There is no radiation (Liu2025, finite-element assumptions). The
winding holds and conducts heat as the copper in it would, evenly spread; how its insulation conducts is not printed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.fields.geometry import Geometry
from components.fields.mesh import AIR, covered, distinct, lines
from components.fields.sparse import factorise

Array = NDArray[np.float64]
Place = tuple[float, float]
FINEST, COARSEST, GROWTH = 0.02, 0.08, 0.4
"""Cells beside an edge relative to the narrowest interval there, the largest relative to the outer radius, and how much
they grow with the distance."""
AT_EDGES = (5e-4, 0.02)
"""Between what cells beside an edge stay, relative to the outer radius."""


class Cells(NamedTuple):
    """What a grid is filled with.

    Parameters
    ----------
    r, z : grid lines (m), shapes (nr,) and (nz,); z upward.
    conductivity : W/(m K), shape (nz − 1, nr − 1), 0 in the room.
    capacity : heat capacity per volume (J/(m³ K)), same shape, 0 in the room.
    room : which cells belong to the room, same shape.
    magnet, coil : which cells the magnets and the coil fill, same shape.
    """

    r: Array
    z: Array
    conductivity: Array
    capacity: Array
    room: NDArray[np.bool_]
    magnet: NDArray[np.bool_]
    coil: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class HeatModel:
    """The discrete model at p = 1; arrays over nodes have the shape (nz, nr).

    Parameters
    ----------
    r, z : grid lines (m).
    radial, axial : conductances between neighbours (W/K), shapes (nz, nr − 1) and (nz − 1, nr).
    capacity : of the nodes (J/K), the diagonal of C.
    film : surface of the nodes (m²), the diagonal of K_h.
    heating : share of the coil's power that heats each node, b; its sum is 1.
    magnet : weights of the mean over the volume of the magnets.
    inside : nodes that belong to the magnet, its air or the coil, as opposed to the room.
    """

    r: Array
    z: Array
    radial: Array
    axial: Array
    capacity: Array
    film: Array
    heating: Array
    magnet: Array
    inside: NDArray[np.bool_] = field(repr=False)

    @property
    def coil(self) -> Array:
        """Weights of the mean over the coil: as it is heated evenly, those of the heat."""
        return self.heating

    def sensor(self, r: float, z: float) -> Array:
        """Weights of the temperature at a place (m), linear between the grid lines.

        Raises
        ------
        ValueError
            If the place is not in the magnet.
        """
        weights = np.zeros_like(self.capacity)
        for j, share_z in _between(self.z, z):
            for i, share_r in _between(self.r, r):
                weights[j, i] += share_z * share_r
        if not np.isclose(weights.sum(), 1.0) or np.any((weights > 0) & ~self.inside):
            raise ValueError(
                f"sensor: r = {1e3 * r:g} mm, z = {1e3 * z:g} mm is not in the magnet, which ends at "
                f"r = {1e3 * self.r[-1]:g} mm and z = ±{1e3 * self.z[-1]:g} mm"
            )
        return weights

    def conduct(self, x: Array) -> Array:
        """K x: the heat that leaves each node by conduction (W), for temperatures of shape (…, nz, nr)."""
        right, up = self.radial * np.diff(x, axis=-1), self.axial * np.diff(x, axis=-2)
        flow = np.zeros_like(x)
        flow[..., :-1] -= right
        flow[..., 1:] += right
        flow[..., :-1, :] -= up
        flow[..., 1:, :] += up
        return flow

    def digest(self) -> str:
        """A hash of the model's numbers."""
        found = hashlib.sha256()
        for array in (self.radial, self.axial, self.capacity, self.film, self.heating, self.magnet):
            found.update(f"{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
        return found.hexdigest()

    @cached_property
    def _conduction(self) -> Any:
        """K as a sparse matrix, r running fastest; 1 on the diagonal of nodes in the room, which it leaves alone."""
        from scipy.sparse import diags_array

        nr = self.capacity.shape[1]
        across = np.pad(-self.radial, ((0, 0), (0, 1))).ravel()[:-1]
        up = -self.axial.ravel()
        diagonal = np.where(self.inside, 0.0, 1.0)
        diagonal[:, :-1] += self.radial
        diagonal[:, 1:] += self.radial
        diagonal[:-1] += self.axial
        diagonal[1:] += self.axial
        bands = [up, across, diagonal.ravel(), across, up]
        return diags_array(bands, offsets=[-nr, -1, 0, 1, nr], format="csc")

    def solve(self, rate: complex, film: float, loads: Sequence[Array]) -> Array:
        """Solve ``(rate C + K + film K_h) x = load`` for one or more loads.

        Parameters
        ----------
        rate : p² s with s the Laplace variable (1/s); 0 for the steady state.
        film : p h, W/(m² K).
        loads : each of shape (nz, nr), in W.

        Returns
        -------
        Temperatures (K), shape (loads, nz, nr).
        """
        from scipy.sparse import diags_array

        diagonal = (rate * self.capacity + film * self.film).ravel()
        matrix = (self._conduction + diags_array(diagonal)).tocsc()
        right = np.stack([load.ravel() for load in loads], axis=1).astype(matrix.dtype)
        found: Array = factorise(matrix).solve(right).T.reshape(len(loads), *self.capacity.shape)
        return found

    def response(self, hertz: float, p: float, h: float) -> NDArray[np.complex128]:
        """Temperatures (K, complex) per watt of a sinusoidal heating, by the full model; shape (nz, nr)."""
        found: Any = self.solve(2j * np.pi * hertz * p**2, p * h, (self.heating,))[0]
        return found / p


def heat_model(geometry: Geometry, refinement: float = 1.0) -> HeatModel:
    """The model of a magnet with its coil.

    Parameters
    ----------
    refinement : number of cells relative to the default in each direction.
    """
    return assemble(cells_of(geometry, refinement))


def assemble(cells: Cells) -> HeatModel:
    """Conductances, capacities and surfaces of the nodes of a filled grid.

    Raises
    ------
    ValueError
        If nothing is heated or there is no magnet.
    """
    for name, filled in (("coil", cells.coil), ("magnet", cells.magnet)):
        if not filled.any():
            raise ValueError(f"a thermal model needs a {name}")
    r, dz = cells.r, np.diff(cells.z)
    split = _split(r)
    inner, outer = np.pi * (split**2 - r[:-1] ** 2), np.pi * (r[1:] ** 2 - split**2)

    def at_nodes(density: Any) -> Array:
        """What the cells hold per volume, given to their corners."""
        share = 0.5 * dz[:, None] * density
        total = np.zeros((len(cells.z), len(r)))
        for j in (slice(None, -1), slice(1, None)):
            total[j, :-1] += share * inner
            total[j, 1:] += share * outer
        return total

    along_z = cells.conductivity / dz[:, None]
    axial = np.zeros((len(dz), len(r)))
    axial[:, :-1] += along_z * inner
    axial[:, 1:] += along_z * outer
    radial = np.zeros((len(cells.z), len(r) - 1))
    along_r = cells.conductivity * (0.5 * dz[:, None]) * _radial_factor(r)
    radial[:-1] += along_r
    radial[1:] += along_r
    coil, magnet = at_nodes(cells.coil), at_nodes(cells.magnet)
    return HeatModel(
        r=r,
        z=cells.z,
        radial=radial,
        axial=axial,
        capacity=at_nodes(cells.capacity),
        film=_surface(cells, inner, outer),
        heating=coil / coil.sum(),
        magnet=magnet / magnet.sum(),
        inside=at_nodes(~cells.room) > 0,
    )


def _radial_factor(r: Array) -> Array:
    """Conductance of each cell in r, per height and conductivity: exact for a source-free cylinder shell."""
    factor: Array = np.full(len(r) - 1, np.pi)
    hollow = r[:-1] > 0
    factor[hollow] = 2 * np.pi / np.log(r[1:][hollow] / r[:-1][hollow])
    return factor


def _split(r: Array) -> Array:
    """Radius at which a cell is divided between its corners so that an evenly heated cylinder is exact at the nodes."""
    return np.sqrt((r[1:] ** 2 - r[:-1] ** 2) * _radial_factor(r) / (4 * np.pi))


def _surface(cells: Cells, inner: Array, outer: Array) -> Array:
    """Area that each node has on faces between a cell inside and the room (m²)."""
    room = np.pad(cells.room, 1, constant_values=True)
    area = np.zeros((len(cells.z), len(cells.r)))
    level = room[1:, 1:-1] != room[:-1, 1:-1]
    area[:, :-1] += level * inner
    area[:, 1:] += level * outer
    upright = (room[1:-1, 1:] != room[1:-1, :-1]) * (np.pi * np.diff(cells.z)[:, None] * cells.r)
    area[:-1] += upright
    area[1:] += upright
    return area


def cells_of(geometry: Geometry, refinement: float = 1.0) -> Cells:
    """The magnet's box on a grid that resolves every part.

    Cells grow with the distance from an edge, from a small part of the narrowest interval beside it: the heat flows
    fastest about the coil's corners.
    """
    coil, radius, top = geometry.coil_part, geometry.outer_radius, 0.5 * geometry.height
    parts = (*geometry.parts(), coil)
    r = _lines([x for part in parts for x in part.r], (0.0, radius), radius, refinement)
    z = _lines([x for part in parts for x in part.z], (-top, top), radius, refinement)
    part_of = covered(r, z, parts).part.T
    room = _reached_from_outside(part_of == AIR)
    air, share = geometry.material("air"), np.ones(len(parts) + 1)
    share[len(parts) - 1] = geometry.coil.fill
    materials = [*(geometry.material(part.material) for part in parts), air]  # AIR, −1, is the last
    conductivity = share * [material.conductivity for material in materials]
    capacity = share * [material.volumetric_heat_capacity for material in materials]
    return Cells(
        r=r,
        z=z,
        conductivity=np.where(room, 0.0, conductivity[part_of]),
        capacity=np.where(room, 0.0, capacity[part_of]),
        room=room,
        magnet=np.isin(part_of, [k for k, part in enumerate(parts) if part.group == "magnet"]),
        coil=part_of == len(parts) - 1,
    )


def _reached_from_outside(free: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The free cells that are joined to the outside, sideways, above or below; the axis is no way out."""
    free = np.pad(free, ((1, 1), (0, 1)), constant_values=True)
    reached = np.zeros_like(free)
    reached[0] = reached[-1] = reached[:, -1] = True
    while True:
        grown = reached.copy()
        grown[1:] |= reached[:-1]
        grown[:-1] |= reached[1:]
        grown[:, 1:] |= reached[:, :-1]
        grown[:, :-1] |= reached[:, 1:]
        grown &= free
        if np.array_equal(grown, reached):
            return reached[1:-1, :-1]
        reached = grown


def _lines(edges: Sequence[float], ends: Place, size: float, refinement: float) -> Array:
    """Grid lines through the ends and all edges between them."""
    within = [x for x in edges if ends[0] <= x <= ends[1]]
    marks = distinct([*ends, *within], 1e-6 * size)
    widths = np.diff(marks)
    narrowest = np.minimum(np.append(widths, np.inf), np.append(np.inf, widths))
    low, high = (bound * size for bound in AT_EDGES)
    at_edges = np.clip(FINEST * narrowest, low, high) / refinement
    return lines(dict(zip(marks, at_edges.tolist(), strict=True)), COARSEST * size / refinement, GROWTH / refinement)


def _between(lines: Array, x: float) -> list[tuple[int, float]]:
    """The two lines about x and their shares."""
    k = int(np.clip(np.searchsorted(lines, x) - 1, 0, len(lines) - 2))
    share = (x - lines[k]) / (lines[k + 1] - lines[k])
    return [(k, 1.0 - share), (k + 1, share)] if -1e-9 <= share <= 1 + 1e-9 else []
