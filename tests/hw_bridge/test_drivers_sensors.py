"""Drivers of sensors (a thermometer at a multimeter, a card, an interferometer), and what goes wrong there."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.platinum import resistance, temperature
from components.thermometer import Thermometer
from hw_bridge.drivers.daq import HINTS
from hw_bridge.drivers.driver import Driver
from hw_bridge.drivers.hp3458a import ACAL
from hw_bridge.errors import BridgeError
from tests.hw_bridge.sensors import DAQ, VOLTS, interferometer, siosifm
from tests.hw_bridge.standin_daq import Card
from tests.hw_bridge.subjects import bench, driver, opened
from tests.hw_bridge.wired import Wired
from twin.recorder import LATE, Schedule
from twin.times import NS


def run(made: Driver, operation: Any) -> Any:
    """Do it on the driver's clock."""
    return made.bench.clock.run(operation)  # type: ignore[attr-defined]


def reading(made: Driver, step: float = 0.1, count: int = 2, **more: Any) -> Any:
    """A block, from now on."""
    there: Any = made
    return run(made, there.read(Schedule(made.clock.now, round(step * NS), count), {}, **more))


# --- PT100 at a 3458A ------------------------------------------------------------------------------------------------


def thermometer(wired: Wired, **more: Any) -> Driver:
    """The driver of that on the magnet."""
    return driver("t", "pt100_3458a", wired.row("magnet_thermometer", "socket")["address"], bench(), **more)


def test_a_pt100_is_read_with_four_wires_and_offset_compensation(wired: Wired) -> None:
    with opened(thermometer(wired)) as made, wired.connect("socket", "magnet_thermometer") as peer:
        assert peer.query("FUNC?").startswith("5, 1.000") and peer.query("OCOMP?") == "1"
        shown = float(reading(made, 0.5, 4).values.mean())
        part: Any = wired.station.core("magnet_thermometer").meter
        meant = float(part._indicated(np.zeros(1))[0])
        assert shown == pytest.approx(meant, abs=0.02)
        assert made.statement().highest == pytest.approx(51.6 - 25.0, abs=0.1), "120 ohm, above 25 degC"


def test_the_certificate_of_the_sensor_counts(wired: Wired) -> None:
    """0.1 ohm more at the ice point is 0.1/(R'(t)) less; by hand, 0.28 K at 25 °C."""
    with opened(thermometer(wired)) as plain:
        nominal = float(reading(plain, 0.5, 4).values.mean())
    with opened(thermometer(wired, settings={"ice_resistance": "100.1 ohm"})) as made:
        certified = float(reading(made, 0.5, 4).values.mean())
    t = nominal + 25.0
    assert certified - nominal == pytest.approx(float(temperature(resistance(t), 100.1)) - t, abs=0.02)
    assert certified < nominal - 0.25


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"settings": {"ice_resistance": "3 K"}}, r"t: hardware\.settings\.ice_resistance: expected a quantity in ohm"),
        ({"settings": {"ice_resistance": 0.1}}, "no sensor has 0.1 ohm"),
        ({"settings": {"r0": 100}}, r"unknown r0; known are autocal, ice_resistance"),
        ({"settings": {"autocal": "DCV"}}, r"autocal: expected one of none, OHMS, ALL, not 'DCV'"),
        ({"commands": {"scanner": "X"}}, r"takes no hardware\.commands"),
    ],
)
def test_what_a_thermometer_is_told_wrongly(wired: Wired, more: dict[str, Any], text: str) -> None:
    with pytest.raises(BridgeError, match=text):
        thermometer(wired, **more)


def test_a_meter_without_a_sensor_refuses_ohms(wired: Wired) -> None:
    address = wired.row("current_voltmeter", "socket")["address"]
    made = driver("t", "pt100_3458a", address, bench())
    try:
        with pytest.raises(BridgeError, match=r"OHMF 100\.0 left it at|reports error"):
            made.open()
    finally:
        assert made.close()


def test_a_sensor_that_is_hotter_than_its_standard_is_no_reading(wired: Wired) -> None:
    with opened(thermometer(wired, settings={"ice_resistance": "20 ohm"})) as made:
        with pytest.raises(BridgeError, match=r"overload|no resistance of its sensor|not finite"):
            reading(made)
        assert not list(made.bench.recorder.readings)


def test_a_range_holds_its_sensor_at_the_hottest() -> None:
    sensor = Thermometer(ice_resistance=1000.0)
    assert float(resistance(50.0, sensor.ice_resistance)) < 1200.0


