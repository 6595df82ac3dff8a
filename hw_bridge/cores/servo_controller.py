"""The controller of the balance's servo: it holds the coil by a current of its own stage, behind the source's relay.

No particular instrument: in most Kibble balances this is a real-time controller of the laboratory's own make, which the
program of a campaign tells when to begin and when to end. ``SERVo:ENGage 1`` lets the coil take over the load within a
second, ``SERVo:RELease 1`` hands it back to the arrest; ``SERVo:STATe?`` is answered by ``RELEASED``, ``ENGAGING``,
``ENGAGED``, ``RELEASING`` or, after the source's output went off under it, ``TRIPPED``, which ``SERVo:RELease`` clears.
``SERVo:CURRent?`` is what its stage delivers (A).

Its stage has the bounds of the source: where the current of both is beyond the source's range and limit, or takes more
than the compliance voltage, it trips, and error 301 says why; it looks at that in every hand-over, and now and then
after. Nothing is clipped: a servo that delivers less than the coil needs holds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from components.ranged_source import RangedSource
from components.switched_servo import SwitchedServo
from hw_bridge.cores.scpi import ScpiCore, ScpiError, header, number
from twin.clock import Clock, Process

SLOWEST = 1000.0
"""Hand-over (s)."""
WATCH = 0.05, 0.5
"""From look to look at its current (s): in a hand-over, and when it holds the coil."""
BOUND = 301
"""Error: its current is more than the source bears."""


class ServoController(ScpiCore):
    """See the module.

    Parameters
    ----------
    servo : whose loop it closes and opens.
    sources : whose output has to be on.
    current : what the servo demands now (A).
    """

    model: ClassVar[str] = "servo controller"
    identity = "KIBBLE-TWIN,SERVO,0,1.0"

    def __init__(
        self,
        name: str,
        clock: Clock,
        servo: SwitchedServo,
        sources: Sequence[RangedSource],
        current: Callable[[], float],
    ) -> None:
        super().__init__(name, clock)
        self.servo, self._sources, self._demanded = servo, tuple(sources), current
        self.state, self._handed = "RELEASED", 0
        servo.open()

    def reset(self) -> None:
        self._let_go("RELEASED")

    @header(":SERVo:ENGage")
    def engage(self, duration: str = "0") -> None:
        time = seconds(duration)
        if self.state == "TRIPPED" or not all(source.is_connected for source in self._sources):
            raise ScpiError(-221)
        self.servo.close()
        self._hand_over(self.servo.engage(time), 1.0, time, "ENGAG")

    @header(":SERVo:RELease")
    def release(self, duration: str = "0") -> None:
        time = seconds(duration)
        if self.state in ("RELEASED", "TRIPPED"):
            self.state = "RELEASED"
            return
        self._hand_over(self.servo.release(time), 0.0, time, "RELEAS")

    @header(":SERVo:STATe?")
    def state_query(self) -> str:
        return self.state

    @header(":SERVo:CURRent?")
    def current_query(self) -> str:
        return repr(0.0 if self.state in ("RELEASED", "TRIPPED") else self._demanded())

    def trip(self) -> None:
        """The source's output has gone off: the arrest has the load."""
        if self.state not in ("RELEASED", "TRIPPED"):
            self._let_go("TRIPPED")

    def _let_go(self, state: str) -> None:
        next(self.servo.release(0.0))  # it takes no time
        self.servo.open()
        for source in self._sources:
            source.regulate(0.0, 0.0)
        self.state, self._handed = state, self._handed + 1

    def _hand_over(self, operation: Process, share: float, time: float, stem: str) -> None:
        self.state, self._handed = f"{stem}ING", self._handed + 1
        for source in self._sources:
            source.regulate(share, time)
        self.clock.process(self._handing(operation, self._handed, f"{stem}ED"))
        self.clock.process(self._watching(self._handed))

    def _watching(self, number: int) -> Process:
        """Trip where its current is more than a source bears, until the next hand-over."""
        while number == self._handed and self.state != "RELEASED":
            forbidden = [why for source in self._sources if (why := source.forbids(self._demanded()))]
            if forbidden:
                self.fault(BOUND, f"Tripped; {forbidden[0]}")
                self._let_go("TRIPPED")
                return
            yield self.clock.wait(WATCH[self.state == "ENGAGED"])

    def _handing(self, operation: Process, number: int, state: str) -> Process:
        """See it through, unless another hand-over has begun meanwhile."""
        yield from operation
        if number == self._handed:
            self.state = state
            if state == "RELEASED":
                self.servo.open()


def seconds(text: str) -> float:
    """Of a hand-over."""
    time = number(text)
    if not 0.0 <= time <= SLOWEST:
        raise ScpiError(-222)
    return time
