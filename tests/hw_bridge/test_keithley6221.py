"""The current source in its own language."""

from __future__ import annotations

import importlib
import inspect
import re
from typing import Any

import pytest

from hw_bridge.cores.keithley6221 import Keithley6221
from hw_bridge.cores.scpi import TEXTS
from tests.hw_bridge.station import Client, Station

ERROR = "SYST:ERR?"


def example(pattern: str) -> str:
    """A header that a table writes as a manual does, as a client sends it."""
    return pattern.replace("[", "").replace("]", "")


def test_it_says_what_it_is(source: Client) -> None:
    assert source.query("*IDN?").startswith("KEITHLEY INSTRUMENTS INC.,MODEL 6221,")
    assert source.query(ERROR) == '0,"No error"'


@pytest.mark.parametrize(
    "message",
    [
        "SOUR:CURR:RANG 2e-2;:SOUR:CURR 3.457e-3",
        ":source:current:range 0.02;:SOURCE:CURRENT:LEVEL:IMMEDIATE:AMPLITUDE 3.457E-3",
        "curr:rang 20E-3\ncurr 0.003457",
        "CURR:RANG:AUTO 0;:SOUR:CURR:RANG 0.01;:CURR 3.457e-3",
    ],
)
def test_headers_may_be_short_or_long_and_of_any_case(source: Client, message: str) -> None:
    source.write(message)
    assert float(source.query("SOUR:CURR?")) == 3.457e-3 and source.query(ERROR).startswith("0,")
    assert float(source.query("CURR:RANG?")) == 0.02


def test_five_amperes_are_refused_and_not_made_into_something_else(source: Client) -> None:
    """Hazard: a client turned 5 A into 0.105 A without a word."""
    source.write("CURR:RANG 2e-2;:CURR 1e-3")
    source.write("CURR 5")
    assert source.query(ERROR) == '-222,"Parameter data out of range"'
    assert float(source.query("CURR?")) == 1e-3
    source.write("CURR:RANG:AUTO ON;:CURR -5")
    assert source.query(ERROR).startswith("-222,") and float(source.query("CURR?")) == 1e-3


@pytest.mark.parametrize("message", ["CURR 21.1e-3", "CURR:RANG 1", "CURR:COMP 106", "CURR:COMP 0.05", "CURR 1e400"])
def test_what_no_range_holds_is_out_of_range(source: Client, message: str) -> None:
    source.write("CURR:RANG 2e-2")
    source.write(message)
    assert source.query(ERROR).startswith("-222,")


def test_a_level_keeps_the_digits_of_its_range(source: Client) -> None:
    """Hazard: %g keeps six digits. What is asked for is set to the step of the range, and read back."""
    source.write("CURR:RANG 2e-3;:CURR 1.2345678e-3")
    assert float(source.query("CURR?")) == pytest.approx(1.2346e-3, abs=1e-12)
    source.write("CURR:RANG 2e-2")  # in steps of 1 µA
    assert float(source.query("CURR?")) == pytest.approx(1.235e-3, abs=1e-12)
    source.write("CURR:RANG 2e-4")
    assert source.query(ERROR) == '-221,"Settings conflict"', "the level does not fit into that range"


def test_auto_range_takes_the_lowest_range_that_holds_the_level(source: Client) -> None:
    source.write("CURR:RANG:AUTO ON;:CURR 1.2345678e-6")
    assert float(source.query("CURR:RANG?")) == 2e-6 and float(source.query("CURR?")) == pytest.approx(1.2346e-6)
    source.write("CURR 50e-3")
    assert float(source.query("CURR:RANG?")) == 0.1


def test_compliance_shows_in_the_measurement_status(source: Client) -> None:
    """KBmini's coil takes 8.3 V for 3.5 mA."""
    source.write("CURR:RANG 2e-2;:CURR 3.5e-3;:CURR:COMP 5;:OUTP ON;:STAT:MEAS:ENAB 8;*SRE 1")
    assert int(source.query("STAT:MEAS:COND?")) == 8 and source.status() & 0x41 == 0x41
    source.write("CURR:COMP 20")
    assert int(source.query("STAT:MEAS:COND?")) == 0
    assert int(source.query("STAT:MEAS?")) == 8 and source.status() & 0x41 == 0, "the event is read once"


def test_a_safe_state_is_one_that_is_read_back(shared_station: Station, source: Client) -> None:
    """Hazard: an OUTPUT OFF to nobody "succeeded". What OUTP? replies is what the source does."""
    source.write("CURR 1e-3;:OUTP ON")
    component = shared_station.core("current_source").source
    assert source.query("OUTP?") == "1" and component.is_connected
    source.write("OUTP OFF")
    assert source.query("OUTP?") == "0" and not component.is_connected
    source.write("OUTP ON;:SOUR:CLE")
    assert source.query("OUTP?;:CURR?") == "0;0.000000E+00"


def test_reset_switches_off(source: Client) -> None:
    source.write("CURR:RANG 2e-2;:CURR 1e-3;:CURR:COMP 42;:OUTP ON")
    source.write("*RST")
    assert source.query("OUTP?;:CURR?;:CURR:RANG?;COMP?") == "0;0.000000E+00;1.000000E-01;1.000000E+01"


def test_what_makes_no_difference_is_kept(source: Client) -> None:
    source.write("OUTP:ISH GUAR;:OUTP:LTE ON;:OUTP:RESP SLOW;:CURR:FILT 1;:SOUR:DEL 0.25;:DISP:ENAB 0")
    replies = source.query("OUTP:ISH?;:OUTP:LTE?;:OUTP:RESP?;:CURR:FILT?;:SOUR:DEL?;:DISP:ENAB?")
    assert replies == "GUAR;1;SLOW;1;2.500000E-01;0"


@pytest.mark.parametrize(("pattern", "code"), sorted(Keithley6221.rejected.items()))
def test_what_is_not_carried_out_is_refused(source: Client, pattern: str, code: int) -> None:
    """Every row of the table, in its long form, and with a parameter."""
    for message in (example(pattern), f"{example(pattern)} 1"):
        source.write(message)
        assert source.query(ERROR) == f'{code},"{TEXTS[code]}"'
    assert not source.session.has_output


def test_bounds_can_be_asked_for(source: Client) -> None:
    assert source.query("CURR? MAX;:CURR:COMP? MIN;:CURR:RANG? DEF") == "1.050000E-01;1.000000E-01;1.000000E-01"


def test_a_group_execute_trigger_finds_nothing_armed(source: Client) -> None:
    source.core.trigger(source.session)
    assert source.query(ERROR) == '-221,"Settings conflict"'


def test_no_command_that_pymeasure_sends_is_unknown(shared_station: Station) -> None:
    """What it sends that the twin does not carry out is refused by the instrument's error, not as another word."""
    keithley: Any = importlib.import_module("pymeasure.instruments.keithley.keithley6221")
    sent = set(re.findall(r'"(:?[A-Za-z]+(?::[A-Za-z]+)+\??)[ "]', inspect.getsource(keithley)))
    assert len(sent) > 60
    known = shared_station.core("current_source")._commands
    words = {text: text.rstrip("?").upper().lstrip(":").split(":") for text in sent}
    assert {text for text in sent if (*words[text], *("?" if text[-1] == "?" else "")) not in known} == set()
