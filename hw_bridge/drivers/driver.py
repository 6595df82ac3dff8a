"""What all drivers share: a connection with its thread, limits, the safe state, and the dry run.

A driver fulfils a role of `components.roles`. It checks before it sends, and reads back after. What it cannot make sure
of is a `BridgeError`; what a limit forbids is a `SafetyError`, and nothing is sent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import simpy
from numpy.typing import NDArray

from hw_bridge.drivers.settings import Settings
from hw_bridge.drivers.statement import Statement
from hw_bridge.drivers.wire import NO_ANSWER, Wire, WireError, wire
from hw_bridge.drivers.worker import Worker
from hw_bridge.errors import BridgeError, SafetyError
from scenarios.schema.hardware import Hardware
from twin.clock import Process
from twin.component import Component
from twin.errors import ComponentError
from twin.instrument import Bench
from twin.real_time import RealTimeClock
from twin.recorder import INTEGRATED, LATE, Block, Label, Schedule
from twin.times import NS

Array = NDArray[np.float64]
ATTEMPTS = 3
"""To reach the safe state, each on a connection of its own."""
LOOK = "look"
"""Phase of readings that drive the twin and are no part of the campaign: they are in the log."""
INFINITY = 9.9e37
"""Infinity in SCPI, of an overload for instance; 9.91e37 is not a number."""
Guard = Callable[[], None]


class Driver:
    """See the module.

    Parameters
    ----------
    name : of the component whose place it takes.
    hardware : what the scenario says of it.
    model : the simulated instrument, which says what the twin expects of it; None: nothing is known.
    bench : the clock, of real time, and the recorder.
    armed : whether outputs are really switched; otherwise they are checked, and told in `log`.

    Attributes
    ----------
    acts : whether it has an output or moves something.
    outputs : ports of the component that it drives in reality.
    senses : ports of the component that it reads.
    log : what a dry run would have done, and incidents on the connection.
    """

    acts: ClassVar[bool] = False
    tells: ClassVar[Sequence[str]] = ()
    """Quantities of its readings that simulated parts may follow, through the outputs of the component of that name."""
    operated: ClassVar[bool] = True
    """Whether a campaign speaks to it."""
    senses: ClassVar[Sequence[str]] = ()
    limited: ClassVar[Sequence[str]] = ()
    """Limits without which it is not armed."""
    enforces: ClassVar[Sequence[str]] = ()
    """Limits that it sees to; another one is refused."""
    takes: ClassVar[Mapping[str, str]] = {}
    """Settings that it takes, with their units."""
    worded: ClassVar[bool] = False
    """Whether its commands stand in the scenario file."""
    staged: ClassVar[bool] = False
    """Whether it has stages with drivers of their own."""
    role: ClassVar[str] = ""
    """In `components.roles`."""
    unit: ClassVar[str] = "1"
    """Of what it reads or delivers."""
    met_hardware: ClassVar[bool] = False
    """Whether it has ever met the real instrument."""

    def __init__(
        self, name: str, hardware: Hardware, model: Component | None, bench: Bench, *, armed: bool = False
    ) -> None:
        self.name = name
        self.hardware = hardware
        self.limits = hardware.limits
        self.model = model
        self.bench = bench
        self.clock = bench.clock
        self.armed = armed
        self.identity = ""
        self.stranger = ""
        """What answered in its place, if that was another instrument."""
        self.log: list[str] = []
        self.guards: list[Guard] = []
        """Called before anything acts; an interlock that does not hold raises."""
        self.heard: Callable[[Block], None] | None = None
        """Called with all that it reads."""
        self.taken_up = ""
        """What `take_up` has changed, in words."""
        self.patience = hardware.timeout
        self.worker = Worker(name, bench.clock)
        for what, given, taken in (
            ("commands", hardware.commands, self.worded),
            ("stages", hardware.stages, self.staged),
            ("interlocks: it does not act", hardware.interlocks, self.acts),
        ):
            if given and not taken:
                raise BridgeError(f"{name}: {hardware.driver} takes no hardware.{what}", name)
        for key, text in hardware.commands.items():
            if not (text.isascii() and text.isprintable()):
                raise BridgeError(f"{name}: hardware.commands.{key}: expected a line of ASCII, not {text!r}", name)
        if loose := sorted(set(hardware.limits.model_dump(exclude_none=True)) - set(self.enforces)):
            there = f"it enforces {', '.join(self.enforces)}" if self.enforces else "it enforces none"
            raise BridgeError(f"{name}: {hardware.driver} does not enforce limits.{loose[0]}; {there}", name)
        self.settings = Settings(name, hardware.settings, self.takes)
        self.wire = self.connection()

    def connection(self) -> Wire:
        """A connection to the instrument; none is made yet."""
        return wire(self.hardware.resource, self.hardware.timeout, self.hardware.serial)

    @property
    def reach(self) -> tuple[float, float, float]:
        """Lowest and highest that it reads or delivers, and its step (`unit`); infinite and 0: not known."""
        return -math.inf, math.inf, 0.0

    def statement(self) -> Statement:
        """What it can, within which limits, and how well."""
        return Statement(
            self.role,
            self.unit,
            *self.reach,
            u=self.hardware.calibration.u or None,
            channels=tuple(getattr(self, "channels", ())),
            met_hardware=self.met_hardware,
            trigger_latency=self.hardware.trigger_latency,
            timing=self.hardware.timing,
        )

    @classmethod
    def told(cls, hardware: Hardware, wired: Container[str]) -> tuple[str, ...]:
        """The quantities by which it drives the twin, of those that it tells: `wired` to something."""
        return tuple(quantity for quantity in cls.tells if quantity in wired)

    def drives(self, output: str) -> bool:
        """Whether an output of its component is what it has read."""
        return output in self.tells

    # --- from beginning to end ---------------------------------------------------------------------------------------

    def open(self) -> None:
        """Connect, identify and set up; nothing is switched on.

        Raises
        ------
        BridgeError
            If it does not connect, or is another instrument.
        """
        try:
            self.identity = self.call(self.set_up, self.preparing)
        except BridgeError as error:
            if not str(error).endswith(NO_ANSWER):
                raise
            raise BridgeError(
                f"{error}: it may be another instrument than {self.hardware.driver} expects, or be set otherwise"
                + (f" than {self.wire.settings}" if self.wire.settings else ""),
                self.name,
                self.wire.resource,
            ) from None

    @property
    def preparing(self) -> float:
        """For how long an instrument is itself at work while it is set up (s)."""
        return 0.0

    def set_up(self, wire: Wire) -> str:
        """Identify, and bring into a known state; returns what it calls itself."""
        raise ComponentError(f"{type(self).__name__} must write set_up()")

    def recognised(self, identity: str, mark: str, kind: str) -> str:
        """An identity that was told twice alike and has to have a mark in it; without, whoever told it is left alone.

        Raises
        ------
        BridgeError
            If it has not.
        """
        self.stranger = "" if mark in identity else identity
        if self.stranger:
            raise BridgeError(f"{self.name}: {identity!r} is {kind}", self.name, self.wire.resource)
        return identity

    def make_safe(self) -> str:
        """Reach the safe state and read it back; returns what was found.

        Raises
        ------
        BridgeError
            If it cannot be verified.
        """
        if not self.acts:
            return "reads only"
        if not self.armed:
            return "not armed: nothing was switched"
        if not self.wire.met:
            return "never connected: nothing was sent, and nothing is known of it"
        if self.stranger:
            return f"{self.stranger!r} is another instrument: nothing was switched"
        last: BridgeError | None = None
        if self.worker.busy:
            self.wire.abort()
        for _ in range(ATTEMPTS):
            try:
                return str(self.call(self.to_safe))
            except BridgeError as error:
                last = error
                self.log.append(f"safe state: {error}")
                self.wire.dirty = True
                if self.worker.busy:  # it does not come back: leave it, and begin anew
                    self.log.append(f"a job did not come back: {error}")
                    self.wire.abort()
                    self.worker = Worker(self.name, self.clock)
                    self.wire = self.connection()
        raise BridgeError(f"{self.name}: its safe state could NOT be verified: {last}", self.name, self.wire.resource)

    def to_safe(self, wire: Wire) -> str:
        """Reach the safe state and read it back."""
        raise ComponentError(f"{type(self).__name__} acts and must write to_safe()")

    def check_limits(self) -> None:
        """Refuse to be armed without the limits of what it does.

        Raises
        ------
        SafetyError
            Naming the first that is missing.
        """
        for name in self.limited:
            if self.armed and getattr(self.limits, name) is None:
                raise SafetyError(f"{self.name}: --arm needs hardware.limits.{name}", self.name, name)

    def close(self) -> bool:
        """Let go of the instrument; whether its thread has ended."""
        if self.worker.busy:  # nobody waits for it any more
            self.wire.abort()
        try:
            self.worker.call(self.let_go, self.patience)
        except BridgeError as error:
            self.log.append(str(error))
        return self.worker.stop()

    def let_go(self) -> None:
        """Close what is open; in the thread of the connection."""
        self.wire.close()

    # --- talking -----------------------------------------------------------------------------------------------------

    def call(self, conversation: Callable[[Wire], Any], extra: float = 0.0) -> Any:
        """Have a conversation and wait for it."""
        patience = ATTEMPTS * self.patience + extra + 1.0
        return self._named(lambda: self.worker.call(lambda: self.wire.converse(conversation), patience))

    def ask(self, conversation: Callable[[Wire], Any], extra: float = 0.0) -> Process:
        """Have a conversation, while the simulation goes on; `extra` (s) is what the instrument itself needs."""
        patience = 10.0 * self.patience + extra + 1.0
        return (yield self.worker.do(lambda: self._named(lambda: self.wire.converse(conversation)), patience))

    def _named(self, what: Callable[[], Any]) -> Any:
        """Its name into errors of the connection."""
        try:
            return what()
        except WireError as error:
            raise BridgeError(f"{self.name}: {error}", self.name, self.wire.resource) from None

    # --- acting ------------------------------------------------------------------------------------------------------

    def within(self, quantity: str, value: float, low: float, high: float, unit: str) -> None:
        """Refuse a value beyond its limits.

        Raises
        ------
        SafetyError
            For one that is, or that is no number.
        """
        if not low <= value <= high:  # also for nan
            limit = high if not value < low else low
            raise SafetyError(
                f"{self.name}: {quantity} {value!r} {unit} is beyond its limit of {limit!r} {unit}; nothing was sent",
                self.name,
                quantity,
                value,
                limit,
            )

    def may_act(self, told: str) -> bool:
        """Whether an action is really carried out; its interlocks hold in any case."""
        for guard in self.guards:
            guard()
        if not self.armed:
            self.log.append(f"dry run: {told}")
        return self.armed

    def join(self, beside: simpy.Process | None, end: int) -> Process:
        """Wait for what the twin's part does beside; without one, until `end` (ns)."""
        if beside is not None and not beside.processed:
            yield beside
        elif self.clock.now < end:
            yield self.clock.until(end)

    def take_up(self) -> Process:
        """From the safe state go back to where an interrupted run was, which the twin beside knows.

        Raises
        ------
        BridgeError
            If it acts, and nobody has written how.
        """
        yield self.clock.wait(0.0)
        kind = type(self).__name__
        raise BridgeError(
            f"{self.name}: {kind} does not know how to go back to where an interrupted run was", self.name
        )

    def present(self) -> int:
        """What time it is (ns), also in the thread of the connection."""
        return self.clock.present() if isinstance(self.clock, RealTimeClock) else self.clock.now

    # --- readings ----------------------------------------------------------------------------------------------------

    def true(self, shown: Array) -> Array:
        """What was shown, corrected by the calibration."""
        c = self.hardware.calibration
        return shown if c.gain == 0.0 and c.offset == 0.0 else (shown - c.offset) / (1.0 + c.gain)

    def asked(self, true: float) -> float:
        """What a source is to be set to, that it truly delivers a value."""
        c = self.hardware.calibration
        return true * (1.0 + c.gain) + c.offset

    def record(
        self,
        values: Array,
        schedule: Schedule,
        quantity: str,
        unit: str,
        aperture: int,
        labels: Mapping[str, Label],
        late: int = 0,
        *,
        integrated: int | None = None,
        gaps: bool = False,
    ) -> Block:
        """Correct, record and return what was read.

        Parameters
        ----------
        late : by how much the instrument was told to read later than the schedule (ns). A label tells it, with
            ``hardware.trigger_latency``; where nobody has stated that, ``hardware.timing`` has to hold it.
        integrated : for how long each reading looked at what it reads (ns), if that is not all of its aperture.
        gaps : not a number stands for no reading.
        """
        if not gaps and not np.all(np.isfinite(values)):
            raise BridgeError(
                f"{self.name}: a reading is not finite: overload, or not connected to anything", self.name
            )
        told = {**labels, LATE: late / NS + (self.hardware.trigger_latency or 0.0)}
        if integrated is not None and integrated != aperture:
            told[INTEGRATED] = integrated / NS
        block = Block(self.name, quantity, unit, schedule, aperture, self.true(values), told, "real")
        if block.has(phase=LOOK):
            self.bench.recorder.record_log(block)
        else:
            self.bench.recorder.record(block)
        if self.heard is not None:
            self.heard(block)
        return block


def number(text: str) -> float:
    """A finite number of a reply; what SCPI has for infinity and for not a number is none."""
    value = float(text)
    if not abs(value) < INFINITY:
        raise ValueError(f"{text!r} is no finite number")
    return value


def same(what: str, first: str, second: str) -> str:
    """What was asked twice.

    Raises
    ------
    WireError
        If the answers differ.
    """
    if first != second:
        raise WireError(f"{what} was answered by {first!r} and then by {second!r}")
    return first
