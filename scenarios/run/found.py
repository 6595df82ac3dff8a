"""The runs of a folder: finished ones, and those under way or interrupted, which can be reduced from what they have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from scenarios.run.execute import concluded
from scenarios.run.experiment import Experiment, load
from scenarios.run.measured import Measured, known_to, own_reduction
from scenarios.run.output import SUMMARY, OutputError, OutputFolder
from scenarios.run.result import Result
from scenarios.run.shadow import good
from twin.recorder import Blocks
from twin.store import RunStore

DEPTH = 4
"""Folders below the one that is searched."""


@dataclass(frozen=True)
class FoundRun:
    """A run in a folder.

    Parameters
    ----------
    path : the folder of its results, also while it is under way.
    status : whether it has finished; a run under way may be one that was interrupted.
    changed : when it was last written (s since 1970).
    scenario, campaign, seed : what was run.
    steps, steps_total : of the campaign, that have finished.
    summary : of a finished run; empty for another.
    """

    path: Path
    status: Literal["finished", "under way"]
    changed: float
    scenario: str
    campaign: str
    seed: int
    steps: int
    steps_total: int
    summary: dict[str, Any]


def find(root: Path) -> list[FoundRun]:
    """All runs in and below a folder, the one that was written last first.

    Raises
    ------
    OutputError
        If there is no such folder.
    """
    if not root.is_dir():
        raise OutputError(f"{root}: no such folder")
    found = [run for folder in _folders(root, DEPTH) for run in _runs(folder)]
    return sorted(found, key=lambda run: -run.changed)


def look(path: Path) -> FoundRun:
    """The run of a folder.

    Raises
    ------
    OutputError
        If it holds none.
    """
    for run in _runs(path):
        return run
    raise OutputError(f"{path} holds no run; give a folder that run --out has written, or is writing")


def so_far(run: FoundRun) -> tuple[Result | Measured, int]:
    """What a run under way has found: the reduction of its finished cycles, and how many these are.

    Raises
    ------
    OutputError
        If no cycle has finished.
    ReductionError
        If the cycles that have finished do not suffice.
    """
    folder = OutputFolder(run.path)
    experiment = load(folder.scenario_file)
    with RunStore(folder.partial) as store:
        readings, truth = good(store.blocks("readings"), store.blocks("log")), store.blocks("truth")
    return _reduced(experiment, run.steps, readings, truth)


def _reduced(experiment: Experiment, finished: int, readings: Blocks, truth: Blocks) -> tuple[Result | Measured, int]:
    steps, scenario = experiment.plan(), experiment.scenario
    open_ = {step.cycle for step in steps[finished:]}
    whole = sorted({step.cycle for step in steps} - open_)
    if not whole:
        raise OutputError(f"{scenario.name}: no cycle has finished yet; wait for the first")
    end = sum(step.duration for step in steps if step.cycle in whole)
    kept = Blocks([block for block in readings if block.schedule.end <= end])
    known = Blocks([block for block in truth if block.schedule.end <= end])
    shorter = scenario.with_({"campaign.cycles": len(whole)}) if own_reduction(scenario) is None else scenario
    return concluded(shorter, known_to(shorter), kept, known), len(whole)


def _folders(root: Path, depth: int) -> Iterator[Path]:
    """A folder and those below it; not into those of runs."""
    yield root
    if depth == 0 or (root / SUMMARY).is_file():
        return
    try:
        below = sorted(path for path in root.iterdir() if path.is_dir() and not path.is_symlink())
    except OSError:
        return
    for path in below:
        if path.name.startswith(".") and path.name.endswith(".partial"):
            yield path.with_name(path.name[1 : -len(".partial")])
        elif not path.name.startswith("."):
            yield from _folders(path, depth - 1)


def _runs(path: Path) -> Iterator[FoundRun]:
    """The run under way in a folder, or else the finished one."""
    folder = OutputFolder(path)
    if folder.is_under_way:
        yield _under_way(folder)
    elif folder.is_finished:
        yield _finished(folder)


def _finished(folder: OutputFolder) -> FoundRun:
    file = folder.target / SUMMARY
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        return FoundRun(
            folder.path,
            "finished",
            file.stat().st_mtime,
            str(told["scenario"]),
            str(told["campaign"]),
            int(told["seed"]),
            int(told["steps_total"]),
            int(told["steps_total"]),
            told,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(f"{file} is no summary of a run: {error}") from None


def _under_way(folder: OutputFolder) -> FoundRun:
    experiment = load(folder.scenario_file)
    scenario, steps = experiment.scenario, 0
    changed = folder.scenario_file.stat().st_mtime
    with RunStore(folder.partial) as store:
        if store.has_checkpoint:
            steps = int(store.state()["finished_steps"])
            changed = max(path.stat().st_mtime for path in store.file.parent.glob(f"{store.file.name}*"))
    total = len(experiment.plan())
    name, campaign = scenario.name, scenario.campaign_type
    return FoundRun(folder.path, "under way", changed, name, campaign, scenario.seed, steps, total, {})
