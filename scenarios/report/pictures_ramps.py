"""What happens between the phases of a power-regulated campaign: currents, heat, and the force on the stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.report.numbers import prefixed
from scenarios.report.series import Series, series
from scenarios.report.theme import BLUE, GREEN, PURPLE, VERMILLION, Picture, label, legend, panels, time_unit
from scenarios.run.result import Result
from twin.times import NS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def ramps(result: Result) -> Picture | None:
    """Main and compensating current, the heat of both, and the force on the stop, through the first period."""
    campaign: Any = result.scenario.campaign
    end = campaign.period / NS
    main, other, heat = (
        _until(series(result.truth.select(channel)), end)
        for channel in ("current_source.current", "compensating_source.current", "coil.power")
    )
    if not len(main) or not len(other):
        return None
    forces = _until(series(result.readings.select(event="contact"), apart=True), end)

    def draw() -> Figure:
        figure, axes = panels(1.7, 1.2, *[1.5] * bool(len(forces)))
        time = time_unit(end)
        current = prefixed("A", np.concatenate([main.values, other.values]))
        axes[0].plot(main.times * time.factor, main.values * current.factor, color=BLUE, label="main")
        axes[0].plot(
            other.times * time.factor, other.values * current.factor, "--", color=VERMILLION, label="compensating"
        )
        axes[0].set_ylabel(label("current", current.unit))
        power = prefixed("W", heat.values)
        axes[1].plot(heat.times * time.factor, heat.values * power.factor, color=GREEN, label="heat of both windings")
        axes[1].set(ylabel=label("power", power.unit), ylim=(0.0, 1.25 * power.factor * float(heat.values.max())))
        if len(forces):
            axes[2].plot(forces.times * time.factor, forces.values, ".-", ms=4, color=PURPLE, label="force on the stop")
            axes[2].set_ylabel(label("force", "N"))
        for axis in axes:
            legend(axis)
        axes[-1].set_xlabel(label("time", time.unit))
        return figure

    stop = (
        " The stop of the flexure takes the force of both in the ramps, as it was recorded there."
        if len(forces)
        else ""
    )
    return Picture(
        "ramps",
        "Main and compensating current, their heat" + (" and the force on the stop" if stop else "") + " against time.",
        "The first period: in each ramp the main current follows a quarter of a sine or cosine, and the compensating "
        "one, through the other winding, what keeps the heat constant (truth, once a second). While anything is read, "
        "the compensating source is disconnected." + stop,
        draw,
    )


def _until(found: Series, end: float) -> Series:
    """What comes before a time (s)."""
    before = found.times < end
    return Series(found.times[before], found.values[before])
