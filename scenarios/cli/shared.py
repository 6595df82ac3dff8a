"""Runs that are kept in a database which a laboratory shares, as ``kibble-twin run`` makes and resumes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from scenarios.cli.arguments import check_arm
from scenarios.cli.exit_codes import InterruptedRunError
from scenarios.cli.progress import Bar
from scenarios.cli.terminal import note
from scenarios.run.output import OutputError, OutputFolder
from scenarios.run.shared import SharedRun, SharedRuns
from twin.errors import CheckpointError

if TYPE_CHECKING:
    from scenarios.run.experiment import Experiment

VARIABLE = "KIBBLE_TWIN_STORE"
"""The environment variable with the database that is used if none is given."""
Summary = dict[str, Any]
Report = Callable[[Any, OutputFolder], None]
"""Draws the report of a result into its folder."""


def run_anew(
    chosen: Experiment, place: str, out: Path | None, *, arm: bool, shadow: bool, report: Report | None
) -> Summary:
    """Run from the beginning, kept in a database; its results in a folder too, if one is given, with their report."""
    chosen.check()
    with ExitStack() as stack:
        folder = None if out is None else _claimed(out, stack)
        runs = stack.enter_context(SharedRuns(place, durable=bool(chosen.scenario.hardware)))
        run = runs.begin(chosen.scenario.to_yaml(), chosen.scenario.name)
        note(f"note: kept as {run.place}")
        try:
            return _finished(chosen, run, folder, resume=False, arm=arm, shadow=shadow, report=report)
        except InterruptedRunError:
            raise
        except Exception:
            with suppress(CheckpointError):  # the database may be what has failed
                if run.forget_unbegun():
                    note(f"note: it was refused before its first step; nothing is kept as {run.place}")
                elif chosen.scenario.hardware:
                    note(f"note: what was measured is kept; go on with: {_how_to_go_on(run, arm)}")
            raise


def resume(place: str, given: Experiment | None, *, arm: bool, shadow: bool) -> Summary:
    """Go on with a run of a database, or show its result if it had finished."""
    from scenarios.run.experiment import load_text

    with SharedRuns(place) as runs:
        run = runs.one()
        chosen = load_text(run.scenario, run.place)
        if given is not None and given.scenario != chosen.scenario:
            raise OutputError(f"{run.place} is of another scenario; leave the scenario out")
        check_arm(chosen, arm)
        if run.summary is not None:
            note(f"note: the run {run.place} had finished; this is its result")
            return {**run.summary, "steps_resumed": run.summary["steps_total"], "steps_run": 0}
        run.claim()
        return _finished(chosen, run, None, resume=run.store.has_checkpoint, arm=arm, shadow=shadow)


def _claimed(out: Path, stack: ExitStack) -> OutputFolder:
    folder = OutputFolder(out)
    folder.check()
    stack.enter_context(folder.claimed())
    if folder.is_under_way:
        raise OutputError(f"{out}: there is an unfinished run; go on with it with --resume, or choose another --out")
    if folder.is_finished:
        note(f"note: replaces the finished run of {out}: {folder.told}")
    return folder


def _how_to_go_on(run: SharedRun, arm: bool) -> str:
    return f"kibble-twin run --resume {quote(run.place)}{' --arm' if arm else ''}"


def _finished(
    chosen: Experiment,
    run: SharedRun,
    folder: OutputFolder | None,
    *,
    resume: bool,
    arm: bool,
    shadow: bool,
    report: Report | None = None,
) -> Summary:
    """Run to the end and keep the result.

    Raises
    ------
    InterruptedRunError
        Saying how to go on.
    """
    try:
        with Bar(chosen, resume=resume) as bar:
            result = chosen.run(store=run.store, resume=resume, progress=bar, arm=arm, shadow=shadow, tell=note)
        summary: Summary = json.loads(json.dumps(result.summary(), allow_nan=False))
        run.finish(summary)
    except KeyboardInterrupt:
        how = _how_to_go_on(run, arm)
        raise InterruptedRunError(f"interrupted; what was recorded is in {run.place}; go on with: {how}") from None
    if folder is not None:
        folder.finish(replace(run, summary=summary).write)
        if report is not None:
            report(result, folder)
    return summary
