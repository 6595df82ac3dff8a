"""``kibble-twin run``: what it prints and what it keeps; a resumed run is the same as one that was not interrupted."""

from __future__ import annotations

import json
import math
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from scenarios.cli import run as command
from scenarios.cli.app import main
from scenarios.run import execute as execution
from scenarios.run.export import read_blocks
from twin.store import RunStore

SHORT = [
    "kbmini_tmtp",
    *(f"--set=campaign.{key}" for key in ("cycles=2", "weighing.count=5", "weighing.duration=60 s")),
    *(f"--set=campaign.weighing.{key}" for key in ("window_start=20 s", "window_end=40 s")),
    "--set=campaign.velocity.cycles=10",
    "--no-report",
]
STEPS = 12


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result of a run that was not interrupted."""
    folder = tmp_path_factory.mktemp("run") / "whole"
    assert main(["run", *SHORT, "--out", str(folder)]) == 0
    return folder


def summary(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """What ``run --json`` prints."""
    assert main(["run", "--json", *arguments]) == 0
    text = capsys.readouterr().out
    assert text.count("\n") == 1
    found: dict[str, Any] = json.loads(text, parse_constant=pytest.fail)
    return found


ALPHA = (
    "--set=balance.magnet.temperature_coefficient=-1e-3",
    "--set=reduction.corrections.temperature=false",
)
HOW = ("wall_s", "events", "steps_resumed", "steps_run", "parent", "differences")


def lasting(found: dict[str, Any]) -> dict[str, Any]:
    """A summary without what tells how it was run."""
    return {k: v for k, v in found.items() if k not in HOW}


def data(folder: Path) -> list[np.ndarray[Any, Any]]:
    """All readings and all truth in a result folder."""
    return [block.values for blocks in read_blocks(folder / "run.nc") for block in blocks]


def interrupted(monkeypatch: pytest.MonkeyPatch, step: int, *arguments: str) -> int:
    """The exit code of a run that is interrupted after a step."""
    save = RunStore.save

    def saving(self: RunStore, state: dict[str, Any]) -> None:
        save(self, state)
        if state["finished_steps"] == step:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunStore, "save", saving)
        return main(["run", *arguments])


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    """One object with all that the documentation promises, floats to the last digit."""
    found = summary(capsys, *SHORT)
    keys = {"scenario", "campaign", "seed", "version", "virtual_s", "wall_s", "events", "samples", "true", "result"}
    assert keys | {"thermal", "steps_total", "steps_run", "steps_resumed"} <= set(found)
    assert {"mass_kg", "u_mass_kg", "relative_error", "u_relative", "bl_Tm"} <= set(found["result"])
    assert {"delta_t_f_K", "delta_t_m_K", "delay_s", "epsilon"} == set(found["thermal"])
    assert found["result"]["relative_error"] == found["result"]["mass_kg"] / found["true"]["mass_kg"] - 1.0
    assert (found["steps_total"], found["steps_run"], found["steps_resumed"]) == (STEPS, STEPS, 0)
    assert lasting(found) == lasting(summary(capsys, *SHORT))
    budget, result = found["result"]["budget"], found["result"]
    total = math.sqrt(sum((line["sensitivity"] * line["u"]) ** 2 for line in budget))
    assert total == pytest.approx(result["u_mass_kg"], rel=1e-12)
    assert {line["kind"] for line in budget} == {"A", "B"} and all(line["label"] and line["unit"] for line in budget)
    assert result["expanded_u_kg"] == result["coverage_factor"] * result["u_mass_kg"]


def test_a_fault_after_the_end_is_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    late = "faults.late={component: voltage_reference, fault: step, time: 100 h, size: 1 ppm}"
    assert main(["check", "kbmini_tmtp", "--set", late]) == 0
    assert "faults.late begins after the end of the campaign" in capsys.readouterr().err


def test_for_a_reader(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Mass with its uncertainty and unit, in 80 columns, without colour or progress in a pipe."""
    assert main(["run", *SHORT]) == 0
    found = capsys.readouterr()
    assert found.err == "" and "\x1b" not in found.out
    assert max(map(len, found.out.splitlines())) <= 80
    for symbol, unit in (
        ("m", "kg"),
        ("u(m)", "ppm"),
        ("m − m_true", "g"),
        ("Bl", "T·m"),
        ("δT_m", "K"),
        ("delay", "s"),
    ):
        assert any(line.strip().startswith(f"{symbol} = ") and unit in line for line in found.out.splitlines()), symbol


def test_ideal_then_one_effect(capsys: pytest.CaptureFixture[str]) -> None:
    """``--ideal`` is closure to 1e-12; a setting turns a single effect on again."""
    assert abs(summary(capsys, *SHORT, "--ideal")["result"]["relative_error"]) < 1e-12
    found = summary(capsys, *SHORT, "--ideal", *ALPHA)
    bias = found["thermal"]["epsilon"]
    assert abs(found["result"]["relative_error"]) > 1e-9 and bias != 0.0


