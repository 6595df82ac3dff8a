"""Simulated parts follow what real instruments read: over sockets, in a run, in its shadow, and when it goes on."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scenarios
from components.thermometer import Thermometer
from hw_bridge.bridge import Bridge
from hw_bridge.drivers.driver import LOOK
from hw_bridge.errors import BridgeError
from hw_bridge.following import Following
from hw_bridge.quiet import Quiet
from scenarios.cli.app import main
from scenarios.report.hardware import instruments
from scenarios.run.execute import MODELS, concluded, execute
from scenarios.run.measured import known_to
from scenarios.run.replay import Replay, certain, in_order
from scenarios.schema import Scenario
from scenarios.schema.hardware import Hardware
from scenarios.schema.scenario import load_text
from tests.hw_bridge.improper import Improper
from tests.hw_bridge.wired import Wired
from twin.clock import Process
from twin.command import is_command, record_commands
from twin.real_time import RealTimeClock
from twin.recorder import LATE, Block, Blocks, Schedule
from twin.times import NS
from twin.twin import Twin

ARTEFACT = {"driver": "artefact"}
TEXT = """
schema: 1
name: followed
balance:
  name: followed
  environment: {}
  motion_stage: {lower_limit: -5 mm, upper_limit: 5 mm}
  interferometer: {}
  magnet_thermometer: {type: thermometer}
  fluxgate: {}
  current_source: {type: compensating_source, limit: 10 mA}
  resistor: {resistance: 1 kohm, temperature_coefficient: 1e-6 1/K}
  shunt: {}
  current_voltmeter: {type: voltmeter, range: 10 V, auto_zero: true}
  voltage_reference: {voltage: 10 V}
  magnet: {bl: 500 T*m, temperature_coefficient: -1e-3 1/K}
  external_flux:
    turns: 1269
    radius: 85 mm
    sources: {geomagnetic: {kind: far, vertical: 48 uT}}
  coil: {resistance: 400 ohm}
  induced_voltmeter: {type: voltmeter}
  wiring:
    interferometer.position: motion_stage.position
    interferometer.refractive_index: environment.refractive_index
    magnet_thermometer.temperature_rise: environment.temperature_rise
    resistor.current: current_source.current
    resistor.temperature_rise: environment.temperature_rise
    current_voltmeter.input: resistor.voltage
    current_voltmeter.reference: voltage_reference.voltage
    shunt.voltage: current_voltmeter.voltage
    shunt.resistance: resistor.resistance
    magnet.temperature_rise: magnet_thermometer.temperature_rise
    external_flux.ambient: fluxgate.field
    coil.field: magnet.field
    coil.external: external_flux.field
    coil.position: interferometer.position
    coil.current: shunt.current
    coil.temperature_rise: environment.temperature_rise
    induced_voltmeter.input: coil.voltage
    induced_voltmeter.reference: voltage_reference.voltage
