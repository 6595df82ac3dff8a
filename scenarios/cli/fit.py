"""``kibble-twin fit``: parameters of the twin, estimated from what a run has recorded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenarios.cli.arguments import Json, check_picture
from scenarios.cli.exit_codes import UsageError
from scenarios.cli.terminal import note, show, show_json, show_table

if TYPE_CHECKING:
    from scenarios.studies.fitted import Fit


def fit(
    folder: Annotated[
        str, typer.Argument(metavar="RUN", help="A run, finished or under way: its folder, or URL#NAME.")
    ],
    parameters: Annotated[
        list[str],
        typer.Option(
            "--parameter",
            metavar="KEY.PATH",
            help="What to estimate, such as balance.magnet.bl. May be repeated.",
            show_default=False,
        ),
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY.PATH=VALUE",
            help="What the twin takes for granted, or where the search starts, in place of the run's. May be repeated.",
            show_default=False,
        ),
    ] = None,
    members: Annotated[
        int, typer.Option(min=4, help="Twins that the uncertainties are drawn with: 32 give them to 12 %.")
    ] = 32,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the fitted values as a scenario that extends the run's: yaml."),
    ] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the residuals: png, svg.")] = None,
    as_json: Json = False,
) -> None:
    """Estimate parameters from a run, with the twin as the model.

    The twin is told what the run's instruments were told, at the same times. The uncertainties are those that noise and
    all other certificates give; what is stated of the fitted parameters themselves does not count.
    """
    from scenarios.cli.progress import busy
    from scenarios.run.experiment import Experiment
    from scenarios.run.recorded import recorded
    from scenarios.studies.fit import fit as fitted

    if plot is not None:
        check_picture(plot)
    run = recorded(folder)
    if out is not None and run.scenario_file is None:
        raise UsageError("--out: the scenario of this run is in a database; kibble-twin export the run first")
    experiment = Experiment(run.experiment.scenario.with_settings(settings)) if settings else run.experiment
    with busy("fitting"):
        found = fitted(experiment, run.readings, run.log, parameters, members=members)
    if out is not None and run.scenario_file is not None:
        base = os.path.relpath(run.scenario_file, out.resolve().parent)
        out.write_text(found.overlay(base), encoding="utf-8")
    if plot is not None:
        _draw(found, plot)
    if as_json:
        show_json({"run": folder, **found.plain()})
    else:
        _show(found)


def _show(found: Fit) -> None:
    from scenarios.report.numbers import grouped, plain, readable, significant
    from scenarios.run.notebook import with_uncertainty

    rows = []
    for p in found.parameters:
        unit = readable(p.unit)
        tellable = abs(p.value) > 1e-9 and p.u > 1e-11
        fitted = with_uncertainty(p.value, p.u, unit) if tellable else f"{grouped(plain(p.value, 8))} {unit}"
        cells = grouped(plain(p.start)), fitted, *(significant(u, 2) for u in (p.u, p.u_noise, p.u_certificates))
        rows.append((p.path, *(cell if cell is fitted else f"{cell} {unit}".rstrip() for cell in cells)))
    show_table(("parameter", "before", "fitted", "u", "of noise", "of certificates"), rows, right=(3, 4, 5))
    if len(found.parameters) > 1:
        show("")
        names = [p.path.removeprefix("balance.") for p in found.parameters]
        table = [(name, *(f"{r:+.3f}" for r in row)) for name, row in zip(names, found.correlation, strict=True)]
        show_table(("correlation", *names), table, right=tuple(range(1, len(names) + 1)))
    show("", f"reduced χ² {found.chi2:.4g} of {found.readings} readings; {found.expected_chi2:.4g} is expected")
    for text in found.notes:
        note(f"note: {text}")


def _draw(found: Fit, path: Path) -> None:
    import numpy as np

    from scenarios.report.pictures_shadow import MOST, Channel, drawn
    from scenarios.report.theme import fresh_look

    channels = [
        Channel(
            f"{r.channel} {r.quantity}".replace("_", " "),
            r.unit,
            np.array(r.time_s),
            np.array(r.after),
            2.0 * np.array(r.u),
            np.zeros(len(r.time_s), dtype=bool),
            np.array(r.before),
        )
        for r in found.residuals
        if any(r.u)
    ]
    with fresh_look():
        drawn(channels[:MOST], "noise and certificates, k = 2").savefig(path, dpi=150)
