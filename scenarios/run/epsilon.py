"""ε of a run from what truly was: the relative error of a mass with nothing corrected, ε = (Bl)_v/(Bl)_w − 1.

What differs between the phases is the temperature of magnet and coil, the current in the coil, and external flux. The
factors of each weighing and each velocity group are combined as a reduction combines what it reads: Bl interpolated
between the groups, one winding's for the other's by their ratio, and the weighings by the weighing scheme. What the
yoke remembers of a current, and iron that comes near in the run, are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.coil import Coil
from components.environment import Environment
from components.gravity import STANDARD_GRAVITY
from components.magnet import Magnet
from components.test_mass import TestMass
from scenarios.reduction import ReductionSettings
from scenarios.reduction.interpolation import interpolation
from scenarios.reduction.weighing import compare
from scenarios.reduction.windings import winding_ratio
from scenarios.run.build import WithRoles
from scenarios.schema import Scenario
from twin.component import Component
from twin.recorder import Blocks
from twin.times import NS

Array = NDArray[np.float64]


class Windows(NamedTuple):
    """When a mass was weighed and Bl measured (s), in order of time.

    Parameters
    ----------
    weighing, on : windows, shape (weighings, 2), and whether the mass was on.
    comparisons : into how many equal cycles the weighings fall.
    velocity : windows of the sweeps, shape (sweeps, 2).
    """

    weighing: Array
    on: NDArray[np.bool_]
    comparisons: int
    velocity: Array


def series(truth: Blocks, channel: str) -> tuple[Array, Array]:
    """Times (s) and values of a channel of the truth."""
    blocks = list(truth.select(channel))
    times = np.concatenate([b.times().ravel() for b in blocks])
    return times, np.concatenate([b.values.ravel() for b in blocks])


def bl_of_windings(scenario: Scenario, parts: Mapping[str, Component]) -> float:
    """Bl of all windings that weigh together over that of the first."""
    campaign: Any = scenario.campaign
    coils = _windings(parts)
    return _size(coils[1]) / _size(coils[0]) + 1.0 if campaign.in_series and len(coils) == 2 else 1.0


def epsilon(
    scenario: Scenario, parts: Mapping[str, Component], truth: Blocks, windows: Windows, mass: float, bl: float
) -> float:
    """ε of temperatures and currents.

    Parameters
    ----------
    parts : as they truly are.
    truth : what was recorded of it.
    mass : that was weighed (kg).
    bl : of all that weighs, at the weighings (T·m).
    """
    campaign: Any = scenario.campaign
    settings = scenario.section("reduction", ReductionSettings)
    period, coils = campaign.period / NS, _windings(parts)
    times, (starts, ends) = windows.weighing.mean(axis=1), windows.velocity.T
    turn = np.floor(starts / period + 1e-9)
    group = np.cumsum(np.diff(turn, prepend=turn[0]) > 0)
    sweeps = np.bincount(group)
    groups = np.bincount(group, 0.5 * (starts + ends)) / sweeps
    weighing, sensing = np.ones(len(times), dtype=int), np.ones(len(groups), dtype=int)
    if isinstance(campaign, WithRoles):
        weighing = np.array([campaign.winding(int(t // period)) for t in times])
        sensing = np.array([3 - campaign.winding(int(t // period)) for t in groups])

    loads = _loads(parts, mass, windows.on)
    size = np.array([_size(coil) / _size(coils[0]) for coil in coils])
    current = loads / (bl * (1.0 if campaign.in_series else size[weighing - 1]))
    every = np.concatenate([windows.weighing, windows.velocity])
    warmth = _warmth(parts, truth, every, coils, in_series=campaign.in_series)
    w, v = warmth[:, : len(times)], np.stack([np.bincount(group, own) / sweeps for own in warmth[:, len(times) :]])
    pushed = w[weighing - 1, np.arange(len(times))] * _force_factor(scenario, parts, current, bl, weighing)
    going_on = _voltage_factor(scenario, parts, current, bl, windows)
    induced = v[sensing - 1, np.arange(len(groups))] * going_on[sensing - 1]

    ratio = winding_ratio(groups, induced, sensing) if 2 in sensing else 1.0  # of what does not change: 1
    carried = interpolation(times, groups, settings) @ np.where(sensing == 2, induced / ratio, induced)
    relative = np.where(weighing == 2, ratio, 1.0) * carried / pushed - 1.0
    cycles = np.arange(len(times)).reshape(windows.comparisons, -1)
    weights = [
        compare(settings.weighing_scheme, times[c], windows.on[c], settings.drift_order).weights * loads[c]
        for c in cycles
    ]
    return float(np.mean([own @ relative[c] / own.sum() for own, c in zip(weights, cycles, strict=True)]))


def _windings(parts: Mapping[str, Component]) -> list[Coil]:
    return [coil for name in ("coil", "second_coil") if isinstance(coil := parts.get(name), Coil)]


def _size(coil: Coil) -> float:
    return coil.winding_factor * coil.share


def _loads(parts: Mapping[str, Component], mass: float, on: NDArray[np.bool_]) -> Array:
    """What the coil holds at each weighing (N), less buoyancy, which hardly matters here."""
    room, test_mass = parts.get("environment"), parts["test_mass"]
    assert isinstance(test_mass, TestMass)
    gravity = room.gravity if isinstance(room, Environment) else STANDARD_GRAVITY
    loads: Array = np.asarray(on, dtype=np.float64) * (gravity * mass) - gravity * mass * test_mass.tare_fraction
    return loads


def _force_factor(
    scenario: Scenario, parts: Mapping[str, Component], current: Array, bl: float, weighing: NDArray[np.int64]
) -> Array:
    """What the current makes of (Bl)_w: 1 + α I + β I², of one winding, or of two in series."""
    coils, campaign = _windings(parts), scenario.campaign
    position = float(getattr(parts.get("flexure"), "weighing_position", 0.0))
    quadratic = np.array([coil.quadratic_current_coefficient for coil in coils])
    linear = np.array([-coil.inductance_curvature * (position - coil.symmetry_plane) for coil in coils])
    if getattr(campaign, "in_series", False) and len(coils) == 2:
        first = coils[0]
        mutual = -first.mutual_curvature * (position - first.symmetry_plane)
        linear = np.full(2, float(linear.sum()) + 2.0 * mutual)
        share = np.array([_size(coil) for coil in coils])
        quadratic = np.full(2, float(share @ quadratic) / share.sum() + 3.0 * first.mutual_quadratic_coefficient)
    factor: Array = 1.0 + linear[weighing - 1] / bl * current + quadratic[weighing - 1] * current**2
    return factor


def _voltage_factor(
    scenario: Scenario, parts: Mapping[str, Component], current: Array, bl: float, windows: Windows
) -> Array:
    """What the currents that go on make of (Bl)_v, of each winding; 1 where none does.

    3 β_M I² by the other winding's, the mean of the two currents, free of what is odd in them. Of two windings in
    anti-series 3 (β − β_M) I², and −2 (k1 d1 − k2 d2) I/Bl if they are not alike.
    """
    coils, campaign = _windings(parts), scenario.campaign
    mutual = np.array([coil.mutual_quadratic_coefficient for coil in coils])
    if not getattr(campaign, "kept", ()):
        return np.ones(len(coils))
    on = windows.on
    if not getattr(campaign, "in_series", False):
        both: Array = 1.0 - 3.0 * mutual * current[on].mean() * current[~on].mean()
        return both
    share, last = np.array([_size(coil) for coil in coils]), float(current[len(on) // windows.comparisons - 1])
    position = float(getattr(parts.get("flexure"), "weighing_position", 0.0))
    own = float(share @ np.array([coil.quadratic_current_coefficient for coil in coils]) / share.sum())
    pull = [coil.inductance_curvature * (position - coil.symmetry_plane) for coil in coils]
    bend = 3.0 * (own - float(mutual[0])) * last**2 - 2.0 * (pull[0] - pull[-1]) * last / bl
    return np.full(len(coils), 1.0 + bend)


def _warmth(
    parts: Mapping[str, Component], truth: Blocks, windows: Array, coils: list[Coil], *, in_series: bool
) -> Array:
    """Bl over that at the reference temperatures in each window, of each winding, shape (windings, windows)."""
    magnet = parts.get("magnet")
    alpha = magnet.alpha if isinstance(magnet, Magnet) else 0.0
    expansion = np.array([coil.bl_temperature_coefficient for coil in coils])
    if in_series:
        share = np.array([_size(coil) for coil in coils])
        expansion = np.full(len(coils), share @ expansion / share.sum())
    of_magnet = 1.0 + alpha * _means(truth, "magnet", windows) if alpha else np.ones(len(windows))
    if not expansion.any():
        return np.tile(of_magnet, (len(coils), 1))
    return of_magnet * (1.0 + np.outer(expansion, _means(truth, "coil", windows)))


def _means(truth: Blocks, what: str, windows: Array) -> Array:
    """Mean rise of a temperature in each window (K); 0 where it was not recorded."""
    channel = f"thermal_mass.{what}_temperature_rise"
    if not len(truth.select(channel)):
        return np.zeros(len(windows))
    times, rise = series(truth, channel)
    times, rise = np.append(times, times[-1] + 1.0), np.append(rise, rise[-1])
    running = np.concatenate([[0.0], np.cumsum(0.5 * np.diff(times) * (rise[1:] + rise[:-1]))])
    start, end = (np.interp(edge, times, running) for edge in windows.T)
    means: Array = (end - start) / (windows[:, 1] - windows[:, 0])
    return means
