"""A ring that holds six field sensors around a magnet (Ma2025)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from components.flux_density import Axis, FluxDensity
from twin.clock import Process
from twin.component import Port
from twin.instrument import Instrument
from twin.parameter import parameter
from twin.piece import constant
from twin.signal import Constant, Signal
from twin.times import to_ns

COUNT = 6


class SensorRing(Instrument):
    """Six sensors at 60° from each other, counted by growing azimuth; each sees the flux density along its axis.

    Inward counts positive, as the gap's own field, or upward. The ring stands in the room, or a stage carries it; it is
    mounted by `mount`, and at first measures the radial field at the height 0 in the room.
    """

    inputs: ClassVar[Mapping[str, Port]] = {
        "density": Port("T", kind="field"),
        "stage": Port("m", default=0.0),
    }
    outputs: ClassVar[Mapping[str, Port]] = {f"field_{k + 1}": Port("T") for k in range(COUNT)}

    radius: float = parameter("m", 0.160, gt=0, source="Ma2025", description="of the sensors from the magnet's axis")
    azimuth: float = parameter("rad", 0.0, description="of the first sensor")
    height_error: float = parameter("m", 0.0, neutral=0.0, description="by how much it is higher than it should be")

    def signals(self, **inputs: Any) -> dict[str, Signal]:
        density = inputs["density"]
        if not isinstance(density, FluxDensity):
            density = FluxDensity()
        height = self.timeline("height") + self.timeline("carried") * inputs["stage"] + self.height_error
        upright = self.timeline("upright")
        found = {}
        for k in range(COUNT):
            angle = self.azimuth + 2 * math.pi * k / COUNT
            radial, vertical = (density.at(self.radius, angle, height, axis) for axis in ("radial", "vertical"))
            found[f"field_{k + 1}"] = (Constant(1.0) - upright) * radial + upright * vertical
        return found

    def mount(self, axis: Axis, height: float, carried: bool, duration: float) -> Process:
        """Mount it anew within `duration` (s); what the sensors see changes at the start.

        Parameters
        ----------
        axis : that they measure along.
        height : of the ring (m), in the room, or in the magnet if the stage carries it.
        carried : whether it moves with the stage.
        """
        now = self.clock.now
        for line, value in {"upright": float(axis == "vertical"), "height": height, "carried": float(carried)}.items():
            self.timeline(line).follow(constant(value, now))
        yield self.clock.until(now + to_ns(duration))

    def scaled(self, factor: float) -> SensorRing:
        """Its radius scales with the geometry."""
        return self.model_copy(update={"radius": self.radius * factor})
