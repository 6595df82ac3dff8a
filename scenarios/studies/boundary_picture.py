"""Pictures of a boundary: the thermal-magnetic error against what is varied, and the sizes of the table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from scenarios.report.numbers import readable
from scenarios.report.theme import (
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
from scenarios.studies.boundary import SCALE, Boundary

_COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY)
_STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))


def draw(boundaries: Mapping[str, Boundary], unit: str, path: Path) -> None:
    """Save |ε| against the parameter, with the limit and where it is reached.

    Parameters
    ----------
    boundaries : by what they are called in the legend.
    unit : of the parameter.
    path : of the picture; its suffix says the format.
    """
    with fresh_look():
        figure, (axis,) = panels(3.4)
        for (name, found), colour, style in zip(boundaries.items(), _COLOURS * 9, _STYLES * 9, strict=False):
            x, epsilon = np.array(found.course).T
            inside = (found.low <= x) & (x <= found.high)
            axis.plot(x[inside], np.abs(epsilon[inside]), color=colour, ls=style, label=name or None)
            axis.plot([root.value for root in found.roots], [found.limit] * len(found.roots), "o", color=colour)
        any_one = next(iter(boundaries.values()))
        axis.axhline(any_one.limit, color=GREY, lw=1.0)
        axis.set_yscale("log")
        if any_one.low > 0 and any_one.high > 4 * any_one.low:
            axis.set_xscale("log")
            decades(axis.xaxis)
        what = "size p" if any_one.path == SCALE else any_one.path
        axis.set(xlabel=label(what, readable(unit)), ylabel="|ε|")
        legend(axis, columns=2)
        save(figure, path)
