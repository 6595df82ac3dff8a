"""``kibble-twin export``: the readings of a run in a format that other programs read."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scenarios.cli.arguments import Json
from scenarios.cli.exit_codes import UsageError
from scenarios.cli.terminal import note, show, show_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenarios.run.found import FoundRun

SUFFIXES = {"kibbg2": ".kibbg2", "netcdf": ".nc", "csv": ".csv", "mat": ".mat", "folder": ""}
SHOWN = 5
"""Of what a format has no place for, as many are named."""


def export(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="The folder of a run, as run --out has named it, or URL#NAME.", show_default=False
        ),
    ],
    format_: Annotated[
        Literal["kibbg2", "netcdf", "csv", "mat", "folder"],
        typer.Option(
            "--format",
            help="kibbg2: the folder of NIST's balance, for its viewer; netcdf: every block with units and labels, for "
            "xarray; csv: a row for each reading; mat: for MATLAB; folder: as run --out writes it.",
        ),
    ] = "netcdf",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="PATH",
            help="Where to; by default beside RUN, or here for one of a database, with the format's suffix.",
        ),
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            "--start",
            help="For kibbg2: when the run began. By default when it did, in UTC, if instruments were real; virtual "
            "time has no date, and 2000-01-01 is taken.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the readings of a run for other programs. What is there already is not replaced.

    Of a run that is under way or was interrupted, what it has recorded; kibbg2: of its finished cycles.
    """
    from scenarios.cli.progress import busy
    from scenarios.run.found import kept
    from scenarios.run.reopen import check_folder
    from scenarios.run.shared import is_url

    target = out if out is not None else Path(f"{run.rpartition('#')[2] if is_url(run) else run}{SUFFIXES[format_]}")
    if target.exists():
        raise UsageError(f"{target} is there already; move it, or choose another place with --out")
    if not target.absolute().parent.is_dir():
        raise UsageError(f"{target}: {target.absolute().parent} is no folder; make it first")
    left_out: list[str] = []
    with kept(run) as (folder, unfinished):
        check_folder(folder)
        if unfinished is not None and format_ == "folder":
            raise UsageError(f"{run} has not finished; go on with it with run --resume, or choose another format")
        with busy(f"writing {target}"):
            _at_once(target, lambda path: left_out.extend(_written(folder, format_, path, start, unfinished)))
    if unfinished is not None:
        note(f"note: {run} has not finished, {unfinished.steps} of {unfinished.steps_total} steps; this is what it has")
    for what in left_out[:SHOWN]:
        note(f"note: left out, the format has no place for it: {what}")
    if len(left_out) > SHOWN:
        note(f"note: and {len(left_out) - SHOWN} more, which --json lists")
    if as_json:
        show_json({"run": run, "format": format_, "written": str(target), "left_out": left_out})
    else:
        show(f"wrote {target}")


def _written(folder: Path, format_: str, path: Path, start: datetime | None, unfinished: FoundRun | None) -> list[str]:
    """Write a run; what was left out."""
    from scenarios.run.export import read_blocks
    from scenarios.run.output import BLOCKS

    if format_ == "netcdf":
        import shutil

        shutil.copyfile(folder / BLOCKS, path)
    elif format_ == "folder":
        import shutil

        shutil.copytree(folder, path)
    elif format_ == "mat":
        from scenarios.run.tables import write_mat

        write_mat(folder / BLOCKS, path)
    elif format_ == "csv":
        from scenarios.run.tables import write_csv

        write_csv(read_blocks(folder / BLOCKS)[0], path)
    else:
        return _as_kibbg2(folder, path, start, unfinished)
    return []


def _as_kibbg2(folder: Path, path: Path, start: datetime | None, unfinished: FoundRun | None) -> list[str]:
    from scenarios.run.export import ExportError, began
    from scenarios.run.found import so_far
    from scenarios.run.kibbg2 import START, write_kibbg2
    from scenarios.run.output import BLOCKS
    from scenarios.run.reopen import reopen
    from scenarios.run.result import Result

    result, _ = reopen(folder) if unfinished is None else so_far(unfinished)
    if not isinstance(result, Result):
        campaign = result.scenario.campaign_type
        raise ExportError(f"{folder}: {campaign} weighs nothing; the KIBB-g2 format has no place for it")
    measured = began(folder / BLOCKS)
    return write_kibbg2(result, path, start=start or (measured.replace(tzinfo=None) if measured else START))


def _at_once(target: Path, write: Callable[[Path], None]) -> None:
    """Write a file or a folder beside its place, and put it there when it is complete."""
    import shutil

    fresh = target.with_name(f".{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.unlink(missing_ok=True)
    try:
        write(fresh)
        fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.unlink(missing_ok=True)
