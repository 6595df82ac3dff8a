"""The stage that moves the coil, in its own language."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_bridge.cores.pi_gcs import REJECTED
from tests.hw_bridge.station import Client, Station


@pytest.fixture
def station(shared_station: Station) -> Station:
    return shared_station


@pytest.fixture
def stage(station: Station) -> Client:
    """A client of the stage, which is at rest at its reference, with the settings of the beginning."""
    client = station.client("flexure")
    for command in ("SVO 1 1", "VEL 1 1", "ACC 1 5", "FRF 1"):
        client.write(command)
    station.wait(30.0)
    assert client.query("ONT?") == "1=1"
    client.query("ERR?")
    return client


def error(stage: Client) -> int:
    return int(stage.query("ERR?"))


def position(stage: Client) -> float:
    axis, _, value = stage.query("POS? 1").partition("=")
    assert axis == "1"
    return float(value)


def test_it_says_what_it_is(stage: Client) -> None:
    assert "Physik Instrumente" in stage.query("*IDN?")
    assert stage.query("SAI?") == "1" and stage.query("CST?") == "1=KIBBLE-COIL" and stage.query("PUN? 1") == "1=MM"
    assert stage.query("CSV?") == "2.0" and stage.query("VER?").startswith("FW")
    assert error(stage) == 0
    stage.write("HLP?")
    *lines, last = stage.read(stop=None).decode().split(" \n")
    assert {"#7", "MOV", "MOV?", "POS?", "FRF"} <= set(lines) and last == "end of help\n"


def test_an_axis_moves_when_it_has_been_referenced() -> None:
    stage = Station().client("flexure")
    assert stage.query("FRF?") == "1=0"
    stage.write("MOV 1 1")
    assert error(stage) == 5 and error(stage) == 0
    stage.write("FRF")
    stage.write("MOV 1 1")
    assert error(stage) == 0


def test_a_motion_takes_its_time_and_ends_where_it_was_sent(station: Station, stage: Client) -> None:
    stage.write("VEL 1 2;".rstrip(";"))
    stage.write("ACC 1 4")
    stage.write("MOV 1 5")
    station.wait(0.5)
    assert stage.query("ONT?") == "1=0" and stage.query("\x05") == "1"
    assert 0.4 < position(stage) < 0.7
    station.wait(2.6)
    assert position(stage) == 5.0 and stage.query("ONT?") == "1=1" and stage.query("\x05") == "0"
    assert stage.query("MOV?") == "1=5.000000000"
    stage.write("MVR 1 -2.5")
    station.wait(3.0)
    assert position(stage) == 2.5


def test_the_coil_induces_a_voltage_while_it_moves(station: Station, stage: Client) -> None:
    """Physics is shared: Bl = 1400 T m at 0.3 mm/s."""
    meter = station.client("induced_voltmeter")
    meter.write("RESET;DCV 1;NPLC 1;AZERO OFF;END ALWAYS")
    stage.write("VEL 1 0.3")
    stage.write("MOV 1 1")
    station.wait(0.5)
    assert float(meter.read()) == pytest.approx(1400 * 0.3e-3, rel=5e-3)
    station.wait(5.0)
    assert abs(float(meter.read())) < 2e-3, "at rest there is the thermal EMF and what the ground shakes"


def test_a_stop_stops_and_says_so(station: Station, stage: Client) -> None:
    stage.write("MOV 1 10")
    station.wait(2.0)
    stage.write("\x18")
    assert error(stage) == 10
    station.wait(0.5)
    there = position(stage)
    station.wait(5.0)
    assert position(stage) == there < 10.0 and stage.query("ONT?") == "1=1"
    for message in ("STP", "HLT 1"):
        stage.write("MOV 1 10")
        station.wait(1.0)
        stage.write(message)
        assert error(stage) == 10
        station.wait(1.0)
        there = position(stage)
        station.wait(1.0)
        assert position(stage) == there < 10.0


def test_a_new_target_is_taken_on_the_way(station: Station, stage: Client) -> None:
    stage.write("MOV 1 5")
    station.wait(1.0)
    before = position(stage)
    stage.write("MOV 1 -1")
    station.wait(0.01)
    assert position(stage) > before, "it has to brake first"
    station.wait(10.0)
    assert position(stage) == -1.0 and error(stage) == 0


def test_limits_refuse(station: Station, stage: Client) -> None:
    low, high = (float(stage.query(q).partition("=")[2]) for q in ("TMN? 1", "TMX? 1"))
    assert (low, high) == (-12.5, 12.5)
    for message, code in (("MOV 1 12.6", 7), ("VEL 1 21", 8), ("VEL 1 0", 8), ("ACC 1 101", 17)):
        stage.write(message)
        assert error(stage) == code
    station.wait(1.0)
    assert position(stage) == 0.0


def test_stops_of_the_balance_are_the_limits() -> None:
    station = Station(balance__flexure__lower_stop="-2 mm", balance__flexure__upper_stop="3 mm")
    stage = station.client("flexure")
    stage.write("FRF")
    stage.write("MOV 1 3.1")
    assert error(stage) == 7 and stage.query("TMX?") == "1=3.000000000"
    stage.write("MOV 1 3")
    station.wait(10.0)
    assert position(stage) == 3.0


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("NONSENSE", 2),
        ("\x01", 2),
        ("MOV", 24),
        ("MOV 1 1 1", 24),
        ("MOV 2 1", 15),
        ("POS? 2", 15),
        ("MOV 1 far", 1),
        ("MOV 1 1e400", 1),
        ("SVO 1 2", 1),
    ],
)
def test_a_mistake_has_its_error(stage: Client, message: str, code: int) -> None:
    stage.write(message)
    assert error(stage) == code


@pytest.mark.parametrize(("command", "code"), sorted(REJECTED.items()))
def test_what_is_not_carried_out_is_refused(shared_station: Station, command: str, code: int) -> None:
    """Every row of the table, with and without parameters."""
    stage = shared_station.client("flexure")
    for message in (command, f"{command} 1 1"):
        stage.write(message)
        assert error(stage) == code


def test_without_servo_nothing_moves(station: Station, stage: Client) -> None:
    stage.write("MOV 1 5")
    station.wait(1.0)
    stage.write("SVO 1 0")
    stage.query("ERR?")
    stage.write("MOV 1 1")
    assert error(stage) == 5 and stage.query("SVO?") == "1=0"
    stage.write("FRF")
    assert error(stage) == 5
    stage.write("SVO 1 1")
    stage.write("MOV 1 1")
    assert error(stage) == 0


def test_single_characters_are_dealt_with_in_the_middle_of_a_line(stage: Client) -> None:
    """Hazard: the reply to #7 is 0xB1 with a line feed after it."""
    stage.session.write(b"\x07MO", False)
    assert stage.read() == b"\xb1\n"
    stage.session.write(b"V?\n", False)
    assert stage.read() == b"1=0.000000000\n"
    assert stage.query("\x04").startswith("0x")


WORDS = st.sampled_from(
    ["MOV", "MVR", "1", " ", "\n", "5", "-3", "POS?", "STP", "\x18", "\x05", "FRF", "SVO", "0", "ERR?"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(WORDS, st.characters(max_codepoint=255)), max_size=30))
def test_no_message_brings_it_down(fuzzed: Client, words: list[str]) -> None:
    fuzzed.write("".join(words).encode("latin-1"))
    fuzzed.station.wait(0.1)
    fuzzed.session.clear()
    fuzzed.query("ERR?")
    assert fuzzed.query("CSV?") == "2.0"


@pytest.fixture(scope="module")
def fuzzed(shared_station: Station) -> Client:
    return shared_station.client("flexure")
