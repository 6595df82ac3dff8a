"""The voltmeter in its own language: triggers, formats, memory, errors and status."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_bridge.cores.hp3458a_words import MESSAGES, REJECTED, FaultError, integer, real, word
from hw_bridge.cores.reading_format import FORMATS, HEADROOM, OVERLOAD, encoded, integer_scale
from hw_bridge.cores.reading_memory import CONT, FIFO, LIFO, OFF, ReadingMemory
from tests.hw_bridge.station import Client, Station

CURRENT, OHMS = 3e-3, 1000.0


@pytest.fixture(autouse=True, scope="module")
def driven(shared_station: Station) -> None:
    """A current that the meter sees: 3 mA across 1 kohm."""
    source = shared_station.client("current_source")
    source.write("*RST;CURR:RANG 2e-2;:CURR:COMP 50;:CURR 3e-3;:OUTP ON")


def volts(text: str) -> float:
    assert len(text) == 15 and text[0] in " -", "a reading in ASCII has sign, nine digits and exponent"
    return float(text)


# --- one reading -----------------------------------------------------------------------------------------------------


def test_it_says_what_it_is(meter: Client) -> None:
    assert meter.query("ID?") == "HP3458A" and meter.query("ERR?") == "0"


def test_it_reads_what_the_source_drives(meter: Client) -> None:
    meter.write("DCV 10;NPLC 10;TRIG AUTO")
    assert volts(meter.query("TARM SGL")) == pytest.approx(CURRENT * OHMS, rel=3e-4)  # noise of the bare source
    assert meter.query("TARM?") == "4", "after a single arm it holds"


def test_a_reading_takes_its_aperture_and_auto_zero_twice_that(shared_station: Station, meter: Client) -> None:
    clock = shared_station.clock
    for state, factor in (("OFF", 1), ("ON", 2)):
        meter.write(f"AZERO {state};APER 0.25;TRIG AUTO")
        before = clock.now
        meter.write("TARM SGL")
        assert (clock.now - before) / 1e9 == pytest.approx(0.25 * factor, abs=0.02)
        volts(meter.read().decode().rstrip())


@pytest.mark.parametrize(("most", "full_scale"), [(0, 0.1), (0.13, 1.0), (1.2, 1.0), (12, 10.0), (1050, 1000.0)])
def test_a_range_is_the_lowest_that_holds_the_largest_input(meter: Client, most: float, full_scale: float) -> None:
    meter.write(f"DCV {most}")
    assert float(meter.query("RANGE?")) == full_scale and meter.query("ARANGE?") == "0"
    assert meter.query("FUNC?").split(", ")[0] == "1"


def test_auto_range_finds_the_range(meter: Client) -> None:
    meter.write("DCV 1000;ARANGE ON;TRIG AUTO")
    meter.query("TARM SGL")
    assert float(meter.query("RANGE?")) == 10.0


@pytest.mark.parametrize("kind", list(FORMATS))
def test_an_overload_is_the_largest_number_of_its_format(meter: Client, kind: str) -> None:
    meter.write(f"DCV 1;TRIG AUTO;OFORMAT {kind};TARM SGL")
    data = meter.read(stop=None)
    values = {
        "ASCII": lambda: float(data),
        "SINT": lambda: struct.unpack(">h", data)[0],
        "DINT": lambda: struct.unpack(">i", data)[0],
        "SREAL": lambda: struct.unpack(">f", data)[0],
        "DREAL": lambda: struct.unpack(">d", data)[0],
    }
    most = {"SINT": 32767, "DINT": 2147483647}.get(kind, 1e38)
    assert values[kind]() == pytest.approx(most, rel=1e-6)


def test_addressing_it_to_talk_triggers_a_synchronous_reading(meter: Client) -> None:
    """PRESET NORM waits for the controller; so does a meter that triggers all the time."""
    for setup in ("PRESET NORM;DCV 10", "RESET;DCV 10", "PRESET FAST;OFORMAT ASCII"):
        meter.write(f"{setup};END ALWAYS")
        assert volts(meter.read().decode().rstrip()) == pytest.approx(3.0, rel=1e-3)
    meter.write("TARM HOLD")
    assert meter.read(patience=1.0) == b"", "one that holds has nothing to say"


def test_a_group_execute_trigger_is_a_single_trigger(meter: Client) -> None:
    meter.write("DCV 10;TARM AUTO;TRIG HOLD")
    meter.core.trigger(meter.session)
    assert volts(meter.read().decode().rstrip()) == pytest.approx(3.0, rel=1e-3)
    assert meter.query("TRIG?") == "4"


# --- many readings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "code"), [("SINT", ">i2"), ("DINT", ">i4"), ("SREAL", ">f4"), ("DREAL", ">f8")])
def test_binary_readings_are_the_ascii_ones(meter: Client, kind: str, code: str) -> None:
    meter.write("DCV 10;NPLC 1;TRIG AUTO;MEM FIFO;MFORMAT DREAL;NRDGS 100,AUTO;TARM SGL")
    assert meter.query("MCOUNT?") == "100"
    meter.write("RMEM 1,100")
    ascii_values = np.array([float(x) for x in meter.read().decode().split(",")])
    meter.write(f"OFORMAT {kind}")
    scale = float(meter.query("ISCALE?"))
    meter.write("RMEM 1,100")
    data = meter.read(stop=None)
    assert len(data) == 100 * int(code[-1])
    step = {"SINT": scale, "DINT": scale, "SREAL": 3e-7, "DREAL": 1e-8}[kind]
    assert np.abs(np.frombuffer(data, code) * scale - ascii_values).max() <= 0.51 * step
    assert (scale == 1.0) == kind.endswith("REAL")


def test_memory_gives_the_oldest_first_or_the_newest(shared_station: Station, meter: Client) -> None:
    """The implied read takes a reading out; RMEM counts from the newest and takes none."""
    source = shared_station.client("current_source")
    meter.write("DCV 10;NPLC 1;TRIG AUTO;MEM FIFO")
    for level in (1, 2, 3):
        source.write(f"CURR {level}e-3")
        meter.write("TARM SGL")
    assert round(float(meter.read())) == 1, "first in, first out"
    assert meter.query("MCOUNT?") == "2"
    assert [round(float(x)) for x in meter.query("RMEM 1,2").split(",")] == [3, 2]
    assert meter.query("MEM?") == "0", "recalling turns memory off"
    meter.write("MEM LIFO;NRDGS 1")
    for level in (1, 2, 3):
        source.write(f"CURR {level}e-3")
        meter.write("TARM SGL")
    assert [round(float(meter.read())) for _ in range(3)] == [3, 2, 1]
    assert meter.query("RMEM 1,1;ERRSTR?") == '107,"MEMORY ERROR"', "there is none left"
    source.write("CURR 3e-3")


def test_records_are_counted_by_the_readings_of_a_trigger(meter: Client) -> None:
    meter.write("DCV 10;NPLC 0;TRIG AUTO;MEM FIFO;NRDGS 4,AUTO;TARM SGL,3")
    assert meter.query("MCOUNT?") == "12"
    whole = meter.query("RMEM 1,12").split(",")
    assert meter.query("RMEM 2,2,3").split(",") == whole[9:11]


def test_timed_readings_keep_their_interval(shared_station: Station, meter: Client) -> None:
    meter.write("DCV 10;AZERO OFF;APER 1E-3;TRIG AUTO;MEM FIFO;NRDGS 50,TIMER;TIMER 0.1")
    before = shared_station.clock.now
    meter.write("TARM SGL")
    assert (shared_station.clock.now - before) / 1e9 == pytest.approx(49 * 0.1 + 1e-3, abs=0.02)
    meter.write("TIMER 1E-4;TARM SGL")
    assert meter.query("ERRSTR?") == '102,"TRIGGER TOO FAST"'


def test_end_tells_the_controller_where_a_reading_ends(meter: Client) -> None:
    meter.write("DCV 10;NPLC 0;TRIG AUTO;OFORMAT DINT;NRDGS 3,AUTO")
    lengths = {}
    for state in ("ALWAYS", "ON", "OFF"):
        meter.write(f"END {state};TARM SGL")
        first = len(meter.read(stop=None, patience=0.5))
        lengths[state] = first, meter.session.has_output
    assert lengths == {"ALWAYS": (4, True), "ON": (12, False), "OFF": (12, False)}
    meter.write("OFORMAT ASCII;NRDGS 1;END OFF")
    meter.write("TARM SGL")
    chunk = meter.station.clock.run(meter.session.read(100, 10**9, 10))
    assert chunk.data.endswith(b"\r\n") and not chunk.end


def test_memory_is_bounded(meter: Client) -> None:
    meter.write("DCV 10;NPLC 0;TRIG AUTO;MFORMAT DREAL;MEM FIFO;NRDGS 100000,AUTO;TARM SGL")
    assert int(meter.query("MCOUNT?")) == int(meter.query("MSIZE?").split(",")[0]) // 8


def test_what_nobody_reads_stops_the_meter_and_not_the_machine(shared_station: Station, meter: Client) -> None:
    """40000 readings of 17 bytes are 680 kB: the meter waits until its output is read, as on a bus."""
    meter.write("DCV 10;NPLC 0;TRIG AUTO;MEM OFF;END ON;NRDGS 40000,AUTO")
    meter.session.write(b"TARM SGL", True)
    total, largest = 0, 0
    while part := shared_station.clock.run(meter.session.read(50_000, 10**9)).data:
        total += len(part)
        largest = max(largest, meter.session._unread)
    assert total == 680_000 and largest < 300_000


# --- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "asked", "reply"),
    [
        ("NPLC 100", "APER?", 2.0),
        ("NPLC 3.4", "NPLC?", 3.0),
        ("NPLC 127", "NPLC?", 130.0),
        ("NPLC 0", "APER?", 500e-9),
        ("APER 1.23456789E-3", "APER?", 1.2346e-3),
        ("LFREQ 400", "LFREQ?", 50.0),
        ("TIMER 0.5", "TIMER?", 0.5),
        ("DELAY 0.1", "DELAY?", 0.1),
        ("DELAY -1", "DELAY?", 0.0),
        ("DCV 10,0.00001", "APER?", 0.2),
        ("NPLC 0;DCV 10,0.0001", "APER?", 100e-6),
    ],
)
def test_times_are_set_in_the_steps_of_the_instrument(meter: Client, sent: str, asked: str, reply: float) -> None:
    meter.write(sent)
    assert meter.query("ERR?") == "0" and float(meter.query(asked)) == pytest.approx(reply, rel=1e-12)


@pytest.mark.parametrize(
    ("sent", "asked", "replies"),
    [
        ("TARM HOLD", "TARM?", ("4", "TARM HOLD")),
        ("TRIG 5", "TRIG?", ("5", "TRIG SYN")),
        ("NRDGS 10,TIMER", "NRDGS?", ("10, 6", "NRDGS 10, TIMER")),
        ("AZERO ONCE", "AZERO?", ("0", "AZERO OFF")),
        ("MEM FIFO", "MEM?", ("2", "MEM FIFO")),
        ("MFORMAT SINT", "MFORMAT?", ("2", "MFORMAT SINT")),
        ("OFORMAT ASCII", "OFORMAT?", ("1", "OFORMAT ASCII")),
        ("END ON", "END?", ("1", "END ON")),
        ("INBUF ON", "INBUF?", ("1", "INBUF 1")),
        ("RQS 128", "RQS?", ("128", "RQS 128")),
        ("EMASK 8", "EMASK?", ("8", "EMASK 8")),
    ],
)
def test_queries_reply_with_numbers_or_with_words(
    meter: Client, sent: str, asked: str, replies: tuple[str, str]
) -> None:
    meter.write(sent)
    assert meter.query(asked) == replies[0]
    meter.write("QFORMAT ALPHA")
    assert meter.query(asked) == replies[1]


def test_commands_may_be_apart_by_semicolons_and_parameters_by_blanks(meter: Client) -> None:
    meter.write("dcv 10; nplc   1 ;nrdgs 3 , auto")
    assert meter.query("NRDGS?") == "3, 1" and meter.query("ERR?") == "0"


@pytest.mark.parametrize("what", ["DCV", "AC", "OHMS", "ALL"])
def test_calibrating_itself_takes_its_time(shared_station: Station, meter: Client, what: str) -> None:
    before = shared_station.clock.now
    meter.write(f"ACAL {what}")
    assert (shared_station.clock.now - before) / 1e9 == {"DCV": 165, "AC": 165, "OHMS": 660, "ALL": 960}[what]


# --- errors and status -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "bit"),
    [
        ("NONSENSE", 8),
        ("*IDN?", 8),
        ("NPLC 1,2", 8),
        ("ID? 1", 8),
        ("NPLC 2000", 64),
        ("DCV 2000", 64),
        ("NRDGS 0", 64),
        ("OFORMAT 9", 64),
        ("OFORMAT FAST", 32),
        ("TRIG LEVEL", 32),
        ("NPLC many", 32),
        ("RMEM 1,1", 128),
        ("MATH NULL", 2048),
        ("FIXEDZ ON", 2048),
        ("PRESET DIG", 2048),
        ("FUNC OHMF", 1),
        ("FUNC 5", 1),
        ("FUNC 4", 1),
    ],
)
def test_a_mistake_sets_its_bit(meter: Client, message: str, bit: int) -> None:
    meter.write(message)
    assert meter.status() & 32
    assert meter.query("ERRSTR?") == f'{99 + bit.bit_length()},"{MESSAGES[bit]}"'
    assert meter.query("ERRSTR?") == '0,"NO ERROR"' and not meter.status() & 32


@pytest.mark.parametrize(("command", "bit"), sorted(REJECTED.items()))
def test_what_is_not_carried_out_is_refused(meter: Client, command: str, bit: int) -> None:
    """Every row of the table, with and without a parameter."""
    for message in (command, f"{command} 1"):
        meter.write(message)
        assert meter.query("ERR?") == str(bit)


def test_errors_add_up_and_the_mask_keeps_them_from_the_status(meter: Client) -> None:
    meter.write("NONSENSE;NPLC 2000;OFORMAT FAST")
    assert meter.query("ERR?") == str(8 | 64 | 32) and meter.query("ERR?") == "0"
    meter.write("EMASK 64;NONSENSE")
    assert not meter.status() & 32
    meter.write("NPLC 2000")
    assert meter.status() & 32


def test_the_status_byte_tells_ready_data_and_service(shared_station: Station, meter: Client) -> None:
    assert meter.status() & 16 and not meter.status() & 128
    meter.write("RQS 128;DCV 10;TRIG AUTO")
    assert not meter.status() & 64
    meter.session.write(b"AZERO OFF;APER 1;TARM SGL", True)
    polled: list[int] = []

    def poll() -> object:
        yield shared_station.clock.wait(0.5)
        polled.append(meter.status())

    shared_station.clock.run(poll())
    assert not polled[0] & 16, "a meter that integrates is not ready"
    assert volts(meter.read().decode().rstrip())
    assert meter.status() & 16
    meter.write("ID?")
    assert meter.status() & (128 | 64) == 128 | 64
    meter.read()
    meter.write("SRQ")
    assert meter.status() & 4 and int(meter.query("STB?")) & 4
    meter.write("CSB")
    assert not meter.status() & 4


# --- formats, memory and words by themselves -------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-11.9, 11.9), min_size=1, max_size=20), st.sampled_from([2, 3]))
def test_integers_times_their_scale_are_the_readings(values: list[float], kind: int) -> None:
    scale = integer_scale(kind, 10.0)
    counts = np.frombuffer(encoded(np.array(values), kind, 10.0), ">i2" if kind == 2 else ">i4")
    assert np.abs(counts * scale - values).max() <= 0.5001 * scale
    assert np.abs(counts).max() < (32767 if kind == 2 else 2147483647), "no reading looks like an overload"
    assert HEADROOM > 1.2


@pytest.mark.parametrize("kind", [2, 3])
def test_an_overload_has_integers_of_its_own(kind: int) -> None:
    most = 2**15 if kind == 2 else 2**31
    counts = np.frombuffer(encoded(np.array([OVERLOAD, -OVERLOAD]), kind, 10.0), ">i2" if kind == 2 else ">i4")
    assert counts.tolist() == [most - 1, -most]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([FIFO, LIFO]), st.sampled_from(sorted(FORMATS.values())), st.lists(st.integers(1, 3000)))
def test_memory_keeps_the_oldest_or_the_newest(mode: int, kind: int, sizes: list[int]) -> None:
    memory, everything = ReadingMemory(), []
    memory.reformat(kind)
    memory.turn(mode)
    for size in sizes:
        values = np.arange(len(everything), len(everything) + size, dtype=float)
        everything += values.tolist()
        memory.store(values)
    kept = everything[: memory.room] if mode == FIFO else everything[-memory.room :]
    assert memory.count == len(kept) <= memory.room
    if kept:
        assert memory.recall(0, 1).tolist() == [kept[-1]]
        assert memory.take() == (kept[0] if mode == FIFO else kept[-1])
    memory.turn(OFF)
    memory.turn(CONT)
    assert memory.mode == mode
    memory.turn(mode)
    assert memory.count == 0 and memory.recall(0, 1) is None


@given(st.text(max_size=12))
def test_no_word_but_a_known_one_is_taken(text: str) -> None:
    for read in (lambda t: word(t, FORMATS, 1), lambda t: real(t, 0, 1, 0), lambda t: integer(t, 0, 1, 0)):
        try:
            read(text)
        except FaultError as error:
            assert error.bit in (32, 64)


TEXT = "NPLC TARM SGL TRIG AUTO NRDGS 5 MEM FIFO RMEM 1 , ; ? OFORMAT DINT END ALWAYS RESET -1 APER 1e-3 QFORMAT"
WORDS = st.sampled_from([*TEXT.split(), " ", "\n", "ERR?"])


@settings(max_examples=80, deadline=None)
@given(st.lists(st.one_of(WORDS, st.characters(max_codepoint=255)), max_size=30))
def test_no_message_brings_it_down(fuzzed: Client, words: list[str]) -> None:
    fuzzed.write("".join(words).encode("latin-1"))
    fuzzed.session.clear()
    fuzzed.write("RESET;TARM HOLD;END ALWAYS")
    assert fuzzed.query("ID?") == "HP3458A"


@pytest.fixture(scope="module")
def fuzzed(shared_station: Station) -> Client:
    return shared_station.client("induced_voltmeter")
