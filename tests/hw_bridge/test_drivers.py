"""Our drivers against the emulated instruments over loopback sockets, and against a peer that answers what it likes."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.motion import glide, oscillation
from components.roles import MassExchanger
from hw_bridge.drivers.generic import leading
from hw_bridge.drivers.statement import Statement
from hw_bridge.drivers.wire import SocketWire, VisaWire, WireError, wire
from hw_bridge.errors import BridgeError, SafetyError
from tests.hw_bridge.improper import Improper
from tests.hw_bridge.real_bench import NOBODY
from tests.hw_bridge.subjects import bench, driver, opened
from tests.hw_bridge.wired import Wired
from twin.recorder import Schedule
from twin.times import NS

GENERIC = {
    "identify": "*IDN?",
    "identity": "6221",
    "set": ":SOUR:CURR {value}",
    "level": ":SOUR:CURR?",
    "tolerance": "5e-6",
    "on": ":OUTP 1",
    "off": ":OUTP 0",
    "output": ":OUTP?",
    "output_on": "1",
    "output_off": "0",
}


def address(wired: Wired, name: str) -> str:
    return str(wired.row(name, "socket")["address"])


# --- the hazards -----------------------------------------------------------------------------------------------------


def test_after_a_time_out_the_next_question_does_not_get_the_previous_answer() -> None:
    """The first question is never answered in time; its answer comes with that to the second."""
    held: list[bytes] = []

    def late(line: bytes) -> bytes:
        if line == b"A?":
            held.append(b"answer to A\n")
            return b""
        return b"".join(held) + b"answer to B\n"

    with Improper(late) as server:
        made = wire(server.resource, 0.2)
        with pytest.raises(WireError, match="no answer in time"):
            made.converse(lambda w: w.query("A?"))
        held.clear()  # the new connection has no old answers
        assert made.converse(lambda w: w.query("B?", 20.0)) == "answer to B"
        made.close()


def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next_one() -> None:
    answers = iter([b"one\nstale\n", b"two\n"])
    with Improper(lambda line: next(answers)) as server:
        made = wire(server.resource, 20.0)
        assert made.converse(lambda w: w.query("1?")) == "one"
        while not made.unread():
            pass
        assert made.converse(lambda w: w.query("2?")) == "two"
        assert made.stale == 1
        made.close()


def test_an_output_that_a_dead_connection_swallows_is_no_success(wired: Wired) -> None:
    """The first OUTPUT OFF after the peer has closed goes nowhere, without a word."""
    with Improper(lambda line: None) as server:
        made = driver("current_source", "keithley6221", server.resource, bench())
        made.call(lambda wire: None)  # it has connected
        with pytest.raises(BridgeError, match=r"could NOT be verified.*connection lost"):
            made.make_safe()
        assert made.close()
    assert len([line for line in server.lines if line == b":OUTP OFF"]) == 3


@pytest.mark.parametrize("current", [5.0, 0.105, 1.0000001e-3])
def test_what_is_beyond_the_limit_is_refused_and_not_clipped(wired: Wired, current: float) -> None:
    with opened(driver("current_source", "keithley6221", address(wired, "current_source"), bench())) as made:
        source: Any = made
        with pytest.raises(SafetyError, match="nothing was sent") as caught:
            source.clock.run(source.set(current, 0.0))
        assert (caught.value.requested, caught.value.limit) == (current, 1e-3)
        assert wired.station.core("current_source").source.level == 0.0


@pytest.mark.parametrize(
    ("kind", "more"), [("keithley6221", {}), ("pi_gcs", {}), ("generic_source", {"commands": {**GENERIC}})]
)
def test_another_instrument_at_its_address_is_switched_by_nobody(kind: str, more: dict[str, Any]) -> None:
    """It may be somebody else's, and carry a current."""
    with Improper(lambda line: b"FLUKE,5730A,0,1.0\n" if line == b"*IDN?" else None) as server:
        made = driver("source", kind, server.resource, bench(), **more)
        with pytest.raises(BridgeError, match=r"'FLUKE,5730A,0,1\.0' is no"):
            made.open()
        assert made.make_safe() == "'FLUKE,5730A,0,1.0' is another instrument: nothing was switched"
        assert made.close()
    assert set(server.lines) == {b"*IDN?"}


