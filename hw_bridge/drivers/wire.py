"""A connection to a real instrument: bytes out, lines in.

Whatever goes wrong leaves the connection *dirty*: a reply may still be on its way. A dirty connection is opened anew
before it is used again, so that a stale reply is never taken for the next answer.
"""

from __future__ import annotations

import re
import select
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from hw_bridge.errors import BridgeError
from scenarios.schema.hardware import SERIAL, SerialLine
from twin.errors import ComponentError

Result = TypeVar("Result")
LONGEST = 1 << 17
"""Bytes of a line; what is longer is no reply of an instrument."""
NO_ANSWER = "no answer in time"
_SOCKET = re.compile(r"TCPIP\d*::(?P<host>[^:]+|\[[^\]]+\])::(?P<port>\d{1,5})::SOCKET\Z", re.IGNORECASE)

_VISA = re.compile(
    r"(TCPIP|GPIB|ASRL|USB|PXI|VXI|VICP|FIREWIRE|PRLGX-)[^:\s]*(::(\[[^\]\s]+\]|[^:\s]+))+\Z", re.IGNORECASE
)


class WireError(BridgeError):
    """The connection failed, or what came over it cannot be trusted."""


class Wire(ABC):
    """A connection; used by one thread at a time.

    Parameters
    ----------
    resource : VISA resource name, such as ``TCPIP::192.0.2.7::1394::SOCKET``.
    patience : how long to wait for a connection or a line (s).
    """

    def __init__(self, resource: str, patience: float) -> None:
        self.resource = resource
        self.patience = patience
        self.dirty = False
        self.met = False
        """Whether it has ever connected."""
        self.stale = 0
        """How often something was there that nobody had asked for."""
        self.settings = ""
        """Of a serial line, in words."""
        self._open = False

    def converse(self, conversation: Callable[[Wire], Result]) -> Result:
        """Have a conversation on a clean connection.

        Raises
        ------
        BridgeError
            If anything fails; the next conversation then begins on a new connection.
        """
        if self._open and not self.dirty and self.unread():
            self.stale += 1
            self.dirty = True
        if self.dirty or not self._open:
            self.close()
            self.open()
        self.dirty = True
        try:
            result = conversation(self)
        except (ValueError, IndexError) as error:  # what came is not what such an instrument sends
            raise WireError(f"{self.resource}: garbled reply: {error}", address=self.resource) from None
        self.dirty = False
        return result

    def open(self) -> None:
        """Connect."""
        try:
            self._connect()
        except OSError as error:
            raise WireError(
                f"{self.resource} does not connect: {error.strerror or error}; is it on, and its address right?",
                address=self.resource,
            ) from None
        self._open, self.met, self.dirty = True, True, False

    def close(self) -> None:
        """Let go of the connection."""
        if self._open:
            self._open = False
            self._disconnect()

    def write(self, text: str) -> None:
        """Send a line."""
        try:
            self._send(text.encode("ascii") + b"\n")
        except OSError as error:
            raise self._lost(error) from None

    def line(self, patience: float | None = None) -> str:
        """Receive a line, without its end; `patience` (s) in place of the connection's."""
        try:
            data = self._line(self.patience if patience is None else patience)
        except TimeoutError:
            raise WireError(f"{self.resource}: {NO_ANSWER}", address=self.resource) from None
        except OSError as error:
            raise self._lost(error) from None
        return data.decode("ascii").strip()

    def query(self, text: str, patience: float | None = None) -> str:
        """Send a line and receive one."""
        self.write(text)
        return self.line(patience)

    def _lost(self, error: OSError) -> WireError:
        return WireError(f"{self.resource}: connection lost: {error.strerror or error}", address=self.resource)

    def check(self) -> None:  # noqa: B027
        """Look at the resource's name before anything is connected.

        Raises
        ------
        WireError
            If it is none.
        """

    def abort(self) -> None:  # noqa: B027
        """End whatever waits on the connection; from any thread."""

    @abstractmethod
    def unread(self) -> bool:
        """Whether something is there that nobody has asked for."""

    @abstractmethod
    def _connect(self) -> None: ...

    @abstractmethod
    def _disconnect(self) -> None: ...

    @abstractmethod
    def _send(self, data: bytes) -> None: ...

    @abstractmethod
    def _line(self, patience: float) -> bytes: ...


