"""Baud rate and framing of a serial line, as the scenario has them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, get_args

import pytest

from hw_bridge.drivers.scanner import Scanner
from hw_bridge.drivers.wire import VisaWire, WireError, wire
from hw_bridge.errors import BridgeError
from scenarios.schema.hardware import Hardware, SerialLine
from tests.hw_bridge.subjects import bench, driver
from tests.hw_bridge.terminal import Serial, terminals


@terminals
@pytest.mark.parametrize(
    ("line", "text"),
    [
        (None, "9600 baud, 8N1"),
        ({"baud_rate": 19200, "stop_bits": 2}, "19200 baud, 8N2"),
        ({"baud_rate": 115200, "flow_control": "xon_xoff"}, "115200 baud, 8N1, xon_xoff"),
    ],
)
def test_a_serial_line_is_as_the_scenario_has_it(line: dict[str, Any] | None, text: str) -> None:
    """By the terminal's own account."""
    import termios

    instrument, wanted = Serial(), SerialLine(**(line or {}))
    made: Any = wire(instrument.resource, 20.0, None if line is None else wanted)
    try:
        made.open()
        flags, _, control, _, _, speed, _ = termios.tcgetattr(instrument.end)
        assert (made.settings, speed) == (text, getattr(termios, f"B{wanted.baud_rate}"))
        assert bool(control & termios.CSTOPB) == (wanted.stop_bits == 2)
        assert bool(flags & termios.IXON) == (wanted.flow_control == "xon_xoff")
        assert made.converse(lambda w: w.query("A?")) == "answer to A?"
    finally:
        made.close()
        instrument.close()


class Port(SimpleNamespace):
    """What pyvisa opens."""

    def flush(self, _: Any) -> None:
        """Forget what is there."""

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Port:
    made = Port()
    pyvisa = pytest.importorskip("pyvisa")
    monkeypatch.setattr(pyvisa, "ResourceManager", lambda _: SimpleNamespace(open_resource=lambda *_, **__: made))
    return made


@pytest.mark.parametrize("parity", get_args(SerialLine.model_fields["parity"].annotation))
@pytest.mark.parametrize("flow", get_args(SerialLine.model_fields["flow_control"].annotation))
def test_all_of_it_is_what_visa_has(port: Port, parity: Any, flow: Any) -> None:
    """A terminal without hardware has no parity, so that VISA is asked."""
    line = SerialLine(baud_rate=300, data_bits=7, stop_bits=2, parity=parity, flow_control=flow)
    made = wire("ASRL3::INSTR", 1.0, line)
    made.open()
    assert (port.baud_rate, port.data_bits, int(port.stop_bits)) == (300, 7, 20)
    assert (port.parity.name, port.flow_control.name) == (parity, flow)
    made.close()


@terminals
def test_a_line_that_cannot_be_set_so_is_told() -> None:
    """Parity, by a terminal that has none."""
    instrument = Serial()
    made = wire(instrument.resource, 1.0, SerialLine(parity="even"))
    try:
        with pytest.raises(WireError, match=r"does not connect: .* \(9600 baud, 8E1\)"):
            made.open()
    finally:
        instrument.close()


def test_a_line_that_cannot_be_set_so_is_let_go_of(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: Any) -> None:
        raise ValueError("no such rate")

    monkeypatch.setattr(VisaWire, "_set_line", refuses)
    with pytest.raises(WireError, match=r"does not connect: ValueError: no such rate \(31250 baud, 8N1\)"):
        wire("ASRL/dev/ttyS9::INSTR", 1.0, SerialLine(baud_rate=31250)).open()
    assert port.closed


@terminals
def test_who_does_not_answer_at_a_serial_line_may_be_set_otherwise() -> None:
    instrument = Serial()
    instrument.mute = True
    made = driver(
        "x", "generic_meter", instrument.resource, bench(), timeout=0.2, serial=SerialLine(baud_rate=1200),
        commands={"identify": "I", "read": "R"},
    )  # fmt: skip
    try:
        with pytest.raises(BridgeError, match=r"or be set otherwise than 1200 baud, 8N1$"):
            made.open()
        assert made.close()
    finally:
        instrument.close()


def test_a_scanner_at_a_serial_line_is_set_as_its_meter_is() -> None:
    line = SerialLine(baud_rate=38400)
    words = {"scanner": "ASRL/dev/ttyUSB1::INSTR", "state": "?", "select_input": "I", "selected_input": "1"}
    assert Hardware(driver="hp3458a", resource="GPIB0::22::INSTR", commands=words, serial=line).serial == line
    made = Scanner("x", words, 1.0, line).wire
    assert isinstance(made, VisaWire) and made.settings == "38400 baud, 8N1"


def test_what_is_no_serial_line_has_none() -> None:
    assert wire("GPIB0::22::INSTR", 1.0).settings == wire("TCPIP::192.0.2.7::1::SOCKET", 1.0).settings == ""
