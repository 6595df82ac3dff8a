"""Picture of a thermal study: the magnet's temperature through a period, what is fitted to it, and the data windows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.report.numbers import prefixed, significant
from scenarios.report.theme import BLUE, GREY, ORANGE, VERMILLION, fresh_look, label, legend, panels, save, time_unit
from twin.times import NS

if TYPE_CHECKING:
    from scenarios.run.experiment import Experiment
    from scenarios.studies.thermal import Thermal


def draw(experiment: Experiment, found: Thermal, path: Path) -> None:
    """Save the periodic temperature of the magnet over one period, with the windows of weighing and velocity.

    Parameters
    ----------
    path : of the picture; its suffix says the format.
    """
    analysis, campaign = found.analysis, _campaign(experiment)
    period = campaign.period / NS
    first = analysis.times_s < analysis.times_s[0] + period * (1 - 1e-9)
    seconds = analysis.times_s[first] - analysis.times_s[0]
    with fresh_look():
        figure, (axis,) = panels(3.0)
        swing, fit = (
            values[first] - analysis.remainder_K[first].mean() for values in (analysis.remainder_K, analysis.fit_K)
        )
        time, size = time_unit(period), prefixed("K", swing)
        for windows, colour, name in (
            (campaign.weighing_windows(), ORANGE, "weighing windows"),
            (campaign.velocity_windows(), GREY, "velocity windows"),
        ):
            own = windows[windows[:, 1] <= period * (1 + 1e-9)]
            for k, (start, end) in enumerate(own):
                axis.axvspan(start * time.factor, end * time.factor, color=colour, alpha=0.18, lw=0,
                             label=None if k else name)  # fmt: skip
        axis.plot(seconds * time.factor, swing * size.factor, color=BLUE, label="magnet")
        axis.plot(seconds * time.factor, fit * size.factor, "--", color=VERMILLION, label="fit")
        axis.set(xlabel=label("time in the period", time.unit), ylabel=label("T − mean", size.unit))
        told = f"δT_f = {_kelvin(analysis.delta_t_f_K)}, δT_m = {_kelvin(analysis.delta_t_m_K)}"
        axis.set_title(f"{told}, ε = {significant(analysis.epsilon)}", pad=30.0)
        axis.set_xlim(0.0, period * time.factor)
        legend(axis, columns=4)
        save(figure, path)


def _campaign(experiment: Experiment) -> Any:
    """One cycle of the campaign."""
    campaign: Any = experiment.scenario.campaign
    return campaign.model_copy(update={"cycles": 1})


def _kelvin(value: float) -> str:
    factor, unit = prefixed("K", np.array([value])) if value else (1.0, "K")
    return f"{significant(value * factor)} {unit}"
