"""What the transports have in common: a port, its connections, and a token where the protocol can carry one."""

from __future__ import annotations

import asyncio
import hmac
import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from hw_bridge.gate import Gate
from hw_bridge.served import Instrument
from hw_bridge.session import Chunk, Session

LOG = logging.getLogger("kibble_twin.serve")
CONNECTIONS = 64
"""At a time to one port; more are closed at once."""
PIECE = 4096
"""Bytes that are taken from a connection at a time."""
OWED = 1 << 16
"""Bytes after which the simulation is told what has gone out."""


class ProtocolError(Exception):
    """A client does not speak the protocol: its connection is closed."""


class Listener(ABC):
    """A port.

    Parameters
    ----------
    gate : to the simulation.
    instruments : that can be reached here.
    token : that a client has to know, where the protocol can carry one.
    """

    kind: ClassVar[str]
    carries_token: ClassVar[bool] = False

    def __init__(self, gate: Gate, instruments: Sequence[Instrument], token: str | None = None) -> None:
        self.gate = gate
        self.instruments = list(instruments)
        self._token = token
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port, which the system chooses for 0."""
        self._server = await asyncio.start_server(self._accepted, host, port, limit=PIECE)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Listen no more, and end all connections."""
        if self._server is not None:
            self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if len(self._tasks) <= CONNECTIONS:
                await self.converse(reader, writer)
                await writer.drain()
        except (OSError, EOFError, ProtocolError, asyncio.CancelledError):
            pass  # the client has gone, or has to; or the server closes
        except Exception:
            LOG.exception("%s", self.kind)
        finally:
            self._tasks.discard(task)
            writer.close()

    @abstractmethod
    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection until the client closes it."""

    @abstractmethod
    def addresses(self, host: str, port: int) -> list[tuple[Instrument, dict[str, str]]]:
        """The instruments, each with its VISA resource as ``address``."""

    def admitted(self, name: str) -> str | None:
        """A device name without its token ``name@token``; None if the token is wrong."""
        if self._token is None:
            return name
        name, _, given = name.partition("@")
        return name if hmac.compare_digest(given.encode(), self._token.encode()) else None


class Outlet:
    """Takes the replies of a session to a connection, and tells the simulation what has gone out."""

    def __init__(self, gate: Gate, writer: asyncio.StreamWriter) -> None:
        self._gate = gate
        self._writer = writer
        self._owed = 0
        self._draining: asyncio.Task[None] | None = None
        self.session: Session | None = None

    def push(self, chunk: Chunk, number: int) -> None:
        """From the simulation."""
        self._gate.answer(self._send, chunk, number)

    def framed(self, chunk: Chunk, number: int) -> bytes:
        """The bytes of a piece of a reply on this connection."""
        return chunk.data

    def _send(self, chunk: Chunk, number: int) -> None:
        if self._writer.is_closing():
            self._gone()
            return
        self._writer.write(self.framed(chunk, number))
        self._owed += len(chunk.data)
        if self._owed >= OWED and self._draining is None:
            self._draining = asyncio.ensure_future(self._drain())

    async def _drain(self) -> None:
        try:
            while self._owed >= OWED and self.session is not None:
                owed, self._owed = self._owed, 0
                await self._writer.drain()
                self._gate.post(self.session.delivered, owed)
        except OSError:
            self._gone()
        finally:
            self._draining = None

    def _gone(self) -> None:
        """The client has gone, perhaps without taking what it had asked for."""
        if self.session is not None:
            self._gate.post(self.session.close)

    def close(self) -> None:
        """The connection ends."""
        if self._draining is not None:
            self._draining.cancel()
        self._gone()
