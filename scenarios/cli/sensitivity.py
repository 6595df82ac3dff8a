"""``kibble-twin sensitivity``: which parameter of a study matters."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenarios.cli.arguments import Json, Workers, check_picture
from scenarios.cli.exit_codes import UsageError
from scenarios.cli.progress import busy, rated
from scenarios.cli.terminal import show, show_json, show_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenarios.studies.journal import Row
    from scenarios.studies.sensitivity import Derivative, Index
    from scenarios.studies.study import Point, Study
    from scenarios.studies.sweep import Pool


def sensitivity(
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="A study file with ranges or distributions.")],
    samples: Annotated[
        int | None,
        typer.Option(
            "-n",
            "--samples",
            min=0,
            help="N of N (axes + 2) points, a power of 2; 0: derivatives alone. By default as the study samples.",
            show_default=False,
        ),
    ] = None,
    workers: Workers = 0,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the indices: png, svg.")] = None,
    as_json: Json = False,
) -> None:
    """Tell which parameter of a study matters.

    Derivatives at the medians of its axes, and Sobol's indices over their ranges.
    """
    from scenarios.studies import sensitivity as of
    from scenarios.studies.executors import cores, processes
    from scenarios.studies.study import load_study
    from scenarios.studies.sweep import Pool

    if plot is not None:
        check_picture(plot)
    if plot is not None and samples == 0:
        raise UsageError("--plot draws the indices: give -n more than 0")
    with busy("validating the study"):
        chosen = of.checked(load_study(study))
    samples = chosen.sampling.points or 0 if samples is None else samples
    if samples and samples.bit_count() != 1:
        raise UsageError(f"-n: expected a power of 2 or 0, not {samples}")
    problem, points = of.sobol_points(chosen, samples, chosen.sampling.seed) if samples else (None, [])
    count = workers or cores()
    pool = None if count == 1 else Pool(lambda: processes(count), count)
    slopes = of.derivatives(chosen, _rows(chosen, of.median_points(chosen), None))
    shares = of.indices(chosen, problem, _rows(chosen, points, pool), chosen.sampling.seed) if points else {}
    if plot is not None:
        _draw(shares, plot)
    if as_json:
        show_json({"study": chosen.name, "points": len(points), **_plain(chosen, slopes, shares)})
    else:
        _show(chosen, slopes, shares)


def _rows(study: Study, points: list[Point], pool: Pool | None) -> list[Row]:
    from scenarios.studies.sensitivity import in_order
    from scenarios.studies.sweep import rows

    return in_order(list(rated(rows(study, points, pool, 0.1), len(points), "point")))


def _plain(
    study: Study, slopes: Mapping[str, Mapping[str, Derivative]], shares: Mapping[str, Mapping[str, Index]]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in study.outputs:
        found[name] = {}
        for each in study.axes:
            d = slopes[name][each.name]
            plain: dict[str, Any] = {
                "path": each.paths[0],
                "derivative": d.value,
                "elasticity": d.elasticity if math.isfinite(d.elasticity) else None,
                "spread": d.spread,
            }
            if shares:
                index = shares[name][each.name]
                plain |= {"first": index.first, "first_half_width": index.first_half_width}
                plain |= {"total": index.total, "total_half_width": index.total_half_width}
            found[name][each.name] = plain
    return {"outputs": found}


def _show(
    study: Study, slopes: Mapping[str, Mapping[str, Derivative]], shares: Mapping[str, Mapping[str, Index]]
) -> None:
    from scenarios.report.numbers import grouped, readable, significant
    from scenarios.report.theme import label
    from scenarios.studies.outputs import OUTPUTS

    for name in study.outputs:
        rows = []
        for each in study.axes:
            d = slopes[name][each.name]
            elasticity = "–" if math.isnan(d.elasticity) else significant(d.elasticity)
            path = label(each.paths[0], readable(each.units[0] or ""))
            cells = [each.name, path, significant(d.value, 4), elasticity, significant(d.spread, 3)]
            if shares:
                index = shares[name][each.name]
                cells.append(f"{grouped(f'{index.first:.3f}')} ± {index.first_half_width:.3f}")
                cells.append(f"{grouped(f'{index.total:.3f}')} ± {index.total_half_width:.3f}")
            rows.append(cells)
        unit = readable(OUTPUTS[name].unit)
        heads = ["axis", "parameter", label(f"d {name}", unit), "relative", label("spread", unit)]
        show_table([*heads, *(("first order", "total") if shares else ())], rows, right=range(2, 7 if shares else 5))
        show("")
    show("d: per SI unit of the parameter; a quantity without a unit is relative, or a number")
    show("relative: d ln/d ln; spread: what the standard deviation of the parameter makes, to first order")


def _draw(shares: Mapping[str, Mapping[str, Index]], path: Path) -> None:
    """Total and first-order indices as bars, a panel an output."""
    import numpy as np

    from scenarios.report.theme import BLUE, SKY, fresh_look, legend, panels, save

    with fresh_look():
        names = list(next(iter(shares.values())))
        figure, axes = panels(*(0.8 + 0.35 * len(names) for _ in shares), share_x=True)
        for axis, (output, own) in zip(axes, shares.items(), strict=True):
            place = -np.arange(len(names), dtype=float)
            first, total = ([getattr(own[name], kind) for name in names] for kind in ("first", "total"))
            widths = [[getattr(own[name], f"{kind}_half_width") for name in names] for kind in ("first", "total")]
            axis.barh(place + 0.2, first, 0.38, xerr=widths[0], color=SKY, label="first order")
            axis.barh(place - 0.2, total, 0.38, xerr=widths[1], color=BLUE, label="total")
            axis.set_yticks(place, names)
            axis.set(title=output)
            legend(axis)
        axes[-1].set_xlabel("share of the variance")
        save(figure, path)
