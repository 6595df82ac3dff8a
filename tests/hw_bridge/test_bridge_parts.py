"""Runs with other real instruments: a source of two stages, a thermometer, an exchanger; what may be beside what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import tests.hw_bridge.real_bench as bench
from hw_bridge.bridge import Bridge
from hw_bridge.errors import SafetyError
from scenarios.schema import Scenario
from tests.hw_bridge.subjects import two_stages
from tests.hw_bridge.wired import Wired
from twin.clock import Process
from twin.errors import WiringError
from twin.real_time import RealTimeClock
from twin.recorder import Schedule
from twin.times import NS
from twin.twin import Twin

ARTEFACT = {"driver": "artefact"}
PAN = {"test_mass": ARTEFACT, "pan": ARTEFACT}


def with_parts(real: dict[str, Any]) -> Scenario:
    """The bench with a thermometer, a mass and its exchanger beside it."""
    text = bench.scenario({})
    parts = {"thermometer": {}, "mass_exchanger": {}, "test_mass": {"mass": "100 g"}, "pan": {"type": "stop"}}
    wiring = {"thermometer.temperature_rise": "environment.temperature_rise"}
    wiring |= {"mass_exchanger.weight": "test_mass.weight", "test_mass.gravity": "environment.gravity"}
    wiring |= {"test_mass.air_density": "environment.air_density", "pan.coil_force": "mass_exchanger.load"}
    text = text.with_({f"balance.{name}": part for name, part in parts.items()})
    text = text.with_({"balance.wiring": {**text.wiring, **wiring}})
    return text.with_({f"balance.{name}.hardware": hardware for name, hardware in real.items()})


@contextmanager
def bridged(real: dict[str, Any]) -> Iterator[tuple[Bridge, Twin, Any]]:
    chosen = with_parts(real)
    with Bridge(chosen, arm=True, clock=RealTimeClock(None), tell=lambda line: None) as bridge:
        twin = Twin(bridge.parts(), chosen.wiring, clock=bridge.clock)
        there = bridge.instruments(twin)
        bridge.start()
        yield bridge, twin, there


def thermometer(wired: Wired) -> dict[str, Any]:
    address = wired.row("magnet_thermometer", "socket")["address"]
    return {"driver": "pt100_3458a", "resource": address, "timeout": "20 s"}


def test_a_real_thermometer_reads_a_real_room_only(wired: Wired) -> None:
    reason = "a real meter cannot read a simulated signal; make environment real too"
    with pytest.raises(WiringError, match=reason), bridged({"thermometer": thermometer(wired)}):
        pass
    with bridged({"thermometer": thermometer(wired), "environment": ARTEFACT}) as (bridge, twin, there):
        schedule = Schedule(bridge.clock.now, NS // 5, 3)
        block = bridge.clock.run(there["thermometer"].read(schedule, {"phase": "rest"}))
        assert (block.source, block.unit, block.quantity) == ("real", "K", "temperature_rise")
        assert list(twin.recorder.readings) == [block]
        told = bridge.account()["instruments"]["thermometer"]
        assert told["statement"]["role"] == "Thermometer" and told["statement"]["highest"] < 50
    assert bridge.safe["thermometer"] == "reads only"


def test_a_source_of_two_stages_plays_in_a_run(wired: Wired) -> None:
    real = bench.hardware(bench.resources(wired))
    limits = {"current": "1 mA", "voltage": "10 V"}
    stages = two_stages(wired)
    real = {name: real[name] for name in ("resistor", "induced_voltmeter")}
    real["current_source"] = {"driver": "two_stage_source", "limits": limits, "stages": stages, "timeout": "20 s"}
    with bridged(real) as (bridge, _, there):

        def steps() -> Process:
            there["current_source"].connect()
            yield from there["current_source"].set(0.41234567e-3, 0.2)
            return (yield from there["induced_voltmeter"].read(Schedule(bridge.clock.now, NS // 20, 4), {}))

        block = bridge.clock.run(steps())
        assert block.values == pytest.approx(0.41234567, rel=0.02)
        levels = [wired.station.core(n).source.level for n in ("current_source", "current_source_fine")]
        assert sum(levels) == pytest.approx(0.41234567e-3, abs=60e-12)
        assert bridge.value("current_source.current") == pytest.approx(sum(levels), abs=1e-15)
    assert bridge.safe["current_source"].count("output off, level 0 A, read back") == 2
    for name in ("current_source", "current_source_fine"):
        source = wired.station.core(name).source
        assert (source.is_connected, source.level) == (False, 0.0)


def test_an_exchanger_moves_with_the_twin_beside_it_and_not_above_a_current(wired: Wired) -> None:
    address = wired.row("flexure", "socket")["address"]
    motor = {
        "driver": "pi_exchanger",
        "resource": address,
        "timeout": "20 s",
        "limits": {"lower": "-1 mm", "upper": "1 mm", "velocity": "2 mm/s"},
        "settings": {"loaded": "0.5 mm", "unloaded": "0 mm"},
        "interlocks": [{"port": "current_source.current", "below": 1e-5}],
    }
    with bridged({"mass_exchanger": motor, **PAN}) as (bridge, twin, there):
        source: Any = twin.graph.components["current_source"]
        bridge.clock.run(there["mass_exchanger"].load(1.0))
        assert there["mass_exchanger"].place() == "loaded"
        load = twin.signal("mass_exchanger.load")
        assert load([bridge.clock.seconds]) == pytest.approx(0.98, abs=0.01), "the twin's, in newtons"
        source.connect()
        bridge.clock.run(source.set(1e-4, 0.0))
        with pytest.raises(SafetyError, match=r"interlock: current_source\.current"):
            bridge.clock.run(there["mass_exchanger"].unload(1.0))
        assert there["mass_exchanger"].place() == "loaded"
        source.disconnect()
        bridge.clock.run(there["mass_exchanger"].unload(1.0))
        assert load([bridge.clock.seconds]) == 0.0
    assert "read back" in bridge.safe["mass_exchanger"]


def test_what_a_driver_finds_wrong_is_an_error_of_the_scenario(wired: Wired) -> None:
    motor = {"driver": "pi_exchanger", "resource": bench.NOBODY, "settings": {"loaded": "5 mm", "unloaded": 0}}
    motor["limits"] = {"lower": "-1 mm", "upper": "1 mm", "velocity": "2 mm/s"}
    real = {"mass_exchanger": motor, **PAN}
    with pytest.raises(WiringError, match=r"mass_exchanger: position 0\.005 m is beyond its limit"), bridged(real):
        pass
