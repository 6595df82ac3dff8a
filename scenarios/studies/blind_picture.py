"""A picture of an opened seal: the answer beside the mass that was hidden, and every hidden error."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.report.numbers import readable, significant
from scenarios.report.theme import BLACK, BLUE, GREY, ORANGE, VERMILLION, fresh_look, label, legend, panels, save

if TYPE_CHECKING:
    from scenarios.studies.blind import Hidden, Verdict

LONG = 24
"""Letters of a path beyond which it stands in two lines."""


def draw(verdict: Verdict, path: Path) -> None:
    """Save what was found, what was true and what was hidden.

    Parameters
    ----------
    path : of the picture; its suffix says the format.
    """
    hidden = verdict.secret.hidden
    with fresh_look():
        figure, (mass, errors) = panels(1.6, 0.7 + 0.42 * len(hidden), share_x=False)
        _draw_mass(mass, verdict)
        _draw_errors(errors, hidden)
        save(figure, path)


def _draw_mass(axis: Any, verdict: Verdict) -> None:
    """Relative to the true mass, which is where zero is."""
    answer, true, nominal = verdict.answer, verdict.secret.mass_kg, verdict.secret.hidden[0].nominal
    found, u, believed = 1e6 * np.array([verdict.difference_kg, answer.u_mass_kg, nominal - true]) / true
    axis.axvline(0.0, color=BLACK, lw=1.2, label="sealed")
    axis.errorbar(found, 0.0, xerr=2.0 * u, fmt="none", ecolor=BLUE, elinewidth=1.0, label="k = 2")
    axis.errorbar(found, 0.0, xerr=u, fmt="o", color=BLUE, elinewidth=3.0, capsize=0.0, label="answer ± u")
    axis.plot(believed, 0.0, "D", color=ORANGE, label="nominal")
    axis.set_ylim(-1.0, 1.0)
    axis.margins(x=0.1)
    axis.set_yticks([])
    axis.grid(visible=False, axis="y")
    axis.set_xlabel(label("mass less the sealed, true one", "ppm"))
    z = f"z = {verdict.z:+.2f}".replace("-", "−")
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    axis.annotate(z, (found, 0.0), (0.0, 10.0), textcoords="offset points", ha="center", fontsize=8.5, bbox=paper)
    legend(axis, columns=4)


def _draw_errors(axis: Any, hidden: tuple[Hidden, ...]) -> None:
    """Each within the width that it was drawn from, with its size beside."""
    places = np.arange(len(hidden), dtype=float)
    axis.barh(places, 2.0, 0.5, left=-1.0, color="#e5e7eb", label="drawn from")
    axis.axvline(0.0, color=GREY, lw=1.0)
    axis.plot([each.bias / each.spread for each in hidden], places, "o", color=VERMILLION, label="hidden error")
    for place, each in zip(places, hidden, strict=True):
        axis.text(1.06, place, f"{significant(each.bias, 3)} {readable(each.unit)}", va="center", fontsize=8.5)
    names = [each.path.removeprefix("balance.") for each in hidden]
    names = [name if len(name) <= LONG else name.replace(".", ".\n", 1) for name in names]
    axis.set_yticks(places, names, fontsize=8.5)
    axis.set_ylim(len(hidden) - 0.4, -0.6)
    axis.set_xlim(-1.1, 2.2)
    axis.set_xticks([-1.0, 0.0, 1.0])
    axis.grid(visible=False, axis="y")
    axis.set_xlabel("true less believed, in units of the width")
    legend(axis, columns=2)
