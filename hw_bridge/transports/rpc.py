"""ONC RPC over TCP (RFC 5531, RFC 4506): what VXI-11 needs of it."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass

from hw_bridge.transports.listener import ProtocolError

CALL, REPLY, VERSION = 0, 1, 2
SUCCESS, PROGRAM_UNAVAILABLE, PROGRAM_MISMATCH, PROCEDURE_UNAVAILABLE, GARBAGE = range(5)
LARGEST_AUTH = 400


class XdrReader:
    """Takes values from a record.

    Raises
    ------
    ProtocolError
        When there is less than was asked for.
    """

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def integer(self) -> int:
        """A signed integer."""
        value: int = struct.unpack(">i", self._take(4))[0]
        return value

    def unsigned(self) -> int:
        """An unsigned integer."""
        value: int = struct.unpack(">I", self._take(4))[0]
        return value

    def opaque(self, most: int) -> bytes:
        """Bytes of any number, up to `most`."""
        size = self.unsigned()
        if size > most:
            raise ProtocolError(f"{size} bytes where at most {most} are allowed")
        data = self._take(size)
        self._take(-size % 4)
        return data

    def _take(self, size: int) -> bytes:
        if self._at + size > len(self._data):
            raise ProtocolError("a record ends too early")
        data = self._data[self._at : self._at + size]
        self._at += size
        return data


def integers(*values: int) -> bytes:
    """Integers, signed or not, as XDR."""
    return b"".join(struct.pack(">I", value & 0xFFFFFFFF) for value in values)


def opaque(data: bytes) -> bytes:
    """Bytes of any number as XDR."""
    return integers(len(data)) + data + bytes(-len(data) % 4)


@dataclass(frozen=True)
class Call:
    """A call and the arguments that are still to be read."""

    xid: int
    program: int
    version: int
    procedure: int
    arguments: XdrReader


async def read_record(reader: asyncio.StreamReader, most: int) -> bytes | None:
    """A record, put together from its fragments; None at the end of the connection.

    Raises
    ------
    ProtocolError
        If it is longer than `most`.
    """
    record = bytearray()
    while True:
        try:
            head = struct.unpack(">I", await reader.readexactly(4))[0]
        except asyncio.IncompleteReadError:
            return None
        size = head & 0x7FFFFFFF
        if len(record) + size > most or (size == 0 and not head & 0x80000000):
            raise ProtocolError(f"a record of {len(record) + size} bytes")
        record += await reader.readexactly(size)
        if head & 0x80000000:
            return bytes(record)


def record(data: bytes) -> bytes:
    """A record of one fragment."""
    return struct.pack(">I", 0x80000000 | len(data)) + data


def parsed(data: bytes) -> Call:
    """The call in a record.

    Raises
    ------
    ProtocolError
        If it is none.
    """
    xdr = XdrReader(data)
    xid, kind, version = xdr.unsigned(), xdr.unsigned(), xdr.unsigned()
    if kind != CALL or version != VERSION:
        raise ProtocolError("no call of RPC version 2")
    program, number, procedure = xdr.unsigned(), xdr.unsigned(), xdr.unsigned()
    for _ in range(2):  # credentials and verifier, which nobody looks at
        xdr.unsigned()
        xdr.opaque(LARGEST_AUTH)
    return Call(xid, program, number, procedure, xdr)


def reply(call: Call, status: int, results: bytes = b"") -> bytes:
    """The record that answers a call."""
    return record(integers(call.xid, REPLY, 0, 0, 0, status) + results)
