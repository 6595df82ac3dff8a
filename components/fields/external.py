"""External flux that the yoke lets into the gap: far sources, uniform at the magnet, and near ones.

The magnets are replaced by air (Ma2025) and the iron is linear, with its initial permeability if it has a B–H curve.
Everything is axisymmetric: of a source beside the axis the coil sees the azimuthal mean only, and a uniform horizontal
field has none. The flux linkage is a function of both positions, λ_ext(z_coil, z_magnet), in a room in which the source
stands still.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from components.fields import cache
from components.fields.geometry import Geometry, Part
from components.fields.linkage import Linkage
from components.fields.magnetostatics import Mesh, cells_within, magnet_model
from components.fields.materials import MU0
from twin.parameter import Parameters, parameter

Array = NDArray[Any]

_VERSION = "external flux 1"  # of the solver; raise it when a result changes
_BOUNDARY = 12.0  # outer radii
_FAR_BOUNDARY = 40.0


@dataclass
class ExternalFlux:
    """The flux of one external source through the coil.

    Parameters
    ----------
    geometry : the magnet, whose symmetry plane is at z_magnet in the room.
    solution : the linkage as a function of the coil's position in the magnet, for a position of the magnet in the room.
    uniform : whether the source looks the same from everywhere, so that one solution serves all magnet positions.
    """

    geometry: Geometry
    solution: Callable[[float], Linkage]
    uniform: bool
    _solved: dict[float, Linkage] = field(default_factory=dict, repr=False)

    def _at(self, z_magnet: float) -> Linkage:
        key = 0.0 if self.uniform else z_magnet
        if key not in self._solved:
            self._solved[key] = self.solution(key)
        return self._solved[key]

    def flux(self, z_coil: float, z_magnet: float) -> float:
        """λ_ext of one winding (Wb), positions in the room (m)."""
        return float(self._at(z_magnet).flux(z_coil - z_magnet))

    def gap_field(self, z_coil: Array | float, z_magnet: float = 0.0) -> Array:
        """The field that the coil sees in the gap (T), inward, its mean along the wire: (∂λ_ext/∂z_coil)/(2πrN)."""
        return self._at(z_magnet).bl(np.asarray(z_coil) - z_magnet) / self._wire

    def slope(self, z_magnet: float = 0.0) -> float:
        """Derivative of `gap_field` by the coil's position at the symmetry plane (T/m)."""
        return float(self._at(z_magnet).bl_slope(0.0)) / self._wire

    def error(self, bl: float, z_coil: float, z_magnet: float, step: float = 1e-4) -> float:
        """Relative error of the mass, ``ε = −(∂/∂z_coil + ∂/∂z_magnet) λ_ext/Bl``, if the magnet moves.

        A difference over ±`step` (m), coil and magnet moved together. A uniform source gives 0: nothing changes.
        """
        ahead = self.flux(z_coil + step, z_magnet + step)
        behind = self.flux(z_coil - step, z_magnet - step)
        return -(ahead - behind) / (2 * step) / bl

    @property
    def _wire(self) -> float:
        return 2 * math.pi * self.geometry.coil.mean_radius * self.geometry.coil.turns


def far_vertical(geometry: Geometry, flux_density: float, mesh: Mesh | None = None) -> ExternalFlux:
    """A uniform vertical field, given on the outer boundary (12 R by default).

    Parameters
    ----------
    flux_density : T, downward, as geomagnetism counts its vertical component (48 µT in Beijing). The field that it
        couples into the gap is then inward above the symmetry plane, as the magnets' own.
    """
    mesh = mesh or Mesh(boundary=_BOUNDARY)

    def solution(z_magnet: float) -> Linkage:
        model = magnet_model(geometry, mesh, magnets=False)
        outside = model.uniform(-flux_density)
        psi = model.solve(np.zeros(model.basis.N), outside)
        return Linkage(model, psi, geometry.coil, _reach(geometry))

    return ExternalFlux(geometry, solution, uniform=True)