def test_an_identity_that_the_wire_has_garbled_is_no_other_instrument() -> None:
    """What was on is switched off all the same."""
    answers = iter([b"MODEL 6Z21\n"])
    with Improper(lambda line: next(answers, b"MODEL 6221\n") if line == b"*IDN?" else None) as server:
        made = driver("source", "keithley6221", server.resource, bench(), timeout=0.2)
        with pytest.raises(BridgeError, match="was answered by"):
            made.open()
        with pytest.raises(BridgeError, match="could NOT be verified"):
            made.make_safe()
        assert made.close()
    assert b":OUTP OFF" in server.lines


def test_a_current_goes_out_with_all_its_digits() -> None:
    """Six digits, as %g has them, would be 0.000123457."""
    level = ["0"]

    def keithley(line: bytes) -> bytes:
        text = line.decode()
        if text == "*IDN?":
            return b"MODEL 6221\n"
        if text.startswith(":SOUR:CURR "):
            level[0] = text.split()[1]
        if not text.startswith(":STAT:OPER:ENAB "):
            return b""
        asked, replies = text.split(";"), []
        for question in asked[1:]:
            known = {
                ":OUTP?": "0",
                ":SYST:ERR?": '0,"No error"',
                "*IDN?": "MODEL 6221",
                ":STAT:OPER:ENAB?": asked[0].split()[1],
            }
            known |= {":SOUR:CURR?": level[0], ":SOUR:CURR:RANG?": "2e-3", ":SOUR:CURR:COMP?": "10"}
            replies.append(known[question])
        return ";".join(replies).encode() + b"\n"

    with Improper(keithley) as server, opened(driver("s", "keithley6221", server.resource, bench())) as made:
        made.clock.run(made.set(0.00012345678901234567, 0.0))  # type: ignore[attr-defined]
    assert b":SOUR:CURR 0.00012345678901234567" in server.lines


# --- what is not what it should be -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["keithley6221", "hp3458a", "pi_gcs"])
def test_another_instrument_at_the_address_is_refused(wired: Wired, kind: str) -> None:
    other = {"keithley6221": "flexure", "hp3458a": "current_source", "pi_gcs": "current_source"}[kind]
    made = driver("x", kind, address(wired, other), bench(), timeout=0.5)
    try:
        with pytest.raises(BridgeError, match="x: "):
            made.open()
    finally:
        assert made.close()


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"HP3457A\n", "m: 'HP3457A' is no 3458A"),
        (b"", "may be another instrument"),
        (b"1.5E+0\n", "no answer in time|1.5"),
    ],
)
def test_only_a_3458a_is_reset(answer: bytes, text: str) -> None:
    """Whoever else is there is told what only a 3458A knows, and asked who it is."""
    with Improper(lambda line: answer if line == b"ID?" else b"") as server:
        made = driver("m", "hp3458a", server.resource, bench(), timeout=0.3)
        with pytest.raises(BridgeError, match=text):
            made.open()
        assert made.close()
    assert set(server.lines) == {b"TARM HOLD", b"END ALWAYS", b"ID?"}


def test_nobody_at_the_address_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    made = driver("current_source", "keithley6221", f"TCPIP::127.0.0.1::{port}::SOCKET", bench())
    with pytest.raises(
        BridgeError, match=rf"^current_source: TCPIP::127.0.0.1::{port}::SOCKET does not connect: .*\?$"
    ):
        made.open()
    assert made.close()


def test_a_dry_run_sends_nothing_that_acts(wired: Wired) -> None:
    made: Any = driver("current_source", "keithley6221", address(wired, "current_source"), bench(), armed=False)
    with opened(made):
        source = wired.station.core("current_source").source
        before = source.level, source.is_connected
        made.connect()
        made.clock.run(made.set(0.5e-3, 0.0))
        assert (source.level, source.is_connected) == before
        with pytest.raises(SafetyError):
            made.clock.run(made.set(2e-3, 0.0))
    assert made.log == ["dry run: output on", "dry run: current 0.0005 A within 0 s"]


