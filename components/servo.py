"""The ideal servo: finds the coil current that holds the balance in equilibrium."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from twin.clock import Process
from twin.component import ImplicitComponent, Port
from twin.instrument import Instrument
from twin.signal import Signal
from twin.times import to_ns


class IdealServo(ImplicitComponent, Instrument):
    """A servo without error or delay.

    The demanded current makes the coil's force equal to the required force, times the share of it that the coil has
    taken over from the arrest: 0 when released, 1 when engaged, along a straight line between. `force` is that share of
    the required force, which is what the coil exerts.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"required_force": Port("N"), "coil_force": Port("N")}
    outputs: ClassVar[Mapping[str, Port]] = {"demand": Port("A"), "force": Port("N")}
    depends: ClassVar[Mapping[str, frozenset[str]]] = {"force": frozenset({"required_force"})}
    typical: ClassVar[float] = 1e-3

    def residual(self, **inputs: Signal) -> Signal:
        return inputs["coil_force"] - self.timeline("engagement") * inputs["required_force"]

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        return {"force": self.timeline("engagement") * inputs["required_force"]}

    def engage(self, duration: float) -> Process:
        """Let the coil take over the load within `duration` (s)."""
        return self._hand_over(1.0, duration)

    def release(self, duration: float) -> Process:
        """Let the arrest take over the load within `duration` (s)."""
        return self._hand_over(0.0, duration)

    def _hand_over(self, final: float, duration: float) -> Process:
        end = self.clock.now + to_ns(duration)
        self.timeline("engagement").ramp_to(final, self.clock.now, end)
        yield self.clock.until(end)
