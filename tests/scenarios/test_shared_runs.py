"""Runs in a database that a laboratory shares, with a real server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import scenarios
from scenarios.cli.app import main
from scenarios.run.experiment import load
from scenarios.run.export import read_blocks
from scenarios.run.shared import SharedRuns
from tests.scenarios.test_cli_kill import PROGRAM, ROOT, SCENARIO, ended

pytest.importorskip("sqlalchemy", reason="needs the extra postgresql")

KEYS = {"campaign.cycles": 4, "campaign.velocity.cycles": 60, "thermal.start": "ambient"}
WORDS = [f"--set={key}={value}" for key, value in KEYS.items()]
AMBIENT = "--set=thermal.start=ambient"
NOBODY = "postgresql://somebody:secret@127.0.0.1:1/lab"


class StoppedError(Exception):
    """What interrupts a run."""


@pytest.fixture(scope="module")
def url(postgresql: str) -> str:
    """A database of our own on the server."""
    from sqlalchemy import create_engine, make_url

    server = make_url(postgresql).set(drivername="postgresql+psycopg")
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE laboratory")
    engine.dispose()
    return server.set(drivername="postgresql", database="laboratory").render_as_string(hide_password=False)


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """What a command says with --json."""

    def say(*words: str) -> dict[str, Any]:
        assert main([*words, "--json"]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return say


def interrupted(url: str, name: str, at: int, cycles: int = 4) -> None:
    """A run that stops after so many steps."""
    experiment = scenarios.load("kbmini_tmtp").with_({**KEYS, "campaign.cycles": cycles})

    def stop(step: object, finished: int, total: int) -> None:
        if finished == at:
            raise StoppedError

    with SharedRuns(f"{url}#{name}") as runs, pytest.raises(StoppedError):
        experiment.run(store=runs.begin(experiment.scenario.to_yaml(), "").store, progress=stop)


def same(a: Path, b: Path) -> None:
    """The blocks of two files are the same, to the bit."""
    for mine, others in zip(read_blocks(a), read_blocks(b), strict=True):
        assert len(mine) == len(others) > 0
        for one, other in zip(mine, others, strict=True):
            assert one.values.tobytes() == other.values.tobytes()
            assert {**one.__dict__, "values": 0} == {**other.__dict__, "values": 0}


def test_a_run_stays_in_the_database_with_all_that_is_known_of_it(
    url: str, tmp_path: Path, told: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept"
    made = told("run", "kbmini_tmtp", *WORDS, "--store", f"{url}#first", "--out", str(kept), "--no-report")
    listed = told("runs", "list", url)["runs"]
    assert [(run["scenario"], run["status"], run["mass_kg"]) for run in listed] == [
        ("kbmini_tmtp", "finished", made["result"]["mass_kg"])
    ]
    assert told("runs", "show", f"{url}#first")["result"] == made["result"]
    assert json.loads((kept / "result.json").read_text()) == made  # files as without a database
    folder = tmp_path / "again"
    assert main(["export", f"{url}#first", "--format", "folder", "--out", str(folder)]) == 0
    assert sorted(os.listdir(folder)) == sorted(os.listdir(kept)) == ["result.json", "run.nc", "scenario.yaml"]
    same(kept / "run.nc", folder / "run.nc")
    capsys.readouterr()
    compared = told("compare", f"{url}#first", str(kept))
    assert compared["scenarios"] == [] and compared["results"] == {}


def test_an_interrupted_run_is_shown_and_goes_on(
    url: str, tmp_path: Path, told: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted(url, "half", 15, cycles=5)
    place = f"{url}#half"
    shown = told("runs", "show", place)
    assert (shown["status"], shown["steps_finished"], shown["cycles_so_far"]) == ("under way", 15, 2)
    assert main(["export", place, "--format", "folder", "--out", str(tmp_path / "half")]) == 2
    assert "has not finished; go on with it with run --resume" in capsys.readouterr().err
    assert main(["export", place, "--out", str(tmp_path / "half.nc")]) == 0
    assert "15 of 30 steps; this is what it has" in capsys.readouterr().err
    with SharedRuns(place) as runs:
        assert len(read_blocks(tmp_path / "half.nc")[0]) == len(runs.one().store.blocks("readings"))
    straight = scenarios.load("kbmini_tmtp").with_({**KEYS, "campaign.cycles": 5}).run().summary()
    assert main(["run", "nist4_tmtp", "--resume", place]) == 2
    assert "of another scenario" in capsys.readouterr().err
    resumed = told("run", "--resume", place)
    assert resumed["result"] == straight["result"] and resumed["steps_resumed"] == 15
    again = told("run", "--resume", place)
    assert again["result"] == straight["result"] and again["steps_run"] == 0


def test_a_killed_run_loses_nothing(url: str, tmp_path: Path) -> None:
    """It goes on to what it would have been without that."""
    place = f"{url}#killed"
    process = _started(tmp_path, *SCENARIO, "--set=campaign.cycles=24", AMBIENT, "--store", place)
    while (steps := _finished_steps(place)) < 3 and process.poll() is None:
        pass
    process.send_signal(signal.SIGKILL)
    assert ended(process)[0] == -signal.SIGKILL
    assert steps <= (reached := _finished_steps(place)) < 144
    assert main(["run", "--resume", place]) == 0
    whole = load("kbmini_tmtp", [word.removeprefix("--set=") for word in SCENARIO[1:]]).with_(
        {"campaign.cycles": 24, "thermal.start": "ambient"}
    )
    straight = whole.run()
    with SharedRuns(place) as runs:
        resumed = runs.one()
        assert resumed.summary is not None and resumed.summary["steps_resumed"] == reached
        assert resumed.summary["result"] == json.loads(json.dumps(straight.summary()["result"]))
        for kept, blocks in (("readings", straight.readings), ("truth", straight.truth)):
            pairs = list(zip(resumed.store.blocks(kept), blocks, strict=True))
            assert pairs and all(a.values.tobytes() == b.values.tobytes() for a, b in pairs)


def _started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM, "run", "--json", "--no-report", *arguments]
    return subprocess.Popen(
        command, cwd=folder, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )


def _finished_steps(place: str) -> int:
    with SharedRuns(place) as runs:
        for run in runs.all():
            if run.name == runs.name and run.store.has_checkpoint:
                return int(run.store.state()["finished_steps"])
    return 0


def test_a_name_is_given_once_and_numbers_count_on(
    url: str, told: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(url, "taken", 0)
    assert main(["run", "kbmini_tmtp", *WORDS, "--store", f"{url}#taken"]) == 2
    assert "#taken is there already; choose another name, or go on with it with --resume" in capsys.readouterr().err
    monkeypatch.setenv("KIBBLE_TWIN_STORE", url)
    quick = ["moving_mode", "--set=campaign.frequencies=[1]", "--set=campaign.read_time=4"]
    for number in (1, 2):
        assert main(["run", *quick]) == 0
        assert f"#moving_mode-{number}\n" in capsys.readouterr().err
    names = [run["path"].rpartition("#")[2] for run in told("runs", "list")["runs"]]
    assert names[:3] == ["moving_mode-2", "moving_mode-1", "taken"]


def test_a_run_that_somebody_works_on_is_left_alone(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    interrupted(url, "busy", 2)
    with SharedRuns(f"{url}#busy") as runs:
        runs.one().claim()
        assert main(["run", "--resume", f"{url}#busy"]) == 2
    assert "another program is working on this run" in capsys.readouterr().err


def test_a_run_that_is_refused_leaves_nothing(
    url: str, told: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """An instrument that does not connect is found after the run has been entered."""
    before = told("runs", "list", url)["runs"]
    words = ["run", "tsinghua_environment_survey", "--set=balance.environment.hardware.driver=generic_station"]
    words += ["--set=balance.environment.hardware.resource=TCPIP::127.0.0.1::1::SOCKET"]
    words += ["--set=balance.environment.hardware.commands={identify: I, temperature: T}"]
    assert main([*words, "--store", f"{url}#refused"]) == 2
    err = capsys.readouterr().err
    assert "127.0.0.1::1::SOCKET does not connect" in err
    assert "#refused" in err.splitlines()[-2] and "refused before its first step; nothing is kept" in err
    assert told("runs", "list", url)["runs"] == before
    interrupted(url, "refused", 2)  # the name is free


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("runs", "list", NOBODY), "postgresql://somebody:***@127.0.0.1:1/lab"),
        (("run", "kbmini_tmtp", "--store", NOBODY), "postgresql://somebody:***@127.0.0.1:1/lab"),
        (("run", "--resume", NOBODY + "#a"), "postgresql://somebody:***@127.0.0.1:1/lab"),
        (("runs", "show", NOBODY), "which run?"),
        (("run", "kbmini_tmtp", "--store", "lab.db"), "expected postgresql://user@host/database, not lab.db"),
    ],
)
def test_bad_input_is_one_line(words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words]) == 2
    out, err = capsys.readouterr()
    assert message in err and err.count("\n") == 1 and "secret" not in out + err


def test_a_run_that_is_not_there(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "show", f"{url}#nothing"]) == 2
    assert "has no run nothing; see kibble-twin runs list" in capsys.readouterr().err
