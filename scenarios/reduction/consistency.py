"""Whether the cycles of a run agree, and what to do if something changed in the middle of it.

Instruments and load are as certified until something happens to them. So of a run that changed for good (a mass that
slipped, a laser that hopped to another mode, a stepped voltage reference) the part before is right, if it is the larger
one; what is off for a while and comes back is left out; and if neither decides, the run is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.errors import ReductionError
from scenarios.reduction.robust import EFFICIENCY, limit, spread

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

QUIET = 1e-11  # relative uncertainty below which masses are computed ones, without noise
GROSS = 1e-3  # relative: what is off by more is left out even then
SMALLEST_STEP = 2e-9  # relative: below, a step of the voltage reference is its noise
EXPLAINS = 3.0  # a mass is explained if it is off by so many times what Bl bends between its velocity groups


@dataclass(frozen=True)
class Step:
    """A step of the voltage reference.

    Parameters
    ----------
    after, before : between these two times it happened (s).
    size : relative change of what both voltmeters read of the reference.
    u : standard uncertainty of `size`.
    """

    after: float
    before: float
    size: float
    u: float


def reference_step(
    times: tuple[Array, Array], readings: tuple[Array, Array], u: tuple[Array, Array], threshold: float = 6.0
) -> Step | None:
    """A step of the voltage reference: both voltmeters read another voltage of it from one calibration to the next.

    Parameters
    ----------
    times : of the calibrations of the current's and of the induced voltage's voltmeter (s), each shape (n,).
    readings, u : of the reference (V), and their relative standard uncertainties.
    threshold : standard deviations that make a step.

    Notes
    -----
    A change of one voltmeter's gain shows in that one only and is calibrated away. The changes from one calibration to
    the next, freed of their median (drift), are compared with the uncertainties, and with their own spread if that is
    larger. Of several common steps the largest is returned.
    """
    steps, sigmas = zip(
        *(_changes(t, r, s, threshold) for t, r, s in zip(times, readings, u, strict=True)), strict=True
    )
    found: Step | None = None
    for i in np.flatnonzero(np.abs(steps[0]) > threshold * sigmas[0]):
        for j in np.flatnonzero(np.abs(steps[1]) > threshold * sigmas[1]):
            after, before = max(times[0][i], times[1][j]), min(times[0][i + 1], times[1][j + 1])
            a, b, sa, sb = steps[0][i], steps[1][j], sigmas[0][i], sigmas[1][j]
            apart = abs(a - b) > threshold * np.hypot(sa, sb)
            size = float((a * sb**2 + b * sa**2) / (sa**2 + sb**2))
            if after >= before or apart or abs(size) < SMALLEST_STEP:
                continue
            if found is None or abs(size) > abs(found.size):
                found = Step(float(after), float(before), size, float(sa * sb / np.hypot(sa, sb)))
    return found


def _changes(times: Array, readings: Array, u: Array, threshold: float) -> tuple[Array, Array]:
    """Relative changes from one calibration to the next, less their drift, and their standard deviations."""
    if len(times) < 3:
        return np.zeros(0), np.zeros(0)
    spans = np.diff(times)
    changes = np.diff(np.log(np.abs(readings)))
    changes = changes - np.median(changes / spans) * spans
    return changes, _scale(np.hypot(u[1:], u[:-1]), changes, threshold, SMALLEST_STEP / threshold)


def _scale(sigma: Array, changes: Array, threshold: float, floor: float) -> Array:
    """Standard deviations of changes, enlarged if the changes themselves spread beyond what was stated.

    A moderate excess may be chance and is taken over in part; of a large one the spread alone counts.
    """
    if len(changes) > 2:
        own, usual = spread(changes), float(np.median(sigma))
        if own > 5 * usual:
            sigma = np.maximum(sigma, own * limit(threshold, EFFICIENCY * (len(changes) - 1)) / threshold)
        else:
            sigma = np.maximum(sigma, own / 1.5)
    return np.maximum(sigma, floor)


def outlying_cycles(
    times: Array,
    masses: Array,
    u: Array,
    group_times: Array,
    bl: Array,
    threshold: float = 6.0,
    most_excluded: float = 0.5,
    dof: Array | None = None,
) -> tuple[Mask, dict[int, str]]:
    """Which cycles can be kept, and why the others cannot, by index.

    Parameters
    ----------
    times, masses, u : of the cycles in order of time (s, kg), and the standard uncertainty of each mass from its own
        readings (kg), shape (n,).
    group_times, bl : of the velocity groups in order of time (s, T·m).
    threshold : standard deviations from one cycle to the next that make a change.
    most_excluded : share of the cycles that may be left out.
    dof : degrees of freedom of u, shape (n,); None for many.

    Raises
    ------
    ReductionError
        If the cycles disagree and no majority of them, which goes on from the start of the run, agrees.

    Notes
    -----
    Changes from cycle to cycle, less their median (a drift is none), divide the run into stretches; those that agree
    with the longest one are kept. Before the first of them only cycles may go whose Bl is interpolated, or
    extrapolated, across a change of Bl that is large enough to explain why they are off: iron that moved nearby.
    """
    count = len(masses)
    middle = float(np.median(masses))
    usual = float(np.median(u))
    threshold = limit(threshold, np.inf if dof is None else 0.5 * float(np.sum(dof)))
    reasons: dict[int, str] = {}
    quiet = usual < QUIET * abs(middle)
    if count < 2:
        return np.ones(count, dtype=bool), reasons
    if not quiet and count > 2:
        for i in np.flatnonzero(u > threshold * usual):
            reasons[int(i)] = (
                f"its weighings tell the mass to {u[i]:.2g} kg only, those of other cycles to {usual:.2g} kg"
            )
    index = np.array([i for i in range(count) if i not in reasons])
    sigma = np.maximum(u[index], usual)
    changes = np.diff(masses[index])
    changes = changes - np.median(changes) if len(changes) > 1 else changes
    floor = GROSS * abs(middle) / threshold if quiet else 0.0
    scale = _scale(np.hypot(sigma[1:], sigma[:-1]), changes, threshold, floor)
    cuts = np.flatnonzero(np.abs(changes) > threshold * scale) + 1
    if len(cuts):
        stretches = [index[part] for part in np.split(np.arange(len(index)), cuts)]
        _judge(stretches, times, masses, float(np.median(scale)) * threshold, group_times, bl, reasons)
    kept = np.ones(count, dtype=bool)
    kept[list(reasons)] = False
    left = np.count_nonzero(kept)
    if reasons and (left < (1 - most_excluded) * count or 2 * left <= count):
        why = "; ".join(f"{_named([i])}: {reason}" for i, reason in sorted(reasons.items())[:2])
        raise ReductionError(f"the cycles disagree, and no majority of them is left: {why}")
    return kept, reasons


def _judge(
    stretches: list[NDArray[np.int64]],
    times: Array,
    masses: Array,
    bound: float,
    group_times: Array,
    bl: Array,
    reasons: dict[int, str],
) -> None:
    """Reasons for the stretches that do not agree with the main one."""
    levels = np.array([masses[part].mean() for part in stretches])
    sizes = np.array([len(part) for part in stretches])
    bounds = bound * np.sqrt(0.5 * (1 / sizes[:, None] + 1 / sizes))  # `bound` is for the difference of two cycles
    agree = np.abs(levels[:, None] - levels) <= bounds
    main = int(np.argmax(agree @ sizes))
    level = float(np.average(levels[agree[main]], weights=sizes[agree[main]]))
    bends = _bends(times, group_times, bl)
    first = int(np.argmax(agree[main]))
    for k, part in enumerate(stretches):
        if agree[main][k]:
            continue
        off = float(levels[k]) / level - 1
        explained = [abs(masses[i] / level - 1) <= EXPLAINS * bends[i] for i in part]
        if k < first and not all(explained):
            raise ReductionError(
                f"{_named(part)} and those after disagree in the mass by {off:.2g}, relative: something changed, and "
                "nothing that was read says which are right; leave out or repeat what was disturbed"
            )
        for i, clear in zip(part, explained, strict=True):
            reasons[int(i)] = f"its mass is off by {masses[i] / level - 1:+.2g}, relative" + (
                f"; Bl changed by {bends[i]:.2g} beside it" if clear else ""
            )


def _bends(times: Array, group_times: Array, bl: Array) -> Array:
    """How far Bl bends, relative, at the velocity groups that each cycle is interpolated between."""
    if len(bl) < 3:
        return np.zeros(len(times))
    share = np.diff(group_times)[:-1] / (group_times[2:] - group_times[:-2])
    inner = np.abs(bl[1:-1] - (bl[:-2] + share * (bl[2:] - bl[:-2]))) / np.abs(bl[1:-1])
    bends = np.concatenate([inner[:1], inner, inner[-1:]])
    before = np.clip(np.searchsorted(group_times, times) - 1, 0, len(bl) - 2)
    larger: Array = np.maximum(bends[before], bends[before + 1])
    return larger


def _named(part: object) -> str:
    numbers = [int(i) for i in np.atleast_1d(np.asarray(part))]
    if len(numbers) == 1:
        return f"cycle {numbers[0]} of the run"
    return f"cycles {numbers[0]} to {numbers[-1]} of the run"
