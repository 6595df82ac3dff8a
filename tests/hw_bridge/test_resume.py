"""A run with real instruments that was interrupted goes on: connected again, from the safe state, where it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from components.motion import glide
from hw_bridge.drivers.driver import Driver
from hw_bridge.errors import BridgeError, SafetyError
from scenarios.cli.app import main
from scenarios.run.execute import resumed_as
from scenarios.run.output import OutputFolder
from tests.hw_bridge.real_bench import bridged, output, resources
from tests.hw_bridge.wired import Wired
from twin.clock import Process
from twin.errors import InputError
from twin.store import RunStore
from twin.times import NS

ROOT = Path(__file__).parents[2]
SINES = """
schema: 1
extends: nist4_inductance
name: sines
balance:
  coil: {geometry: null, inductance: 1 mH, inductance_curvature: 164, yoke_inductance: 0 H}
  current_source: {limit: 1 mA}
  resistor: {resistance: 1 kohm, white_noise: 30 uV/Hz^0.5}
  current_voltmeter: {range: 10 V, digits: [], auto_zero: true}
campaign:
  amplitude: 0.5 mA
  frequencies: [4, 8, 8, 8]
  profile_frequencies: []
  read_time: 0.25 s
  least_cycles: 2
  settle: 0.1 s
  approach: 0.1 s
