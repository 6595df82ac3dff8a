"""When nobody is about to read an instrument, so that a look at it keeps no burst waiting.

A campaign goes on when a time comes that it waits for, or when a real instrument has done what it was asked. So nothing
begins before the next time that is waited for, unless an instrument is at work whose end is not known. A read under way
has a schedule: until its end, whatever it waits for begins nothing at another instrument.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import simpy

from hw_bridge.drivers.driver import Driver
from twin.clock import Clock, Process
from twin.recorder import Label, Schedule


class Quiet:
    """See the module.

    Parameters
    ----------
    clock : of the run.
    drivers : of all real instruments; from now on it is known what they read.
    """

    def __init__(self, clock: Clock, drivers: Iterable[Driver]) -> None:
        self._clock = clock
        self._drivers = list(drivers)
        self._reads: dict[simpy.Process | None, tuple[Driver, int]] = {}
        """Of each process: what it reads, and until when (ns)."""
        for driver in self._drivers:
            there: Any = driver
            if hasattr(driver, "read"):
                there.read = self._known(driver, there.read)

    def until(self, driver: Driver) -> float:
        """Until when nobody begins to read an instrument, as far as it is known (ns)."""
        now = self._clock.now
        if driver.worker.busy:
            return now
        soonest = math.inf
        for when, waiting in self._clock.due():
            soonest = min(soonest, *(max(when, self._end(process, driver)) for process in waiting))
        for other in self._drivers:
            if other is not driver and other.worker.busy:
                soonest = min(soonest, self._free(other))
        return max(soonest, now)

    def _end(self, process: simpy.Process | None, driver: Driver) -> float:
        """Until when a process reads another instrument (ns)."""
        reads, end = self._reads.get(process, (driver, 0))
        return 0 if reads is driver else end

    def _free(self, other: Driver) -> float:
        """Before when an instrument that is at work lets nobody go on (ns)."""
        under_way = [(process, end) for process, (reads, end) in self._reads.items() if reads is other]
        if not under_way:
            return 0  # it does something else, and nobody knows for how long
        return min((end for process, end in under_way if not self._clock.in_background(process)), default=math.inf)

    def _known(self, driver: Driver, read: Callable[..., Process]) -> Callable[..., Process]:
        def known(schedule: Schedule, labels: Mapping[str, Label], **more: Any) -> Process:
            process = self._clock.active
            self._reads[process] = driver, schedule.end
            try:
                return (yield from read(schedule, labels, **more))
            finally:
                del self._reads[process]

        return known
