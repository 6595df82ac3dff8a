"""What the balance needs of a magnet: Bl(z) and λ(z), L(z), the gap's field and its neighbours, from one solution.

`profile` computes, or takes from the cache; a `Profile` then only interpolates.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.fields import cache
from components.fields.geometry import Geometry
from components.fields.materials import MU0
from components.gravity import STANDARD_GRAVITY
from twin.errors import SimulationError

Array = NDArray[Any]

_VERSION = "profile 4"  # of the solver and of what is kept; raise it when a result changes
_KNOTS = 0.25e-3  # largest distance of spline knots (m)


@dataclass(frozen=True)
class Profile:
    """Tabulated results; SI units. Every array over z has the shape of its positions.

    Parameters
    ----------
    z, bl : coil centres (m) and dλ/dz of one winding (T·m).
    flux_at_zero : λ of one winding at z = 0 (Wb).
    gap_z, gap, at_coil : heights (m), and inward B_r (T) at the mean radius of the gap and at that of the coil.
    deviation : ``b = 1 + (r/B) ∂B/∂r`` at the coil's mean radius and the heights `gap_z` (Seifert2014).
    inductance : Chebyshev coefficients of L (H) over ±`reach`.
    reach : largest |z| of `z` and `inductance` (m).
    stray_z, stray : heights on the axis (m), from the upper face on, and B_z there (T), the mean over a disc of a
        twentieth of the outer radius.
    temperature_coefficient : of the gap field at z = 0 (1/K), from the magnets alone.
    current : weighing current the paper states (A); 0 if none is stated.
    turns, gap_radius, gap_width : of geometry (1, m, m).
    """

    z: Array
    bl: Array
    flux_at_zero: float
    gap_z: Array
    gap: Array
    at_coil: Array
    deviation: Array
    inductance: Array
    reach: float
    stray_z: Array
    stray: Array
    temperature_coefficient: float
    current: float
    turns: int
    gap_radius: float
    gap_width: float

    @cached_property
    def bl_spline(self) -> Any:
        """Bl(z) as a spline (`scipy.interpolate.BSpline`) that can be differentiated."""
        return _spline(self.z, self.bl)

    @cached_property
    def _flux_spline(self) -> Any:
        return self.bl_spline.antiderivative()

    def flux(self, z: Array | float) -> Array:
        """λ(z) of one winding (Wb), whose derivative is `bl_at`."""
        return self.flux_at_zero + self._flux_spline(self._inside(z)) - self._flux_spline(0.0)

    def bl_at(self, z: Array | float) -> Array:
        """Bl(z) (T·m).

        Raises
        ------
        SimulationError
            If a position is outside the profile.
        """
        return np.asarray(self.bl_spline(self._inside(z)))

    def inductance_at(self, z: Array | float, derivative: int = 0) -> Array:
        """L(z) of one winding (H), or a derivative of it by z."""
        c = np.polynomial.Chebyshev(self.inductance, domain=[-self.reach, self.reach])
        return np.asarray((c.deriv(derivative) if derivative else c)(self._inside(z)))

    def current_coefficient(self, z: Array | float) -> Array:
        """``α(z) = ½ L'(z)/Bl(z)`` (1/A), which is −k z/Bl for a parabola (Li2021)."""
        return 0.5 * self.inductance_at(z, 1) / self.bl_at(z)

    @property
    def k(self) -> float:
        """``−½ d²L/dz²`` at z = 0 (H/m²)."""
        return -0.5 * float(self.inductance_at(0.0, 2))

    @property
    def magnetic_height(self) -> float:
        """``2h_a = 2π µ0 N² r_a/(w_a k)`` (m), with the gap's mean radius and width (Li2021)."""
        return 2 * math.pi * MU0 * self.turns**2 * self.gap_radius / (self.gap_width * self.k)

    @property
    def weighing_current(self) -> float:
        """The stated current, or the one that carries half of 1 kg (A)."""
        return self.current or 0.5 * STANDARD_GRAVITY / float(self.bl_at(0.0))

    @property
    def current_effect_slope(self) -> float:
        """dα/dz · I at z = 0 for the positive weighing current (1/m): how much the profile leans."""
        at_zero = float(self.bl_at(0.0))
        bend = 0.5 * float(self.inductance_at(0.0, 2)) / at_zero
        lean = 0.5 * float(self.inductance_at(0.0, 1)) * float(self.bl_spline(0.0, 1)) / at_zero**2
        return (bend - lean) * self.weighing_current

    @property
    def gap_field(self) -> float:
        """B_r, inward, at the gap's mean radius and z = 0 (T)."""
        return float(_spline(self.gap_z, self.gap)(0.0))

    def uniform_length(self, tolerance: float = 1e-3, *, at_coil: bool = False) -> float:
        """Length (m) around z = 0 in which |B/B(0) − 1| stays below `tolerance`.

        At the mean radius of the gap or of the coil. If it does not end within the gap, the gap's height.

        Raises
        ------
        ValueError
            If `tolerance` is not between 0 and 1.
        """
        if not 0 < tolerance < 1:
            raise ValueError(f"tolerance: expected a number between 0 and 1, not {tolerance:g}")
        spline = _spline(self.gap_z, self.at_coil if at_coil else self.gap)
        middle, end = float(spline(0.0)), float(self.gap_z[-1])
        z = np.linspace(0.0, end, 10 * len(self.gap_z))
        above = _first_root(lambda x: abs(spline(x) / middle - 1) - tolerance, z)
        return above + _first_root(lambda x: abs(spline(-x) / middle - 1) - tolerance, z)

    def summary(self, tolerance: float = 1e-3) -> dict[str, float]:
        """The figures that ``kibble-twin fields`` prints, by its keys."""
        return {
            "gap_field_T": self.gap_field,
            "bl_Tm": float(self.bl_at(0.0)),
            "uniform_length_m": self.uniform_length(tolerance),
            "uniform_length_at_coil_m": self.uniform_length(tolerance, at_coil=True),
            "current_effect_slope_per_m": self.current_effect_slope,
            "k_H_per_m2": self.k,
            "l0_H": float(self.inductance_at(0.0)),
            "magnetic_height_m": self.magnetic_height,
            "temperature_coefficient_per_K": self.temperature_coefficient,
        }

    def stray_field(self, z: Array | float, derivative: int = 0) -> Array:
        """B_z on the axis at heights z (m) above the symmetry plane (T), or a derivative by z.

        Raises
        ------
        SimulationError
            If a height is outside what was computed.
        """
        z = np.asarray(z, float)
        if np.any((z < self.stray_z[0]) | (z > self.stray_z[-1])):
            low, high = 1e3 * self.stray_z[0], 1e3 * self.stray_z[-1]
            raise SimulationError(f"stray field: expected heights from {low:g} to {high:g} mm")
        return np.asarray(_spline(self.stray_z, self.stray)(z, derivative))

    def force_on_mass(
        self, z: float, volume: float, susceptibility: float, magnetisation: float = 0.0, ambient: float = 0.0
    ) -> float:
        """Vertical force of the stray field on a weight on the axis (N), up is positive.

        ``F = χ V/(2µ0) ∂B²/∂z + M V ∂B/∂z`` (Seifert2014).

        Parameters
        ----------
        z : height of its centre (m).
        volume : m³.
        susceptibility : χ.
        magnetisation : permanent, vertical (A/m).
        ambient : uniform vertical field that adds to the magnet's (T).
        """
        slope = float(self.stray_field(z, 1))
        return volume * slope * (susceptibility * (float(self.stray_field(z)) + ambient) / MU0 + magnetisation)

    def _inside(self, z: Array | float) -> Array:
        """The positions, if the profile covers them."""
        z = np.asarray(z, float)
        if np.any(np.abs(z) > self.reach * (1 + 1e-12)):
            raise SimulationError(
                f"coil at z = {1e3 * float(np.max(np.abs(z))):g} mm, outside the computed profile "
                f"(±{1e3 * self.reach:g} mm); move it closer to the symmetry plane"
            )
        return z


