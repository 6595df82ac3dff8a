"""Weakly magnetic parts that move with the coil: what they do to the force, and what to the voltage (Li2021).

Everything is done on one mesh, which resolves coil and part, and only the part's susceptibility changes: remeshing
would cost 3e-5. The two modes are computed separately.

Force mode: the field with the coil's current at +I and at −I; the force by the shape derivative of the co-energy, with
the mesh moved by a displacement θ that is 1 on coil and part, 0 on iron and magnets, and harmonic in the air between.
With ``K'`` the derivative of the stiffness by that motion, ``F = −π ψᵀK'ψ``, and half the difference of both.

Velocity mode: no current; the flux linkage changes by ``dλ/dz = 2πN⟨∂ψ/∂z⟩``, where ∂ψ/∂z, the change of the field as
coil and part move on, follows from ``K ∂ψ/∂z = −K'ψ``.

Both are equal because K is symmetric. The Lorentz force on the coil alone is not the force: it misses the forces on
the part, and if that is the coil's own wire has even the other sign. That is the paradox.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.fields import cache
from components.fields.geometry import Geometry, Part
from components.fields.linkage import Linkage, section_source
from components.fields.magnetostatics import Mesh, Model, cells_within, magnet_model

Array = NDArray[Any]
_VERSION = "weakly magnetic part 2"  # of the solver; raise it when a result changes
THINNEST = 1e-4  # of the gap: thinner parts have no cells of their own

_STEPS = (0.01, 0.005)  # susceptibilities of the regression; Li2021 takes −0.01 to 0.01
_MESH = Mesh(corner=0.01, edge=0.3, gap=0.15, growth=0.6)
_BESIDE = 0.75  # of the heights of part and coil: half would let them touch
_AMPERE_TURNS = 1e4  # the ± average is linear in the current: a large one, against round-off


class WeakPart:
    """A ring of weakly magnetic material that moves with the coil.

    Parameters
    ----------
    r, z : mean radius and height of the section's centre above the symmetry plane, with the coil at `coil_z` (m).
    area : of the section (m²).
    susceptibility : χ.
    width : radial, of the section (m); by default it is square.

    Raises
    ------
    ValueError
        For sizes that are not positive, a section across the axis, or |χ| above 0.1, where the part is not weak.
    """

    def __init__(self, r: float, z: float, area: float, susceptibility: float, width: float | None = None) -> None:
        width = math.sqrt(area) if width is None and area > 0 else width
        if not (r > 0 and area > 0 and width is not None and width > 0 and math.isfinite(r + z + area + width)):
            raise ValueError(f"part: expected r, area and width greater than 0 (got r={r:g}, area={area:g})")
        if width >= 2 * r:
            raise ValueError(f"part: {1e3 * width:g} mm wide at r = {1e3 * r:g} mm, it reaches across the axis")
        if not abs(susceptibility) <= 0.1:
            raise ValueError(f"part: expected |chi| of at most 0.1 for a weakly magnetic part, not {susceptibility:g}")
        self.susceptibility = susceptibility
        half, high = 0.5 * width, 0.5 * area / width
        self.section = Part(name="weakly magnetic part", material="air", r=(r - half, r + half), z=(z - high, z + high))


@dataclass(frozen=True)
class Effect:
    """Relative changes through a weakly magnetic part.

    Parameters
    ----------
    force_relative : of the weighing force at equal current, the ±I average.
    velocity_relative : of the voltage at equal velocity.
    lorentz_relative : of the Lorentz force on the coil alone, which is not the force (the paradox). It goes as the flux
        density in the coil.
    beside_relative : of the flux density beside the part, averaged as by the coil: what leaves the part goes there.
    """

    force_relative: float
    velocity_relative: float
    lorentz_relative: float
    beside_relative: float


def effect(
    geometry: Geometry, part: WeakPart, mesh: Mesh | None = None, coil_z: float = 0.0, *, cached: bool = True
) -> Effect:
    """What a part does to force and voltage, to first order in χ, from the cache if it is there.

    Parameters
    ----------
    geometry : the magnet; saturated iron answers the coil by its derivative.
    part : the part; it may be the coil's own wire.
    mesh : how fine.
    coil_z : position of the coil's centre (m).
    cached : False solves, and leaves the cache alone.

    Raises
    ------
    ValueError
        If the part or the coil meets iron or magnets, or the part is outside the mesh.
    """
    mesh = mesh or _MESH

    def slope() -> Array:
        solver = _Solver(geometry, part, mesh, coil_z)
        slopes = [(solver.changes(chi) - solver.changes(-chi)) / (2 * chi) for chi in _STEPS]
        return (4 * slopes[1] - slopes[0]) / 3  # free of the third order

    place = json.dumps([part.section.r, part.section.z, coil_z, asdict(mesh)])
    name = cache.key(_VERSION, geometry.digest(), place)
    found = cache.kept(name, slope, lambda x: {"slope": x}, lambda arrays: arrays["slope"], cached=cached)
    return Effect(*(float(part.susceptibility * x) for x in found))


class _Solver:
    """Force, voltage and flux density on one mesh: what a susceptibility changes of each, relative to none.

    The differences of the fields are solved for themselves, ``K_χ δψ = −(K_χ − K_0) ψ_0``, so that nothing cancels.
    """

    def __init__(self, geometry: Geometry, part: WeakPart, mesh: Mesh, coil_z: float) -> None:
        own = geometry.coil_part
        coil = own.model_copy(update={"z": (coil_z + own.z[0], coil_z + own.z[1])})
        check(geometry, (coil, part.section))
        self.model = magnet_model(geometry, mesh, edges=(coil, part.section))
        self.coil, self.coil_z = geometry.coil, coil_z
        middle, away = sum(part.section.z) / 2, _BESIDE * (part.section.z[1] - part.section.z[0] + self.coil.height)
        self.beside_z = middle - math.copysign(away, middle)
        self.reach = max(abs(coil_z), abs(self.beside_z)) + self.coil.height
        magnets = self.model.magnetised()
        self.stiffness = self.model.stiffness
        source = self.stiffness @ magnets  # with saturation, that of the linearised iron
        inside = cells_within(self.model, part.section)
        self.unit = self.model.assemble(np.where(inside, self.model.reluctivity, 0.0))
        self.moved = _moved_stiffness(self.model, (coil, part.section))
        self.turn = section_source(self.model, geometry.coil.radii, coil.z)
        self.loaded = [self.model.solve(source + sign * _AMPERE_TURNS * self.turn) for sign in (1, -1)]
        self.magnets = self.model.solve(source)
        self.ahead = self.model.solve(-(self.moved @ self.magnets))

    def changes(self, chi: float) -> Array:
        """Relative changes of force, voltage, and flux density in the coil and beside the part."""
        more = (1 / (1 + chi) - 1) * self.unit
        self.model.linearise(self.stiffness + more)
        return np.array([self._force(more), self._voltage(more), *self._field(more)])

    def _force(self, more: Any) -> float:
        """Of half the difference of the forces ``−π ψᵀK'ψ`` at +I and −I."""
        before, change = [], []
        for psi in self.loaded:
            delta = self.model.solve(-(more @ psi))
            before.append(float(psi @ (self.moved @ psi)))
            change.append(float((2 * psi + delta) @ (self.moved @ delta)))
        return (change[0] - change[1]) / (before[0] - before[1])

    def _voltage(self, more: Any) -> float:
        """Of dλ/dz in the magnets' field alone."""
        delta = self.model.solve(-(more @ self.magnets))
        ahead = self.model.solve(-(self.moved @ delta) - more @ self.ahead)
        return float(self.turn @ ahead) / float(self.turn @ self.ahead)

    def _field(self, more: Any) -> Array:
        """Of the magnets' flux density, averaged over the coil's section where the coil is and beside the part."""
        delta, z = self.model.solve(-(more @ self.magnets)), np.array([self.coil_z, self.beside_z])
        after, before = (Linkage(self.model, psi, self.coil, self.reach).bl(z) for psi in (delta, self.magnets))
        changed: Array = after / before
        return changed


