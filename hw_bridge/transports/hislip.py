"""HiSLIP (IVI-6.1), in synchronized mode: an instrument as ``hislip0``, on two connections to one port.

A reply goes out as soon as it is there and carries the number of the client's message that asked for it; a client that
has asked something else meanwhile drops it, and the server sends nothing for a message that is not the newest. The
interrupted messages of the specification, which say the same once more, are not sent. Service requests are polled.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from hw_bridge.served import Instrument
from hw_bridge.session import WAITING, Chunk, Session
from hw_bridge.transports.listener import Outlet, ProtocolError
from hw_bridge.transports.locks import Locking

HEADER = struct.Struct(">2sBBIQ")
LARGEST = 1 << 16
"""Bytes of a message."""
SESSIONS = 256
INITIALIZE, INITIALIZED, FATAL, ERROR, LOCK, LOCKED, DATA, DATA_END, CLEAR_COMPLETE, CLEAR_ACKNOWLEDGED = range(10)
REMOTE, REMOTE_DONE, TRIGGER, INTERRUPTED, ASYNC_INTERRUPTED, MAX_SIZE, MAX_SIZE_IS, ASYNC_INITIALIZE = range(10, 18)
ASYNC_INITIALIZED, ASYNC_CLEAR, SERVICE, STATUS, STATUS_IS, ASYNC_CLEARED, LOCK_INFO, LOCK_INFO_IS = range(18, 26)
DESCRIPTORS, DESCRIPTORS_ARE = 26, 27
VENDOR = 128
POOR_HEADER, ONE_CHANNEL, POOR_START, TOO_MANY = 1, 2, 3, 4
UNKNOWN_TYPE, UNKNOWN_VENDOR, TOO_LARGE = 1, 3, 4


class Message(NamedTuple):
    """A message of either channel."""

    kind: int
    control: int
    parameter: int
    payload: bytes


class FatalError(Exception):
    """Ends a session, with a code for the client."""

    def __init__(self, code: int) -> None:
        super().__init__(f"HiSLIP fatal error {code}")
        self.code = code


def packed(kind: int, control: int = 0, parameter: int = 0, payload: bytes = b"") -> bytes:
    """The bytes of a message."""
    return HEADER.pack(b"HS", kind, control, parameter, len(payload)) + payload


class HislipOutlet(Outlet):
    """Frames replies, each with the client's number of what asked for it."""

    numbers: dict[int, int]
    unread = False

    def framed(self, chunk: Chunk, number: int) -> bytes:
        self.unread = True
        kind = DATA if chunk.more and not chunk.end else DATA_END
        return packed(kind, 0, self.numbers.get(number, 0xFFFFFFFF), chunk.data)


@dataclass(eq=False)
class Conversation:
    """A client's two channels."""

    session: Session
    outlet: HislipOutlet
    clearing: bool = False
    asynchronous: asyncio.StreamWriter | None = None


