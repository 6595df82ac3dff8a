"""What the conformance suite looks at: an instrument in a role, whichever way it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.compensating_source import CompensatingSource
from components.motion_stage import MotionStage
from components.resistor import Resistor
from components.voltage_reference import VoltageReference
from components.voltmeter import Voltmeter
from hw_bridge.drivers.driver import Driver
from scenarios.schema.hardware import Hardware
from tests.hw_bridge.wired import Wired
from twin import plugins
from twin.clock import Process
from twin.instrument import Bench
from twin.noise import Streams
from twin.real_time import RealTimeClock
from twin.recorder import Recorder
from twin.twin import Twin

LIMITS = {"current": 1e-3, "voltage": 10.0, "lower": -1e-3, "upper": 1e-3, "velocity": 5e-3}
DRIVERS = {"current_source": "keithley6221", "current_voltmeter": "hp3458a", "flexure": "pi_gcs"}


@dataclass
class Subject:
    """An instrument, its clock and recorder, and what it truly does, as far as somebody knows."""

    instrument: Any
    clock: Any
    recorder: Recorder
    current: Callable[[], float]
    voltage: Callable[[], float] | None
    position: Callable[[], float]
    drive: Callable[[float], None]

    def run(self, operation: Process) -> Any:
        """Do it."""
        return self.clock.run(operation)


@contextmanager
def simulated(role: str) -> Iterator[Subject]:
    """On a bench of nothing else."""
    parts = {
        "current_source": CompensatingSource(limit=LIMITS["current"]),
        "resistor": Resistor(resistance=1000.0),
        "voltage_reference": VoltageReference(voltage=1.0),
        "current_voltmeter": Voltmeter(),
        "flexure": MotionStage(lower_limit=LIMITS["lower"], upper_limit=LIMITS["upper"]),
    }
    wiring = {
        "resistor.current": "current_source.current",
        "current_voltmeter.input": "resistor.voltage",
        "current_voltmeter.reference": "voltage_reference.voltage",
    }
    twin = Twin(parts, wiring)
    source = twin.graph.components["current_source"]

    def now(port: str) -> float:
        return float(twin.signal(port)(np.array([twin.clock.seconds]))[0])

    def drive(current: float) -> None:
        twin.clock.run(source.set(current, 0.0))  # type: ignore[attr-defined]
        source.connect()  # type: ignore[attr-defined]

    yield Subject(
        twin.graph.components[role],
        twin.clock,
        twin.recorder,
        lambda: now("current_source.current"),
        lambda: now("resistor.voltage"),
        lambda: now("flexure.position"),
        drive,
    )


def bench(scale: float | None = None) -> Bench:
    """A bench for drivers, whose time stands still while they wait."""
    return Bench(RealTimeClock(scale), Recorder(), Streams(0))


def driver(name: str, kind: str, resource: str, lent: Bench, *, armed: bool = True, **more: Any) -> Driver:
    """A driver that is not open yet."""
    loaded = plugins.load(plugins.DRIVERS, kind)
    limits = {key: value for key, value in LIMITS.items() if key in loaded.enforces}
    hardware = Hardware(driver=kind, resource=resource, **{"limits": limits, "timeout": 20.0, **more})
    made: Driver = loaded(name, hardware, None, lent, armed=armed)
    return made


@contextmanager
def opened(made: Driver) -> Iterator[Driver]:
    """Open; in the end safe, closed, and without a thread."""
    try:
        made.open()
        yield made
        made.make_safe()
    finally:
        assert made.close()


def two_stages(wired: Wired) -> dict[str, Any]:
    """The source of two stages that a station serves."""
    places = {"coarse": "current_source", "fine": "current_source_fine"}
    limits = {"coarse": {}, "fine": {"current": "2 uA"}}
    return {
        which: {"driver": "keithley6221", "resource": wired.row(name, "socket")["address"], "limits": limits[which]}
        for which, name in places.items()
    }


@contextmanager
def served(role: str, wired: Wired, kind: str = "") -> Iterator[Subject]:
    """Our driver, over a socket to the emulated instrument."""
    kind = kind or DRIVERS[role]
    address = wired.row(role, "socket")["address"]
    if role == "flexure":
        with wired.connect("socket", role) as operator:
            for command in ("SVO 1 1", "FRF 1"):
                operator.send(command.encode() + b"\n")
            while operator.query("ONT? 1") != "1=1":
                pass
    lent = bench()
    graph = wired.station.served.twin.graph.components

    def drive(current: float) -> None:
        with wired.connect("socket") as operator:
            operator.query(f"*RST;:SOUR:CURR:RANG 2E-3;:SOUR:CURR {current!r};:OUTP ON;:OUTP?")

    def voltage() -> float:
        now = wired.station.clock.seconds  # it stands still, as nobody waits
        return float(wired.station.served.twin.signal("resistor.voltage")(np.array([now]))[0])

    def current() -> float:
        source: Any = graph["current_source"]
        fine: Any = graph["current_source_fine"]
        return float(sum(s.level for s in (source, fine) if s.is_connected))

    more = {"stages": two_stages(wired)} if kind == "two_stage_source" else {}
    with opened(driver(role, kind, address, lent, **more)) as made:
        yield Subject(
            made,
            lent.clock,
            lent.recorder,
            current,
            voltage,
            lambda: float(graph["flexure"].commanded()[0]),  # type: ignore[attr-defined]
            drive,
        )


def named(given: str, lent: Bench) -> Driver:
    """A driver by the command line: ``NAME=driver@resource``, and ``;settings.field=ai0`` as often as needed."""
    head, *rest = given.split(";")
    name, _, there = head.partition("=")
    kind, _, resource = there.partition("@")
    more: dict[str, Any] = {}
    for item in rest:
        path, _, value = item.partition("=")
        *place, last = path.split(".")
        inner = more
        for key in place:
            inner = inner.setdefault(key, {})
        inner[last] = value
    return driver(name, kind, resource, lent, **more)


@contextmanager
def hardware(role: str, given: str) -> Iterator[Subject]:
    """What stands on the command line; whoever gives it has wired nothing that minds."""
    lent = bench(1.0)
    with opened(named(given, lent)) as made:
        there: Any = made

        def leave(current: float) -> None:
            """What drives the meter is not known."""

        yield Subject(
            made,
            lent.clock,
            lent.recorder,
            lambda: there.reading("current"),
            None,
            lambda: there.reading("position"),
            leave,
        )
