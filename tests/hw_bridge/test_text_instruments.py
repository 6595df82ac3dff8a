"""Instruments of no particular make: the servo's controller, sensors with a memory, scanners, the lock of the coil."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hw_bridge.station import Client, Station
from twin.times import NS

LOCKED = {"clamp.coil": "flexure.position", "flexure.locked": "clamp.locked"}
"""Wires of a lock."""
CALM = {"balance__ground_vibration__spectrum": [], "balance__interferometer__nonlinearity": 0.0}


@pytest.fixture
def station() -> Station:
    return Station()


def on(station: Station, current: float = 0.0) -> Client:
    source = station.client("current_source")
    source.write(f"*RST;CURR:RANG 2e-2;:CURR:COMP 105;:CURR {current};:OUTP ON")
    return source


def across(station: Station) -> float:
    """What flows through the standard resistor (A)."""
    meter = station.client("current_voltmeter")
    meter.write("RESET;TARM AUTO;DCV 10;NPLC 1;END ALWAYS")
    return float(meter.read()) / 1000.0


# --- the servo -------------------------------------------------------------------------------------------------------


def test_a_servo_that_is_engaged_holds_the_tare_whatever_the_source_is_set_to(station: Station) -> None:
    source, servo = on(station, 1e-3), station.client("servo")
    assert (servo.query("SERV:STAT?"), across(station)) == ("RELEASED", pytest.approx(1e-3, rel=1e-3))
    servo.write("SERV:ENG 1")
    assert servo.query("SERV:STAT?") == "ENGAGING"
    station.wait(1.0)
    held = across(station)
    assert servo.query("SERV:STAT?") == "ENGAGED" and held == pytest.approx(-3.5e-3, rel=0.01)
    for current in (2e-3, 0.0):
        source.write(f"CURR {current}")
        assert across(station) == pytest.approx(held, rel=1e-5)
        assert float(servo.query("SERV:CURR?")) + current == pytest.approx(held, rel=1e-3)
    servo.write("SERV:REL 0.5")
    assert servo.query("SERV:STAT?") == "RELEASING"
    station.wait(0.5)
    assert servo.query("SERV:STAT?;CURR?;:SYST:ERR?") == 'RELEASED;0.0;0,"No error"'
    assert abs(across(station)) < 2e-6, "noise of the range"


def test_a_mass_that_is_put_on_shows_in_the_current(station: Station) -> None:
    """It goes down by its controller, and the pan has it where the lift is low."""
    on(station)
    servo, lift = station.client("servo"), station.client("mass_exchanger")
    servo.write("SERV:ENG")
    off = across(station)
    for command in ("SVO 1 1", "FRF 1", "VEL 1 10", "ACC 1 100", "MOV 1 -10"):
        lift.write(command)
    assert across(station) == pytest.approx(off, rel=1e-5), "it is on its way"
    station.wait(2.0)
    assert lift.query("POS? 1") == "1=-10.000000000" and lift.query("CST?") == "1=KIBBLE-MASS_EXCHANGER"
    assert across(station) - off == pytest.approx(9.80665 / 1400.0, rel=1e-3)


def test_a_servo_trips_where_the_source_goes_off_and_stays_so(station: Station) -> None:
    source, servo = station.client("current_source"), station.client("servo")
    servo.write("SERV:ENG 0")
    assert servo.query("SERV:STAT?;:SYST:ERR?") == 'RELEASED;-221,"Settings conflict"', "nothing can flow"
    on(station)
    servo.write("SERV:ENG 0")
    station.wait(0.1)
    assert servo.query("SERV:STAT?") == "ENGAGED"
    source.write("OUTP OFF")
    assert servo.query("SERV:STAT?;CURR?") == "TRIPPED;0.0"
    source.write("OUTP ON")
    assert abs(across(station)) < 1e-6
    servo.write("SERV:ENG 0")
    assert servo.query("SERV:STAT?;:SYST:ERR?") == 'TRIPPED;-221,"Settings conflict"'
    servo.write("SERV:REL;ENG 0")
    station.wait(0.1)
    assert servo.query("SERV:STAT?") == "ENGAGED"
    servo.write("*RST")
    assert servo.query("SERV:STAT?") == "RELEASED"
    servo.write("SERV:ENG 2000;ENG -1;REL nan")
    assert servo.query("SYST:ERR:COUN?") == "3"


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        (":CURR:RANG 2e-3", r"-0\.002\d+ A is beyond 0\.0021 A of range and limit"),
        (":CURR:COMP 5", r"-0\.001\d+ A takes more than the compliance voltage of 5 V"),
    ],
)
def test_a_servo_trips_where_it_needs_more_than_the_source_bears(station: Station, setting: str, why: str) -> None:
    """The tare takes 3.5 mA through 3.4 kohm; it is not clipped, and the error says what was too much on the way."""
    source, servo = on(station), station.client("servo")
    source.write(setting)
    servo.write("SERV:ENG 1")
    station.wait(1.1)
    assert servo.query("SERV:STAT?;CURR?") == "TRIPPED;0.0"
    assert re.fullmatch(f'301,"Tripped; {why}"', servo.query("SYST:ERR?")) and abs(across(station)) < 2e-6
    source.write(":CURR:RANG 20e-3;COMP 50")
    servo.write("SERV:REL;ENG 0")
    station.wait(0.1)
    assert servo.query("SERV:STAT?;:SYST:ERR?") == 'ENGAGED;0,"No error"'


def test_the_current_of_source_and_servo_together_counts_and_a_bound_that_comes_later(station: Station) -> None:
    source, servo = on(station, 3.5e-3), station.client("servo")
    source.write(":CURR:RANG 4e-3;COMP 20")  # 20 mA: it is the lowest that holds 4 mA
    servo.write("SERV:ENG 0")
    station.wait(0.1)
    assert servo.query("SERV:STAT?") == "ENGAGED" and float(servo.query("SERV:CURR?")) == pytest.approx(-7e-3, rel=0.01)
    source.write(":CURR:COMP 10")
    station.wait(0.6)
    assert servo.query("SERV:STAT?") == "TRIPPED"


def test_the_last_hand_over_counts(station: Station) -> None:
    on(station)
    servo = station.client("servo")
    servo.write("SERV:ENG 2")
    station.wait(1.0)
    servo.write("SERV:REL 0.5")
    station.wait(0.6)
    assert servo.query("SERV:STAT?") == "RELEASED"
    station.wait(1.0)
    assert servo.query("SERV:STAT?") == "RELEASED"


def test_a_servo_takes_out_the_noise_of_the_source(station: Station) -> None:
    """0.4 µA rms on its range, of which it leaves what the scenario states: 3.8 nA/√Hz."""
    on(station)
    meter, servo = station.client("current_voltmeter"), station.client("servo")
    meter.write("RESET;TARM HOLD;DCV 10;NPLC 10;AZERO OFF;NRDGS 40,AUTO;TRIG AUTO;END ALWAYS")
    spread = {}
    for state in ("REL", "ENG"):
        servo.write(f"SERV:{state} 0")
        meter.write("TARM SGL")
        spread[state] = np.std([float(meter.read()) for _ in range(40)]) / 1000.0
    assert 0.1e-6 < spread["REL"] < 0.6e-6
    assert spread["ENG"] < 0.1 * spread["REL"]


# --- sensors with a memory -------------------------------------------------------------------------------------------


def test_an_interferometer_reads_at_its_own_pace_and_tells_it_as_often_as_asked() -> None:
    station = Station(**CALM)
    stage, sensor = station.client("flexure"), station.client("interferometer")
    assert sensor.query("*IDN?;DATA:QUAN?") == "KIBBLE-TWIN,INTERFEROMETER,0,1.0;position"
    for command in ("SVO 1 1", "FRF 1", "VEL 1 1", "ACC 1 100", "MOV 1 5"):
        stage.write(command)
    station.wait(1.0)
    sensor.write("SAMP:COUN 4;TIM 0.5;AVER OFF;:INIT;:SAMP:COUN 9")
    assert sensor.query("DATA:POIN?") == "0"
    shown = np.array([float(text) for text in sensor.query("FETC?").split(",")])
    assert np.diff(shown) == pytest.approx(np.full(3, 0.5e-3), rel=1e-3)
    assert np.array_equal(shown, [float(text) for text in sensor.query("FETC?").split(",")])
    assert sensor.query("DATA:POIN?;:SYST:ERR?") == '4;0,"No error"'


def test_a_sensor_of_several_quantities_tells_them_reading_by_reading(station: Station) -> None:
    detector, air = station.client("position_detector"), station.client("environment")
    detector.write("SAMP:COUN 3;TIM 0.1;:INIT")
    assert len(detector.query("FETC?").split(",")) == 12
    shown = [float(air.query(f"MEAS? {quantity}")) for quantity in ("temperature", "PRESSURE", "humidity")]
    assert shown == pytest.approx([298.15, 101325.0, 0.5], rel=2e-2)
    assert air.query("MEAS? wind;:SYST:ERR?") == '-224,"Illegal parameter value"'


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("FETC?", -230),
        ("SAMP:COUN 0", -222),
        ("SAMP:COUN 20000", -222),
        ("SAMP:TIM 0", -222),
        ("SAMP:TIM 1e9", -222),
        ("SAMP:AVER OFF", -221),
        ("INIT;INIT", -213),
        ("INIT;ABOR;FETC?", -230),
        ("INIT;*RST;FETC?", -230),
    ],
)
def test_what_a_sensor_does_not_do_is_an_error(shared_station: Station, message: str, code: int) -> None:
    sensor = shared_station.client("position_detector")
    sensor.write("*RST;*CLS")
    sensor.write(message)
    assert int(sensor.query("SYST:ERR?").partition(",")[0]) == code


def test_history_that_a_sensor_still_needs_is_kept() -> None:
    station = Station()
    sensor, meter = station.client("interferometer"), station.client("current_voltmeter")
    sensor.write("SAMP:COUN 2;TIM 100;:INIT")
    assert station.core("interferometer").oldest == 0
    meter.write("RESET;TARM AUTO;DCV 10;NPLC 1;END ALWAYS")
    for _ in range(3):
        station.wait(65.0)
        meter.read()
        station.served.tidy()
    assert len(sensor.query("FETC?").split(",")) == 2
    assert station.core("interferometer").oldest is None and station.clock.now >= 195 * NS


# --- scanner and lock ------------------------------------------------------------------------------------------------


def test_a_scanner_puts_the_reference_or_a_short_at_the_meter(station: Station) -> None:
    meter, scanner = station.client("induced_voltmeter"), station.client("induced_voltmeter_scanner")
    meter.write("RESET;TARM AUTO;DCV 10;NPLC 10;END ALWAYS")
    for command, told, volts in (
        ("ROUT:CLOS (@102)", "(@102)", 10.0),
        ("ROUT:CLOS (@104)", "(@104)", -10.0),
        ("ROUT:CLOS (@103)", "(@103)", 0.0),
        ("ROUT:OPEN:ALL", "(@)", 0.0),
        ("*RST", "(@101)", 0.0),
    ):
        scanner.write(command)
        assert scanner.query("ROUT:CLOS?") == told
        assert float(meter.read()) == pytest.approx(volts, abs=1e-3)
    scanner.write("ROUT:CLOS (@105)")
    assert scanner.query("SYST:ERR?;:ROUT:CLOS?") == '-222,"Parameter data out of range";(@101)'


def test_a_stage_refuses_to_move_a_locked_coil() -> None:
    wiring = {**Station().scenario.wiring, **LOCKED}
    station = Station(balance__clamp={}, balance__wiring=wiring)
    lock, stage = station.client("clamp"), station.client("flexure")
    assert lock.query("*IDN?;LOCK?") == "KIBBLE-TWIN,COIL LOCK,0,1.0;1"
    for command in ("SVO 1 1", "FRF 1", "MOV 1 1"):
        stage.write(command)
    assert stage.query("ERR?") == "34" and stage.query("POS?") == "1=0.000000000"
    lock.write("LOCK OFF")
    assert lock.query("LOCK?") == "0"
    stage.write("MOV 1 1")
    assert stage.query("ERR?") == "0"
    station.wait(0.3)
    lock.write("LOCK ON")
    assert lock.query("LOCK?;:SYST:ERR?") == '0;-221,"Settings conflict"', "it moves"


@settings(max_examples=100, deadline=None)
@given(
    name=st.sampled_from(["servo", "interferometer", "environment", "induced_voltmeter_scanner"]),
    junk=st.binary(max_size=60),
)
def test_whatever_comes_is_survived(shared_station: Station, name: str, junk: bytes) -> None:
    client = shared_station.client(name)
    client.write(junk)
    client.session.clear()
    assert client.query("*IDN?").startswith("KIBBLE-TWIN")
