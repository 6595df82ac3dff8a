"""A client's conversation with an instrument: what it has sent, and the replies that are its own.

An instrument has one parser and any number of sessions, one for each connection (link, controller address). A reply
belongs to the session and to the message that asked for it: on a *message-based* way in (GPIB, VXI-11, HiSLIP) a newer
message makes what is unread of older ones void, as on the instrument, so that a client that gave up waiting never takes
the answer to its last question for that to its next. On a *stream* (a raw socket) replies go out in the order of the
questions, as soon as they are there; over HiSLIP they are pushed too, each with the number of its question.

All this happens in the simulation's thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import simpy

from twin.clock import Process
from twin.times import NS

if TYPE_CHECKING:
    from hw_bridge.cores.core import Core

FULL = 1 << 18
"""Bytes of unread replies with which an instrument waits before it sends more."""
LONGEST_WAIT = 3600 * NS
"""Patience that nobody exceeds (ns)."""
LONGEST = 1 << 16
"""Bytes of a message; what is longer is an error of the client."""


WAITING = 32
"""Messages of a client that may wait; further ones wait with the client."""


class Chunk(NamedTuple):
    """A piece of a reply.

    Parameters
    ----------
    data : the bytes.
    end : whether the last byte comes with END (EOI).
    more : whether it is a part of something longer.
    """

    data: bytes
    end: bool
    more: bool = False


class Session:
    """See the module.

    Parameters
    ----------
    core : the instrument.
    push : takes a reply as it comes, with the number of the message that asked for it; None where replies wait to be
        read.
    stream : whether replies to older messages are still wanted.
    """

    def __init__(self, core: Core, push: Callable[[Chunk, int], None] | None = None, *, stream: bool = False) -> None:
        self.core = core
        self.push = push
        self.stream = stream
        self.buffer = bytearray()  # of a message that is not complete
        self.overflow = False  # whether the message has been longer than any may be
        self.newest = 0  # number of what was written last; messages that came together share it
        self.pending = 0  # messages that are not done
        self.closed = False
        self._writing = False  # whether the client waits to be rid of what it writes
        self._output: deque[Chunk] = deque()
        self._unread = 0
        self._news: list[simpy.Event] = []

    # --- what the client sends ---------------------------------------------------------------------------------------

    def write(self, data: bytes, end: bool = False) -> None:
        """Take bytes from the client; `end` with the last byte of a message (END, EOI)."""
        messages = self.core.split(self, data, end)
        if messages and self._output:
            self._output.clear()
            self._unread = 0
            self.core.interrupted(self)
        self.newest += bool(messages)
        for message in messages:
            self.pending += 1
            self.core.submit(self, self.newest, message)
        if messages:
            self._tell()  # what waited to be read is void

    def accept(self, data: bytes, end: bool = False, most: int = 0) -> Process:
        """`write`, and wait until no more than `most` messages are not done: what comes meanwhile waits with the
        client."""
        self.write(data, end)
        self._writing = True
        while self.pending > most and not self.closed:
            yield self._wait()
        self._writing = False

    def done(self) -> None:
        """A message has been dealt with; called by the core."""
        self.pending -= 1
        self._tell()

    # --- what it gets ------------------------------------------------------------------------------------------------

    def reply(self, data: bytes, number: int, *, end: bool = True, more: bool = False) -> Process:
        """Send a piece of the reply to a message; waits while too much is unread."""
        while self._unread >= FULL and self._wanted(number):
            if self._writing and self.push is None:  # it will never read: as IEEE 488.2 has it, a deadlock
                self._output.clear()
                self._unread = 0
                self.core.deadlocked(self)
                return
            yield self._wait()
        if not self._wanted(number) or not data:
            return
        if self.push is not None:
            self._unread += len(data)
            self.push(Chunk(data, end, more), number)
            return
        self._output.append(Chunk(data, end, more))
        self._unread += len(data)
        self._tell()

    def _wanted(self, number: int) -> bool:
        return not self.closed and (self.stream or number == self.newest)

    def delivered(self, size: int) -> None:
        """So many bytes that were pushed have gone to the client."""
        self._unread -= size
        self._tell()

    @property
    def has_output(self) -> bool:
        """Whether a reply waits to be read: the message-available bit."""
        return bool(self._output)

    def read(self, size: int, patience: int, stop: int | None = None) -> Process:
        """Read up to `size` bytes, up to END or up to the byte `stop`; returns the `Chunk`, or what there is when
        patience (ns of the simulation) is over. Addresses the instrument to talk.
        """
        clock, taken, limit = self.core.clock, bytearray(), None
        with self.core.awaiting():
            while not self.closed:
                if not self._output and not self.pending:
                    yield from self.core.addressed_to_talk(self)
                while self._output and len(taken) < size:
                    chunk, room = self._output.popleft(), size - len(taken)
                    cut = min(len(chunk.data), room)
                    if stop is not None and (found := chunk.data.find(stop, 0, cut)) >= 0:
                        cut = found + 1
                    taken += chunk.data[:cut]
                    self._unread -= cut
                    if cut < len(chunk.data):
                        self._output.appendleft(Chunk(chunk.data[cut:], chunk.end))
                    if cut == len(chunk.data) and chunk.end:
                        self._tell()
                        return Chunk(bytes(taken), True)
                    if stop is not None and taken[-1] == stop:
                        self._tell()
                        return Chunk(bytes(taken), False)
                self._tell()
                if len(taken) >= size or (limit is not None and limit.processed):
                    break
                if limit is None:
                    limit = clock.until(clock.now + min(patience, LONGEST_WAIT))
                yield self._wait() | limit
        return Chunk(bytes(taken), False)

    # --- clear and close ---------------------------------------------------------------------------------------------

    def clear(self) -> None:
        """Device clear: forget what was sent and not done, and what was not read."""
        self.buffer.clear()
        self.overflow = False
        self.newest += 1
        self._output.clear()
        self._unread = 0 if self.push is None else self._unread
        self.core.clear(self)
        self._tell()

    def close(self) -> None:
        """The client has gone: what it asked for goes nowhere, and what was not begun is forgotten.

        What it has set stays set, as on the instrument.
        """
        self.closed = True
        self.buffer.clear()
        self._output.clear()
        self._unread = 0
        self.core.forget(self)
        self._tell()

    # --- waiting -----------------------------------------------------------------------------------------------------

    def _wait(self) -> simpy.Event:
        event = self.core.clock.event()
        self._news.append(event)
        return event

    def _tell(self) -> None:
        waiting, self._news = self._news, []
        for event in waiting:
            event.succeed()
