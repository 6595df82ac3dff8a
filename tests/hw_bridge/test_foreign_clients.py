"""Programs that are not ours, in processes of their own, operate the served instruments over every way in."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.mortal import END, seen_to

PROGRAM = "import sys; from scenarios.cli.app import main; sys.exit(main())"
CLIENTS = Path(__file__).parent / "clients"
PATIENCE = 120.0
"""Longer than any machine is slow (s)."""


@pytest.fixture(scope="module")
def served() -> Iterator[dict[str, Any]]:
    """What ``kibble-twin serve --json`` announces, while it runs, and how it ends."""
    command = [sys.executable, "-c", PROGRAM, "serve", "kbmini_tmtp", "--json", "--scale", "step"]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process, seen_to(END, process.pid):
        try:
            assert process.stdout is not None and process.stderr is not None
            line = process.stdout.readline()
            assert line, process.stderr.read()
            yield json.loads(line)
        finally:
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0 and errors == "", errors


def rows(served: dict[str, Any], name: str) -> str:
    """The ways in to an instrument, by transport, for a client's command line."""
    return json.dumps({row["transport"]: row for row in served["instruments"] if row["name"] == name})


def run(client: str, *arguments: str) -> Any:
    """Run a client; returns the object that it prints."""
    environment = {**os.environ, "PYVISA_LIBRARY": "@py"}
    environment = {key: value for key, value in environment.items() if not key.startswith("EPICS_")}
    command = [sys.executable, str(CLIENTS / client), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_pymeasure_drives_the_current_source_over_five_ways_in(served: dict[str, Any]) -> None:
    found = run("pymeasure_6221.py", rows(served, "current_source"))
    assert list(found) == ["socket", "hislip", "vxi11", "prologix", "pymeasure prologix"]
    for way, operated in found.items():
        assert operated["id"].startswith("KEITHLEY INSTRUMENTS INC.,MODEL 6221"), way
        assert operated["range"] == 20e-3 and operated["compliance"] == 50 and not operated["auto_range"], way
        assert operated["current"] == 1.234e-3 and operated["enabled"] and operated["disabled"], way
        assert operated["refused"][0] == -222 and operated["after"] == 1.234e-3, way
        assert operated["waveform"][0] == -241 and operated["error"][0] == 0, way


def test_the_hp3458a_package_takes_timed_readings_over_three_ways_in(served: dict[str, Any]) -> None:
    found = run("package_3458a.py", rows(served, "induced_voltmeter"))
    assert list(found) == ["socket", "hislip", "vxi11"]
    for way, operated in found.items():
        assert operated["id"] == "HP3458A" and operated["aperture"] == 0.2 and operated["scale"] == 1.0, way
        readings = [float(text) for text in operated["readings"].split(",")]
        assert operated["count"] == "20" and len(readings) == 20, way
        assert max(map(abs, readings)) < 1e-3 and operated["error"] == '113,"SUBPROGRAM ERROR"', way


def test_a_laboratorys_class_reads_binary_from_memory_over_a_bus(served: dict[str, Any]) -> None:
    """INBUF, serial poll for ready, DINT in a FIFO with EOI, through pyvisa and a gateway; the source drives."""
    found = run(
        "laboratory.py", rows(served, "current_source"), rows(served, "current_voltmeter"), rows(served, "flexure")
    )
    assert found["current"] == pytest.approx([2.0] * 50, rel=3e-4), "1 kohm, 2 mA, through a served source"
    assert found["revision"] == "9,2" and found["error"] == '0,"NO ERROR"'
    assert 4e-9 < found["scale"] < 1e-7 and found["aperture"] == 0.02
    assert found["ready"] and found["identity"] == "HP3458A"
    assert found["coil"][-1] == pytest.approx(1.0) and found["coil"][0] < found["coil"][-1]
    assert found["controller"] == [0xB1, 0x0A]


def test_pyepics_operates_every_instrument(served: dict[str, Any]) -> None:
    """With the libca of EPICS itself."""
    rows = {row["name"]: row for row in served["instruments"] if row["transport"] == "epics"}
    found = run("pyepics_station.py", json.dumps(rows))
    assert found["connected"] and all(found["put"])
    assert found["current"] == found["after"] == 2e-3 and (found["alarm"], found["no alarm"]) == (2, 0)
    assert (found["limits"]["units"], found["limits"]["upper_ctrl_limit"]) == ("A", pytest.approx(21e-3))
    assert found["voltage"] == pytest.approx(2.0, rel=3e-4) and found["overload"] == [1e38, 2]
    assert found["resistance"] == pytest.approx(109.73, abs=0.1), "a PT100 at the room's 25 degC"
    assert found["position"] == pytest.approx(0.5e-3)
    assert found["beyond"] == [2, pytest.approx(0.5e-3)] and found["read only"] == [False, pytest.approx(0.5e-3)]
    assert found["seen"] == 1.5e-3 and found["state"] == "On", "by a monitor"


def test_the_example_of_the_documentation_runs() -> None:
    """With ``kibble-twin`` as it is installed beside this Python."""
    text = (Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command, environment = [sys.executable, "-c", code + "server.wait()"], {**os.environ, "PATH": path}
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    with subprocess.Popen(command, env=environment, **pipes) as process, seen_to(END, -process.pid):
        try:
            out, errors = process.communicate(timeout=PATIENCE)
        finally:
            with suppress(ProcessLookupError):  # its server, if the example has failed before it ended it
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, errors
    assert float(out.split(" V ")[0]) == pytest.approx(3.5, rel=1e-3)
