"""Time stamps: a step of a current is found in readings to a small share of their aperture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pytest

from components.compensating_source import CompensatingSource
from components.displacement_sensor import DisplacementSensor
from components.interferometer import Interferometer
from components.motion import glide
from components.motion_stage import MotionStage
from components.position_detector import PositionDetector
from components.resistor import Resistor
from components.voltmeter import Voltmeter
from hw_bridge.bridge import Bridge
from hw_bridge.skew import APERTURE, MOTION, PEAK, READINGS, Edges, apart, distance, look, middle, milliseconds, reached
from tests.hw_bridge.real_bench import NOBODY, scenario
from tests.hw_bridge.sensors import DAQ, VOLTS
from tests.hw_bridge.standin_daq import Card
from twin.clock import Process
from twin.component import Component, Port
from twin.real_time import RealTimeClock
from twin.recorder import LATE, Block, Schedule
from twin.signal import Signal
from twin.times import NS, to_ns
from twin.twin import Twin


def stepped(at: float, noise: float = 0.0, late: float = 0.0) -> Block:
    """Readings of a signal that steps from 1 to −1 `at` (s) after the first."""
    t = APERTURE * np.arange(READINGS)
    share = np.clip((at - t) / APERTURE, 0.0, 1.0)
    values = 2.0 * share - 1.0 + noise * np.random.default_rng(1).standard_normal(READINGS)
    schedule = Schedule(5 * NS, to_ns(APERTURE), READINGS)
    return Block("m", "voltage", "V", schedule, schedule.step, values[None, :], {LATE: late})


@pytest.mark.parametrize("at", [0.2, 0.2837, 0.31999])
def test_an_edge_is_found_within_an_aperture(at: float) -> None:
    assert middle(stepped(at)) == pytest.approx(5.0 + at, abs=1e-12)
    assert middle(stepped(at, noise=0.01)) == pytest.approx(5.0 + at, abs=2e-3)
    assert middle(stepped(at, late=0.25)) == pytest.approx(5.25 + at, abs=1e-12)


def test_noise_is_no_edge() -> None:
    assert math.isnan(middle(stepped(10.0, noise=0.1)))
    assert milliseconds((math.nan, math.nan)) == "no change was seen"


@pytest.mark.parametrize("at", [0.25, 0.2837])
def test_the_middle_of_a_pulse_is_that_of_the_motion_that_makes_it(at: float) -> None:
    """A velocity and its position, each averaged over apertures, on a level of its own."""
    t = APERTURE * np.arange(READINGS + 1)
    s = np.clip((t - at) / MOTION + 0.5, 0.0, 1.0)
    place, integral = (
        3 * s**2 - 2 * s**3,
        np.where(s < 1.0, MOTION * (s**3 - s**4 / 2), MOTION / 2 + (t - at) - MOTION / 2),
    )
    step = block_of(np.diff(integral) / APERTURE)
    pulse = block_of(0.7 + np.diff(place) / APERTURE)
    assert middle(step) == pytest.approx(5.0 + at, abs=1e-12)
    assert middle(pulse) == pytest.approx(5.0 + at, abs=2e-3 * APERTURE)


def block_of(values: Any) -> Block:
    schedule = Schedule(5 * NS, to_ns(APERTURE), READINGS)
    return Block("m", "voltage", "V", schedule, schedule.step, values[None, :])


def bench(latencies: Mapping[str, float]) -> tuple[Twin, Any, dict[str, Any]]:
    meters: dict[str, Any] = {
        name: Voltmeter(trigger_latency=late, white_noise=1e-6) for name, late in latencies.items()
    }
    parts: dict[str, Any] = {"source": CompensatingSource(), "resistor": Resistor(resistance=100.0), **meters}
    wiring = {"resistor.current": "source.current"}
    for name in meters:
        wiring |= {f"{name}.input": "resistor.voltage", f"{name}.reference": "resistor.voltage"}
    return Twin(parts, wiring, seed=1), parts["source"], meters


def test_a_meter_that_reads_late_is_behind_the_others() -> None:
    """What is triggered late sees the step early by its own account."""
    twin, source, meters = bench({"first": 0.0, "second": 7e-3})
    source.connect()
    found: Edges = twin.clock.run(
        look(twin.clock, twin.recorder, lambda k: source.set(1e-3 * (1 - k % 2), 0.0), meters)
    )
    assert found.delay("first") == (pytest.approx(0.0, abs=1e-4), pytest.approx(0.0, abs=1e-4))
    skew, u = found.skews()["first", "second"]
    assert skew == pytest.approx(-7e-3, abs=max(5 * u, 1e-5)) and u < 1e-4


class Pickup(Component):
    """A coil in a field of 500 T m."""

    inputs: ClassVar[Mapping[str, Port]] = {"position": Port("m")}
    outputs: ClassVar[Mapping[str, Port]] = {"voltage": Port("V")}

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        return {"voltage": 500.0 * inputs["position"].derivative()}


def test_a_motion_compares_positions_with_the_voltage_that_it_induces() -> None:
    parts: dict[str, Any] = {
        "stage": MotionStage(),
        "coil": Pickup(),
        "meter": Voltmeter(trigger_latency=7e-3, white_noise=1e-6),
        "laser": Interferometer(trigger_latency=2e-3, white_noise=1e-11),
        "beam": DisplacementSensor(white_noise=1e-10),
        "psd": PositionDetector(),
    }
    wiring = {f"{name}.position": "stage.position" for name in ("coil", "laser", "beam")}
    wiring |= {"meter.input": "coil.voltage", "meter.reference": "coil.voltage", "psd.x": "stage.position"}
    twin = Twin(parts, wiring, seed=1)
    stage, clock = parts["stage"], twin.clock

    def to_and_fro(k: int) -> Process:
        ends = (0.0, 20e-6)
        return stage.move(glide(*ends[:: 1 - 2 * (k % 2)], clock.now, clock.now + to_ns(MOTION)))

    channels = {name: parts[name] for name in ("meter", "laser", "beam", "psd")}
    found: Edges = clock.run(look(clock, twin.recorder, to_and_fro, channels, MOTION))
    assert found.delay("beam")[0] == pytest.approx(0.0, abs=1e-5)
    for pair, expected in (
        (("laser", "meter"), -5e-3),
        (("beam", "meter"), -7e-3),
        (("beam", "laser"), -2e-3),
        (("laser", "psd x"), 2e-3),
    ):
        skew, u = found.skews()[pair]
        assert skew == pytest.approx(expected, abs=max(5 * u, 2e-3 * APERTURE)) and u < 1e-5
    assert all(math.isnan(seen) for seen in found.seen["psd y"])


def test_a_stage_goes_no_further_and_no_faster_than_it_may() -> None:
    assert distance(1e-5, None) == distance(1e-5, 1.0) == 1e-5
    assert PEAK * distance(1.0, 1e-3) / MOTION < 1e-3


def test_pairs_that_nothing_real_reaches_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    Card(VOLTS).install(monkeypatch)
    real = {
        "current_source": {"driver": "keithley6221", "resource": NOBODY, "limits": {"current": 1e-3, "voltage": 10.0}},
        "resistor": {"driver": "artefact"},
        "induced_voltmeter": {"driver": "hp3458a", "resource": NOBODY},
        "motion_stage": {"driver": "pi_gcs", "resource": NOBODY},
        "displacement_sensor": {
            "driver": "daq_displacement_sensor",
            "resource": "Dev1",
            "settings": DAQ["daq_displacement_sensor"],
        },
    }
    chosen = scenario(real)
    bridge = Bridge(chosen, clock=RealTimeClock(None), tell=str)
    twin = Twin(bridge.parts(), chosen.wiring, clock=bridge.clock)
    bridge.prepare(twin)
    graph, drivers = twin.graph, bridge.drivers
    assert reached(graph, drivers, "current_source") == ["induced_voltmeter"]
    assert reached(graph, drivers, "motion_stage") == ["displacement_sensor"]
    pair = ("induced_voltmeter", "displacement_sensor")
    assert list(apart(graph, drivers, ["current_source"])) == [(pair, "nothing real that acts reaches both")]
    monkeypatch.setattr("hw_bridge.skew.reached", lambda *_: list(pair))
    assert list(apart(graph, drivers, [])) == [(pair, "current_source, which reaches both, has not acted")]
    assert not list(apart(graph, drivers, ["motion_stage"]))