def test_a_slew_beyond_its_limit_is_refused(wired: Wired) -> None:
    limits = {"current": 1e-3, "voltage": 10.0, "slew": 1e-3}
    with opened(driver("s", "keithley6221", address(wired, "current_source"), bench(), limits=limits)) as made:
        with pytest.raises(SafetyError, match="slew"):
            made.clock.run(made.set(0.5e-3, 0.1))  # type: ignore[attr-defined]
        made.clock.run(made.set(0.5e-3, 0.5))  # type: ignore[attr-defined]


def test_a_calibration_corrects_what_is_set_and_what_is_read(wired: Wired) -> None:
    certificate = {"gain": 0.01, "offset": 1e-5}
    resource = address(wired, "current_source")
    with opened(driver("s", "keithley6221", resource, bench(), calibration=certificate)) as made:
        made.clock.run(made.set(0.5e-3, 0.0))  # type: ignore[attr-defined]
        assert wired.station.core("current_source").source.level == pytest.approx(0.5e-3 * 1.01 + 1e-5, abs=1e-7)


def test_a_meter_has_one_input(wired: Wired) -> None:
    with opened(driver("m", "hp3458a", address(wired, "current_voltmeter"), bench())) as made:
        with pytest.raises(BridgeError, match="needs a scanner"):
            made.clock.run(made.read(Schedule(0, NS, 1), {}, channel="reference"))  # type: ignore[attr-defined]
        assert not list(made.bench.recorder.readings)


SCANNER = {"state": "CLOS?", "select_input": "CLOS 1", "selected_input": "1"}
SCANNER |= {"select_reference": "CLOS 2", "selected_reference": "2"}


