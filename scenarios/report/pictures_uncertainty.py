"""Pictures of the uncertainty: Allan deviations, and the budget as bars."""

from __future__ import annotations

from collections import defaultdict
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from scenarios.report.numbers import ROUNDING, prefixed, readable, relative_scale, significant
from scenarios.report.tables import folded, together
from scenarios.report.theme import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    Picture,
    decades,
    label,
    legend,
    panels,
)
from scenarios.run.result import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOOKS = ((BLUE, "o"), (VERMILLION, "s"), (GREEN, "^"), (ORANGE, "D"), (PURPLE, "v"), (SKY, "P"))
NAMES = {
    "velocity": "Bl of single sweeps",
    "weighing": "weighings, across the resistor",
    "current_voltmeter": "current voltmeter, reference",
    "induced_voltmeter": "induced voltmeter, reference",
}
"""What the Allan deviation of a channel is of."""
RECORDS = {
    "velocity": "the sweeps of each velocity group",
    "weighing": "the voltages across the resistor in each weighing's window",
    "current_voltmeter": "each calibration of the current voltmeter",
    "induced_voltmeter": "each calibration of the induced voltmeter",
    "magnet_thermometer": "the thermometer's readings in each velocity phase",
}
"""What it is averaged over."""
BARS = 24
"""Lines of the budget that are drawn one by one; the table has them all."""
LABEL = 28
"""Letters in a line of a bar's label."""


def allan(result: Result) -> Picture | None:
    """The Allan deviation of what was read, with its limits, white noise and floor."""
    curves = [curve for curve in result.mass.allan if np.any(np.asarray(curve.deviation) > 0.0)]
    if not curves:
        return None
    groups = defaultdict(list)
    for curve in curves:
        groups[curve.quantity, curve.unit].append(curve)

    records = [RECORDS[curve.channel] for curve in curves if curve.channel in RECORDS]

    def draw() -> Figure:
        figure, axes = panels(*[2.0] * len(groups))
        for axis, ((quantity, unit), members) in zip(axes, groups.items(), strict=True):
            factor, shown = prefixed(readable(unit), np.concatenate([curve.deviation for curve in members]))
            for curve, (colour, marker) in zip(members, LOOKS * len(members), strict=False):
                good = np.asarray(curve.deviation) > 0.0
                tau, sigma, low, high = (
                    np.asarray(values, dtype=float)[good]
                    for values in (curve.tau_s, curve.deviation, curve.low, curve.high)
                )
                bars = np.maximum([sigma - low, high - sigma], 0.0) * factor
                name = NAMES.get(curve.channel, curve.channel.replace("_", " "))
                axis.errorbar(tau, sigma * factor, bars, fmt=f"{marker}-", color=colour, lw=0.8, label=name)
                if curve.white:
                    axis.plot(tau, curve.white / np.sqrt(tau) * factor, "--", color=colour, lw=1.0)
                if curve.floor:
                    axis.axhline(curve.floor * factor, ls=":", color=colour, lw=1.2)
            axis.set(xscale="log", yscale="log", ylabel=label(f"σ({_named(quantity)})", shown))
            decades(axis.xaxis)
            decades(axis.yaxis)
            legend(axis, columns=2)
        axes[-1].set_xlabel(label("averaging time τ", "s"))
        return figure

    return Picture(
        "allan",
        f"Allan deviation against averaging time, both logarithmic, for {len(curves)} series of readings.",
        f"Allan deviation of what was read, with its 68 % confidence interval. Records: {'; '.join(records)}; of each "
        "kind the mean over all. Dashed: white noise, falling as 1/√τ; dotted: floor. Beyond the averaging time at "
        "which a curve leaves its dashed line, longer averages gain less. Where a quantity itself moves, as the "
        "magnet's temperature and the current that follows it, the curve rises with τ.",
        draw,
    )


def _named(quantity: str) -> str:
    return "Bl" if quantity == "bl" else quantity.replace("_", " ")


def budget(result: Result) -> Picture | None:
    """The contributions to the uncertainty of the mass, largest first, Type A and Type B told apart."""
    found = result.mass.budget
    lines, rest = folded([line for line in found.lines if line.contribution > 0], found.u_relative)
    if not lines or found.u_relative <= ROUNDING:
        return None
    lines, rest = lines[:BARS], [*lines[BARS:], *rest]
    shown: list[tuple[str, str, float]] = [(line.label, line.kind, line.contribution) for line in lines]
    if rest:
        shown.append((f"{len(rest)} smaller ones together", "", together(rest)))

    def draw() -> Figure:
        figure, (axis,) = panels(0.6 + 0.28 * len(shown))
        sizes = np.array([size for _, _, size in shown])
        scale = relative_scale([found.u_relative])
        places = np.arange(len(shown))
        for kind, colour, hatch in (("A", BLUE, "////"), ("B", ORANGE, ""), ("", GREY, "")):
            own = np.array([each == kind for _, each, _ in shown])
            if np.any(own):
                axis.barh(places[own], sizes[own] * scale.factor, color=colour, ec=BLACK, lw=0.6, hatch=hatch,
                          label=f"Type {kind}" if kind else None, height=0.68)  # fmt: skip
        for place, size in zip(places, sizes, strict=True):
            axis.annotate(
                significant(size * scale.factor, 2), (size * scale.factor, place), (4, 0),
                textcoords="offset points", va="center", fontsize=8.5,
            )  # fmt: skip
        axis.set_yticks(places, [fill(name, LABEL) for name, _, _ in shown], fontsize=8.5)
        axis.set_ylim(len(shown) - 0.4, -0.6)
        axis.grid(visible=False, axis="y")
        axis.set(xlabel=label("contribution to u(m)/m", scale.unit))
        axis.set_xlim(0.0, float(sizes.max()) * scale.factor * 1.18)
        legend(axis)
        return figure

    return Picture(
        "budget",
        f"Bars of the {len(lines)} largest contributions to the uncertainty of the mass; the largest is "
        f"{lines[0].label}.",
        "Contributions to the relative standard uncertainty of the mass (k = 1), largest first: Type A from the "
        "scatter of the readings (hatched), Type B from certificates and data sheets (plain)"
        + (", and the rest of both together (grey)." if rest else "."),
        draw,
    )
