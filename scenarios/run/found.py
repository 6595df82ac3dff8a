"""The runs of a folder: finished ones, and those under way or interrupted, which can be reduced from what they have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from scenarios.run.execute import concluded
from scenarios.run.experiment import Experiment, load, load_text
from scenarios.run.export import provenance, write_blocks
from scenarios.run.measured import Measured, known_to, own_reduction
from scenarios.run.output import BLOCKS, SCENARIO, SUMMARY, OutputError, OutputFolder
from scenarios.run.record import moment, package_version
from scenarios.run.result import Result
from scenarios.run.shadow import good
from scenarios.run.shared import SharedRun, SharedRuns, is_url, results
from twin.recorder import Blocks
from twin.store import RunStore

DEPTH = 4
"""Folders below the one that is searched."""


@dataclass(frozen=True)
class FoundRun:
    """A run in a folder.

    Parameters
    ----------
    path : the folder of its results, also while it is under way; of a run in a shared database, ``URL#NAME``.
    status : whether it has finished; a run under way may be one that was interrupted.
    changed : when it was last written (s since 1970).
    scenario, campaign, seed : what was run.
    steps, steps_total : of the campaign, that have finished.
    summary : of a finished run; empty for another.
    """

    path: Path | str
    status: Literal["finished", "under way"]
    changed: float
    scenario: str
    campaign: str
    seed: int
    steps: int
    steps_total: int
    summary: dict[str, Any]


def find(place: Path | str) -> list[FoundRun]:
    """All runs in and below a folder, or in a shared database; the one that was written last first.

    Raises
    ------
    OutputError
        If there is no such folder.
    """
    if is_url(place):
        with SharedRuns(str(place)) as runs:
            return [_shared(run) for run in runs.all()]
    root = Path(place)
    if not root.is_dir():
        raise OutputError(f"{root}: no such folder")
    found = [run for folder in _folders(root, DEPTH) for run in _runs(folder)]
    return sorted(found, key=lambda run: -run.changed)


def look(place: Path | str) -> FoundRun:
    """The run of a folder, or the one of that name in a shared database.

    Raises
    ------
    OutputError
        If it holds none.
    """
    if is_url(place):
        with SharedRuns(str(place)) as runs:
            return _shared(runs.one())
    for run in _runs(Path(place)):
        return run
    raise OutputError(f"{place} holds no run; give a folder that run --out has written, or is writing")


def so_far(run: FoundRun) -> tuple[Result | Measured, int]:
    """What a run under way has found: the reduction of its finished cycles, and how many these are.

    Raises
    ------
    OutputError
        If no cycle has finished.
    ReductionError
        If the cycles that have finished do not suffice.
    """
    with opened(run.path) as (experiment, store):
        readings, truth = good(store.blocks("readings"), store.blocks("log")), store.blocks("truth")
    return _reduced(experiment, run.steps, readings, truth)


@contextmanager
def kept(place: Path | str) -> Iterator[tuple[Path, FoundRun | None]]:
    """The folder with the results of a run; of one that has not finished a temporary one, with blocks and scenario
    alone, and what is known of it.

    Raises
    ------
    OutputError
        If there is no such run, or it has recorded nothing yet.
    """
    path = None if is_url(place) else OutputFolder(Path(place))
    if path is not None and (path.is_finished or not path.is_under_way):
        yield Path(place), None
        return
    run = look(place)
    if run.status == "finished":
        with results(place) as folder:
            yield folder, None
        return
    with TemporaryDirectory(prefix="kibble-twin-") as made:
        _write_so_far(run, Path(made))
        yield Path(made), run


def _write_so_far(run: FoundRun, folder: Path) -> None:
    """What a run under way has recorded, as a finished one would have it, and its scenario."""
    with opened(run.path) as (experiment, store):
        log, truth = store.blocks("log"), store.blocks("truth")
        readings = good(store.blocks("readings"), log)
        began = store.state().get("began_s") if store.has_checkpoint else None
    if not len(readings):
        raise OutputError(f"{run.path}: nothing has been recorded yet")
    hardware = {} if began is None else {"began": moment(began)}
    about = provenance({"version": package_version(), "hardware": hardware}, experiment.scenario)
    write_blocks(folder / BLOCKS, readings, truth, about, log)
    (folder / SCENARIO).write_text(experiment.scenario.to_yaml(), encoding="utf-8")


@contextmanager
def opened(place: Path | str) -> Iterator[tuple[Experiment, RunStore]]:
    """A run under way, and its store."""
    if is_url(place):
        with SharedRuns(str(place)) as runs:
            run = runs.one()
            yield load_text(run.scenario, run.place), run.store
    else:
        folder = OutputFolder(Path(place))
        with RunStore(folder.partial) as store:
            yield load(folder.scenario_file), store


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


def _shared(run: SharedRun) -> FoundRun:
    if run.summary is not None:
        return _told(run.place, run.changed, run.summary)
    store = run.store
    return _going_on(run.place, run.changed, load_text(run.scenario, run.place), store)


def _finished(folder: OutputFolder) -> FoundRun:
    file = folder.target / SUMMARY
    try:
        return _told(folder.path, file.stat().st_mtime, json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(f"{file} is no summary of a run: {error}") from None


def _under_way(folder: OutputFolder) -> FoundRun:
    begun = folder.scenario_file.stat().st_mtime
    with RunStore(folder.partial) as store:
        return _going_on(folder.path, begun, load(folder.scenario_file), store)


def _told(path: Path | str, changed: float, told: dict[str, Any]) -> FoundRun:
    """A finished run, by its summary."""
    total = int(told["steps_total"])
    name, campaign, seed = str(told["scenario"]), str(told["campaign"]), int(told["seed"])
    return FoundRun(path, "finished", changed, name, campaign, seed, total, total, told)


def _going_on(path: Path | str, begun: float, experiment: Experiment, store: RunStore) -> FoundRun:
    """A run under way, by its store."""
    scenario, total, steps, changed = experiment.scenario, len(experiment.plan()), 0, begun
    if store.has_checkpoint:
        steps, changed = int(store.state()["finished_steps"]), store.saved or begun
    name, campaign = scenario.name, scenario.campaign_type
    return FoundRun(path, "under way", changed, name, campaign, scenario.seed, steps, total, {})