class Hislip(Locking):
    """See the module."""

    kind: ClassVar[str] = "hislip"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._conversations: dict[int, Conversation] = {}

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first = await self._receive(reader, writer)
            if first is None:
                return
            if first.kind == INITIALIZE:
                await self._synchronous(first, reader, writer)
            elif first.kind == ASYNC_INITIALIZE:
                await self._asynchronous(first, reader, writer)
            else:
                raise FatalError(POOR_START)
        except FatalError as error:
            writer.write(packed(FATAL, error.code))
            await writer.drain()

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Message | None:
        """The next message; None at the end of the connection. One that is too large is skipped and refused."""
        while True:
            try:
                head = await reader.readexactly(HEADER.size)
            except asyncio.IncompleteReadError:
                return None
            start, kind, control, parameter, size = HEADER.unpack(head)
            if start != b"HS":
                raise FatalError(POOR_HEADER)
            if size <= LARGEST:
                return Message(kind, control, parameter, await reader.readexactly(size))
            while size:
                skipped = await reader.read(min(size, LARGEST))
                if not skipped:
                    return None
                size -= len(skipped)
            writer.write(packed(ERROR, TOO_LARGE, 0, b"message too large"))

    # --- the synchronous channel -------------------------------------------------------------------------------------

    async def _synchronous(self, first: Message, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name = self.admitted(first.payload.decode("latin-1"))
        names = {f"hislip{k}": i for k, i in enumerate(self.instruments)}
        instrument = names.get((name or "").lower() or "hislip0") if name is not None else None
        if instrument is None:
            raise FatalError(POOR_START)
        if len(self._conversations) >= SESSIONS:
            raise FatalError(TOO_MANY)
        outlet = HislipOutlet(self.gate, writer)
        outlet.numbers = {}
        core = instrument.core
        outlet.session = session = await self.gate.call(lambda: core.open(outlet.push))
        self._last = number = self._last % 0xFFFF + 1
        while number in self._conversations:
            self._last = number = self._last % 0xFFFF + 1
        conversation = self._conversations[number] = Conversation(session, outlet)
        try:
            writer.write(packed(INITIALIZED, 0, 0x0100_0000 | number))
            while (message := await self._receive(reader, writer)) is not None:
                await self._do(conversation, message, writer)
                await writer.drain()
        finally:
            del self._conversations[number]
            self._locks.release(session.core, conversation)
            if conversation.asynchronous is not None:
                conversation.asynchronous.close()
            outlet.close()

    async def _do(self, c: Conversation, message: Message, writer: asyncio.StreamWriter) -> None:
        if c.asynchronous is None:
            raise FatalError(ONE_CHANNEL)
        if message.kind == CLEAR_COMPLETE:
            c.clearing = False
            writer.write(packed(CLEAR_ACKNOWLEDGED))
        elif message.kind in (DATA, DATA_END, TRIGGER):
            if not c.clearing:
                await self._take(c, message)
        elif message.kind == DESCRIPTORS:
            writer.write(packed(DESCRIPTORS_ARE))
        elif message.kind == FATAL:
            raise ProtocolError("the client gives up")
        elif message.kind != ERROR:
            self._refuse(message, writer)

    async def _take(self, c: Conversation, message: Message) -> None:
        """Data or a trigger for the instrument, once nobody else has it locked."""
        session, outlet = c.session, c.outlet
        await self._locks.available(session.core, c, 3600.0)
        if message.control & 1:
            outlet.unread = False

        def take() -> None:
            """In the simulation: what is written next gets this message's number."""
            outlet.numbers = {session.newest: outlet.numbers.get(session.newest, 0xFFFFFFFF)}
            before = session.newest
            if message.kind == TRIGGER:
                session.core.trigger(session)
            else:
                session.write(message.payload, message.kind == DATA_END)
            outlet.numbers |= {session.newest: message.parameter} if session.newest > before else {}

        await self.gate.call(take)
        await self.gate.operation(session.accept(b"", False, WAITING))

    def _refuse(self, message: Message, writer: asyncio.StreamWriter) -> None:
        code = UNKNOWN_VENDOR if message.kind >= VENDOR else UNKNOWN_TYPE
        writer.write(packed(ERROR, code, 0, b"unrecognized message"))

    # --- the asynchronous channel ------------------------------------------------------------------------------------

    async def _asynchronous(self, first: Message, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        c = self._conversations.get(first.parameter)
        if c is None or c.asynchronous is not None:
            raise FatalError(POOR_START)
        c.asynchronous = writer
        writer.write(packed(ASYNC_INITIALIZED, 0, int.from_bytes(b"KT", "big")))
        while (message := await self._receive(reader, writer)) is not None:
            await self._answer(c, message, writer)
            await writer.drain()

    async def _answer(self, c: Conversation, message: Message, writer: asyncio.StreamWriter) -> None:
        session = c.session
        if message.kind == MAX_SIZE:
            writer.write(packed(MAX_SIZE_IS, payload=struct.pack(">Q", LARGEST)))
        elif message.kind == STATUS:
            if message.control & 1:
                c.outlet.unread = False
            byte = await self.gate.call(session.core.status_byte, session)
            available = session.core.message_available if c.outlet.unread else 0
            writer.write(packed(STATUS_IS, byte | available))
        elif message.kind == ASYNC_CLEAR:
            c.clearing = True
            await self.gate.call(session.clear)
            c.outlet.unread = False
            writer.write(packed(ASYNC_CLEARED))
        elif message.kind == LOCK:
            writer.write(packed(LOCKED, await self._lock(c, message)))
        elif message.kind == LOCK_INFO:
            locked = not self._locks.free(session.core, None)
            writer.write(packed(LOCK_INFO_IS, int(locked), int(locked)))
        elif message.kind == REMOTE:
            writer.write(packed(REMOTE_DONE))
        elif message.kind == FATAL:
            raise ProtocolError("the client gives up")
        elif message.kind != ERROR:
            self._refuse(message, writer)

    async def _lock(self, c: Conversation, message: Message) -> int:
        """0 failure, 1 success, 3 error; every lock is exclusive."""
        if message.control == 0:
            return 1 if self._locks.release(c.session.core, c) else 3
        if self._locks.holds(c.session.core, c):
            return 3
        return int(await self._locks.acquire(c.session.core, c, message.parameter / 1000))

    def addresses(self, host: str, port: int) -> list[tuple[Instrument, dict[str, str]]]:
        return [
            (instrument, {"address": f"TCPIP::{host}::hislip{k},{port}::INSTR"})
            for k, instrument in enumerate(self.instruments)
        ]
