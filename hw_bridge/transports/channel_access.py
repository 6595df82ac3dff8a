"""EPICS Channel Access: every quantity of every instrument as a process variable (extra ``epics``: caproto).

A variable is called ``kibble:INSTRUMENT:QUANTITY``. It has units, control and alarm limits; a put is an operation of
the instrument's role and is complete when that has ended. What the instrument refuses is answered by an error, changes
nothing, and is an alarm of that variable until the next put is taken. Searches and connections are answered at the
address that is bound, on a port of its own; no beacons are sent, so nothing reaches the network of a laboratory.

caproto (BSD) speaks the protocol. What a client can make it hold is bounded here: connections, channels, bytes of a
message, puts that wait.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import math
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing, suppress
from typing import Any, ClassVar

import caproto
from caproto import AccessRights, AlarmSeverity, AlarmStatus, ChannelDouble, ChannelEnum
from caproto.asyncio.server import Context, VirtualCircuit
from caproto.asyncio.utils import AsyncioQueue, _TransportWrapper
from caproto.server.common import DisconnectedCircuit

from hw_bridge.gate import Gate
from hw_bridge.records import REFUSALS, Record, alarm, records
from hw_bridge.served import Instrument
from hw_bridge.session import Session
from hw_bridge.transports.listener import CONNECTIONS, LOG, Listener
from twin.errors import TwinError

PREFIX = "kibble"
SEARCH = 2048
"""Bytes of a datagram of searches; those of clients are shorter than those of Ethernet."""
SCAN = 0.1
"""From look to look for those that monitor (s, of the clock on the wall)."""
TRIES = 100
"""To find a port that is free for both."""
CHANNELS, MESSAGE, COMMANDS, WAITING = 1024, 1 << 16, 64, 32
"""Channels of a connection, bytes of a message, commands of a client and puts to an instrument that may wait."""


class RefusedError(Exception):
    """A put that an instrument does not do."""


class Source:
    """What the variables of an instrument share: the way to it, and their values when they were looked at last."""

    def __init__(self, gate: Gate, instrument: Instrument) -> None:
        self.gate, self.core = gate, instrument.core
        self.session: Session | None = None
        self.waiting = 0
        self.variables: list[Any] = []

    async def look(self) -> None:
        """Bring all variables up to date."""
        found = await self.gate.call(self._values)
        for variable, (value, off, reach) in zip(self.variables, found, strict=True):
            await variable.show(value, off, reach)

    def _values(self) -> list[tuple[float, int, tuple[float, float] | None]]:
        """In the simulation: value, alarm and reach of each."""
        found = []
        for variable in self.variables:
            record: Record = variable.record
            value = float(record.get())
            found.append((value, alarm(record, value), record.reach() if record.reach else None))
        return found

    async def put(self, record: Record, value: float) -> None:
        """Have a put done, in its turn; what is refused raises `RefusedError`."""
        put = record.put
        if put is None:
            raise RefusedError("it can only be read")
        if not math.isfinite(value):
            raise RefusedError(f"{value} is no number that can be put")
        if self.waiting >= WAITING:
            raise RefusedError("too many puts wait")
        if self.session is None:
            self.session = await self.gate.call(self.core.open)
        session = self.session
        self.waiting += 1
        try:
            await self.gate.operation(self.core.perform(session, lambda: put(value)))
        except (*REFUSALS, TwinError) as error:
            raise RefusedError(str(error)) from None
        except Exception as error:  # a mistake of ours
            LOG.exception("%s", record.field)
            raise RefusedError("internal error") from error
        finally:
            self.waiting -= 1


class Variable:
    """What numbers and states have in common; a mixin before the kinds of caproto."""

    source: Source
    record: Record
    refused = False
    meant: Callable[[Any], float]
    """The number that a put means."""
    _read: Callable[[Any], Awaitable[Any]]

    def check_access(self, hostname: str, username: str) -> Any:
        """Read, and write where there is something to put."""
        return AccessRights.READ | AccessRights.WRITE if self.record.put else AccessRights.READ

    async def read(self, data_type: Any) -> Any:
        """Read it afresh."""
        await self.source.look()
        return await self._read(data_type)

    async def verify_value(self, data: Any) -> Any:
        """A put from a client: the value is what the instrument has afterwards."""
        try:
            await self.source.put(self.record, self.meant(data))
        except RefusedError:
            self.refused = True
            raise
        self.refused = False
        await self.source.look()
        raise caproto.SkipWrite

    def shown(self, value: float) -> Any:
        """A value as clients see it."""
        return value

    async def show(self, value: float, off: int, reach: tuple[float, float] | None) -> None:
        """Publish a value and its alarm, if either has changed."""
        status, severity = AlarmStatus.NO_ALARM, AlarmSeverity.NO_ALARM
        if off:
            status = AlarmStatus.STATE if self.record.states else AlarmStatus.HIHI if off > 0 else AlarmStatus.LOLO
            severity = AlarmSeverity.MAJOR_ALARM
        elif self.refused:
            status, severity = AlarmStatus.WRITE, AlarmSeverity.MAJOR_ALARM
        limits = self.limits(reach)
        there: Any = self
        same = there.value == self.shown(value) and (there.status, there.severity) == (status, severity)
        if same and all(getattr(there, key) == wanted for key, wanted in limits.items()):
            return
        await there.write(
            self.shown(value), verify_value=False, update_fields=False, status=status, severity=severity, **limits
        )

    def limits(self, reach: tuple[float, float] | None) -> dict[str, float]:
        """Of control and alarm, by caproto's names."""
        return {}


