"""The commands that the hp3458a package sends, none of which is unknown."""

from __future__ import annotations

import importlib
import inspect
import re
from typing import Any

from hw_bridge.cores.hp3458a_words import REJECTED
from tests.hw_bridge.station import Client, Station

NOT_OF_THE_INSTRUMENT = {"PRESET?"}
"""There is no such query in the user's guide."""


def test_no_command_that_the_package_sends_is_unknown(shared_station: Station) -> None:
    package: Any = importlib.import_module("hp3458a.main")
    sent = set(re.findall(r"__(?:get|write)_data\(f?'([A-Z]+\??)", inspect.getsource(package)))
    assert len(sent) > 100
    core = shared_station.core("current_voltmeter")
    known = {*core._commands, *core.asked(), *core.set.kept, *REJECTED, *(f"{word}?" for word in REJECTED)}
    assert sent - known == NOT_OF_THE_INSTRUMENT


def test_what_is_on_display_and_connector_is_kept(meter: Client) -> None:
    meter.write("NDIG 5;EXTOUT APER,POS;APER 0.2")
    assert [meter.query(q) for q in ("NDIG?", "EXTOUT?", "RES?")] == ["5", "3, 1", "1.000000000E-06"]
    meter.write("APER 1E-3")
    assert meter.query("RES?") == "1.000000000E-04" and meter.query("ERR?") == "0"
