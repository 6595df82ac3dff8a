"""A Prologix GPIB-Ethernet controller: every instrument at its address on the bus, through one port.

Lines that begin with ``++`` are for the controller, all others go to the instrument that is addressed. As with the
device, a read that has to wait longer than ``++read_tmo_ms`` gives nothing; that time is the simulation's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from hw_bridge.cores.core import Core
from hw_bridge.served import Instrument
from hw_bridge.session import LONGEST, WAITING, Chunk, Session
from hw_bridge.transports.listener import PIECE, Listener
from twin.times import NS

ESCAPE, CR, LF = 27, 13, 10
TERMINATORS = (b"\r\n", b"\r", b"\n", b"")
READ_PIECE = 1 << 16
SETTINGS = {
    "mode": (1, 0, 1),
    "auto": (0, 0, 1),
    "eoi": (1, 0, 1),
    "eos": (0, 0, 3),
    "eot_enable": (0, 0, 1),
    "eot_char": (0, 0, 255),
    "read_tmo_ms": (500, 1, 3000),
    "savecfg": (0, 0, 1),
    "lon": (0, 0, 1),
}
"""What ``++name value`` sets and ``++name`` asks: default, least and largest."""
UNKNOWN = b"Unrecognized command\r\n"


@dataclass
class Bus:
    """A connection's view of the bus."""

    address: int = 5
    settings: dict[str, int] = field(default_factory=lambda: {name: row[0] for name, row in SETTINGS.items()})
    sessions: dict[int, Session] = field(default_factory=dict)

    @property
    def session(self) -> Session | None:
        """With the instrument that is addressed; None if there is none."""
        return self.sessions.get(self.address)

    @property
    def patience(self) -> int:
        """How long a read waits (ns)."""
        return self.settings["read_tmo_ms"] * NS // 1000


class Lines:
    """The lines of a stream, with what was escaped; one that is too long is dropped."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._command = self._escaped = self._literal = self._overflow = False

    def feed(self, data: bytes) -> Iterator[tuple[bool, bytes]]:
        """The lines that these bytes complete, each with whether it is for the controller."""
        for byte in data:
            if self._escaped or byte not in (ESCAPE, CR, LF):
                if len(self._line) < LONGEST:
                    self._line.append(byte)
                else:
                    self._overflow = True
                self._literal |= self._escaped and len(self._line) <= 2
                if len(self._line) == 2 and not self._literal:
                    self._command = self._line == b"++"
                self._escaped = False
            elif byte == ESCAPE:
                self._escaped = True
            else:
                line, command, overflow = bytes(self._line), self._command, self._overflow
                self._line.clear()
                self._command = self._literal = self._overflow = False
                if line and not overflow:
                    yield command, line


class Prologix(Listener):
    """See the module. Each connection has a session with each instrument."""

    kind: ClassVar[str] = "prologix"

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        cores: dict[int, Core] = {i.address: i.core for i in self.instruments if i.address is not None}
        bus, lines = Bus(), Lines()
        try:
            for address, core in cores.items():
                bus.sessions[address] = await self.gate.call(core.open)
            while data := await reader.read(PIECE):
                for command, line in lines.feed(data):
                    if command:
                        writer.write(await self._command(bus, line[2:].decode("ascii", "replace").split(), writer))
                    else:
                        await self._send(bus, line, writer)
                    await writer.drain()
        finally:
            for session in bus.sessions.values():
                self.gate.post(session.close)

    async def _send(self, bus: Bus, line: bytes, writer: asyncio.StreamWriter) -> None:
        if bus.session is None:
            return
        data, end = line + TERMINATORS[bus.settings["eos"]], bool(bus.settings["eoi"])
        await self.gate.operation(bus.session.accept(data, end, WAITING))
        if bus.settings["auto"]:
            await self._read(bus, ["eoi"], writer)

    async def _read(self, bus: Bus, until: list[str], writer: asyncio.StreamWriter) -> None:
        """Read up to EOI, up to a byte, or for as long as something comes."""
        session, stop = bus.session, None
        if until and until[0].isdigit():
            stop = min(int(until[0]), 255)
        while session is not None:
            chunk: Chunk = await self.gate.operation(session.read(READ_PIECE, bus.patience, stop))
            writer.write(chunk.data)
            if chunk.end and bus.settings["eot_enable"]:
                writer.write(bytes([bus.settings["eot_char"]]))
            await writer.drain()
            stopped = stop is not None and chunk.data.endswith(bytes([stop]))
            if stopped or (chunk.end and until) or (len(chunk.data) < READ_PIECE and not chunk.end):
                return

    async def _command(self, bus: Bus, words: list[str], writer: asyncio.StreamWriter) -> bytes:
        """Do what the controller is told; returns its reply."""
        name, rest = (words[0].lower(), words[1:]) if words else ("", [])
        if name in SETTINGS:
            return self._setting(bus, name, rest)
        numbers = [int(word) for word in rest if word.isdigit() and len(word) < 4]
        session = bus.session
        if name == "read":
            await self._read(bus, rest, writer)
        elif name == "addr":
            if not rest:
                return b"%d\r\n" % bus.address
            if not numbers or numbers[0] > 30:
                return UNKNOWN
            bus.address = numbers[0]
        elif name == "spoll":
            polled = bus.sessions.get(numbers[0] if numbers else bus.address)
            byte = await self.gate.call(polled.core.status_byte, polled) if polled else 0
            return b"%d\r\n" % byte
        elif name == "srq":
            bytes_ = [await self.gate.call(s.core.status_byte, s) for s in bus.sessions.values()]
            return b"%d\r\n" % any(byte & 64 for byte in bytes_)
        elif name == "trg":
            for address in numbers or [bus.address]:
                if (triggered := bus.sessions.get(address)) is not None:
                    await self.gate.call(triggered.core.trigger, triggered)
        elif name == "clr" and session is not None:
            await self.gate.call(session.clear)
        elif name in ("ifc", "llo", "loc", "clr", "rst", "status", "help"):
            pass
        elif name == "ver":
            return b"Prologix GPIB-ETHERNET Controller version 01.06.06.00\r\n"
        else:
            return UNKNOWN
        return b""

    def _setting(self, bus: Bus, name: str, rest: list[str]) -> bytes:
        if not rest:
            return b"%d\r\n" % bus.settings[name]
        _, low, high = SETTINGS[name]
        if not (rest[0].isdigit() and len(rest[0]) < 6 and low <= int(rest[0]) <= high):
            return UNKNOWN
        bus.settings[name] = int(rest[0])
        return b""

    def addresses(self, host: str, port: int) -> list[tuple[Instrument, dict[str, str]]]:
        interface = {"interface": f"PRLGX-TCPIP0::{host}::{port}::INTFC"}
        on_bus = [i for i in self.instruments if i.address is not None]
        return [(i, {"address": f"GPIB0::{i.address}::INSTR", **interface}) for i in on_bus]
