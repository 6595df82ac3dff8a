"""The fluxgate magnetometer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr

from components.measuring import MeasuringInstrument
from twin.clock import Process
from twin.component import Port
from twin.parameter import parameter
from twin.recorder import Label, Schedule
from twin.signal import Constant, Signal

Array = NDArray[np.float64]


class Fluxgate(MeasuringInstrument):
    """Shows the flux density along its axis (T), with an offset that follows its temperature.

    Ma2025 uses the DRV425 of Texas Instruments, whose analogue output a voltmeter reads: 205 µT/V, from 12.2 mA/mT
    through 100 Ω and an amplifier of 4. Its data sheet (SBOS729A) states 1.5 nT/√Hz, an offset within 8 µT that moves
    by 5 nT/K, a gain within 0.04 % and a range of 2 mT. Beyond the range it has no reading: the block holds not a
    number there, as a real one raises its overrange flag, and the run goes on. Its field may be one that no part makes.
    """

    reading: ClassVar[str] = "T"
    inputs: ClassVar[Mapping[str, Port]] = {"field": Port("T", 0.0), "temperature_rise": Port("K", 0.0)}
    outputs: ClassVar[Mapping[str, Port]] = {"field": Port("T")}
    depends: ClassVar[Mapping[str, frozenset[str]]] = {"field": frozenset({"field"})}

    offset_temperature_coefficient: float = parameter("T/K", 0.0, neutral=0.0)
    range: float | None = parameter("T", None, gt=0, description="largest |field| that it measures; None: no limit")

    _field: Signal | None = PrivateAttr(default=None)
    _warm: Signal = PrivateAttr(default_factory=lambda: Constant(0.0))

    def neutral_inputs(self) -> frozenset[str]:
        return frozenset() if self.offset_temperature_coefficient else frozenset({"temperature_rise"})

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        self._warm = self.offset_temperature_coefficient * inputs["temperature_rise"]
        self._field = inputs["field"] + self._warm
        return {"field": self.measured("field", inputs["field"])}

    def error(self, quantity: str, shown: Array, instants: NDArray[np.int64], aperture: int) -> Array:
        warm = self._warm.means(instants, aperture)
        return warm + super().error(quantity, shown + warm, instants, aperture)

    def read(self, schedule: Schedule, labels: Mapping[str, Label]) -> Process:
        """Read the flux density, averaged over each step. Returns the block."""
        yield self.clock.until(schedule.end)
        assert self._field is not None
        shown = self.shown("reading", schedule.step)

        def disturb(values: Array, instants: NDArray[np.int64]) -> Array:
            values = shown(values, instants)
            return values if self.range is None else np.where(np.abs(values) <= self.range, values, np.nan)

        return self.record(self._field, schedule, "field", "T", aperture=schedule.step, disturb=disturb, labels=labels)
