"""Pictures of the geometric factor Bl: in time and along the travel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scenarios.report.numbers import beyond_rounding, deviation, prefixed, relative_scale, significant
from scenarios.report.series import Series
from scenarios.report.theme import BLACK, BLUE, GREEN, GREY, VERMILLION, Picture, label, legend, panels, time_unit
from scenarios.report.truth import true_at_weighings, true_in_groups, true_shape
from scenarios.report.velocity_groups import read_groups
from scenarios.run.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
BINS = 30
"""Stretches of the travel in which the data of a profile are averaged."""
LINE = 400
"""Points of a line."""


def bl_in_time(result: Result) -> Picture | None:
    """Bl of each velocity group, between the groups and at the weighings, beside the truth."""
    mass = result.mass
    groups, mean = mass.bl_groups, mass.bl_Tm
    if not mass.velocity or not mass.cycles:
        return None
    used = Series(*np.array([[cycle.time_s, cycle.bl_Tm] for cycle in mass.cycles]).T)
    found = Series(groups.time_s, groups.bl_Tm)
    ends = np.concatenate([used.times, found.times])
    at = np.linspace(ends.min(), ends.max(), max(LINE, 24 * len(used)))
    between = deviation(groups.at(at), mean)
    u = beyond_rounding(groups.u_bl_Tm / mean, 1.0)
    true_used, inside = true_at_weighings(result), true_in_groups(result)
    true_found = Series(groups.time_s, np.array([s.values.mean() for s in inside])) if inside else None
    truths = [s for s in (true_used, true_found) if s is not None and len(s)]

    def draw() -> Figure:
        figure, axes = panels(2.6, *([1.7] if truths else []))
        time, axis = time_unit(result.virtual_s), axes[0]
        factor, unit = relative_scale(np.concatenate([deviation(s.values, mean) for s in (used, found)] + [u]))
        true: dict[str, Any] = {"ms": 8, "mew": 1.6, "color": GREEN}
        for number, s in enumerate(truths):
            shown = deviation(s.values, mean) * factor
            axis.plot(s.times * time.factor, shown, "+", label=None if number else "truth", **true)
        axis.plot(at * time.factor, between * factor, "--", color=BLACK, lw=1.0, label="interpolation")
        _points(axis, found, deviation(found.values, mean) * factor, u * factor, time.factor)
        _diamonds(axis, used, deviation(used.values, mean) * factor, time.factor)
        axis.set_ylabel(label("Bl/⟨Bl⟩ − 1", unit))
        legend(axis, columns=2)
        if truths:
            _against_truth(axes[1])
        axes[-1].set_xlabel(label("time", time.unit))
        return figure

    def _against_truth(axis: Axes) -> None:
        """What was found less the truth."""
        own = deviation(used.values / true_used.values, 1.0) if len(true_used) else None
        errors = deviation(found.values / true_found.values, 1.0) if true_found is not None else None
        band, time = float(beyond_rounding(mass.u_bl_Tm / mean, 1.0)), time_unit(result.virtual_s).factor
        factor, unit = relative_scale(np.concatenate([e for e in (own, errors, [band]) if e is not None]))
        axis.axhspan(-band * factor, band * factor, color=GREY, alpha=0.18, lw=0, label="u(Bl) of the run, k = 1")
        axis.axhline(0.0, color=GREEN, lw=1.2)
        if errors is not None:
            _points(axis, found, errors * factor, u * factor, time, named=False)
        if own is not None:
            _diamonds(axis, used, own * factor, time, named=False)
        axis.set_ylabel(label("found/true − 1", unit))
        legend(axis)

    return Picture(
        "bl_time",
        f"Bl of {len(found)} velocity groups against time, with error bars, the interpolation between them and the Bl "
        "that the weighings were reduced with" + (", and the difference of each from the truth." if truths else "."),
        f"Geometric factor relative to its mean at the weighings, {mean:.9g} T·m. Points: velocity groups at the "
        "position of the weighings, corrected for all but temperature, with their Type A standard uncertainty (k = 1); "
        "dashed: interpolation between them, at the temperature of each moment; diamonds: mean of a cycle's weighings"
        + ("; crosses: truth, averaged in the same way. Below, what was found against the truth." if truths else "."),
        draw,
    )


def _points(axis: Axes, at: Series, shown: Array, u: Array, time: float, *, named: bool = True) -> None:
    """The velocity groups with their error bars."""
    bars: dict[str, Any] = {"fmt": "o", "ms": 4.5, "color": BLUE, "label": "velocity groups" if named else None}
    axis.errorbar(at.times * time, shown, u, **bars)


def _diamonds(axis: Axes, at: Series, shown: Array, time: float, *, named: bool = True) -> None:
    """The weighings of each cycle."""
    axis.plot(at.times * time, shown, "D", mfc="none", color=VERMILLION, label="weighings" if named else None)


def bl_profile(result: Result) -> Picture | None:
    """Bl against the position of the coil: the fitted profile, the data, the truth and what the fit leaves."""
    fits = result.mass.velocity
    found = _binned(result)
    if not fits or found is None:
        return None
    z, left, u = found[0], beyond_rounding(found[1], 1.0), beyond_rounding(found[2], 1.0)
    line, z_w, shape = np.linspace(z[0], z[-1], LINE // 4), fits[0].z, true_shape(result)
    fitted = np.mean([fit.profile(line) / fit.bl - 1.0 for fit in fits], axis=0)
    data = left + np.mean([fit.profile(z) / fit.bl - 1.0 for fit in fits], axis=0)
    true = None if shape is None else shape(line) / shape(np.array([z_w])) - 1.0
    periodic = float(np.mean([np.hypot(*fit.periodic) for fit in fits]))

    def draw() -> Figure:
        figure, (profile, residual) = panels(2.2, 1.4)
        way, scale = prefixed("m", line), relative_scale(np.concatenate([data, fitted]))
        small = relative_scale(np.concatenate([left, u]))
        bars: dict[str, Any] = {"fmt": "o", "color": BLUE, "ms": 3.5, "elinewidth": 1.0}
        if true is not None:
            profile.plot(line * way.factor, true * scale.factor, color=GREEN, lw=3.0, alpha=0.55, label="truth")
        profile.errorbar(z * way.factor, data * scale.factor, u * scale.factor, label="data", **bars)
        profile.plot(line * way.factor, fitted * scale.factor, color=BLACK, label="fitted profile")
        residual.errorbar(z * way.factor, left * small.factor, u * small.factor, **bars)
        residual.axhline(0.0, color=BLACK, lw=1.0)
        for axis in (profile, residual):
            axis.axvline(z_w * way.factor, color=VERMILLION, ls=":", label="weighing position")
        profile.set_ylabel(label("Bl(z)/Bl(z_w) − 1", scale.unit))
        residual.set(xlabel=label("position z", way.unit), ylabel=label("data − fit", small.unit))
        legend(profile, columns=2)
        return figure

    size, order = prefixed("m", periodic), len(fits[0].coefficients) - 1
    taken_out = (
        f" The interferometer's periodic error, fitted with the profile to {significant(periodic * size.factor, 2)} "
        f"{size.unit}, is taken out of the positions."
    )
    return Picture(
        "bl_position",
        "Bl against the coil's position, relative to the weighing position: data, fitted profile and residuals.",
        "Profile of the geometric factor along the travel. Points: flux that passes, over the way travelled, in "
        f"{len(z)} stretches, mean over {len(fits)} velocity {'group' if len(fits) == 1 else 'groups'}, with standard "
        f"uncertainty from the scatter of the readings; line: fitted polynomial of order {order}"
        f"{'; broad line: truth, the profile of the magnet' if true is not None else ''}; dotted: the position of the "
        f"weighings. Below, what the fit leaves.{taken_out if periodic else ''}",
        draw,
    )


def _binned(result: Result) -> tuple[Array, Array, Array] | None:
    """Positions (m), relative deviation of the data from the fits there, and standard uncertainty of its mean.

    In each stretch it is the flux that passes and is not in the fit over the way that is travelled.
    """
    groups = read_groups(result)
    low = min((float(np.nanmin(group.position)) for group in groups), default=0.0)
    high = max((float(np.nanmax(group.position)) for group in groups), default=0.0)
    if not high > low:
        return None
    edges = np.linspace(low, high, BINS + 1)
    places, ratios, variances = [], [], []
    for group in groups:
        ways, left = np.diff(group.position, axis=1), group.left
        middle = 0.5 * (group.position[:, 1:] + group.position[:, :-1])
        good = np.isfinite(left) & np.isfinite(ways)
        where, up = np.clip(np.searchsorted(edges, middle[good]) - 1, 0, BINS - 1), np.sign(ways[good])

        def summed(values: Array, where: NDArray[np.int64] = where) -> Array:
            return np.bincount(where, values, BINS).astype(float)

        way = summed(ways[good] * up)
        way = np.where(way > 0.1 * way.mean(), way, np.nan)
        ratio = summed(left[good] * up) / way
        scatter = summed((left[good] - ratio[where] * ways[good]) ** 2)
        places.append(summed(ways[good] * up * middle[good]) / way)
        ratios.append(ratio / group.fit.bl)
        variances.append(scatter / (way * group.fit.bl) ** 2)
    full = np.isfinite(ratios).all(axis=0)
    z, left, u = (np.mean(table, axis=0)[full] for table in (places, ratios, variances))
    return (z, left, np.sqrt(u / len(groups))) if len(z) > 1 else None
