"""The picture of an oscillation: how fast the coil is in its windows, what drives it, what the fit of Bl leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scenarios.campaigns.hinge_motion import HingeMotion
from scenarios.campaigns.motions import Oscillation
from scenarios.report.numbers import beyond_rounding, plus_minus, prefixed, relative_scale, significant
from scenarios.report.theme import BLACK, BLUE, GREEN, GREY, VERMILLION, Picture, label, legend, panels
from scenarios.report.truth import true_motion
from scenarios.report.velocity_groups import ReadGroup, read_groups
from scenarios.run.result import Result
from twin.times import NS, Times

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
LINE = 400
"""Points of a line over a cycle."""


def oscillation(result: Result) -> Picture | None:
    """Velocity, drive and residuals over a cycle, all cycles laid over each other; None without an oscillation."""
    velocity = getattr(result.scenario.campaign, "velocity", None)
    if not isinstance(velocity, Oscillation | HingeMotion):
        return None
    groups = read_groups(result)
    if not groups:
        return None
    schedule, cycle = velocity.schedule(0), 1.0 / velocity.frequency
    begin = schedule.start / NS % cycle
    starts = np.array([begin, (begin + 0.5 * cycle) % cycle])
    n, aperture = schedule.count, schedule.step / NS
    at = np.concatenate([start + aperture * (np.arange(n) + 0.5) for start in starts])
    order = np.argsort(at)
    speed, left, u = (values[order] for values in _folded(groups))
    mean = float(np.abs(speed).mean())
    fine, true = _true_speed(result, schedule.start, cycle)
    current = _drive(velocity, fine)

    def draw() -> Figure:
        figure, axes = panels(1.9, *([1.4] if current is not None else []), 1.5)
        pace = prefixed("m/s", speed)
        for start in starts:
            for axis in axes:
                axis.axvspan(start, start + n * aperture, color=GREY, alpha=0.12, lw=0)
        if true is not None:
            axes[0].plot(fine, true * pace.factor, color=GREEN, lw=3.0, alpha=0.55, label="truth")
        axes[0].plot(at[order], speed * pace.factor, "o", color=BLUE, ms=3.5, label="read, mean of all cycles")
        axes[0].set_ylabel(label("velocity", pace.unit))
        legend(axes[0])
        if current is not None:
            ampere = prefixed("A", current)
            axes[1].plot(fine, current * ampere.factor, color=VERMILLION)
            axes[1].set_ylabel(label("drive", ampere.unit))
        small = relative_scale(np.concatenate([left, u]))
        bars: dict[str, Any] = {"fmt": "o", "color": BLUE, "ms": 3.5, "elinewidth": 1.0}
        axes[-1].errorbar(at[order], left * small.factor, u * small.factor, **bars)
        axes[-1].axhline(0.0, color=BLACK, lw=1.0)
        axes[-1].set_xlabel(label("time in a cycle", "s"))
        axes[-1].set_ylabel(label("voltage − fit", small.unit))
        return figure

    pace, spread = prefixed("m/s", [mean]), 100.0 * float(np.abs(speed).std()) / mean
    driven = current is not None
    return Picture(
        "oscillation",
        f"Velocity of the coil over a cycle, {'current of the actuator, ' if driven else ''}and what the fit of Bl "
        "leaves of the voltage in each window.",
        f"The oscillation at {velocity.frequency:g} Hz, all cycles laid over each other; grey: the windows that are "
        f"read. In them the speed is {significant(mean * pace.factor, 4)} {pace.unit}, with a standard deviation of "
        f"{significant(spread, 2)} %{'' if true is None else '; broad line: truth'}. "
        f"{'In the middle the current through the actuator. ' if driven else ''}Below, what the fit of Bl(z) and "
        "offset leaves of the voltage, relative to its mean size, with the standard uncertainty from the scatter "
        f"between cycles.{_skew(groups)}",
        draw,
    )


def _skew(groups: list[ReadGroup]) -> str:
    """What the fit says of the time between voltages and positions, in a sentence; nothing if it does not."""
    found = [(group.fit.skew, group.fit.u_skew) for group in groups if group.fit.skew is not None]
    if not found:
        return ""
    skew, u = np.array(found).T
    told = plus_minus(float(skew.mean()), float(np.sqrt(u @ u)) / len(u), "s", prefix=True)
    return f" Fitted with it: voltages belong to positions {told} later than those read with them."


def _folded(groups: list[ReadGroup]) -> tuple[Array, Array, Array]:
    """Mean velocity (m/s), mean residual of the voltage, relative, and its standard uncertainty.

    For each reading of a window, those of even half cycles before those of odd ones.
    """
    speeds, residuals = [], []
    for group in groups:
        speed = np.diff(group.position, axis=1) / group.aperture
        scale = group.fit.bl * float(np.nanmean(np.abs(speed))) * group.aperture
        speeds.append(speed)
        residuals.append(group.left / scale)
    means, lefts, us = [], [], []
    for half in (0, 1):
        speed, left = (np.concatenate([part[half::2] for part in parts]) for parts in (speeds, residuals))
        counts = np.isfinite(left).sum(axis=0)
        means.append(np.nanmean(speed, axis=0))
        lefts.append(beyond_rounding(np.nanmean(left, axis=0), 1.0))
        us.append(beyond_rounding(np.nanstd(left, axis=0) / np.sqrt(counts), 1.0))
    return np.concatenate(means), np.concatenate(lefts), np.concatenate(us)


def _true_speed(result: Result, first: int, cycle: float) -> tuple[Array, Array | None]:
    """Times in a cycle (s), and the true velocity there (m/s), of the cycle in which the first window begins."""
    edges = np.linspace(0.0, cycle, LINE + 1)
    fine, moved = 0.5 * (edges[1:] + edges[:-1]), true_motion(result) if len(result.truth) else None
    if moved is None:
        return fine, None
    return fine, np.diff(moved(first / NS // cycle * cycle + edges)) / np.diff(edges)


def _drive(velocity: Oscillation | HingeMotion, times: Array) -> Array | None:
    """Current of the actuator (A) at times in a cycle (s); None where nothing is driven."""
    if not isinstance(velocity, HingeMotion):
        return None
    law = velocity.currents(0)[0]
    return np.asarray(law.evaluate(Times(np.rint(times * NS).astype(np.int64))))