def check(geometry: Geometry, moving: Sequence[Part]) -> None:
    """Refuse what is not in the air around the magnet."""
    radius, top = geometry.outer_radius, geometry.outer_radius + geometry.height
    for part in moving:
        for other in geometry.parts():
            if part.overlaps(other, 1e-9 * geometry.outer_radius):
                raise ValueError(f"{part.name!r} overlaps {other.name!r}; it must be in the air")
        if min(part.r[1] - part.r[0], part.z[1] - part.z[0]) < THINNEST * (geometry.gap[1] - geometry.gap[0]):
            raise ValueError(
                f"{part.name!r} is too thin; expected a width and a height of {THINNEST:g} of the gap's width or more"
            )
        if part.r[1] > radius or max(map(abs, part.z)) > top:
            raise ValueError(f"{part.name!r} is too far away; expected r up to {radius:g} m and |z| up to {top:g} m")


def _moved_stiffness(model: Model, moving: Sequence[Part]) -> Any:
    """K': the derivative of the stiffness as the mesh is moved by θ along z.

    With ``∂/∂z → ∂/∂z/(1 + tθ_z)`` and ``∂/∂r → ∂/∂r − tθ_r ∂/∂z`` the derivative of ``∫ν/r ∇u·∇v`` is
    ``∫ν/r [θ_z (u_r v_r − u_z v_z) − θ_r (u_z v_r + u_r v_z)]``; ∇θ is 0 where ν is not that of air.
    """
    from skfem import BilinearForm

    slope_r, slope_z = _displacement(model, moving)

    def form(u: Any, v: Any, w: Any) -> Any:
        (ur, uz), (vr, vz) = u.grad, v.grad
        return w.nu / w.x[0] * (w.tz * (ur * vr - uz * vz) - w.tr * (uz * vr + ur * vz))

    return BilinearForm(form).assemble(model.basis, nu=model.at_points(model.reluctivity), tr=slope_r, tz=slope_z)


def _displacement(model: Model, moving: Sequence[Part]) -> tuple[Array, Array]:
    """∇θ at the points of quadrature: θ is harmonic, 1 on what moves, 0 on iron, magnets and the outer boundary."""
    from scipy.sparse.linalg import spsolve
    from skfem import BilinearForm, ElementQuad1

    basis = model.basis.with_element(ElementQuad1())
    stiffness = BilinearForm(lambda u, v, w: w.x[0] * (u.grad[0] * v.grad[0] + u.grad[1] * v.grad[1])).assemble(basis)
    grid, theta = model.grid, np.zeros(basis.N)
    moved = np.unique(np.concatenate([basis.element_dofs[:, cells_within(model, p).ravel()].ravel() for p in moving]))
    still = [basis.element_dofs[:, (grid.part >= 0).ravel()].ravel()]
    outside = basis.get_dofs(lambda x: (x[0] >= grid.r[-1]) | (x[1] <= grid.z[0]) | (x[1] >= grid.z[-1])).flatten()
    fixed = np.unique(np.concatenate([moved, *still, outside]))
    theta[moved] = 1.0
    free = basis.complement_dofs(fixed)
    theta[free] = spsolve(stiffness[free][:, free].tocsc(), -(stiffness[free][:, fixed] @ theta[fixed]))
    gradient = basis.interpolate(theta).grad
    return gradient[0], gradient[1]
