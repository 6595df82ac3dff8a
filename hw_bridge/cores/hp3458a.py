"""An HP/Agilent/Keysight 3458A: its own language to the operations of a `RangedVoltmeter`.

The language is older than SCPI: commands of letters, parameters apart by commas or spaces, −1 or nothing for a
default, each event and format with a number that may stand for its name and that queries reply with. Numbers are those
of the user's guide (03458-90014). Three events in a row make a reading: trigger arm, trigger, sample. What the twin
does not do is in `hw_bridge.cores.hp3458a_words.REJECTED`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from components.roles import RangedVoltmeter
from hw_bridge.cores.core import Answer, Core
from hw_bridge.cores.hp3458a_words import (
    ACAL_TIME,
    ACALS,
    CONFLICT,
    ENDS,
    EVENTS,
    HARDWARE,
    LARGEST_APERTURE,
    LEAST_APERTURE,
    MEMORIES,
    MEMORY,
    MESSAGES,
    ONCE,
    QUERIES,
    RANGE,
    REJECTED,
    SAMPLES,
    STATES,
    SYNTAX,
    SYSTEM,
    TICK,
    TOO_FAST,
    UNDEFINED,
    FaultError,
    Settings,
    integer,
    real,
    shown,
    word,
)
from hw_bridge.cores.reading_format import FORMATS, OVERLOAD, encoded, integer_scale
from hw_bridge.cores.reading_memory import ReadingMemory
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
"""Stands in the queue for a controller that addresses the meter to talk; no client's message begins so."""
_COMMAND = re.compile(r"([A-Za-z]+\??)[\s,]*(.*)\Z", re.DOTALL)


