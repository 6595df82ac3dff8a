"""A proxy between a driver and a served instrument, which does something wrong with one reply."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import numpy as np

KINDS = ("late", "dropped", "truncated", "garbled", "doubled", "split", "half-closed", "killed")


@dataclass
class Fault:
    """What goes wrong, and when.

    Parameters
    ----------
    kind : one of `KINDS`.
    reply : which reply of the instrument, counted from the beginning.
    seed : of where in it.
    """

    kind: str
    reply: int
    seed: int
    happened: bool = field(default=False, init=False)
    struck: bytes = field(default=b"", init=False)
    """The reply as it was."""

    def pieces(self, line: bytes) -> list[bytes]:
        """What becomes of a reply, in pieces that are sent one after the other."""
        self.happened, self.struck = True, line.strip()
        rng = np.random.default_rng(self.seed)
        body, end = line.rstrip(b"\r\n"), line[len(line.rstrip(b"\r\n")) :]
        cut = int(rng.integers(0, max(len(body), 1)))
        if self.kind == "dropped":
            return []
        if self.kind in ("truncated",):
            return [body[:cut] + end]
        if self.kind in ("half-closed", "killed"):
            return [body[:cut]]
        if self.kind == "garbled":
            wrong = bytes([body[cut] ^ (1 << int(rng.integers(0, 7)))]) if body else b"?"
            return [body[:cut] + wrong.replace(b"\n", b"?") + body[cut + 1 :] + end]
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
    fault : for one of its replies; None: none.
    """

    def __init__(self, port: int, fault: Fault | None) -> None:
        self._target, self.fault = port, fault
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.resource = f"TCPIP::127.0.0.1::{self._listener.getsockname()[1]}::SOCKET"
        self.replies = 0
        self.held: list[bytes] = []
        """Replies that are late: they come before the next one."""
        self.dead = False
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._accept)]
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
            for work in (self._forward, self._backward):
                thread = threading.Thread(target=work, args=(near, far))
                self._threads.append(thread)
                thread.start()

    def _forward(self, near: socket.socket, far: socket.socket) -> None:
        """From the driver to the instrument."""
        try:
            while data := near.recv(4096):
                far.sendall(data)
        except OSError:
            pass
        finally:
            with suppress(OSError):
                far.shutdown(socket.SHUT_RDWR)

    def _backward(self, near: socket.socket, far: socket.socket) -> None:
        """From the instrument to the driver, reply by reply."""
        try:
            with far.makefile("rb") as lines:
                for line in lines:
                    self._reply(near, line)
        except OSError:
            pass
        finally:
            with self._lock:
                self._open -= {near, far}
            near.close()
            far.close()

    def _reply(self, near: socket.socket, line: bytes) -> None:
        number, self.replies = self.replies, self.replies + 1
        fault = self.fault
        if fault is None or number != fault.reply:
            near.sendall(b"".join(self.held) + line)
            self.held.clear()
            return
        if fault.kind == "late":
            fault.happened, fault.struck = True, line.strip()
            self.held.append(line)
            return
        for piece in fault.pieces(line):
            near.sendall(piece)
        if fault.kind == "half-closed":
            near.shutdown(socket.SHUT_WR)
        elif fault.kind == "killed":
            self._kill()


@contextmanager
def faulty(port: int, fault: Fault | None) -> Iterator[FaultyWire]:
    """A faulty wire, and nothing of it afterwards."""
    wire = FaultyWire(port, fault)
    try:
        yield wire
    finally:
        wire.close()
