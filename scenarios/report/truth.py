"""The geometric factor as only a simulation knows it: of the magnet along the travel, and through the run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.magnet import Magnet
from scenarios.campaigns.hinge_motion import HingeMotion
from scenarios.campaigns.velocity_phase import PrescribedMotion
from scenarios.report.series import Series, series
from scenarios.run.build import build
from scenarios.run.epsilon import bl_of_windings
from scenarios.run.result import Result
from twin.signal import Constant
from twin.timeline import Timeline
from twin.times import NS

Array = NDArray[np.float64]
STEPS = 16  # in a weighing's window, over which the truth is averaged


def true_shape(result: Result) -> Callable[[Array], Array] | None:
    """Bl of the magnet against position (m), but for a factor; None for a balance without one, or without truth."""
    magnet = next((part for part in result.scenario.true.values() if isinstance(part, Magnet)), None)
    if magnet is None or not len(result.truth):
        return None
    shape: Callable[[Array], Array] = magnet.signals(temperature_rise=Constant(0.0))["field"].shape.value
    return shape


def true_bl(result: Result) -> Series:
    """Bl at every instant that the simulation has recorded, wherever the coil was, of all windings that weigh (T·m)."""
    first = series(result.truth.select("coil.bl"))
    if not len(first):
        return first
    return Series(first.times, bl_of_windings(result.scenario, result.scenario.true) * first.values)


def true_at_weighings(result: Result) -> Series:
    """The true Bl of each cycle, averaged over the windows of its weighings, at their mean times."""
    truth = true_bl(result)
    out = {(item.cycle, item.number) for item in result.mass.excluded if item.what == "weighing"}
    windows: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for block in result.readings.select("current_voltmeter", phase="weighing"):
        if (block.labels["cycle"], block.labels["weighing"]) not in out:
            windows[int(block.labels["cycle"])].append((block.schedule.start / NS, block.schedule.end / NS))
    if not len(truth):
        return truth
    rows = []
    for cycle in result.mass.cycles:
        start, end = np.array(windows[cycle.cycle]).T
        at = start[:, None] + (end - start)[:, None] * (np.arange(STEPS) + 0.5) / STEPS
        rows.append((cycle.time_s, float(np.interp(at, truth.times, truth.values).mean())))
    return Series(*np.array(rows).reshape(-1, 2).T)


def true_motion(result: Result) -> Timeline | None:
    """Where the coil was (m), counted from the start of a velocity phase; None for a campaign that does not tell it."""
    velocity: Any = getattr(result.scenario.campaign, "velocity", None)
    if isinstance(velocity, HingeMotion):
        hinge: Any = build(result.scenario).twin.graph.components["flexure"]
        laws = hinge.course(velocity.currents(0))
    elif isinstance(velocity, PrescribedMotion):
        laws = velocity.laws(float(getattr(result.scenario.true["flexure"], "weighing_position", 0.0)), 0)
    else:
        return None
    moved = Timeline("motion", float(laws[0].values_at(0)[0].real))
    moved.follow(*laws)
    return moved


def true_in_groups(result: Result) -> list[Series]:
    """The true Bl through each velocity group, taken to the position of the weighings with the magnet's true profile.

    Where the coil was follows from the campaign's motion; nothing for a campaign that does not tell it.
    """
    truth, shape = true_bl(result), true_shape(result)
    campaign: Any = result.scenario.campaign
    if shape is None or not len(truth) or not hasattr(campaign, "weighing_duration"):
        return []
    moved = true_motion(result)
    if moved is None:
        return []
    found = []
    for fit in result.mass.velocity:
        start = int(fit.time * NS) // campaign.period * campaign.period + campaign.weighing_duration
        windows = campaign.velocity.windows(start)
        own = (truth.times >= windows[0, 0]) & (truth.times <= windows[-1, 1])
        at = truth.times[own]
        there = shape(moved(at - start / NS))
        found.append(Series(at, truth.values[own] * shape(np.array([fit.z])) / there))
    return found
