"""The stop of the flexure: takes what the coil exerts and the balance does not carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import PrivateAttr

from twin.clock import Process
from twin.component import Port
from twin.errors import SimulationError
from twin.instrument import Instrument
from twin.parameter import parameter
from twin.recorder import Label, Schedule
from twin.signal import Signal
from twin.times import NS


class Stop(Instrument):
    """A rigid stop that the coil rests against while no servo holds it, ``load = coil_force − carried_force``.

    In the ramps of the power-regulated scheme both windings push, by up to √2 times what either holds (Liu2025).
    """

    inputs: ClassVar[Mapping[str, Port]] = {"coil_force": Port("N"), "carried_force": Port("N", default=0.0)}
    outputs: ClassVar[Mapping[str, Port]] = {"load": Port("N")}

    strength: float | None = parameter("N", None, gt=0, description="largest force that it can take; none: any")

    _coil_force: Signal | None = PrivateAttr(default=None)

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        self._coil_force = inputs["coil_force"]
        return {"load": inputs["coil_force"] - inputs["carried_force"]}

    def watch(self, schedule: Schedule, labels: Mapping[str, Label]) -> Process:
        """Record the coil's force (N) at the instants of a schedule, as a contact event.

        Raises
        ------
        SimulationError
            If it is more than the stop can take.
        """
        yield self.clock.until(schedule.end)
        if self.bench.rehearsal or self._coil_force is None:
            return None
        block = self.record(self._coil_force, schedule, "force", "N", aperture=0, labels={**labels, "event": "contact"})
        largest = float(np.abs(block.values).max())
        if self.strength is not None and largest > self.strength:
            raise SimulationError(
                f"{self.name}: the coil pushes with {largest:.6g} N at t = {schedule.start / NS} to "
                f"{schedule.end / NS} s, more than its strength of {self.strength:.6g} N; "
                "weigh less, or take a stronger stop"
            )
        return block
