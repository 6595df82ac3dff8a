"""Picture of a weighing range: relative uncertainties against mass, beside class E2 and Li2026's target."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.report.theme import BLACK, BLUE, GREEN, ORANGE, VERMILLION, decades, fresh_look, legend, panels, save
from scenarios.studies.ranges import CURRENT_RANGES, E2_ERRORS, Point, e2_uncertainty, target

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GRAM, BILLIONTH = 1e3, 1e9
RESISTORS = ("100 kΩ", "10 kΩ", "1 kΩ")
"""Of the current ranges (Li2026)."""


def draw(found: Sequence[Point], path: Path) -> None:
    """Save the picture in the format of the suffix."""
    with fresh_look():
        save(figure(found), path)


def figure(found: Sequence[Point]) -> Figure:
    """Relative standard uncertainties against mass, both logarithmic, under `fresh_look`.

    The target is for velocity phase and weighing resolution; the references of the weighing phase, the weight's density
    and the air come on top in u(m).
    """
    whole, (axis,) = panels(4.6)
    axis.set(xscale="log", yscale="log", xlim=(0.7, 1500.0))
    _goals(axis)
    found = sorted(found, key=lambda point: point.mass_kg)
    mass = np.array([point.mass_kg for point in found]) * GRAM
    looks: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("u", "u(m)/m", {"color": BLACK, "marker": "o", "ls": "-", "ms": 7}),
        ("velocity", "velocity phase", {"color": BLUE, "marker": "s", "ls": "--"}),
        ("weighing", "weighing phase", {"color": GREEN, "marker": "^", "ls": "-."}),
        ("targeted", "velocity and resolution", {"color": ORANGE, "marker": "D", "ls": "", "mfc": "white", "mew": 1.6}),
    )
    for part, name, look in looks:
        axis.plot(mass, [getattr(point, part) * BILLIONTH for point in found], label=f"twin: {name}", **look)
    low, high = axis.get_ylim()
    axis.set_ylim(low / 2.0, high)  # for the resistors' names
    for (start, end), resistor in zip(CURRENT_RANGES, RESISTORS, strict=True):
        axis.annotate(resistor, (np.sqrt(start * end) * GRAM, 0.03), xycoords=("data", "axes fraction"), ha="center")
    axis.set(xlabel="mass / g", ylabel="relative standard uncertainty (k = 1) / 10⁻⁹")
    decades(axis.xaxis)
    decades(axis.yaxis)
    legend(axis, columns=1)
    return whole


def _goals(axis: Axes) -> None:
    """What class E2 allows at its nominal masses, and the target in each current range."""
    nominal = np.array(sorted(E2_ERRORS))
    allowed = np.array([e2_uncertainty(m) / m for m in nominal])
    look: dict[str, Any] = {"color": VERMILLION, "marker": "v", "ls": ":", "ms": 6}
    axis.plot(nominal * GRAM, allowed * BILLIONTH, label="class E2: maximum permissible error/6", **look)
    for number, (low, high) in enumerate(CURRENT_RANGES):
        m = np.geomspace(low * (1 + 1e-6), high, 100)
        name = "target for velocity and resolution (inferred from Li2026)" if number == 0 else None
        axis.plot(m * GRAM, [target(x) * BILLIONTH for x in m], color=ORANGE, lw=2.4, label=name)
        if number:
            axis.axvline(low * GRAM, color="#9ca3af", lw=0.8)
