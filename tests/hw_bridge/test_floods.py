"""Clients that send without end, or ask without reading, on every way in: what the servers hold is bounded."""

from __future__ import annotations

import gc
import socket
import struct
import tracemalloc

import pytest

from tests.hw_bridge.wired import HISLIP, Wired

FLOOD, HELD = 16 << 20, 6 << 20
"""Bytes that are sent, at most, and that may be held for them."""
BLOCK = 1 << 16
PATIENT = 0.3
"""So long a client waits to be rid of what it writes (s)."""


def port(wired: Wired, kind: str) -> int:
    if kind == "epics":
        return int(wired.row("current_source", "epics")["ca_addr_list"].partition(":")[2])
    return wired.port(kind)


def record(size: int, last: bool) -> bytes:
    """The head of a record of RPC."""
    return struct.pack(">I", size | (0x80000000 if last else 0))


def initialised(device: bytes = b"hislip0") -> bytes:
    """The first message of HiSLIP."""
    return HISLIP.pack(b"HS", 0, 0, 0x01006B74, len(device)) + device


CA_VERSION = struct.pack(">HHHHII", 0, 0, 0, 13, 0, 0)
FLOODS = {
    "socket, a line without end": ("socket", b"", b"A" * BLOCK),
    "socket, questions without end": ("socket", b"", b"*IDN?\n" * (BLOCK // 6)),
    "socket, errors without end": ("socket", b"", b"NONSENSE\n" * (BLOCK // 9)),
    "prologix, a line without end": ("prologix", b"++addr 12\n", b"A" * BLOCK),
    "prologix, questions without end": ("prologix", b"++addr 12\n++auto 1\n", b"*IDN?\n" * (BLOCK // 6)),
    "vxi11, a record without end": ("vxi11", b"", record(BLOCK - 4, False) + bytes(BLOCK - 4)),
    "vxi11, a record of 2 GB": ("vxi11", record(0x7FFFFFFF, True), bytes(BLOCK)),
    "hislip, a message of 4 GB": ("hislip", initialised() + HISLIP.pack(b"HS", 7, 0, 2, 1 << 32), bytes(BLOCK)),
    "hislip, before it has begun": ("hislip", HISLIP.pack(b"HS", 0, 0, 0, 1 << 40), bytes(BLOCK)),
    "epics, a message of 4 GB": (
        "epics",
        CA_VERSION + struct.pack(">HHHHIIII", 4, 0xFFFF, 6, 0, 1, 1, 0xFFFFFFF0, 1),
        bytes(BLOCK),
    ),
    "epics, channels without end": (
        "epics",
        CA_VERSION,
        (struct.pack(">HHHHII", 18, 32, 0, 0, 1, 13) + b"kibble:current_source:current".ljust(32, b"\0")) * 1365,
    ),
}


@pytest.mark.parametrize("size", [1024, 16384])
def test_searches_without_end_are_lost_when_they_are_too_many(wired: Wired, size: int) -> None:
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            for _ in range(FLOOD // size // 4):
                peer.sendto(CA_VERSION + bytes(size), ("127.0.0.1", port(wired, "epics")))
        held = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert held < HELD


@pytest.mark.parametrize("flood", FLOODS)
def test_no_flood_fills_the_memory(wired: Wired, flood: str) -> None:
    kind, head, block = FLOODS[flood]
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        with socket.create_connection(("127.0.0.1", port(wired, kind)), PATIENT) as peer:
            try:
                peer.sendall(head)
                for _ in range(FLOOD // len(block)):
                    peer.sendall(block)
            except OSError:
                pass  # it is closed, or the server takes no more before somebody reads
            held = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert held < HELD
    with wired.connect("socket") as other:
        assert other.query("*IDN?").startswith("KEITHLEY"), "for others it goes on"
