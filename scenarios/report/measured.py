"""The report of a campaign other than a mass campaign: its quantities, its curves, its series."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from scenarios.reduction.findings import Curve, Findings, Quantity
from scenarios.report.numbers import readable
from scenarios.report.page import figure, provenance, templates
from scenarios.report.theme import BLUE, GREEN, ORANGE, PURPLE, VERMILLION, Picture, Rendered, label, legend, panels
from scenarios.run.measured import Measured
from scenarios.run.notebook import rows
from scenarios.run.reopen import Origin

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = BLUE, VERMILLION, GREEN, ORANGE, PURPLE
_MARKERS = "osD^v"
_STYLES = "-", "--", "-.", ":", (0, (5, 1, 1, 1))


class SeriesTable(NamedTuple):
    """Series of one length beside each other."""

    names: list[str]
    lines: list[list[str]]


def pictures(result: Measured) -> list[Picture]:
    """One for each curve that the reduction has found."""
    return [_picture(curve) for curve in result.findings.curves]


def _picture(curve: Curve) -> Picture:
    names = ", ".join(line.name for line in curve.lines)
    return Picture(curve.name, f"{curve.y[0]} against {curve.x[0]}: {names}.", curve.caption, lambda: _drawn(curve))


def _drawn(curve: Curve) -> Figure:
    drawn, (axes,) = panels(2.8)
    for k, line in enumerate(curve.lines):
        colour = _COLOURS[k % len(_COLOURS)]
        style = {"marker": _MARKERS[k % len(_MARKERS)], "ls": ""} if line.points else {"ls": _STYLES[k % len(_STYLES)]}
        if line.u is not None:
            axes.errorbar(line.x, line.y, yerr=line.u, color=colour, label=line.name, **style)
        else:
            axes.plot(line.x, line.y, color=colour, label=line.name, **style)
    axes.set(xlabel=label(curve.x[0], readable(curve.x[1])), ylabel=label(curve.y[0], readable(curve.y[1])))
    for axis in ("x", "y"):  # a logarithm needs something to take it of
        if axis in curve.logarithmic and any(np.any(np.asarray(getattr(line, axis)) > 0) for line in curve.lines):
            axes.set(**{f"{axis}scale": "log"})
    legend(axes, columns=1 if len(curve.lines) > 2 else 2)
    return drawn


def series(findings: Findings) -> list[SeriesTable]:
    """The quantities that are series, those of the same length in one table."""
    lengths: dict[int, list[Quantity]] = {}
    for quantity in findings.quantities:
        if np.ndim(quantity.value):
            lengths.setdefault(len(np.asarray(quantity.value)), []).append(quantity)
    found = []
    for same in lengths.values():
        names = [label(q.symbol, readable(q.unit)) for q in same]
        lines = np.stack([np.asarray(q.value, dtype=float) for q in same], axis=1)
        found.append(SeriesTable(names, [[f"{value:.9g}" for value in line] for line in lines]))
    return found


def page(result: Measured, origin: Origin, drawn: Sequence[Rendered], graph: str, generated: datetime) -> str:
    """The report as HTML; see `scenarios.report.page.page`."""
    template = templates().get_template("measured.html.j2")
    text = template.render(
        **provenance(result, origin, graph, generated),
        quantities=rows(result.summary()),
        notes=result.notes,
        figures=[figure(rendered) for rendered in drawn],
        series=series(result.findings),
    )
    return text.lstrip()