campaign: {type: coil_noise, read_time: 1 s, zero_time: 0 s, reading_step: 10 ms}
"""
SENSOR = {"identify": "ID", "read": "READ?"}
NAMES = {
    "interferometer": "generic_interferometer",
    "magnet_thermometer": "generic_thermometer",
    "fluxgate": "generic_fluxgate",
    "current_voltmeter": "generic_meter",
}


def scenario(real: Mapping[str, Any], **changes: Any) -> Scenario:
    """The bench with these parts real."""
    text = load_text(TEXT, file="followed.yaml", models=MODELS)
    parts = {f"balance.{name}.hardware": hardware for name, hardware in real.items()}
    return text.with_({**parts, **{key.replace("__", "."): value for key, value in changes.items()}})


@contextmanager
def bridged(real: Mapping[str, Any], scale: float | None = 1.0, **changes: Any) -> Iterator[tuple[Bridge, Twin, Any]]:
    """Bridge, twin and instruments, with what drives the twin under way."""
    chosen = scenario(real, **changes)
    with Bridge(chosen, clock=RealTimeClock(scale), tell=str) as bridge:
        twin = Twin(bridge.parts(), chosen.wiring, clock=bridge.clock)
        there = bridge.instruments(twin)
        record_commands(twin)
        bridge.start()
        yield bridge, twin, there


class Sensor(Improper):
    """An instrument over a socket that reads what a function says, and keeps what it has said."""

    def __init__(self, shows: Callable[[], float]) -> None:
        self.said = list[float]()

        def answer(line: bytes) -> bytes:
            if line == b"ID":
                return b"SENSOR\n"
            self.said.append(shows())
            return b"%r\n" % self.said[-1]

        super().__init__(answer)

    def hardware(self, name: str, **more: Any) -> dict[str, Any]:
        """In the place of a part."""
        given = {"driver": NAMES[name], "resource": self.resource, "commands": SENSOR, "interval": "20 ms"}
        return {**given, "latency": "0.5 s", **more}


def wired_otherwise(chosen: Scenario, wiring: Mapping[str, str]) -> Scenario:
    """With some inputs wired to something else."""
    return chosen.with_({"balance.wiring": {**chosen.wiring, **wiring}})


def wait(bridge: Bridge, seconds: float) -> None:
    """Let time pass."""

    def waiting() -> Process:
        yield bridge.clock.wait(seconds)

    bridge.clock.run(waiting())


def signal(twin: Twin, port: str, *times: int) -> Any:
    """Of an output at these times (ns)."""
    return twin.signal(port)(np.array(times, dtype=np.int64))


def heard(bridge: Bridge, name: str) -> list[tuple[int, float]]:
    """From now on, what an instrument reads: the middle of its aperture (ns), and what it is."""
    found = list[tuple[int, float]]()
    driver = bridge.drivers[name]
    told = driver.heard
    assert told is not None

    def hear(block: Block) -> None:
        late = round(float(block.labels[LATE]) * NS)
        found.append((block.schedule.start + late + block.aperture // 2, float(block.values[0, 0])))
        told(block)

    driver.heard = hear
    return found


# --- the line between readings ---------------------------------------------------------------------------------------


class Bench:
    """A thermometer that somebody tells of readings, at a time that is set by hand."""

    def __init__(self, **hardware: Any) -> None:
        self.part = Thermometer().fresh()
        self.part.feed("temperature_rise")
        room = scenario({}).true_components()["environment"]
        wiring = {"t.temperature_rise": "environment.temperature_rise"}
        self.twin = Twin({"t": self.part, "environment": room}, wiring)
        self.clock, self.hardware = self.twin.clock, Hardware(driver="x", **hardware)
        self.heard: Any = None
        lent: Any = self
        self.following = Following(lent, self.part, Quiet(self.clock, ()))

    def reads(self, now: float, values: list[float], start: float, step: float) -> None:
        """At `now`, what was read from `start` on (s)."""
        self.clock.jump(round(now * NS), 0)
        schedule = Schedule(round(start * NS), round(step * NS), len(values))
        shown = np.array([values])
        self.following.hear(Block("t", "temperature_rise", "K", schedule, schedule.step, shown, {LATE: 0.0}, "real"))

    def at(self, *seconds: float) -> list[float]:
        """What simulated parts follow."""
        return [float(v) for v in self.twin.signal("t.temperature_rise")(np.array(seconds))]


def test_simulated_parts_follow_readings_along_lines_later_by_the_latency() -> None:
    bench = Bench(interval=1.0, latency=3.0)
    assert bench.at(0.0, 2.0) == [0.0, 0.0], "what is expected, until something is read"
    bench.reads(1.5, [7.0], 0.5, 1.0)  # of 1 s
    assert bench.at(1.4, 1.5, 4.0, 9.0) == [0.0, 7.0, 7.0, 7.0]
    bench.reads(2.5, [8.0], 1.5, 1.0)  # of 2 s: at 5 s
    bench.reads(3.5, [6.0], 2.5, 1.0)
    assert bench.at(4.0, 4.5, 5.0, 5.5, 6.0, 9.0) == pytest.approx([7.0, 7.5, 8.0, 7.0, 6.0, 6.0], abs=1e-14)
    assert bench.following.account() == {
        "quantities": ["temperature_rise"],
        "interval_s": 1.0,
        "latency_s": 3.0,
        "told": 3,
        "late": 0,
        "missing": 0,
        "held": 0,
    }


def test_by_default_the_latency_is_two_intervals() -> None:
    assert Bench(interval=0.25).following.latency == NS // 2


def test_nothing_is_known_before_it_has_been_read() -> None:
    """What parts have followed up to now is not changed by a reading."""
    bench = Bench(interval=1.0)
    rng = np.random.default_rng(5)
    for k in range(12):
        now = k + 1.0 + (1.4 if k == 6 else rng.uniform(0.0, 0.9))
        seen = np.linspace(0.0, now, 50, endpoint=False).tolist()
        before = bench.at(*seen)
        bench.reads(now, [float(rng.normal())], float(k), 0.5)
        assert bench.at(*seen) == before


def test_a_burst_is_followed_reading_by_reading() -> None:
    bench = Bench(interval=1.0, latency=10.0)
    bench.reads(1.0, [1.0], 0.0, 1.0)
    bench.reads(5.0, [2.0, 4.0, 3.0], 2.0, 1.0)
    assert bench.at(10.5, 12.5, 13.5, 14.5, 20.0) == pytest.approx([1.0, 2.0, 4.0, 3.0, 3.0], abs=1e-14)


def test_what_comes_too_late_is_caught_up_and_counted() -> None:
    bench = Bench(interval=1.0, latency=1.0)
    bench.reads(1.0, [1.0], 0.0, 1.0)
    bench.reads(8.0, [3.0], 2.0, 1.0)  # was to be there at 3.5 s
    assert bench.at(7.9, 8.0, 8.5, 9.0) == pytest.approx([1.0, 1.0, 2.0, 3.0], abs=1e-14)
    assert bench.following.late == 1
    bench.reads(8.5, [9.0], 1.0, 1.0)
    assert bench.at(20.0) == [3.0], "older than what is known"
    bench.reads(9.5, [float("nan")], 9.0, 0.5)
    assert bench.at(20.0) == [3.0] and bench.following.missing == 1


def test_a_simulation_reads_the_same_through_its_instruments() -> None:
    """Where nothing is real, what an instrument measures is what there is."""
    plain = scenarios.load("moving_mode").with_({"campaign.frequencies": [2], "campaign.read_time": 2.0})
    through = {
        "coil.position": "interferometer.position",
        "magnet.temperature_rise": "magnet_thermometer.temperature_rise",
        "alignment.position": "interferometer.position",
    }
    other = plain.with_({"balance.wiring": {**plain.scenario.wiring, **through}})
    one, two = (list(made.run().readings) for made in (plain, other))
    assert len(one) == len(two) > 1
    for a, b in zip(one, two, strict=True):
        assert (a.channel, a.schedule) == (b.channel, b.schedule) and np.array_equal(a.values, b.values)


# --- over sockets ----------------------------------------------------------------------------------------------------


def test_a_real_thermometer_drives_the_simulated_magnet(wired: Wired) -> None:
    """A PT100 at a 3458A; what it measures is a real room, or the real magnet that a simulated one is to follow."""
    address = wired.row("magnet_thermometer", "socket")["address"]
    settled = {"driver": "pt100_3458a", "resource": address, "interval": "0.2 s", "latency": "1 s", "timeout": "20 s"}
    with bridged({"environment": ARTEFACT, "magnet_thermometer": settled}) as (bridge, twin, _):
        found = heard(bridge, "magnet_thermometer")
        start = signal(twin, "magnet_thermometer.temperature_rise", 0)[0]
        while len(found) < 3:
            wait(bridge, 0.2)
        read = found[:3]
        due = [time + NS for time, _ in read]
        wait(bridge, max(due) / NS - bridge.clock.seconds + 0.1)
        rises = signal(twin, "magnet_thermometer.temperature_rise", *due)
        first = next(b for b in twin.recorder.log if b.has(phase=LOOK)).values.item()
        assert start == first, "as the first look has found it, from the start of the run"
        if not bridge.following["magnet_thermometer"].late:
            assert rises[1:] == pytest.approx([rise for _, rise in read[1:]], abs=1e-12)
        bl = signal(twin, "coil.bl", *due)
        assert (bl - 500.0)[1:] == pytest.approx(-1e-3 * 500.0 * rises[1:], rel=1e-9, abs=1e-9)
        assert not list(twin.recorder.readings), "what drives the twin is no part of the campaign's readings"
        account = bridge.account()["instruments"]["magnet_thermometer"]["followed"]
        assert account["latency_s"] == 1.0 and account["told"] >= 3
        looks = [b for b in twin.recorder.log if b.has(phase=LOOK)]
        assert [b.values.item() for b in looks[-len(found) :]] == [rise for _, rise in found]


def test_a_real_position_makes_a_simulated_voltage() -> None:
    """An interferometer shows n z, in nanometres; the coil's voltage is what its own flux makes of z."""
    count = itertools.count()
    with Sensor(lambda: 1000.0 * next(count)) as sensor:
        real = {
            "motion_stage": ARTEFACT,
            "interferometer": sensor.hardware("interferometer", settings={"scale": "1 nm"}),
        }
        with bridged(real) as (bridge, twin, _):
            found, late = heard(bridge, "interferometer"), -1
            while bridge.following["interferometer"].late != late:  # again, where the machine was slow
                late = bridge.following["interferometer"].late
                found.clear()
                while len(found) < 12:
                    wait(bridge, 0.1)
                (t0, z0), (t1, z1) = found[4], found[10]
                start, end = t0 + NS // 2, t1 + NS // 2
                end -= (end - start) % 4
                wait(bridge, end / NS - bridge.clock.seconds)
            n = float(signal(twin, "environment.refractive_index", 0)[0])
            assert n > 1.0002, "there is air"
            volts = twin.signal("coil.voltage").means(np.array([start]), end - start)[0]
            bl = signal(twin, "coil.bl", start)[0]
            assert z1 - z0 == pytest.approx(6e-6)
            assert volts == pytest.approx(bl * (z1 - z0) / n / ((t1 - t0) / NS), rel=1e-6)
            schedule = Schedule(start, (end - start) // 4, 4)
            block = bridge.clock.run(there_simulated(twin, "induced_voltmeter").read(schedule, {"phase": "velocity"}))
            assert block.source == "simulated" and block.values.mean() == pytest.approx(volts, rel=1e-9)


def there_simulated(twin: Twin, name: str) -> Any:
    """An instrument of the twin."""
    return twin.graph.components[name]


def test_a_real_voltmeter_over_a_standard_resistor_makes_a_simulated_current(wired: Wired) -> None:
    """The source belongs to somebody else, who sets it by hand."""
    meter = {"driver": "hp3458a", "resource": wired.row("current_voltmeter", "socket")["address"], "timeout": "20 s"}
    meter |= {"interval": "0.1 s", "latency": "0.3 s"}
    real = {"current_source": ARTEFACT, "resistor": ARTEFACT, "current_voltmeter": meter}
    with wired.connect("socket", "current_source") as operator, bridged(real) as (bridge, twin, _):
        for current in (2e-3, -1e-3):
            operator.query(f":SOUR:CURR {current!r};:OUTP ON;:OUTP?")
            for _ in range(600):
                wait(bridge, 0.1)
                volts = signal(twin, "current_voltmeter.voltage", bridge.clock.now)[0]
                if volts == pytest.approx(1000.0 * current, rel=2e-3):
                    break
            resistance = signal(twin, "resistor.resistance", bridge.clock.now)[0]
            followed = signal(twin, "shunt.current", bridge.clock.now)[0]
            assert followed == pytest.approx(volts / resistance, rel=1e-14)
            assert followed == pytest.approx(current, rel=2e-3), "as the served source delivers it"
            assert signal(twin, "coil.force", bridge.clock.now)[0] == pytest.approx(followed * 500.0, rel=1e-3)
            assert signal(twin, "current_source.current", bridge.clock.now)[0] == 0.0, "the simulated one is at rest"
        operator.query("*RST;:OUTP?")


def test_a_real_fluxgate_drives_the_external_flux() -> None:
    with Sensor(lambda: 3.0) as sensor:
        hardware = sensor.hardware("fluxgate", settings={"scale": "1 uT", "zero": 1.0})
        with bridged({"fluxgate": hardware}) as (bridge, twin, _):
            stated = signal(twin, "coil.bl", 0)[0] - 500.0
            assert bridge.following["fluxgate"].told, "before anything begins"
            assert signal(twin, "fluxgate.field", bridge.clock.now)[0] == pytest.approx(2e-6)
            changed = signal(twin, "coil.bl", bridge.clock.now)[0] - 500.0
            assert changed == pytest.approx(stated * 50.0 / 48.0, rel=1e-6)


def test_a_real_fluxgate_needs_no_stated_source_beside_it() -> None:
    """What it shows is then all there is."""
    with Sensor(lambda: 48.0) as sensor:
        hardware = sensor.hardware("fluxgate", settings={"scale": "1 uT"})
        with bridged({}) as (_, twin, _):
            stated = signal(twin, "coil.bl", 0)[0] - 500.0
        changes = {"balance__external_flux__sources": {"geomagnetic": None}}
        with bridged({"fluxgate": hardware}, **changes) as (bridge, twin, _):
            assert signal(twin, "coil.bl", 0)[0] == 500.0
            assert signal(twin, "coil.bl", bridge.clock.now)[0] - 500.0 == pytest.approx(stated, rel=1e-6)


def test_a_reading_that_cannot_be_trusted_ends_the_run() -> None:
    shown = itertools.chain([1.0, 2.0], itertools.repeat(float("inf")))
    with Sensor(lambda: next(shown)) as sensor:
        real = {"fluxgate": sensor.hardware("fluxgate")}
        with pytest.raises(BridgeError, match="fluxgate: "), bridged(real) as (bridge, _, _):
            wait(bridge, 60.0)
        assert len(sensor.said) == 3


def test_a_simulated_part_follows_what_a_real_source_reads_back() -> None:
    """A source that rounds to 10 uA: the twin has what it delivers, not what it was asked for."""
    state = {"level": 0.0, "on": False}

    def source(line: bytes) -> bytes:
        word, _, value = line.decode().partition(" ")
        if word == "CURR":
            state["level"] = round(float(value), 5)
        if word == "OUTP":
            state["on"] = value == "1"
        answers = {"ID": "S", "CURR?": repr(state["level"]), "OUTP?": str(int(state["on"]))}
        return f"{answers[word]}\n".encode() if word in answers else b""

    commands = {"identify": "ID", "set": "CURR {value}", "level": "CURR?", "tolerance": "5e-6", "on": "OUTP 1"}
    commands |= {"off": "OUTP 0", "output": "OUTP?", "output_on": "1", "output_off": "0"}
    with Improper(source) as server:
        real = {"resistor": ARTEFACT, "current_source": {"driver": "generic_source", "resource": server.resource}}
        real["current_source"] |= {"commands": commands, "limits": {"current": "5 mA"}}
        chosen = wired_otherwise(
            scenario(real),
            {"coil.current": "current_source.current", "current_voltmeter.input": "voltage_reference.voltage"},
        )
        with Bridge(chosen, arm=True, clock=RealTimeClock(None), tell=str) as bridge:
            twin = Twin(bridge.parts(), chosen.wiring, clock=bridge.clock)
            there = bridge.instruments(twin)
            bridge.start()

            def steps() -> Process:
                there["current_source"].connect()
                yield from there["current_source"].set(1.234e-3, 0.0)

            bridge.clock.run(steps())
            assert signal(twin, "coil.power", bridge.clock.now)[0] == pytest.approx(400.0 * 1.23e-3**2, rel=1e-9)


# --- in a run --------------------------------------------------------------------------------------------------------


def swinging(sensor: Sensor, **changes: Any) -> Scenario:
    """A run in which a simulated voltmeter reads what a real position makes."""
    real = {
        "motion_stage": ARTEFACT,
        "interferometer": sensor.hardware("interferometer", settings={"scale": "1 nm"}, latency="0.3 s"),
    }
    quick = {"campaign.read_time": "0.6 s", "campaign.zero_time": "0.4 s", "campaign.reading_step": "4 ms"}
    quick |= {"reduction.prominence": 1e12, "reduction.floor_from": "5 Hz", "reduction.floor_to": "50 Hz"}
    return scenario(real).with_({**quick, **changes})


def position() -> Callable[[], float]:
    """In nanometres, another one at each reading."""
    rng = np.random.default_rng(3)
    return lambda: float(round(rng.normal(0.0, 1e4)))


def replayed(chosen: Scenario, readings: Any, log: Any) -> list[tuple[Block, Any]]:
    """Simulated blocks, each with what a twin reads in its place that is told the log alone."""
    twin, found = Replay(certain(chosen)), []
    for block in in_order(readings, log):
        if is_command(block):
            twin.follow(block)
        else:
            found.append((block, twin.read(block)))
    return found


def test_a_run_is_reduced_and_replayed_from_what_was_recorded() -> None:
    """A twin that is told the log reads what the simulated instruments have read; the reduction needs no more."""
    with Sensor(position()) as sensor:
        made = execute(chosen := swinging(sensor))
    followed = made.hardware["instruments"]["interferometer"]["followed"]
    assert "drove the twin, 0.3 s later" in instruments(made)[-1].remarks
    assert followed["told"] > 5 and followed["latency_s"] == 0.3
    (block,) = [b for b in made.readings if not b.has(phase="zero") and b.channel == "induced_voltmeter"][-1:]
    assert block.source == "simulated" and np.ptp(block.values) > 1e-3, "volts"
    again = replayed(chosen, made.readings, made.log)
    assert {b.source for b, _ in again} == {"simulated"} and len(again) == len(made.readings)
    for recorded, expected in again:
        assert expected == pytest.approx(recorded.values, abs=1e-12)
    assert concluded(chosen, known_to(chosen), made.readings, Blocks()).findings_summary() == made.findings_summary()


class StopError(Exception):
    """Of a run, from outside."""


def test_a_run_that_is_resumed_follows_from_its_first_reading_on(tmp_path: Path) -> None:
    def stop(step: Any, finished: int, total: int) -> None:
        if finished:
            raise StopError

    with Sensor(position()) as sensor:
        chosen = swinging(sensor)
        with pytest.raises(StopError):
            execute(chosen, store=tmp_path / "kept", progress=stop)
        before = len(sensor.said)
        made = execute(chosen, store=tmp_path / "kept", resume=True)
        assert len(sensor.said) > before + 5
    assert (made.steps_resumed, made.steps_total) == (1, 2)
    told = [b for b in made.log if is_command(b) and b.quantity == "told_position"]
    gap = made.hardware["interruptions"][0]
    first = next(b for b in told if b.schedule.start >= round((gap["at_s"] + gap["gap_s"]) * NS))
    shown = json.loads(str(first.labels["laws"]))
    assert len(shown) == 1 and shown[0]["end"] is None, "a step, not a line from where it was"
    said = {1e-9 * nm for nm in sensor.said}
    looks = [b for b in made.log if b.has(phase=LOOK)]
    assert len(looks) > 10 and {b.values.item() for b in looks} <= said, "as they were read"
    assert [b.values.item() for b in told] == pytest.approx([b.values.item() for b in looks], abs=1e-19)
    for recorded, expected in replayed(chosen, made.readings, made.log):
        assert expected == pytest.approx(recorded.values, abs=1e-12)


def test_a_run_of_which_no_step_had_finished_follows_from_its_start_on(tmp_path: Path) -> None:
    """A shadow of it would otherwise find a step of the dead path, which the real interferometer has not made."""

    def stop(step: Any, finished: int, total: int) -> None:
        raise StopError

    with Sensor(position()) as sensor:
        chosen = swinging(sensor)
        with pytest.raises(StopError):
            execute(chosen, store=tmp_path / "kept", progress=stop)
        made = execute(chosen, store=tmp_path / "kept", resume=True)
    assert made.steps_resumed == 0 and len(made.hardware["interruptions"]) == 1
    told = [json.loads(str(b.labels["laws"])) for b in made.log if is_command(b) and b.quantity == "told_position"]
    assert told[0][0]["start"] == 0 and told[1][0]["start"] > 0
    for recorded, expected in replayed(chosen, made.readings, made.log):
        assert expected == pytest.approx(recorded.values, abs=1e-12)


@pytest.mark.nightly
def test_a_shadow_follows_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "followed.yaml").write_text(TEXT)
    with Sensor(position()) as sensor:
        hardware = sensor.hardware("interferometer", settings={"scale": "1 nm"})
        words = [
            "run",
            str(tmp_path / "followed.yaml"),
            "--out",
            str(tmp_path / "out"),
            "--json",
            "--no-report",
            "--real",
        ]
        words += ["motion_stage=artefact", "--set", f"balance.interferometer.hardware={json.dumps(hardware)}"]
        words += ["--set", "balance.induced_voltmeter.white_noise=1 uV/Hz^0.5", "--set", "reduction.prominence=1e12"]
        assert main(words) == 0
    captured = capsys.readouterr()
    assert "interferometer: its readings drive, 0.5 s later, coil.position" in captured.err
    assert json.loads(captured.out)["hardware"]["instruments"]["interferometer"]["followed"]["told"] > 0
    assert main(["shadow", str(tmp_path / "out"), "--members", "4", "--json"]) == 0
    (channel,) = json.loads(capsys.readouterr().out.splitlines()[-1])["channels"]
    assert channel["channel"] == "induced_voltmeter" and channel["judged"] > 0
