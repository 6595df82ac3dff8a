"""A run with real instruments that was interrupted goes on: connected again, from the safe state, where it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.motion import glide
from hw_bridge.drivers.driver import Driver
from hw_bridge.errors import BridgeError, SafetyError
from scenarios.run.execute import resumed_as
from scenarios.run.export import read_blocks, read_log
from scenarios.run.output import OutputFolder
from tests.hw_bridge.ladder import install
from tests.hw_bridge.real_bench import TEXT, bridged, hardware, output, resources
from tests.hw_bridge.wired import Wired
from twin.clock import Process
from twin.errors import InputError
from twin.store import RunStore
from twin.times import NS

ROOT = Path(__file__).parents[2]


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


def test_a_motion_that_a_run_has_left_is_waited_for(wired: Wired, real: dict[str, Any]) -> None:
    """The controller goes on with it by itself, at 2 mm/s, while the run connects again."""
    with interrupted(real, wired, 0.4e-3) as (bridge, there):
        stage = there["motion_stage"]
        stage.call(lambda wire: [wire.write(word) for word in ("VEL 1 2", "MOV 1 0.8")])
        bridge.take_up()
        assert stage.reading("position") == pytest.approx(0.2e-3, abs=1e-6)
        assert stage.taken_up.endswith("it was at 0.0008 m")


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


class Program:
    """The program, run in a folder on instruments that are served in real time."""

    def __init__(self, folder: Path, wired: Wired) -> None:
        self.folder = folder
        install(folder / "site")
        there = resources(wired)
        real = hardware({name: there[name] for name in ("current_source", "induced_voltmeter")})
        del real["displacement_sensor"]
        text = TEXT.partition("campaign:")[0] + "campaign: {type: ladder}\n"
        (folder / "bench.yaml").write_text(text)
        self.words = ["run", "bench.yaml", "--arm", "--shadow", "--out", "kept", "--no-report", "--json"]
        self.words += ["--set=balance.resistor.white_noise=30 uV/Hz^0.5"]  # what the real source and meter do
        self.words += [f"--set=balance.{name}.hardware={json.dumps(entry)}" for name, entry in real.items()]

    def start(self, *words: str) -> subprocess.Popen[str]:
        """In a process of its own."""
        program = "import sys; from scenarios.cli.app import main; sys.exit(main())"
        env = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{self.folder / 'site'}"}
        command = [sys.executable, "-c", program, *words]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, cwd=self.folder, env=env, text=True, encoding="utf-8", **pipes)


def finished_steps(partial: Path) -> int:
    with RunStore(partial) as store:
        return int(store.state()["finished_steps"]) if store.has_checkpoint else -1


def ended(process: subprocess.Popen[str], patience: float) -> bool:
    """Whether it ends within so many seconds."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(patience)
        return True
    return False


def test_killed_it_goes_on_and_loses_nothing(tmp_path: Path) -> None:
    with Wired(1.0) as wired:
        program, partial = Program(tmp_path, wired), OutputFolder(tmp_path / "kept").partial
        process = program.start(*program.words)
        while finished_steps(partial) < 2 and not ended(process, 0.01):
            pass
        process.send_signal(signal.SIGKILL)
        _, err = process.communicate()
        assert process.returncode == -signal.SIGKILL, err
        assert output(wired)[0], "nobody has switched it off"
        with RunStore(partial) as store:
            state, before = store.state(), store.blocks("readings")
        done = state["finished_steps"]
        assert 2 <= done < 6 and len(before) >= done and state["how"] == {"arm": True, "shadow": True}

        unarmed = program.start("run", "--resume", "kept")
        _, err = unarmed.communicate()
        assert unarmed.returncode == 2 and "the run was armed: say --arm to go on" in err
        assert output(wired)[0]

        resumed = program.start("run", "--resume", "kept", "--arm", "--no-report", "--json")
        out, err = resumed.communicate()
        assert resumed.returncode == 0, err
        assert output(wired) == (False, 0.0)
        fitted = program.start("fit", "kept", "--parameter", "balance.resistor.resistance", "--members=4", "--json")
        (resistance,) = json.loads(fitted.communicate()[0])["parameters"]
    told = json.loads(out)
    assert (told["steps_resumed"], told["steps_total"]) == (done, 6)
    assert told["result"]["voltage_V"] == pytest.approx(np.arange(1, 7) * 0.1, rel=1e-2)
    (gap,) = told["hardware"]["interruptions"]
    assert gap["gap_s"] > 0.0 and gap["at_s"] == pytest.approx(state["now"] / NS)
    assert told["hardware"]["instruments"]["current_source"]["end"] == "output off, level 0 A, read back"
    began = datetime.fromisoformat(told["hardware"]["began"]).timestamp()
    assert began == pytest.approx(state["began_s"], abs=1e-3), "when it was at 0 s, for the first time"
    assert "interrupted for" in err and "current_source: taken up again" in err
    (channel,) = told["shadow"]["channels"]
    assert (channel["channel"], channel["judged"], channel["alarms"]) == ("induced_voltmeter", 6, 0)
    assert resistance["value"] == pytest.approx(1000.0, abs=8.0 * resistance["u"]) and resistance["u"] < 1.0
    kept, again = list(before)[:done], list(read_blocks(tmp_path / "kept" / "run.nc")[0])
    assert len(again) == 6
    for a, b in zip(kept, again, strict=False):
        assert (a.schedule, a.values.tolist()) == (b.schedule, b.values.tolist())
    assert again[done].schedule.start > state["now"] + gap["gap_s"] * NS
    levels = [b.values.item() for b in read_log(tmp_path / "kept" / "run.nc") if b.quantity == "set"]
    assert levels[-1] == pytest.approx(6e-4) and np.all(np.diff(levels) > 0.0)
