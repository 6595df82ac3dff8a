"""VXI-11: an instrument as ``inst0``, or at its address behind a LAN-to-GPIB gateway, as ``gpib0,22``.

One port serves the core and the abort channel; there is no port mapper, so a client has to be told the port
(``TCPIP::127.0.0.1,PORT::inst0::INSTR``). Service requests are polled, not pushed. Time-outs of reads are the
simulation's time, as it is the instrument that the client waits for; those of locks are real.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hw_bridge.served import Instrument
from hw_bridge.session import WAITING, Chunk, Session
from hw_bridge.transports import rpc
from hw_bridge.transports.listener import ProtocolError
from hw_bridge.transports.locks import Locking
from hw_bridge.transports.rpc import XdrReader, integers, opaque

CORE, ABORT_CHANNEL = 0x0607AF, 0x0607B0
LARGEST = 1 << 16
"""Bytes of a write."""
LARGEST_READ = 1 << 20
LINKS = 256
OK, NO_DEVICE, NO_LINK, NO_RESOURCES, UNSUPPORTED, LOCKED, NO_LOCK, TIMEOUT, ABORTED = 0, 3, 4, 9, 8, 11, 12, 15, 23
WAIT_LOCK, END, TERMINATED = 1, 8, 128
BY_COUNT, BY_CHARACTER, BY_END = 1, 2, 4
MS = 1_000_000
"""Nanoseconds."""


@dataclass(eq=False)
class Link:
    """A client's link to an instrument."""

    session: Session
    aborted: asyncio.Event = field(default_factory=asyncio.Event)


Links = dict[int, Link]


