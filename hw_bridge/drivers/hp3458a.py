"""Keysight/HP 3458A as a `Voltmeter`: direct voltage at its input, timed by its own timer, into its memory.

Memory gives what the language lacks: each burst is recalled twice, and the two have to be alike. After each answer
comes a number of ours from the mask of the error register (``EMASK``, which acts on nothing as long as ``RQS`` is 0),
so that an answer that is late, doubled or cut short is found out.

Who is there is asked first, twice, and nobody but a 3458A is reset. Before, ``TARM HOLD`` and ``END ALWAYS`` alone are
sent: without them one that takes readings by itself answers between these, or without an end, and no other language has
such words. Readings that it had still to tell are passed over. A VISA resource begins with a device clear; a socket has
none. The reset is needed to read, also in a dry run: what somebody has left set (mathematics, a filter, a level) would
be in the readings.

A 3458A has one input: reference and short need a scanner (`hw_bridge.drivers.scanner`).

``ACAL`` is never sent unless the scenario asks for it (``settings: {autocal: DCV}``, carried out with ``--arm`` when it
connects): it writes the instrument's constants, takes minutes, wants the input disconnected, and is to be followed by a
rest. How warm the instrument is inside is asked and kept with its name, so that whoever reads it later can tell whether
one was due; see decision 35. It has met the emulated instrument of `hw_bridge.cores.hp3458a`, and no real one.
"""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import cycle
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from components.voltmeter import OVERRANGE, TERMINALS
from components.voltmeter import Voltmeter as SimulatedVoltmeter
from hw_bridge.drivers.driver import Driver, number, same
from hw_bridge.drivers.scanner import Scanner
from hw_bridge.drivers.settings import TEXT
from hw_bridge.drivers.wire import Wire, WireError
from hw_bridge.errors import BridgeError
from twin.clock import Process
from twin.recorder import Label, Schedule
from twin.times import NS, to_ns

Array = NDArray[np.float64]
MEMORY = 2560
"""Readings as DREAL in the standard memory of 20 480 bytes."""
LONGEST = 1.0
"""Aperture of a reading (s); what is longer is a mean of several."""
DEAD = 100e-6
"""Between the apertures of readings (s)."""
TIMER = 6
"""The sample event of that name, as queries tell it."""
RANGES = (0.1, 1.0, 10.0, 100.0, 1000.0)
ACAL = {"DCV": (165.0, 15), "OHMS": (660.0, 30), "ALL": (960.0, 30)}
"""How long an autocal takes (s), and how long the relays then want to rest (min), by the user's guide."""
LEFT = 3
"""Readings that one may still tell after it was stopped."""
WARMING = 1.0
"""By which it may warm between two questions (degC)."""
_READING = re.compile(r"[-+]?\d+\.\d+E[-+]\d+")


