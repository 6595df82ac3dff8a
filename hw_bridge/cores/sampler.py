"""A sensor with a clock and a memory of its own: a laser's position counter, a position detector, a weather station.

No particular instrument, but the way that counters and recorders speak SCPI: ``SAMPle:COUNt 13;TIMer 0.025`` and
``INITiate`` take readings at the instrument's own pace, ``FETCh?`` waits for them and answers as often as it is asked,
reading by reading. ``MEASure? temperature`` is one reading of one quantity now. All in SI.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import simpy

from hw_bridge.cores.scpi import ScpiCore, ScpiError, header, integer, number, switch
from twin.clock import Clock, Process
from twin.errors import TwinError
from twin.recorder import Block, Schedule
from twin.times import to_ns

UNITS: Mapping[str, str] = {
    **dict.fromkeys(("position", "x", "y"), "m"),
    **dict.fromkeys(("theta_x", "theta_y"), "rad"),
    **{"field": "T", "temperature": "K", "pressure": "Pa", "humidity": "1"},
}
MOST, SHORTEST, LONGEST = 10_000, 1e-3, 1000.0
"""Readings in memory, and from reading to reading (s)."""
LOOK = 0.1
"""Over which a single reading is averaged (s)."""


class Sampler(ScpiCore):
    """See the module.

    Parameters
    ----------
    instrument : with the operation ``read(schedule, labels)``.
    quantities : that it reads, in this order.
    latest : what has last been read of a quantity.
    instants : whether it also reads at instants (``SAMPle:AVERage OFF``), as an interferometer does.
    """

    model: ClassVar[str] = "sampler"

    def __init__(
        self,
        name: str,
        clock: Clock,
        instrument: Any,
        quantities: Sequence[str],
        latest: Callable[[str], Block],
        *,
        instants: bool = False,
    ) -> None:
        super().__init__(name, clock)
        self.identity = f"KIBBLE-TWIN,{type(instrument).__name__.upper()},0,1.0"
        self.instrument, self.quantities = instrument, tuple(quantities)
        self._latest, self._instants = latest, instants
        self._taking: simpy.Process | None = None
        self._began: int | None = None
        self._memory: list[float] | None = None
        self.reset()

    def reset(self) -> None:
        self.abort()
        self.count, self.step, self.average, self._memory = 1, 1.0, True, None

    @property
    def oldest(self) -> int | None:
        began = [t for t in (self.since, self._began) if t is not None]
        return min(began, default=None)

    # --- settings ----------------------------------------------------------------------------------------------------

    @header(":SAMPle:COUNt")
    def set_count(self, value: str) -> None:
        self.count = integer(value, 1, MOST)

    @header(":SAMPle:COUNt?")
    def count_query(self) -> str:
        return str(self.count)

    @header(":SAMPle:TIMer")
    def set_timer(self, value: str) -> None:
        seconds = number(value)
        if not SHORTEST <= seconds <= LONGEST:
            raise ScpiError(-222)
        self.step = seconds

    @header(":SAMPle:TIMer?")
    def timer_query(self) -> str:
        return repr(self.step)

    @header(":SAMPle:AVERage")
    def set_average(self, state: str) -> None:
        if not switch(state) and not self._instants:
            raise ScpiError(-221)
        self.average = switch(state)

    @header(":SAMPle:AVERage?")
    def average_query(self) -> str:
        return str(int(self.average))

    @header(":DATA:QUANtities?")
    def quantities_query(self) -> str:
        return ",".join(self.quantities)

    # --- readings ----------------------------------------------------------------------------------------------------

    @header(":INITiate[:IMMediate]")
    def initiate(self) -> None:
        if self._began is not None:
            raise ScpiError(-213, "Init ignored")
        self._memory, self._began = None, self.clock.now
        self._taking = self.clock.process(self._take(self._schedule(self.step, self.count)))

    def _schedule(self, step: float, count: int) -> Schedule:
        return Schedule(self.clock.now, to_ns(step), count)

    def _take(self, schedule: Schedule) -> Process:
        """Fill the memory, reading by reading."""
        try:
            columns = yield from self._read(schedule)
            self._memory = np.stack(columns, axis=-1).ravel().tolist()
        except simpy.Interrupt:
            pass
        except TwinError:  # of the simulation: there is no data
            self.failed("no reading")
        finally:
            self._began = None

    def _read(self, schedule: Schedule) -> Process:
        """What it shows of each quantity."""
        how = {} if self.average else {"instantaneous": True}
        yield from self.instrument.read(schedule, {}, **how)
        return [self._latest(quantity).values.ravel() for quantity in self.quantities]

    @header(":ABORt")
    def abort(self) -> None:
        if self._taking is not None and self._taking.is_alive:
            self._taking.interrupt()

    @header(":DATA:POINts?")
    def points(self) -> str:
        return str(0 if self._memory is None else len(self._memory) // len(self.quantities))

    @header(":FETCh?")
    def fetch(self) -> Process:
        """Wait for what is being taken, and tell it; again, if asked again."""
        if self._began is not None and self._taking is not None:
            yield self._taking
        if self._memory is None:
            raise ScpiError(-230, "Data corrupt or stale")
        return ",".join(repr(value) for value in self._memory)

    @header(":MEASure?")
    def measure(self, quantity: str = "") -> Process:
        """A reading of one quantity now; of the first, if none is named."""
        if quantity.lower() not in ("", *self.quantities):
            raise ScpiError(-224, "Illegal parameter value")
        return repr((yield from self.single(quantity.lower() or self.quantities[0])))

    def single(self, quantity: str) -> Process:
        """One reading of a quantity now; returns it."""
        yield from self.instrument.read(self._schedule(LOOK, 1), {})
        return float(self._latest(quantity).values.flat[-1])
