"""Served instruments in a process of their own, and what they are measured against: an echo, and pyvisa-sim."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
MEMORY = b"TARM HOLD;TRIG AUTO;DCV 10;AZERO OFF;NPLC 0;MFORMAT DINT;OFORMAT DINT;MEM FIFO;NRDGS 2500,AUTO;TARM SGL"
"""Fills the memory of a 3458A."""
SIMULATED = """
spec: "1.1"
devices:
  source:
    eom:
      TCPIP SOCKET: {q: "\\n", r: "\\n"}
    error: ERROR
    dialogues:
      - {q: "CURR?", r: "0.000000E+00"}
resources:
  TCPIP0::localhost::2222::SOCKET: {device: source}
"""


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


@contextmanager
def echo() -> Iterator[Line]:
    """Somebody who answers with as many bytes as he is asked for."""
    with subprocess.Popen([sys.executable, "-c", ECHO], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        with Line(int(process.stdout.readline())) as line:
            yield line


@contextmanager
def served(scenario: str = "kbmini_tmtp") -> Iterator[dict[str, int]]:
    """Ports of the instruments of a scenario, in real time."""
    command = [sys.executable, "-c", SERVE, "serve", scenario, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            told: dict[str, Any] = json.loads(process.stdout.readline())
            rows = [row for row in told["instruments"] if row["transport"] == "socket"]
            yield {row["name"]: int(row["address"].split("::")[2]) for row in rows}
        finally:
            process.send_signal(signal.SIGTERM)


@contextmanager
def simulated() -> Iterator[Callable[[str], str]]:
    """A question to an instrument of pyvisa-sim, which has no wire at all: the program itself answers."""
    import pyvisa

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "source.yaml"
        file.write_text(SIMULATED)
        manager = pyvisa.ResourceManager(f"{file}@sim")
        ways: dict[str, Any] = {"read_termination": "\n", "write_termination": "\n"}
        instrument: Any = manager.open_resource("TCPIP0::localhost::2222::SOCKET", **ways)
        try:
            yield instrument.query
        finally:
            instrument.close()
            manager.close()
