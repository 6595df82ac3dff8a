"""The mass exchanger: puts the test mass on the pan and takes it off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from twin.clock import Process
from twin.component import Port
from twin.instrument import Instrument
from twin.parameter import parameter
from twin.piece import ramp
from twin.signal import Signal
from twin.times import to_ns


class MassExchanger(Instrument):
    """Moves the test mass; the load on the pan changes along a straight line in time."""

    inputs: ClassVar[Mapping[str, Port]] = {"weight": Port("N")}
    outputs: ClassVar[Mapping[str, Port]] = {"load": Port("N")}

    transfer_time: float = parameter("s", 1.0, gt=0, description="time over which the pan takes or gives up the load")

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        return {"load": self.timeline("placement") * inputs["weight"]}

    def load(self) -> Process:
        """Put the mass on the pan."""
        return self._transfer(1.0)

    def unload(self) -> Process:
        """Take the mass off the pan."""
        return self._transfer(0.0)

    def _transfer(self, final: float) -> Process:
        placement = self.timeline("placement")
        start, end = self.clock.now, self.clock.now + to_ns(self.transfer_time)
        initial = float(placement.track.pieces[-1].values_at(start)[0].real)
        if initial != final:
            placement.follow(ramp(initial, final, start, end))
        yield self.clock.until(end)
