"""A station with its ports open on the loopback, and the plainest of clients."""

from __future__ import annotations

import socket
import struct
import threading
from typing import Any

from hw_bridge.server import WireServer
from tests.hw_bridge.station import Station

PATIENCE = 60.0
"""Longer than any machine is slow (s)."""


class Wired:
    """The instruments of a station, served until the end of the ``with``; the simulation has a thread of its own."""

    def __init__(self, scale: float | None = None, **options: Any) -> None:
        self.station = Station(scale)
        self.server = WireServer(self.station.served, **options)
        self.rows = self.server.start()
        self._simulation = threading.Thread(target=self.station.clock.run_until_stopped, daemon=True)
        self._simulation.start()

    def __enter__(self) -> Wired:
        return self

    def __exit__(self, *_: object) -> None:
        self.station.clock.inbox.put(self.station.clock.stop)
        self._simulation.join(PATIENCE)
        self.server.close()
        assert not self._simulation.is_alive()

    def row(self, name: str, transport: str) -> dict[str, Any]:
        """What is announced about a way in to an instrument."""
        return next(r for r in self.rows if (r["name"], r["transport"]) == (name, transport))

    def port(self, transport: str, name: str = "current_source") -> int:
        """The port of a transport."""
        row = self.row(name, transport)
        host, *rest = row.get("interface", row["address"]).split("::")[1:]
        digits = host.partition(",")[2] or rest[0].partition(",")[2] or rest[0]
        return int(digits)

    def connect(self, transport: str, name: str = "current_source") -> Peer:
        """A plain connection to a port."""
        return Peer(self.port(transport, name))


class Peer:
    """A TCP connection that can wait for what it expects."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send it all."""
        self.socket.sendall(data)

    def exactly(self, size: int) -> bytes:
        """So many bytes; fewer if the server closes."""
        data = b""
        while len(data) < size and (part := self.socket.recv(size - len(data))):
            data += part
        return data

    def line(self) -> bytes:
        """Up to a line feed."""
        data = b""
        while not data.endswith(b"\n") and (part := self.socket.recv(1)):
            data += part
        return data

    def query(self, text: str) -> str:
        """Send a line and read one."""
        self.send(text.encode() + b"\n")
        return self.line().decode().rstrip("\r\n")

    def rest(self) -> bytes:
        """Say goodbye and read until the server does; a server that hangs is a time-out."""
        data = b""
        try:
            self.socket.shutdown(socket.SHUT_WR)
            while part := self.socket.recv(1 << 16):
                data += part
        except (ConnectionResetError, BrokenPipeError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
        return data


class RpcPeer(Peer):
    """Speaks as much VXI-11 as a test needs."""

    xid = 0

    def call(self, procedure: int, arguments: bytes, program: int = 0x0607AF, version: int = 1) -> tuple[int, bytes]:
        """Call; returns the RPC status and the results."""
        self.post(procedure, arguments, program, version)
        return self.answer()

    def post(self, procedure: int, arguments: bytes, program: int = 0x0607AF, version: int = 1) -> None:
        """Call without waiting for the answer."""
        self.xid += 1
        body = struct.pack(">10I", self.xid, 0, 2, program, version, procedure, 0, 0, 0, 0) + arguments
        self.send(struct.pack(">I", 0x80000000 | len(body)) + body)

    def answer(self) -> tuple[int, bytes]:
        """The answer to the last call."""
        size = struct.unpack(">I", self.exactly(4))[0] & 0x7FFFFFFF
        body = self.exactly(size)
        xid, reply, accepted, _, _, status = struct.unpack(">6I", body[:24])
        assert (xid, reply, accepted) == (self.xid, 1, 0)
        return status, body[24:]

    def create(self, device: str, lock: int = 0) -> tuple[int, int]:
        """Create a link; returns the error and the link."""
        name = device.encode()
        arguments = struct.pack(">iIII", 1, lock, 0, len(name)) + name + bytes(-len(name) % 4)
        status, results = self.call(10, arguments)
        assert status == 0
        error, link, *_ = struct.unpack(">4I", results)
        return error, link

    def write(self, link: int, data: bytes, flags: int = 8) -> int:
        """Write; returns the error."""
        head = struct.pack(">IIIII", link, 1000, 0, flags, len(data))
        return int(struct.unpack(">I", self.call(11, head + data + bytes(-len(data) % 4))[1][:4])[0])

    def read(self, link: int, size: int = 1000, milliseconds: int = 1000) -> tuple[int, int, bytes]:
        """Read; returns error, reason and data."""
        return self.parsed(self.call(12, struct.pack(">6I", link, size, milliseconds, 0, 0, 0))[1])

    @staticmethod
    def parsed(results: bytes) -> tuple[int, int, bytes]:
        """Error, reason and data of the answer to a read."""
        error, reason, length = struct.unpack(">3I", results[:12])
        return error, reason, results[12 : 12 + length]


HISLIP = struct.Struct(">2sBBIQ")


class HislipPeer:
    """Both channels of HiSLIP."""

    def __init__(self, port: int, device: str = "hislip0") -> None:
        self.sync, self.port = Peer(port), port
        self.send(0, 0, 0x01006B74, device.encode())
        kind, _, parameter, _ = self.receive()
        self.asynchronous: Peer | None = None
        self.refused = kind != 1
        if not self.refused:
            self.asynchronous = Peer(port)
            self.asynchronous.send(HISLIP.pack(b"HS", 17, 0, parameter & 0xFFFF, 0))
            assert self.receive(self.asynchronous)[0] == 18

    def __enter__(self) -> HislipPeer:
        return self

    def __exit__(self, *_: object) -> None:
        self.sync.socket.close()
        if self.asynchronous is not None:
            self.asynchronous.socket.close()

    def send(self, kind: int, control: int = 0, parameter: int = 0, payload: bytes = b"") -> None:
        """On the synchronous channel."""
        self.sync.send(HISLIP.pack(b"HS", kind, control, parameter, len(payload)) + payload)

    def receive(self, channel: Peer | None = None) -> tuple[int, int, int, bytes]:
        """A message: type, control code, parameter and payload."""
        peer = self.sync if channel is None else channel
        start, kind, control, parameter, size = HISLIP.unpack(peer.exactly(16))
        assert start == b"HS"
        return kind, control, parameter, peer.exactly(size)

    def ask(self, kind: int, control: int = 0, parameter: int = 0, payload: bytes = b"") -> tuple[int, int, int, bytes]:
        """On the asynchronous channel."""
        assert self.asynchronous is not None
        self.asynchronous.send(HISLIP.pack(b"HS", kind, control, parameter, len(payload)) + payload)
        return self.receive(self.asynchronous)
