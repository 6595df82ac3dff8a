"""Instruments whose commands stand in the scenario file.

::

    hardware:
      driver: generic_source
      resource: TCPIP::192.0.2.7::5025::SOCKET
      limits: {current: 10 mA}
      commands:
        identify: "*IDN?"          # asked when it connects; identity, if given, has to be in the answer
        identity: MODEL 7
        clear: "*CLS"              # sent when it has been identified, if there is one
        error: "SYST:ERR?"         # if it keeps errors: asked with every question, and answered by no_error
        no_error: '0,"No error"'   # or what that begins with
        set: "CURR {value}"        # the value with all its digits
        level: "CURR?"             # read back
        tolerance: 1e-9            # A, between what was set and what was read back
        unit: A                    # of set and level, such as mA; A unless stated
        on: "OUTP 1"
        off: "OUTP 0"
        output: "OUTP?"
        output_on: "1"             # what it answers
        output_off: "0"

A ``generic_exchanger`` needs ``load``, ``unload`` and ``state``, which is answered by ``loaded`` or ``unloaded``.
A ``generic_meter`` needs ``read``, whose answer begins with a number (in V, or its ``unit``), and reads once for each
step; sensors are `hw_bridge.drivers.generic_sensors`. If one can tell a reading once more, say how
(``again: "FETC?"``): the two have to be alike. Without, nothing but the shadow's band (``--shadow``) finds a digit that
the wire has turned into another one. Other questions are asked twice where the answer is to be the same. What SCPI has
for infinity, such as 9.9E37 of an overload, is no reading.

``clear``, ``error`` and ``no_error`` are for all of them, and what is not known is refused. Whether an answer belongs
to its question an unknown language cannot tell, so every conversation begins on an empty connection and ends with an
identification.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from hw_bridge.drivers.driver import Driver, number, same
from hw_bridge.drivers.exchanger import ExchangerDriver
from hw_bridge.drivers.playing import Playing
from hw_bridge.drivers.wire import Wire, WireError
from hw_bridge.errors import BridgeError
from twin.clock import Process
from twin.parameter import to_si
from twin.recorder import Label, Schedule
from twin.times import NS, to_ns

_LEADING = re.compile(r"[^0-9+\-.]*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")


class Generic(Driver):
    """What both have in common."""

    worded = True
    needed: ClassVar[frozenset[str]] = frozenset({"identify"})
    known: frozenset[str] = frozenset({"identify", "identity", "clear", "error", "no_error"})

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.commands = self.hardware.commands
        missing, unknown = sorted(self.needed - set(self.commands)), sorted(set(self.commands) - self.known)
        if missing or unknown:
            text = f"lacks {', '.join(missing)}" if missing else f"has the unknown {', '.join(unknown)}"
            raise BridgeError(
                f"{self.name}: hardware.commands {text}; known are {', '.join(sorted(self.known))}", self.name
            )
        if ("error" in self.commands) != ("no_error" in self.commands):
            raise BridgeError(f"{self.name}: hardware.commands has one of error and no_error: both or none", self.name)

    def own_unit(self, unit: str) -> float:
        """What 1 of the instrument's ``unit`` is in ours."""
        given = self.commands.get("unit", unit)
        try:
            factor = 1.0 if given == unit else to_si(f"1 {given}", unit)
        except ValueError as error:
            raise BridgeError(f"{self.name}: hardware.commands.unit: {error}", self.name) from None
        return factor

    def set_up(self, wire: Wire) -> str:
        mark, answers = self.commands.get("identity", ""), [wire.query(self.commands["identify"]) for _ in range(2)]
        identity = self.recognised(same("identify", *answers), mark, f"not {mark!r}")
        if "clear" in self.commands:
            wire.write(self.commands["clear"])
        self.faultless(wire)
        return identity

    def twice(self, wire: Wire, name: str) -> str:
        """The answer to a question, given twice alike; then the instrument is the one that it was."""
        answer = same(self.commands[name], *(wire.query(self.commands[name]) for _ in range(2)))
        self.fence(wire)
        return answer

    def faultless(self, wire: Wire) -> None:
        """It has kept no error, if it can tell."""
        if "error" in self.commands:
            answer = wire.query(self.commands["error"])
            if not answer.startswith(self.commands["no_error"]):
                raise BridgeError(f"{self.name}: the instrument reports {answer!r}", self.name, self.wire.resource)

    def fence(self, wire: Wire) -> None:
        """It has kept no error, and names itself as it did before."""
        self.faultless(wire)
        if self.identity and (found := wire.query(self.commands["identify"])) != self.identity:
            raise WireError(f"{found!r} came in place of {self.identity!r}")

    def stepwise(self, schedule: Schedule, look: Callable[[Wire], Any], extra: float = 0.0) -> Process:
        """What a look finds, once at the start of each step, one after the other; and by how much that was later (ns).

        Parameters
        ----------
        extra : what the instrument itself needs for a look (s).
        """
        found, late = [], 0

        def stamped(wire: Wire) -> tuple[int, Any]:
            return self.present(), look(wire)

        for instant in schedule.instants().ravel().tolist():
            yield self.clock.until(max(instant, self.clock.now))
            begun, shown = yield from self.ask(stamped, extra)
            late = max(late, begun - instant)
            found.append(shown)
        if self.clock.now < schedule.end:
            yield self.clock.until(schedule.end)
        return found, late


