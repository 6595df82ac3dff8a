"""``kibble-twin runs``: the runs of a folder, finished and under way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenarios.cli.arguments import Json, check_picture
from scenarios.cli.summary import show_summary
from scenarios.cli.terminal import note, show, show_json, show_table

if TYPE_CHECKING:
    from scenarios.run.found import FoundRun

runs = typer.Typer(
    help="The runs of a folder, finished and under way.",
    add_completion=False,
    rich_markup_mode=None,
)


@runs.command("list")
def list_(
    folder: Annotated[
        str,
        typer.Argument(
            metavar="DIR|URL", envvar="KIBBLE_TWIN_STORE", help="A folder to look in and below, or a shared database."
        ),
    ] = ".",
    as_json: Json = False,
) -> None:
    """List the runs in a folder and below, or in a shared database; the latest first."""
    from scenarios.run.found import find

    found = find(folder)
    if as_json:
        show_json({"runs": [_entry(run) for run in found]})
    elif not found:
        show(f"{folder}: no runs; kibble-twin run NAME --out DIR makes one")
    else:
        show_table(("run", "scenario", "seed", "written", "status", "result"), map(_row, found), right=(2,))


@runs.command("show")
def show_(
    folder: Annotated[str, typer.Argument(metavar="RUN", help="The folder of a run, or URL#NAME.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Show what a run has found; one that is under way, what its finished cycles tell.

    The readings of a run under way are reduced as they are; nothing of the run is touched.
    """
    from scenarios.run.found import look, so_far

    run = look(folder)
    summary = dict(run.summary)
    if run.status == "under way":
        result, cycles = so_far(run)
        summary = {**replace(result, steps_total=run.steps_total).summary(), "cycles_so_far": cycles}
        done = f"{run.steps} of {run.steps_total} steps"
        note(f"note: the run in {folder} is under way, {done}; this is of its {cycles} finished cycles")
    summary |= {"status": run.status, "steps_finished": run.steps}
    if as_json:
        show_json(summary)
    else:
        show_summary(summary)


_RUN = "A run, finished or under way: its folder, or URL#NAME in a database."


@runs.command("compare")
def compare_(
    first: Annotated[str, typer.Argument(metavar="A", help=_RUN, show_default=False)],
    second: Annotated[str, typer.Argument(metavar="B", help=_RUN, show_default=False)],
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw both masses: png, svg.")] = None,
    as_json: Json = False,
) -> None:
    """Compare two runs: what differs in their scenarios, and in what they have found.

    Of a run under way, what its finished cycles tell; nothing of it is touched.
    """
    from scenarios.cli.compare import tell
    from scenarios.studies.compare import Comparison, side_of_run

    if plot is not None:
        check_picture(plot)
    tell(Comparison(side_of_run(first), side_of_run(second)), plot, as_json=as_json)


def _entry(run: FoundRun) -> dict[str, Any]:
    """What JSON tells of a run."""
    known = {**vars(run), "path": str(run.path)}
    del known["summary"]
    result = run.summary.get("result", {})
    return {**known, **{key: result[key] for key in ("mass_kg", "u_mass_kg") if key in result}}


def _row(run: FoundRun) -> tuple[str, ...]:
    from datetime import datetime

    from scenarios.run.notebook import rows

    status = run.status if run.status == "finished" else f"{run.steps} of {run.steps_total} steps"
    result = rows(run.summary)[0] if run.summary else None
    told = f"{result.symbol} = {result.value}" if result else ""
    written = datetime.fromtimestamp(run.changed).strftime("%Y-%m-%d %H:%M")
    return str(run.path), run.scenario, str(run.seed), written, status, told
