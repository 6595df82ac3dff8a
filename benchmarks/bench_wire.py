"""Served instruments over a raw socket, in a process of their own, beside pyvisa-sim and a bare loopback echo."""

from __future__ import annotations

from collections.abc import Iterator

import on_the_wire
import pytest
from on_the_wire import KILOBYTES, MEMORY, Line


@pytest.fixture(scope="module")
def echo() -> Iterator[Line]:
    with on_the_wire.echo() as line:
        yield line


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    with on_the_wire.served() as found:
        yield found


def test_echo(benchmark, echo: Line) -> None:
    """13 bytes there and back: what the machine needs for any answer."""
    assert len(benchmark(echo.ask, b"13", 13)) == 13


def test_query(benchmark, ports: dict[str, int]) -> None:
    """What the source is set to. Target: median 2 ms."""
    with Line(ports["current_source"]) as source:
        assert benchmark(source.ask, b"CURR?\n", 13) == b"0.000000E+00\n"


def test_query_of_pyvisa_sim(benchmark) -> None:
    """The same question to an instrument that is simulated within the program that asks, without a wire."""
    pytest.importorskip("pyvisa_sim", reason="a peer: pip install pyvisa-sim")
    with on_the_wire.simulated() as ask:
        assert benchmark(ask, "CURR?") == "0.000000E+00"


def test_echo_of_10_kb(benchmark, echo: Line) -> None:
    """10 kB back."""
    assert len(benchmark(echo.ask, b"10000", KILOBYTES)) == KILOBYTES


def test_binary_read_of_10_kb(benchmark, ports: dict[str, int]) -> None:
    """2500 readings out of the memory of a 3458A, as 32-bit integers. Target: median 10 ms."""
    with Line(ports["current_voltmeter"]) as meter:
        assert meter.ask(MEMORY + b";MCOUNT?\n", 6) == b"2500\r\n"
        assert len(benchmark(meter.ask, b"RMEM 1,2500,1\n", KILOBYTES)) == KILOBYTES


def test_reading_of_one_power_line_cycle(benchmark, ports: dict[str, int]) -> None:
    """A reading of 20 ms, from the trigger to the answer: at least 20 ms, in real time."""
    with Line(ports["induced_voltmeter"]) as meter:
        assert meter.ask(b"TARM HOLD;TRIG AUTO;DCV 10;AZERO OFF;NPLC 1;ID?\n", 9) == b"HP3458A\r\n"
        assert len(benchmark(meter.ask, b"TARM SGL\n", 17)) == 17
