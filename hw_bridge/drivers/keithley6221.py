"""Keithley 6221 as a `CurrentSource`.

Each question carries a number that comes back with its answer: ``:STAT:OPER:ENAB 4711;…;:STAT:OPER:ENAB?``, a register
that enables nothing as long as ``*SRE`` is 0. What matters is asked twice in a message. So an answer that is late,
doubled, cut short or belongs to another question is no answer.

It has met the emulated instrument of `hw_bridge.cores.keithley6221`, and no real one.
"""

from __future__ import annotations

from itertools import cycle
from typing import Any, ClassVar

from components.ranged_source import KEITHLEY_6221, OVERRANGE, CurrentRange
from hw_bridge.drivers.driver import Driver, number, same
from hw_bridge.drivers.playing import Playing
from hw_bridge.drivers.wire import Wire, WireError
from hw_bridge.errors import BridgeError

COMPLIANCE, NO_ERROR = 10.0, "0,"
IN_COMPLIANCE = 8
"""Bit of the measurement condition register."""


class Keithley6221Driver(Playing, Driver):
    """See the module; the range is fixed to the lowest that holds ``limits.current``."""

    acts = True
    limited = ("current", "voltage")
    enforces = ("current", "voltage", "slew", "force")
    largest: ClassVar[float] = 0.105

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._numbers = cycle(range(1, 32768))
        limit = self.largest if self.limits.current is None else self.limits.current
        if limit > self.largest:
            raise BridgeError(
                f"{self.name}: a 6221 delivers no more than {self.largest} A: lower limits.current", self.name
            )
        self.range: CurrentRange = next(r for r in KEITHLEY_6221 if limit <= OVERRANGE * r.full_scale * (1 + 1e-12))
        self.limit, self.step = limit, self.range.step

    # --- the language ------------------------------------------------------------------------------------------------

    def answers(self, wire: Wire, *questions: str) -> list[str]:
        """Answers, each given twice alike, to the latest question; then the error queue is empty."""
        mark = next(self._numbers)
        asked = ";".join([*questions, *questions, ":SYST:ERR?"])
        parts = wire.query(f":STAT:OPER:ENAB {mark};{asked};:STAT:OPER:ENAB?").split(";")
        n = len(questions)
        if len(parts) != 2 * n + 2 or number(parts[-1]) != mark:
            raise WireError(f"{asked} was answered by {';'.join(parts)!r}, which is not the answer to it")
        if not parts[-2].lstrip("+").startswith(NO_ERROR):
            raise BridgeError(f"{self.name}: the instrument reports {parts[-2]}", self.name, self.wire.resource)
        return [same(q, a, b) for q, a, b in zip(questions, parts[:n], parts[n : 2 * n], strict=True)]

    def verified(self, wire: Wire, command: str, question: str, expected: float, tolerance: float = 0.0) -> float:
        """Send a command and read back that it has been done; what was read."""
        wire.write(command)
        found = number(self.answers(wire, question)[0])
        if not abs(found - expected) <= tolerance:
            raise BridgeError(f"{self.name}: {command} left it at {found!r}", self.name, self.wire.resource)
        return found

    # --- what it does ------------------------------------------------------------------------------------------------

    def set_up(self, wire: Wire) -> str:
        identity = self.recognised(same("*IDN?", wire.query("*IDN?"), wire.query("*IDN?")), "6221", "no 6221")
        wire.write("*SRE 0;*CLS")
        same("*IDN?", identity, self.answers(wire, "*IDN?")[0])
        if self.armed:
            self.to_safe(wire)
            compliance = self.limits.voltage or COMPLIANCE
            self.verified(
                wire,
                f":SOUR:CURR:RANG {self.range.full_scale!r}",
                ":SOUR:CURR:RANG?",
                self.range.full_scale,
                1e-6 * self.range.full_scale,
            )
            self.verified(wire, f":SOUR:CURR:COMP {compliance!r}", ":SOUR:CURR:COMP?", compliance, 1e-3 * compliance)
        return identity

    def to_safe(self, wire: Wire) -> str:
        wire.write(":OUTP OFF")
        wire.write(":SOUR:CURR 0")
        output, level = self.answers(wire, ":OUTP?", ":SOUR:CURR?")
        if number(output) != 0 or number(level) != 0.0:
            raise BridgeError(f"{self.name}: output {output}, level {level}", self.name, self.wire.resource)
        return "output off, level 0 A, read back"

    def send_level(self, wire: Wire, current: float) -> float:
        return self.verified(wire, f":SOUR:CURR {current!r}", ":SOUR:CURR?", current, self.rounding(current))

    def switch(self, wire: Wire, on: bool) -> None:
        self.verified(wire, f":OUTP {'ON' if on else 'OFF'}", ":OUTP?", float(on))

    def read_state(self, wire: Wire) -> tuple[bool, float]:
        output, level, condition = self.answers(wire, ":OUTP?", ":SOUR:CURR?", ":STAT:MEAS:COND?")
        if int(number(condition)) & IN_COMPLIANCE:
            raise BridgeError(
                f"{self.name}: its compliance voltage keeps it from {level} A; is the load connected?", self.name
            )
        return number(output) != 0, number(level)
