"""Runs with real instruments: what may be real beside what, the safe state, interlocks, the watchdog."""

from __future__ import annotations

import signal
import socket
import threading
import time
from typing import Any

import pytest

import hw_bridge.bridge
from components.motion import glide
from hw_bridge.bridge import Bridge
from hw_bridge.errors import BridgeError, SafetyError
from tests.hw_bridge.improper import Improper
from tests.hw_bridge.real_bench import NOBODY, bridged, output, scenario
from tests.hw_bridge.wired import Wired
from twin.clock import Process
from twin.errors import WiringError
from twin.real_time import RealTimeClock
from twin.recorder import Schedule
from twin.times import NS
from twin.twin import Twin

# --- boundaries ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["induced_voltmeter"], "a real meter cannot read a simulated signal"),
        (["induced_voltmeter", "resistor"], "nothing simulated passes through a real part"),
        (["current_source"], "nothing real is wired to it"),
        (["motion_stage"], "nothing real is wired to it"),
        (["current_source", "resistor"], "nobody tells the twin what it is"),
    ],
)
def test_a_boundary_that_makes_no_sense_is_refused_with_its_reason(
    real: dict[str, Any], names: list[str], reason: str
) -> None:
    with pytest.raises(WiringError, match=reason), bridged({name: real[name] for name in names}):
        pass


@pytest.mark.parametrize(
    "names",
    [
        ["current_source", "resistor", "induced_voltmeter"],
        ["motion_stage", "displacement_sensor"],
        ["current_source", "resistor", "induced_voltmeter", "motion_stage", "displacement_sensor"],
    ],
)
def test_a_boundary_that_makes_sense_is_not(real: dict[str, Any], names: list[str]) -> None:
    with bridged({name: real[name] for name in names}) as (_, _, instruments):
        assert set(instruments) == {n for n in names if n not in ("resistor", "displacement_sensor")}


STATION = {"identify": "ID", "temperature": "T?", "temperature_unit": "degC", "pressure": "P?", "pressure_unit": "hPa"}


def test_real_readings_drive_a_simulated_part() -> None:
    """The air of the twin is that which a station reads."""
    celsius = [21.5]

    def station(line: bytes) -> bytes:
        return {b"ID": b"S\n", b"T?": b"%.3f C\n" % celsius[0], b"P?": b"1013.0\n"}[line]

    with Improper(station) as server:
        real = {"driver": "generic_station", "resource": server.resource, "commands": STATION, "interval": "10 s"}
        with bridged({"environment": real}) as (bridge, twin, there):
            room: Any = twin.graph.components["environment"]

            def told_after(seconds: float) -> tuple[float, float]:
                def operation() -> Process:
                    yield bridge.clock.wait(seconds)
                    yield from there["environment"].ask(there["environment"].look)  # after that for the twin

                bridge.clock.run(operation())
                return bridge.value("environment.temperature_rise"), bridge.value("environment.pressure")

            assert told_after(1.0) == pytest.approx((21.5 + 273.15 - room.reference_temperature, 101300.0))
            celsius[0] = 21.55  # as much as a room may change from one look to the next
            told_after(10.0), told_after(10.0)  # a stepped clock does not wait for a station
            assert told_after(10.0)[0] == pytest.approx(21.55 + 273.15 - room.reference_temperature)
            schedule = Schedule(bridge.clock.now, NS, 1)
            bridge.clock.run(there["environment"].read(schedule, {"phase": "weighing"}))
            blocks = list(twin.recorder.readings)
            assert [(b.quantity, b.source, b.values.item()) for b in blocks] == [
                ("temperature", "real", pytest.approx(294.7)),
                ("pressure", "real", pytest.approx(101300.0)),
            ]