# --- autocal ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "armed", "sent"),
    [({}, True, False), ({"autocal": "DCV"}, False, False), ({"autocal": "DCV"}, True, True)],
)
def test_an_autocal_is_made_when_it_is_asked_for_and_armed(
    wired: Wired, settings: dict[str, str], armed: bool, sent: bool
) -> None:
    address = wired.row("induced_voltmeter", "socket")["address"]
    before = wired.station.clock.seconds
    with opened(driver("m", "hp3458a", address, bench(), armed=armed, settings=settings)) as made:
        passed = wired.station.clock.seconds - before
        assert (passed >= ACAL["DCV"][0]) == sent
        done = "ACAL DCV done: let it rest for 15 min"
        assert made.identity == f"HP3458A, 36.0 degC inside, {done if sent else told(settings)}"


def told(settings: dict[str, str]) -> str:
    """What is told without one."""
    return "no autocal (dry run)" if settings else "no autocal"


# --- the card --------------------------------------------------------------------------------------------------------


def fluxgate(**settings: Any) -> Driver:
    """A fluxgate at a card."""
    return driver("b", "daq_fluxgate", "Dev1", bench(), settings={**DAQ["daq_fluxgate"], **settings})


def test_the_stand_in_has_the_interface_of_nidaqmx() -> None:
    """Every call of the driver binds to the vendor's own signature, where that is installed."""
    nidaqmx: Any = pytest.importorskip("nidaqmx")
    from nidaqmx.constants import AcquisitionType, TaskMode, TerminalConfiguration
    from nidaqmx.error_codes import DAQmxErrors
    from nidaqmx.errors import DaqError
    from nidaqmx.stream_readers import AnalogMultiChannelReader
    from nidaqmx.task import Timing
    from nidaqmx.task.collections import AIChannelCollection, DIChannelCollection, DOChannelCollection

    differential = {"terminal_config": TerminalConfiguration["DIFF"], "min_val": -1.0, "max_val": 1.0}
    inspect.signature(AIChannelCollection.add_ai_voltage_chan).bind(None, "Dev1/ai0", **differential)
    going_on = {"sample_mode": AcquisitionType.CONTINUOUS, "samps_per_chan": 2}
    inspect.signature(Timing.cfg_samp_clk_timing).bind(None, 1e3, **going_on)
    inspect.signature(nidaqmx.Task.control).bind(None, TaskMode.TASK_COMMIT)
    inspect.signature(AnalogMultiChannelReader).bind(None)
    reading = inspect.signature(AnalogMultiChannelReader.read_many_sample)
    reading.bind(None, None, number_of_samples_per_channel=2, timeout=1.0)
    for method in ("start", "stop", "close", "read"):
        inspect.signature(getattr(nidaqmx.Task, method)).bind(None)
    assert hasattr(nidaqmx.Task, "in_stream") and DaqError("no", -50103).error_code == -50103
    assert set(HINTS) <= {code.value for code in DAQmxErrors}
    assert {"RSE", "DIFF", "PSEUDO_DIFF"} <= set(TerminalConfiguration.__members__)
    assert hasattr(Timing, "samp_clk_rate")
    lines = {"line_grouping": nidaqmx.constants.LineGrouping.CHAN_FOR_ALL_LINES}
    inspect.signature(DIChannelCollection.add_di_chan).bind(None, "Dev1/port1/line0:3", **lines)
    inspect.signature(DOChannelCollection.add_do_chan).bind(None, "Dev1/port0/line0:3", **lines)
    inspect.signature(nidaqmx.Task.write).bind(None, 3, auto_start=True)
    assert all(hasattr(nidaqmx.system.Device, name) for name in ("product_type", "serial_num"))


def test_a_reading_is_the_mean_of_its_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    card = Card(VOLTS).install(monkeypatch)
    card.volts["ai0"] = lambda n: n * 1e-3
    with opened(fluxgate(rate=1000)) as made:
        block = reading(made, 0.01, 3)
        assert block.values[0] == pytest.approx(205e-6 * 1e-3 * np.array([4.5, 14.5, 24.5]))
        assert made.identity == "USB-6281, serial number 1A2B3C"
    assert (card.opened, card.closed, card.started) == (1, 1, 2), "one task, started twice"


