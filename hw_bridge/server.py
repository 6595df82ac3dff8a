"""The ways in to a served twin: every transport, in an event loop of a thread of its own."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import threading
from collections.abc import Iterator
from itertools import count
from typing import Any

from hw_bridge.errors import BridgeError
from hw_bridge.gate import Gate
from hw_bridge.served import ServedTwin
from hw_bridge.transports.hislip import Hislip
from hw_bridge.transports.listener import Listener
from hw_bridge.transports.locks import Locks
from hw_bridge.transports.prologix import Prologix
from hw_bridge.transports.raw_socket import RawSocket
from hw_bridge.transports.vxi11 import Vxi11

try:
    from hw_bridge.transports.channel_access import ChannelAccess
except ImportError:  # the extra epics is not there
    ChannelAccess = None  # type: ignore[assignment, misc]

EVERYWHERE = ("0.0.0.0", "::")
"""Addresses that mean every one of this machine; clients are told its name."""
CLOSING = 10.0
"""Connections get so long to end (s)."""


class WireServer:
    """Serves a twin from `start` to `close`; the simulation runs in the thread that runs its clock.

    Parameters
    ----------
    served : the twin.
    host : address to listen at.
    port : first port, the others follow; 0: any that are free.
    token : that clients have to know, where the protocol can carry one.
    epics : whether there are process variables too; None: if caproto is there and the address is one of IPv4.

    Raises
    ------
    BridgeError
        If there are to be process variables, and caproto is not there.
    """

    def __init__(
        self,
        served: ServedTwin,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        epics: bool | None = None,
    ) -> None:
        if epics and ChannelAccess is None:
            raise BridgeError("EPICS Channel Access needs caproto: pip install 'kibble-twin[epics]'")
        self.host = host
        self._first_port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)
        gate = Gate(served.clock, self._loop, served.tidy)
        locks, on_bus = Locks(), [i for i in served.instruments if i.address is not None]
        self.listeners: list[Listener] = [RawSocket(gate, [i], token) for i in served.instruments]
        if on_bus:
            self.listeners += [
                Hislip(gate, on_bus, token, locks),
                Vxi11(gate, on_bus, token, locks),
                Prologix(gate, on_bus, token),
            ]
        if epics or (epics is None and ChannelAccess is not None and ":" not in host):
            self.listeners.append(ChannelAccess(gate, served.instruments, token))

    def start(self) -> list[dict[str, Any]]:
        """Open all ports; returns every instrument with each of its addresses.

        Raises
        ------
        BridgeError
            If a port cannot be opened.
        """
        self._thread.start()
        try:
            return self._in_loop(self._open())
        except BridgeError:
            self.close()
            raise

    def close(self) -> None:
        """Close all ports and connections."""
        if self._loop.is_closed():
            return
        self._in_loop(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSING)
        self._loop.close()

    def __enter__(self) -> WireServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open_to_all(self) -> list[str]:
        """Transports that whoever reaches the host can use, since their protocol carries no token."""
        if is_loopback(self.host):
            return []
        return sorted({listener.kind for listener in self.listeners if not listener.carries_token})

    async def _open(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        shown = socket.gethostname() if self.host in EVERYWHERE else self.host
        ports: Iterator[int] = count(self._first_port) if self._first_port else iter(int, 1)
        for listener in self.listeners:
            wanted = next(ports)
            try:
                port = await listener.start(self.host, wanted)
            except OSError as error:
                place = f"{self.host}, port {wanted}" if wanted else self.host
                raise BridgeError(f"cannot listen at {place}: {_reason(error)}; see --bind and --port") from None
            for instrument, address in listener.addresses(shown, port):
                core = instrument.core
                rows.append({"name": core.name, "model": core.model, "transport": listener.kind, **address})
        names = list(dict.fromkeys(row["name"] for row in rows))
        return sorted(rows, key=lambda row: names.index(row["name"]))

    async def _close(self) -> None:
        for listener in self.listeners:
            await listener.close()

    def _in_loop(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(CLOSING)


def _reason(error: OSError) -> str:
    """In the system's own words; asyncio adds to them, and a name that is not known has a number of another kind."""
    number = error.errno or 0
    return (os.strerror(number) if number > 0 else error.strerror or str(error)).lower()


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
