"""``kibble-twin ranges``: the uncertainty at several masses, against class E2 and Li2026's target."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scenarios.cli.arguments import SOURCE_HELP, Json, Settings, check_picture, experiment
from scenarios.cli.exit_codes import UsageError
from scenarios.cli.progress import counted
from scenarios.cli.terminal import show, show_json, show_table


def ranges(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE|NAME]...",
            help=f"{SOURCE_HELP} By default those of KBmini from 1 kg to 1 g.",
            show_default=False,
        ),
    ] = None,
    settings: Settings = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the uncertainties against mass: png, svg.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the figures as CSV.")] = False,
    as_json: Json = False,
) -> None:
    """Weigh several masses: is class E2 met at each?

    Each scenario weighs one mass, from 1 g to 1 kg.
    """
    from dataclasses import asdict

    from scenarios.report.numbers import significant
    from scenarios.studies import ranges as study

    if plot is not None:
        check_picture(plot)
    chosen = [experiment(source, settings) for source in sources or study.KBMINI]
    for each in chosen:
        each.check()
        try:
            study.target(study.nominal_mass(each))
        except ValueError as error:
            raise UsageError(f"{each.scenario.name}: {error}") from error
    found = list(counted(study.points(chosen), len(chosen), "mass"))
    if plot is not None:
        from scenarios.studies.ranges_picture import draw

        draw(found, plot)
    if as_json:
        show_json({"points": [asdict(point) for point in found]})
    elif as_csv:
        show(study.table(found).rstrip())
    else:
        heads = ("u", "Type A", "Type B", "velocity", "weighing", "resolution", "target", "E2 allows")
        rows = []
        for p in found:
            sizes = (p.u, p.type_a, p.type_b, p.velocity, p.weighing, p.resolution, p.target, p.e2)
            met = "met" if p.u <= p.e2 else "missed"
            rows.append((p.scenario, f"{p.mass_kg * 1e3:g} g", *(significant(1e9 * size) for size in sizes), met))
        show_table(("scenario", "mass", *heads, "E2"), rows, right=range(1, 2 + len(heads)))
        show("", "relative standard uncertainties (k = 1) in 10⁻⁹; the target is for velocity and resolution together")
