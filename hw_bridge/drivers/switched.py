"""What is in one of two states and is told to go to the other: a servo's controller, a lock of the coil.

::

    servo:
      hardware:
        driver: generic_servo
        resource: TCPIP::192.0.2.15::5025::SOCKET
        commands:
          identify: "*IDN?"
          engage: "SERV:ENG {duration}"    # s
          release: "SERV:REL {duration}"
          state: "SERV:STAT?"
          engaged: ENGAGED                 # what it answers when it is
          released: RELEASED
          current: "SERV:CURR?"            # if it tells what its stage delivers (A); for interlocks on servo.demand
    clamp:
      hardware:
        driver: generic_lock
        resource: TCPIP::192.0.2.16::5025::SOCKET
        commands: {identify: "*IDN?", lock: LOCK ON, unlock: LOCK OFF, state: "LOCK?", locked: "1", unlocked: "0"}

Each command is followed until the state is the one that was asked for, which is then asked twice. The servo's safe
state is released, that of a lock where it stands, both read back. They have met the emulated controllers of
`kibble-twin serve`, and no real ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from components.clamp import Clamp
from components.servo import IdealServo
from hw_bridge.drivers.generic import Generic, leading
from hw_bridge.drivers.wire import Wire
from hw_bridge.errors import BridgeError
from twin.clock import Process
from twin.piece import constant
from twin.times import Times, to_ns

POLL, POLLS = 0.02, 250
"""Between two looks whether it is there (s), and how many."""


class Switched(Generic):
    """See the module.

    Attributes
    ----------
    leads : to which state each operation leads.
    """

    acts = True
    leads: ClassVar[Mapping[str, str]]

    def bring(self, what: str, duration: float) -> Process:
        """Do an operation within `duration` (s), and see that it is done; the twin's part does it beside.

        Raises
        ------
        BridgeError
            If it does not get there.
        """
        end = self.clock.now + to_ns(duration)
        acting = self.may_act(f"{what} within {duration:g} s")
        there: Any = self.model
        twin = there is not None and there._bench is not None
        beside = self.clock.process(getattr(there, what)(duration)) if twin else None
        if acting:
            yield from self.ask(lambda wire: self.tell(wire, what, duration))
            yield self.clock.until(max(end, self.clock.now))
            yield from self.reach_state(self.leads[what])
        yield from self.join(beside, end)

    def tell(self, wire: Wire, what: str, duration: float) -> None:
        """Send the command of an operation."""
        wire.write(self.commands[what].replace("{duration}", repr(duration)))

    def reach_state(self, state: str) -> Process:
        """Wait until it is in a state, and stays there."""
        for _ in range(POLLS):
            found = yield from self.ask(self.look)
            if found == self.commands[state]:
                yield from self.ask(lambda wire: self.twice(wire, "state"))
                return
            yield self.clock.wait(POLL)
        raise BridgeError(f"{self.name}: it should be {state}, and answers {found!r}", self.name, self.wire.resource)

    def look(self, wire: Wire) -> str:
        """Its state, which may be another the next time."""
        answer = wire.query(self.commands["state"])
        self.fence(wire)
        return answer

    def was(self, timeline: str, initial: float = 0.0) -> bool:
        """Whether the twin's part is in the state that a timeline of it says."""
        there: Any = self.model
        return float(there.timeline(timeline, initial).at(Times(np.array([self.clock.now])))[0]) > 0.5


