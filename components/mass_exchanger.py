"""The mass exchanger: puts the test mass on the pan and takes it off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from twin.clock import Process
from twin.component import Port
from twin.instrument import Instrument
from twin.signal import Signal
from twin.times import to_ns


class MassExchanger(Instrument):
    """Moves the test mass; the load on the pan changes along a straight line in time."""

    inputs: ClassVar[Mapping[str, Port]] = {"weight": Port("N")}
    outputs: ClassVar[Mapping[str, Port]] = {"load": Port("N")}

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        return {"load": self.timeline("placement") * inputs["weight"]}

    def load(self, duration: float) -> Process:
        """Put the mass on the pan within `duration` (s)."""
        return self._transfer(1.0, duration)

    def unload(self, duration: float) -> Process:
        """Take the mass off the pan within `duration` (s)."""
        return self._transfer(0.0, duration)

    def _transfer(self, final: float, duration: float) -> Process:
        end = self.clock.now + to_ns(duration)
        self.timeline("placement").ramp_to(final, self.clock.now, end)
        yield self.clock.until(end)
