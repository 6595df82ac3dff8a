"""A proxy between a driver and a served instrument, which does something wrong with one line that goes out or back."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import product
from typing import Literal

import numpy as np

Way = Literal["command", "reply"]
KINDS = ("late", "dropped", "truncated", "garbled", "misread", "doubled", "split", "half-closed", "killed")
WAYS: tuple[Way, ...] = ("reply", "command")
FAULTS = tuple(product(WAYS, KINDS))


@dataclass
class Fault:
    """What goes wrong, and when.

    Parameters
    ----------
    way : of the line.
    kind : one of `KINDS`.
    number : which line on that way, counted from the beginning.
    seed : of where in it.
    """

    way: Way
    kind: str
    number: int
    seed: int
    happened: bool = field(default=False, init=False)
    struck: bytes = field(default=b"", init=False)
    """The line as it was."""
    became: list[bytes] = field(default_factory=list, init=False)

    def pieces(self, line: bytes) -> list[bytes]:
        """What becomes of a line, in pieces that are sent one after the other."""
        rng = np.random.default_rng(self.seed)
        body, end = line.rstrip(b"\r\n"), line[len(line.rstrip(b"\r\n")) :]
        cut = int(rng.integers(0, max(len(body), 1)))
        if self.kind == "dropped":
            return []
        if self.kind == "truncated":
            return [body[:cut] + end]
        if self.kind in ("half-closed", "killed"):
            return [body[:cut]]
        if self.kind == "garbled":
            wrong = bytes([body[cut] ^ (1 << int(rng.integers(0, 7)))]) if body else b"?"
            return [body[:cut] + wrong.replace(b"\n", b"?") + body[cut + 1 :] + end]
        if self.kind == "misread":  # one digit is another one
            digits = [k for k, byte in enumerate(body) if 48 <= byte < 58]
            if not digits:
                return [line]
            k = int(rng.choice(digits))
            wrong = bytes([48 + (body[k] - 48 + int(rng.integers(1, 10))) % 10])
            return [body[:k] + wrong + body[k + 1 :] + end]
        if self.kind == "doubled":
            return [line, line]
        if self.kind == "split":
            return [line[:cut], line[cut:]]
        return [line]


class FaultyWire:
    """A port that leads to another one.

    Parameters
    ----------
    port : of the served instrument.
    fault : for one of the lines; None: none.

    Attributes
    ----------
    lines : how many there have been on each way.
    replies : lines that the instrument has sent, as it sent them.
    dead : whether there is no way to the instrument any more.
    """

    def __init__(self, port: int, fault: Fault | None) -> None:
        self._target, self.fault = port, fault
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.resource = f"TCPIP::127.0.0.1::{self._listener.getsockname()[1]}::SOCKET"
        self.lines: dict[Way, int] = dict.fromkeys(WAYS, 0)
        self.replies: list[bytes] = []
        self.dead = False
        self._held: dict[Way, list[bytes]] = {way: [] for way in WAYS}  # what is late comes before the next line
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        """End all connections and threads."""
        self._kill()
        for thread in self._threads:
            thread.join(20.0)
            assert not thread.is_alive()

    def _kill(self) -> None:
        self.dead = True
        with self._lock:
            for end in [self._listener, *self._open]:
                with suppress(OSError):  # it is closed already
                    end.shutdown(socket.SHUT_RDWR)
            self._listener.close()

    def _accept(self) -> None:
        while not self.dead:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target), 20.0)
            except OSError:
                return
            far.settimeout(None)
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open |= {near, far}
            for way, source, sink in (("command", near, far), ("reply", far, near)):
                thread = threading.Thread(target=self._carry, args=(way, source, sink), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _carry(self, way: Way, source: socket.socket, sink: socket.socket) -> None:
        """One way of a connection, line by line; the other ends with it, unless only this one is closed."""
        try:
            with source.makefile("rb") as lines:
                for line in lines:
                    if not self._pass(way, sink, line):
                        sink.shutdown(socket.SHUT_WR)
                        lines.read()  # whoever sends is not told
        except OSError:
            pass
        finally:
            with self._lock:
                self._open -= {source, sink}
            for end in (source, sink):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            source.close()

    def _pass(self, way: Way, sink: socket.socket, line: bytes) -> bool:
        """Send a line on, or what becomes of it; whether this way stays open."""
        fault, number = self.fault, self.lines[way]
        self.lines[way] += 1
        if way == "reply":
            self.replies.append(line)
        if fault is None or (way, number) != (fault.way, fault.number):
            sink.sendall(b"".join(self._held[way]) + line)
            self._held[way].clear()
            return True
        fault.happened, fault.struck = True, line.strip()
        if fault.kind == "late":
            self._held[way].append(line)
            return True
        fault.became = fault.pieces(line)
        for piece in fault.became:
            sink.sendall(piece)
        if fault.kind == "killed":
            self._kill()
        return fault.kind != "half-closed"


@contextmanager
def faulty(port: int, fault: Fault | None) -> Iterator[FaultyWire]:
    """A faulty wire, and nothing of it afterwards."""
    wire = FaultyWire(port, fault)
    try:
        yield wire
    finally:
        wire.close()
