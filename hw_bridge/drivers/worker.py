"""The thread of a connection: what an instrument is asked to do, one after the other.

What has been done enters the simulation through the clock's inbox, at the time at which it is done.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import simpy

from hw_bridge.errors import BridgeError
from twin.clock import Clock
from twin.real_time import RealTimeClock

Job = Callable[[], Any]


class Worker:
    """See the module.

    Parameters
    ----------
    name : of the instrument.
    clock : real time.
    """

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self._clock = clock
        self._jobs: queue.SimpleQueue[tuple[Job, float, Future[Any]] | None] = queue.SimpleQueue()
        self._waiting: simpy.Event | None = None
        self._thread: threading.Thread | None = None
        self._counting = threading.Lock()
        self._pending = 0
        self._deadline: float | None = None  # of the job under way (monotonic s)

    def do(self, job: Job, patience: float) -> simpy.Event:
        """Have a job done within `patience` (s); an event of the simulation, with what it returns or the error it
        raises."""
        clock = self._clock
        if not isinstance(clock, RealTimeClock):
            raise BridgeError(f"{self.name}: real instruments need a clock of real time", self.name)
        event, inbox = clock.event(), clock.inbox
        future = self._submitted(job, patience)
        self._waiting = event

        def done(future: Future[Any]) -> None:
            error = future.exception()
            inbox.put(lambda: _settle(event, None if error else future.result(), error))

        future.add_done_callback(done)
        return event

    def call(self, job: Job, patience: float) -> Any:
        """Have a job done and wait for it, at most as long as `patience` (s); from any thread but this one."""
        try:
            return self._submitted(job, patience).result(patience)
        except TimeoutError:
            raise BridgeError(f"{self.name}: does not come back within {patience:g} s", self.name) from None

    @property
    def busy(self) -> bool:
        """Whether a job is under way or waits."""
        return self._pending > 0

    def give_up(self) -> bool:
        """Let whoever waits for a job that is overdue hear of it; from the watchdog's thread. Whether there was one."""
        deadline, event = self._deadline, self._waiting
        if deadline is None or time.monotonic() <= deadline:
            return False
        self._deadline = None
        if event is not None and isinstance(self._clock, RealTimeClock):
            error = BridgeError(f"{self.name}: did not come back in time", self.name)
            self._clock.inbox.put(lambda: _settle(event, None, error))
        return True

    def stop(self, patience: float = 5.0) -> bool:
        """End the thread after the jobs that wait; whether it has ended."""
        if self._thread is None:
            return True
        self._jobs.put(None)
        self._thread.join(patience)
        ended, self._thread = not self._thread.is_alive(), None
        return ended

    def _submitted(self, job: Job, patience: float) -> Future[Any]:
        if self._thread is None:
            thread = threading.Thread(target=self._work, name=f"driver {self.name}", daemon=True)
            thread.start()
            self._thread = thread  # not one that did not start: nobody would do its jobs
        future: Future[Any] = Future()
        with self._counting:
            self._pending += 1
        self._jobs.put((job, patience, future))
        return future

    def _work(self) -> None:
        while (item := self._jobs.get()) is not None:
            job, patience, future = item
            self._deadline = time.monotonic() + patience
            result, failed = None, None
            try:
                result = job()
            except BaseException as error:
                failed = error
            self._deadline = None
            with self._counting:
                self._pending -= 1
            if failed is None:
                future.set_result(result)
            else:
                future.set_exception(failed)


def _settle(event: simpy.Event, result: Any, error: BaseException | None) -> None:
    if event.triggered:
        return
    if error is None:
        event.succeed(result)
    else:
        event.fail(error if isinstance(error, Exception) else BridgeError(str(error)))
        event.defused = not event.callbacks  # nobody waits any more
