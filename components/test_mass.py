"""The mass that is weighed, and the counterweight that balances half of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from twin.component import Component, Port
from twin.parameter import parameter
from twin.signal import Signal

MU_0 = 1.25663706127e-6
"""Magnetic constant (N/A²), CODATA 2022."""


class TestMass(Component):
    """A mass standard and its tare, weighed in air and in the stray field of the magnet.

    Weight less buoyancy less what the field lifts, of the mass and of the tare ``m_t = tare_fraction · m`` on the other
    side: ``m g (1 − ρ_air/ρ) − V (χ B B'/µ0 + M B')`` with ``V = m/ρ``, the vertical field B and its gradient ``B' =
    ∂B/∂z`` (Seifert2014, field at the mass: ``F_z = χ V/(2 µ0) ∂z B² + M V ∂z B_z``). A paramagnetic mass is pulled to
    where the field is stronger. Both are taken to be in the same field. The volume V of the mass grows with the
    temperature of the air by `expansion`; that of the tare, which does not change between mass on and off, stays.
    """

    __test__: ClassVar[bool] = False  # the name means a mass, not a test

    inputs: ClassVar[Mapping[str, Port]] = {
        "gravity": Port("m/s^2"),
        "air_density": Port("kg/m^3"),
        "stray_field": Port("T", default=0.0),
        "stray_gradient": Port("T/m", default=0.0),
        "temperature_rise": Port("K", default=0.0),
    }
    outputs: ClassVar[Mapping[str, Port]] = {"weight": Port("N"), "tare_weight": Port("N")}

    mass: float = parameter("kg", gt=0)
    density: float = parameter("kg/m^3", 8000.0, gt=0, source="conventional density of stainless steel, OIML D 28")
    expansion: float = parameter(
        "1/K", 0.0, neutral=0.0, description="of the volume, from the reference temperature on; steel: 4.8e-5 /K"
    )
    susceptibility: float = parameter("1", 0.0, neutral=0.0, gt=-1, description="volume magnetic susceptibility χ")
    magnetisation: float = parameter("A/m", 0.0, neutral=0.0, description="M, along z, up positive")
    tare_fraction: float = parameter("1", 0.5, ge=0, le=1, source="Li2026: counterweight m/2")
    tare_density: float = parameter("kg/m^3", 8000.0, gt=0)
    tare_susceptibility: float = parameter("1", 0.0, neutral=0.0, gt=-1, description="χ of the tare")
    tare_magnetisation: float = parameter("A/m", 0.0, neutral=0.0, description="M of the tare, along z, up positive")

    def neutral_inputs(self) -> frozenset[str]:
        return frozenset() if self.expansion else frozenset({"temperature_rise"})

    def own_density(self, inputs: Mapping[str, Signal]) -> Signal | float:
        """Of the mass at its temperature (kg/m³)."""
        return self.density / (1.0 + self.expansion * inputs["temperature_rise"]) if self.expansion else self.density

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        tare = self.tare_fraction * self.mass
        own = self.own_density(inputs), self.susceptibility, self.magnetisation
        other = self.tare_density, self.tare_susceptibility, self.tare_magnetisation
        return {"weight": weight(self.mass, *own, inputs), "tare_weight": weight(tare, *other, inputs)}


def weight(
    mass: Signal | float,
    density: Signal | float,
    susceptibility: float,
    magnetisation: Signal | float,
    inputs: Mapping[str, Signal],
) -> Signal:
    """What a mass weighs in air and in a stray field (N); `inputs` are those of `TestMass`."""
    field, gradient = inputs["stray_field"], inputs["stray_gradient"]
    lift = (mass / density) * ((susceptibility / MU_0 * field + magnetisation) * gradient)
    return mass * inputs["gravity"] * (1.0 - inputs["air_density"] / density) - lift
