"""The resistance thermometer (PT100) on the magnet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr

from components.measuring import MeasuringInstrument
from components.platinum import ICE_POINT, resistance, temperature
from twin.clock import Process
from twin.component import Port
from twin.parameter import parameter
from twin.recorder import Label, Schedule, looked
from twin.signal import Signal

Array = NDArray[np.float64]


class Thermometer(MeasuringInstrument):
    """Shows the temperature above the reference temperature that its sensor's resistance means after IEC 60751.

    With W(t) the standard's ratio R/R0 (`components.platinum`) and the sensor, heated by its current, at
    t_s = t + self_heating I² R(t), its resistance is

        R = ice_resistance (1 + ice_resistance_error) [1 + (1 + alpha_error) (W(t_s) − 1)],

    from which the instrument, which knows the nominal coefficients only, finds a temperature. `alpha_error` is
    the relative error of α = (W(100 °C) − 1)/100 °C, with A, B and C alike. Gain, offset, noise and resolution follow.

    An average over an aperture is of the temperature. The resistance is averaged in truth; as errors are all but
    linear in temperature, that is the same.
    """

    reading: ClassVar[str] = "K"
    inputs: ClassVar[Mapping[str, Port]] = {"temperature_rise": Port("K")}
    outputs: ClassVar[Mapping[str, Port]] = {"temperature_rise": Port("K")}

    reference_temperature: float = parameter("K", 298.15, gt=0, source="25 °C, as of the environment")
    ice_resistance: float = parameter("ohm", 100.0, gt=0, source="PT100, IEC 60751", description="at 0 °C, nominal")
    ice_resistance_error: float = parameter("1", 0.0, neutral=0.0, gt=-0.1, lt=0.1, description="relative")
    alpha_error: float = parameter("1", 0.0, neutral=0.0, gt=-0.1, lt=0.1, description="relative")
    self_heating: float = parameter("K/W", 0.0, neutral=0.0, ge=0)
    excitation_current: float = parameter("A", 1e-3, ge=0, source="assumed; usual for a PT100")

    _rise: Signal | None = PrivateAttr(default=None)

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        self._rise = inputs["temperature_rise"]
        return {"temperature_rise": self.measured("temperature_rise", self._rise)}

    def read(self, schedule: Schedule, labels: Mapping[str, Label]) -> Process:
        """Read the temperature rise, averaged over each step. Returns the block."""
        yield self.clock.until(schedule.end)
        assert self._rise is not None
        shown = self.shown("reading", looked(labels, schedule.step))

        def disturb(values: Array, instants: NDArray[np.int64]) -> Array:
            return shown(self._indicated(values), instants)

        return self.record(
            self._rise, schedule, "temperature_rise", "K", aperture=schedule.step, disturb=disturb, labels=labels
        )

    def error(self, quantity: str, shown: Array, instants: NDArray[np.int64], aperture: int) -> Array:
        indicated = self._indicated(shown)
        return indicated - shown + super().error(quantity, indicated, instants, aperture)

    def shows(self, rise: float) -> float:
        """What it shows (K) of a rise (K), but for drift, noise and resolution."""
        return (1.0 + self.gain) * float(self._indicated(np.array(rise))) + self.offset

    def _indicated(self, rise: Array) -> Array:
        """The rise (K) that follows from the sensor's resistance; not a number outside the standard's range."""
        if self.ice_resistance_error == self.alpha_error == self.self_heating == 0.0:
            return rise
        t = rise + (self.reference_temperature - ICE_POINT)
        sensor = t + self.self_heating * self.excitation_current**2 * resistance(t, self.ice_resistance)
        ratio = (1.0 + self.ice_resistance_error) * (1.0 + (1.0 + self.alpha_error) * (resistance(sensor, 1.0) - 1.0))
        return rise + (temperature(ratio, 1.0) - t)
