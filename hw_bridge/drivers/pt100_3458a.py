"""A platinum thermometer at the four terminals of a 3458A, as a `Thermometer`.

Resistance with four wires, auto-zero and offset compensation (``OHMF``, ``OCOMP ON``), so that thermal voltages of the
leads drop out; a temperature by the inverse of Callendar and Van Dusen (`components.platinum`). The sensor's resistance
at 0 °C by its certificate may be stated::

    hardware:
      driver: pt100_3458a
      resource: TCPIP::192.0.2.8::gpib0,24::INSTR
      settings: {ice_resistance: 100.0123 ohm}

The ``calibration`` is that of the temperature rise, in kelvin. The meter's current heats the sensor; on the ranges used
here it is 1 mA (100 Ω and 1 kΩ; 10 mA on 10 Ω). It has met the emulated instrument of `hw_bridge.cores.hp3458a`, and no
real one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from components.platinum import ICE_POINT, resistance, temperature
from components.ranged_thermometer import OHM_RANGES
from components.thermometer import Thermometer
from components.voltmeter import OVERRANGE
from hw_bridge.drivers.hp3458a import Multimeter3458A
from hw_bridge.drivers.wire import Wire
from hw_bridge.errors import BridgeError
from twin.clock import Process
from twin.recorder import Label, Schedule

HOTTEST = 50.0
"""That a Kibble balance ever gets (°C): the range holds the sensor's resistance there."""


class Pt100Driver(Multimeter3458A):
    """See the module."""

    role = "Thermometer"
    unit = "K"
    tells = ("temperature_rise",)
    senses = ("temperature_rise",)
    takes: ClassVar[Mapping[str, str]] = {**Multimeter3458A.takes, "ice_resistance": "ohm"}
    function = "OHMF"
    calibrations = ("OHMS", "ALL")

    def lowest_range(self, twin: Any) -> float:
        sensor = self.model if isinstance(self.model, Thermometer) else Thermometer()
        self.ice_resistance = self.settings.value("ice_resistance", sensor.ice_resistance)
        self.reference_temperature = sensor.reference_temperature
        if not 1.0 <= self.ice_resistance <= 1e5:
            raise BridgeError(f"{self.name}: no sensor has {self.ice_resistance:g} ohm at 0 degC", self.name)
        hottest = float(resistance(HOTTEST, self.ice_resistance))
        return next(r for r in OHM_RANGES if hottest <= r * OVERRANGE)

    @property
    def conversions(self) -> int:
        return 4  # each with and without current, and each with its zero

    @property
    def reach(self) -> tuple[float, float, float]:
        zero = self.reference_temperature - ICE_POINT
        return -200.0 - zero, float(temperature(OVERRANGE * self.range, self.ice_resistance)) - zero, 0.0

    def set_up(self, wire: Wire) -> str:
        identity = super().set_up(wire)
        self.confirmed(wire, "OCOMP ON", 1)
        self.faultless(wire)
        return identity

    def read(self, schedule: Schedule, labels: Mapping[str, Label]) -> Process:
        """Read the temperature rise (K) on the schedule; returns the block.

        Raises
        ------
        BridgeError
            If a reading cannot be trusted, or is none of a platinum sensor; nothing is recorded then.
        """
        ohms, late = yield from self.readings(schedule, "input")
        celsius = temperature(ohms, self.ice_resistance)
        if not np.all(np.isfinite(celsius)):
            raise BridgeError(f"{self.name}: {float(ohms.flat[0])!r} ohm is no resistance of its sensor", self.name)
        rise = celsius - (self.reference_temperature - ICE_POINT)
        step, looked = schedule.step, self.integrated(schedule.step)
        return self.record(rise, schedule, "temperature_rise", "K", step, labels, late, integrated=looked)
