"""Simulated parts follow a real instrument: the one way by which readings drive the twin.

Whoever is wired to an output of a real instrument that reads follows its readings along straight lines, later by a
constant `latency`: a reading of the time t, the middle of its aperture, is where they are at ``t + latency``. By then
the next one is known, as readings are asked for every `interval` and the latency is two of them unless stated. So
nothing is known before it has been read, what follows is continuous, and its rate is the mean rate between two
readings. A reading that comes too late finds the parts standing where the last one left them: they catch up within an
interval, and it is counted.

What the campaign reads is followed as well; in between the instrument is asked, but only where that will be over before
anybody can begin to read it (`hw_bridge.quiet`), so that no burst is late because of a look. How long one takes is
known from those before, of which the first is taken before the campaign begins; one that has to wait is held, and
counted. A new run is told the first one from its start on: the air that an interferometer has counted in since then is
that of the room, and no step is made to it. The log has them as they were read, and the lines, so that a shadow follows
them too. A run that is resumed begins anew with the first reading it takes; one of which no step had finished is a new
one in this, too, since what it had been told is set aside with what it had read.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.fed import LONGEST, Fed
from components.voltmeter import TERMINALS
from hw_bridge.drivers.driver import LOOK, Driver
from hw_bridge.quiet import Quiet
from twin.clock import Process
from twin.piece import Piece, constant, ramp
from twin.recorder import INTEGRATED, LATE, Block, Schedule
from twin.times import NS, to_ns

MARGIN = 1.5
"""What a look may take beside its aperture, over what one has taken."""
RETRIES = 10
"""In an interval, of a look that is held."""


class Following:
    """See the module.

    Parameters
    ----------
    driver : of the real instrument.
    part : in its place in the twin.
    quiet : knows when there is time for a look.

    Attributes
    ----------
    interval, latency : (ns).
    aperture, longest : of a look, and how long one has taken (ns).
    told, late, missing : readings that were followed; after which the parts stood still; that were not a number.
    held : looks that had to wait for the campaign.
    """

    def __init__(self, driver: Driver, part: Fed, quiet: Quiet) -> None:
        self.driver, self.part, self.quiet = driver, part, quiet
        hardware = driver.hardware
        self.interval = to_ns(hardware.interval)
        self.latency = to_ns(hardware.lag)
        self.aperture = min(self.interval // 2, to_ns(LONGEST))
        self.longest = self.aperture
        self.told = self.late = self.missing = self.held = 0
        self._ends: dict[str, tuple[int, float]] = {}  # where each quantity is led to, and when (ns)
        self._last: dict[str, int] = {}  # reading of each (ns)
        self._beginning = False
        driver.heard = self.hear

    @property
    def delay(self) -> str:
        """The latency in words."""
        return f"{self.latency / NS:g} s"

    def look(self, *, beginning: bool = False) -> Process:
        """Ask for a reading now.

        Parameters
        ----------
        beginning : whether nothing that follows has been asked for: then it has been so since the run began.
        """
        clock, operated, begin = self.driver.clock, self.driver, self.driver.clock.now
        there: Any = operated
        self._beginning = beginning
        yield from there.read(Schedule(begin, self.aperture, 1), {"phase": LOOK})
        self._beginning = False
        self.longest = max(self.longest, clock.now - begin)

    def run(self) -> Process:
        """Ask for readings until the run ends; a first one has been taken."""
        clock = self.driver.clock
        begin = clock.now
        while True:
            passed = (clock.now - begin) // self.interval
            yield clock.until(begin + (passed + 1) * self.interval)
            self.held += not self.may_look()
            while not self.may_look():
                yield clock.until(clock.now + max(self.interval // RETRIES, 1))
            yield from self.look()

    def may_look(self) -> bool:
        """Whether a look will be over before anybody can begin to read the instrument."""
        needed = self.aperture + MARGIN * (self.longest - self.aperture)
        return self.driver.clock.now + needed <= self.quiet.until(self.driver)

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
            "held": self.held,
        }


def _line(begin: float, end: float, start: int, stop: int) -> Piece:
    return constant(end, start, stop) if begin == end else ramp(begin, end, start, stop)
