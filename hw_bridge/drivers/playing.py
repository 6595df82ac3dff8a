"""A real source in the role of a `CurrentSource`: it plays what the simulated one beside it is to deliver.

What the twin's source is set to, and what a simulated servo demands of it, is its current as a function of time. A real
source follows this in steps, from command to command of its ``interval``. Every step is within the limits, or the run
ends.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np

from components.current_source import CurrentSource
from hw_bridge.drivers.driver import Driver
from hw_bridge.drivers.wire import Wire
from hw_bridge.errors import BridgeError, SafetyError
from twin.clock import Process
from twin.piece import Piece
from twin.times import NS, Times, to_ns

TAKE_UP = 1.0
"""Of the ramp to where an interrupted run was (s)."""


class Playing(Driver):
    """The operations of a `CurrentSource`, by three words of an instrument's language.

    Attributes
    ----------
    limit : largest absolute current (A).
    step : in which the instrument sets it (A); 0: unknown.
    """

    role = "CurrentSource"
    enforces: ClassVar[Sequence[str]] = ("current", "slew", "force")
    unit = "A"
    limit: float
    step: float = 0.0
    newtons_per_ampere: Callable[[], float] | None = None
    """Of the coil behind it, by the twin; None: there is none."""
    _played: Callable[[], float] | None = None
    _level = 0.0
    _connected = False
    _playing = False

    @property
    def reach(self) -> tuple[float, float, float]:
        return -self.limit, self.limit, self.step

    @abstractmethod
    def send_level(self, wire: Wire, current: float) -> float:
        """Set the current (A) and read it back; what was read."""

    @abstractmethod
    def switch(self, wire: Wire, on: bool) -> None:
        """Switch the output and read it back."""

    @abstractmethod
    def read_state(self, wire: Wire) -> tuple[bool, float]:
        """Whether the output is on, and the level (A)."""

    # --- the role ----------------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Switch the output on, at the level that is set."""
        if self.may_act("output on"):
            self.call(lambda wire: self.switch(wire, True))
        if self.shadow is not None:
            self.shadow.connect()
        self._connected = True

    def disconnect(self) -> None:
        """Switch the output off."""
        if self.shadow is not None:
            self.shadow.disconnect()
        self._connected = False
        if self.armed:  # nothing forbids this
            self.call(lambda wire: self.switch(wire, False))

    def check(self, start: int, end: int) -> None:
        """See that output and level are still what they were set to, and that no limit of the voltage acts."""
        if self.shadow is not None:
            self.shadow.check(start, end)
        if self.armed:
            on, level = self.call(self.read_state)
            if on != self._connected:
                raise BridgeError(f"{self.name}: its output is {'on' if on else 'off'} by itself", self.name)
            self._level_is(level)

    def set(self, current: float, duration: float) -> Process:
        """Ramp to `current` (A) within `duration` (s), in steps."""
        self._allowed(current)
        self._steep(current, max(duration, self.hardware.interval))
        if self._played is not None and self.shadow is not None:
            yield from self.shadow.set(current, duration)
            return
        acting = self.may_act(f"current {current!r} A within {duration:g} s")
        shadow = None
        if self.shadow is not None and not acting:
            shadow = self.clock.process(self.shadow.set(current, duration))
        begin, level = self.clock.now, self._level
        steps = max(1, math.ceil(duration / self.hardware.interval)) if current != level else 1
        if acting:
            for k in range(1, steps + 1):
                instant = begin + to_ns(duration) * k // steps
                if instant > self.clock.now:
                    yield self.clock.until(instant)
                sent = current if k == steps else level + (current - level) * k / steps
                found = yield from self._send(sent)
                if self.shadow is not None:  # what is simulated follows what was read back, but for its rounding
                    yield from self.shadow.set(found if abs(found) <= self.shadow.limit else sent, 0.0)
        self._level = current
        yield from self.join(shadow, begin + to_ns(duration))

    def follow(self, laws: Sequence[Piece]) -> Process:
        """Let the set current follow closed forms (A), in steps; ends when they end."""
        for law in laws:
            if law.end is None:
                continue
            at = law.start
            while at < law.end:
                at = min(at + to_ns(self.hardware.interval), law.end)
                yield self.clock.until(max(at, self.clock.now))
                yield from self.set(float(law.values_at(at)[0].real), 0.0)

    def keep(self, name: str, current: float | None = None) -> None:
        """Keep a current (A) under a name."""
        self._known().keep(name, current)

    def kept(self, name: str) -> float:
        """The current that was last kept under a name (A)."""
        return self._known().kept(name)

    # --- what it does ------------------------------------------------------------------------------------------------

    @property
    def shadow(self) -> CurrentSource | None:
        """The simulated source, which the simulated parts follow."""
        return self.model if isinstance(self.model, CurrentSource) and self.model._bench is not None else None

    def reading(self, port: str) -> float:
        """The current that flows by its own account (A): 0 with the output off."""
        if port != "current":
            raise BridgeError(f"{self.name}: it knows nothing of its {port}", self.name)
        if not self.armed:
            return self._level if self._connected else 0.0
        on, level = self.call(self.read_state)
        return level if on else 0.0

    def play_what(self, wanted: Callable[[], float]) -> None:
        """What is wanted at any time (A), of which what is set is a part."""
        self._played = wanted

    def play(self) -> Process:
        """Follow what is wanted while the output is on, until the run ends.

        Raises
        ------
        SafetyError
            If a step is beyond a limit, or an interlock does not hold.
        """
        before = self.clock.now
        while True:
            yield self.clock.wait(self.hardware.interval)
            passed, before = (self.clock.now - before) / NS, self.clock.now
            if self._played is None or not self._connected:
                continue
            wanted = self._played()
            self._allowed(wanted)
            if wanted != self._level:
                self._steep(wanted, passed)
                for guard in self.guards:
                    guard()
                if self.armed:
                    yield from self._send(wanted)
            self._level = wanted

    def take_up(self) -> Process:
        """Switch on at 0 A if the output was on, and ramp to the level that it had, within `TAKE_UP` and `limits.slew`.

        Raises
        ------
        SafetyError
            If this is beyond a limit.
        """
        source = self._known()
        now = Times(np.array([self.clock.now]))
        level = self._played() if self._played is not None else float(source.timeline("set").at(now)[0])
        on = bool(source.timeline("connected").at(now)[0])
        self._allowed(level)
        if on and self.may_act("output on"):
            yield from self.ask(lambda wire: self.switch(wire, True))
        if self.armed:
            begin, slew = self.clock.now, self.limits.slew
            seconds = TAKE_UP if slew is None else max(TAKE_UP, abs(level) / slew)
            steps = max(1, math.ceil(seconds / self.hardware.interval)) if on else 1
            for k in range(1, steps + 1):
                yield self.clock.until(max(begin + to_ns(seconds) * k // steps, self.clock.now))
                yield from self._send(level * k / steps if k < steps else level)
        self._level, self._connected = level, on

    def true_level(self, level: float) -> float:
        """What a level that the instrument shows truly is, by its calibration (A)."""
        c = self.hardware.calibration
        return (level - c.offset) / (1.0 + c.gain)

    def rounding(self, current: float) -> float:
        """By how much a level may differ from what it was set to (A)."""
        return 0.5 * self.step * (1 + 1e-6) + 1e-6 * abs(current)

    def _known(self) -> CurrentSource:
        if self.shadow is None:
            raise BridgeError(f"{self.name}: it keeps no currents without a twin beside it", self.name)
        return self.shadow

    def check_limits(self) -> None:
        super().check_limits()
        if self.limits.force is not None and self.newtons_per_ampere is None:
            raise SafetyError(
                f"{self.name}: hardware.limits.force is of a coil, and it drives none", self.name, "force"
            )

    def _allowed(self, current: float) -> None:
        self.within("current", current, -self.limit, self.limit, "A")
        if (most := self.limits.force) is not None and self.newtons_per_ampere is not None:
            self.within("force", current * self.newtons_per_ampere(), -most, most, "N")
        self.within("setting", self.asked(current), -self.limit, self.limit, "A")

    def _steep(self, current: float, seconds: float) -> None:
        """Refuse to change faster than ``limits.slew``."""
        slew = self.limits.slew
        if slew is not None and (jump := abs(current - self._level)) > slew * seconds * (1 + 1e-9):
            self.within("slew", jump / seconds, 0.0, slew, "A/s")

    def _send(self, current: float) -> Process:
        """Set it; returns what flows by its own account (A)."""
        setting = self.asked(current)
        self._allowed(current)
        found = yield from self.ask(lambda wire: self.send_level(wire, setting))
        return self.true_level(found)

    def _level_is(self, level: float) -> None:
        setting = self.asked(self._level)
        if not abs(level - setting) <= self.rounding(setting):
            raise BridgeError(f"{self.name}: its level is {level!r} A, it was set to {setting!r} A", self.name)
