"""The Hall probe that reads the flux density where its guide holds it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import PrivateAttr

from components.gap_field import density_near
from components.measuring import MeasuringInstrument
from twin.clock import Process
from twin.component import Port
from twin.parameter import parameter
from twin.recorder import Label, Schedule
from twin.signal import Signal


class HallProbe(MeasuringInstrument):
    """Shows the radial flux density at ``r = radius + x`` and at the guide's height, with noise and resolution (T).

    It sees a point. In a field that falls as 1/r, 1 mm outward is B/r times that: 2.5 mT in NIST-4's gap, where
    Seifert2014 has 2.3 mT. A probe that leans by `tilt` from the radius shows the cosine of it.
    """

    reading: ClassVar[str] = "T"
    inputs: ClassVar[Mapping[str, Port]] = {
        "density": Port("T", kind="field"),
        "deviation": Port("T", kind="field"),
        "gap_radius": Port("m"),
        "position": Port("m"),
        "x": Port("m", default=0.0),
    }
    outputs: ClassVar[Mapping[str, Port]] = {}

    radius: float = parameter("m", 0.2, gt=0, description="from the magnet's axis, where the guide holds it at x = 0")
    tilt: float = parameter("rad", 0.0, neutral=0.0, gt=-1, lt=1)

    _field: Signal | None = PrivateAttr(default=None)

    def signals(self, **inputs: Any) -> dict[str, Signal]:
        z = inputs["position"]
        fields = (inputs[port].at(z) for port in ("density", "deviation"))
        self._field = math.cos(self.tilt) * density_near(inputs["gap_radius"], inputs["x"] + self.radius, *fields)
        return {}

    def read(self, schedule: Schedule, labels: Mapping[str, Label]) -> Process:
        """Read the flux density, averaged over each step. Returns the block."""
        yield self.clock.until(schedule.end)
        assert self._field is not None
        shown = self.shown("reading", schedule.step)
        return self.record(self._field, schedule, "field", "T", aperture=schedule.step, disturb=shown, labels=labels)

    def scaled(self, factor: float) -> HallProbe:
        """Where it is scales with the geometry."""
        return self.model_copy(update={"radius": self.radius * factor})
