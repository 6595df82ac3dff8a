"""Draws docs/pictures/kbmini_ranges.png: KBmini at five masses, against class E2 and Li2026's target.

The figures of the runs are written beside it, kbmini_ranges.csv; `kibble-twin ranges` prints the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import scenarios
from scenarios.report.theme import BLACK, BLUE, GREEN, ORANGE, VERMILLION, Picture, decades, legend, panels, render
from scenarios.studies.ranges import CURRENT_RANGES, E2_ERRORS, KBMINI, Point, e2_uncertainty, points, table, target

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HERE = Path(__file__)
GRAM, BILLIONTH = 1e3, 1e9
RESISTORS = ("100 kΩ", "10 kΩ", "1 kΩ")


def main() -> None:
    """Run the five campaigns, write their figures and draw them."""
    found = list(points(scenarios.load(name) for name in KBMINI))
    HERE.with_suffix(".csv").write_text(table(found), encoding="utf-8")
    picture = Picture("kbmini_ranges", "", "", lambda: draw(found))
    HERE.with_suffix(".png").write_bytes(render(picture).png)


def draw(found: list[Point]) -> Figure:
    """Relative standard uncertainties against mass, both logarithmic.

    The target is for velocity phase and weighing resolution; the references of the weighing phase, the weight's density
    and the air come on top in u(m).
    """
    figure, (axis,) = panels(4.6)
    axis.set(xscale="log", yscale="log", xlim=(0.7, 1500.0), ylim=(15.0, 1.2e4))
    goals(axis)
    mass = np.array([point.mass_kg for point in found]) * GRAM
    for part, name, look in (
        ("u", "u(m)/m", {"color": BLACK, "marker": "o", "ls": "-", "ms": 7}),
        ("velocity", "velocity phase", {"color": BLUE, "marker": "s", "ls": "--"}),
        ("weighing", "weighing phase", {"color": GREEN, "marker": "^", "ls": "-."}),
        ("targeted", "velocity and resolution", {"color": ORANGE, "marker": "D", "ls": "", "mfc": "white", "mew": 1.6}),
    ):
        axis.plot(mass, [getattr(point, part) * BILLIONTH for point in found], label=f"twin: {name}", **look)
    axis.set(xlabel="mass / g", ylabel="relative standard uncertainty (k = 1) / 10⁻⁹")
    decades(axis.xaxis)
    decades(axis.yaxis)
    legend(axis, columns=1)
    return figure


def goals(axis: Axes) -> None:
    """What class E2 allows at its nominal masses, and the target in each current range."""
    nominal = np.array(sorted(E2_ERRORS))
    allowed = np.array([e2_uncertainty(m) / m for m in nominal])
    look = {"color": VERMILLION, "marker": "v", "ls": ":", "ms": 6}
    axis.plot(nominal * GRAM, allowed * BILLIONTH, label="class E2: maximum permissible error/6", **look)
    for number, ((low, high), resistor) in enumerate(zip(CURRENT_RANGES, RESISTORS, strict=True)):
        m = np.geomspace(low * (1 + 1e-6), high, 100)
        name = "target for velocity and resolution (inferred from Li2026)" if number == 0 else None
        axis.plot(m * GRAM, [target(x) * BILLIONTH for x in m], color=ORANGE, lw=2.4, label=name)
        if number:
            axis.axvline(low * GRAM, color="#9ca3af", lw=0.8)
        axis.annotate(resistor, (np.sqrt(low * high) * GRAM, 17.0), ha="center")


if __name__ == "__main__":
    main()
