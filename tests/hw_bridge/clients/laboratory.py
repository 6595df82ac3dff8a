"""As a laboratory might write it, with pyvisa: source and 3458A behind a LAN-to-GPIB gateway, a stage at a socket.

Usage: laboratory.py SOURCE METER STAGE, each the rows that ``kibble-twin serve --json`` lists for that instrument.
"""

from __future__ import annotations

import json
import socket
import sys
from typing import Any

import pyvisa

MILLISECONDS = 60_000
manager = pyvisa.ResourceManager("@py")


class Source:
    """A 6221 behind a gateway."""

    def __init__(self, rows: dict[str, Any]) -> None:
        self.bus = manager.open_resource(rows["vxi11"]["bus_address"], read_termination="\n", timeout=MILLISECONDS)

    def drive(self, current: float) -> None:
        self.bus.write(f"*RST;CURR:RANG {current!r};:CURR:COMP 50;:CURR {current!r};:OUTP ON")
        assert float(self.bus.query("CURR?")) == current and self.bus.query("OUTP?") == "1"


class Meter:
    """A 3458A on GPIB, whose readings come as 32-bit integers out of its memory."""

    def __init__(self, rows: dict[str, Any]) -> None:
        self.bus = manager.open_resource(rows["vxi11"]["bus_address"], timeout=MILLISECONDS)
        self.bus.write("RESET")
        self.bus.write("END ALWAYS")
        self.bus.write("INBUF ON")
        self.bus.write("TARM HOLD")

    def ask(self, query: str) -> str:
        return str(self.bus.query(query).strip())

    def read(self, count: int) -> list[float]:
        for command in ("DCV 10", "AZERO ON", "NPLC 1", "OFORMAT DINT", "MFORMAT DINT", "MEM FIFO", "TRIG AUTO"):
            self.bus.write(command)
        self.bus.write(f"NRDGS {count},AUTO")
        self.bus.write("TARM SGL")
        while not self.bus.read_stb() & 16:
            pass
        assert int(self.ask("MCOUNT?")) == count
        scale = float(self.ask("ISCALE?"))
        self.bus.write(f"RMEM 1,{count},1")
        data = self.bus.read_bytes(4 * count)
        return [scale * int.from_bytes(data[k : k + 4], "big", signed=True) for k in range(0, len(data), 4)]


class Stage:
    """A PI controller at a socket."""

    def __init__(self, rows: dict[str, Any]) -> None:
        _, host, port, _ = rows["socket"]["address"].replace("::", " ").split()
        self.socket = socket.create_connection((host, int(port)), MILLISECONDS / 1000)
        self.file = self.socket.makefile("rb")

    def send(self, command: str) -> None:
        self.socket.sendall(command.encode() + b"\n")

    def ask(self, query: str) -> float:
        self.send(query)
        return float(self.file.readline().decode().partition("=")[2])

    def ready(self) -> list[int]:
        self.socket.sendall(b"\x07")
        return list(self.file.read(2))

    def move(self, millimetres: float) -> list[float]:
        self.send("SVO 1 1")
        self.send("FRF 1")
        self.send("VEL 1 10")
        self.send(f"MOV 1 {millimetres}")
        path = [self.ask("POS? 1")]
        while not self.ask("ONT? 1"):
            path.append(self.ask("POS? 1"))
        return [*path, self.ask("POS? 1")]


def main() -> None:
    source, meter, stage = (
        kind(json.loads(rows)) for kind, rows in zip((Source, Meter, Stage), sys.argv[1:], strict=True)
    )
    source.drive(2e-3)
    found = {"identity": meter.ask("ID?"), "current": meter.read(50), "scale": float(meter.ask("ISCALE?"))}
    found |= {"revision": meter.ask("REV?"), "aperture": float(meter.ask("APER?")), "error": meter.ask("ERRSTR?")}
    found |= {"ready": bool(meter.bus.read_stb() & 16), "controller": stage.ready(), "coil": stage.move(1.0)}
    print(json.dumps(found))


main()
