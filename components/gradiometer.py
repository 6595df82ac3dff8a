"""The gradiometer: two coils alike on one former, in series opposition."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from twin.component import Component, Port
from twin.field import Field, Shape
from twin.parameter import parameter
from twin.shifted import Rate
from twin.signal import Signal

Array = NDArray[Any]


class Gradiometer(Component):
    """Two coils about the magnet's axis, one above or outside of the other, that move through the gap together.

    A turn that moves up by dz takes up the flux ``∮ r B dφ dz``. With the gap's ``r B = r_g B_g + (r − r_g) b B_g``
    (`components.gap_field`) that is ``2π (r_g B_g + (⟨r⟩ − r_g) b B_g) dz``, wherever the turn's centre is: off the
    axis by ρ, the mean over the magnet's azimuth is ``⟨r⟩ = R − ρ²/(4 R)``. Where the coil leans by θ the flux is
    averaged over heights ``z + R θ cos φ``; it leans at right angles to where it is off. So neither concentricity nor
    parallelism matters in first order (Seifert2014). Over a coil's height the flux is averaged as well. Averages over
    height are exact for a field of third order in z.

    `voltage` is that of the first coil, half a `separation` below the former's middle; `difference` that of the second
    one, half a separation above and a `radial_separation` outside of the first, less the first one's.
    """

    inputs: ClassVar[Mapping[str, Port]] = {
        "density": Port("T", kind="field"),
        "deviation": Port("T", kind="field"),
        "gap_radius": Port("m"),
        "position": Port("m"),
        "vibration": Port("m", default=0.0),
    }
    outputs: ClassVar[Mapping[str, Port]] = {"voltage": Port("V"), "difference": Port("V")}

    turns: float = parameter("1", gt=0, description="N, of the first coil")
    radius: float = parameter("m", gt=0, description="mean radius R of the first coil")
    height: float = parameter("m", 10e-3, ge=0, description="of either coil", source="Seifert2014")
    separation: float = parameter("m", description="of the middles of the coils, upward")
    radial_separation: float = parameter("m", 0.0, description="of their mean radii, outward")
    mismatch: float = parameter("1", 0.0, neutral=0.0, gt=-1, description="relative, of the second coil's turns")
    flexing: float = parameter(
        "1", 0.0, neutral=0.0, description="by how much more of the vibration the second coil moves"
    )
    offset: float = parameter("m", 0.0, neutral=0.0, description="of the first coil's axis from the magnet's")
    eccentricity: float = parameter("m", 0.0, neutral=0.0, description="of the second coil from the first, as offset")
    tilt: float = parameter("rad", 0.0, neutral=0.0, description="of the first coil")
    skew: float = parameter("rad", 0.0, neutral=0.0, description="of the second coil against the first")

    def signals(self, **inputs: Any) -> dict[str, Signal]:
        z, vibration = inputs["position"], inputs["vibration"]
        half, outside = 0.5 * self.separation, self.radius + self.radial_separation
        below = self._linkage(inputs, z + vibration - half, self.radius, self.offset, self.tilt)
        above = self._linkage(
            inputs,
            z + (1.0 + self.flexing) * vibration + half,
            outside,
            self.offset + self.eccentricity,
            self.tilt + self.skew,
        )
        first = self.turns * below
        return {"voltage": Rate(first), "difference": Rate(self.turns * (1.0 + self.mismatch) * above - first)}

    def scaled(self, factor: float) -> Gradiometer:
        """All lengths times `factor` at the same number of turns."""
        names = ("radius", "height", "separation", "radial_separation", "offset", "eccentricity")
        return self.model_copy(update={name: getattr(self, name) * factor for name in names})

    def _linkage(self, inputs: Mapping[str, Any], z: Signal, radius: float, offset: float, tilt: float) -> Signal:
        """Of one turn at the height z (m), counted from z = 0 (Wb)."""
        mean_radius = radius - 0.25 * offset**2 / radius
        heights = [
            bulk + lean
            for bulk in _halves(self.height / math.sqrt(12.0))
            for lean in _halves(radius * tilt / math.sqrt(2.0))
        ]
        density, deviation = (_averaged(inputs[port], heights).integral(z) for port in ("density", "deviation"))
        gap_radius: Signal = inputs["gap_radius"]
        return 2.0 * math.pi * (gap_radius * density + (mean_radius - gap_radius) * deviation)


def _halves(distance: float) -> list[float]:
    return [-distance, distance] if distance else [0.0]


def _averaged(field: Field, heights: list[float]) -> Field:
    """The field averaged over heights about where it is asked for."""
    if heights == [0.0]:
        return field
    shape = field.shape

    def over(function: Any) -> Any:
        return lambda z: np.mean([function(z + h) for h in heights], axis=0)

    return Field(Shape(over(shape.value), over(shape.integral), over(shape.slope)), field.factor)
