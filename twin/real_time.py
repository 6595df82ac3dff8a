"""A clock that waits for the wall, and for whoever else has something to say.

`RealTimeClock` offers what `twin.clock.Clock` does, in step with real time or a multiple of it. Between two events it
waits on an inbox, so that what comes from outside (a reading that a worker thread has finished, a message of a client)
enters at once and not with the next event. It never gives up for being late: it keeps account (`Lag`).

Without a scale it is *stepped*: time stands still until somebody waits for an operation to end, and then passes as
fast as it can (`RealTimeClock.awaiting`).
"""

from __future__ import annotations

import math
import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import simpy

from twin.clock import Clock, Process
from twin.times import NS

Message = Callable[[], None]
"""What enters the simulation: called in its thread, at the time of its arrival."""
TOLERANCE = NS // 200
"""An event that is later than this (ns, real time) is an overrun."""
BINS = 64
"""Of lags, each twice as wide as the one before, from 1 ns."""


class Inbox:
    """Messages from other threads, in the order of their arrival."""

    def __init__(self) -> None:
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def put(self, message: Message) -> None:
        """Add a message; from any thread."""
        self._messages.put(message)

    def take(self, seconds: float | None) -> Message | None:
        """The oldest message; waits for one as long as this (None: for good), and gives None if none has come."""
        try:
            return self._messages.get(timeout=seconds) if seconds is None or seconds > 0 else self._messages.get(False)
        except queue.Empty:
            return None


@dataclass
class Lag:
    """By how much events came later than they were due (ns of real time).

    Attributes
    ----------
    events : that were waited for.
    overruns : those that were later than `tolerance`.
    worst, total : of all lags.
    """

    tolerance: int = TOLERANCE
    events: int = 0
    overruns: int = 0
    worst: int = 0
    total: int = 0
    _bins: list[int] = field(default_factory=lambda: [0] * BINS)

    def add(self, lag: int) -> None:
        """Count an event that was `lag` ns late."""
        self.events += 1
        self.overruns += lag > self.tolerance
        self.worst = max(self.worst, lag)
        self.total += lag
        self._bins[min(lag.bit_length(), BINS - 1)] += 1

    def quantile(self, share: float) -> int:
        """A lag (ns) that this share of all events has not exceeded, to the next power of two above; 0 for none."""
        left = share * self.events
        for k, count in enumerate(self._bins):
            left -= count
            if left <= 0:
                return min((1 << k) - 1, self.worst)
        return self.worst

    def summary(self) -> dict[str, float]:
        """The account, in seconds, for a run's record."""
        mean = self.total / self.events if self.events else 0.0
        figures = {"mean_s": mean, "p99_s": self.quantile(0.99), "worst_s": self.worst, "tolerance_s": self.tolerance}
        return {"events": self.events, "overruns": self.overruns, **{key: ns / NS for key, ns in figures.items()}}


class RealTimeClock(Clock):
    """Time that passes with the wall's.

    Parameters
    ----------
    scale : simulated seconds in a real one; None: stepped.
    inbox : where messages come in.
    monotonic : the wall's time (ns).
    tolerance : lag from which an event is an overrun (ns of real time).

    Raises
    ------
    ValueError
        For a scale that is not a positive, finite number.
    """

    real: ClassVar[bool] = True

    def __init__(
        self,
        scale: float | None = 1.0,
        *,
        inbox: Inbox | None = None,
        monotonic: Callable[[], int] = time.monotonic_ns,
        tolerance: int = TOLERANCE,
    ) -> None:
        super().__init__()
        if scale is not None and not (math.isfinite(scale) and scale > 0):
            raise ValueError(f"a time scale must be a positive number, not {scale}")
        self.scale = scale
        self.inbox = Inbox() if inbox is None else inbox
        self.lag = Lag(tolerance)
        self._monotonic = monotonic
        self._origin: tuple[int, int] | None = None
        self._awaited = 0
        self._stopped = False

    @property
    def stepped(self) -> bool:
        """Whether time passes only while somebody waits."""
        return self.scale is None

    def jump(self, instant: int, events: int) -> None:
        super().jump(instant, events)
        self._origin = None

    def present(self) -> int:
        """What time it is (ns since the start of the run), also between events; from any thread."""
        return max(self._present(), self.now)

    def until(self, instant: int) -> simpy.Event:
        """As `Clock.until`; an instant that has passed, since something real took longer, is at once, and a lag."""
        if instant < self.now and self.scale is not None:
            self.lag.add(int((self.now - instant) / self.scale))
            instant = self.now
        return super().until(instant)

    # --- running -----------------------------------------------------------------------------------------------------

    def run(self, operation: Process) -> Any:
        """Run an operation to its end, and return what it returns; messages are heard meanwhile."""
        process = self.process(operation)
        assert process.callbacks is not None
        process.callbacks.append(_defuse)  # it is raised here
        with self.awaiting():
            while not process.processed:
                self._turn(lambda: process.processed)
        if not process.ok:
            error: Any = process.value
            raise error
        return process.value

    def run_until_stopped(self) -> None:
        """Let time pass and hear messages until one of them calls `stop`."""
        self._stopped = False
        while not self._stopped:
            self._turn(lambda: self._stopped)

    def stop(self) -> None:
        """End `run_until_stopped` after the present message or event; from the simulation's thread."""
        self._stopped = True

    @contextmanager
    def awaiting(self) -> Iterator[None]:
        """While this is open, somebody waits for an operation to end: a stepped clock moves on."""
        self._awaited += 1
        try:
            yield
        finally:
            self._awaited -= 1

    # --- one turn ----------------------------------------------------------------------------------------------------

    def _turn(self, over: Callable[[], bool]) -> None:
        """Do what is due, then, unless it is all over, wait for the next event or message, whichever is first."""
        self._catch_up(self._present())
        if over():
            return
        due = self._environment.peek()
        message = self.inbox.take(self._patience(due))
        if message is None:
            if self.stepped and due != math.inf:
                self._environment.step()
            return
        self._catch_up(self._present())  # what was due before the message came
        message()

    def _patience(self, due: float) -> float | None:
        """How long to wait for a message (s)."""
        if self.scale is None:
            return 0.0 if self._awaited and due != math.inf else None
        if due == math.inf:
            return None
        return max((due - self._present()) / (NS * self.scale), 0.0)

    def _present(self) -> int:
        """The simulation's time that belongs to the wall's (ns)."""
        if self.scale is None:
            return self.now
        wall = self._monotonic()
        if self._origin is None:
            self._origin = wall, self.now
        passed = wall - self._origin[0]
        return self._origin[1] + (passed if self.scale == 1.0 else int(passed * self.scale))

    def _catch_up(self, present: int) -> None:
        """Process the events that are due, each at its own time, then let time be `present` (ns)."""
        while (due := self._environment.peek()) <= present:
            if due > self._environment.now and self.scale is not None:
                self.lag.add(int((self._present() - due) / self.scale))
            self._environment.step()
        self._environment.pass_to(present)


def _defuse(event: simpy.Event) -> None:
    event.defused = True
