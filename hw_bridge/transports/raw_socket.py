"""A raw socket: bytes in, bytes out, a port for each instrument."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from hw_bridge.served import Instrument
from hw_bridge.transports.listener import PIECE, Listener, Outlet


class RawSocket(Listener):
    """An instrument at a port of its own. Each connection is a session; replies come in the order of the questions."""

    kind: ClassVar[str] = "socket"

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        outlet = Outlet(self.gate, writer)
        core = self.instruments[0].core
        session = outlet.session = await self.gate.call(lambda: core.open(outlet.push, stream=True))
        try:
            while data := await reader.read(PIECE):
                await self.gate.operation(session.accept(data))
        finally:
            outlet.close()

    def addresses(self, host: str, port: int) -> list[tuple[Instrument, dict[str, str]]]:
        return [(self.instruments[0], {"address": f"TCPIP::{host}::{port}::SOCKET"})]