def test_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Summary, blocks and the resolved scenario, which runs to the same result; nothing else stays."""
    found = summary(capsys, *SHORT, "--out", "kept")
    assert sorted(os.listdir()) == ["kept"]
    assert sorted(os.listdir("kept")) == ["result.json", "run.nc", "scenario.yaml"]
    assert json.loads(Path("kept/result.json").read_text()) == found
    again = summary(capsys, "kept/scenario.yaml")
    assert lasting(again) == lasting(found)
    with xr.open_dataset("kept/run.nc", engine="h5netcdf") as file:
        assert file.attrs["scenario_hash"] == found["scenario_hash"]
        assert file.attrs["scenario"] == Path("kept/scenario.yaml").read_text()
        assert sum(variable.size for variable in file.data_vars.values()) == found["samples"]


@pytest.mark.parametrize("step", [0, 1, 4, 5, 10])
def test_resumed_run_is_the_same(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, whole: Path, step: int
) -> None:
    """Interrupted after any step, no finished step runs again, and every reading is the same to the last bit."""
    assert interrupted(monkeypatch, step, *SHORT, "--out", "a folder") == 130
    message = capsys.readouterr().err
    assert message == "error: interrupted; go on with: kibble-twin run --resume 'a folder'\n"
    assert not Path("a folder").exists()
    assert main(["run", "--resume", "a folder", "--json"]) == 0
    found = capsys.readouterr()
    rest = json.loads(found.out)
    assert found.err == (
        f"note: resuming at step {step + 1} of {STEPS}\n" if step < STEPS else "note: all 12 steps had finished\n"
    )
    assert (rest["steps_total"], rest["steps_resumed"], rest["steps_run"]) == (STEPS, step, STEPS - step)
    assert lasting(rest) == lasting(json.loads((whole / "result.json").read_text()))
    assert all(np.array_equal(a, b) for a, b in zip(data(Path("a folder")), data(whole), strict=True))
    assert sorted(os.listdir()) == ["a folder"]


def test_run_interrupted_before_its_first_step(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can be resumed too; it starts at step 1."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(execution, "start_in_steady_state", interrupt)
        assert main(["run", *SHORT, "--out", "kept"]) == 130
    capsys.readouterr()
    assert main(["run", "--resume", "kept", "--json"]) == 0
    found = capsys.readouterr()
    assert found.err == f"note: resuming at step 1 of {STEPS}\n" and json.loads(found.out)["steps_run"] == STEPS


def test_resume_what_has_finished(capsys: pytest.CaptureFixture[str]) -> None:
    """Says so and shows the result."""
    found = summary(capsys, *SHORT, "--out", "kept")
    assert main(["run", "--resume", "kept", "--json"]) == 0
    again = capsys.readouterr()
    assert again.err == "note: the run in kept had finished; this is its result\n"
    assert json.loads(again.out) == {**found, "steps_resumed": STEPS, "steps_run": 0}


def test_resume_nothing_or_another(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2."""
    assert main(["run", "--resume", "kept"]) == 2
    assert capsys.readouterr().err == "error: kept: there is no run to resume; start one with --out kept\n"
    assert interrupted(monkeypatch, 1, *SHORT, "--out", "kept") == 130
    capsys.readouterr()
    assert main(["run", *SHORT, "--set=seed=7", "--resume", "kept"]) == 2
    assert "is of another scenario" in capsys.readouterr().err
    assert main(["run", *SHORT, "--resume", "kept"]) == 0


def test_start_anew_over_an_unfinished_run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is discarded, with one line that says what would have continued it."""
    assert interrupted(monkeypatch, 3, *SHORT, "--set=seed=7", "--out", "kept") == 130
    capsys.readouterr()
    assert main(["run", *SHORT, "--out", "kept", "--json"]) == 0
    found = capsys.readouterr()
    assert found.err == "note: discards the unfinished run of kept; run --resume kept would have continued it\n"
    assert (json.loads(found.out)["steps_run"], json.loads(found.out)["seed"]) == (STEPS, 1)


def test_start_anew_over_a_finished_run(capsys: pytest.CaptureFixture[str]) -> None:
    """It is replaced, with one line that says what it was; one that cannot be read is no obstacle."""
    assert main(["run", *SHORT, "--set=name=older", "--out", "kept"]) == 0
    os.utime("kept/result.json", (0, datetime(2025, 3, 4, 5, 6).timestamp()))
    assert "replaces" not in capsys.readouterr().err
    assert main(["run", *SHORT, "--out", "kept"]) == 0
    assert "note: replaces the finished run of kept: older of 2025-03-04 05:06\n" in capsys.readouterr().err
    assert json.loads(Path("kept/result.json").read_text())["scenario"] == "kbmini_tmtp"
    Path("kept/result.json").write_text("[]")
    assert main(["run", *SHORT, "--out", "kept"]) == 0
    assert "replaces the finished run of kept: a result that cannot be read" in capsys.readouterr().err


def test_wrong_scenario_discards_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot run is refused before an unfinished run is given up."""
    assert interrupted(monkeypatch, 3, *SHORT, "--out", "kept") == 130
    loop = "--set=balance.wiring.current_source.demand=current_source.current"
    assert main(["run", *SHORT, loop, "--out", "kept"]) == 2
    assert main(["run", "--resume", "kept"]) == 0
    assert "resuming at step 4" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("out", "text"),
    [
        ("file", "is a file; choose a folder"),
        ("full", "holds notes.txt, which is no result of a run"),
        ("half", "result.json is missing"),
        ("no/such", "make it first"),
        ("file/below", "make it first"),
        ("x" * 300, "file name too long"),
    ],
)
def test_folder_that_is_in_the_way(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, out: str, text: str
) -> None:
    """Refused before the run starts, and nothing is changed."""
    Path("file").write_text("mine")
    Path("full").mkdir()
    Path("full/notes.txt").write_text("mine")
    Path("half").mkdir()
    Path("half/run.nc").write_text("mine")
    monkeypatch.setattr(command, "_simulate", pytest.fail)
    assert main(["run", *SHORT, "--out", out]) == 2
    found = capsys.readouterr()
    assert text in found.err and found.err.count("\n") == 1
    assert sorted(os.listdir()) == ["file", "full", "half"]
