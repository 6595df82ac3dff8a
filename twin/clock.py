"""The clock: SimPy with integer-nanosecond time.

A day of tenth-second float timeouts drifts by half a microsecond; integers do not. Schedules are computed from their
origin (`twin.recorder.Schedule`), never by adding up rounded steps. This clock runs in virtual time, as fast as it
can. All that campaigns and instruments ask of a clock is `now`, `until`, `wait` and `process`; the clock that waits for
the wall, and for hardware (`twin.real_time`), offers the same.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import Any, ClassVar

import simpy

from twin.times import NS, to_ns

Process = Generator[simpy.Event, Any, Any]


def _ended() -> Process:
    yield from ()


NOTHING = _ended()
"""An operation that has ended before it began: it takes no time, and no event beside others."""
NOTHING.close()


class _CountingEnvironment(simpy.Environment):
    events = 0

    def step(self) -> None:
        """Process the next event, and count it."""
        self.events += 1
        super().step()

    def waiting(self) -> Iterator[tuple[int, list[simpy.Process | None]]]:
        """What is due and when, with the processes that wait for it; None: something else that waits."""
        for when, _, _, event in self._queue:
            bound = [getattr(callback, "__self__", None) for callback in event.callbacks or ()]
            yield int(when), [each if isinstance(each, simpy.Process) else None for each in bound]

    def pass_to(self, instant: int) -> None:
        """Let time pass to an instant before which nothing is due."""
        self._now = max(self._now, instant)


class Clock:
    """Virtual time, in nanoseconds since the start of the run.

    Attributes
    ----------
    real : whether what is not simulated may take longer than it was given.
    """

    real: ClassVar[bool] = False

    def __init__(self) -> None:
        self._environment = _CountingEnvironment(initial_time=0)
        self._background: set[simpy.Process] = set()

    def jump(self, instant: int, events: int) -> None:
        """Start at `instant` (ns), with `events` counted before: a resumed run goes on where it was interrupted."""
        self._environment = _CountingEnvironment(initial_time=instant)
        self._environment.events = events

    @property
    def now(self) -> int:
        """The present time (ns since the start of the run)."""
        return int(self._environment.now)

    @property
    def seconds(self) -> float:
        """The present time (s)."""
        return self.now / NS

    @property
    def events(self) -> int:
        """Events processed so far."""
        return self._environment.events

    def until(self, instant: int) -> simpy.Event:
        """An event at an instant (ns); an instant that has passed is an error of the caller."""
        if instant < self.now:
            raise ValueError(f"cannot wait until {instant / NS} s: it is already {self.now / NS} s")
        return self._environment.timeout(instant - self.now)

    def wait(self, seconds: float) -> simpy.Event:
        """An event after a duration (s)."""
        return self.until(self.now + to_ns(seconds))

    def event(self) -> simpy.Event:
        """An event that somebody makes happen (``event.succeed()``)."""
        return self._environment.event()

    def process(self, operation: Process, *, background: bool = False) -> simpy.Process:
        """Start an operation beside the present one; the result is an event that ends with it.

        Parameters
        ----------
        background : nobody waits for it, or does anything because of it.
        """
        process = self._environment.process(operation)
        if background:
            self._background.add(process)
        return process

    @property
    def active(self) -> simpy.Process | None:
        """The process that goes on just now."""
        return self._environment.active_process

    def in_background(self, process: simpy.Process | None) -> bool:
        """Whether it was started as such."""
        return process in self._background

    def due(self) -> Iterator[tuple[int, list[simpy.Process | None]]]:
        """What is due and when (ns), in no order, with the processes that wait for it; None: something else that waits.

        What background processes wait for is left out.
        """
        for when, waiting in self._environment.waiting():
            if any(process not in self._background for process in waiting):
                yield when, waiting

    def together(self, operations: Iterable[Process]) -> simpy.Event:
        """Start operations side by side; the result is an event at which all have ended."""
        return self._environment.all_of([self.process(each) for each in operations if each is not NOTHING])

    def run(self, operation: Process) -> Any:
        """Run an operation to its end, and return what it returns."""
        return self._environment.run(until=self.process(operation))
