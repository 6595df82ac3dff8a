"""``kibble-twin shadow``: what the twin says of the readings of a run, block by block."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scenarios.cli.arguments import Json, check_picture
from scenarios.cli.exit_codes import ALARM
from scenarios.cli.summary import is_alarming, shadow_notes
from scenarios.cli.terminal import note, show_json, show_table


def shadow(
    folder: Annotated[
        str, typer.Argument(metavar="RUN", help="A run, finished or under way: its folder, or URL#NAME.")
    ],
    members: Annotated[
        int, typer.Option(min=4, help="Twins with errors of their own, and as many with noise of their own.")
    ] = 16,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the residuals: png, svg.")] = None,
    as_json: Json = False,
) -> None:
    """Judge what a run has read by twins beside it.

    They are told what the run's instruments were told, at the same times. The band of a reading is that of noise and
    certificates. Nothing of the run is changed. Exit code 0: all is within its band; 4: something is not, or nothing
    could be judged; 2: RUN holds no run.
    """
    from scenarios.cli.progress import busy
    from scenarios.run.notebook import with_prefix
    from scenarios.run.recorded import recorded
    from scenarios.run.shadow import Shadow

    if plot is not None:
        check_picture(plot)
    run = recorded(folder)
    with busy("running twins beside it"):
        beside = Shadow(run.experiment.scenario, members)
        beside.go_through(run.readings, run.log)
    summary = beside.summary()
    if plot is not None:
        _draw(summary, plot)
    if as_json:
        show_json({"run": folder, **summary})
    else:
        rows = [
            (
                f"{c['channel']} {c['quantity']}",
                c["source"],
                str(c["blocks"]),
                str(c["readings"]),
                str(c["doubtful"]),
                "none" if c["reading_band"] is None else f"±{with_prefix(c['reading_band'], c['unit'])}",
                "–" if c["rms_score"] is None else f"{c['rms_score']:.2f}",
            )
            for c in summary["channels"]
        ]
        headings = ("channel", "source", "blocks", "readings", "not good", "band", "score (rms)")
        show_table(headings, rows, right=(2, 3, 4, 5, 6))
        for text in [*(f"alarm: {told}" for told in summary["told"]), *shadow_notes(summary)]:
            note(text if text.startswith("alarm") else f"note: {text}")
    if is_alarming(summary):
        raise typer.Exit(ALARM)


def _draw(summary: dict[str, object], path: Path) -> None:
    from scenarios.report.pictures_shadow import shadow_pictures
    from scenarios.report.theme import fresh_look

    with fresh_look():
        for picture in shadow_pictures(summary):
            picture.draw().savefig(path, dpi=150)
