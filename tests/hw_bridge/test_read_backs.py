"""Every read-back is looked at: a command is lost without a word, or of two answers that are to be alike one is not."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import hw_bridge.drivers.pi_gcs
from components.motion import glide
from hw_bridge.drivers.driver import Driver
from hw_bridge.drivers.keithley6221 import IN_COMPLIANCE
from hw_bridge.errors import BridgeError, SafetyError
from tests.hw_bridge.faulty_wire import FaultyWire, Way
from tests.hw_bridge.subjects import bench, driver
from tests.hw_bridge.test_drivers import GENERIC
from tests.hw_bridge.wired import Wired
from twin.recorder import Schedule
from twin.times import NS

Change = Callable[[bytes], bytes]


class Meddling(FaultyWire):
    """A wire to an instrument that changes lines of one way; to nothing: they are lost."""

    def __init__(self, port: int, way: Way, change: Change) -> None:
        self.way, self.change = way, change
        super().__init__(port, None)

    def _pass(self, way: Way, sink: socket.socket, line: bytes) -> bool:
        sink.sendall(self.change(line) if way == self.way else line)
        return True


class Once:
    """A change of the nth line that matches.

    Attributes
    ----------
    struck : lines that were changed.
    """

    def __init__(self, pattern: str, change: Change, number: int | None = None) -> None:
        self.pattern, self.change, self.number = re.compile(pattern.encode()), change, number
        self.met, self.struck = 0, list[bytes]()

    def __call__(self, line: bytes) -> bytes:
        if not self.pattern.search(line.strip()):
            return line
        self.met += 1
        if self.number not in (None, self.met):
            return line
        self.struck.append(line.strip())
        return self.change(line)


def lost(line: bytes) -> bytes:
    return b""


@contextmanager
def meddled(
    wired: Wired, name: str, kind: str, way: Way, change: Change, **more: Any
) -> Iterator[tuple[Driver, Meddling]]:
    """A driver at such a wire, which is let go of in the end, with the instrument safe."""
    wire = Meddling(wired.port("socket", name), way, change)
    made = driver(name, kind, wire.resource, bench(), **{"timeout": 1.0, **more})
    try:
        yield made, wire
    finally:
        wire.change = lambda line: line
        try:
            made.make_safe()
        finally:
            ended = made.close()
            wire.close()
        assert ended


def source_used(made: Any) -> None:
    """A current is set, delivered and checked."""
    made.open()
    made.connect()
    made.clock.run(made.set(0.3e-3, 0.0))
    made.check(0, 0)


def meter_used(made: Any) -> None:
    """It reads."""
    made.open()
    made.clock.run(made.read(Schedule(made.clock.now, NS // 20, 3), {}))


def stage_used(made: Any) -> None:
    """It moves, and back."""
    made.open()
    begin = made._position
    for ends in ((begin, begin + 0.1e-3), (begin + 0.1e-3, begin)):
        made.clock.run(made.move(glide(*ends, made.clock.now, made.clock.now + NS)))


LOST = [
    ("current_source", "keithley6221", source_used, r":SOUR:CURR:RANG \d", "left it at"),
    ("current_source", "keithley6221", source_used, r":SOUR:CURR:COMP \d", "left it at"),
    ("current_source", "keithley6221", source_used, r":SOUR:CURR 0\.0003", "left it at"),
    ("current_source", "keithley6221", source_used, r":OUTP ON", "left it at"),
    ("current_voltmeter", "hp3458a", meter_used, r"^RESET$", "it was not reset"),
    ("current_voltmeter", "hp3458a", meter_used, r"^TARM HOLD$", "left it at"),
    ("current_voltmeter", "hp3458a", meter_used, r"^END ALWAYS$", "left it at"),
    ("current_voltmeter", "hp3458a", meter_used, r"^MFORMAT DREAL$", "left it at"),
    ("current_voltmeter", "hp3458a", meter_used, r"^DCV ", "left it at|ranging on"),
    ("current_voltmeter", "hp3458a", meter_used, r"^AZERO ", "left it at"),
    ("current_voltmeter", "hp3458a", meter_used, r"^MEM FIFO$", "left it at"),
    ("current_voltmeter", "hp3458a", meter_used, r"^APER ", "left it at"),
    ("current_voltmeter", "hp3458a", meter_used, r"^TIMER ", "left it at"),
    ("current_voltmeter", "hp3458a", meter_used, r"^NRDGS ", "left it at"),
    ("current_voltmeter", "hp3458a", meter_used, r"^TARM SGL$", "readings were asked for"),
    ("flexure", "pi_gcs", stage_used, r"^VEL 1 ", "left it at"),
    ("flexure", "pi_gcs", stage_used, r"^ACC 1 ", "left it at"),
    ("flexure", "pi_gcs", stage_used, r"^MOV 1 ", "left it at"),
]


@pytest.mark.parametrize(("name", "kind", "used", "command", "text"), LOST, ids=[row[3] for row in LOST])
def test_a_command_that_is_lost_is_found_out(
    wired: Wired, name: str, kind: str, used: Callable[[Any], None], command: str, text: str
) -> None:
    prepared(wired)
    change = Once(command, lost)
    with meddled(wired, name, kind, "command", change) as (made, _):
        vars(made)["auto_zero"] = False  # of a meter: a reset leaves it on
        with pytest.raises(BridgeError, match=text):
            used(made)
    assert change.struck


def prepared(wired: Wired) -> None:
    """The source as a driver has to leave it, with another range and compliance; the stage at rest, with others."""
    with wired.connect("socket") as operator:
        operator.query("*RST;:SOUR:CURR:RANG 1e-1;:SOUR:CURR:COMP 42;:OUTP?")
    with wired.connect("socket", "flexure") as operator:
        operator.query("ERR?")
        operator.send(b"VEL 1 7.5\nACC 1 33\n")
        operator.query("ERR?")


TWICE = [
    ("current_source", "keithley6221", source_used, r"^[^;]+;[^;]+;[^;]+;", r"and then by"),
    ("flexure", "pi_gcs", stage_used, r"^1=-?\d+\.\d", r"and then by|left it at|it is at"),
]


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(("name", "kind", "used", "reply", "text"), TWICE, ids=[row[1] for row in TWICE])
def test_an_answer_that_differs_from_the_other_is_found_out(
    wired: Wired, name: str, kind: str, used: Callable[[Any], None], reply: str, text: str, number: int
) -> None:
    """The first digit that is told of what was asked is another one, once."""
    prepared(wired)
    change = Once(reply, misread, number)
    with meddled(wired, name, kind, "reply", change) as (made, _), pytest.raises(BridgeError, match=text):
        used(made)
    assert len(change.struck) == 1


def another(line: bytes) -> bytes:
    """Its last digit is another one."""
    k = max(k for k, byte in enumerate(line) if 48 <= byte < 58)
    return line[:k] + bytes([48 + (line[k] - 47) % 10]) + line[k + 1 :]


def misread(line: bytes) -> bytes:
    """The last digit before a semicolon, or of all, is another one."""
    first, separator, rest = line.partition(b";")
    return another(first) + separator + rest


def failed(line: bytes) -> bytes:
    """It tells an error."""
    return re.sub(rb'\+?0,"No error"', b'-222,"Data out of range"', line, flags=re.IGNORECASE)


@pytest.mark.parametrize(
    ("name", "kind", "used", "reply", "number", "text"),
    [
        ("current_source", "keithley6221", source_used, r"^[^;]+;[^;]+;[^;]+;", 2, "which is not the answer to it"),
        ("current_voltmeter", "hp3458a", meter_used, r"^[1-9]\d*$", 3, "was answered by .*, and EMASK"),
        ("flexure", "pi_gcs", stage_used, r"^2\.0$", 3, "CSV"),
        ("current_voltmeter", "hp3458a", meter_used, r"^0$", 1, "left it at|reports error"),
        ("flexure", "pi_gcs", stage_used, r"^0$", 2, "reports error"),
        ("current_source", "keithley6221", source_used, r"^[^;]+;[^;]+;[^;]+;", 3, "the instrument reports -222"),
    ],
)
def test_an_answer_that_belongs_to_another_question_is_found_out(
    wired: Wired, name: str, kind: str, used: Callable[[Any], None], reply: str, number: int, text: str
) -> None:
    """By the number that comes with it, or by the other answer after it. An error that is told is one, too."""
    prepared(wired)
    change = Once(reply, another if name != "current_source" or number == 2 else failed, number)
    with meddled(wired, name, kind, "reply", change) as (made, _), pytest.raises(BridgeError, match=text):
        used(made)
    assert len(change.struck) == 1


@pytest.mark.parametrize(("readings", "met"), [(0, True), (1, True), (3, True), (4, False)])
def test_readings_that_a_meter_still_tells_are_not_who_it_is(wired: Wired, readings: int, met: bool) -> None:
    change = Once("^HP3458A$", lambda line: b"-1.234567890E-03\r\n" * readings + line, 1)
    with meddled(wired, "current_voltmeter", "hp3458a", "reply", change) as (made, _):
        if met:
            meter_used(made)
            assert made.identity.startswith("HP3458A, ")
        else:
            with pytest.raises(BridgeError, match=r"ID\? was answered by '-1.234567890E-03' and then by 'HP3458A'"):
                made.open()


@pytest.mark.parametrize(("command", "left"), [(r":OUTP OFF", (True, 0.0)), (r":SOUR:CURR 0$", (False, 0.3e-3))])
def test_a_safe_state_that_was_not_reached_is_not_told_as_reached(
    wired: Wired, command: str, left: tuple[bool, float]
) -> None:
    """A relay that sticks, a level that stays: three times it is tried, and then it is said."""
    change = Once(command, lost)
    with meddled(wired, "current_source", "keithley6221", "command", lambda line: line) as (made, wire):
        source_used(made)
        wire.change = change
        with pytest.raises(BridgeError, match=r"its safe state could NOT be verified: .*output"):
            made.make_safe()
        served = wired.station.core("current_source").source
        assert (served.is_connected, served.level) == (left[0], pytest.approx(left[1]))
    assert len(change.struck) == 3
    assert (served.is_connected, served.level) == (False, 0.0)


def test_a_safe_state_that_is_reached_at_the_third_attempt_is_reached(wired: Wired) -> None:
    change = Once(":OUTP OFF", lambda line: b"" if len(change.struck) < 3 else line)
    with meddled(wired, "current_source", "keithley6221", "command", lambda line: line) as (made, wire):
        source_used(made)
        wire.change = change
        assert made.make_safe() == "output off, level 0 A, read back"
    assert len(change.struck) == 3 and not wired.station.core("current_source").source.is_connected


def test_a_compliance_that_acts_is_found_out(wired: Wired) -> None:
    """The instrument says so in its measurement condition register; twice alike."""
    with wired.connect("socket") as operator:
        operator.query("*RST;:OUTP?")

    def in_compliance(line: bytes) -> bytes:
        parts = line.split(b";")
        if len(parts) == 8:
            parts[2] = parts[5] = b"%d" % IN_COMPLIANCE
        return b";".join(parts)

    with (
        meddled(wired, "current_source", "keithley6221", "reply", in_compliance) as (made, _),
        pytest.raises(BridgeError, match="its compliance voltage keeps it from"),
    ):
        source_used(made)


def test_a_stage_that_was_moved_by_somebody_else_does_not_set_off(wired: Wired) -> None:
    with meddled(wired, "flexure", "pi_gcs", "command", lambda line: line) as (made, _):
        stage: Any = made
        stage.open()
        begin = stage._position
        stage._position = begin + 0.05e-3
        laws = glide(begin + 0.05e-3, begin + 0.1e-3, stage.clock.now, stage.clock.now + NS)
        with pytest.raises(BridgeError, match="and not at"):
            stage.clock.run(stage.move(laws))
        assert wired.station.core("flexure").target == pytest.approx(begin, abs=1e-9)


def test_a_stage_that_does_not_arrive_is_found_out(wired: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that it is on target, and stands elsewhere."""
    elsewhere = Once(r"^1=-?\d+\.\d", lambda line: b"1=0.3456\n")
    with meddled(wired, "flexure", "pi_gcs", "reply", lambda line: line) as (made, wire):
        stage: Any = made
        stage.open()
        begin = stage._position
        arrive = stage._arrive

        def then(target: float) -> Any:
            wire.change = elsewhere
            return arrive(target)

        monkeypatch.setattr(stage, "_arrive", then)
        with pytest.raises(BridgeError, match=r"it was sent to .* m and is at 0\.0003456 m"):
            stage.clock.run(stage.move(glide(begin, begin + 0.1e-3, stage.clock.now, stage.clock.now + NS)))


