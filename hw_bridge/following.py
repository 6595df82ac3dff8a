"""Simulated parts follow a real instrument: the one way by which readings drive the twin.

Whoever is wired to an output of a real instrument that reads follows its readings along straight lines, later by a
constant `latency`: a reading of the time t, the middle of its aperture, is where they are at ``t + latency``. By then
the next one is known, as readings are asked for every `interval` and the latency is two of them unless stated. So
nothing is known before it has been read, what follows is continuous, and its rate is the mean rate between two
readings. A reading that comes too late finds the parts standing where the last one left them: they catch up within an
interval, and it is counted.

A run begins with a look at each, which holds from its start: the air that an interferometer has counted in since then
is that of the room, and no step is made to it.

What the campaign reads is followed as well; in between the instrument is asked while nobody else speaks to it. The log
holds them as they were read, and the lines, so that a shadow follows them too. A run that is resumed
begins anew with the first reading it takes.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.fed import LONGEST, Fed
from components.voltmeter import TERMINALS
from hw_bridge.drivers.driver import LOOK, Driver
from twin.clock import Process
from twin.piece import Piece, constant, ramp
from twin.recorder import INTEGRATED, LATE, Block, Schedule
from twin.times import NS, to_ns


class Following:
    """See the module.

    Parameters
    ----------
    driver : of the real instrument.
    part : in its place in the twin.

    Attributes
    ----------
    interval, latency : (ns).
    told, late, missing : readings that were followed; after which the parts stood still; that were not a number.
    """

    def __init__(self, driver: Driver, part: Fed) -> None:
        self.driver, self.part = driver, part
        hardware = driver.hardware
        self.interval = to_ns(hardware.interval)
        self.latency = to_ns(hardware.lag)
        self.told = self.late = self.missing = 0
        self._ends: dict[str, tuple[int, float]] = {}  # where each quantity is led to, and when (ns)
        self._last: dict[str, int] = {}  # reading of each (ns)
        self._beginning = False
        driver.heard = self.hear

    @property
    def delay(self) -> str:
        """The latency in words."""
        return f"{self.latency / NS:g} s"

    def begin(self) -> Process:
        """Look before the campaign begins, when nothing that follows has been asked for: as it was from the start."""
        self._beginning = True
        yield from self.look()
        self._beginning = False

    def look(self) -> Process:
        """Take a reading."""
        operated: Any = self.driver
        aperture = min(self.interval // 2, to_ns(LONGEST))
        yield from operated.read(Schedule(self.driver.clock.now, aperture, 1), {"phase": LOOK})

    def run(self) -> Process:
        """Ask for readings until the run ends."""
        clock, driver = self.driver.clock, self.driver
        begin = clock.now
        if self.told:  # it has been looked at
            yield clock.until(begin + self.interval)
        while True:
            if not driver.worker.busy:
                yield from self.look()
            passed = (clock.now - begin) // self.interval
            yield clock.until(begin + (passed + 1) * self.interval)

    def hear(self, block: Block) -> None:
        """Follow what was read."""
        if block.quantity not in self.part.fed or TERMINALS in block.labels:
            return
        shift = to_ns(float(block.labels[LATE])) + block.aperture // 2
        times, values = block.schedule.instants().ravel() + shift, block.values.ravel()
        new = np.isfinite(values) & (times > self._last.get(block.quantity, -1))
        self.missing += int(np.count_nonzero(~np.isfinite(values)))
        if not new.any():
            return
        self._last[block.quantity] = int(times[new][-1])
        self.told += int(np.count_nonzero(new))
        laws = self._lines(block.quantity, times[new] + self.latency, values[new])
        looked = block.labels.get(INTEGRATED)
        self.part.tell(block.quantity, *laws, aperture=block.aperture if looked is None else to_ns(float(looked)))

    def _lines(self, quantity: str, due: NDArray[np.int64], values: NDArray[np.float64]) -> list[Piece]:
        """From where the parts are to where they are to be at these times (ns), from now on."""
        now, final = self.driver.clock.now, float(values[-1])
        if quantity not in self._ends:
            self._ends[quantity] = max(now, int(due[-1])), final
            return [constant(final, 0 if self._beginning else now)]
        at, level = self._ends[quantity]
        if at < now:
            at, self.late = now, self.late + 1
        points = [(int(t), float(value)) for t, value in zip(due, values, strict=True) if t > at]
        points = points or [(at + self.interval, final)]
        self._ends[quantity] = points[-1]
        stops = [(at, level), *points]
        return [_line(a, b, start, end) for (start, a), (end, b) in pairwise(stops)]

    def account(self) -> dict[str, Any]:
        """What there is to tell, as plain values."""
        return {
            "quantities": sorted(self.part.fed),
            "interval_s": self.interval / NS,
            "latency_s": self.latency / NS,
            "told": self.told,
            "late": self.late,
            "missing": self.missing,
        }


def _line(begin: float, end: float, start: int, stop: int) -> Piece:
    return constant(end, start, stop) if begin == end else ramp(begin, end, start, stop)