class Vxi11(Locking):
    """See the module."""

    kind: ClassVar[str] = "vxi11"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._links: Links = {}
        self._core: dict[int, Callable[[Links, XdrReader], Awaitable[bytes]]] = {
            10: self._create,
            11: self._write,
            12: self._read,
            13: self._status,
            14: self._trigger,
            15: self._clear,
            16: self._nothing,
            17: self._nothing,
            18: self._lock,
            19: self._unlock,
            20: self._unsupported,
            22: self._no_command,
            23: self._destroy,
            25: self._unsupported,
            26: self._unsupported,
        }

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        own: Links = {}
        self._port = writer.get_extra_info("sockname")[1]
        try:
            while (data := await rpc.read_record(reader, LARGEST + 1024)) is not None:
                writer.write(await self._answer(own, rpc.parsed(data)))
                await writer.drain()
        finally:
            for number in list(own):
                self._close(own, number)

    async def _answer(self, own: Links, call: rpc.Call) -> bytes:
        if call.program not in (CORE, ABORT_CHANNEL):
            return rpc.reply(call, rpc.PROGRAM_UNAVAILABLE)
        if call.version != 1:
            return rpc.reply(call, rpc.PROGRAM_MISMATCH, integers(1, 1))
        if call.procedure == 0:
            return rpc.reply(call, rpc.SUCCESS)
        procedures = self._core if call.program == CORE else {1: self._abort}
        if call.procedure not in procedures:
            return rpc.reply(call, rpc.PROCEDURE_UNAVAILABLE)
        try:
            return rpc.reply(call, rpc.SUCCESS, await procedures[call.procedure](own, call.arguments))
        except ProtocolError:
            return rpc.reply(call, rpc.GARBAGE)

    # --- links -------------------------------------------------------------------------------------------------------

    async def _create(self, own: Links, xdr: XdrReader) -> bytes:
        xdr.integer()
        lock, patience, name = xdr.unsigned(), xdr.unsigned(), xdr.opaque(256).decode("latin-1")
        instrument = self.named(name)
        if instrument is None:
            return integers(NO_DEVICE, 0, 0, 0)
        if len(self._links) >= LINKS:
            return integers(NO_RESOURCES, 0, 0, 0)
        link = Link(await self.gate.call(instrument.core.open))
        if lock and not await self._locks.acquire(instrument.core, link, patience / 1000):
            self.gate.post(link.session.close)
            return integers(LOCKED, 0, 0, 0)
        self._last += 1
        own[self._last] = self._links[self._last] = link
        return integers(OK, self._last, self._port, LARGEST)

    def named(self, device: str) -> Instrument | None:
        """The instrument that is meant by ``inst1`` or ``gpib0,22``, with the token after an ``@``."""
        name = self.admitted(device)
        if name is None:
            return None
        names = {f"inst{k}": i for k, i in enumerate(self.instruments)}
        names |= {f"gpib0,{i.address}": i for i in self.instruments if i.address is not None}
        return names.get(name.strip().lower())

    def _close(self, own: Links, number: int) -> None:
        link = own.pop(number)
        self._links.pop(number, None)
        self._locks.release(link.session.core, link)
        self.gate.post(link.session.close)

    async def _destroy(self, own: Links, xdr: XdrReader) -> bytes:
        number = xdr.integer()
        if number not in own:
            return integers(NO_LINK)
        self._close(own, number)
        return integers(OK)

    async def _usable(self, link: Link | None, flags: int, patience: int) -> int:
        """0, or the error that keeps a link from being used now."""
        if link is None:
            return NO_LINK
        waits = patience / 1000 if flags & WAIT_LOCK else 0.0
        if self._locks.free(link.session.core, link):
            return OK
        return OK if await self._locks.available(link.session.core, link, waits) else LOCKED

    # --- reading and writing -----------------------------------------------------------------------------------------

    async def _write(self, own: Links, xdr: XdrReader) -> bytes:
        link, _, patience, flags = own.get(xdr.integer()), xdr.unsigned(), xdr.unsigned(), xdr.integer()
        data = xdr.opaque(LARGEST)
        error = await self._usable(link, flags, patience)
        if error or link is None:
            return integers(error, 0)
        await self.gate.operation(link.session.accept(data, bool(flags & END), WAITING))
        return integers(OK, len(data))

    async def _read(self, own: Links, xdr: XdrReader) -> bytes:
        link, size, patience = own.get(xdr.integer()), xdr.unsigned(), xdr.unsigned()
        lock_patience, flags, character = xdr.unsigned(), xdr.integer(), xdr.integer() & 0xFF
        error = await self._usable(link, flags, lock_patience)
        if error or link is None:
            return integers(error, 0) + opaque(b"")
        stop, size = (character if flags & TERMINATED else None), min(size, LARGEST_READ)
        link.aborted.clear()
        reading = asyncio.ensure_future(self.gate.operation(link.session.read(size, patience * MS, stop)))
        aborted = asyncio.ensure_future(link.aborted.wait())
        try:
            await asyncio.wait({reading, aborted}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                self.gate.post(link.session.clear)
                return integers(ABORTED, 0) + opaque(b"")
            chunk: Chunk = reading.result()
        finally:
            reading.cancel()
            aborted.cancel()
        reason = BY_END if chunk.end else 0
        reason |= BY_CHARACTER if stop is not None and chunk.data.endswith(bytes([stop])) else 0
        reason |= BY_COUNT if len(chunk.data) == size else 0
        return integers(OK if reason else TIMEOUT, reason) + opaque(chunk.data)

    async def _generic(self, own: Links, xdr: XdrReader) -> tuple[Link | None, int]:
        link, flags, patience = own.get(xdr.integer()), xdr.integer(), xdr.unsigned()
        xdr.unsigned()
        return link, await self._usable(link, flags, patience)

    async def _status(self, own: Links, xdr: XdrReader) -> bytes:
        link, error = await self._generic(own, xdr)
        if error or link is None:
            return integers(error, 0)
        return integers(OK, await self.gate.call(link.session.core.status_byte, link.session))

    async def _trigger(self, own: Links, xdr: XdrReader) -> bytes:
        link, error = await self._generic(own, xdr)
        if link is not None and not error:
            await self.gate.call(link.session.core.trigger, link.session)
        return integers(error)

    async def _clear(self, own: Links, xdr: XdrReader) -> bytes:
        link, error = await self._generic(own, xdr)
        if link is not None and not error:
            await self.gate.call(link.session.clear)
        return integers(error)

    async def _nothing(self, own: Links, xdr: XdrReader) -> bytes:
        _, error = await self._generic(own, xdr)  # remote and local: there is no front panel
        return integers(error)

    async def _abort(self, own: Links, xdr: XdrReader) -> bytes:
        link = self._links.get(xdr.integer())
        if link is None:
            return integers(NO_LINK)
        link.aborted.set()
        return integers(OK)

    # --- locks and what there is not ---------------------------------------------------------------------------------

    async def _lock(self, own: Links, xdr: XdrReader) -> bytes:
        link, flags, patience = own.get(xdr.integer()), xdr.integer(), xdr.unsigned()
        if link is None:
            return integers(NO_LINK)
        waits = patience / 1000 if flags & WAIT_LOCK else 0.0
        taken = self._locks.free(link.session.core, link) or waits > 0
        taken = taken and await self._locks.acquire(link.session.core, link, waits)
        return integers(OK if taken else LOCKED)

    async def _unlock(self, own: Links, xdr: XdrReader) -> bytes:
        link = own.get(xdr.integer())
        if link is None:
            return integers(NO_LINK)
        return integers(OK if self._locks.release(link.session.core, link) else NO_LOCK)

    async def _unsupported(self, own: Links, xdr: XdrReader) -> bytes:
        return integers(UNSUPPORTED)

    async def _no_command(self, own: Links, xdr: XdrReader) -> bytes:
        return integers(UNSUPPORTED) + opaque(b"")

    def addresses(self, host: str, port: int) -> list[tuple[Instrument, dict[str, str]]]:
        found = []
        for k, instrument in enumerate(self.instruments):
            bus = f"TCPIP::{host},{port}::gpib0,{instrument.address}::INSTR"
            also = {"bus_address": bus} if instrument.address is not None else {}
            found.append((instrument, {"address": f"TCPIP::{host},{port}::inst{k}::INSTR", **also}))
        return found
