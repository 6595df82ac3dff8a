"""A ring of fluxgates around the magnet, or in its gap."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr, model_validator

from components.fluxgate import Fluxgate
from components.surroundings import Surroundings
from twin.clock import Process
from twin.component import Port
from twin.parameter import parameter
from twin.recorder import Label, Schedule
from twin.signal import Signal

Array = NDArray[np.float64]


class FluxgateRing(Fluxgate):
    """Evenly spaced fluxgates on a circle about the magnet's axis, all radial (inward) or all vertical (downward).

    Each has an offset of its own besides the one that all have in common. In the gap they are fixed to the magnet; in
    the room at `z` above its symmetry plane at rest, plus what `position` adds where they are carried along.
    """

    inputs: ClassVar[Mapping[str, Port]] = {
        "surroundings": Port("T", kind="field"),
        "position": Port("m", 0.0),
        "temperature_rise": Port("K", 0.0),
    }

    place: Literal["gap", "room"] = "room"
    axis: Literal["radial", "vertical"] = "radial"
    count: int = Field(6, ge=3, le=96, description="of the fluxgates")
    radius: float = parameter("m", gt=0, description="of the circle")
    z: float = parameter("m", 0.0, description="of the circle, from the symmetry plane")
    offsets: list[float] = parameter("T", [], neutral=[], description="of each fluxgate; none: 0")

    _fields: list[Signal] = PrivateAttr(default_factory=list)

    @model_validator(mode="after")
    def _fits(self) -> FluxgateRing:
        if self.offsets and len(self.offsets) != self.count:
            raise ValueError(f"expected an offset for each of {self.count} fluxgates, not {len(self.offsets)}")
        if self.place == "gap" and self.axis != "radial":
            raise ValueError("expected axis radial in the gap: what is let in there is radial")
        return self

    def azimuths(self) -> Array:
        """Of the fluxgates (rad), from 0 on."""
        result: Array = 2 * math.pi * np.arange(self.count) / self.count
        return result

    def signals(self, **inputs: Any) -> dict[str, Signal]:
        around: Surroundings = inputs["surroundings"]
        warm = self.offset_temperature_coefficient * inputs["temperature_rise"]
        if self.place == "gap":
            seen = [around.in_gap(float(a), self.z, self.radius) for a in self.azimuths()]
        else:
            height = self.z + inputs["position"]
            seen = [around.in_room(float(a), height, self.radius, self.axis) for a in self.azimuths()]
        self._fields = [field + own + warm for field, own in zip(seen, self._offsets(), strict=True)]
        return {}

    def _offsets(self) -> list[float]:
        return self.offsets or [0.0] * self.count

    def read(self, schedule: Schedule, labels: Mapping[str, Label]) -> Process:
        """Read all fluxgates: a block for each, with the labels sensor and azimuth (rad)."""
        yield self.clock.until(schedule.end)
        for k, (field, azimuth) in enumerate(zip(self._fields, self.azimuths().tolist(), strict=True)):
            self._record(field, schedule, {**labels, "sensor": k, "azimuth": azimuth}, f"reading {k}")