class SocketWire(Wire):
    """A raw TCP socket."""

    def __init__(self, resource: str, patience: float, host: str, port: int) -> None:
        super().__init__(resource, patience)
        self._address = host.strip("[]"), port
        self._socket: socket.socket | None = None
        self._buffer = bytearray()

    def _connect(self) -> None:
        self._buffer.clear()
        self._socket = socket.create_connection(self._address, self.patience)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def abort(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # it is closed already
                self._socket.shutdown(socket.SHUT_RDWR)

    def unread(self) -> bool:
        assert self._socket is not None
        return bool(self._buffer) or bool(select.select([self._socket], [], [], 0.0)[0])

    def _send(self, data: bytes) -> None:
        assert self._socket is not None
        self._socket.settimeout(self.patience)
        self._socket.sendall(data)

    def _line(self, patience: float) -> bytes:
        assert self._socket is not None
        self._socket.settimeout(patience)
        while (end := self._buffer.find(b"\n")) < 0:
            piece = self._socket.recv(4096)
            if not piece:
                raise ConnectionError("closed by the instrument")
            self._buffer += piece
            if len(self._buffer) > LONGEST:
                raise ConnectionError("a line without end")
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        return line


class VisaWire(Wire):
    """Any other VISA resource, through pyvisa (``pip install 'kibble-twin[visa]'``).

    Parameters
    ----------
    line : of a serial line.
    """

    def __init__(self, resource: str, patience: float, line: SerialLine | None = None) -> None:
        super().__init__(resource, patience)
        self._instrument: Any = None
        self._serial = (line or SerialLine()) if resource.upper().startswith(SERIAL) else None
        self.settings = str(self._serial or "")

    def check(self) -> None:
        if not _VISA.match(self.resource) or self.resource.upper().endswith("::SOCKET"):  # else it were a `SocketWire`
            raise WireError(
                f"hardware.resource: expected a VISA resource such as TCPIP::192.0.2.7::5025::SOCKET or "
                f"GPIB0::22::INSTR, not {self.resource!r}",
                address=self.resource,
            )

    def _connect(self) -> None:
        try:
            import pyvisa
        except ImportError:
            raise WireError(
                f"{self.resource} needs pyvisa: pip install 'kibble-twin[visa]'", address=self.resource
            ) from None
        self._instrument = None
        try:
            manager = pyvisa.ResourceManager("@py")
            self._instrument = manager.open_resource(self.resource, open_timeout=round(1e3 * self.patience))
            self._instrument.write_termination = self._instrument.read_termination = None
            if self._serial:  # a serial line has no clear
                self._set_line(self._serial, pyvisa.constants)
                self._instrument.flush(pyvisa.constants.BufferOperation.discard_read_buffer)
            else:
                self._instrument.clear()
        except Exception as error:  # pyvisa and its backend raise whatever the transport raises
            if self._instrument is not None:
                self._disconnect()
            means = f" ({self.settings})" if self.settings else ""
            raise OSError(f"{type(error).__name__}: {error}{means}") from None

    def _set_line(self, line: SerialLine, constants: Any) -> None:
        self._instrument.baud_rate = line.baud_rate
        self._instrument.data_bits = line.data_bits
        self._instrument.parity = constants.Parity[line.parity]
        self._instrument.stop_bits = constants.StopBits(10 * line.stop_bits)  # VISA counts tenths
        self._instrument.flow_control = constants.ControlFlow[line.flow_control]

    def _disconnect(self) -> None:
        try:
            self._instrument.close()
        except Exception as error:  # it has gone, which is what was wanted
            del error

    def unread(self) -> bool:
        if not self._serial:
            return False  # message-based: a new question makes an old answer void
        try:
            return bool(self._instrument.bytes_in_buffer)
        except Exception:  # it has gone
            return True

    def _send(self, data: bytes) -> None:
        try:
            self._instrument.write_raw(data)
        except Exception as error:
            raise OSError(f"{type(error).__name__}: {error}") from None

    def _line(self, patience: float) -> bytes:
        self._instrument.timeout = round(1e3 * patience)
        try:
            return bytes(self._instrument.read_raw())
        except Exception as error:
            raise (TimeoutError if "timeout" in str(error).lower() else OSError)(str(error)) from None


class Pair(Wire):
    """Two connections of one instrument; each has its conversations by itself, in the same thread."""

    def __init__(self, first: Wire, second: Wire) -> None:
        self.both = (first, second)
        super().__init__(f"{first.resource} + {second.resource}", first.patience)

    def converse(self, conversation: Callable[[Wire], Result]) -> Result:
        """Have a conversation, which has those with each of the two."""
        return conversation(self)

    @property
    def dirty(self) -> bool:
        """Whether one of them is."""
        return any(wire.dirty for wire in self.both)

    @dirty.setter
    def dirty(self, value: bool) -> None:
        for wire in self.both:
            wire.dirty = wire.dirty or value

    @property
    def met(self) -> bool:
        """Whether one of them has ever connected."""
        return any(wire.met for wire in self.both)

    @met.setter
    def met(self, value: bool) -> None:
        """They know it themselves."""

    @property
    def stale(self) -> int:
        """How often something was there that nobody had asked for."""
        return sum(wire.stale for wire in self.both)

    @stale.setter
    def stale(self, value: int) -> None:
        """They count themselves."""

    def check(self) -> None:
        for wire in self.both:
            wire.check()

    def abort(self) -> None:
        for wire in self.both:
            wire.abort()

    def close(self) -> None:
        for wire in self.both:
            wire.close()

    def unread(self) -> bool:
        return any(wire.unread() for wire in self.both)

    def _connect(self) -> None:
        raise ComponentError("each of a pair is opened by its own conversation")

    _disconnect = _connect

    def _send(self, data: bytes) -> None:
        raise ComponentError("a pair has no line of its own")

    def _line(self, patience: float) -> bytes:
        raise ComponentError("a pair has no line of its own")


def wire(resource: str, patience: float, line: SerialLine | None = None) -> Wire:
    """The connection for a resource; none is made yet.

    Parameters
    ----------
    resource : ``TCPIP::host::port::SOCKET``, which needs nothing installed, or any other VISA resource name.
    patience : see `Wire`.
    line : how bytes go over it, if it is a serial line.
    """
    if (found := _SOCKET.match(resource)) and 0 < int(found["port"]) < 1 << 16:
        return SocketWire(resource, patience, found["host"], int(found["port"]))
    return VisaWire(resource, patience, line)