class Number(Variable, ChannelDouble):
    """A quantity."""

    def __init__(self, source: Source, record: Record) -> None:
        self.source, self.record = source, record
        super().__init__(value=0.0, units=record.unit, precision=9)

    def meant(self, data: Any) -> float:
        (value,) = data if hasattr(data, "__len__") else (data,)
        return float(value)

    def limits(self, reach: tuple[float, float] | None) -> dict[str, float]:
        if reach is None:
            return {}
        ends = dict(zip(("lower", "upper"), reach, strict=True))
        return {f"{end}_{kind}_limit": value for end, value in ends.items() for kind in ("ctrl", "disp", "alarm")}


class State(Variable, ChannelEnum):
    """A quantity with names for its values."""

    def __init__(self, source: Source, record: Record) -> None:
        self.source, self.record = source, record
        super().__init__(value=record.states[0], enum_strings=record.states)

    def meant(self, data: Any) -> float:
        if isinstance(data, list | tuple) and len(data) == 1:
            (data,) = data
        if isinstance(data, str) and data in self.record.states:
            return float(self.record.states.index(data))
        with suppress(TypeError, ValueError):
            if int(data) in range(len(self.record.states)):
                return float(int(data))
        raise RefusedError(f"{data!r} is none of {', '.join(self.record.states)}")

    def shown(self, value: float) -> Any:
        return self.record.states[int(value)]


class Datagrams(AsyncioQueue):
    """Searches that wait; one too many or too long is lost, as datagrams are."""

    def put(self, value: Any) -> None:
        _, data, _ = value
        if isinstance(data, Exception) or len(data) <= SEARCH:
            with suppress(asyncio.QueueFull):
                self._queue.put_nowait(value)