def test_a_station_that_is_misread_is_found_by_a_second_look() -> None:
    """One digit, once: 21.5 becomes 27.5, which a room may well be."""
    answers = iter([b"21.500 C\n"] * 5 + [b"27.500 C\n"] + [b"21.500 C\n"] * 9)

    def station(line: bytes) -> bytes:
        return next(answers) if line == b"T?" else {b"ID": b"S\n", b"P?": b"1013.0\n"}[line]

    with Improper(station) as server:
        real = {"driver": "generic_station", "resource": server.resource, "commands": STATION, "interval": "1 h"}
        with bridged({"environment": real}) as (bridge, twin, there):
            read = there["environment"].read
            bridge.clock.run(read(Schedule(bridge.clock.now, NS, 1), {"phase": "weighing"}))
            with pytest.raises(BridgeError, match=r"temperature was read as 294\.65 K and then as 300\.65 K"):
                bridge.clock.run(read(Schedule(bridge.clock.now, NS, 1), {"phase": "weighing"}))
            assert [b.values.item() for b in twin.recorder.readings] == [pytest.approx(294.65), pytest.approx(101300.0)]


def test_a_real_source_plays_into_a_real_meter_with_the_twin_beside_it(real: dict[str, Any]) -> None:
    with bridged(real) as (bridge, twin, there):

        def steps() -> Process:
            there["current_source"].connect()
            yield from there["current_source"].set(0.4e-3, 0.2)
            schedule = Schedule(bridge.clock.now, NS // 20, 4)
            return (yield from there["induced_voltmeter"].read(schedule, {"phase": "rest"}))

        block = bridge.clock.run(steps())
        assert block.source == "real"
        assert block.values == pytest.approx(0.4, rel=0.02)
        assert twin.signal("resistor.voltage")([bridge.clock.seconds]) == pytest.approx(0.4)
        assert list(twin.recorder.readings) == [block]
    assert bridge.safe["current_source"] == "output off, level 0 A, read back"


def test_a_real_source_plays_what_a_simulated_part_demands(wired: Wired, real: dict[str, Any]) -> None:
    with bridged(real, demanded=True) as (bridge, twin, there):
        demand: Any = twin.graph.components["demand"]

        def follow(current: float) -> Process:
            there["current_source"].connect()
            demand.connect()
            yield from demand.set(current, 0.5)
            while output(wired)[1] != pytest.approx(current, abs=1e-7):
                yield bridge.clock.wait(0.05)

        for current in (0.3e-3, -0.2e-3):
            bridge.clock.run(follow(current))
        with pytest.raises(SafetyError, match="beyond its limit"):
            bridge.clock.run(follow(5e-3))
        assert abs(output(wired)[1]) <= 1e-3
    assert output(wired) == (False, 0.0)


def test_a_dry_run_refuses_what_it_would_play_beyond_the_limit(real: dict[str, Any]) -> None:
    """As the armed one would."""
    with bridged(real, arm=False, demanded=True) as (bridge, twin, there):
        demand: Any = twin.graph.components["demand"]

        def follow() -> Process:
            there["current_source"].connect()
            demand.connect()
            yield from demand.set(5e-3, 0.5)
            yield bridge.clock.wait(1.0)

        with pytest.raises(SafetyError, match="beyond its limit"):
            bridge.clock.run(follow())


# --- the safe state --------------------------------------------------------------------------------------------------


def switched_on(bridge: Any, there: Any, then: Any) -> None:
    """Switch the source on, and let something happen."""

    def operation() -> Process:
        there["current_source"].connect()
        yield from there["current_source"].set(0.3e-3, 0.0)
        then()
        yield bridge.clock.wait(1.0)

    bridge.clock.run(operation())


def boom() -> None:
    raise RuntimeError("boom")


@pytest.mark.parametrize(
    ("then", "kind"),
    [
        (boom, RuntimeError),
        (lambda: signal.raise_signal(signal.SIGINT), KeyboardInterrupt),
        (lambda: signal.raise_signal(signal.SIGTERM), KeyboardInterrupt),
        (lambda: signal.raise_signal(hw_bridge.bridge.SIGNALS[-1]), KeyboardInterrupt),
    ],
    ids=["exception", "Ctrl-C", "SIGTERM", "closed terminal"],
)
def test_whatever_ends_a_run_the_output_is_off_and_that_is_told(
    wired: Wired, real: dict[str, Any], then: Any, kind: type[BaseException]
) -> None:
    told: list[str] = []
    seen: list[tuple[bool, float]] = []
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(kind), bridged(real, told=told) as (bridge, _, there):

        def look() -> None:
            seen.append(output(wired))
            then()

        switched_on(bridge, there, look)
    assert seen == [(True, 0.3e-3)]
    assert output(wired) == (False, 0.0)
    assert "current_source: output off, level 0 A, read back" in told
    assert not bridge.unverified
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="terminals of another kind")
def test_a_run_that_is_to_outlive_its_terminal_does(wired: Wired, real: dict[str, Any]) -> None:
    """As by nohup, which has the signal ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with bridged(real) as (bridge, _, there):
            switched_on(bridge, there, lambda: signal.raise_signal(signal.SIGHUP))
            assert output(wired) == (True, 0.3e-3)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert output(wired) == (False, 0.0)


def test_a_long_reading_does_not_hold_up_the_end(wired: Wired, real: dict[str, Any]) -> None:
    """The meter is asked for a reading that nobody waits for when the run is interrupted."""
    real["induced_voltmeter"]["timeout"] = "60 s"
    with pytest.raises(KeyboardInterrupt), bridged(real) as (bridge, _, there):
        meter, held = there["induced_voltmeter"], threading.Event()

        def endless(wire: Any) -> str:
            held.set()
            return str(wire.line(60.0))

        meter.worker.do(lambda: meter.wire.converse(endless), 600.0)
        assert held.wait(60.0)
        switched_on(bridge, there, lambda: signal.raise_signal(signal.SIGTERM))
    assert output(wired) == (False, 0.0)
    assert not meter.log


def test_a_second_signal_does_not_come_between(wired: Wired, real: dict[str, Any]) -> None:
    with pytest.raises(KeyboardInterrupt), bridged(real) as (bridge, _, there):
        source = there["current_source"]
        to_safe = source.to_safe

        def interrupted(wire: Any) -> str:
            signal.raise_signal(signal.SIGTERM)  # python hears it in the main thread, which waits here
            return str(to_safe(wire))

        source.to_safe = interrupted
        switched_on(bridge, there, lambda: signal.raise_signal(signal.SIGINT))
    assert output(wired) == (False, 0.0)
    assert not bridge.unverified
    assert bridge.safe["current_source"] == "output off, level 0 A, read back"
    assert set(bridge.safe) == set(bridge.drivers), "all of them, to the last"


def test_a_lost_connection_ends_the_run_and_the_output_is_off_by_another_one(
    wired: Wired, real: dict[str, Any]
) -> None:
    with pytest.raises(BridgeError, match="connection lost"), bridged(real) as (bridge, _, there):

        def cut_and_set() -> Process:
            there["current_source"].connect()
            there["current_source"].wire._socket.shutdown(socket.SHUT_RDWR)
            yield from there["current_source"].ask(lambda wire: wire.query("*IDN?"))

        # what is unread of a closed connection makes it begin anew; a question under way fails
        there["current_source"].wire.unread = lambda: False
        bridge.clock.run(cut_and_set())
    assert output(wired) == (False, 0.0)


def test_what_could_not_be_verified_is_an_error_and_told(
    wired: Wired, real: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    with pytest.raises(SafetyError, match="could NOT be verified"), bridged(real, told=told) as (_, _, there):
        there["current_source"].wire.resource = NOBODY
        there["current_source"].wire._address = ("127.0.0.1", 1)
        there["current_source"].wire.dirty = True
    assert any("NOT be verified" in line for line in told)
    assert bridge_safe(told, "motion_stage")


def bridge_safe(told: list[str], name: str) -> bool:
    """Whether the safe state of an instrument was told."""
    return any(line.startswith(f"{name}: ") and "read back" in line for line in told)


def test_an_interlock_across_components_keeps_a_stage_from_moving(wired: Wired, real: dict[str, Any]) -> None:
    real["motion_stage"]["interlocks"] = [{"port": "current_source.current", "below": 1e-4}]
    with bridged(real) as (bridge, _, there):
        stage, clock = there["motion_stage"], bridge.clock

        def go(target: float) -> None:
            here = stage.commanded()[0]
            clock.run(stage.move(glide(here, target, clock.now, clock.now + NS)))

        there["current_source"].connect()
        go(0.1e-3)
        clock.run(there["current_source"].set(0.3e-3, 0.0))
        with pytest.raises(SafetyError, match=r"interlock: current_source\.current is 0\.0003"):
            go(0.0)
        assert stage.reading("position") == pytest.approx(0.1e-3, abs=1e-9)
        clock.run(there["current_source"].set(0.0, 0.0))
        go(0.0)


def test_an_interlock_may_look_at_the_twin(real: dict[str, Any]) -> None:
    real["current_source"]["interlocks"] = [{"port": "motion_stage.energised", "below": 0.5}]
    del real["motion_stage"], real["displacement_sensor"]
    with bridged(real) as (bridge, twin, there):
        stage: Any = twin.graph.components["motion_stage"]

        def while_moving() -> Process:
            bridge.clock.process(stage.move(glide(0.0, 0.5e-3, bridge.clock.now, bridge.clock.now + NS)))
            yield bridge.clock.wait(0.5)
            there["current_source"].connect()

        with pytest.raises(SafetyError, match=r"motion_stage\.energised is 1"):
            bridge.clock.run(while_moving())


def test_an_interlock_on_nothing_is_a_wiring_error(real: dict[str, Any]) -> None:
    real["motion_stage"]["interlocks"] = [{"port": "clamp.locked", "below": 0.5}]
    with pytest.raises(WiringError, match="no component 'clamp'"), bridged(real):
        pass


def test_a_stage_does_not_move_while_a_clamp_holds_the_coil(wired: Wired, real: dict[str, Any]) -> None:
    real["motion_stage"]["interlocks"] = [{"port": "clamp.locked", "below": 0.5}]
    chosen = scenario(real).with_({"balance.clamp": {}})
    with Bridge(chosen, arm=True, clock=RealTimeClock(None), tell=str) as bridge:
        there = bridge.instruments(Twin(bridge.parts(), chosen.wiring, clock=bridge.clock))
        here = there["motion_stage"].reading("position")
        start = there["motion_stage"].commanded()[0]
        with pytest.raises(SafetyError, match=r"clamp\.locked is 1, it has to be below 0\.5; nothing was sent"):
            bridge.clock.run(there["motion_stage"].move(glide(start, 0.2e-3, bridge.clock.now, bridge.clock.now + NS)))
        assert there["motion_stage"].reading("position") == here


def test_arming_needs_limits(real: dict[str, Any]) -> None:
    del real["current_source"]["limits"]
    with pytest.raises(WiringError, match=r"--arm needs hardware\.limits\.current"), bridged(real):
        pass


def test_a_dry_run_switches_nothing(wired: Wired, real: dict[str, Any]) -> None:
    with bridged(real, arm=False) as (bridge, _, there):
        switched_on(bridge, there, lambda: None)
        assert output(wired) == (False, 0.0)
    assert bridge.safe["current_source"] == "not armed: nothing was switched"
    assert "dry run: output on" in bridge.account()["instruments"]["current_source"]["log"]


def test_the_watchdog_switches_off_when_the_simulation_stands_still(
    wired: Wired, real: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hw_bridge.bridge, "STALLED", 0.3)
    with pytest.raises(SafetyError, match="the simulation stood still"), bridged(real, scale=1.0) as (bridge, _, there):

        def stuck() -> None:
            deadline = time.monotonic() + 60.0
            while output(wired)[0]:  # as a computation that does not end
                assert time.monotonic() < deadline, "nobody has switched it off"

        switched_on(bridge, there, stuck)
    assert output(wired) == (False, 0.0)