@pytest.mark.parametrize("stuck", [False, True])
def test_a_scanner_puts_the_reference_there_and_is_read_back(wired: Wired, stuck: bool) -> None:
    closed = ["0"]

    def scanner(line: bytes) -> bytes:
        if line == b"CLOS?":
            return closed[0].encode() + b"\n"
        if not (stuck and line == b"CLOS 2"):
            closed[0] = line.decode().split()[1]
        return b""

    schedule = Schedule(0, NS // 50, 2)
    with Improper(scanner) as server:
        words = {**SCANNER, "scanner": server.resource}
        with opened(driver("m", "hp3458a", address(wired, "current_voltmeter"), bench(), commands=words)) as made:
            meter: Any = made
            meter.clock.run(meter.read(schedule, {}))
            if stuck:
                with pytest.raises(BridgeError, match="'1', and '2' was expected"):
                    meter.clock.run(meter.read(schedule, {}, channel="reference"))
            else:
                meter.clock.run(meter.read(schedule, {}, channel="reference"))
            with pytest.raises(BridgeError, match="'short' it needs a scanner"):
                meter.clock.run(meter.read(schedule, {}, channel="short"))
            assert len(meter.bench.recorder.readings) == 2 - stuck
    assert server.lines[:3] == [b"CLOS 1", b"CLOS?", b"CLOS?"]


@pytest.mark.parametrize(("words", "text"), [({"scaner": "X"}, "unknown scaner"), ({"scanner": NOBODY}, "lacks")])
def test_wrong_words_of_a_scanner_are_told(words: dict[str, str], text: str) -> None:
    with pytest.raises(BridgeError, match=text):
        driver("m", "hp3458a", NOBODY, bench(), commands=words)


def test_a_stage_follows_no_motion_that_turns_around(wired: Wired) -> None:
    with wired.connect("socket", "flexure") as operator:
        operator.send(b"SVO 1 1\nFRF 1\n")
        while operator.query("ONT? 1") != "1=1":
            pass
    with opened(driver("f", "pi_gcs", address(wired, "flexure"), bench())) as made:
        stage: Any = made
        with pytest.raises(BridgeError, match=r"turns around|rest to rest"):
            stage.clock.run(stage.move(oscillation(0.0, 1e-3, 1.0, (1,), 0.6, stage.clock.now, 2)))
        with pytest.raises(SafetyError, match="velocity"):
            stage.clock.run(stage.move(glide(0.0, 0.9e-3, stage.clock.now, stage.clock.now + NS // 10)))


# --- the generic driver ----------------------------------------------------------------------------------------------


def test_a_generic_source_speaks_the_words_of_the_scenario(wired: Wired) -> None:
    resource = address(wired, "current_source")
    with opened(driver("s", "generic_source", resource, bench(), commands=GENERIC)) as made:
        source: Any = made
        source.connect()
        source.clock.run(source.set(0.5e-3, 0.0))
        assert wired.station.core("current_source").source.is_connected
        assert source.reading("current") == pytest.approx(0.5e-3, abs=1e-5)
    assert not wired.station.core("current_source").source.is_connected


@pytest.mark.parametrize(
    ("change", "text"),
    [({"on": None}, "lacks on"), ({"onn": "OUTP 1"}, "unknown onn"), ({"identity": "2450"}, "is not")],
)
def test_wrong_words_are_told(wired: Wired, change: dict[str, str | None], text: str) -> None:
    words = {k: v for k, v in {**GENERIC, **change}.items() if v is not None}
    with pytest.raises(BridgeError, match=text):
        made = driver("s", "generic_source", address(wired, "current_source"), bench(), commands=words)
        try:
            made.open()
        finally:
            made.close()


@given(st.floats(-9.8e37, 9.8e37), st.sampled_from(["", "DCV ", "V: "]), st.sampled_from(["", " V"]))
def test_a_number_is_found_in_an_answer(value: float, head: str, tail: str) -> None:
    assert leading(f"{head}{value!r}{tail}") == value


@pytest.mark.parametrize("answer", ["9.9E37", "DCV -9.90000000E+37", "+9.91E+37", "1e999"])
def test_what_scpi_has_for_infinity_and_no_number_is_none(answer: str) -> None:
    with pytest.raises(ValueError, match="no finite number"):
        leading(answer)


def test_a_generic_meter_reads_once_for_each_step() -> None:
    values = iter(["DCV 0.25 V", "DCV -0.5 V", "DCV OVLD"])

    def meter(line: bytes) -> bytes:
        return b"METER 7\n" if line == b"ID" else next(values).encode() + b"\n"

    words = {"identify": "ID", "identity": "7", "read": "READ"}
    with (
        Improper(meter) as server,
        opened(driver("m", "generic_meter", server.resource, bench(), commands=words)) as made,
    ):
        there: Any = made
        block = there.clock.run(there.read(Schedule(0, NS, 2), {}))
        assert block.values.tolist() == [[0.25, -0.5]]
        with pytest.raises(BridgeError, match="garbled reply"):
            there.clock.run(there.read(Schedule(there.clock.now, NS, 1), {}))
        assert list(there.bench.recorder.readings) == [block]


EXCHANGER = {"identify": "ID", "load": "DOWN", "unload": "UP", "state": "WHERE", "loaded": "low", "unloaded": "high"}


@pytest.mark.parametrize("stuck", [False, True])
def test_a_generic_exchanger_says_where_the_mass_is(stuck: bool) -> None:
    place = ["high"]

    def exchanger(line: bytes) -> bytes:
        if line in (b"UP", b"DOWN"):
            place[0] = "between" if stuck else {b"UP": "high", b"DOWN": "low"}[line]
            return b""
        return b"X\n" if line == b"ID" else place[0].encode() + b"\n"

    with (
        Improper(exchanger) as server,
        opened(driver("e", "generic_exchanger", server.resource, bench(), commands=EXCHANGER)) as made,
    ):
        there: Any = made
        assert isinstance(there, MassExchanger)
        if stuck:
            with pytest.raises(BridgeError, match="load left it at 'between'"):
                there.clock.run(there.load(1.0))
        else:
            there.clock.run(there.load(1.0))
            assert place == ["low"]
            assert there.clock.now == NS
            there.clock.run(there.unload(1.0))
        assert there.make_safe() == f"at {place[0]!r}, read back"


def test_an_exchanger_does_not_move_above_a_current() -> None:
    with Improper(lambda line: b"X\n") as server:
        made: Any = driver("e", "generic_exchanger", server.resource, bench(), commands=EXCHANGER)

        def refuse() -> None:
            raise SafetyError("interlock")

        made.open()
        made.guards = [refuse]
        with pytest.raises(SafetyError, match="interlock"):
            made.clock.run(made.load(1.0))
        assert made.close()
        assert b"DOWN" not in server.lines


def test_a_job_that_does_not_come_back_is_left_behind() -> None:
    held = threading.Event()
    made = driver("x", "generic_meter", NOBODY, bench(), commands={"identify": "I", "read": "R"}, timeout=0.01)
    event = made.worker.do(held.wait, 0.0)
    while not made.worker.give_up():
        pass

    def waiting() -> Any:
        yield event

    with pytest.raises(BridgeError, match="x: did not come back in time"):
        made.clock.run(waiting())
    held.set()
    assert made.close()


def test_resources_find_their_connection() -> None:
    assert isinstance(wire("TCPIP0::localhost::5025::SOCKET", 1.0), SocketWire)
    assert isinstance(wire("TCPIP::[::1]::5025::SOCKET", 1.0), SocketWire)
    assert isinstance(wire("TCPIP::192.0.2.7::inst0::INSTR", 1.0), VisaWire)


@pytest.mark.parametrize("transport", ["vxi-11", "hislip"])
def test_a_visa_resource_works_as_a_socket_does(wired: Wired, transport: str) -> None:
    rows = [r for r in wired.rows if r["name"] == "current_voltmeter"]
    row = next((r for r in rows if r["transport"].replace("-", "") == transport.replace("-", "")), None)
    assert row is not None, [r["transport"] for r in rows]
    with opened(driver("m", "hp3458a", row["address"], bench())) as made:
        meter: Any = made
        block = meter.clock.run(meter.read(Schedule(meter.clock.now, NS // 20, 3), {}))
        assert block.values.shape == (1, 3)


def test_a_3458a_as_it_is_after_power_on_is_met_over_visa(wired: Wired) -> None:
    """It takes readings by itself, and ends no answer."""
    wired.station.core("current_voltmeter").do_reset()
    with opened(driver("m", "hp3458a", wired.row("current_voltmeter", "vxi11")["address"], bench())) as made:
        assert made.identity.startswith("HP3458A, ")


@pytest.mark.parametrize(
    ("kind", "more", "text"),
    [
        ("keithley6221", {"commands": {"on": "X"}}, r"keithley6221 takes no hardware\.commands"),
        ("pi_gcs", {"stages": {"coarse": {"driver": "keithley6221"}}}, r"pi_gcs takes no hardware\.stages"),
        ("artefact", {"settings": {"rate": 1.0}}, "has the unknown rate; this driver takes none"),
    ],
)
def test_what_a_driver_does_not_take_is_told(kind: str, more: dict[str, Any], text: str) -> None:
    with pytest.raises(BridgeError, match=text):
        driver("d", kind, NOBODY, bench(), **more)


def test_a_statement_has_units_and_says_what_nobody_knows() -> None:
    assert str(Statement("Servo", "1")) == (
        "Servo: range unknown, uncertainty not stated; trigger latency unknown, timing within 0 ms"
    )
    known = Statement("CurrentSource", "A", -1e-3, 1e-3, 1e-7, 2e-9, trigger_latency=1e-3, timing=0.05)
    assert str(known) == (
        "CurrentSource: -0.001 to 0.001 A in steps of 1e-07 A, u = 2e-09 A; trigger latency 1 ms, timing within 50 ms"
    )
