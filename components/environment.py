"""The surroundings: air, its density and what it carries, and gravity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from components.air import air_density
from components.measuring import shown
from twin.clock import Process
from twin.component import Port
from twin.instrument import Instrument
from twin.noise import NoiseFigures
from twin.parameter import parameter
from twin.recorder import Label, Schedule
from twin.signal import Constant, Signal


class Environment(Instrument):
    """Air temperature, pressure and humidity, constant here; gravity; and the station that reads the air.

    Air density follows CIPM-2007 (`components.air`). A pressure of zero is vacuum: no buoyancy.
    """

    inputs: ClassVar[Mapping[str, Port]] = {}
    outputs: ClassVar[Mapping[str, Port]] = {
        "temperature_rise": Port("K"),
        "air_density": Port("kg/m^3"),
        "gravity": Port("m/s^2"),
    }

    temperature: float = parameter(
        "K", 298.15, gt=200, lt=400, source="25 °C, start of the models of Liu2025 and Li2026"
    )
    reference_temperature: float = parameter("K", 298.15, gt=200, lt=400, source="temperature at which parameters hold")
    pressure: float = parameter("Pa", 101325.0, neutral=0.0, ge=0, lt=200e3, source="standard atmosphere")
    humidity: float = parameter("1", 0.5, ge=0, le=1)
    gravity: float = parameter("m/s^2", 9.80665, gt=0, source="standard acceleration")
    gravity_uncertainty: float = parameter("1", 0.0, ge=0, description="relative standard uncertainty of g")
    temperature_noise: float = parameter("K/Hz^0.5", 0.0, neutral=0.0, ge=0)
    pressure_noise: float = parameter("Pa/Hz^0.5", 0.0, neutral=0.0, ge=0)
    humidity_noise: float = parameter("1/Hz^0.5", 0.0, neutral=0.0, ge=0)

    @property
    def vacuum(self) -> bool:
        """Whether there is no air."""
        return self.pressure == 0.0

    def density(self) -> float:
        """True air density (kg/m³)."""
        return 0.0 if self.vacuum else float(air_density(self.temperature, self.pressure, self.humidity))

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        return {
            "temperature_rise": Constant(self.temperature - self.reference_temperature),
            "air_density": Constant(self.density()),
            "gravity": Constant(self.gravity),
        }

    def read(self, schedule: Schedule, labels: Mapping[str, Label]) -> Process:
        """Read temperature (K), pressure (Pa) and relative humidity (1): three blocks. Nothing is read in vacuum."""
        yield self.clock.until(schedule.end)
        if self.vacuum:
            return
        for quantity, unit, value, noise in (
            ("temperature", "K", self.temperature, self.temperature_noise),
            ("pressure", "Pa", self.pressure, self.pressure_noise),
            ("humidity", "1", self.humidity, self.humidity_noise),
        ):
            disturb = shown(self, quantity, NoiseFigures(white=noise), schedule.step)
            self.record(
                Constant(value), schedule, quantity, unit, aperture=schedule.step, disturb=disturb, labels=labels
            )