class Multimeter3458A(Driver):
    """A 3458A, whatever it measures; see the module.

    Attributes
    ----------
    function : that it measures, as the language has it.
    calibrations : autocals that are of use for it.
    """

    takes: ClassVar[Mapping[str, str]] = {"autocal": TEXT}
    function: ClassVar[str]
    calibrations: ClassVar[Sequence[str]]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._numbers = cycle(range(1, 32767))
        twin = self.model if isinstance(self.model, SimulatedVoltmeter) else None
        self.range = self.lowest_range(twin)
        self.scanner = Scanner(self.name, self.hardware.commands, self.patience, self.hardware.serial)
        self.auto_zero = twin.auto_zero if twin is not None else True
        self.autocal = self.settings.choice("autocal", "none", *self.calibrations)

    @abstractmethod
    def lowest_range(self, twin: SimulatedVoltmeter | None) -> float:
        """The range to be on (V or ohm)."""

    @property
    def conversions(self) -> int:
        """How many times it converts for a reading."""
        return 2 if self.auto_zero else 1

    @property
    def channels(self) -> tuple[str, ...]:
        """What it can read."""
        return self.scanner.channels

    def let_go(self) -> None:
        self.scanner.close()
        super().let_go()

    # --- the language ------------------------------------------------------------------------------------------------

    def fenced(self, wire: Wire, question: str, patience: float | None = None) -> str:
        """The answer to a question, with a number of ours after it."""
        mark = next(self._numbers)
        wire.write(f"EMASK {mark}")
        answer = wire.query(question, patience)
        after = wire.query("EMASK?")
        if number(after) != mark:
            raise WireError(f"{question} was answered by {answer!r}, and EMASK {mark} by {after!r}")
        return answer

    def confirmed(self, wire: Wire, command: str, *expected: float) -> None:
        """Send a command and read back all that it has set."""
        wire.write(command)
        query = command.split()[0].replace(self.function, "RANGE") + "?"
        answer = self.fenced(wire, query)
        found = [number(text) for text in answer.split(",")]
        if len(found) != len(expected) or not np.allclose(found, expected, rtol=1e-6, atol=1e-12):
            raise BridgeError(f"{self.name}: {command} left it at {answer}", self.name, self.wire.resource)

    def faultless(self, wire: Wire) -> None:
        """Ask for errors twice: the first question forgets them, and has to be believed for that."""
        first, second = self.fenced(wire, "ERR?"), self.fenced(wire, "ERR?")
        if number(first) != 0 or number(second) != 0:
            raise BridgeError(f"{self.name}: the instrument reports error {first}", self.name, self.wire.resource)

    # --- what it does ------------------------------------------------------------------------------------------------

    @property
    def preparing(self) -> float:
        """With an autocal it takes its time (s)."""
        return 1.5 * ACAL[self.autocal][0] if self.armed and self.autocal in ACAL else 0.0

    def set_up(self, wire: Wire) -> str:
        self.meet(wire)
        mark = next(self._numbers)  # that the reset takes away; what others have set goes with it
        for command in (f"EMASK {mark}", "RESET", "TARM HOLD", "END ALWAYS", "QFORMAT NUM", "RQS 0"):
            wire.write(command)
        if number(same("EMASK?", wire.query("EMASK?"), wire.query("EMASK?"))) == mark:
            raise WireError("it was not reset")
        identity = same("ID?", self.fenced(wire, "ID?"), self.fenced(wire, "ID?"))
        for command, expected in (("QFORMAT NUM", 0), ("TARM HOLD", 4), ("END ALWAYS", 2), ("RQS 0", 0)):
            self.confirmed(wire, command, expected)
        self.confirmed(wire, "TRIG AUTO", 1)
        self.confirmed(wire, "OFORMAT ASCII", 1)
        self.confirmed(wire, "MFORMAT DREAL", 5)
        self.confirmed(wire, f"{self.function} {self.range!r}", self.range)
        if number(self.fenced(wire, "ARANGE?")) != 0:  # it may be on that range by itself, and leave it
            raise WireError(f"{self.function} {self.range!r} has left its ranging on")
        self.confirmed(wire, f"AZERO {'ON' if self.auto_zero else 'OFF'}", float(self.auto_zero))
        calibrated = self.calibrate(wire)
        self.faultless(wire)
        return f"{identity}, {calibrated}"

    def meet(self, wire: Wire) -> None:
        """See that it is a 3458A; nothing is set at another instrument."""
        for command in ("TARM HOLD", "END ALWAYS"):
            wire.write(command)
        answer = wire.query("ID?")
        for _ in range(LEFT):
            if not _READING.fullmatch(answer):
                break
            answer = wire.line()
        self.recognised(same("ID?", answer, wire.query("ID?")), "3458A", "no 3458A")

    def calibrate(self, wire: Wire) -> str:
        """Autocal, if the scenario asks for it and the run is armed; returns that, and how warm it is inside."""
        first, second = (number(self.fenced(wire, "TEMP?")) for _ in range(2))
        if abs(second - first) > WARMING:
            raise WireError(f"TEMP? was answered by {first!r} and then by {second!r}")
        inside = f"{second:.1f} degC inside"
        if self.autocal not in ACAL or not self.armed:
            return f"{inside}, no autocal{' (dry run)' if self.autocal in ACAL else ''}"
        seconds, rest = ACAL[self.autocal]
        wire.write(f"ACAL {self.autocal}")
        self.fenced(wire, "ID?", self.patience + 1.5 * seconds)
        self.faultless(wire)
        return f"{inside}, ACAL {self.autocal} done: let it rest for {rest} min"

    def readings(self, schedule: Schedule, channel: str) -> Process:
        """What it shows on the schedule, shape (repeats, count), and by how much that was later (ns)."""
        self.scanner.check(channel)
        parts, aperture = self.timing(schedule.step)
        values, late = np.empty((schedule.repeats, schedule.count)), 0
        for burst in range(schedule.repeats):
            start = schedule.start + burst * schedule.every
            for first in range(0, schedule.count, MEMORY // parts):
                count = min(MEMORY // parts, schedule.count - first)
                yield self.clock.until(max(start + first * schedule.step, self.clock.now))
                burst_of = partial(
                    self.burst,
                    channel=channel,
                    count=count * parts,
                    timer=schedule.step / NS / parts,
                    aperture=aperture,
                )
                shown, triggered = yield from self.ask(burst_of, count * schedule.step / NS)
                values[burst, first : first + count] = shown.reshape(count, parts).mean(axis=1)
                late = max(late, triggered - start - first * schedule.step)
        if self.clock.now < schedule.end:
            yield self.clock.until(schedule.end)
        return values, late

    def timing(self, step: int) -> tuple[int, float]:
        """Into how many readings a step (ns) is divided, and the aperture of each (s)."""
        seconds, each = step / NS, self.conversions
        parts = max(1, math.ceil(seconds / (each * (LONGEST + DEAD))))
        aperture = math.floor((seconds / parts / each - DEAD) * 1e7) * 1e-7
        if aperture < 1e-6:
            raise BridgeError(
                f"{self.name}: a step of {seconds:g} s leaves no time for a reading and what belongs to it",
                self.name,
            )
        return parts, aperture

    def integrated(self, step: int) -> int:
        """How long of a step (ns) it looks at its input; the rest is for zeros."""
        parts, aperture = self.timing(step)
        return parts * to_ns(aperture)

    def burst(self, wire: Wire, count: int, timer: float, aperture: float, channel: str = "input") -> tuple[Array, int]:
        """Readings, oldest first, taken once and recalled twice; and when they were triggered (ns)."""
        self.scanner.select(channel)
        self.confirmed(wire, "MEM FIFO", 2)
        self.confirmed(wire, f"APER {aperture!r}", aperture)
        self.confirmed(wire, f"TIMER {timer!r}", timer)
        self.confirmed(wire, f"NRDGS {count},TIMER", count, TIMER)
        triggered = self.present()
        wire.write("TARM SGL")
        patience = self.patience + count * timer
        taken = self.fenced(wire, "MCOUNT?", patience)
        if number(taken) != count:
            raise BridgeError(f"{self.name}: {count} readings were asked for, {taken} taken", self.name)
        recall = f"RMEM 1,{count},1"
        text = same(recall, self.fenced(wire, recall), self.fenced(wire, recall))
        self.faultless(wire)
        values = np.array([float(word) for word in text.split(",")])[::-1]
        if len(values) != count:
            raise WireError(f"{count} readings were recalled as {len(values)}")
        if np.any(np.abs(values) > self.range * OVERRANGE * 1.01):
            raise BridgeError(f"{self.name}: overload on the range of {self.range:g}", self.name)
        return values, triggered


class Hp3458ADriver(Multimeter3458A):
    """A voltmeter. The range is the lowest that holds ``limits.voltage``, or else that of the twin's meter."""

    senses = ("input",)
    worded = True  # of a scanner
    role = "Voltmeter"
    enforces = ("voltage",)
    unit = "V"
    tells = ("voltage",)
    function = "DCV"
    calibrations = ("DCV", "ALL")

    def lowest_range(self, twin: SimulatedVoltmeter | None) -> float:
        """The range to be on (V)."""
        largest = self.limits.voltage or (twin.range if twin is not None and twin.range else RANGES[2])
        try:
            return next(r for r in RANGES if largest <= r * OVERRANGE)
        except StopIteration:
            raise BridgeError(
                f"{self.name}: a 3458A has no range for limits.voltage of {largest:g} V", self.name
            ) from None

    @property
    def reach(self) -> tuple[float, float, float]:
        return -OVERRANGE * self.range, OVERRANGE * self.range, 0.0

    def read(
        self,
        schedule: Schedule,
        labels: Mapping[str, Label],
        *,
        channel: Literal["input", "reference", "short", "reversed"] = "input",
    ) -> Process:
        """Read the input on the schedule; returns the block.

        Raises
        ------
        BridgeError
            For another channel, or if a reading cannot be trusted; nothing is recorded then.
        """
        values, late = yield from self.readings(schedule, channel)
        told = labels if channel == "input" else {**labels, TERMINALS: channel}
        step, looked = schedule.step, self.integrated(schedule.step)
        return self.record(values, schedule, "voltage", "V", step, told, late, integrated=looked)
