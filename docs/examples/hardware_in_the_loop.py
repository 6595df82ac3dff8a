"""A laboratory's own program against the twin: it speaks VISA to a source, two voltmeters and a stage, and finds Bl.

    python docs/examples/hardware_in_the_loop.py                 # serves KBmini on this machine and measures it
    python docs/examples/hardware_in_the_loop.py ADDRESSES.json  # the same program on instruments that are there

It needs pyvisa and pyvisa-py. ``ADDRESSES.json`` maps ``source``, ``shunt``, ``coil`` and ``stage`` to VISA resources;
without it the program starts ``kibble-twin serve`` and takes the addresses from its first line. The served clock stands
still until somebody measures (``--scale step``), so that minutes of the twin pass at once.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyvisa

SHUNT = 1000.0  # ohm, of the resistor in series with the coil
CURRENT = 3.5e-3  # A
SPEED = 0.3  # mm/s


@contextmanager
def served(scenario: str) -> Iterator[dict[str, str]]:
    """The addresses of a twin on this machine, while it serves."""
    kibble_twin = Path(sys.executable).with_name("kibble-twin")
    command = [str(kibble_twin), "serve", scenario, "--json", "--scale", "step"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            rows = json.loads(server.stdout.readline())["instruments"]
            found = {row["name"]: row["address"] for row in rows if row["transport"] == "socket"}
            yield {
                "source": found["current_source"],
                "shunt": found["current_voltmeter"],
                "coil": found["induced_voltmeter"],
                "stage": found["flexure"],
            }
        finally:
            server.terminate()


class Laboratory:
    """The instruments, in their own languages: a 6221, two 3458As, a PI stage."""

    def __init__(self, addresses: dict[str, str], stack: ExitStack) -> None:
        visa: Any = pyvisa.ResourceManager("@py")
        stack.callback(visa.close)

        def opened(name: str) -> Any:
            return stack.enter_context(
                visa.open_resource(addresses[name], read_termination="\n", write_termination="\n", timeout=60_000)
            )

        self.source, self.shunt, self.coil, self.stage = (opened(n) for n in ("source", "shunt", "coil", "stage"))
        self.source.write("*RST;:CURR:RANG 20e-3;COMP 50")
        stack.callback(self.source.write, ":OUTP OFF;:CURR 0")
        for meter in (self.shunt, self.coil):
            meter.write("RESET;END ALWAYS;TARM HOLD;TRIG AUTO;DCV 10;NPLC 10")

    def drive(self, amperes: float) -> None:
        """A current through the coil, set and read back."""
        self.source.write(f":CURR {amperes!r};:OUTP ON")
        told = float(self.source.query("CURR?"))
        if told != amperes:
            raise RuntimeError(f"the source was told {amperes} A and says {told} A")

    def rest(self) -> None:
        """No current."""
        self.source.write(":OUTP OFF;:CURR 0")

    def volts(self, meter: Any) -> float:
        """One reading."""
        return float(meter.query("TARM SGL"))

    def reference(self) -> None:
        """Find the stage's origin, without which it does not move."""
        self.stage.write("SVO 1 1")
        self.stage.write("FRF 1")
        while self.stage.query("FRF?") != "1=1":
            self.volts(self.coil)

    def go(self, millimetres: float) -> None:
        """Start to move there, at `SPEED`."""
        self.stage.write(f"VEL 1 {SPEED!r}")
        self.stage.write(f"MOV 1 {millimetres!r}")
        error = self.stage.query("ERR?")
        if error != "0":
            raise RuntimeError(f"the stage refuses with error {error}")

    def arrive(self) -> None:
        """Wait until it is there: each reading of a meter lets time pass."""
        while self.stage.query("ONT?") != "1=1":
            self.volts(self.coil)


# --8<-- [start:measurement]
def geometric_factor(lab: Laboratory) -> float:
    """Bl (T·m): what the coil induces on its way up less what it induces on its way down, over twice the speed."""
    lab.rest()
    lab.reference()
    lab.go(-0.5)
    lab.arrive()
    means = []
    for target in (0.5, -0.5, 0.5, -0.5):
        lab.go(target)
        readings = [lab.volts(lab.coil) for _ in range(6)][2:]  # the first see the stage accelerate
        means.append(float(np.mean(readings)))
        lab.arrive()
    up, down = np.mean(means[::2]), np.mean(means[1::2])
    return float((up - down) / (2.0 * SPEED * 1e-3))


def resistance(lab: Laboratory, pairs: int = 40) -> float:
    """Of the coil (ohm): voltage across it over the current through it, which is that of the shunt."""
    ratios = [lab.volts(lab.coil) / lab.volts(lab.shunt) for _ in range(pairs)]
    return SHUNT * float(np.mean(ratios))


def warming(lab: Laboratory, readings: int = 300) -> tuple[float, float]:
    """Resistance of the coil (ohm) as the current begins and after so many readings: what heats, heats the twin."""
    lab.drive(CURRENT)
    cold = resistance(lab)
    lab.shunt.write("NPLC 100")
    for _ in range(readings):
        lab.volts(lab.shunt)
    lab.shunt.write("NPLC 10")
    warm = resistance(lab)
    lab.rest()
    return cold, warm


# --8<-- [end:measurement]


def main(arguments: list[str]) -> None:
    """Measure, and say what was found."""
    with ExitStack() as stack:
        if arguments:
            addresses = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
        else:
            addresses = stack.enter_context(served("kbmini_tmtp"))
        lab = Laboratory(addresses, stack)
        print(f"source: {lab.source.query('*IDN?')}")
        print(f"Bl = {geometric_factor(lab):.2f} T·m")
        cold, warm = warming(lab)
        print(f"coil: {cold:.2f} Ω, {warm:.2f} Ω after it has been heated")


if __name__ == "__main__":
    main(sys.argv[1:])
