"""The coil: one flux linkage, two derivatives.

The co-energy is ``W(z, T, I) = Λ(z, T) (I + β I³) + ½ L(z) I²``, and its derivative with respect to the current the
flux linkage ``λ = Λ (1 + 3 β I²) + L I``. The force is ``∂W/∂z`` at constant current, the voltage ``dλ/dt``. With
``∂Λ/∂z = Bl`` and ``L = L0 − k (z − z0)²`` that is ``F = Bl (I + β I³) − k (z − z0) I²``, or
``Bl I (1 + α I + β I²)`` with ``α = −k (z − z0)/Bl`` (Li2021, Liu2025).

A yoke whose magnetisation lags behind the current is a state q of the co-energy: of ``½ L I²`` the yoke's part becomes
``½ (L0 − L_y) I² + L_y (m I q − ½ q²)`` with ``m(z)² = 1 − k (z − z0)²/L_y``. At rest q is m I, and all is as above;
with the excess ``e = q − m I`` the two derivatives at constant q are ``λ + L_y m e`` and ``F + L_y m' e I``.

Two windings share one co-energy, ``Σ Λ_i (I_i + β I_i³) + ½ Σ L_i I_i² + M(z) I_1 I_2 + β_M (Λ_1 + Λ_2) 3/2 J I_1 I_2``
with the mutual inductance ``M = M0 − k_M (z − z0)²`` and ``J = I_1 + I_2``; in the same iron β_M is β, and all that
bends is ``β Λ J³``. Each is a `Coil` that is told the other's current: its flux linkage holds ``M I_2``, so that its
voltage has ``I_2 M' v + M dI_2/dt``, and its force half of ``I_1 I_2 M'``; the other half is the other's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field as Option
from pydantic import model_validator

from twin.component import Component, Port
from twin.composition import Function
from twin.errors import SimulationError
from twin.field import Field
from twin.parameter import Parameters, parameter
from twin.shifted import Rate
from twin.signal import Constant, Signal

Array = NDArray[Any]


class WeaklyMagneticPart(Parameters):
    """A part that moves with the coil: wire, former, frame (Li2021)."""

    susceptibility: float = parameter("1", gt=-1, description="copper: −1e-5")
    area: float = parameter("m^2", gt=0, description="cross-section A_i")
    radius: float = parameter("m", gt=0, description="mean radius r_i")


class Coil(Component):
    """A winding in the gap of the magnet.

    With a `geometry` (`components.fields`) what is not stated of inductance, its curvature, the radial deviation and
    the gap follows from it, for the size that the geometry has.

    Several inputs concern one of the two phases only, or both:

    - `vibration` moves the coil where its voltage is formed. The servo does not follow it, and the mean of the force
      does not know it: ``½ Bl'' x²`` is 1e-11 of Bl for a micrometre. What it does to the current is noise of the
      source.
    - `coupling` is the relative share that motions beside the vertical one add to ``dλ/dz``: they do work that the
      vertical force does not see.
    - `magnet_displacement` is the magnet's own motion; force and voltage both follow the distance between the two.
    - `yoke` is the yoke's magnetisation, as the current that would hold it in the steady state (`components.yoke`), and
      `remanence` what it keeps beside (`components.hysteresis`).
    - `other_current` is that of a second winding on the same former, and `other_noise` its fluctuation, which the
      voltage shows. `other_force` and `other_power` are added to those of this winding, for servo and heat.
    - `external` is the flux of sources beside the magnet (`components.external_flux`): λ_ext of the coil's place in the
      room, which adds to the flux linkage, and ``∂λ_ext/∂z_coil`` to Bl. How it follows the magnet is its own matter.
      `alternating` is what alternates of it, which the voltage alone shows, as with vibration.

    In the term with β_M the other winding's Λ is taken to be this one's.
    """

    inputs: ClassVar[Mapping[str, Port]] = {
        "field": Port("T*m", kind="field"),
        "position": Port("m"),
        "current": Port("A"),
        "temperature_rise": Port("K"),
        "vibration": Port("m", default=0.0),
        "coupling": Port("1", default=0.0),
        "magnet_displacement": Port("m", default=0.0),
        "yoke": Port("A", default=0.0),
        "remanence": Port("A", default=0.0),
        "other_current": Port("A", default=0.0),
        "other_noise": Port("A", default=0.0),
        "other_force": Port("N", default=0.0),
        "other_power": Port("W", default=0.0),
        "external": Port("T*m", default=0.0, kind="field"),
        "alternating": Port("T*m", default=0.0, kind="field"),
    }
    outputs: ClassVar[Mapping[str, Port]] = {
        "flux_linkage": Port("Wb"),
        "force": Port("N"),
        "voltage": Port("V"),
        "power": Port("W"),
        "resistance": Port("ohm"),
        "bl": Port("T*m"),
        "yoke_drive": Port("A"),
    }
    depends: ClassVar[Mapping[str, frozenset[str]]] = {"resistance": frozenset({"temperature_rise"})}

    geometry: str | None = Option(default=None, description="name of a magnet that inductance and gap follow from")
    dimensions: dict[str, float | str] = Option(
        default={}, description="of the geometry that differ, such as coil.turns or ring_height: SI or with unit"
    )
    resistance: float = parameter("ohm", gt=0, description="at the reference temperature")
    resistance_temperature_coefficient: float = parameter("1/K", 0.0, neutral=0.0, description="copper: 3.93e-3 /K")
    inductance: float = parameter("H", 0.0, ge=0, description="L0, at the symmetry plane")
    inductance_curvature: float = parameter("H/m^2", 0.0, neutral=0.0, ge=0, description="k of L = L0 − k (z − z0)²")
    symmetry_plane: float = parameter("m", 0.0, description="z0, where the reluctance force vanishes")
    quadratic_current_coefficient: float = parameter("1/A^2", 0.0, neutral=0.0, description="β of (Bl)_w")
    yoke_inductance: float = parameter(
        "H", 0.0, neutral=0.0, ge=0, description="L_y, the part of L0 whose flux the iron lets in slowly; 0: none"
    )
    winding_factor: float = parameter("1", 1.0, gt=0, description="Bl of this winding over that of the magnet's field")
    mutual_inductance: float = parameter("H", 0.0, ge=0, description="M0, with the other winding, at z0")
    mutual_curvature: float = parameter("H/m^2", 0.0, neutral=0.0, ge=0, description="k_M of M = M0 − k_M (z − z0)²")
    mutual_quadratic_coefficient: float = parameter(
        "1/A^2", 0.0, neutral=0.0, description="β_M, of both windings' currents together"
    )
    parts: list[WeaklyMagneticPart] = Option(
        default=[], description="weakly magnetic parts that move with the coil", json_schema_extra={"neutral": []}
    )
    gap_area: float | None = parameter("m^2", None, gt=0, description="A_a = width times magnetic height of the gap")
    gap_radius: float | None = parameter("m", None, gt=0, description="r_a, mean radius of the gap")
    expansion: float = parameter("1/K", 0.0, neutral=0.0, description="κ of the radius; copper: 1.7e-5 /K")
    radial_deviation: float = parameter(
        "1", 0.0, neutral=0.0, description="b = 1 + (r/B) ∂B/∂r; 0 for a field that falls as 1/r (Seifert2014)"
    )

    @model_validator(mode="before")
    @classmethod
    def _from_geometry(cls, given: Any) -> Any:
        """Fill in what follows from the geometry and is not stated."""
        if not isinstance(given, Mapping) or not isinstance(given.get("geometry"), str):
            return given
        from components.fields.named import named_geometry
        from components.fields.profile import profile

        computed = profile(named_geometry(given["geometry"], given.get("dimensions") or {}))
        derived = {
            "inductance": float(computed.inductance_at(0.0)),
            "inductance_curvature": computed.k,
            "radial_deviation": float(np.interp(0.0, computed.gap_z, computed.deviation)),
            "gap_area": computed.gap_width * computed.magnetic_height,
            "gap_radius": computed.gap_radius,
        }
        return {**derived, **given}

    @model_validator(mode="after")
    def _complete(self) -> Coil:
        if self.dimensions and self.geometry is None:
            raise ValueError("dimensions are of a geometry, and there is none")
        if self.parts and (self.gap_area is None or self.gap_radius is None):
            raise ValueError("expected gap_area and gap_radius beside parts")
        if self.yoke_inductance > self.inductance:
            raise ValueError(
                f"expected yoke_inductance, {self.yoke_inductance} H, within the inductance of {self.inductance} H"
            )
        return self

    @property
    def share(self) -> float:
        """What weakly magnetic parts make of Λ, and so of force and voltage alike: 1 − Σ χ A r_a/(A_a r) (Li2021)."""
        area, radius = self.gap_area or 1.0, self.gap_radius or 1.0
        return 1.0 - sum(p.susceptibility * p.area * radius / (area * p.radius) for p in self.parts)

    @property
    def bl_temperature_coefficient(self) -> float:
        """Relative change of Bl with the coil's temperature, b κ (1/K) (Seifert2014)."""
        return self.radial_deviation * self.expansion

    def neutral_inputs(self) -> frozenset[str]:
        neutral = set() if self.yoke_inductance else {"yoke", "remanence"}
        if not (self.resistance_temperature_coefficient or self.bl_temperature_coefficient):
            neutral.add("temperature_rise")
        return frozenset(neutral)

    def signals(self, **inputs: Any) -> dict[str, Signal]:
        current, other = inputs["current"], inputs["other_current"]
        rise: Signal = inputs["temperature_rise"]
        field: Field = inputs["field"]
        field = field.times(self.winding_factor * self.share * (1.0 + self.bl_temperature_coefficient * rise))
        z = inputs["position"] - inputs["magnet_displacement"]
        where = z + inputs["vibration"]  # that the flux linkage is formed
        depth = z - self.symmetry_plane
        within = depth if where is z else where - self.symmetry_plane
        k, beta = self.inductance_curvature, self.quadratic_current_coefficient
        bl, flux = field.at(z), field.integral(where) * (1.0 + inputs["coupling"])
        squared = current * current
        cubic = beta * squared
        resistance = self.resistance * (1.0 + self.resistance_temperature_coefficient * rise)
        linkage = flux * (1.0 + 3.0 * cubic) + (self.inductance - k * (within * within)) * current
        force = bl * (current * (1.0 + cubic)) - k * (depth * squared)
        mutual = self.mutual_inductance - self.mutual_curvature * (within * within)
        both = self.mutual_quadratic_coefficient * other
        linkage = linkage + mutual * (other + inputs["other_noise"]) + flux * (both * (6.0 * current + 3.0 * other))
        force = force - self.mutual_curvature * (depth * (current * other))
        force = force + bl * (both * (1.5 * current * (current + other)))
        if isinstance(external := inputs.get("external"), Field):
            outside = external.times(self.winding_factor * self.share).at(inputs["position"])
            bl, force = bl + outside, force + outside * current
        for external in (inputs.get("external"), inputs.get("alternating")):
            if isinstance(external, Field):
                through = external.times(self.winding_factor * self.share)
                linkage = linkage + through.integral(inputs["position"] + inputs["vibration"])
        reach = self._reach(depth)
        if self.yoke_inductance:
            excess = self._excess(reach, inputs)
            force = force + Function(self._reach_slope, depth) * (excess * current)
            if within is depth:
                linkage = linkage + reach * excess
            else:
                reach_within = self._reach(within)
                linkage = linkage + reach_within * self._excess(reach_within, inputs)
        return {
            "flux_linkage": linkage,
            "force": force + inputs["other_force"],
            "voltage": Rate(linkage) + current * resistance,
            "power": squared * resistance + inputs["other_power"],
            "resistance": resistance,
            "bl": bl,
            "yoke_drive": reach * current,
        }

    # --- the yoke ----------------------------------------------------------------------------------------------------

    @property
    def _steepness(self) -> float:
        return self.inductance_curvature / self.yoke_inductance if self.yoke_inductance else 0.0

    def _reach(self, depth: Signal) -> Signal:
        """m(z), how much of the coil's flux the yoke takes up there."""
        if not self._steepness:
            return Constant(1.0)
        return Function(self._reach_values, depth, slopes=(self._reach_slope,))

    def _excess(self, reach: Signal, inputs: Mapping[str, Signal]) -> Signal:
        """L_y e: what the yoke's flux is too large by (Wb, at m = 1); no lag where no yoke is wired."""
        yoke, remanence = inputs["yoke"], inputs["remanence"]
        lag = 0.0 if isinstance(yoke, Constant) else yoke - reach * inputs["current"]
        return self.yoke_inductance * (lag + remanence)

    def _reach_values(self, depth: Array) -> Array:
        squared = 1.0 - self._steepness * depth * depth
        if squared.size and squared.min() <= 0.0:
            raise SimulationError(
                f"{self.name}: yoke_inductance {self.yoke_inductance} H is used up at {np.abs(depth).max():g} m from "
                f"the symmetry plane by inductance_curvature {self.inductance_curvature} H/m²; raise the one"
            )
        result: Array = np.sqrt(squared)
        return result

    def _reach_slope(self, depth: Array) -> Array:
        result: Array = -self._steepness * depth / self._reach_values(depth)
        return result

    # --- size --------------------------------------------------------------------------------------------------------

    def scaled(self, factor: float) -> Coil:
        """All lengths, the wire's too, times `factor` at the same number of turns: R ∝ 1/p, L ∝ p, k ∝ 1/p, β ∝
        1/p²."""
        parts = [
            part.model_copy(update={"area": part.area * factor**2, "radius": part.radius * factor})
            for part in self.parts
        ]
        return self.model_copy(
            update={
                "resistance": self.resistance / factor,
                "inductance": self.inductance * factor,
                "inductance_curvature": self.inductance_curvature / factor,
                "symmetry_plane": self.symmetry_plane * factor,
                "quadratic_current_coefficient": self.quadratic_current_coefficient / factor**2,
                "yoke_inductance": self.yoke_inductance * factor,
                "mutual_inductance": self.mutual_inductance * factor,
                "mutual_curvature": self.mutual_curvature / factor,
                "mutual_quadratic_coefficient": self.mutual_quadratic_coefficient / factor**2,
                "parts": parts,
                "gap_area": None if self.gap_area is None else self.gap_area * factor**2,
                "gap_radius": None if self.gap_radius is None else self.gap_radius * factor,
            }
        )