@pytest.mark.parametrize("latency", [None, 3e-3])
def test_what_is_told_late_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, latency: float | None) -> None:
    """By when it was told to read, and what is stated of how long it takes from there."""
    Card(VOLTS).install(monkeypatch)
    with siosifm(tmp_path, "python") as (_, path):
        for made in (
            driver("b", "daq_fluxgate", "Dev1", bench(), settings=DAQ["daq_fluxgate"], trigger_latency=latency),
            driver("z", "sios", "USB::0", bench(), settings={"library": path}, trigger_latency=latency),
        ):
            with opened(made):
                monkeypatch.setattr(made, "present", lambda made=made: made.clock.now + NS // 8)
                assert reading(made, 0.01, 3).labels[LATE] == pytest.approx(0.125 + (latency or 0.0))
                told = made.statement()
            assert told.plain()["trigger_latency_s"] == latency
            assert ("latency unknown" if latency is None else "latency 3 ms") in str(told)


def test_a_saturated_channel_has_no_reading_and_the_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    card = Card(VOLTS).install(monkeypatch)
    card.volts["ai0"] = lambda n: np.where(n < 100, 1.0, 11.0)
    with opened(fluxgate()) as made:
        values = reading(made, 0.1, 2).values[0]
        assert values[0] == pytest.approx(205e-6) and np.isnan(values[1])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"coerced": 0.9}, "b: the card samples at 900 Hz, not 1000 Hz"),
        ({"largest": 5.0}, "b: Dev1/ai0: the card's span is -5 V to 5 V"),
        ({"gone": True}, "Dev1: DaqError: Device identifier is invalid"),
        ({"short": True}, "samples were asked for"),
    ],
)
def test_a_card_that_does_otherwise_is_refused(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], text: str
) -> None:
    card = Card(VOLTS).install(monkeypatch)
    for name, value in change.items():
        setattr(card, name, value)
    made = fluxgate()
    try:
        with pytest.raises(BridgeError, match=text):
            made.open()
    finally:
        assert made.close()


def test_a_card_that_is_pulled_out_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    card = Card(VOLTS).install(monkeypatch)
    with opened(fluxgate()) as made:
        card.gone = True
        with pytest.raises(BridgeError, match="b: Dev1: DaqError"):
            reading(made)
        card.gone = False
        assert reading(made).values.shape == (1, 2), "on a new connection"


@pytest.mark.parametrize(
    ("kind", "settings", "text"),
    [
        ("daq_fluxgate", {"field": "ai0"}, "lacks field_scale"),
        ("daq_fluxgate", {"field": "ai0", "field_scale": "205 uT"}, "expected a quantity in T/V"),
        ("daq_fluxgate", {"field": "ai0", "field_scale": 0}, "cannot be zero"),
        ("daq_fluxgate", {"field": "ai0", "field_scale": 1, "wires": "two"}, "expected one of differential"),
        ("daq_position_detector", {**DAQ["daq_position_detector"], "y": "ai0"}, "the same channel"),
    ],
)
def test_wrong_settings_are_told(kind: str, settings: dict[str, Any], text: str) -> None:
    with pytest.raises(BridgeError, match=text):
        driver("b", kind, "Dev1", bench(), settings=settings)


def test_a_burst_that_no_memory_holds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    Card(VOLTS).install(monkeypatch)
    with opened(fluxgate(rate="1 MHz")) as made, pytest.raises(BridgeError, match=r"lower settings\.rate"):
        reading(made, 10.0, 1)


def test_without_nidaqmx_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "nidaqmx", None)
    made = fluxgate()
    try:
        with pytest.raises(BridgeError, match=r"pip install 'kibble-twin\[daq\]'"):
            made.open()
    finally:
        assert made.close()


# --- the interferometer ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["c", "python"])
def sios(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, str]]:
    with siosifm(tmp_path_factory.mktemp("siosifm"), request.param) as made:
        yield made


@pytest.fixture
def library(sios: tuple[Any, str]) -> tuple[Any, str]:
    """With nothing wrong, at zero."""
    sios[0].SetFault(0)
    sios[0].Vanish(0)
    for channel in range(4):
        sios[0].SetLength(channel, 0.0, 0.0)
        sios[0].IfmEnableEdlenCorrection(0, channel, 1)
    return sios


@pytest.mark.parametrize(("direction", "sign"), [("up", 1.0), ("down", -1.0)])
def test_lengths_are_in_metres_and_averaged(library: tuple[Any, str], direction: str, sign: float) -> None:
    library[0].SetLength(1, 1000.0, 2.0)  # nm, and nm from value to value
    with opened(interferometer(library[1], direction=direction)) as made:
        assert made.identity == "SIOS interferometer, serial number 004711, firmware 512"
        block = reading(made, 0.01, 2)
        assert block.values[0] == pytest.approx(sign * 1e-9 * np.array([1009.0, 1029.0]), rel=1e-12)
        assert reading(made, 0.01, 2, instantaneous=True).values[0] == pytest.approx(sign * np.array([1e-6, 1.02e-6]))
        assert not library[0].IfmIsEdlenEnabled(0, 1) and library[0].IfmIsEdlenEnabled(0, 0)
    assert library[0].Opened() == 0


