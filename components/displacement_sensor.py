"""The capacitive sensor that watches the motion of the weighing unit."""

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
from twin.signal import Signal
from twin.times import to_ns

Array = NDArray[np.float64]


class DisplacementSensor(MeasuringInstrument):
    """Shows the displacement d = lever · z at its place on the beam, as ``d + nonlinearity d²`` with gain and noise.

    Beyond its range it has no reading: the block holds not a number there, as a real one flags an overload, and the
    run goes on. An average is compared with the range as a whole. What follows it follows d/lever.
    """

    reading: ClassVar[str] = "m"
    inputs: ClassVar[Mapping[str, Port]] = {"position": Port("m")}
    outputs: ClassVar[Mapping[str, Port]] = {"position": Port("m")}

    lever: float = parameter(
        "1", 1.0, description="displacement at the sensor for one of the coil", source="Li2026: about 5 for KBmini"
    )
    nonlinearity: float = parameter("1/m", 0.0, neutral=0.0, description="quadratic: relative error for d")
    range: float | None = parameter("m", None, gt=0, description="largest |d| that it measures; None: no limit")
    bandwidth: float = parameter("Hz", 1000.0, gt=0, description="of instantaneous readings")

    _displacement: Signal | None = PrivateAttr(default=None)

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        self._displacement = self.lever * inputs["position"]
        return {"position": self.measured("position", inputs["position"], lambda shown: (1.0 / self.lever) * shown)}

    def error(self, quantity: str, shown: Array, instants: NDArray[np.int64], aperture: int) -> Array:
        bent = shown + self.nonlinearity * shown**2
        return bent - shown + super().error(quantity, bent, instants, aperture or to_ns(0.5 / self.bandwidth))

    def read(self, schedule: Schedule, labels: Mapping[str, Label], *, instantaneous: bool = False) -> Process:
        """Read the displacement, averaged over each step or at the start of each step. Returns the block."""
        yield self.clock.until(schedule.end - (schedule.step if instantaneous else 0))
        d = self._displacement
        assert d is not None
        shown = self.shown("reading", to_ns(0.5 / self.bandwidth) if instantaneous else schedule.step)

        def disturb(values: Array, instants: NDArray[np.int64]) -> Array:
            values = shown(values, instants)
            return values if self.range is None else np.where(np.abs(values) <= self.range, values, np.nan)

        aperture = 0 if instantaneous else schedule.step
        bent = d + self.nonlinearity * (d * d)
        return self.record(bent, schedule, "position", "m", aperture=aperture, disturb=disturb, labels=labels)