class GenericSource(Playing, Generic):
    """A current source."""

    acts = True
    limited = ("current",)
    needed = Generic.needed | {"set", "level", "on", "off", "output", "output_on", "output_off"}
    known = Generic.known | needed | {"tolerance", "unit"}

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self.limits.current is None:
            raise BridgeError(f"{self.name}: a generic source needs limits.current", self.name)
        self.limit, self.own = self.limits.current, self.own_unit("A")
        tolerance = self.commands.get("tolerance", "0")
        try:
            self.step = 2.0 * number(tolerance)
        except ValueError:
            self.step = -1.0
        if self.step < 0.0:
            raise BridgeError(
                f"{self.name}: hardware.commands.tolerance: expected a number of amperes, not {tolerance!r}", self.name
            )
        if self.commands["set"].count("{value}") != 1:
            raise BridgeError(f"{self.name}: hardware.commands.set: expected {{value}} in it, once", self.name)

    def set_up(self, wire: Wire) -> str:
        identity = super().set_up(wire)
        if self.armed:
            self.to_safe(wire)
        return identity

    def to_safe(self, wire: Wire) -> str:
        wire.write(self.commands["off"])
        self._tell(wire, 0.0)  # whatever became of that
        on, level = self.read_state(wire)
        if on or not abs(level) <= self.rounding(0.0):
            raise BridgeError(
                f"{self.name}: its output is {'on' if on else 'off'}, its level {level!r} A",
                self.name,
                self.wire.resource,
            )
        return "output off, level 0 A, read back"

    def _tell(self, wire: Wire, current: float) -> None:
        wire.write(self.commands["set"].replace("{value}", repr(current / self.own)))

    def _level_of(self, wire: Wire) -> float:
        return self.own * leading(self.twice(wire, "level"))

    def send_level(self, wire: Wire, current: float) -> float:
        self._tell(wire, current)
        found = self._level_of(wire)
        if not abs(found - current) <= self.rounding(current):
            raise BridgeError(f"{self.name}: set to {current!r} A, it reads back {found!r} A", self.name)
        return found

    def switch(self, wire: Wire, on: bool) -> None:
        wire.write(self.commands["on" if on else "off"])
        if self._is_on(wire) != on:
            raise BridgeError(f"{self.name}: its output is {'off' if on else 'on'}", self.name)

    def read_state(self, wire: Wire) -> tuple[bool, float]:
        return self._is_on(wire), self._level_of(wire)

    def _is_on(self, wire: Wire) -> bool:
        answer = self.twice(wire, "output")
        if answer not in (self.commands["output_on"], self.commands["output_off"]):
            raise WireError(f"{self.commands['output']} was answered by {answer!r}")
        return answer == self.commands["output_on"]


class GenericReader(Generic):
    """What is asked for one reading after the other."""

    needed = Generic.needed | {"read"}
    known = Generic.known | needed | {"again"}

    def readings(self, schedule: Schedule) -> Process:
        """What it shows, shape (repeats, count), and by how much that was later (ns)."""
        found, late = yield from self.stepwise(schedule, self.one, schedule.step / NS)
        return np.reshape(found, (schedule.repeats, schedule.count)), late

    def one(self, wire: Wire) -> float:
        """A reading; only ``again`` confirms it."""
        answer = wire.query(self.commands["read"])
        if again := self.commands.get("again"):
            same(self.commands["read"], answer, wire.query(again))
        self.fence(wire)
        return leading(answer)


class GenericMeter(GenericReader):
    """A voltmeter."""

    senses = ("input",)
    role = "Voltmeter"
    unit = "V"
    tells = ("voltage",)
    channels = ("input",)
    known = GenericReader.known | {"unit"}

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.own = self.own_unit("V")

    def read(self, schedule: Schedule, labels: Mapping[str, Label], *, channel: str = "input") -> Process:
        """Read the input, once at the start of each step; returns the block."""
        if channel != "input":
            raise BridgeError(f"{self.name}: it has one input; for {channel!r} it needs a scanner", self.name)
        values, late = yield from self.readings(schedule)
        return self.record(self.own * values, schedule, "voltage", "V", schedule.step, labels, late)


class GenericExchanger(ExchangerDriver, Generic):
    """A mass exchanger: ``load`` and ``unload`` are sent, and ``state`` is asked until it answers ``loaded`` or
    ``unloaded``. Its safe state is where it stands, read back."""

    acts = True
    needed = Generic.needed | {"load", "unload", "state", "loaded", "unloaded"}
    known = Generic.known | needed

    def to_safe(self, wire: Wire) -> str:
        return f"at {self.twice(wire, 'state')!r}, read back"

    def standing(self) -> Process:
        """By the answer of ``state``, or that answer in quotes."""
        answer = yield from self.ask(lambda wire: self.twice(wire, "state"))
        return next((word for word in ("loaded", "unloaded") if answer == self.commands[word]), repr(answer))

    def may_begin(self, what: str) -> Process:
        """Ask the guards."""
        yield from ()
        return self.may_act(what)

    def carry_out(self, what: str, duration: float, acting: bool) -> Process:
        """Send the command; after `duration` (s) it has to be done."""
        if acting:
            end = self.clock.now + to_ns(duration)
            yield from self.ask(lambda wire: wire.write(self.commands[what]))
            yield self.clock.until(max(end, self.clock.now))
            found = yield from self.standing()
            if found != f"{what}ed":
                raise BridgeError(f"{self.name}: {what} left it at {found}", self.name, self.wire.resource)


def leading(text: str) -> float:
    """The number that an answer begins with, after letters such as those of a header."""
    found = _LEADING.match(text)
    if not found:
        raise ValueError(f"{text!r} holds no number")
    return number(found.group(1))
