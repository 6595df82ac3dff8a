"""What a yoke makes of fields outside: its induced multipoles, and the leakage of its own magnets (Ma2025).

A scalar potential φ (T·m, ``B = −µ_r ∇φ + B_rem``) whose azimuthal order m is 0 for a vertical and 1 for a horizontal
field, ``φ(r, z) cos mϕ``: in air no part of it cancels, and the iron is nearly at one potential. Beside the yoke it is
a sum of multipoles. Magnets are replaced by air, but for their own leakage; the iron is linear.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from components.fields import cache
from components.fields.geometry import Geometry
from components.fields.linkage import evaluation
from components.fields.magnetostatics import Mesh, Model, magnet_model
from components.fields.materials import MU0
from components.fields.sparse import factorise
from components.multipoles import DEGREES, density

Array = NDArray[Any]
Cause = Literal["vertical", "horizontal", "own"]
_MESH = Mesh(boundary=12.0, ratio=1.3)
_STEP = 1e-3  # of differences (m)
_VERSION = "around 1"  # of the solver; raise it when a result changes


@dataclass(frozen=True)
class Around:
    """The field of a cause, beside the yoke and within its gap.

    Parameters
    ----------
    geometry : the magnet.
    cause : a uniform ``vertical`` field of 1 T, upward; a uniform ``horizontal`` one toward ϕ = 0; or the ``own``
        magnets.
    mesh : by default fine, out to 12 outer radii.
    """

    geometry: Geometry
    cause: Cause
    mesh: Mesh = _MESH

    @property
    def order(self) -> int:
        """m."""
        return int(self.cause == "horizontal")

    @property
    def degrees(self) -> tuple[int, ...]:
        """Those of its first multipoles; others vanish, since the magnet is symmetric about its middle plane."""
        return DEGREES["even" if self.cause == "own" else "odd"]

    @cached_property
    def model(self) -> Model:
        """The grid with its materials."""
        return magnet_model(self.geometry, self.mesh, magnets=self.cause == "own")

    @cached_property
    def phi(self) -> Array:
        """φ at the unknowns."""
        from skfem import BilinearForm, LinearForm

        model, m = self.model, self.order
        form = BilinearForm(
            lambda u, v, w: (
                w.mu * (w.x[0] * (u.grad[0] * v.grad[0] + u.grad[1] * v.grad[1]) + (m * m / w.x[0] * u * v if m else 0))
            )
        )
        stiffness = form.assemble(model.basis, mu=model.at_points(1 / (MU0 * model.reluctivity)))
        phi = np.zeros(model.basis.N)
        if self.cause == "own":
            load = LinearForm(lambda v, w: w.x[0] * w.up * v.grad[1])
            right = load.assemble(model.basis, up=model.at_points(model.remanence))
        else:
            phi = -model.projected(lambda r, z: r if m else z)
            right = np.zeros(model.basis.N)
        fixed = self._fixed()
        if m:
            phi[model.basis.get_dofs(lambda x: x[0] == 0.0).flatten()] = 0.0
        free = model.basis.complement_dofs(fixed)
        inner = stiffness[free][:, free].tocsc()
        phi[free] = factorise(inner).solve(right[free] - stiffness[free][:, fixed] @ phi[fixed])
        return phi

    def _fixed(self) -> Array:
        """The outer boundary, and the axis where φ vanishes on it; elsewhere nothing flows through it."""
        outer = float(self.model.grid.r[-1]), float(np.abs(self.model.grid.z).max())
        found: Array = self.model.basis.get_dofs(
            lambda x: (
                (x[0] > outer[0] * (1 - 1e-9))
                | (np.abs(x[1]) > outer[1] * (1 - 1e-9))
                | ((x[0] == 0.0) if self.order else False)
            )
        ).flatten()
        return found

    def potential(self, r: Array, z: Array) -> Array:
        """φ at points (m)."""
        result: Array = evaluation(self.model, r, z) @ self.phi
        return result

    def density(self, r: Array, z: Array) -> tuple[Array, Array]:
        """Outward and upward components at points in air, without their cos mϕ (T)."""
        outward = self.potential(r + _STEP, z) - self.potential(r - _STEP, z)
        upward = self.potential(r, z + _STEP) - self.potential(r, z - _STEP)
        return -outward / (2 * _STEP), -upward / (2 * _STEP)

    def multipoles(self) -> dict[int, float]:
        """c_l of what the yoke adds (T; over 1 T of a uniform field), counted by its outer radius.

        A fit to the field beside the yoke, 1.35 to 1.7 outer radii from the axis: the series converges slowly near the
        yoke's edges, and what is left out is in the highest terms. It holds there and beyond.
        """
        size = self.geometry.outer_radius
        r, z = (x.ravel() * size for x in np.meshgrid(np.linspace(1.35, 1.7, 12), np.linspace(0.0, 0.95, 14)))
        outward, upward = self.density(r, z)
        outward = outward - (self.cause == "horizontal")
        upward = upward - (self.cause == "vertical")
        columns = [np.concatenate(density({n: 1.0}, self.order, r, z, size)) for n in self.degrees]
        found = np.linalg.lstsq(np.stack(columns, axis=1), np.concatenate([outward, upward]), rcond=None)[0]
        return dict(zip(self.degrees, found.tolist(), strict=True))


def horizontal_coupling(geometry: Geometry, mesh: Mesh = _MESH) -> float:
    """Outward field in the symmetry plane at the coil's mean radius, toward ϕ = 0, over a uniform horizontal field.

    From the cache if it is there.
    """

    def solved() -> float:
        place = np.array([geometry.coil.mean_radius])
        return float(Around(geometry, "horizontal", mesh).density(place, np.zeros(1))[0][0])

    return cache.kept(
        cache.key(_VERSION, geometry.digest(), json.dumps(asdict(mesh))),
        solved,
        lambda coupling: {"coupling": np.asarray(coupling)},
        lambda arrays: float(arrays["coupling"]),
        cached=True,
    )
