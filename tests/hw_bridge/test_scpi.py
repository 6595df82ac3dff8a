"""SCPI as such: syntax, the error queue, the status byte; and that nothing a client sends brings it down."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_bridge.cores.scpi import QUEUE, ScpiError, choice, integer, number, switch
from hw_bridge.session import LONGEST
from tests.hw_bridge.station import Client, Station

ERROR = "SYST:ERR?"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("NONSENSE", -113),
        ("CURR:NONSENSE 1", -113),
        ("*XYZ", -113),
        ("CURR", -109),
        ("CURR 1,2", -108),
        ("*RST 1", -108),
        ("CURR abc", -104),
        ("CURR 1e", -120),
        ("OUTP maybe", -104),
        ("CURR:RANG MAXIMAL", -104),
        ("OUTP:ISH SOMETHING", -141),
        ("#!", -102),
        ("CURR\x01 1", -101),
        ("CURR::RANG 1", -102),
        ("*ESE 256", -222),
    ],
)
def test_a_mistake_has_its_error(source: Client, message: str, code: int) -> None:
    source.write(message)
    assert int(source.query(ERROR).split(",")[0]) == code
    assert source.query(ERROR) == '0,"No error"'


def test_what_is_not_ascii_is_an_invalid_character(source: Client) -> None:
    source.write(b"CURR 1\xff")
    assert source.query(ERROR).startswith("-101,")


def test_headers_follow_the_node_before(source: Client) -> None:
    source.write("SOUR:CURR:RANG 2e-2;COMP 33;RANG:AUTO 0")
    assert source.query("SOUR:CURR:RANG?;COMP?;*ESE?;COMP?;:SYST:ERR?") == (
        '2.000000E-02;3.300000E+01;0;3.300000E+01;0,"No error"'
    )


def test_after_a_command_error_the_rest_of_the_message_is_not_done(source: Client) -> None:
    source.write("CURR 1e-3;NONSENSE;:CURR 2e-3")
    assert float(source.query("CURR?")) == 1e-3
    source.write("CURR 5;:CURR 2e-3")  # an execution error stops nothing
    assert float(source.query("CURR?")) == 2e-3


def test_the_queue_ends_with_its_overflow(source: Client) -> None:
    for _ in range(QUEUE + 5):
        source.write("NONSENSE")
    assert int(source.query("SYST:ERR:COUN?")) == QUEUE
    codes = [int(source.query(ERROR).split(",")[0]) for _ in range(QUEUE + 1)]
    assert codes == [-113] * (QUEUE - 1) + [-350, 0]
    source.write("NONSENSE;")
    assert source.query("SYST:ERR:ALL?") == '-113,"Undefined header"' and source.query(ERROR).startswith("0,")


def test_the_status_byte_tells_errors_messages_and_service(source: Client) -> None:
    source.write("*ESE 32;*SRE 32")
    assert source.status() == 0
    source.write("NONSENSE")
    assert source.status() == 4 | 32 | 64
    assert source.query("*STB?") == "100"
    assert source.query("*ESR?") == "32" and source.query("*ESR?") == "0"
    assert source.status() == 4
    source.write("*IDN?")
    assert source.status() == 4 | 16, "a reply waits to be read"
    source.read()
    source.write("*CLS")
    assert source.status() == 0


@pytest.mark.parametrize(("message", "bit"), [("NONSENSE", 32), ("CURR 5", 16), ("*OPC", 1)])
def test_standard_events(source: Client, message: str, bit: int) -> None:
    source.write(message)
    assert int(source.query("*ESR?")) == bit


def test_registers_can_be_masked_and_preset(source: Client) -> None:
    for name in ("MEAS", "OPER", "QUES"):
        source.write(f"STAT:{name}:ENAB 5")
        assert source.query(f"STAT:{name}:ENAB?;COND?;EVEN?") == "5;0;0"
    source.write("STAT:PRES")
    assert source.query("STAT:MEAS:ENAB?;:STAT:OPER:ENAB?;:STAT:QUES:ENAB?") == "0;0;0"
    source.write("STAT:MEAS:ENAB 70000")
    assert source.query(ERROR).startswith("-222,")


def test_a_message_without_end_is_not_taken_and_one_that_is_too_long_is_dropped(source: Client) -> None:
    session = source.session
    session.write(b"CURR 1e-", False)
    session.write(b"3\n", False)
    assert float(source.query("CURR?")) == 1e-3
    for _ in range(40):
        session.write(b"C" * 4096, False)
    assert len(session.buffer) <= LONGEST
    source.write("")
    assert source.query(ERROR) == '-363,"Input buffer overrun"'


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_read_as_they_are_written(value: float) -> None:
    assert number(repr(value)) == value


@given(st.text(max_size=20))
def test_no_text_but_a_number_is_a_number(text: str) -> None:
    for read in (number, switch, lambda t: integer(t, 0, 255), lambda t: choice(t, "ALPHa", "BETA")):
        try:
            read(text)
        except ScpiError as error:
            assert error.code in (-104, -120, -141, -222)


WORDS = st.sampled_from(
    [
        "SOUR",
        "CURR",
        ":",
        ";",
        "?",
        " ",
        ",",
        "RANG",
        "1e-3",
        "OUTP",
        "*",
        "RST",
        "STAT",
        "MEAS",
        "'",
        '"',
        "#",
        "\t",
        "-5",
    ]
)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.one_of(WORDS, st.characters(max_codepoint=255)), max_size=30))
def test_no_message_brings_it_down(fuzzed: Client, words: list[str]) -> None:
    fuzzed.write("".join(words).encode("latin-1"))
    fuzzed.session.clear()
    fuzzed.write("*CLS")
    assert fuzzed.query("*OPC?") == "1"
    assert len(fuzzed.core.errors) <= QUEUE


@pytest.fixture(scope="module")
def fuzzed(shared_station: Station) -> Client:
    return shared_station.client("current_source")