def profile(geometry: Geometry, mesh: Any = None, *, cached: bool = True) -> Profile:
    """The profile of a magnet, from the cache if it is there.

    Parameters
    ----------
    geometry : the magnet.
    mesh : `components.fields.magnetostatics.Mesh`; by default fine enough for a smoothness of 1e-8.
    cached : False computes, and leaves the cache alone.

    Raises
    ------
    SimulationError
        If saturated iron does not converge.
    """

    def computed() -> Profile:
        from components.fields.profile_solution import compute

        return compute(geometry, mesh, _KNOTS)

    name = cache.key(_VERSION, geometry.digest(), "" if mesh is None else json.dumps(asdict(mesh)))
    found = cache.kept(name, computed, _as_arrays, _from_arrays, cached=cached)
    return replace(found, current=geometry.weighing_current or 0.0)


def _as_arrays(computed: Profile) -> dict[str, Array]:
    """What the cache keeps of a profile."""
    return {field.name: np.asarray(getattr(computed, field.name)) for field in fields(Profile)}


def _from_arrays(arrays: dict[str, Array]) -> Profile:
    """A profile from what the cache has kept."""
    values: dict[str, Any] = {key: array if array.ndim else array.item() for key, array in arrays.items()}
    return Profile(**values)


def _spline(x: Array, y: Array) -> Any:
    """A quintic spline through the points."""
    from scipy.interpolate import make_interp_spline

    return make_interp_spline(x, y, k=5)


def _first_root(off: Callable[[Any], Any], z: Array) -> float:
    """Where along the growing positions z a function first reaches 0 from below; the last position if it does not."""
    from scipy.optimize import brentq

    above = np.flatnonzero(off(z) >= 0)
    return float(brentq(off, z[above[0] - 1], z[above[0]], xtol=1e-12)) if len(above) else float(z[-1])
