"""The flux density in the gap of a magnet, near its mean radius, from Bl of a winding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from twin.component import Component, Port
from twin.errors import SimulationError
from twin.field import Field, Shape
from twin.parameter import parameter
from twin.signal import Constant, Signal

Array = NDArray[Any]
NODES = 64
"""Points through which the deviation is interpolated."""


class GapField(Component):
    """The radial flux density ``B(r, z)``, by ``r B = r_g B_g(z) + (r − r_g) b(z) B_g(z)`` about the mean radius r_g.

    ``B_g = Bl/l`` with the length l of the wire, and ``b = 1 + (r/B) ∂B/∂r = b_0 + b_2 z²``: 0 where the field falls as
    1/r, negative where it falls faster (Seifert2014). The second order in r − r_g is left out; in vacuum it is
    ``−½ (r − r_g)² ∂²B/∂z²``, the same on either side.

    `density` is B_g, `deviation` is b B_g, which is ∂(r B)/∂r.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"field": Port("T*m", kind="field")}
    outputs: ClassVar[Mapping[str, Port]] = {
        "density": Port("T", kind="field"),
        "deviation": Port("T", kind="field"),
        "radius": Port("m"),
    }

    wire_length: float = parameter("m", gt=0, description="l, of the winding whose Bl the field is")
    mean_radius: float = parameter("m", gt=0, description="r_g")
    radial_deviation: float = parameter("1", 0.0, neutral=0.0, description="b_0, in the symmetry plane")
    radial_deviation_curvature: float = parameter("1/m^2", 0.0, neutral=0.0, description="b_2")
    reach: float = parameter("m", 0.06, gt=0, description="largest |z| at which the deviation is looked at")

    def deviation_at(self, z: Array) -> Array:
        """b at heights z (m)."""
        return np.asarray(self.radial_deviation + self.radial_deviation_curvature * z * z)

    def signals(self, **inputs: Any) -> dict[str, Any]:
        field: Field = inputs["field"]
        shape, length = field.shape, self.wire_length
        density = Shape(
            lambda z: shape.value(z) / length, lambda z: shape.integral(z) / length, lambda z: shape.slope(z) / length
        )
        return {
            "density": Field(density, field.factor),
            "deviation": Field(self._deviation(density), field.factor),
            "radius": Constant(self.mean_radius),
        }

    def _deviation(self, density: Shape) -> Shape:
        """b B_g, by a polynomial of degree `NODES` − 1 through it."""
        if not (self.radial_deviation or self.radial_deviation_curvature):
            return Shape(np.zeros_like, np.zeros_like, np.zeros_like)
        value = np.polynomial.Chebyshev.interpolate(
            lambda z: self.deviation_at(z) * density.value(z), NODES - 1, domain=[-self.reach, self.reach]
        ).trim(1e-16 * abs(float(density.value(np.zeros(1))[0])))
        integral, slope = value.integ(lbnd=0.0), value.deriv()
        return Shape(
            lambda z: value(self._within(z)), lambda z: integral(self._within(z)), lambda z: slope(self._within(z))
        )

    def _within(self, z: Array) -> Array:
        farthest = float(np.max(np.abs(z), initial=0.0))
        if farthest > self.reach:
            raise SimulationError(
                f"{self.name}: a probe is at z = {farthest:g} m from the symmetry plane, beyond the reach of "
                f"{self.reach:g} m that the deviation from 1/r is known in; move less, or raise it"
            )
        return z

    def scaled(self, factor: float) -> GapField:
        """Lengths times `factor`; b is a pure number of the same places."""
        return self.model_copy(
            update={
                "wire_length": self.wire_length * factor,
                "mean_radius": self.mean_radius * factor,
                "radial_deviation_curvature": self.radial_deviation_curvature / factor**2,
                "reach": self.reach * factor,
            }
        )


def density_near(radius: Signal, at: Signal, density: Signal, deviation: Signal) -> Signal:
    """B (T) at the radius `at`, from the mean radius (m) and what the gap's field is there at this height."""
    return (radius * density + (at - radius) * deviation) / at