class Circuit(VirtualCircuit):
    """A connection that holds no more than it may, and ends with all that belongs to it."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.command_queue: asyncio.Queue[Any] = asyncio.Queue(COMMANDS)

    async def command_queue_loop(self) -> None:
        with suppress(Exception):  # what caproto makes of a client's mistakes
            await super().command_queue_loop()
        await self._on_disconnect()

    async def _on_disconnect(self) -> None:
        with suppress(asyncio.CancelledError):  # of the task that sends to subscribers, for which caproto waits
            await super()._on_disconnect()
        for task in list(self.tasks.tasks):
            if task is not asyncio.current_task():
                task.cancel()

    async def recv(self) -> None:
        await super().recv()
        if len(self.circuit._data) > MESSAGE or len(self.circuit.channels) > CHANNELS:
            await self._on_disconnect()
            raise DisconnectedCircuit


class Server(Context):
    """Answers searches and connections at one address; sends no beacons."""

    CircuitClass = Circuit

    def __init__(self, variables: Mapping[str, Any], host: str, port: int) -> None:
        super().__init__(dict(variables), [host])
        self.ca_server_port = port
        self.broadcaster_datagram_queue = Datagrams(COMMANDS)
        self.command_bundle_queue: asyncio.Queue[Any] = asyncio.Queue(COMMANDS)
        self._listening: list[asyncio.Server] = []

    async def open(self) -> list[asyncio.Task[Any]]:
        """Listen; returns what runs until it is cancelled."""
        (host,) = self.interfaces
        self.port = self.ca_server_port
        self.tcp_sockets = {host: _bound(host, self.port)}
        self.broadcaster.server_addresses.append((host, self.port))
        await self._create_broadcaster_transport(host)
        self._listening.append(await asyncio.start_server(self._accepted, sock=self.tcp_sockets[host]))
        loops = (self.broadcaster_receive_loop, self.broadcaster_queue_loop, self.subscription_queue_loop)
        return [asyncio.ensure_future(loop()) for loop in loops]

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self.circuits) >= CONNECTIONS:
            writer.close()
            return
        transport = _TransportWrapper(reader, writer)
        self.server_tasks.create(self.tcp_handler(transport, transport.getpeername()))

    async def shut(self) -> None:
        """Listen no more, and end all connections."""
        for server in self._listening:
            server.close()
        handlers = [self.server_tasks, *(circuit.tasks for circuit in self.circuits)]
        for circuit in list(self.circuits):
            with suppress(Exception):  # it may have gone by itself
                await circuit._on_disconnect()
        for handler in handlers:
            await handler.cancel_all()
        for transport in self.udp_socks.values():
            transport.close()


class ChannelAccess(Listener):
    """See the module."""

    kind: ClassVar[str] = "epics"

    def __init__(self, gate: Gate, instruments: list[Instrument], token: str | None = None) -> None:
        super().__init__(gate, instruments, token)
        logging.getLogger("caproto").setLevel(logging.CRITICAL)  # a client's mistake is told to the client
        self.variables: dict[str, Any] = {}
        self.sources: list[Source] = []
        self._names: dict[str, list[str]] = {}
        self._channels: Server | None = None
        self._running: list[asyncio.Task[Any]] = []
        for instrument in instruments:
            source = Source(gate, instrument)
            for record in records(instrument.core):
                name = f"{PREFIX}:{instrument.core.name}:{record.field}"
                variable = (State if record.states else Number)(source, record)
                source.variables.append(variable)
                self.variables[name] = variable
                self._names.setdefault(instrument.core.name, []).append(name)
            self.sources.append(source)

    async def start(self, host: str, port: int) -> int:
        port = port or _free(host)
        _vacant(host, port)
        self._channels = Server(self.variables, host, port)
        self._running = [*await self._channels.open(), asyncio.ensure_future(self._scan())]
        return port

    async def _scan(self) -> None:
        """Look at all instruments while somebody is connected."""
        while True:
            await asyncio.sleep(SCAN)
            if self._channels is not None and self._channels.circuits:
                for source in self.sources:
                    await source.look()

    async def close(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._channels is not None:
            await self._channels.shut()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Not used: caproto serves its connections."""

    def addresses(self, host: str, port: int) -> list[tuple[Instrument, dict[str, Any]]]:
        return [
            (
                instrument,
                {
                    "address": f"{PREFIX}:{instrument.core.name}",
                    "ca_addr_list": f"{host}:{port}",
                    "pvs": {name: self._told(self.variables[name].record) for name in names},
                },
            )
            for instrument in self.instruments
            if (names := self._names.get(instrument.core.name))
        ]

    @staticmethod
    def _told(record: Record) -> dict[str, Any]:
        """What is announced of a variable."""
        kind: dict[str, Any] = {"states": list(record.states)} if record.states else {"unit": record.unit}
        return {**kind, "put": record.put is not None}


def _free(host: str) -> int:
    """A port that nobody has, for searches and for connections: one that is free for datagrams may not be for those."""
    for _ in range(TRIES):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
            port = int(probe.getsockname()[1])
            with suppress(OSError), closing(_bound(host, port)):
                return port
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _bound(host: str, port: int) -> socket.socket:
    """A socket for connections."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setblocking(False)
    try:
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made


def _vacant(host: str, port: int) -> None:
    """Raise an `OSError` if somebody answers searches at a port: the sockets of EPICS would share it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, port))
