"""An HP/Agilent/Keysight 3458A: its own language to the operations of a `RangedMeter`.

The language is older than SCPI: commands of letters, parameters apart by commas or spaces, −1 or nothing for a
default, each event and format with a number that may stand for its name and that queries reply with. Numbers are those
of the user's guide (03458-90014). Three events in a row make a reading: trigger arm, trigger, sample. What the twin
does not do is in `hw_bridge.cores.hp3458a_words.REJECTED`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from components.roles import RangedOhmmeter, RangedVoltmeter
from hw_bridge.cores.core import Answer
from hw_bridge.cores.hp3458a_settings import Settings3458A
from hw_bridge.cores.hp3458a_words import (
    ACAL_TIME,
    ACALS,
    ENDS,
    EVENTS,
    MEMORIES,
    MEMORY,
    ONCE,
    QUERIES,
    REJECTED,
    SAMPLES,
    STATES,
    SYNTAX,
    TOO_FAST,
    FaultError,
    integer,
    real,
    word,
)
from hw_bridge.cores.reading_format import FORMATS, OVERLOAD, encoded
from hw_bridge.session import Session
from twin.clock import Clock, Process
from twin.recorder import Schedule
from twin.times import to_ns

Array = NDArray[np.float64]
BLOCK = 1000
"""Readings that are taken and sent at a time."""
LATENCY = 175
"""From the trigger to the reading (ns)."""
READ = b"\x00read"
"""Stands in the queue for a controller that addresses the meter to talk."""
_COMMAND = re.compile(r"([A-Za-z]+\??)[\s,]*(.*)\Z", re.DOTALL)


class Hp3458A(Settings3458A):
    """Direct voltage and, with a sensor at its terminals, resistance with four wires.

    Attributes
    ----------
    terminals : what a scanner has put there, as the meter's `read` is told; empty: its input.
    """

    model: ClassVar[str] = "HP 3458A"
    message_available: ClassVar[int] = 128
    separators: ClassVar[bytes] = b"\n;"

    def __init__(self, name: str, clock: Clock, meter: RangedVoltmeter | RangedOhmmeter) -> None:
        super().__init__(name, clock, meter)
        self.terminals: dict[str, Any] = {}
        self._commands: dict[str, Callable[..., Any]] = {
            key.removeprefix("do_").upper().replace("_QUERY", "?"): getattr(self, key)
            for key in dir(type(self))
            if key.startswith("do_")
        }

    # --- messages ----------------------------------------------------------------------------------------------------

    def execute(self, message: bytes, answer: Answer) -> Process:
        try:
            if message is READ:  # and no message of a client is
                yield from self._measure(self.set.count, answer)
                return
            found = _COMMAND.match(message.decode("ascii", "replace"))
            if not found:
                raise FaultError(SYNTAX)
            command, rest = found.group(1).upper(), found.group(2).strip()
            parameters = [p for p in re.split(r"\s*,\s*|\s+", rest)] if rest else []
            bit = REJECTED.get(command) or REJECTED.get(command.rstrip("?"))
            if bit is not None:
                raise FaultError(bit)
            yield from self._do(command, parameters, answer)
        except FaultError as fault:
            self.fault(fault.bit)

    def _do(self, command: str, parameters: list[str], answer: Answer) -> Process:
        handler = self._commands.get(command)
        reply: Any = None
        if handler is None and not parameters and (known := self.asked().get(command)) is not None:
            reply = known
        elif handler is None and command in self.set.kept:
            self.set.kept[command] = word(parameters[0] if parameters else "", ONCE, STATES["ON"])
        elif handler is None or len(parameters) > handler.__code__.co_argcount - 1:
            raise FaultError(SYNTAX)
        else:
            reply = handler(*parameters)
        if hasattr(reply, "send"):
            yield from reply
        elif callable(reply):
            yield from reply(answer)
        elif reply is not None:
            shown = f"{command[:-1]} {reply}" if self.set.query == QUERIES["ALPHA"] else reply
            yield from answer.send(shown.encode("ascii") + b"\r\n", end=self.set.end != ENDS["OFF"])

    def status_byte(self, session: Session) -> int:
        byte = self.status | (16 if self.since is None else 0) | (32 if self.errors & self.set.emask else 0)
        byte |= 128 if session.has_output else 0
        return byte | (64 if byte & self.set.service else 0)

    def cleared(self, session: Session) -> None:
        self.set.arm = EVENTS["HOLD"] if self.set.arm == EVENTS["SGL"] else self.set.arm

    def trigger(self, session: Session) -> None:
        session.write(b"TRIG SGL", True)

    # --- readings ----------------------------------------------------------------------------------------------------

    def addressed_to_talk(self, session: Session) -> Process:
        """The implied read: from memory, or a reading of a meter that waits for this."""
        s, number = self.set, session.newest
        if self.memory.mode and self.memory.count:
            data = self._encoded(np.array([self.memory.take()]))
            yield from session.reply(data, number, end=s.end != ENDS["OFF"])
        elif not self.memory.mode and {s.arm, s.trigger} <= {EVENTS["AUTO"], EVENTS["SYN"]}:
            session.pending += 1
            self.submit(session, number, READ)

    def _measure(self, count: int, answer: Answer) -> Process:
        """Take readings, into memory if it is on, else out."""
        s = self.set
        if s.auto_range:
            self.meter.select_for_input()
        step = to_ns(s.aperture)
        busy = step * (2 if self.meter.zeroing else 1)
        busy *= 2 if s.offset_compensation and self.meter.function == "OHMF" else 1  # and the voltage without current
        every = max(to_ns(s.timer), busy) if s.sample == SAMPLES["TIMER"] else busy
        if s.sample == SAMPLES["TIMER"] and to_ns(s.timer) < busy:
            self.fault(TOO_FAST)
        start = self.clock.now + (to_ns(s.delay) if s.delay is not None else 0) + LATENCY
        for first in range(0, count, BLOCK):
            if answer.session.closed and not self.memory.mode:
                return  # there is nobody to take them
            repeats = min(BLOCK, count - first)
            start = max(start, self.clock.now + LATENCY - first * every)  # later, if nobody took what came before
            schedule = Schedule(start + first * every, step, 1, every, repeats)
            block = yield from self.meter.read(schedule, {}, **self.terminals)
            values = np.where(np.isfinite(block.values), block.values, np.copysign(OVERLOAD, block.values)).ravel()
            if self.memory.mode:
                self.memory.store(values)
                if self.memory.is_full:
                    break  # of a FIFO: the rest would not be kept
                continue
            last = first + repeats == count
            if s.end == ENDS["ALWAYS"]:
                for k in range(repeats):
                    yield from answer.send(self._encoded(values[k : k + 1]), end=True)
            else:
                yield from answer.send(self._encoded(values), end=last and s.end == ENDS["ON"], more=not last)
        if self.meter.zeroing:
            yield self.clock.wait(s.aperture)  # the zero reading after the last one

    def single(self) -> Process:
        """One reading with the present settings, whatever triggers and memory are set to; returns it."""
        if self.set.auto_range:
            self.meter.select_for_input()
        step = to_ns(self.set.aperture)
        block = yield from self.meter.read(Schedule(self.clock.now + LATENCY, step, 1), {}, **self.terminals)
        if self.meter.zeroing:
            yield self.clock.wait(self.set.aperture)
        value = float(block.values[0, 0])
        return value if np.isfinite(value) else float(np.copysign(OVERLOAD, value))

    def _encoded(self, values: Array, separator: bytes = b"\r\n") -> bytes:
        return encoded(values, self.set.output, self.meter.full_scale, separator)

    def _sequence(self) -> Callable[[Answer], Process] | None:
        """Readings, if the events that are set have just been satisfied."""
        ready = {EVENTS["AUTO"], EVENTS["SGL"]}
        if {self.set.arm, self.set.trigger} <= ready and EVENTS["SGL"] in (self.set.arm, self.set.trigger):
            return self._run
        return None

    def _run(self, answer: Answer, arms: int = 1) -> Process:
        """A sequence for each arm, as a single event starts it; afterwards nothing is armed."""
        s, single = self.set, EVENTS["SGL"]
        try:
            for _ in range(arms):
                yield from self._measure(s.count, answer)
        finally:
            s.arm = EVENTS["HOLD"] if s.arm == single else s.arm
            s.trigger = EVENTS["HOLD"] if s.trigger == single else s.trigger

    # --- triggering --------------------------------------------------------------------------------------------------

    def do_tarm(self, event: str = "", arms: str = "") -> Any:
        self.set.arm = word(event, EVENTS, EVENTS["AUTO"])
        repeats = max(integer(arms, 0, 2_100_000_000, 1), 1)
        if self.set.arm == EVENTS["SGL"] and self.set.trigger in (EVENTS["AUTO"], EVENTS["SGL"]):
            return lambda answer: self._run(answer, repeats)
        return None

    def do_trig(self, event: str = "") -> Any:
        self.set.trigger = word(event, EVENTS, EVENTS["SGL"])
        return self._sequence()

    def do_nrdgs(self, count: str = "", event: str = "") -> None:
        self.set.count = integer(count, 1, 16_777_215, 1)
        self.set.sample = word(event, SAMPLES, SAMPLES["AUTO"])

    def do_sweep(self, seconds: str = "", count: str = "") -> None:
        self.do_timer(seconds)
        self.do_nrdgs(count, "TIMER")

    def do_timer(self, seconds: str = "") -> None:
        self.set.timer = real(seconds, 100e-9, 6000.0, 1.0)

    def do_delay(self, seconds: str = "") -> None:
        self.set.delay = None if seconds in ("", "-1") else real(seconds, 0.0, 6000.0, 0.0)

    # --- what takes time ---------------------------------------------------------------------------------------------

    def do_acal(self, kind: str = "", code: str = "") -> Process:
        yield self.clock.wait(ACAL_TIME[word(kind, ACALS, ACALS["ALL"])])

    def do_rmem(self, first: str = "", count: str = "", record: str = "") -> Callable[[Answer], Process]:
        """Readings by number, 1 the latest; memory is off afterwards, and keeps them."""
        a, n, r = (integer(text, 1, 16_777_215, 1) for text in (first, count, record))
        start = (r - 1) * self.set.count + a - 1
        values = self.memory.recall(start, n)
        self.memory.turn(MEMORIES["OFF"])
        if values is None:
            raise FaultError(MEMORY)
        return lambda answer: self._recalled(values, answer)

    def _recalled(self, values: Array, answer: Answer) -> Process:
        for k in range(0, len(values), BLOCK):
            part, last = values[k : k + BLOCK], k + BLOCK >= len(values)
            data = self._encoded(part, b",")
            if self.set.output == FORMATS["ASCII"]:
                data = data[:-1] + (b"\r\n" if last else b",")
            yield from answer.send(data, end=last and self.set.end != ENDS["OFF"], more=not last)
