"""What a transport expects of an instrument, whatever its language."""

from __future__ import annotations

import logging
import re
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar

import simpy

from hw_bridge.session import LONGEST, Chunk, Session
from twin.clock import Clock, Process
from twin.errors import TwinError
from twin.real_time import RealTimeClock

LOG = logging.getLogger("kibble_twin.serve")
ANSWERING = 0.01
"""Time that a stepped clock gives to a reply that takes none (s), so that whoever polls gets on."""


class Answer:
    """Where the replies to one message go."""

    def __init__(self, session: Session, number: int) -> None:
        self.session = session
        self.number = number
        self.sent = False

    def send(self, data: bytes, *, end: bool = True, more: bool = False) -> Process:
        """Send a piece of the reply; `end` with its last byte (EOI); `more` of the same will follow."""
        self.sent = True
        yield from self.session.reply(data, self.number, end=end, more=more)


@dataclass
class Turn:
    """An operation of a role that waits for its turn among the messages.

    Parameters
    ----------
    operation : to be done; what it returns may be a process.
    done : has what it returned and what it raised; simpy would make another error of the same kind.
    """

    operation: Callable[[], Any]
    done: simpy.Event

    def run(self) -> Process:
        """Do it."""
        result, failed = None, None
        try:
            result = self.operation()
            if hasattr(result, "send"):
                result = yield from result
        except Exception as error:
            failed = error
        finally:  # also after a device clear
            self.done.succeed((result, failed))


class Core(ABC):
    """An instrument as its clients see it: one parser, one message after the other, from any number of sessions.

    Everything here happens in the simulation's thread.

    Parameters
    ----------
    name : the component's name in the scenario.
    clock : of the simulation.

    Attributes
    ----------
    model : manufacturer and type.
    since : when the operation under way began (ns); None if there is none.
    """

    model: ClassVar[str]
    message_available: ClassVar[int] = 0
    """Bit of the status byte that says that a reply waits to be read."""
    separators: ClassVar[bytes] = b"\n"
    """Bytes that end a message on any way in; END does so too where there is one."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.clock = clock
        self.since: int | None = None
        self._queue: deque[tuple[Session, int, bytes | Turn]] = deque()
        self._current: Session | None = None
        self._worker: simpy.Process | None = None

    # --- what a language brings --------------------------------------------------------------------------------------

    @abstractmethod
    def execute(self, message: bytes, answer: Answer) -> Process:
        """Do what a message says, in the time that this takes; a client's mistake is an error of the instrument."""

    @abstractmethod
    def failed(self, reason: str) -> None:
        """The twin could not do what a message asked for: the instrument's own error for that."""

    @abstractmethod
    def status_byte(self, session: Session) -> int:
        """The status byte as a serial poll of this session sees it."""

    def too_long(self) -> None:
        """A message was longer than any may be, and has been dropped."""
        self.failed("message too long")

    def interrupted(self, session: Session) -> None:  # noqa: B027
        """A reply of this session had not been read when its next message came."""

    def deadlocked(self, session: Session) -> None:  # noqa: B027
        """A client writes and does not read what that makes: its replies have been dropped."""

    def cleared(self, session: Session) -> None:  # noqa: B027
        """A device clear from this session; what it had under way has been stopped."""

    @abstractmethod
    def trigger(self, session: Session) -> None:
        """A group execute trigger."""

    def addressed_to_talk(self, session: Session) -> Process:
        """This session wants to read, and nothing is there or on its way."""
        yield from ()

    # --- messages ----------------------------------------------------------------------------------------------------

    def open(self, push: Callable[[Chunk, int], None] | None = None, *, stream: bool = False) -> Session:
        """A new session; see `hw_bridge.session.Session`."""
        return Session(self, push, stream=stream)

    def split(self, session: Session, data: bytes, end: bool) -> list[bytes]:
        """The messages that these bytes complete."""
        messages: list[bytes] = []
        *whole, rest = re.split(b"[%s]" % re.escape(self.separators), data)
        for part in whole:
            self._buffer(session, part)
            self._complete(session, messages)
        self._buffer(session, rest)
        if end:
            self._complete(session, messages)
        return messages

    def _buffer(self, session: Session, part: bytes) -> None:
        if len(session.buffer) + len(part) <= LONGEST:
            session.buffer += part
        else:
            session.overflow = True

    def _complete(self, session: Session, messages: list[bytes]) -> None:
        if session.overflow:
            self.too_long()
        elif message := bytes(session.buffer).strip():
            messages.append(message)
        session.buffer.clear()
        session.overflow = False

    def perform(self, session: Session, operation: Callable[[], Any]) -> Process:
        """Have an operation of a role done in its turn; returns what it returns, raises what it raises."""
        turn = Turn(operation, self.clock.event())
        session.pending += 1
        self.submit(session, session.newest, turn)
        result, failed = yield turn.done
        if failed is not None:
            raise failed
        return result

    def submit(self, session: Session, number: int, message: bytes | Turn) -> None:
        """Put a message in the queue; `number` among the session's messages."""
        self._queue.append((session, number, message))
        if self._worker is None:
            self._worker = self.clock.process(self._work())

    def _work(self) -> Process:
        """Deal with the queue, message by message."""
        while self._queue:
            session, number, message = self._queue.popleft()
            self._current, self.since = session, self.clock.now
            try:
                with self.awaiting():
                    if isinstance(message, Turn):
                        yield from message.run()
                    else:
                        yield from self._deal(message, Answer(session, number))
            except simpy.Interrupt:
                pass  # a device clear: nobody waits for the rest
            except TwinError as error:
                self.failed(str(error))
            except Exception:  # a mistake of ours must not take the other instruments along
                LOG.exception("%s: %.100r", self.name, message)
                self.failed("internal error")
            finally:
                self._current, self.since = None, None
                session.done()
        self._worker = None

    def _deal(self, message: bytes, answer: Answer) -> Process:
        yield from self.execute(message, answer)
        stepped = isinstance(self.clock, RealTimeClock) and self.clock.stepped
        if stepped and answer.sent and self.clock.now == self.since:
            yield self.clock.wait(ANSWERING)

    # --- clear and close ---------------------------------------------------------------------------------------------

    def forget(self, session: Session) -> None:
        """Drop the messages of a session that have not begun."""
        mine = [item for item in self._queue if item[0] is session]
        self._queue = deque(item for item in self._queue if item[0] is not session)
        for _ in mine:
            session.done()

    def clear(self, session: Session) -> None:
        """Device clear: drop and stop what the session has asked for, or one that has gone."""
        self.forget(session)
        current = self._current
        if self._worker is not None and current is not None and (current is session or current.closed):
            self._worker.interrupt()
        self.cleared(session)

    @property
    def oldest(self) -> int | None:
        """When the oldest reading under way began (ns), whose history is needed; None if there is none."""
        return self.since

    def awaiting(self) -> AbstractContextManager[None]:
        """While this is open, a client waits for an operation to end."""
        return self.clock.awaiting() if isinstance(self.clock, RealTimeClock) else nullcontext()