def far_vertical_slope(
    geometry: Geometry, flux_density: float, mesh: Mesh | None = None, *, cached: bool = True
) -> float:
    """Slope at the symmetry plane (T/m) of the field that `far_vertical` couples into the gap, from the cache if it is
    there.

    Parameters
    ----------
    flux_density, mesh : as for `far_vertical`; the slope is proportional to the former.
    cached : False solves, and leaves the cache alone.
    """
    mesh = mesh or Mesh(boundary=_BOUNDARY)
    name = cache.key(_VERSION, geometry.digest(), json.dumps(asdict(mesh)))
    per_tesla = cache.kept(
        name,
        lambda: far_vertical(geometry, 1.0, mesh).slope(),
        lambda slope: {"slope": np.asarray(slope)},
        lambda arrays: float(arrays["slope"]),
        cached=cached,
    )
    return flux_density * per_tesla


class NearSource(Parameters):
    """A disc-shaped permanent magnet near the yoke, fixed in the room (Ma2025's interfering magnet, V or H).

    It is magnetised along z (``vertical``), or away from the magnet's axis (``horizontal``), with a recoil permeability
    of 1. Beside the axis its azimuthal mean is what the coil sees: at radius r, of the angle 2θ that the disc covers,
    θ/π of a vertical remanence, and sin θ/π of a horizontal one as a radial remanence. A horizontal one on the axis has
    none.
    """

    direction: Literal["vertical", "horizontal"]
    r: float = parameter("m", 0.0, ge=0, description="of its centre")
    z: float = parameter("m", description="of its centre, in the room")
    radius: float = parameter("m", 15e-3, gt=0, source="Ma2025: 30 mm in diameter")
    height: float = parameter("m", 10e-3, gt=0, source="Ma2025")
    remanence: float = parameter("T", MU0 * 820e3, source="Ma2025: coercivity 820 kA/m")

    def section(self, z_magnet: float) -> Part:
        """Where it is in the (r, z) plane of a magnet whose symmetry plane is at `z_magnet`."""
        low, half = max(0.0, self.r - self.radius), 0.5 * self.height
        z = self.z - z_magnet
        return Part(name="source", material="air", r=(low, self.r + self.radius), z=(z - half, z + half))

    def mean_remanence(self, r: Array) -> Array:
        """The azimuthal mean (T) at radii r (m): of the axial, or of the radial component."""
        cosine = np.ones_like(r) * np.where(r < self.radius - self.r, -1.0, 1.0)
        if self.r > 0:
            cosine = np.clip((r**2 + self.r**2 - self.radius**2) / (2 * r * self.r), -1.0, 1.0)
        angle = np.arccos(cosine)
        return self.remanence / math.pi * (angle if self.direction == "vertical" else np.sin(angle))


def near_source(geometry: Geometry, source: NearSource, mesh: Mesh | None = None) -> ExternalFlux:
    """The flux of a permanent magnet near the yoke, for every position of the magnet a solution of its own.

    By default the outer boundary is at 40 radii: the field of a magnet by itself reaches far.

    Raises
    ------
    ValueError
        When it is evaluated where the source, all around the axis, meets iron.
    """

    mesh = mesh or Mesh(boundary=_FAR_BOUNDARY)

    def solution(z_magnet: float) -> Linkage:
        section = source.section(z_magnet)
        for part in geometry.parts():
            if part.group != "magnet" and part.overlaps(section, 0.0):
                raise ValueError(f"the source meets {part.name!r}; it must be outside the yoke")
        model = magnet_model(geometry, mesh, magnets=False, edges=(section,))
        r = np.asarray(model.basis.global_coordinates())[0]
        mean = np.where(model.at_points(1.0 * cells_within(model, section)) > 0, source.mean_remanence(r), 0.0)
        nothing = np.zeros_like(mean)
        vertical = source.direction == "vertical"
        psi = model.solve(model.source(mean, nothing) if vertical else model.source(nothing, mean))
        return Linkage(model, psi, geometry.coil, _reach(geometry))

    return ExternalFlux(geometry, solution, uniform=False)


def permeability_changed(geometry: Geometry, permeability: float) -> Geometry:
    """The geometry with a linear yoke of this relative permeability: initial, or at the working point (Ma2025)."""
    iron = geometry.material(geometry.yoke_material)
    name = f"{iron.name}, {permeability:g}"
    other = iron.model_copy(update={"name": name, "permeability": permeability, "bh": ()})
    return geometry.model_copy(
        update={"yoke_material": other.name, "materials": {**geometry.materials, other.name: other}}
    )


def _reach(geometry: Geometry) -> float:
    """Largest |z| of the coil in the magnet (m)."""
    return 0.5 * geometry.gap_height
