"""Picture of a Pareto front: the first two objectives against each other, a third one in colour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from scenarios.report.numbers import readable
from scenarios.report.theme import (
    BLACK,
    BLUE,
    GREEN,
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
from scenarios.studies.goals import Objective
from scenarios.studies.optimise import Member, Optimiser
from scenarios.studies.outputs import OUTPUTS

_LOOKS = ((BLUE, "o"), (VERMILLION, "s"), (GREEN, "^"), (ORANGE, "D"), (PURPLE, "v"), (SKY, "P"))


def draw(search: Optimiser, path: Path) -> None:
    """Save the points that were looked at, and the front; with one objective, how the best went on.

    Parameters
    ----------
    path : of the picture; its suffix says the format.
    """
    with fresh_look():
        figure, (axis,) = panels(3.4)
        if len(search.study.objectives) == 1:
            _course(axis, search)
        else:
            _front(axis, figure, search)
        legend(axis)
        save(figure, path)


def _front(axis: Any, figure: Any, search: Optimiser) -> None:
    first, second, *more = search.study.objectives
    seen = [member for member in search.members if np.isfinite(member.excess)]
    for kept, text, look in (
        (True, "keeps the limits", {"marker": "o", "s": 9, "color": "#b6bcc6"}),
        (False, "breaks a limit", {"marker": "x", "s": 12, "color": "#d3d7dd", "linewidths": 0.8}),
    ):
        own = [member for member in seen if (member.excess == 0.0) is kept]
        if own:
            axis.scatter(_values(own, first), _values(own, second), label=text, **look)
    front = search.front
    for (variant, members), (colour, marker) in zip(_by_variant(front).items(), _LOOKS * len(front), strict=False):
        x, y = _values(members, first), _values(members, second)
        if more:
            shades = np.array(_values(members, more[0]))
            shown = axis.scatter(x, y, c=shades, marker=marker, s=26, cmap="cividis", ec=BLACK, lw=0.4, zorder=3,
                                 vmin=min(_values(front, more[0])), vmax=max(_values(front, more[0])),
                                 label=variant or "front")  # fmt: skip
        else:
            axis.plot(x, y, marker, color=colour, ms=4.5, label=variant or "front", zorder=3)
    if more and front:
        figure.colorbar(shown, ax=axis, label=_label(more[0]))
    axis.set(xlabel=_label(first), ylabel=_label(second))
    for goal, each in ((first, "x"), (second, "y")):
        _scale(axis, each, [goal.of(member.row.values) for member in seen])


def _course(axis: Any, search: Optimiser) -> None:
    (goal,) = search.study.objectives
    costs = [float(m.costs[0]) if m.excess == 0.0 else np.inf for m in search.members]
    best = np.minimum.accumulate(np.array(costs)) * (-1.0 if goal.largest else 1.0)
    known = np.isfinite(best)
    axis.plot(np.arange(1, len(best) + 1)[known], best[known], color=BLUE, label="best so far")
    axis.set(xlabel="points", ylabel=_label(goal))
    _scale(axis, "y", best[known].tolist())


def _by_variant(members: list[Member]) -> dict[str, list[Member]]:
    found: dict[str, list[Member]] = {}
    for member in members:
        found.setdefault(member.variant, []).append(member)
    return found


def _values(members: list[Member], goal: Objective) -> list[float]:
    return [goal.of(member.row.values) for member in members]


def _label(goal: Objective) -> str:
    return label(goal.text.replace("_", " "), readable(OUTPUTS[goal.output].unit))


def _scale(axis: Any, which: str, values: list[float]) -> None:
    """Logarithmic where the values are positive and go over more than a decade."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    if low > 0 and high > 10.0 * low:
        getattr(axis, f"set_{which}scale")("log")
        decades(getattr(axis, f"{which}axis"))
