"""The runs of a folder: finished, under way, and interrupted, which are reduced from what they have."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import scenarios
from scenarios.cli.app import main
from scenarios.run.experiment import Experiment
from scenarios.run.export import read_blocks
from scenarios.run.output import OutputFolder
from twin.recorder import Block, Schedule
from twin.store import RunStore

KEYS = {"campaign.cycles": 4, "campaign.velocity.cycles": 60, "thermal.start": "ambient"}
WORDS = [f"--set={key}={value}" for key, value in KEYS.items()]


class StoppedError(Exception):
    """What interrupts a run."""


def told(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main([*words, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def interrupted(folder: Path, experiment: Experiment, at: int) -> None:
    """A run that stops after so many steps, as one that is killed then."""
    output = OutputFolder(folder)

    def stop(step: object, finished: int, total: int) -> None:
        if finished == at:
            raise StoppedError

    with output.claimed():
        output.begin(experiment.scenario.to_yaml())
        with pytest.raises(StoppedError):
            experiment.run(store=output.partial, progress=stop)


def test_a_folder_with_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "kbmini_tmtp", *WORDS, "--no-report", "--out", str(tmp_path / "first")]) == 0
    (tmp_path / "deep" / "er").mkdir(parents=True)
    moving = ["moving_mode", "--set=campaign.frequencies=[1]", "--set=campaign.read_time=4", "--no-report"]
    assert main(["run", *moving, "--out", str(tmp_path / "deep" / "er" / "second")]) == 0
    interrupted(tmp_path / "third", scenarios.load("nist4_tmtp").with_({"campaign.velocity.pairs": 4}), 1)
    capsys.readouterr()
    found = told(capsys, "runs", "list", str(tmp_path))["runs"]
    assert [Path(run["path"]).name for run in found] == ["third", "second", "first"]
    assert [run["status"] for run in found] == ["under way", "finished", "finished"]
    assert [run["scenario"] for run in found] == ["nist4_tmtp", "moving_mode", "kbmini_tmtp"]
    assert found[2]["mass_kg"] == pytest.approx(1, abs=1e-6) and "mass_kg" not in found[1]
    assert (found[0]["steps"], found[2]["steps"]) == (1, found[2]["steps_total"])
    assert main(["runs", "list", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "1 of" in text and "m = " in text and "kbmini_tmtp" in text
    result = told(capsys, "runs", "show", str(tmp_path / "first"))
    written = json.loads((tmp_path / "first" / "result.json").read_text())
    assert result == {**written, "status": "finished", "steps_finished": written["steps_total"]}


@pytest.mark.parametrize("at", [12, 14, 17])
def test_an_interrupted_run_is_reduced_from_its_finished_cycles(
    at: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two cycles of six steps; it gives what a run of two cycles would have given, and goes on afterwards."""
    experiment = scenarios.load("kbmini_tmtp").with_(KEYS)
    interrupted(tmp_path / "half", experiment, at)
    found = told(capsys, "runs", "show", str(tmp_path / "half"))
    two = experiment.with_({"campaign.cycles": 2}).run().summary()
    assert found["result"] == two["result"]
    assert (found["cycles_so_far"], found["steps_finished"], found["status"]) == (2, at, "under way")
    assert main(["runs", "show", str(tmp_path / "half")]) == 0
    assert "kbmini_tmtp: tmtp, seed 1, 2 cycles so far\n" in capsys.readouterr().out
    assert main(["run", "--resume", str(tmp_path / "half"), "--no-report"]) == 0
    capsys.readouterr()
    whole = told(capsys, "runs", "show", str(tmp_path / "half"))
    assert whole["result"] == experiment.run().summary()["result"] and whole["steps_resumed"] == at


