"""The surroundings: air, its density and what it carries, and gravity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr, model_validator

from components.air import air_density
from components.fed import Fed, told
from components.gravity import STANDARD_GRAVITY, TidalConstituent, local_gravity, tidal_signal
from components.measuring import Disturb
from components.refractive_index import HELIUM_NEON, refractive_index
from twin.clock import Process
from twin.component import Port
from twin.composition import Function
from twin.errors import SimulationError
from twin.fault import FOREVER, READING_FAULTS, FaultKind
from twin.noise import NoiseFigures
from twin.parameter import parameter
from twin.piece import exact_hertz, harmonics, ramp
from twin.recorder import Label, Schedule, looked
from twin.signal import Constant, Elapsed, Signal
from twin.timeline import Timeline

Array = NDArray[np.float64]
OfAir = Callable[..., Array]
"""A property of air of given humidity: from temperature (K) and pressure (Pa)."""


class Environment(Fed):
    """Air, gravity, and the station that reads the air.

    The temperature drifts and swings, ``T + drift t + swing sin(2π t/period)``, the pressure drifts, the humidity
    stays. Air density follows CIPM-2007 (`components.air`), the refractive index Ciddor1996
    (`components.refractive_index`); both are constants if temperature and pressure are. A pressure of zero is vacuum:
    no buoyancy, an index of one, and nothing to read. Gravity is that at the gravimeter, transferred to the mass, with
    the tide (`components.gravity`).

    The station shows the truth with the errors `temperature_offset`, `pressure_offset` and `humidity_offset`, which the
    laboratory does not know, and noise.
    """

    inputs: ClassVar[Mapping[str, Port]] = {}
    outputs: ClassVar[Mapping[str, Port]] = {
        "temperature_rise": Port("K"),
        "temperature": Port("K"),
        "pressure": Port("Pa"),
        "humidity": Port("1"),
        "air_density": Port("kg/m^3"),
        "refractive_index": Port("1"),
        "gravity": Port("m/s^2"),
    }
    faults: ClassVar[Mapping[str, FaultKind]] = {
        **READING_FAULTS,
        "missing": FaultKind("1", "the station records nothing that has a reading in this time", 1.0),
        "air_conditioning": FaultKind(
            "K", "the temperature climbs by this much while it lasts, and stays there", passing=True
        ),
    }

    temperature: float = parameter(
        "K", 298.15, gt=200, lt=400, source="25 °C, start of the models of Liu2025 and Li2026"
    )
    reference_temperature: float = parameter("K", 298.15, gt=200, lt=400, source="temperature at which parameters hold")
    temperature_drift: float = parameter("K/s", 0.0, neutral=0.0)
    temperature_swing: float = parameter("K", 0.0, neutral=0.0, description="amplitude of a sine that starts at zero")
    swing_period: float = parameter("s", 86400.0, gt=0)
    pressure: float = parameter("Pa", 101325.0, neutral=0.0, ge=0, lt=200e3, source="standard atmosphere")
    pressure_drift: float = parameter("Pa/s", 0.0, neutral=0.0)
    humidity: float = parameter("1", 0.5, ge=0, le=1)
    co2_fraction: float = parameter("1", 400e-6, ge=0, le=0.1, source="Picard2008, section 2")
    wavelength: float = parameter(
        "m", HELIUM_NEON, gt=0.3e-6, lt=1.7e-6, description="in vacuum, of the light whose refractive index is given"
    )
    gravity: float = parameter("m/s^2", STANDARD_GRAVITY, gt=0, source="standard acceleration; at the gravimeter")
    gravity_transfer: float = parameter(
        "m/s^2", 0.0, neutral=0.0, description="gravity at the balance's site less that at the gravimeter's"
    )
    gravity_gradient: float = parameter("1/s^2", 0.0, neutral=0.0, description="vertical; free air: -3.086e-6 1/s^2")
    gravity_height: float = parameter("m", 0.0, description="of the mass above the balance's site")
    tide: list[TidalConstituent] = Field(
        default=[],
        description="constituents, whose cosines add up; `components.gravity.principal_tide` lists the largest",
        json_schema_extra={"neutral": []},
    )
    tide_scale: float = parameter("1", 1.0, ge=0, description="factor on the tide, such as for the load of the ocean")
    air_density_error: float = parameter("1", 0.0, neutral=0.0, description="of the CIPM-2007 equation, relative")
    refractive_index_error: float = parameter("1", 0.0, neutral=0.0, description="of Ciddor's equation")
    temperature_offset: float = parameter("K", 0.0, neutral=0.0, description="error of the station")
    pressure_offset: float = parameter("Pa", 0.0, neutral=0.0, description="error of the station")
    humidity_offset: float = parameter("1", 0.0, neutral=0.0, description="error of the station")
    temperature_noise: float = parameter("K/Hz^0.5", 0.0, neutral=0.0, ge=0)
    pressure_noise: float = parameter("Pa/Hz^0.5", 0.0, neutral=0.0, ge=0)
    humidity_noise: float = parameter("1/Hz^0.5", 0.0, neutral=0.0, ge=0)

    _truth: dict[str, Signal] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _vacuum_stays(self) -> Environment:
        if self.vacuum and self.pressure_drift:
            raise ValueError("expected no pressure_drift with pressure 0: vacuum stays vacuum")
        return self

    @property
    def vacuum(self) -> bool:
        """Whether there is no air."""
        return self.pressure == 0.0

    def density(self) -> float:
        """True air density at the start (kg/m³)."""
        return float(self._density(np.array(self.temperature), np.array(self.pressure)))

    def _density(self, temperature: Array, pressure: Array) -> Array:
        density = air_density(temperature, pressure, self.humidity, self.co2_fraction)
        return density * (1.0 + self.air_density_error)

    def _index(self, temperature: Array, pressure: Array) -> Array:
        index = refractive_index(temperature, pressure, self.humidity, self.wavelength, self.co2_fraction)
        return index if self.vacuum else index + self.refractive_index_error

    def _of_air(self, equation: OfAir, temperature: Signal, pressure: Signal) -> Signal:
        if self.vacuum or (isinstance(temperature, Constant) and isinstance(pressure, Constant)):
            return Constant(float(equation(np.array(self.temperature), np.array(self.pressure))))

        @wraps(equation)
        def checked(temperature: Array, pressure: Array) -> Array:
            try:
                return equation(temperature, pressure)
            except ValueError as error:
                raise SimulationError(f"{self.name}: {error}; check what drifts") from None

        return Function(checked, temperature, pressure, slopes=(_slope(checked, 0), _slope(checked, 1)))

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        temperature = self.temperature_signal()
        pressure = self.measured("pressure", self.pressure + self.pressure_drift * Elapsed())
        self._truth = {"temperature": temperature, "pressure": pressure, "humidity": Constant(self.humidity)}
        still = local_gravity(self.gravity, self.gravity_transfer, self.gravity_gradient, self.gravity_height)
        return {
            "temperature_rise": temperature - self.reference_temperature,
            **self._truth,
            "air_density": self._of_air(self._density, temperature, pressure),
            "refractive_index": self._of_air(self._index, temperature, pressure),
            "gravity": still + self.tide_scale * tidal_signal(f"{self.name}.tide", self.tide),
        }

    def temperature_signal(self) -> Signal:
        """The temperature (K) in time."""
        return self.measured("temperature", self._simulated_temperature())

    def _simulated_temperature(self) -> Signal:
        total = self.temperature + self.temperature_drift * Elapsed()
        if self.temperature_swing:
            swing = Timeline(f"{self.name}.temperature_swing")
            swing.follow(harmonics(0.0, {1 / exact_hertz(self.swing_period): -1j * self.temperature_swing}, 0))
            total = total + swing
        for fault in self.planned("air_conditioning"):
            if fault.end == FOREVER:
                raise SimulationError(
                    f"{self.name}: the fault air_conditioning needs a duration, over which the temperature climbs"
                )
            climb = Timeline(f"{self.name}.air_conditioning")
            climb.follow(ramp(0.0, fault.size, fault.start, fault.end))
            total = total + climb
        return total

    def read(self, schedule: Schedule, labels: Mapping[str, Label]) -> Process:
        """Read temperature (K), pressure (Pa) and relative humidity (1): three blocks; in vacuum the first alone."""
        yield self.clock.until(schedule.end)
        if any(f.start < schedule.end and schedule.start < f.end for f in self.planned("missing")):
            return
        truth = self._truth
        for quantity, unit in (("temperature", "K"), ("pressure", "Pa"), ("humidity", "1")):
            if self.vacuum and quantity != "temperature":
                continue
            disturb, step = self._shown(quantity, quantity, looked(labels, schedule.step)), schedule.step
            self.record(truth[quantity], schedule, quantity, unit, aperture=step, disturb=disturb, labels=labels)

    def error(self, quantity: str, shown: Array, instants: NDArray[np.int64], aperture: int) -> Array:
        return self._shown(quantity, told(quantity), aperture)(shown, instants) - shown

    def _shown(self, quantity: str, channel: str, aperture: int) -> Disturb:
        """From the true values (bursts, readings) at their instants (ns) to what the station shows; `channel` keys the
        noise."""
        offset = float(getattr(self, f"{quantity}_offset"))
        figures = NoiseFigures(white=float(getattr(self, f"{quantity}_noise")))

        def disturb(values: Array, instants: NDArray[np.int64]) -> Array:
            result = values + offset if offset else values
            if not figures.quiet:
                result = result + self.noise(channel, figures).sample(instants.ravel(), aperture).reshape(values.shape)
            return result

        return disturb


def _slope(function: OfAir, index: int) -> OfAir:
    """The partial derivative by differences of fourth order: its rounding is below 1e-8 of it."""

    def slope(*values: Array) -> Array:
        step = 3e-4 * values[index]

        def difference(steps: int) -> Array:
            ahead, behind = ([*values] for _ in range(2))
            ahead[index], behind[index] = values[index] + steps * step, values[index] - steps * step
            return function(*ahead) - function(*behind)

        return (8 * difference(1) - difference(2)) / (12 * step)

    return slope
