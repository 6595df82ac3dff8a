"""Served instruments over a raw socket, in a process of their own, beside a bare loopback echo of the same sizes."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

SERVE = "import sys; from scenarios.cli.app import main; sys.exit(main())"
ECHO = """
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    client, _ = server.accept()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while size := client.recv(64):
        client.sendall(bytes(int(size)))
"""
KILOBYTES = 10_000
"""Of 2500 readings in DINT."""


class Line:
    """A connection that asks and waits for so many bytes."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 60.0)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(self, question: bytes, size: int) -> bytes:
        """Send, and read `size` bytes."""
        self.socket.sendall(question)
        data = b""
        while len(data) < size and (part := self.socket.recv(size - len(data))):
            data += part
        return data


@pytest.fixture(scope="module")
def echo() -> Iterator[Line]:
    with subprocess.Popen([sys.executable, "-c", ECHO], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        with Line(int(process.stdout.readline())) as line:
            yield line


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    """Of the served instruments, in real time."""
    command = [sys.executable, "-c", SERVE, "serve", "kbmini_tmtp", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            told: dict[str, Any] = json.loads(process.stdout.readline())
            rows = [row for row in told["instruments"] if row["transport"] == "socket"]
            yield {row["name"]: int(row["address"].split("::")[2]) for row in rows}
        finally:
            process.send_signal(signal.SIGTERM)


def test_echo(benchmark, echo: Line) -> None:
    """13 bytes there and back: what the machine needs for any answer."""
    assert len(benchmark(echo.ask, b"13", 13)) == 13


def test_query(benchmark, ports: dict[str, int]) -> None:
    """What the source is set to. Target: median 2 ms."""
    with Line(ports["current_source"]) as source:
        assert benchmark(source.ask, b"CURR?\n", 13) == b"0.000000E+00\n"


def test_echo_of_10_kb(benchmark, echo: Line) -> None:
    """10 kB back."""
    assert len(benchmark(echo.ask, b"10000", KILOBYTES)) == KILOBYTES


def test_binary_read_of_10_kb(benchmark, ports: dict[str, int]) -> None:
    """2500 readings out of the memory of a 3458A, as 32-bit integers. Target: median 10 ms."""
    setup = b"TARM HOLD;TRIG AUTO;DCV 10;AZERO OFF;NPLC 0;MFORMAT DINT;OFORMAT DINT;MEM FIFO;NRDGS 2500,AUTO;TARM SGL"
    with Line(ports["current_voltmeter"]) as meter:
        assert meter.ask(setup + b";MCOUNT?\n", 6) == b"2500\r\n"
        assert len(benchmark(meter.ask, b"RMEM 1,2500,1\n", KILOBYTES)) == KILOBYTES


def test_reading_of_one_power_line_cycle(benchmark, ports: dict[str, int]) -> None:
    """A reading of 20 ms, from the trigger to the answer: at least 20 ms, in real time."""
    with Line(ports["induced_voltmeter"]) as meter:
        assert meter.ask(b"TARM HOLD;TRIG AUTO;DCV 10;AZERO OFF;NPLC 1;ID?\n", 9) == b"HP3458A\r\n"
        assert len(benchmark(meter.ask, b"TARM SGL\n", 17)) == 17
