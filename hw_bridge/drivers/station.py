"""A real `EnvironmentStation`, whose readings also drive the simulated parts of the twin.

Its commands stand in the scenario file::

    hardware:
      driver: generic_station
      resource: TCPIP::192.0.2.11::5025::SOCKET
      interval: 10 s                  # from reading to reading for the twin, see hw_bridge.following
      commands:
        identify: "*IDN?"
        temperature: "MEAS:TEMP?"     # and pressure, humidity
        temperature_unit: degC        # or K; of pressure hPa or Pa, of humidity % or 1
      settings: {aperture: 100 ms}    # over which it averages a reading, for its noise; otherwise all of a step

Temperature and pressure of the air in the twin follow what is read, and all that depends on them. None has been met.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, ClassVar

import numpy as np

from hw_bridge.drivers.generic import Generic, leading
from hw_bridge.drivers.wire import Wire, WireError
from hw_bridge.errors import BridgeError
from scenarios.schema.hardware import Hardware
from twin.clock import Process
from twin.recorder import Label, Schedule
from twin.times import NS, to_ns

QUANTITIES = {"temperature": "K", "pressure": "Pa", "humidity": "1"}
UNITS = {
    "temperature": {"K": (1.0, 0.0), "degC": (1.0, 273.15)},
    "pressure": {"Pa": (1.0, 0.0), "hPa": (100.0, 0.0)},
    "humidity": {"1": (1.0, 0.0), "%": (0.01, 0.0)},
}
"""Factor and offset to SI."""
LIKELY = {"temperature": (230.0, 350.0), "pressure": (0.0, 2e5), "humidity": (0.0, 1.0)}
"""What is beyond is no reading of a room (SI)."""
STEADY = {"temperature": 0.1, "pressure": 20.0, "humidity": 0.02}
"""By which two readings may differ that are taken one after the other (SI): a wrong digit is found beyond that."""


class GenericStation(Generic):
    """See the module."""

    tells = ("temperature", "pressure")
    role = "EnvironmentStation"
    needed = Generic.needed | {"temperature"}
    takes: ClassVar[Mapping[str, str]] = {"aperture": "s"}
    known = Generic.known | {*QUANTITIES, *(f"{quantity}_unit" for quantity in QUANTITIES)}

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.quantities = [q for q in QUANTITIES if q in self.commands]
        for quantity in self.quantities:
            if (unit := self.unit_of(quantity)) not in UNITS[quantity]:
                known = " or ".join(UNITS[quantity])
                raise BridgeError(
                    f"{self.name}: hardware.commands.{quantity}_unit: expected {known}, not {unit!r}", self.name
                )
        if self.hardware.calibration.gain or self.hardware.calibration.offset:
            raise BridgeError(f"{self.name}: one calibration does not fit several quantities", self.name)

    @classmethod
    def told(cls, hardware: Hardware, wired: Container[str]) -> tuple[str, ...]:
        """All that it reads of them: density, index and what warms follow too."""
        return tuple(quantity for quantity in cls.tells if quantity in hardware.commands)

    def drives(self, output: str) -> bool:
        return True

    def unit_of(self, quantity: str) -> str:
        """In which it answers."""
        return self.commands.get(f"{quantity}_unit", QUANTITIES[quantity])

    def look(self, wire: Wire) -> dict[str, float]:
        """A reading of each quantity (SI): the second of two that are near each other."""
        found = {}
        for quantity in self.quantities:
            first, value = self.one(wire, quantity), self.one(wire, quantity)
            if abs(value - first) > STEADY[quantity]:
                unit = QUANTITIES[quantity]
                raise WireError(f"{quantity} was read as {first:g} {unit} and then as {value:g} {unit}")
            found[quantity] = value
        return found

    def one(self, wire: Wire, quantity: str) -> float:
        """A reading of a quantity (SI)."""
        factor, offset = UNITS[quantity][self.unit_of(quantity)]
        value = factor * leading(wire.query(self.commands[quantity])) + offset
        self.fence(wire)
        low, high = LIKELY[quantity]
        if not low <= value <= high:
            raise BridgeError(f"{self.name}: a {quantity} of {value:g} {QUANTITIES[quantity]} is no reading", self.name)
        return value

    def read(self, schedule: Schedule, labels: Mapping[str, Label]) -> Process:
        """Read once for each step, at its start; a block for each quantity."""
        found, late = yield from self.stepwise(schedule, self.look)
        looked = min(to_ns(self.settings.value("aperture", schedule.step / NS)), schedule.step)
        for quantity in self.quantities:
            shown = np.reshape([look[quantity] for look in found], (schedule.repeats, schedule.count))
            unit = QUANTITIES[quantity]
            self.record(shown, schedule, quantity, unit, schedule.step, labels, late, integrated=looked)
