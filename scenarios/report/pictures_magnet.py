"""Pictures of the geometric factor Bl: in time and along the travel."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction import ReductionSettings
from scenarios.reduction.interpolation import interpolation
from scenarios.reduction.velocity import VelocityFit
from scenarios.report.numbers import deviation, prefixed, relative_scale
from scenarios.report.theme import BLACK, BLUE, GREEN, VERMILLION, Picture, label, legend, panels, time_unit
from scenarios.run.result import Result
from twin.recorder import Block
from twin.times import NS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
BINS = 30
"""Stretches of the travel in which the data of a profile are averaged."""


def bl_in_time(result: Result) -> Picture | None:
    """Bl of each velocity group, as it is interpolated, and at the weighings."""
    fits = result.mass.velocity
    if not fits:
        return None
    settings = result.scenario.section("reduction", ReductionSettings)
    times, bl, u = (np.array([getattr(fit, name) for fit in fits]) for name in ("time", "bl", "u_bl"))
    mean = float(bl.mean())
    at = np.linspace(min(0.0, times[0]), max(result.virtual_s, times[-1]), 200)
    between = deviation(interpolation(at, times, settings) @ bl, mean)
    cycles = result.mass.cycles
    weighed = np.array([[cycle.time_s, cycle.bl_Tm] for cycle in cycles]).reshape(-1, 2).T
    true = _true_bl(result)

    def draw() -> Figure:
        figure, (axis,) = panels(2.7)
        time = time_unit(result.virtual_s)
        groups, used, truth = (deviation(values, mean) for values in (bl, weighed[1], true[:, 1]))
        factor, unit = relative_scale(np.concatenate([groups, used, u / mean]))
        if len(true):
            look: dict[str, Any] = {"ms": 8, "mew": 1.6, "color": GREEN}
            axis.plot(true[:, 0] * time.factor, truth * factor, "+", label="truth at the weighings", **look)
        axis.plot(at * time.factor, between * factor, "--", color=BLACK, lw=1.0, label="interpolation")
        bars: dict[str, Any] = {"fmt": "o", "color": BLUE, "label": "velocity groups"}
        axis.errorbar(times * time.factor, groups * factor, u / mean * factor, **bars)
        axis.plot(weighed[0] * time.factor, used * factor, "D", mfc="none", color=VERMILLION, label="used")
        axis.set(xlabel=label("time", time.unit), ylabel=label("Bl/⟨Bl⟩ − 1", unit))
        legend(axis, columns=2)
        return figure

    return Picture(
        "bl_time",
        f"Bl of {len(fits)} velocity groups against time, with error bars and the interpolation between them.",
        f"Geometric factor relative to its mean, {mean:.9g} T·m. Points: velocity groups at the weighing position with "
        "their standard uncertainty (k = 1), before any correction; dashed: interpolation between them; diamonds: what "
        "each cycle's weighings are reduced with, after all corrections"
        + ("; crosses: truth during the weighings." if len(true) else "."),
        draw,
    )


def _true_bl(result: Result) -> Array:
    """The true Bl averaged over each cycle's weighing windows, with the mean times, shape (cycles, 2)."""
    windows: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for block in result.readings.select("current_voltmeter", phase="weighing"):
        windows[int(block.labels["cycle"])].append((block.schedule.start / NS, block.schedule.end / NS))
    blocks = sorted(result.truth.select("coil.bl"), key=lambda block: block.schedule.start)
    if not blocks or not windows:
        return np.zeros((0, 2))
    times = np.concatenate([block.times().ravel() for block in blocks])
    bl = np.concatenate([block.values.ravel() for block in blocks])
    rows = []
    for edges in windows.values():
        start, end = np.array(edges).T
        at = start[:, None] + (end - start)[:, None] * (np.arange(16) + 0.5) / 16
        rows.append((float(at.mean()), float(np.interp(at, times, bl).mean())))
    return np.array(rows)


