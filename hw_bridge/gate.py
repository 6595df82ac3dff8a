"""The door between the threads: a transport's coroutines on one side, the simulation on the other.

Transports live in an event loop of a thread of their own and never touch an instrument. What they want done goes
through the clock's inbox and is done in the simulation's thread, at the time at which it arrives.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import simpy

from twin.clock import Process
from twin.real_time import RealTimeClock

LOG = logging.getLogger("kibble_twin.serve")


class Gate:
    """See the module.

    Parameters
    ----------
    clock : whose inbox leads into the simulation.
    loop : in which the transports live.
    after : called in the simulation's thread after each message.
    """

    def __init__(
        self, clock: RealTimeClock, loop: asyncio.AbstractEventLoop, after: Callable[[], None] = lambda: None
    ) -> None:
        self._clock = clock
        self._loop = loop
        self._after = after

    def post(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Have a function called in the simulation; from the transports."""

        def message() -> None:
            try:
                function(*arguments)
                self._after()
            except Exception:  # one client's message must not end the simulation for all
                LOG.exception("%s", function)

        self._clock.inbox.put(message)

    async def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Have a function called in the simulation, and wait for what it returns."""
        future = self._loop.create_future()

        def message() -> None:
            try:
                result, error = function(*arguments), None
            except Exception as raised:  # it is raised where it was asked for
                result, error = None, raised
            self.answer(_settle, future, result, error)

        self.post(message)
        return await future

    async def operation(self, process: Process) -> Any:
        """Have an operation done in the simulation, and wait until it ends."""
        future = self._loop.create_future()

        def ended(event: simpy.Event) -> None:
            event.defused = True
            self.answer(_settle, future, *((event.value, None) if event.ok else (None, event.value)))

        def message() -> None:
            started = self._clock.process(process)
            assert started.callbacks is not None
            started.callbacks.append(ended)

        self.post(message)
        return await future

    def answer(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Have a function called among the transports; from the simulation. Nobody is there when they have closed."""
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:  # the loop is closed
            if not self._loop.is_closed():
                raise


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():  # who waited has gone
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