reduction: {current: 0.5 mA}
"""
"""Sines of current through a resistor that is real, from a source that is, read by a meter that is; 3 s."""


# --- from the safe state to where the run was ------------------------------------------------------------------------


@contextmanager
def interrupted(real: dict[str, Any], wired: Wired, current: float) -> Iterator[Any]:
    """The bench after a safe state, with a twin that knows of a current and a position."""
    with bridged(real) as (bridge, _, there):

        def steps() -> Process:
            there["current_source"].connect()
            yield from there["current_source"].set(current, 0.2)
            start = there["motion_stage"].commanded()[0]
            yield from there["motion_stage"].move(glide(start, 0.2e-3, bridge.clock.now, bridge.clock.now + NS))

        bridge.clock.run(steps())
        for driver in bridge.drivers.values():
            driver.make_safe()
        there["current_source"]._level, there["current_source"]._connected = 0.0, False
        assert output(wired) == (False, 0.0)
        yield bridge, there


def test_instruments_go_back_to_where_the_run_was(wired: Wired, real: dict[str, Any]) -> None:
    with interrupted(real, wired, 0.4e-3) as (bridge, there):
        stage = there["motion_stage"]
        stage.call(lambda wire: wire.write("MOV 1 0"))
        while not stage.call(stage.on_target):
            pass
        stage._position = 0.0  # as it is read when it connects
        bridge.take_up()
        assert output(wired) == (True, pytest.approx(0.4e-3))
        assert stage.reading("position") == pytest.approx(0.2e-3, abs=1e-6)
        there["current_source"].check(bridge.clock.now, bridge.clock.now)
    assert output(wired) == (False, 0.0)


def test_what_was_off_stays_off(wired: Wired, real: dict[str, Any]) -> None:
    with interrupted(real, wired, 0.4e-3) as (bridge, there):
        there["current_source"].disconnect()
        bridge.take_up()
        assert output(wired)[0] is False


def test_a_level_beyond_the_limit_is_not_taken_up(wired: Wired, real: dict[str, Any]) -> None:
    with interrupted(real, wired, 0.4e-3) as (bridge, there):
        there["current_source"].limit = 0.1e-3
        with pytest.raises(SafetyError, match="beyond its limit"):
            bridge.take_up()
        assert output(wired) == (False, 0.0)


def test_a_driver_that_does_not_know_how_ends_the_run(wired: Wired, real: dict[str, Any]) -> None:
    with interrupted(real, wired, 0.4e-3) as (bridge, there):
        there["motion_stage"].take_up = lambda: Driver.take_up(there["motion_stage"])
        with pytest.raises(BridgeError, match="does not know how to go back"):
            bridge.take_up()
        assert output(wired) == (False, 0.0)


@pytest.mark.parametrize(("was", "said"), [(True, False), (False, True)])
def test_it_goes_on_armed_as_it_was(was: bool, said: bool) -> None:
    with pytest.raises(InputError, match="--arm"):
        resumed_as({"how": {"arm": was, "shadow": False}}, arm=said, shadow=False, logged=True)
    state = {"how": {"arm": was, "shadow": True}}
    assert resumed_as(state, arm=was, shadow=False, logged=True) == {"arm": was, "shadow": True}


# --- killed ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def words(tmp_path: Path) -> Iterator[tuple[Wired, list[str]]]:
    """A run of sines on instruments that are served in real time."""
    (tmp_path / "sines.yaml").write_text(SINES)
    with Wired(1.0) as wired:
        there = resources(wired)
        limits = {"current": "1 mA", "voltage": "10 V"}
        source = {
            "driver": "keithley6221",
            "resource": there["current_source"],
            "limits": limits,
            "interval": "20 ms",
            "timeout": "20 s",
        }
        meter = {"driver": "hp3458a", "resource": there["induced_voltmeter"], "timeout": "20 s"}
        found = ["run", "sines.yaml", "--no-report", "--real", "resistor=artefact"]
        found += ["--set", f"balance.current_source.hardware={json.dumps(source)}"]
        found += ["--set", f"balance.current_voltmeter.hardware={json.dumps(meter)}"]
        yield wired, found


def finished_steps(partial: Path) -> int:
    with RunStore(partial) as store:
        return int(store.state()["finished_steps"]) if store.has_checkpoint else -1


def test_killed_it_goes_on_and_loses_nothing(
    words: tuple[Wired, list[str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wired, run = words
    program = "import sys; from scenarios.cli.app import main; sys.exit(main())"
    command = [sys.executable, "-c", program, *run, "--arm", "--out", "kept"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True)
    partial = OutputFolder(tmp_path / "kept").partial
    while not (finished_steps(partial) >= 1 and output(wired)[0]) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    _, err = process.communicate()
    assert process.returncode == -signal.SIGKILL, err
    assert output(wired)[0], "nobody has switched it off"
    with RunStore(partial) as store:
        state, before = store.state(), store.blocks("readings")
    assert 1 <= state["finished_steps"] < 4 and state["how"] == {"arm": True, "shadow": False}

    monkeypatch.chdir(tmp_path)
    assert main(["run", "--resume", "kept"]) == 2
    assert "the run was armed: say --arm to go on" in capsys.readouterr().err
    assert main(["run", "--resume", "kept", "--arm", "--no-report", "--json"]) == 0
    captured = capsys.readouterr()
    assert output(wired) == (False, 0.0)
    told = json.loads(captured.out)
    assert (told["steps_resumed"], told["steps_total"]) == (state["finished_steps"], 4)
    (gap,) = told["hardware"]["interruptions"]
    assert gap["gap_s"] > 0.0 and gap["at_s"] == pytest.approx(state["now"] / NS)
    assert told["hardware"]["instruments"]["current_source"]["end"] == "output off, level 0 A, read back"
    assert "interrupted for" in captured.err and "current_source: taken up again" in captured.err
    kept = [b for b in before if b.schedule.end <= state["now"]]
    again = _readings(tmp_path / "kept")
    assert kept and all(any(_same(a, b) for b in again) for a in kept)
    real = [b for b in again if b.source == "real"]
    assert len(real) == 4 and min(b.schedule.start for b in real[len(kept) // 2 :]) > state["now"]


def _readings(folder: Path) -> list[Any]:
    from scenarios.run.export import read_blocks

    return list(read_blocks(folder / "run.nc")[0])


def _same(a: Any, b: Any) -> bool:
    return bool((a.channel, a.schedule) == (b.channel, b.schedule) and (a.values == b.values).all())