def bl_profile(result: Result) -> Picture | None:
    """Bl against the position of the coil: the fitted profile, the data, and what the fit leaves."""
    fits = result.mass.velocity
    found = _binned(result)
    if not fits or found is None:
        return None
    z, left, u = found
    line = np.linspace(z[0], z[-1], 120)
    fitted = np.mean([fit.profile(line) / fit.bl - 1.0 for fit in fits], axis=0)
    data = left + np.mean([fit.profile(z) / fit.bl - 1.0 for fit in fits], axis=0)
    z_w = fits[0].z

    def draw() -> Figure:
        figure, (profile, residual) = panels(2.0, 1.3)
        way, scale = prefixed("m", line), relative_scale(np.concatenate([data, fitted]))
        small = relative_scale(np.concatenate([left, u]))
        bars: dict[str, Any] = {"fmt": "o", "color": BLUE, "ms": 3.5}
        profile.errorbar(z * way.factor, data * scale.factor, u * scale.factor, label="data", **bars)
        profile.plot(line * way.factor, fitted * scale.factor, color=BLACK, label="fitted profile")
        residual.errorbar(z * way.factor, left * small.factor, u * small.factor, **bars)
        residual.axhline(0.0, color=BLACK, lw=1.0)
        for axis in (profile, residual):
            axis.axvline(z_w * way.factor, color=VERMILLION, ls=":", label="weighing position")
        profile.set_ylabel(label("Bl(z)/Bl(z_w) − 1", scale.unit))
        residual.set(xlabel=label("position z", way.unit), ylabel=label("data − fit", small.unit))
        legend(profile)
        return figure

    order = len(fits[0].coefficients) - 1
    return Picture(
        "bl_position",
        "Bl against the coil's position, relative to the weighing position: data, fitted profile and residuals.",
        f"Profile of the geometric factor along the travel. Points: flux that passes, over the way travelled, in "
        f"{len(z)} stretches, mean over {len(fits)} velocity {'group' if len(fits) == 1 else 'groups'}"
        f"{' with its standard uncertainty' if np.any(u) else ''}; line: fitted polynomial of order {order}; dotted: "
        "the position of the weighings. Below, what the fit leaves.",
        draw,
    )


def _binned(result: Result) -> tuple[Array, Array, Array] | None:
    """Positions (m), relative deviation of the data from the fits there, and standard uncertainty of its mean.

    In each stretch it is the flux that passes and is not in the fit over the way that is travelled.
    """
    pairs = _pairs(result)
    low = min((float(np.nanmin(position.values)) for _, _, position in pairs), default=0.0)
    high = max((float(np.nanmax(position.values)) for _, _, position in pairs), default=0.0)
    if not high > low:
        return None
    edges = np.linspace(low, high, BINS + 1)
    places, ratios = [], []
    for fit, voltage, position in pairs:
        ways = np.diff(position.values, axis=1)
        drift = fit.drift * (voltage.times().mean(axis=1, keepdims=True) - fit.time)
        powers = np.arange(len(fit.coefficients)) + 1.0
        flux_of_fit = ((position.values - fit.z)[..., None] ** powers) @ (fit.coefficients / powers)
        left = (voltage.values - fit.offset) * (voltage.aperture / NS) - np.diff(flux_of_fit, axis=1) - drift * ways
        middle = 0.5 * (position.values[:, 1:] + position.values[:, :-1])
        good = np.isfinite(left) & np.isfinite(ways)
        where, up = np.clip(np.searchsorted(edges, middle[good]) - 1, 0, BINS - 1), np.sign(ways[good])
        way, flux, moment = (
            np.bincount(where, values * up, minlength=BINS)
            for values in (ways[good], left[good], ways[good] * middle[good])
        )
        way = np.where(way > 0.1 * way.mean(), way, np.nan)
        places.append(moment / way)
        ratios.append(flux / way / fit.bl)
    full = np.isfinite(ratios).all(axis=0)
    table, z = np.array(ratios)[:, full], np.mean(places, axis=0)[full]
    u = table.std(axis=0, ddof=1) / np.sqrt(len(table)) if len(table) > 1 else np.zeros(len(z))
    return (z, table.mean(axis=0), u) if len(z) > 1 else None


def _pairs(result: Result) -> list[tuple[VelocityFit, Block, Block]]:
    """Each velocity group's fit with its blocks of voltage and position."""
    positions = {
        (block.labels.get("cycle"), block.schedule.start): block
        for block in result.readings.select("interferometer", phase="velocity")
    }
    found = []
    for voltage in result.readings.select("induced_voltmeter", phase="velocity"):
        position = positions.get((voltage.labels.get("cycle"), voltage.schedule.start))
        if position is None or position.values.shape[1] != voltage.values.shape[1] + 1:
            continue
        start, end = voltage.schedule.start / NS, voltage.schedule.end / NS
        fit = next((fit for fit in result.mass.velocity if start <= fit.time <= end), None)
        if fit is not None and np.isfinite(position.values).any():
            found.append((fit, voltage, position))
    return found
