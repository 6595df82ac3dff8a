"""Pictures of the weighings: what their scheme leaves, and the mass of each cycle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.report.numbers import ROUNDING, beyond_rounding, prefixed
from scenarios.report.series import means
from scenarios.report.theme import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    SKY,
    VERMILLION,
    Picture,
    label,
    legend,
    panels,
    time_unit,
)
from scenarios.run.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GRAM = 1e3  # grams in a kilogram, for units with a prefix


def weighings(result: Result) -> Picture | None:
    """What the weighing scheme leaves of each weighing, or of each comparison."""
    cycles = result.mass.cycles
    times = np.concatenate([cycle.residual_times_s for cycle in cycles]) if cycles else np.zeros(0)
    if not len(times):
        return None
    residuals = beyond_rounding(np.concatenate([cycle.residuals_kg for cycle in cycles]), result.mass.mass_kg) * GRAM
    states = _states(result, times)
    looks = {"mass on": (BLUE, "o", "full"), "mass off": (VERMILLION, "^", "none"), "comparisons": (BLUE, "s", "full")}

    def draw() -> Figure:
        from matplotlib.ticker import MaxNLocator

        figure, (axis, spread) = panels(2.2, 1.5, share_x=False)
        time, size = time_unit(result.virtual_s), prefixed("g", residuals)
        for state, (colour, marker, fill) in looks.items():
            own = states == state
            if np.any(own):
                axis.plot(times[own] * time.factor, residuals[own] * size.factor, marker, color=colour,
                          fillstyle=fill, label=state)  # fmt: skip
        axis.axhline(0.0, color=BLACK, lw=0.8)
        axis.set(xlabel=label("time", time.unit), ylabel=label("residual", size.unit))
        legend(axis)
        spread.hist(residuals * size.factor, bins=min(max(len(residuals) // 4, 6), 40), color=SKY, ec=BLUE)
        spread.set(xlabel=label("residual", size.unit), ylabel="number")
        spread.yaxis.set_major_locator(MaxNLocator(4, integer=True))  # what is counted has no halves
        return figure

    rms = float(np.sqrt(np.mean(residuals**2)))
    shown = prefixed("g", rms)
    return Picture(
        "weighings",
        f"Residuals of {len(times)} weighings or comparisons against time, and how they are distributed.",
        f"What the weighing scheme leaves in each cycle, as mass, against time and as a histogram; root mean square "
        f"{rms * shown.factor:.3g} {shown.unit}.",
        draw,
    )


def _states(result: Result, times: np.ndarray) -> np.ndarray:
    """Whether the mass is on in the weighings at these times; where several weighings enter, neither."""
    found = np.full(len(times), "comparisons", dtype=object)
    for state in ("on", "off"):
        middles = means(result.readings.select("current_voltmeter", phase="weighing", state=state)).times
        if len(middles):
            near = np.abs(times[:, None] - middles).min(axis=1) < 1e-3
            found[near] = f"mass {state}"
    return found


def masses(result: Result) -> Picture | None:
    """The mass of each cycle with its standard uncertainty, and that of the run."""
    mass, cycles = result.mass, result.mass.cycles
    if not cycles:
        return None
    times = np.array([cycle.time_s for cycle in cycles])
    found, u, apart = (
        beyond_rounding(values, mass.mass_kg) * GRAM
        for values in (
            [cycle.mass_kg - mass.mass_kg for cycle in cycles],
            [cycle.u_mass_kg for cycle in cycles],
            result.true.mass_kg - mass.mass_kg,
        )
    )
    true = float(apart) if len(result.truth) else None

    def draw() -> Figure:
        figure, (axis,) = panels(2.7)
        time, whole = time_unit(result.virtual_s), mass.u_mass_kg * GRAM
        size = prefixed(
            "g", np.concatenate([np.abs(found) + u, [beyond_rounding(whole, mass.mass_kg * GRAM)], [true or 0.0]])
        )
        if np.isfinite(whole) and mass.u_relative > ROUNDING:
            name = "u(m) of the run, k = 1"
            axis.axhspan(-whole * size.factor, whole * size.factor, color=GREY, alpha=0.18, lw=0, label=name)
        axis.axhline(0.0, color=BLACK, lw=1.0, label="mass of the run")
        if true is not None:
            axis.axhline(true * size.factor, color=GREEN, ls="--", lw=1.6, label="true mass")
        axis.errorbar(times * time.factor, found * size.factor, u * size.factor, fmt="o", color=BLUE, label="cycles")
        axis.set(xlabel=label("time", time.unit), ylabel=label("m − m(run)", size.unit))
        _relative_axis(axis, size.factor, mass.mass_kg)
        legend(axis, columns=2)
        return figure

    return Picture(
        "masses",
        f"Mass of each of {len(cycles)} cycles with error bars, the mass of the run and its standard uncertainty.",
        "Mass of each cycle relative to the result, with the Type A standard uncertainty of its weighings (k = 1). "
        "Band: combined standard uncertainty of the run" + ("; dashed: the true mass." if true is not None else "."),
        draw,
    )


def _relative_axis(axis: Axes, factor: float, mass_kg: float) -> None:
    """The same scale in ppm of the mass, on the right."""
    each = 1e6 / (factor * GRAM * abs(mass_kg))

    def to_ppm(shown: Any) -> Any:
        return shown * each

    def from_ppm(relative: Any) -> Any:
        return relative / each

    axis.secondary_yaxis("right", functions=(to_ppm, from_ppm)).set_ylabel(label("relative", "ppm"))