def test_steps_need_not_be_whole_values(library: tuple[Any, str]) -> None:
    """1.5 ms at 1 kHz: one and two in turn; and at the rate that it tells, which is another one."""
    library[0].SetLength(1, 0.0, 1.0)
    with opened(interferometer(library[1])) as made:
        values = reading(made, 1.5e-3, 6).values[0]
        assert values == pytest.approx(1e-9 * np.array([0.5, 2.0, 3.5, 5.0, 6.5, 8.0]))
        assert reading(made, 1.5e-3, 4, instantaneous=True).values[0] == pytest.approx(1e-9 * np.array([0, 2, 3, 5]))
        with pytest.raises(BridgeError, match=r"z: a step of 0\.0005 s is shorter than a sample, at 1000 Hz"):
            reading(made, 0.5e-3, 2)
    library[0].SetFault(9)
    with opened(interferometer(library[1])) as made:
        values = reading(made, 0.1, 3, instantaneous=True).values[0]
        assert values == pytest.approx(1e-9 * np.array([0, 100, 199])), "995 Hz: at 0, 99.5 and 199"


def test_zero_is_where_it_is_said_to_be(library: tuple[Any, str]) -> None:
    library[0].SetLength(1, 5e4, 0.0)
    with opened(interferometer(library[1], zero="here")) as made:
        assert reading(made).values == pytest.approx(0.0)
    library[0].SetLength(1, 0.0, 0.0)
    library[0].IfmSetToZero(0, 2)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (1, "the beam was broken"),
        (2, "values were lost"),
        (3, "the laser was unstable"),
        (5, r"error -7 \(not ready\)"),
    ],
)
def test_a_reading_that_cannot_be_trusted_is_not_recorded(library: tuple[Any, str], fault: int, text: str) -> None:
    with opened(interferometer(library[1])) as made:
        library[0].SetFault(fault)
        with pytest.raises(BridgeError, match=text):
            reading(made)
        assert not list(made.bench.recorder.readings)
        library[0].SetFault(0)
        assert reading(made).values.shape == (1, 2), "after that it is opened anew"


def test_values_that_stop_are_a_time_out(library: tuple[Any, str]) -> None:
    settings = {"library": library[1], "channel": 2}
    with opened(driver("z", "sios", "USB::0", bench(), settings=settings, timeout=0.05)) as made:
        library[0].SetFault(4)
        with pytest.raises(BridgeError, match="20 values were asked for, 3 came in time"):
            reading(made, 0.01, 2)


@pytest.mark.parametrize(
    ("fault", "settings", "text"),
    [
        (6, {}, "its correction for air cannot be switched off"),
        (7, {}, "its rate is 500 Hz, not 1000 Hz"),
        (8, {"zero": "here"}, "its zero was set, and it is at 5e-05 m"),
        (0, {"channel": 3}, "it has 2 channels"),
        (0, {"library": "/nowhere/siosifm.so"}, "the library of SIOS is not there"),
    ],
)
def test_what_is_not_as_it_is_to_be_is_refused(
    library: tuple[Any, str], fault: int, settings: dict[str, Any], text: str
) -> None:
    library[0].SetFault(fault)
    library[0].SetLength(1, 5e4, 0.0)
    made = interferometer(library[1], **settings)
    try:
        with pytest.raises(BridgeError, match=text):
            made.open()
    finally:
        assert made.close()
    assert library[0].Opened() == 0


@pytest.mark.parametrize(
    ("resource", "text"),
    [
        ("USB::1", r"error -2 \(no such device\)"),
        ("TCPIP::192.0.2.1::99", "error -3"),
        ("COM::/dev/ttyACM0", "error -4"),
    ],
)
def test_a_device_that_does_not_open_is_one_line(library: tuple[Any, str], resource: str, text: str) -> None:
    made = driver("z", "sios", resource, bench(), settings={"library": library[1]})
    try:
        with pytest.raises(BridgeError, match=f"z: {resource} does not open: {text}"):
            made.open()
    finally:
        assert made.close()


def test_a_device_that_has_gone_is_a_lost_connection(library: tuple[Any, str]) -> None:
    with opened(interferometer(library[1])) as made:
        library[0].Vanish(1)
        with pytest.raises(BridgeError, match="z: USB::0: connection lost"):
            reading(made)
        library[0].Vanish(0)


@pytest.mark.parametrize("resource", ["", "GPIB0::1::INSTR", "USB::"])
def test_another_resource_is_refused(resource: str) -> None:
    with pytest.raises(BridgeError, match="is none of USB::NUMBER"):
        driver("z", "sios", resource, bench())
