"""PyMeasure's Keithley6221, unmodified, over five ways in: prints what it has found of each as one JSON object.

Usage: pymeasure_6221.py ROWS, with the rows that ``kibble-twin serve --json`` lists for the current source.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from pymeasure.adapters import PrologixAdapter, VISAAdapter
from pymeasure.instruments.keithley import Keithley6221

MILLISECONDS = 60_000


def visa(address: str, **options: Any) -> VISAAdapter:
    return VISAAdapter(address, visa_library="@py", timeout=MILLISECONDS, **options)


def ways(rows: dict[str, dict[str, str]]) -> Iterator[tuple[str, Any, list[Any]]]:
    """Each way in: its name, its adapter, and what has to be closed after it."""
    lines = {"read_termination": "\n", "write_termination": "\n"}
    for name in ("socket", "hislip", "vxi11"):
        yield name, visa(rows[name]["address"], **lines), []
    interface = rows["prologix"]["interface"]
    board = visa(interface)
    yield "prologix", visa(rows["prologix"]["address"]), [board]
    board.connection.close()
    host, port = interface.split("::")[1:3]
    options = {"visa_library": "@py", "timeout": MILLISECONDS, **lines}
    yield (
        "pymeasure prologix",
        PrologixAdapter(f"TCPIP::{host}::{port}::SOCKET", 12, gpib_read_timeout=3000, **options),
        [],
    )


def operate(adapter: Any) -> dict[str, Any]:
    """What a laboratory does with a source."""
    source = Keithley6221(adapter)
    source.reset()
    source.source_range = 20e-3
    source.source_compliance = 50
    source.source_current = 1.234e-3
    source.enable_source()
    found = {
        "id": source.id,
        "range": source.source_range,
        "compliance": source.source_compliance,
        "current": source.source_current,
        "enabled": source.source_enabled,
        "auto_range": source.source_auto_range,
    }
    source.write(":SOUR:CURR 5")
    found["refused"] = list(source.next_error)
    found["after"] = source.source_current
    source.disable_source()
    found["disabled"] = not source.source_enabled
    source.waveform_arm()
    found["waveform"] = list(source.next_error)
    source.shutdown()
    found["error"] = list(source.next_error)
    return found


def main() -> None:
    results: dict[str, Any] = {}
    for name, adapter, _ in ways(json.loads(sys.argv[1])):
        results[name] = operate(adapter)
        adapter.connection.close()
    print(json.dumps(results))


main()
