"""Sensors whose commands stand in the scenario file, such as an interferometer that a program of the laboratory reads.

::

    hardware:
      driver: generic_interferometer   # or generic_thermometer, generic_displacement_sensor, generic_fluxgate
      resource: TCPIP::192.0.2.12::5025::SOCKET
      commands: {identify: "*IDN?", read: "POS?"}   # as those of hw_bridge.drivers.generic
      settings: {scale: 1 nm, zero: 0}

The answer of ``read`` begins with a number; what it means is ``scale · (number − zero)``, in m, K or T. An
interferometer shows the length without a correction for air. A thermometer shows the rise above the twin's
``reference_temperature``: ``{scale: 1 K, zero: 25}`` of one in degrees Celsius. It is read once at the start of each
step. None has been met.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from hw_bridge.drivers.generic import GenericReader
from hw_bridge.errors import BridgeError
from twin.clock import Process
from twin.recorder import Label, Schedule


class GenericSensor(GenericReader):
    """What they have in common: one quantity, by its name."""

    quantity: ClassVar[str]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.scale, self.zero = self.settings.value("scale", 1.0), self.settings.value("zero", 0.0)
        if not self.scale:
            raise BridgeError(f"{self.name}: settings.scale cannot be zero", self.name)

    def recorded(self, schedule: Schedule, labels: Mapping[str, Label], aperture: int | None = None) -> Process:
        """Read once at the start of each step; the block."""
        shown, late = yield from self.readings(schedule)
        values = self.scale * (shown - self.zero)
        aperture = schedule.step if aperture is None else aperture
        return self.record(values, schedule, self.quantity, self.unit, aperture, labels, late)

    def read(self, schedule: Schedule, labels: Mapping[str, Label]) -> Process:
        """Read the quantity; returns the block."""
        return (yield from self.recorded(schedule, labels))


class GenericThermometer(GenericSensor):
    """A thermometer."""

    role = "Thermometer"
    unit = "K"
    quantity = "temperature_rise"
    tells = senses = (quantity,)
    takes: ClassVar[Mapping[str, str]] = {"scale": "K", "zero": "1"}


class GenericFluxgate(GenericSensor):
    """A fluxgate."""

    role = "Fluxgate"
    unit = "T"
    quantity = "field"
    tells = senses = (quantity,)
    takes: ClassVar[Mapping[str, str]] = {"scale": "T", "zero": "1"}


class GenericInterferometer(GenericSensor):
    """An interferometer."""

    role = "Interferometer"
    unit = "m"
    quantity = "position"
    tells = (quantity,)
    senses: ClassVar[Sequence[str]] = ("position", "reference")
    takes: ClassVar[Mapping[str, str]] = {"scale": "m", "zero": "1"}

    def read(self, schedule: Schedule, labels: Mapping[str, Label], *, instantaneous: bool = False) -> Process:
        """Read the position; returns the block."""
        return (yield from self.recorded(schedule, labels, 0 if instantaneous else None))


class GenericDisplacementSensor(GenericInterferometer):
    """A sensor of the beam's displacement."""

    role = "DisplacementSensor"
    senses = ("position",)
