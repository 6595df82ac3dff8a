"""What each role promises, of the simulated instrument, of our driver on the wire to the emulated one, and of hardware.

Hardware is named on the command line: ``pytest tests/hw_bridge/test_conformance.py --hardware
current_source=keithley6221@TCPIP::192.0.2.7::1394::SOCKET``. It is driven to ±0.4 mA or moved by 0.5 mm about zero.
Sensors, switch boxes and exchangers are in `test_conformance_sensors` and `test_conformance_movers`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from components.motion import glide
from components.roles import CurrentSource, MotionStage, Voltmeter
from hw_bridge.drivers.driver import Driver
from hw_bridge.errors import BridgeError, SafetyError
from tests.hw_bridge.subjects import LIMITS, Subject, hardware, served, simulated
from twin.errors import SimulationError
from twin.recorder import Schedule
from twin.times import NS

REFUSED = (SafetyError, SimulationError, BridgeError, ValueError)
WAYS = ["simulated", "served", "hardware"]
KINDS = {
    "current_source": ("keithley6221", "generic_source", "two_stage_source"),
    "current_voltmeter": ("hp3458a", "generic_meter"),
}


def subject(role: str, request: pytest.FixtureRequest) -> Iterator[Subject]:
    way = request.param
    if way == "simulated":
        with simulated(role) as made:
            yield made
    elif way.startswith("served"):
        with served(role, request.getfixturevalue("wired"), way.partition(" ")[2]) as made:
            yield made
    else:
        given = request.config.getoption("--hardware") or []
        kinds = KINDS.get(role, ("pi_gcs",))
        named = next((n for n in given if n.partition("=")[2].partition("@")[0] in kinds), None)
        if named is None:
            pytest.skip("no hardware of this role on the command line: --hardware NAME=driver@resource")
        with hardware(role, named) as made:
            yield made


@pytest.fixture(params=[*WAYS, "served two_stage_source"])
def source(request: pytest.FixtureRequest) -> Iterator[Subject]:
    yield from subject("current_source", request)


@pytest.fixture(params=WAYS)
def meter(request: pytest.FixtureRequest) -> Iterator[Subject]:
    yield from subject("current_voltmeter", request)


@pytest.fixture(params=WAYS)
def stage(request: pytest.FixtureRequest) -> Iterator[Subject]:
    yield from subject("flexure", request)


def states(subject_: Subject, unit: str) -> None:
    """A driver says what it can."""
    if isinstance(subject_.instrument, Driver):
        told = subject_.instrument.statement()
        assert told.unit == unit and told.lowest < 0 < told.highest and told.u is None
        assert not told.met_hardware, "then the table of docs/instruments.md says so"
        assert told.role in str(told) and told.plain()["role"] == told.role


# --- current source --------------------------------------------------------------------------------------------------


def test_a_source_plays_its_role(source: Subject) -> None:
    assert isinstance(source.instrument, CurrentSource)
    states(source, "A")


def test_nothing_flows_before_the_output_is_connected_and_after_it_is_disconnected(source: Subject) -> None:
    source.run(source.instrument.set(0.2e-3, 0.0))
    assert source.current() == 0.0
    source.instrument.connect()
    assert source.current() == pytest.approx(0.2e-3, abs=1e-7)
    source.instrument.disconnect()
    assert source.current() == 0.0


@pytest.mark.parametrize("wanted", [0.4e-3, -0.4e-3, 0.1234e-3])
def test_a_source_delivers_what_it_is_set_to_in_the_time_for_it(source: Subject, wanted: float) -> None:
    source.instrument.connect()
    before = source.clock.now
    source.run(source.instrument.set(wanted, 0.5))
    assert source.clock.now - before >= NS // 2
    assert source.current() == pytest.approx(wanted, abs=1e-7)
    source.instrument.check(before, source.clock.now)
    source.run(source.instrument.set(0.0, 0.0))
    source.instrument.disconnect()


@pytest.mark.parametrize("wanted", [1.01e-3, -5.0, float("nan"), float("inf")])
def test_beyond_its_limit_a_source_refuses_and_changes_nothing(source: Subject, wanted: float) -> None:
    source.instrument.connect()
    source.run(source.instrument.set(0.3e-3, 0.0))
    with pytest.raises(REFUSED):
        source.run(source.instrument.set(wanted, 0.1))
    assert source.current() == pytest.approx(0.3e-3, abs=1e-7)
    source.run(source.instrument.set(0.0, 0.0))
    source.instrument.disconnect()


# --- voltmeter -------------------------------------------------------------------------------------------------------


def test_a_voltmeter_plays_its_role(meter: Subject) -> None:
    assert isinstance(meter.instrument, Voltmeter)
    states(meter, "V")


@pytest.mark.parametrize(
    ("step", "count", "every", "repeats"), [(0.02, 5, 0.0, 1), (0.1, 1, 0.0, 1), (0.02, 3, 0.5, 2), (2.5, 2, 0, 1)]
)
def test_readings_have_the_shape_of_their_schedule_and_are_recorded(
    meter: Subject, step: float, count: int, every: float, repeats: int
) -> None:
    meter.drive(0.5e-3)
    start = meter.clock.now + NS // 10
    schedule = Schedule(start, round(step * NS), count, round(every * NS), repeats)
    block = meter.run(meter.instrument.read(schedule, {"phase": "weighing", "cycle": 3}))
    assert meter.clock.now >= schedule.end
    assert (block.unit, block.schedule, block.values.shape) == ("V", schedule, (repeats, count))
    assert block.has(phase="weighing", cycle=3)
    assert list(meter.recorder.readings) == [block]
    assert np.all(np.isfinite(block.values))
    if meter.voltage is not None:
        assert block.values == pytest.approx(np.full((repeats, count), meter.voltage()), rel=1e-3)


# --- stage -----------------------------------------------------------------------------------------------------------


def test_a_stage_plays_its_role(stage: Subject) -> None:
    assert isinstance(stage.instrument, MotionStage)
    states(stage, "m")
    low, high = stage.instrument.travel
    assert low <= LIMITS["lower"] + 1e-9 < 0 < LIMITS["upper"] - 1e-9 <= high


def test_a_stage_goes_where_its_motion_leads(stage: Subject) -> None:
    for target in (0.5e-3, -0.25e-3, 0.0):
        here, start = stage.instrument.commanded()[0], stage.clock.now
        stage.run(stage.instrument.move(glide(here, target, start, start + 2 * NS)))
        assert stage.clock.now >= start + 2 * NS
        assert stage.instrument.commanded() == (pytest.approx(target, abs=1e-9), pytest.approx(0.0, abs=1e-9))
        assert stage.position() == pytest.approx(target, abs=1e-6)


@pytest.mark.parametrize("target", [1.2e-3, -0.1])
def test_beyond_its_travel_a_stage_refuses_and_stays(stage: Subject, target: float) -> None:
    here, start = stage.instrument.commanded()[0], stage.clock.now
    with pytest.raises(REFUSED):
        stage.run(stage.instrument.move(glide(here, target, start, start + 2 * NS)))
    assert stage.position() == pytest.approx(here, abs=1e-6)
