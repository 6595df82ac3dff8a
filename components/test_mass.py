"""The mass that is weighed, and the counterweight that balances half of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from twin.component import Component, Port
from twin.parameter import parameter
from twin.signal import Signal


class TestMass(Component):
    """A mass standard and its tare, weighed in air.

    Weight less buoyancy, ``m (1 − ρ_air/ρ) g``, of the mass and of the tare ``m_t = tare_fraction · m`` on the other
    side.
    """

    __test__: ClassVar[bool] = False  # the name means a mass, not a test

    inputs: ClassVar[Mapping[str, Port]] = {"gravity": Port("m/s^2"), "air_density": Port("kg/m^3")}
    outputs: ClassVar[Mapping[str, Port]] = {"weight": Port("N"), "tare_weight": Port("N")}

    mass: float = parameter("kg", gt=0)
    density: float = parameter("kg/m^3", 8000.0, gt=0, source="conventional density of stainless steel, OIML D 28")
    density_uncertainty: float = parameter("kg/m^3", 0.0, ge=0, description="standard uncertainty of the density")
    tare_fraction: float = parameter("1", 0.5, ge=0, le=1, source="Li2026: counterweight m/2")
    tare_density: float = parameter("kg/m^3", 8000.0, gt=0)

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        gravity, air = inputs["gravity"], inputs["air_density"]
        return {
            "weight": self.mass * gravity * (1.0 - air / self.density),
            "tare_weight": self.tare_fraction * self.mass * gravity * (1.0 - air / self.tare_density),
        }