def test_what_an_interrupted_run_has_can_be_taken_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By whoever does not go on with it; nothing of it is touched, and what is written is what was recorded."""
    half, at = tmp_path / "half", 14
    interrupted(half, scenarios.load("kbmini_tmtp").with_(KEYS), at)
    for kind, suffix in (("netcdf", "nc"), ("csv", "csv"), ("mat", "mat"), ("kibbg2", "kibbg2")):
        assert main(["export", str(half), "--format", kind]) == 0
        errors = capsys.readouterr().err
        assert f"note: {half} has not finished, {at} of 24 steps; this is what it has" in errors
        assert half.with_suffix(f".{suffix}").exists()
    with RunStore(OutputFolder(half).partial) as store:
        kept = list(store.blocks("readings"))
    written, _ = read_blocks(tmp_path / "half.nc")

    def known(blocks: Iterable[Block]) -> dict[tuple[str, Schedule], list[list[float]]]:
        return {(f"{b.channel} {b.quantity}", b.schedule): b.values.tolist() for b in blocks}

    assert known(written) == known(kept)
    assert len((tmp_path / "half.csv").read_text().splitlines()) == 1 + sum(block.values.size for block in kept)
    assert main(["export", str(half), "--format", "folder", "--out", str(tmp_path / "other")]) == 2
    assert "has not finished; go on with it with run --resume" in capsys.readouterr().err
    assert OutputFolder(half).is_under_way and not half.exists()


def test_of_what_has_recorded_nothing_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    interrupted(tmp_path / "none", scenarios.load("kbmini_tmtp").with_(KEYS), 0)
    assert main(["export", str(tmp_path / "none"), "--format", "csv"]) == 2
    assert "nothing has been recorded yet" in capsys.readouterr().err
    assert not (tmp_path / "none.csv").exists()


def test_what_was_recorded_since_the_last_step_is_kept(tmp_path: Path) -> None:
    """The blocks of an interrupted step are in the store until the run resumes."""
    experiment = scenarios.load("kbmini_tmtp").with_(KEYS)
    interrupted(tmp_path / "half", experiment, 3)
    with RunStore(OutputFolder(tmp_path / "half").partial) as store:
        known = len(store.blocks("readings"))
        store.append("readings", next(iter(store.blocks("readings"))))
        assert len(store.blocks("readings")) == known + 1
        _, readings, _ = store.load()
    assert len(readings) == known


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["list", "nowhere"], "no such folder"),
        (["show", "."], "holds no run"),
        (["show", "early"], "no cycle has finished yet"),
        ([], "Missing command"),
    ],
)
def test_wrong_words(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if "early" in words:
        interrupted(tmp_path / "early", scenarios.load("kbmini_tmtp").with_(KEYS), 2)
    assert main(["runs", *words]) == 2
    assert said in capsys.readouterr().err


def test_no_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "list", str(tmp_path)]) == 0
    assert "no runs" in capsys.readouterr().out
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "result.json").write_text("[]")
    assert main(["runs", "list", str(tmp_path)]) == 2
    assert "is no summary of a run" in capsys.readouterr().err


def test_two_runs_are_compared_also_while_one_is_under_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = scenarios.load("kbmini_tmtp").with_(KEYS)
    assert main(["run", "kbmini_tmtp", *WORDS, "--no-report", "--out", str(tmp_path / "first")]) == 0
    steps = len(start.plan())
    interrupted(tmp_path / "second", start.with_(seed=2), steps // 2)
    capsys.readouterr()
    found = told(capsys, "runs", "compare", str(tmp_path / "first"), str(tmp_path / "second"))
    assert [d["key"] for d in found["scenarios"]] == ["seed"]
    assert found["b"].endswith("2 cycles so far")
    masses = found["results"]["result.mass_kg"]
    assert masses["a"] == pytest.approx(masses["b"], rel=1e-5) and masses["a"] != masses["b"]
    assert main(["runs", "compare", str(tmp_path / "first"), str(tmp_path / "first")]) == 0
    text = capsys.readouterr().out
    assert "the scenarios say the same" in text and "the results are the same" in text
    assert main(["runs", "compare", str(tmp_path / "first"), str(tmp_path / "none")]) == 2
    assert "holds no run" in capsys.readouterr().err
