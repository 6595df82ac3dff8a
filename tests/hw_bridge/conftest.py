"""Stations: one for the tests of a file, which leave its instruments in whatever state, and one for a single test."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tests.hw_bridge.real_bench import hardware, reference, resources
from tests.hw_bridge.station import Client, Station
from tests.hw_bridge.wired import Wired


@pytest.fixture(scope="module")
def shared_station() -> Station:
    """Built once for a file."""
    return Station()


@pytest.fixture
def source(shared_station: Station) -> Client:
    """A client of the current source, which has been reset."""
    client = shared_station.client("current_source")
    client.write("*RST;*CLS;*ESE 0;*SRE 0;:STAT:PRES")
    return client


@pytest.fixture
def meter(shared_station: Station) -> Client:
    """A client of the voltmeter across the standard resistor, which has been reset and holds."""
    client = shared_station.client("current_voltmeter")
    client.write("RESET;TARM HOLD;END ALWAYS")
    return client


@pytest.fixture(autouse=True)
def no_mistake_of_ours(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """An exception that a server has survived is a mistake all the same."""
    with caplog.at_level(logging.ERROR, logger="kibble_twin.serve"):
        yield
    assert not [record for record in caplog.records if record.name == "kibble_twin.serve"]


@pytest.fixture(scope="module")
def wired() -> Iterator[Wired]:
    """A balance on the wire, with the reference at its meters; once for a file."""
    with Wired() as made:
        reference(made)
        yield made


@pytest.fixture
def real(wired: Wired) -> dict[str, Any]:
    """All that is real."""
    return hardware(resources(wired))
