"""Pictures of budgets: effects as bars on a logarithmic axis, noise as Allan deviations and spectra."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.report.theme import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    decades,
    fresh_look,
    label,
    legend,
    panels,
    save,
)
from scenarios.studies.noise_budget import TITLES

if TYPE_CHECKING:
    from scenarios.studies.noise_budget import MassNoise, Noise, NoiseBudget, Projection, Where
    from scenarios.studies.systematic import Systematic

SMALLEST = 1e-13
"""Relative error below which nothing is drawn."""
BARS = 24
_COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, GREY)
_STYLES = ("-", "--", "-.", ":")


def draw_effects(found: Systematic, u: float, path: Path) -> None:
    """Save what each effect does alone, without and with its correction, beside the standard uncertainty.

    Parameters
    ----------
    u : relative standard uncertainty of the mass.
    path : of the picture; its suffix says the format.
    """
    rows = [row for row in found.rows if abs(row.alone.uncorrected) > SMALLEST][:BARS]
    with fresh_look():
        figure, (axis,) = panels(0.9 + 0.36 * max(len(rows), 1))
        places = np.arange(len(rows), dtype=float)
        for shift, kind, colour, hatch in ((-0.19, "uncorrected", ORANGE, ""), (0.19, "corrected", BLUE, "////")):
            sizes = np.array([abs(getattr(row.alone, kind)) for row in rows])
            seen = sizes > SMALLEST
            axis.barh(places[seen] + shift, sizes[seen], 0.36, color=colour, ec=BLACK, lw=0.5, hatch=hatch, label=kind)
        differ = [place for place, row in zip(places, rows, strict=True) if row.interacts]
        if differ:
            there = [abs(rows[int(place)].company.uncorrected) for place in differ]
            axis.plot(there, np.array(differ) - 0.19, "D", color=VERMILLION, ms=4.0, label="in company, if it differs")
        axis.axvline(u, color=BLACK, ls="--", lw=1.2, label="u(m)/m, k = 1")
        axis.set_xscale("log")
        axis.set_xlim(SMALLEST, None)
        decades(axis.xaxis)
        axis.set_yticks(places, [fill(row.effect.name, 30) for row in rows], fontsize=8.0)
        axis.set_ylim(len(rows) - 0.4, -0.6)
        axis.grid(visible=False, axis="y")
        axis.set_xlabel("|error of the mass|, relative")
        legend(axis, columns=2)
        save(figure, path)


def draw_noise(found: NoiseBudget, path: Path) -> None:
    """Save Allan deviations and amplitude spectral densities of all sources, their sum, and those of the whole twin.

    Parameters
    ----------
    path : of the picture; its suffix says the format.
    """
    with fresh_look():
        looks, mass = _looks(found), found.mass
        bars = [] if mass is None else [0.5 + 0.22 * (len(mass.sources) + 2)]
        figure, axes = panels(*[2.3] * (2 * len(found.readings)), *bars, share_x=False)
        for k, (where, each) in enumerate(found.readings.items()):
            _draw_allan(axes[2 * k], where, each, looks)
            _draw_spectrum(axes[2 * k + 1], each, looks)
        if mass is not None:
            _draw_mass(axes[-1], mass)
        save(figure, path)


def _looks(found: NoiseBudget) -> dict[str, tuple[str, str]]:
    """A colour and a line for each source, the same in all panels."""
    names = list(dict.fromkeys(name for each in found.readings.values() for name in each.sources))
    return {name: (_COLOURS[i % 7], _STYLES[i % 4]) for i, name in enumerate(names)}


def _draw_allan(axis: Any, where: Where, each: Projection, looks: dict[str, tuple[str, str]]) -> None:
    for name, noise, style in _lines(each, looks):
        axis.plot(noise.tau_s, noise.allan, label=name, **style)
    twin = each.twin
    bars = np.maximum([twin.allan - twin.low, twin.high - twin.allan], 0.0)
    axis.errorbar(twin.tau_s, twin.allan, bars, fmt="o", color=BLACK, ms=3.5, label="the whole twin")
    axis.set(xscale="log", yscale="log", xlabel=label("averaging time τ", "s"), ylabel="σ, relative")
    axis.set_title(TITLES[where], pad=34.0)
    _finish(axis)
    legend(axis, columns=3)


def _draw_spectrum(axis: Any, each: Projection, looks: dict[str, tuple[str, str]]) -> None:
    if not each.twin.frequency_Hz.size:
        axis.set_axis_off()
        axis.text(0.5, 0.5, "records too short for a spectrum", ha="center", transform=axis.transAxes)
        return
    twin = each.twin
    axis.plot(twin.frequency_Hz, twin.asd, color="#c4c9d1", lw=2.4)
    for _, noise, style in _lines(each, looks):
        axis.plot(noise.frequency_Hz, noise.asd, **style)
    axis.set(xscale="log", yscale="log", xlabel=label("frequency", "Hz"), ylabel=label("ASD", "(1/√Hz)"))
    _finish(axis)


def _draw_mass(axis: Any, mass: MassNoise) -> None:
    sizes = [*mass.sources.values(), mass.total, mass.twin]
    colours = [*[SKY] * len(mass.sources), GREY, BLACK]
    places = np.arange(len(sizes))
    axis.barh(places, sizes, 0.7, color=colours)
    axis.errorbar(mass.twin, places[-1], xerr=mass.u_twin, fmt="none", ecolor=GREY)
    axis.set_yticks(places, [*mass.sources, "sum", "the whole twin"], fontsize=8.5)
    axis.set_ylim(len(sizes) - 0.4, -0.6)
    axis.grid(visible=False, axis="y")
    axis.set(
        xscale="log", xlabel="standard deviation of the mass, relative", title=f"mass of a cycle, of {mass.cycles}"
    )
    decades(axis.xaxis)


def _lines(each: Projection, looks: dict[str, tuple[str, str]]) -> list[tuple[str, Noise, dict[str, Any]]]:
    own = [(name, noise, {"color": looks[name][0], "ls": looks[name][1]}) for name, noise in each.sources.items()]
    return [*own, ("sum", each.total, {"color": BLACK, "lw": 1.2})]


def _finish(axis: Any) -> None:
    decades(axis.xaxis)
    decades(axis.yaxis)
