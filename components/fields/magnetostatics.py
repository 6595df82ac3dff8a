"""Axisymmetric magnetostatics by finite elements, in the flux function ψ = r A_φ.

``B_r = −(1/r) ∂ψ/∂z``, ``B_z = (1/r) ∂ψ/∂r``; 2πψ is the flux through the disc that a point (r, z) bounds, and an ideal
1/r field in a gap is exactly linear in z. With the reluctivity ν and the magnets' remanence B_m, for every test
function v that is 0 on the axis and on the outer boundary

    ∫ ν/r ∇ψ·∇v dr dz = ∫ J v dr dz + ∫ ν B_m ∂v/∂r dr dz

on rectangles with hierarchical elements of order p (cubic by default). ψ is 0 on the axis and given on the outer
boundary: 0, or that of a uniform field.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.fields.geometry import Geometry, Part
from components.fields.materials import MU0
from components.fields.mesh import Grid, covered, distinct, lines, stretched
from components.fields.saturation import Curve
from components.fields.sparse import factorise
from twin.errors import SimulationError

Array = NDArray[Any]

_AXIS_WEIGHT = 1e4
_MOST_CELLS = 120_000  # about four times what a magnet of ordinary proportions takes


@dataclass(frozen=True)
class Mesh:
    """How fine the mesh is; lengths relative to the gap's width.

    Parameters
    ----------
    order : polynomial order of the elements.
    corner : cell size at the edges of the pole faces.
    edge : cell size at all other edges.
    gap : largest cell in the gap, along z and r.
    coarsest : largest cell in the magnet, relative to its outer radius.
    growth : of the cell size with the distance from an edge.
    boundary : radius of the outer boundary, and its distance above and below, relative to the outer radius.
    ratio : of neighbouring cells outside.
    """

    order: int = 3
    corner: float = 0.005
    edge: float = 0.25
    gap: float = 0.05
    coarsest: float = 0.12
    growth: float = 0.4
    boundary: float = 7.0
    ratio: float = 1.7


def magnet_grid(geometry: Geometry, mesh: Mesh, edges: Sequence[Part] = ()) -> Grid:
    """The grid for a magnet and the air around.

    Parameters
    ----------
    geometry : the magnet.
    mesh : how fine.
    edges : further parts whose edges the grid shall have, such as the coil; they do not count as material.

    Raises
    ------
    SimulationError
        If the magnet is so slender in places that the grid would be too large.
    """
    parts = geometry.parts()
    width, radius, top = geometry.gap[1] - geometry.gap[0], geometry.outer_radius, 0.5 * geometry.height
    slack = 1e-6 * width
    corner, edge = mesh.corner * width, mesh.edge * width
    half, low = 0.5 * geometry.gap_height, 0.5 * geometry.gap_height - geometry.compensation_height
    poles = {geometry.gap[0], geometry.gap[0] + geometry.compensation_width, geometry.gap[1]}
    ends = {-half, -low, low, half}
    everything = (*parts, *edges)
    radius = max(radius, *(p.r[1] for p in everything))
    top = max(top, *(abs(z) for p in everything for z in p.z))
    r = distinct([0.0, radius, *(x for p in everything for x in p.r)], slack)
    z = distinct([-top, top, *(x for p in everything for x in p.z)], slack)
    coarsest, growth = mesh.coarsest * radius, mesh.growth
    sizes_r = {x: corner if _near(x, poles, slack) else edge for x in r}
    sizes_z = {x: corner if _near(x, ends, slack) else edge for x in z}
    nodes_r, nodes_z = lines(sizes_r, coarsest, growth), lines(sizes_z, coarsest, growth)
    nodes_r = _finer(nodes_r, geometry.gap, mesh.gap * width)
    nodes_z = _finer(nodes_z, (-half, half), mesh.gap * width)
    first, far = 0.25 * radius, mesh.boundary * radius
    above = stretched(top, first, far, mesh.ratio)
    below = -stretched(top, first, far, mesh.ratio)[::-1]
    nodes_r = np.concatenate([nodes_r, stretched(radius, first, far, mesh.ratio)])
    nodes_z = np.concatenate([below, nodes_z, above])
    cells = (len(nodes_r) - 1) * (len(nodes_z) - 1)
    if cells > _MOST_CELLS:
        raise SimulationError(
            f"{geometry.name}: resolving its narrowest parts would take {cells} cells, more than {_MOST_CELLS}; make "
            "them wider, or the mesh coarser"
        )
    return covered(nodes_r, nodes_z, parts)


def _near(x: float, values: set[float], slack: float) -> bool:
    """Whether x is one of the values."""
    return any(abs(x - value) <= slack for value in values)


def _finer(nodes: Array, interval: tuple[float, float], largest: float) -> Array:
    """The nodes, with cells inside the interval divided until none is larger than `largest`."""
    found = [nodes[:1]]
    for a, b in pairwise(nodes):
        inside = interval[0] < 0.5 * (a + b) < interval[1]
        cells = max(1, int(np.ceil((b - a) / largest - 1e-9))) if inside else 1
        found.append(np.linspace(a, b, cells + 1)[1:])
    return np.concatenate(found)


@dataclass
class Model:
    """A grid with the reluctivity and remanence of its cells; factorised once, solved for many right-hand sides.

    Parameters
    ----------
    grid : the cells.
    reluctivity : ν of each cell (m/H), shape of the grid; where `curves` has an entry, its start.
    remanence : axial remanence of each cell (T), shape of the grid.
    curves : B–H curve by material, with the cells it holds for (a mask of the grid's shape).
    order : of the elements.
    remanence_slope : derivative of `remanence` by the magnets' temperature (T/K); None: 0.
    """

    grid: Grid
    reluctivity: Array
    remanence: Array
    curves: Sequence[tuple[Curve, NDArray[np.bool_]]] = ()
    order: int = 3
    remanence_slope: Array | None = None
    _factors: dict[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def basis(self) -> Any:
        """The finite-element basis (`skfem.Basis`); cell (i, j) of the grid has the number ``i·m + j``."""
        from skfem import Basis, ElementQuad1, ElementQuad2, ElementQuadP, MeshQuad

        element = {1: ElementQuad1, 2: ElementQuad2}.get(self.order, lambda: ElementQuadP(self.order))()
        return Basis(MeshQuad.init_tensor(self.grid.r, self.grid.z), element, intorder=2 * self.order)

    @cached_property
    def stiffness(self) -> Any:
        """``∫ ν/r ∇ψ·∇v`` as a sparse matrix over all unknowns, with `axis`."""
        return self.assemble(self.reluctivity) + self.axis

    @cached_property
    def axis(self) -> Any:
        """A large weight on ∂ψ/∂r at r = 0, where ψ ~ r² and the energy of a linear term is infinite.

        Quadrature would let such a term pass at a finite price. Elements of order 1 have no other, and keep it.
        """
        from scipy.sparse import csr_matrix
        from skfem import BilinearForm, FacetBasis

        mesh = self.basis.mesh
        facets = mesh.facets_satisfying(lambda x: x[0] == 0.0, boundaries_only=True)
        if self.order == 1 or not len(facets):
            return csr_matrix((self.basis.N, self.basis.N))
        basis = FacetBasis(mesh, self.basis.elem, facets=facets, intorder=2 * self.order)
        return BilinearForm(lambda u, v, w: _AXIS_WEIGHT / MU0 * u.grad[0] * v.grad[0]).assemble(basis)

    def assemble(self, reluctivity: Array) -> Any:
        """The stiffness for other reluctivities, shape of the grid or (cells, points)."""
        from skfem import BilinearForm

        def form(u: Any, v: Any, w: Any) -> Any:
            return w.nu / w.x[0] * (u.grad[0] * v.grad[0] + u.grad[1] * v.grad[1])

        return BilinearForm(form).assemble(self.basis, nu=self.at_points(reluctivity))

    def at_points(self, values: Array) -> Array:
        """Values of cells at the points of quadrature, shape (cells, points)."""
        if values.shape != self.grid.part.shape:
            return values
        return np.repeat(values.reshape(-1, 1), self.basis.X.shape[1], axis=1)

    def linearise(self, stiffness: Any) -> None:
        """Take another stiffness from now on: the derivative at an operating point."""
        self.__dict__["stiffness"] = stiffness
        self._factors.clear()

    @cached_property
    def boundary(self) -> tuple[Any, Any]:
        """Numbers of the unknowns on the boundary, and of the others."""
        fixed = self.basis.get_dofs().flatten()
        return fixed, self.basis.complement_dofs(fixed)

    @cached_property
    def magnet_source(self) -> Array:
        """``∫ ν B_m ∂v/∂r`` of the magnets."""
        return self.source(self.remanence)

    def source(self, axial: Array, radial: Array | None = None) -> Array:
        """``∫ ν (B_m,z ∂v/∂r − B_m,r ∂v/∂z)`` of any remanence (T), shape of the grid or (cells, points)."""
        from skfem import LinearForm

        nu = self.at_points(self.reluctivity)
        upward = nu * self.at_points(axial)
        outward = np.zeros_like(nu) if radial is None else nu * self.at_points(radial)
        if not (upward.any() or outward.any()):
            return np.zeros(self.basis.N)
        form = LinearForm(lambda v, w: w.up * v.grad[0] - w.out * v.grad[1])
        return form.assemble(self.basis, up=upward, out=outward)

    def solve(self, source: Array, outer: Array | None = None) -> Array:
        """ψ for a right-hand side, with the iron as it is (its last solution's, if it has a B–H curve).

        Parameters
        ----------
        source : over all unknowns.
        outer : ψ whose boundary values are taken; 0 without.
        """
        fixed, free = self.boundary
        psi = np.zeros(self.basis.N)
        right = source[free]
        if outer is not None:
            psi[fixed] = outer[fixed]
            right = right - self.stiffness[free][:, fixed] @ psi[fixed]
        psi[free] = self.factorised(right)
        return psi

    def factorised(self, right: Array, *, refined: bool = True) -> Array:
        """Solve for the free unknowns with the one factorisation of the stiffness; refined once, to round-off."""
        if "lu" not in self._factors:
            free = self.boundary[1]
            inner = self.stiffness[free][:, free].tocsc()
            self._factors.update(inner=inner, lu=factorise(inner))
        inner, lu = self._factors["inner"], self._factors["lu"]
        found = lu.solve(right)
        return found + lu.solve(right - inner @ found) if refined else found

    def magnetised(self, *, steps: int = 60, tolerance: float = 1e-10) -> Array:
        """ψ of the magnets alone; Newton's method where iron has a B–H curve, which the model then keeps as linear.

        Raises
        ------
        SimulationError
            If Newton's method does not converge.
        """
        if not self.curves:
            return self.solve(self.magnet_source)
        from components.fields.saturation import newton

        return newton(self, steps, tolerance)

    def warmed(self) -> Array:
        """dψ/dT of the magnets' own field, about the state that `magnetised` has left (per K)."""
        if self.remanence_slope is None:
            return np.zeros(self.basis.N)
        return self.solve(self.source(self.remanence_slope))

    def projected(self, function: Callable[[Array, Array], Array]) -> Array:
        """The best ψ (in the mean square) for a function of r and z; exact for a polynomial of the elements' order."""
        from skfem import BilinearForm, LinearForm, solve

        mass = BilinearForm(lambda u, v, w: u * v).assemble(self.basis)
        return solve(mass, LinearForm(lambda v, w: function(w.x[0], w.x[1]) * v).assemble(self.basis))

    def uniform(self, flux_density: float) -> Array:
        """ψ = B r²/2 of a uniform vertical field (T), upward."""
        return self.projected(lambda r, z: 0.5 * flux_density * r**2)


def magnet_model(
    geometry: Geometry,
    mesh: Mesh | None = None,
    *,
    magnets: bool = True,
    edges: Sequence[Part] = (),
) -> Model:
    """Finite elements of a magnet, with the remanence of its rings and the magnetisation curves of its iron.

    Parameters
    ----------
    geometry : the magnet.
    mesh : how fine; by default for a smoothness of 1e-8.
    magnets : False replaces the two rings by air (Ma2025, for external flux).
    edges : further parts whose edges the grid has.
    """
    mesh = mesh or Mesh()
    grid = magnet_grid(geometry, mesh, edges)
    reluctivity = np.full(grid.part.shape, 1 / MU0)
    remanence, slope = np.zeros(grid.part.shape), np.zeros(grid.part.shape)
    curves: list[tuple[Curve, NDArray[np.bool_]]] = []
    for index, part in enumerate(geometry.parts()):
        cells, material = grid.part == index, geometry.material(part.material)
        if part.group == "magnet" and not magnets:
            continue
        reluctivity[cells] = 1 / (MU0 * material.permeability)
        remanence[cells] = part.magnetised * material.remanence
        slope[cells] = material.temperature_coefficient * remanence[cells]
        if material.bh:
            curve = Curve.of(material)
            reluctivity[cells] = curve.reluctivity(np.zeros(1))[0][0]
            curves.append((curve, cells))
    return Model(grid, reluctivity, remanence, tuple(curves), mesh.order, slope)


def cells_within(model: Model, part: Part) -> NDArray[np.bool_]:
    """The cells of a part whose edges the grid has."""
    return covered(model.grid.r, model.grid.z, (part,)).part == 0
