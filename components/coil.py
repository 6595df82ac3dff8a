"""The coil: one flux linkage, two derivatives.

The co-energy is ``W(z, T, I) = Λ(z, T) (I + β I³) + ½ L(z) I²``, and its derivative with respect to the current the
flux linkage ``λ = Λ (1 + 3 β I²) + L I``. The force is ``∂W/∂z`` at constant current, the voltage ``dλ/dt``. With
``∂Λ/∂z = Bl`` and ``L = L0 − k (z − z0)²`` that is ``F = Bl (I + β I³) − k (z − z0) I²``, or
``Bl I (1 + α I + β I²)`` with ``α = −k (z − z0)/Bl`` (Li2021, Liu2025).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from twin.component import Component, Port
from twin.field import Field
from twin.parameter import parameter
from twin.signal import Rate, Signal


class Coil(Component):
    """One winding in the gap of the magnet."""

    inputs: ClassVar[Mapping[str, Port]] = {
        "field": Port("T*m", kind="field"),
        "position": Port("m"),
        "current": Port("A"),
        "temperature_rise": Port("K"),
    }
    outputs: ClassVar[Mapping[str, Port]] = {
        "flux_linkage": Port("Wb"),
        "force": Port("N"),
        "voltage": Port("V"),
        "power": Port("W"),
        "resistance": Port("ohm"),
        "bl": Port("T*m"),
    }

    resistance: float = parameter("ohm", gt=0, description="at the reference temperature")
    resistance_temperature_coefficient: float = parameter("1/K", 0.0, neutral=0.0, description="copper: 3.93e-3 /K")
    inductance: float = parameter("H", 0.0, ge=0, description="L0, at the symmetry plane")
    inductance_curvature: float = parameter("H/m^2", 0.0, neutral=0.0, ge=0, description="k of L = L0 − k (z − z0)²")
    symmetry_plane: float = parameter("m", 0.0, description="z0, where the reluctance force vanishes")
    quadratic_current_coefficient: float = parameter("1/A^2", 0.0, neutral=0.0, description="β of (Bl)_w")

    def neutral_inputs(self) -> frozenset[str]:
        return frozenset() if self.resistance_temperature_coefficient else frozenset({"temperature_rise"})

    def signals(self, **inputs: Any) -> dict[str, Signal]:
        field: Field = inputs["field"]
        z: Signal = inputs["position"]
        current: Signal = inputs["current"]
        k, beta, depth = self.inductance_curvature, self.quadratic_current_coefficient, z - self.symmetry_plane
        bl, flux = field.at(z), field.integral(z)
        squared = current * current
        cubic = beta * squared
        inductance = self.inductance - k * (depth * depth)
        resistance = self.resistance * (1.0 + self.resistance_temperature_coefficient * inputs["temperature_rise"])
        linkage = flux * (1.0 + 3.0 * cubic) + inductance * current
        return {
            "flux_linkage": linkage,
            "force": bl * (current * (1.0 + cubic)) - k * (depth * squared),
            "voltage": Rate(linkage) + current * resistance,
            "power": squared * resistance,
            "resistance": resistance,
            "bl": bl,
        }

    def scaled(self, factor: float) -> Coil:
        """All lengths, the wire's too, times `factor` at the same number of turns: R ∝ 1/p, L ∝ p, k ∝ 1/p, β ∝
        1/p²."""
        return self.model_copy(
            update={
                "resistance": self.resistance / factor,
                "inductance": self.inductance * factor,
                "inductance_curvature": self.inductance_curvature / factor,
                "symmetry_plane": self.symmetry_plane * factor,
                "quadratic_current_coefficient": self.quadratic_current_coefficient / factor**2,
            }
        )