class GenericServo(Switched):
    """The controller of a servo, with a current of its own."""

    role = "Servo"
    leads: ClassVar[Mapping[str, str]] = {"engage": "engaged", "release": "released"}
    needed = Generic.needed | {"state", *leads, *leads.values()}
    known = Generic.known | needed | {"current"}

    def engage(self, duration: float) -> Process:
        """Let the coil take over the load within `duration` (s)."""
        return self.bring("engage", duration)

    def release(self, duration: float) -> Process:
        """Let the arrest take over the load within `duration` (s).

        Raises
        ------
        BridgeError
            If it has not held the coil until now.
        """
        if self.armed and isinstance(self.model, IdealServo) and self.was("engagement"):
            found = yield from self.ask(self.look)
            if found != self.commands["engaged"]:
                raise BridgeError(
                    f"{self.name}: it should be engaged, and answers {found!r}: it did not hold the coil, and what was "
                    "read meanwhile is of no weighing",
                    self.name,
                    self.wire.resource,
                )
        yield from self.bring("release", duration)

    def set_up(self, wire: Wire) -> str:
        identity = super().set_up(wire)
        if self.armed:  # before a source takes the current away under it
            self.to_safe(wire)
        return identity

    def to_safe(self, wire: Wire) -> str:
        self.tell(wire, "release", 0.0)
        for _ in range(POLLS):
            if self.look(wire) == self.commands["released"] == self.twice(wire, "state"):
                return "released, read back"
        raise BridgeError(f"{self.name}: it is not released", self.name, self.wire.resource)

    def reading(self, port: str) -> float:
        """What its stage delivers by its own account (A): of two readings the larger, as interlocks look at it."""
        if port != "demand" or "current" not in self.commands:
            raise BridgeError(f"{self.name}: hardware.commands has no word for its {port}", self.name)
        return max(self.call(lambda wire: [self.delivered(wire) for _ in range(2)]), key=abs)

    def delivered(self, wire: Wire) -> float:
        """What its stage delivers now (A); it may be something else the next time."""
        found = leading(wire.query(self.commands["current"]))
        self.fence(wire)
        return found

    def take_up(self) -> Process:
        """Engage, if the run had it engaged, within a second."""
        if isinstance(self.model, IdealServo) and self.was("engagement") and self.may_act("engage within 1 s"):
            yield from self.ask(lambda wire: self.tell(wire, "engage", 1.0))
            yield self.clock.wait(1.0)
            yield from self.reach_state("engaged")


class GenericLock(Switched):
    """The lock of the coil."""

    role = "CoilLock"
    leads: ClassVar[Mapping[str, str]] = {"lock": "locked", "unlock": "unlocked"}
    needed = Generic.needed | {"state", *leads, *leads.values()}
    known = Generic.known | needed

    def open(self) -> None:
        """Connect and identify; the twin's lock is then as the real one is."""
        super().open()
        if isinstance(self.model, Clamp) and self.model._bench is not None:
            self.model.timeline("locked", 1.0).follow(constant(self.found(), self.clock.now))

    def lock(self, duration: float) -> Process:
        """Hold the coil within `duration` (s)."""
        return self.bring("lock", duration)

    def unlock(self, duration: float) -> Process:
        """Let it go within `duration` (s)."""
        return self.bring("unlock", duration)

    def to_safe(self, wire: Wire) -> str:
        state = self.twice(wire, "state")
        named = next((name for name in self.leads.values() if self.commands[name] == state), f"at {state!r}")
        return f"{named}, read back"

    def reading(self, port: str) -> float:
        """Whether it is locked by its own account; in a dry run, whether it would be."""
        if port != "locked":
            raise BridgeError(f"{self.name}: it knows nothing of its {port}", self.name)
        if not self.armed and isinstance(self.model, Clamp):
            return float(self.model.is_locked)
        return self.found()

    def found(self) -> float:
        """1 if it is locked by its own account: anything but unlocked is."""
        return float(self.call(lambda wire: self.twice(wire, "state")) != self.commands["unlocked"])

    def take_up(self) -> Process:
        """Lock or unlock the coil within a second, if the run had it otherwise; its interlocks hold."""
        if self.armed and isinstance(self.model, Clamp):
            what = "lock" if self.model.is_locked else "unlock"
            found = yield from self.ask(lambda wire: self.twice(wire, "state"))
            if found != self.commands[self.leads[what]] and self.may_act(f"{what} within 1 s"):
                yield from self.ask(lambda wire: self.tell(wire, what, 1.0))
                yield self.clock.wait(1.0)
                yield from self.reach_state(self.leads[what])
                self.taken_up = f"{self.leads[what]}, as the run had it; it answered {found!r}"
