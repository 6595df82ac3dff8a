"""kill -9 during ``run --out``: the folder is absent, the old result or the new one, and the run can be resumed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

from scenarios.run.export import read_blocks
from twin.store import RunStore

ROOT = Path(__file__).parents[2]
PROGRAM = (  # who runs the tests in the background ignores Ctrl-C, and so would the program
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from scenarios.cli.app import main; sys.exit(main())"
)
SCENARIO = [
    "kbmini_tmtp",
    *(f"--set=campaign.{key}" for key in ("cycles=40", "weighing.count=5", "weighing.duration=60 s")),
    *(f"--set=campaign.weighing.{key}" for key in ("window_start=20 s", "window_end=40 s")),
    "--set=campaign.velocity.cycles=10",
]
STEPS = 240


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """The program in a process of its own."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM, "run", "--json", "--no-report", *arguments]
    return subprocess.Popen(
        command, cwd=folder, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    out, err = process.communicate()
    return process.returncode, out, err


def finished_steps(partial: Path) -> int:
    """How many steps of the run under way have finished."""
    with RunStore(partial) as store:
        return int(store.state()["finished_steps"]) if store.has_checkpoint else 0


def killed(process: subprocess.Popen[str], partial: Path, at: int) -> int:
    """Kill the program once it has finished step `at`; how far it got."""
    while finished_steps(partial) < at and process.poll() is None:
        pass
    process.send_signal(signal.SIGKILL)
    code, _, err = ended(process)
    assert code == -signal.SIGKILL, err
    return finished_steps(partial)


def complete(folder: Path) -> dict[str, object]:
    """The summary of a result, whose files all belong to the same run."""
    assert sorted(os.listdir(folder)) == ["result.json", "run.nc", "scenario.yaml"]
    summary: dict[str, object] = json.loads((folder / "result.json").read_text())
    readings, _ = read_blocks(folder / "run.nc")
    assert readings.samples == summary["samples"]
    return summary


def test_kill_at_any_moment(tmp_path: Path) -> None:
    """Killed four times, over an older result; then it goes on to what it would have been without that."""
    draw = random.Random(1)
    kept, partial = tmp_path / "kept", tmp_path / ".kept.partial"
    old = [*SCENARIO, "--set=campaign.cycles=1", "--out", "kept"]
    assert ended(start(tmp_path, *old))[0] == 0
    older = complete(kept)
    reached = killed(start(tmp_path, *SCENARIO, "--out", "kept"), partial, draw.randrange(5, 30))
    assert complete(kept) == older
    for latest in (80, 130, 180):
        again = killed(start(tmp_path, "--resume", "kept"), partial, draw.randrange(reached + 1, latest))
        assert reached < again < STEPS  # it went on from where it was
        assert complete(kept) == older
        reached = again
    code, out, err = ended(start(tmp_path, "--resume", "kept"))
    assert code == 0 and err == f"note: resuming at step {reached + 1} of {STEPS}\n"
    summary = json.loads(out)
    assert (summary["steps_resumed"], summary["steps_run"]) == (reached, STEPS - reached)
    assert complete(kept) == summary
    assert os.listdir(tmp_path) == ["kept"]

    assert ended(start(tmp_path, *SCENARIO, "--out", "whole"))[0] == 0
    whole = complete(tmp_path / "whole")
    assert whole["result"] == summary["result"] and whole["thermal"] == summary["thermal"]
    for resumed, straight in zip(read_blocks(kept / "run.nc"), read_blocks(tmp_path / "whole" / "run.nc"), strict=True):
        assert len(resumed) == len(straight)
        assert all(np.array_equal(a.values, b.values) for a, b in zip(resumed, straight, strict=True))


def test_killed_run_without_older_result_leaves_none(tmp_path: Path) -> None:
    """The folder appears when it is complete, not before; a new run may start over what was left."""
    partial = tmp_path / ".kept.partial"
    killed(start(tmp_path, *SCENARIO, "--out", "kept"), partial, 7)
    assert os.listdir(tmp_path) == [".kept.partial"]
    code, _, err = ended(start(tmp_path, *SCENARIO, "--set=campaign.cycles=1", "--out", "kept"))
    assert code == 0 and err.startswith("note: discards the unfinished run of kept")
    complete(tmp_path / "kept")
    assert os.listdir(tmp_path) == ["kept"]


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    """The second one is refused, and the first one goes on."""
    first = start(tmp_path, *SCENARIO, "--set=campaign.cycles=400", "--out", "kept")
    while finished_steps(tmp_path / ".kept.partial") < 1:
        assert first.poll() is None
    code, _, err = ended(start(tmp_path, *SCENARIO, "--out", "kept"))
    assert code == 2 and "another run is writing there" in err
    first.send_signal(signal.SIGINT)
    code, _, err = ended(first)
    assert code == 130 and err == "error: interrupted; go on with: kibble-twin run --resume kept\n"
