"""What each role that reads promises: simulated, our driver before the emulated instrument or its stand-in, hardware.

Hardware is named on the command line, with what the scenario would say of it: ``--hardware
"fluxgate=daq_fluxgate@Dev1;settings.field=ai0;settings.field_scale=205 uT/V"``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components import roles
from hw_bridge.client import IDENTIFY, MEANS, SAMPLING
from hw_bridge.drivers.driver import Driver
from tests.hw_bridge.improper import Improper
from tests.hw_bridge.sensors import (
    COMPILER,
    DAQ,
    MEANT,
    UNITS,
    VOLTS,
    Sensor,
    hardware_sensor,
    interferometer,
    simulated,
    siosifm,
    standing,
)
from tests.hw_bridge.standin_daq import Card
from tests.hw_bridge.subjects import bench, driver
from twin import plugins
from twin.recorder import Schedule
from twin.times import NS

STATED = {"role", "unit", "channels", "u", "lowest", "highest", "step", "met_hardware", "trigger_latency_s", "timing_s"}
WAYS = ["simulated", "driver", "hardware"]
DRIVERS = {
    "Thermometer": "pt100_3458a",
    "Fluxgate": "daq_fluxgate",
    "DisplacementSensor": "daq_displacement_sensor",
    "PositionDetector": "daq_position_detector",
    "Interferometer": "sios",
}


SERVED = {"Interferometer": ("interferometer", SAMPLING), "PositionDetector": ("position_detector", MEANS)}
"""Those that ``kibble-twin serve`` has too: the part, and the words of the generic driver."""
GENERIC = {
    "Thermometer": ("generic_thermometer", b"26.25 C", {"scale": "1 K", "zero": 25.0}, 1.25),
    "Fluxgate": ("generic_fluxgate", b"B 0.048", {"scale": "1 mT"}, 48e-6),
    "DisplacementSensor": ("generic_displacement_sensor", b"-20.5", {"scale": "1 um", "zero": -0.5}, -20e-6),
    "Interferometer": ("generic_interferometer", b"400000.0 nm", {"scale": "1 nm"}, 0.4e-3),
}
"""Driver, answer, settings, and what that means."""
PAIRS = [
    *((role, way) for role in DRIVERS for way in WAYS),
    *((role, "generic") for role in GENERIC),
    *((role, "served") for role in SERVED),
]


@pytest.fixture(params=PAIRS, ids=lambda pair: f"{pair[0]}-{pair[1]}")
def sensor(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[tuple[str, Sensor]]:
    role, way = request.param
    kind = DRIVERS[role]
    if way == "simulated":
        yield role, simulated(role)
    elif way == "hardware":
        given = request.config.getoption("--hardware") or []
        found = next((g for g in given if g.partition("=")[2].partition("@")[0] == kind), None)
        if found is None:
            pytest.skip("no hardware of this role on the command line: --hardware NAME=driver@resource")
        with hardware_sensor(found) as made:
            yield role, made
    elif way == "served":
        name, words = SERVED[role]
        address = request.getfixturevalue("wired").row(name, "socket")["address"]
        commands = {"identify": IDENTIFY, **words}
        with standing(driver("s", f"sampling_{name}", address, bench(), commands=commands), None) as made:
            yield role, made
    elif way == "generic":
        kind, answer, settings, value = GENERIC[role]
        commands = {"identify": "ID", "read": "READ?"}
        with Improper(lambda line: (b"SENSOR" if line == b"ID" else answer) + b"\n") as server:
            made = driver("s", kind, server.resource, bench(), commands=commands, settings=settings)
            with standing(made, dict.fromkeys(UNITS[role], value)) as there:
                yield role, there
    elif role == "Thermometer":
        address = request.getfixturevalue("wired").row("magnet_thermometer", "socket")["address"]
        with standing(driver("t", kind, address, bench()), {"temperature_rise": 0.0}) as made:
            yield role, made
    elif role == "Interferometer":
        with siosifm(tmp_path, "c" if COMPILER else "python") as (library, path):
            library.SetLength(1, 0.4e6, 0.0)
            with standing(interferometer(path), {"position": 0.4e-3}) as made:
                yield role, made
    else:
        Card(VOLTS).install(monkeypatch)
        with standing(driver("s", kind, "Dev1", bench(), settings=DAQ[kind]), MEANT[kind]) as made:
            yield role, made


def test_it_plays_its_role_and_states_what_it_can(sensor: tuple[str, Sensor]) -> None:
    role, there = sensor
    assert isinstance(there.instrument, getattr(roles, role))
    if isinstance(there.instrument, Driver):
        told = there.instrument.statement()
        assert (told.role, told.unit) == (role, next(iter(UNITS[role].values())))
        assert told.lowest < told.highest and not told.met_hardware
        assert set(told.plain()) == STATED


@pytest.mark.parametrize(("step", "count", "every", "repeats"), [(0.1, 3, 0.0, 1), (0.2, 2, 1.0, 2)])
def test_readings_have_the_shape_of_their_schedule_and_are_recorded(
    sensor: tuple[str, Sensor], step: float, count: int, every: float, repeats: int
) -> None:
    role, there = sensor
    schedule = Schedule(there.clock.now + NS // 10, round(step * NS), count, round(every * NS), repeats)
    there.run(there.instrument.read(schedule, {"phase": "weighing", "cycle": 3}))
    assert there.clock.now >= schedule.end
    blocks = list(there.recorder.readings)
    assert {block.quantity: block.unit for block in blocks} == UNITS[role]
    for block in blocks:
        assert (block.schedule, block.values.shape, block.aperture) == (schedule, (repeats, count), schedule.step)
        assert block.has(phase="weighing", cycle=3)
        assert np.all(np.isfinite(block.values))
        if there.truth is not None:
            near = 0.05 if role == "Thermometer" else 1e-12  # as well as the simulated sensor knows
            assert block.values == pytest.approx(np.full((repeats, count), there.truth[block.quantity]), abs=near)


AT_ONCE = [(role, way) for role in ("DisplacementSensor", "Interferometer") for way in [*WAYS, "generic"]]
AT_ONCE.append(("Interferometer", "served"))


@pytest.mark.parametrize("sensor", AT_ONCE, indirect=True)
def test_an_instantaneous_reading_has_no_aperture(sensor: tuple[str, Sensor]) -> None:
    _, there = sensor
    schedule = Schedule(there.clock.now, NS // 10, 2)
    block = there.run(there.instrument.read(schedule, {}, instantaneous=True))
    assert (block.aperture, block.values.shape) == (0, (1, 2))


def test_the_table_of_drivers_has_a_way_for_each_role() -> None:
    kinds: dict[str, Any] = {kind: plugins.load(plugins.DRIVERS, kind) for kind in DRIVERS.values()}
    assert {kind.role: name for name, kind in kinds.items()} == DRIVERS