class Hp3458A(Core):
    """The direct voltage function of a 3458A."""

    model: ClassVar[str] = "HP 3458A"
    message_available: ClassVar[int] = 128
    separators: ClassVar[bytes] = b"\n;"

    def __init__(self, name: str, clock: Clock, meter: RangedVoltmeter) -> None:
        super().__init__(name, clock)
        self.meter = meter
        self.memory = ReadingMemory()
        self.errors = 0
        self.status = 8  # power on
        self._commands: dict[str, Callable[..., Any]] = {
            key.removeprefix("do_").upper().replace("_QUERY", "?"): getattr(self, key)
            for key in dir(type(self))
            if key.startswith("do_")
        }
        self.do_reset()

    # --- messages ----------------------------------------------------------------------------------------------------

    def execute(self, message: bytes, answer: Answer) -> Process:
        try:
            if message == READ:
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
            self._fail(fault.bit)

    def _do(self, command: str, parameters: list[str], answer: Answer) -> Process:
        handler = self._commands.get(command)
        reply: Any = None
        if handler is None and not parameters and (known := self._asked().get(command)) is not None:
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

    def _fail(self, bit: int) -> None:
        self.errors |= bit

    def failed(self, reason: str) -> None:
        self._fail(SYSTEM)

    def too_long(self) -> None:
        self._fail(SYNTAX)

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
        every = max(to_ns(s.timer), busy) if s.sample == SAMPLES["TIMER"] else busy
        if s.sample == SAMPLES["TIMER"] and to_ns(s.timer) < busy:
            self._fail(TOO_FAST)
        start = self.clock.now + (to_ns(s.delay) if s.delay is not None else 0) + LATENCY
        for first in range(0, count, BLOCK):
            repeats = min(BLOCK, count - first)
            start = max(start, self.clock.now + LATENCY - first * every)  # later, if nobody took what came before
            schedule = Schedule(start + first * every, step, 1, every, repeats)
            block = yield from self.meter.read(schedule, {})
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

    # --- function, range, integration --------------------------------------------------------------------------------

    def do_dcv(self, most: str = "", resolution: str = "") -> None:
        self.do_range(most, resolution)

    def do_func(self, function: str = "", most: str = "", resolution: str = "") -> None:
        name = function.upper()
        if name in REJECTED:
            raise FaultError(REJECTED[name])
        if name not in ("", "-1", "DCV", "1"):
            raise FaultError(HARDWARE if name.isdigit() and 2 <= int(name) <= 14 else UNDEFINED)
        self.do_range(most, resolution)

    def do_range(self, most: str = "", resolution: str = "") -> None:
        if most.upper() in ("", "-1", "AUTO"):
            self.set.auto_range = True
        else:
            try:
                full_scale = self.meter.fitting(real(most, 0.0, 1050.0, 0.0))
            except ValueError:
                raise FaultError(RANGE) from None
            self.meter.select(full_scale)
            self.set.auto_range = False
        if resolution not in ("", "-1"):
            self.do_res(resolution)

    def do_res(self, percent: str = "") -> None:
        """Percent of the range to resolve: an aperture that has as many digits, unless it is longer already."""
        wanted = real(percent, 1e-9, 100.0, 0.0) / 100.0
        digits = ((1e-8, 0.1667), (1e-7, 0.01), (1e-6, 100e-6), (1e-5, 10e-6))
        needed = next((aperture for step, aperture in digits if wanted < 10 * step), LEAST_APERTURE)
        self.set.aperture = max(self.set.aperture, needed)

    def do_arange(self, state: str = "") -> None:
        found = word(state, ONCE, STATES["ON"])
        self.set.auto_range = found == STATES["ON"]
        if found == ONCE["ONCE"]:
            self.meter.select_for_input()

    def do_aper(self, seconds: str = "") -> None:
        wanted = max(real(seconds, 0.0, LARGEST_APERTURE, LEAST_APERTURE), LEAST_APERTURE)
        self.set.aperture = round(wanted / TICK) * TICK

    def do_nplc(self, cycles: str = "") -> None:
        wanted = real(cycles, 0.0, 1000.0, 0.0)
        if wanted > 10:
            wanted = round(wanted, -1)  # in steps of ten
        elif wanted > 1:
            wanted = round(wanted)
        self.set.aperture = max(round(wanted / self.set.line / TICK) * TICK, LEAST_APERTURE)

    def do_lfreq(self, hertz: str = "") -> None:
        given = 50.0 if hertz.upper() == "LINE" else real(hertz, 45.0, 440.0, 50.0)
        if 65.0 < given < 360.0:
            raise FaultError(RANGE)
        self.set.line = given / 8.0 if given >= 360.0 else given

    def do_azero(self, state: str = "") -> None:
        self.meter.zero(word(state, ONCE, STATES["ON"]) == STATES["ON"])

    def do_acal(self, kind: str = "", code: str = "") -> Process:
        yield self.clock.wait(ACAL_TIME[word(kind, ACALS, ACALS["ALL"])])

    # --- memory and formats ------------------------------------------------------------------------------------------

    def do_mem(self, mode: str = "") -> None:
        self.memory.turn(word(mode, MEMORIES, MEMORIES["FIFO"]))

    def do_mformat(self, kind: str = "") -> None:
        self.memory.reformat(word(kind, FORMATS, FORMATS["SREAL"]))

    def do_oformat(self, kind: str = "") -> None:
        self.set.output = word(kind, FORMATS, FORMATS["ASCII"])

    def do_end(self, state: str = "") -> None:
        self.set.end = word(state, ENDS, ENDS["ON"])

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

    # --- status, errors, identity ------------------------------------------------------------------------------------

    def do_err_query(self) -> str:
        found, self.errors = self.errors, 0
        return str(found)

    def do_errstr_query(self) -> str:
        if not self.errors:
            return '0,"NO ERROR"'
        bit = self.errors & -self.errors
        self.errors &= ~bit
        return f'{100 + bit.bit_length()},"{MESSAGES[bit]}"'

    def do_emask(self, mask: str = "") -> None:
        self.set.emask = integer(mask, 0, 32767, 32767)

    def do_rqs(self, mask: str = "") -> None:
        self.set.service = integer(mask, 0, 255, 0)

    def do_srq(self) -> None:
        self.status |= 4

    def do_csb(self) -> None:
        self.status = 0

    def do_stb_query(self) -> str:
        byte = self.status | (32 if self.errors & self.set.emask else 0)
        return str(byte | (64 if byte & self.set.service else 0))

    def do_qformat(self, kind: str = "") -> None:
        self.set.query = word(kind, QUERIES, QUERIES["NORM"])

    def do_math(self, first: str = "", second: str = "") -> None:
        if any(text.upper() not in ("", "OFF", "0") for text in (first, second)):
            raise FaultError(CONFLICT)

    def do_fixedz(self, state: str = "") -> None:
        if word(state, STATES, STATES["ON"]):
            raise FaultError(CONFLICT)  # it would load the source with 10 Mohm, which the meter here does not

    def do_ocomp(self, state: str = "") -> None:
        word(state, STATES, STATES["ON"])  # of ohms

    def do_ndig(self, digits: str = "") -> None:
        integer(digits, 3, 8, 7)  # on the display

    def do_extout(self, event: str = "", polarity: str = "") -> None:
        """Nothing is wired to the connector."""

    def do_disp(self, state: str = "", text: str = "", more: str = "") -> None:
        self.set.kept["DISP"] = word(state, {**STATES, "MSG": 2, "CLR": 3}, STATES["ON"])

    def do_reset(self) -> None:
        self.set = Settings()
        self.memory = ReadingMemory()
        self.errors, self.status = 0, self.status & 8
        self.meter.zero(True)

    def do_preset(self, kind: str = "") -> None:
        """NORM 1, FAST 0, DIG 2."""
        chosen = word(kind, {"FAST": 0, "NORM": 1, "DIG": 2}, 1)
        if chosen == 2:
            raise FaultError(CONFLICT)  # it triggers on a level
        before = self.set
        self.set = Settings(line=before.line, aperture=1.0 / before.line, service=before.service, end=before.end)
        self.set.trigger, self.set.query = EVENTS["SYN"], before.query
        self.memory = ReadingMemory()
        self.meter.zero(chosen == 1)
        if chosen == 0:
            self.do_dcv("10")
            self.set.arm, self.set.trigger, self.set.output = EVENTS["SYN"], EVENTS["AUTO"], FORMATS["DINT"]
            self.memory.reformat(FORMATS["DINT"])

    def _asked(self) -> Mapping[str, str]:
        """Replies to queries that change nothing."""
        s, meter, memory, named = self.set, self.meter, self.memory, self._named
        return {
            "TARM?": named(EVENTS, s.arm),
            "TRIG?": named(EVENTS, s.trigger),
            "NRDGS?": f"{s.count}, {named(SAMPLES, s.sample)}",
            "TIMER?": shown(s.timer),
            "SWEEP?": f"{shown(s.timer)}, {s.count}",
            "DELAY?": shown(s.delay or 0.0),
            "FUNC?": f"{named({'DCV': 1}, 1)}, {shown(meter.full_scale)}",
            "RANGE?": shown(meter.full_scale),
            "ARANGE?": named(STATES, int(s.auto_range)),
            "APER?": shown(s.aperture),
            "NPLC?": shown(s.aperture * s.line),
            "LFREQ?": shown(s.line),
            "LINE?": shown(50.0),
            "AZERO?": named(STATES, int(meter.zeroing)),
            "ISCALE?": shown(integer_scale(s.output, meter.full_scale)),
            "MCOUNT?": str(memory.count),
            "MSIZE?": f"{memory.size}, 14000",
            "MEM?": named(MEMORIES, memory.mode),
            "MFORMAT?": named(FORMATS, memory.format),
            "OFORMAT?": named(FORMATS, s.output),
            "END?": named(ENDS, s.end),
            "QFORMAT?": named(QUERIES, s.query),
            "MATH?": "0, 0",
            "EMASK?": str(s.emask),
            "RQS?": str(s.service),
            "AUXERR?": "0",
            "ID?": "HP3458A",
            "REV?": "9,2",
            "OPT?": "0",
            "CALNUM?": "0",
            "TEMP?": shown(36.0),  # of a warm instrument; the twin knows nothing of its inside
            **{f"{name}?": str(value) for name, value in s.kept.items()},
        }

    def _named(self, names: Mapping[str, int], value: int) -> str:
        """A setting as queries reply with it: its number, or its name in format ALPHA."""
        if self.set.query == QUERIES["ALPHA"]:
            return next(name for name, known in names.items() if known == value)
        return str(value)
