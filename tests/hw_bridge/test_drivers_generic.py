"""Instruments whose words stand in the scenario file: units, errors that they keep, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from hw_bridge.errors import BridgeError, SafetyError
from tests.hw_bridge.improper import Improper
from tests.hw_bridge.real_bench import NOBODY
from tests.hw_bridge.subjects import bench, driver, opened
from twin.clock import Process
from twin.recorder import LATE, Schedule
from twin.times import NS

WORDS = {
    "identify": "ID",
    "set": "LEV {value}",
    "level": "LEV?",
    "on": "OUT 1",
    "off": "OUT 0",
    "output": "OUT?",
    "output_on": "1",
    "output_off": "0",
}
QUEUE = {"clear": "CLR", "error": "ERR?", "no_error": "0,"}


class Instrument(Improper):
    """A source with an error queue, and a reading.

    Attributes
    ----------
    level, on : as it was told, in the unit that it has.
    refuses : a word that it keeps an error for, and does not do.
    """

    def __init__(self, refuses: str = "") -> None:
        self.level, self.on, self.shows, self.refuses = "0", "0", "0", refuses
        self.errors = list[str]()
        super().__init__(self._answer)

    def _answer(self, line: bytes) -> bytes:
        word, _, value = line.decode().partition(" ")
        if self.refuses and line.decode().startswith(self.refuses):
            self.errors.append('-222,"Data out of range"')
        elif word == "LEV":
            self.level = value
        elif word == "OUT":
            self.on = value
        elif word == "CLR":
            self.errors.clear()
        if not word.endswith("?") and word != "ID":
            return b""
        if word == "ERR?":
            return (self.errors.pop(0) if self.errors else '0,"No error"').encode() + b"\n"
        return {"ID": "X 1", "LEV?": self.level, "OUT?": self.on, "READ?": self.shows}[word].encode() + b"\n"


@contextmanager
def source(
    refuses: str = "", limits: Any = (), interval: float = 0.1, **words: str
) -> Iterator[tuple[Instrument, Any]]:
    """Open, and what it talks to."""
    with Instrument() as server:
        more: Any = {"limits": {"current": 5e-3, **dict(limits)}, "commands": {**WORDS, **words}}
        with opened(driver("s", "generic_source", server.resource, bench(), **more)) as made:
            server.refuses = refuses
            try:
                yield server, made
            finally:
                server.refuses = ""


# --- units -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("unit", "factor"), [("A", 1.0), ("mA", 1e-3), ("uA", 1e-6), ("", 1.0)])
def test_a_current_is_told_and_read_in_the_unit_of_the_instrument(unit: str, factor: float) -> None:
    with source(unit=unit) as (server, made):
        made.clock.run(made.set(1.2345678901234567e-3, 0.0))
        assert float(server.level) * factor == pytest.approx(1.2345678901234567e-3, rel=3e-16), "with all its digits"
        made.connect()
        assert made.reading("current") == pytest.approx(1.2345678901234567e-3, rel=3e-16)
        with pytest.raises(SafetyError, match=r"current 0\.006 A is beyond its limit of 0\.005 A"):
            made.clock.run(made.set(6e-3, 0.0))


def test_a_level_in_another_unit_than_it_says_is_found_out() -> None:
    """It rounds to what it can: 1.5 of something else is no 1.5 mA."""
    with source(unit="mA", level="READ?") as (server, made):
        server.shows = "0.0015"
        with pytest.raises(BridgeError, match=r"set to 0\.0015 A, it reads back 1\.5e-06 A"):
            made.clock.run(made.set(1.5e-3, 0.0))
        server.shows = "0"


def test_a_voltage_is_read_in_the_unit_of_the_instrument() -> None:
    with Instrument() as server:
        words = {"identify": "ID", "read": "READ?", "unit": "mV"}
        server.shows = "DCV 250.5 mV"
        with opened(driver("m", "generic_meter", server.resource, bench(), commands=words)) as made:
            there: Any = made
            block = made.bench.clock.run(there.read(Schedule(0, NS, 1), {}))  # type: ignore[attr-defined]
            assert block.values == pytest.approx(0.2505, rel=1e-15) and block.unit == "V"
            server.shows = "9.9E37"
            with pytest.raises(BridgeError, match="no finite number"):
                made.bench.clock.run(there.read(Schedule(made.clock.now, NS, 1), {}))  # type: ignore[attr-defined]


def test_readings_one_by_one_last_as_long_as_their_schedule_and_are_told_again() -> None:
    with Instrument() as server:
        words = {"identify": "ID", "read": "READ?", "again": "LEV?"}
        server.shows = server.level = "1.5"
        with opened(driver("m", "generic_meter", server.resource, bench(), commands=words)) as made:
            there: Any = made
            there.clock.run(there.read(Schedule(there.clock.now, NS, 3), {}))
            assert there.clock.now == 3 * NS
            past = there.clock.run(there.read(Schedule(NS, NS, 3), {}))
            assert past.labels[LATE] == 2.0 and there.clock.now == 4 * NS, "of 1 s, at 3 s"
            server.level = "1.6"
            with pytest.raises(BridgeError, match=r"READ\? was answered by '1\.5' and then by '1\.6'"):
                there.clock.run(there.read(Schedule(there.clock.now, NS, 1), {}))


# --- errors that it keeps --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refuses", "doing"),
    [
        ("LEV 0.001", lambda made: made.clock.run(made.set(1e-3, 0.0))),
        ("OUT 1", lambda made: made.connect()),
        ("OUT?", lambda made: made.connect()),
    ],
)
def test_an_error_that_it_keeps_ends_the_run(refuses: str, doing: Any) -> None:
    with source(refuses, **QUEUE) as (_, made), pytest.raises(BridgeError, match=r"s: the instrument reports '-222,"):
        doing(made)


def test_errors_of_whoever_was_here_before_are_cleared_or_told() -> None:
    for words, fails in (({"clear": "CLR"}, False), ({}, True)):
        with Instrument() as server:
            server.errors = ['-113,"Undefined header"']
            commands = {**WORDS, "error": "ERR?", "no_error": "0,", **words}
            made = driver("s", "generic_source", server.resource, bench(), commands=commands, armed=False)
            try:
                if fails:
                    with pytest.raises(BridgeError, match=r"reports '-113,"):
                        made.open()
                else:
                    made.open()
            finally:
                assert made.close()


def test_nothing_is_cleared_or_switched_at_another_instrument() -> None:
    with Instrument() as server:
        server.errors = ['-113,"Undefined header"']
        words = {**WORDS, **QUEUE, "identity": "Y 1"}
        made = driver("s", "generic_source", server.resource, bench(), limits={"current": 5e-3}, commands=words)
        with pytest.raises(BridgeError, match=r"s: 'X 1' is not 'Y 1'"):
            made.open()
        assert made.make_safe() == "'X 1' is another instrument: nothing was switched"
        assert made.close()
        assert server.lines == [b"ID", b"ID"]


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ({"set": "LEV"}, r"commands\.set: expected \{value\} in it, once"),
        ({"set": "LEV {current}"}, r"commands\.set: expected \{value\} in it, once"),
        ({"set": "LEV {value},{value}"}, r"commands\.set: expected \{value\} in it, once"),
        ({"unit": "mV"}, r"commands\.unit: expected a quantity in A, not '1 mV'"),
        ({"unit": "Ampere!"}, r"commands\.unit: expected a quantity in A; 'Ampere!' is not a unit known here"),
        ({"error": "ERR?"}, r"one of error and no_error: both or none"),
        ({"no_error": "0"}, r"one of error and no_error: both or none"),
        ({"on": "OUT 1\nLEV 5"}, r"commands\.on: expected a line of ASCII, not 'OUT 1\\nLEV 5'"),
        ({"level": "Strom in µA?"}, r"commands\.level: expected a line of ASCII"),
        ({"volume": "11"}, r"has the unknown volume; known are clear, error, identify, identity, level"),
    ],
)
def test_words_that_make_no_sense_are_refused(words: dict[str, str], text: str) -> None:
    with pytest.raises(BridgeError, match=text):
        driver("s", "generic_source", NOBODY, bench(), commands={**WORDS, **words})


# --- the safe state --------------------------------------------------------------------------------------------------


def test_an_output_that_sticks_is_set_to_zero_all_the_same() -> None:
    with source() as (server, made):
        made.connect()
        made.clock.run(made.set(2e-3, 0.0))
        server.refuses = "OUT 0"
        with pytest.raises(BridgeError, match=r"could NOT be verified: .*its output is on, its level 0\.0 A"):
            made.make_safe()
        assert (server.on, float(server.level)) == ("1", 0.0)
        server.refuses = "LEV"
        server.level = "0.002"
        with pytest.raises(BridgeError, match=r"could NOT be verified: .*its output is off, its level 0\.002 A"):
            made.make_safe()
        server.refuses = ""
        assert made.make_safe() == "output off, level 0 A, read back"


# --- what is played --------------------------------------------------------------------------------------------------


class OverError(Exception):
    """Nothing more is wanted."""


def played(made: Any, *wanted: float) -> list[float]:
    """What the simulation wants from interval to interval; the levels that were sent."""
    left, sent, send = list(wanted), list[float](), made._send

    def sending(current: float) -> Process:
        sent.append(current)
        return (yield from send(current))

    def wants() -> float:
        if not left:
            raise OverError
        return left.pop(0)

    made._send, made._connected = sending, True
    made.play_what(wants)
    with suppress(OverError):
        made.clock.run(made.play())
    return sent


def test_what_is_played_keeps_to_the_slew() -> None:
    with source(limits={"slew": 10e-3}) as (_, made):
        assert played(made, 1e-3, 2e-3, 1.5e-3) == [1e-3, 2e-3, 1.5e-3]
    with source(limits={"slew": 10e-3}) as (server, made):
        with pytest.raises(SafetyError, match=r"slew 0\.02\d* A/s is beyond its limit of 0\.01 A/s; nothing was sent"):
            played(made, 1e-3, 3e-3)
        assert float(server.level) == 1e-3


def test_what_is_played_keeps_to_the_interlocks() -> None:
    with source() as (server, made):
        asked = list[int]()

        def refuse() -> None:
            asked.append(1)
            if len(asked) == 3:
                raise SafetyError("the coil is locked")

        made.guards = [refuse]
        with pytest.raises(SafetyError, match="the coil is locked"):
            played(made, 1e-3, 1e-3, 2e-3, 3e-3)
        assert float(server.level) == 2e-3 and len(asked) == 3, "before each change, and no more"


# --- a servo's current -----------------------------------------------------------------------------------------------


def test_an_interlock_looks_at_the_larger_of_two_readings_of_a_servo() -> None:
    shown = iter(["1e-6", "-3e-6", "2e-6", "1e-6"])

    def servo(line: bytes) -> bytes:
        return (b"SERVO" if line == b"ID" else next(shown).encode()) + b"\n"

    words = {"identify": "ID", "engage": "E", "release": "R", "state": "S?", "engaged": "1", "released": "0"}
    with Improper(servo) as server:
        made: Any = driver(
            "s", "generic_servo", server.resource, bench(), commands={**words, "current": "C?"}, armed=False
        )
        with opened(made):
            assert (made.reading("demand"), made.reading("demand")) == (-3e-6, 2e-6)
            assert server.lines[-4:] == [b"C?", b"ID", b"C?", b"ID"]