def test_a_meter_that_is_overloaded_has_no_reading(wired: Wired) -> None:
    """What a 3458A shows of an overload is a number too."""
    change = Once(r"E[-+]\d\d,", lambda line: re.sub(rb"^[^,]+", b"1.00000000E+38", line))
    with (
        meddled(wired, "current_voltmeter", "hp3458a", "reply", change) as (made, _),
        pytest.raises(BridgeError, match="overload on the range of 10"),
    ):
        meter_used(made)
    assert not len(made.bench.recorder.readings) and change.struck


@pytest.mark.parametrize("armed", [True, False])
def test_an_axis_that_is_not_referenced_is_not_armed(wired: Wired, armed: bool) -> None:
    """Somebody has switched its servo off; a reference move goes where nobody may have looked."""
    prepared(wired)
    off = Once(r"^1=1$", lambda line: b"1=0\n")
    with meddled(wired, "flexure", "pi_gcs", "reply", off, armed=armed) as (made, _):
        if armed:
            with pytest.raises(BridgeError, match="the axis is not referenced"):
                made.open()
        else:
            made.open()
            assert made.log == ["dry run: the axis is not referenced"]
    assert off.struck


def test_the_safe_state_of_a_stage_that_moves_is_that_it_has_stopped(wired: Wired) -> None:
    prepared(wired)
    with meddled(wired, "flexure", "pi_gcs", "command", lambda line: line) as (made, _):
        made.open()
        begin = made.call(lambda wire: float(made.once(wire, "POS?")))  # type: ignore[attr-defined]
        made.call(lambda wire: (wire.write("VEL 1 0.001"), wire.write(f"MOV 1 {begin - 0.5!r}")))
        told = made.make_safe()
        target = wired.station.core("flexure").target
    assert "at rest" in told and target != pytest.approx((begin - 0.5) * 1e-3, abs=1e-5), "it was to go on"


