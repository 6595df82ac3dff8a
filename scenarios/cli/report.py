"""``kibble-twin report``: the report of a run, made anew from what the run has recorded."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from scenarios.cli.arguments import Json
from scenarios.cli.summary import show_summary
from scenarios.cli.terminal import show, show_json


def report(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="The results of a run, as run --out has kept them.", show_default=False),
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY.PATH=VALUE",
            help="Reduce with another setting, such as reduction.drift_order=2. May be repeated.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make the report of a run: report.html and its pictures.

    The run's readings are reduced again; without --set the mass is that of the run, to the bit. Exit code 0: done;
    2: DIR holds no run, or bad settings; 3: the reduction failed.
    """
    from scenarios.cli.progress import busy
    from scenarios.report import add_report
    from scenarios.run.output import REPORT, OutputFolder
    from scenarios.run.reopen import check_folder, reopen

    check_folder(folder)
    output = OutputFolder(folder)
    with output.claimed():
        with busy("reducing the readings"):
            result, origin = reopen(folder, settings or ())
        with busy("drawing the report"):
            add_report(result, origin, output)
    known = {"parent": origin.parent, "differences": [asdict(difference) for difference in origin.differences]}
    summary = {**result.summary(), **known, "report": str(folder / REPORT)}
    if as_json:
        show_json(summary)
    else:
        show_summary(summary)
        show(f"report: {summary['report']}")
