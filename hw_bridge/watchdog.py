"""The watchdog: a thread that ends what does not end by itself.

It gives up jobs that take longer than they may, and if the simulation stands still while an output may be on it brings
the instruments to their safe state by itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from hw_bridge import safe_state
from hw_bridge.drivers.driver import Driver
from hw_bridge.errors import SafetyError
from twin.clock import Process
from twin.real_time import RealTimeClock

LOOK = 0.1
"""From look to look (s)."""
BEAT = 1.0
"""From beat to beat of the simulation (s)."""


class Watchdog:
    """See the module.

    Parameters
    ----------
    drivers : that it looks after.
    clock : of the simulation.
    stalled : how long the simulation may stand still (s).
    """

    def __init__(self, drivers: Sequence[Driver], clock: RealTimeClock, stalled: float) -> None:
        self.tripped: list[str] = []
        self._drivers = drivers
        self._clock = clock
        self._stalled = stalled
        self._beat = time.monotonic()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin; from the thread of the simulation."""
        self._beat = time.monotonic()
        if self._clock.scale is not None:
            self._clock.process(self._beating(), background=True)
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()

    def _beating(self) -> Process:
        while True:
            self._beat = time.monotonic()
            yield self._clock.wait(BEAT)

    def _watch(self) -> None:
        while not self._end.wait(LOOK):
            for driver in self._drivers:
                if driver.worker.give_up():
                    driver.wire.abort()
            if self._clock.scale is not None and not self.tripped and time.monotonic() - self._beat > self._stalled:
                self._trip()

    def _trip(self) -> None:
        self.tripped.append(f"watchdog: the simulation stood still for {self._stalled:g} s")
        self.tripped += map(str, safe_state.reach(self._drivers))
        self._clock.inbox.put(self._raise)

    def _raise(self) -> None:
        raise SafetyError("; ".join(self.tripped))