def test_a_stage_that_cannot_be_stopped_is_not_told_as_at_rest(wired: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hw_bridge.drivers.pi_gcs, "POLLS", 3)
    with meddled(wired, "flexure", "pi_gcs", "reply", lambda line: line) as (made, wire):
        made.open()
        wire.change = Once(r"^1=[01]$", lambda line: b"1=0\n")
        with pytest.raises(BridgeError, match=r"could NOT be verified: .*it still moves"):
            made.make_safe()
        monkeypatch.undo()


@pytest.mark.parametrize("current", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_beyond_every_limit(wired: Wired, current: float) -> None:
    sent = Once(":SOUR:CURR [^0R]", lambda line: line)
    with meddled(wired, "current_source", "keithley6221", "command", sent) as (made, _):
        source: Any = made
        source.open()
        with pytest.raises(SafetyError, match=r"beyond its limit of -?0\.001 A; nothing was sent"):
            source.clock.run(source.set(current, 0.0))
    assert [line for line in sent.struck if b"RANG" not in line and b"COMP" not in line] == []


def test_a_limit_is_one_of_what_the_instrument_is_asked_for_too(wired: Wired) -> None:
    """It delivers a tenth less than it shows: 0.95 mA would be 1.055 mA on its display, and 1 mA is the limit."""
    more: Any = {"calibration": {"gain": 0.11}}
    with meddled(wired, "current_source", "keithley6221", "command", lambda line: line, **more) as (made, _):
        source: Any = made
        source.open()
        with pytest.raises(SafetyError, match=r"setting .* is beyond its limit"):
            source.clock.run(source.set(0.95e-3, 0.0))
        assert wired.station.core("current_source").source.level == 0.0


@pytest.mark.parametrize(
    ("done", "text"),
    [
        (":OUTP OFF", "its output is off by itself"),
        (":SOUR:CURR 2e-4", r"its level is 0\.0002 A, it was set to 0\.0003 A"),
    ],
)
def test_what_somebody_else_has_changed_is_found_when_it_is_checked(wired: Wired, done: str, text: str) -> None:
    with meddled(wired, "current_source", "keithley6221", "command", lambda line: line) as (made, _):
        source: Any = made
        source_used(source)
        with wired.connect("socket") as operator:
            operator.query(f"{done};:OUTP?")
        with pytest.raises(BridgeError, match=text):
            source.check(0, 0)


@pytest.mark.parametrize(
    ("command", "text"),
    [(r":SOUR:CURR 0\.0003", r"set to 0\.0003 A, it reads back"), (":OUTP 1", r"its output is off$")],
)
def test_a_command_in_words_of_the_scenario_that_is_lost_is_found_out(wired: Wired, command: str, text: str) -> None:
    change = Once(command, lost)
    with (
        meddled(wired, "current_source", "generic_source", "command", change, commands=GENERIC) as (made, _),
        pytest.raises(BridgeError, match=text),
    ):
        source_used(made)
    assert change.struck
