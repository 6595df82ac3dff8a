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
from scenarios.reduction.robust import CHANCE, EFFICIENCY, MANY, limit, spread

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

QUIET = 1e-11  # relative uncertainty of Bl below which a run is a computed one, without noise
GROSS = 1e-3  # relative: what is off by more is left out even then
LARGEST = 0.1  # relative: masses that lie further apart are none of one body
SMALLEST_STEP = 2e-9  # relative: below, a step of the voltage reference is its noise
ALONE = 1.5  # by which a step that one voltmeter alone tells has to be larger
SMALLEST_JUMP = 1e-8  # m: below, a coil that is held has crept
EXPLAINS = 3.0  # a mass is explained if it is off by so many times what Bl bends between its velocity groups
NOISY = 5.0  # times its variance: what chance may leave of noise
MANY_CHANGES = 5  # of which the spread is known well enough
FEW = 3  # cycles or weighings, of which none can be told from the others


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
    larger. Of several common steps the largest is returned. Before one voltmeter's first calibration and after its last
    the other one alone tells, and its change is taken for a step: that it was the reference cannot be ruled out.
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
    for own, other in ((0, 1), (1, 0)):
        for i in np.flatnonzero(np.abs(steps[own]) > ALONE * threshold * sigmas[own]):
            after, before, size = times[own][i], times[own][i + 1], float(steps[own][i])
            first, last = float(times[other].min()), float(times[other].max())
            if abs(size) < SMALLEST_STEP or not (after < first or before > last):
                continue
            alone = Step(float(after), float(before if after < first else max(after, last)), size, sigmas[own][i])
            if found is None or (after < first and found.after > after) or abs(size) > 2 * abs(found.size):
                found = alone
    return found


def laser_jump(times: Array, on: Mask, positions: Array, first_group: float, threshold: float = 6.0) -> float | None:
    """By how much the interferometer's zero jumped before anything was read of Bl (m); None if it did not.

    Parameters
    ----------
    times, on, positions : of the weighings (s, mass on, m), shape (n,).
    first_group : time of the first velocity group (s).
    threshold : standard deviations that make a jump.

    Notes
    -----
    A hop of the laser shows as a jump of the position of a coil that is held, in proportion to the dead path. Later
    ones change Bl as well; one before the first velocity group falsifies all that follow alike.
    """
    jump = 0.0
    for state in (True, False):
        own = np.flatnonzero(on == state)
        if len(own) < FEW + 1:
            continue
        changes = np.diff(positions[own])
        early = times[own][:-1] < first_group
        bound = max(limit(threshold, EFFICIENCY * (len(changes) - 1)) * spread(changes), SMALLEST_JUMP)
        count = int(np.count_nonzero(early))
        before, after = positions[own][: count + 1], positions[own][count + 1 :]
        if len(after) and np.any(np.abs(changes[early]) > bound):
            size = float(np.median(after) - before[0])
            jump = size if abs(size) > max(bound, abs(jump)) else jump
    return jump or None


def unread(times: Array, samples: Array, reach: float) -> Mask:
    """Which of some instants (s) have no sample, at times in ascending order (s), within `reach` (s)."""
    if not len(samples):
        return np.ones(len(times), dtype=bool)
    after = np.searchsorted(samples, times)
    left = np.abs(times - samples[np.maximum(after - 1, 0)])
    right = np.abs(times - samples[np.minimum(after, len(samples) - 1)])
    return np.asarray(np.minimum(left, right) > reach)


def _changes(times: Array, readings: Array, u: Array, threshold: float) -> tuple[Array, Array]:
    """Relative changes from one calibration to the next, less their drift, and their standard deviations."""
    if len(times) < 3:
        return np.zeros(0), np.zeros(0)
    spans = np.diff(times)
    changes = np.diff(np.log(np.abs(readings)))
    changes = changes - np.median(changes / spans) * spans
    sigma, own = np.hypot(u[1:], u[:-1]), spread(changes)
    if len(changes) >= MANY_CHANGES:  # a step within one of them enlarges the uncertainty stated of all
        sigma = np.where(sigma > 5 * own, 3 * own, sigma)
    return changes, _scale(sigma, changes, threshold, SMALLEST_STEP / threshold)


def _scale(sigma: Array, changes: Array, threshold: float, floor: float) -> Array:
    """Standard deviations of changes, enlarged if the changes themselves spread beyond what was stated.

    A moderate excess may be chance and is taken over in part; of a large one the spread alone counts. Of few changes
    one that is a step makes up most of the spread.
    """
    if len(changes) > 2:
        own, usual = spread(changes), float(np.median(sigma))
        if len(changes) < MANY_CHANGES and own > 5 * usual:
            sigma = np.maximum(sigma, own / 3)
        elif own > 5 * usual:
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
    besides: Array | None = None,
) -> tuple[Mask, dict[int, str]]:
    """Which cycles can be kept, and why the others cannot, by index.

    Parameters
    ----------
    times, masses, u : of the cycles in order of time (s, kg), and the standard uncertainty of each mass from its
        weighings (kg), shape (n,).
    group_times, bl : of the velocity groups in order of time (s, T·m).
    threshold : standard deviations from one cycle to the next that make a change.
    most_excluded : share of the cycles that may be left out.
    dof : degrees of freedom of u, shape (n,); None for many.
    besides : standard uncertainty of each mass from all else that was read for it, Bl above all (kg), shape (n,); None
        for 0. In a run without any the weighings' scatter is what happens in the balance, and no sign of a fault.

    Raises
    ------
    ReductionError
        If the cycles disagree and no majority of them, which goes on from the start of the run, agrees.

    Notes
    -----
    Changes from cycle to cycle, less their median (a drift is none), divide the run into stretches; those that agree
    with the longest one are kept. A step too small for that, which shows in the means before and after it, is sought
    then. A run starts as it was adjusted, and what changes in it for good does so to the worse: before the first cycle
    that is kept only cycles may go whose Bl is interpolated, or extrapolated, across a change of Bl that is large
    enough to explain why they are off: iron that moved nearby.
    """
    count, middle = len(masses), float(np.median(masses))
    if count < 2:
        return np.ones(count, dtype=bool), {}
    free = np.full(count, np.inf) if dof is None else dof
    quiet = float(np.median(u if besides is None else besides)) < QUIET * abs(middle)
    besides = np.zeros(count) if besides is None else besides
    reasons = {} if quiet else _scattering(u, free, threshold, float(np.median(besides)))
    index = np.array([i for i in range(count) if i not in reasons])
    pooled = float(np.sqrt(np.mean(u[index] ** 2)))
    sigma = np.hypot(pooled, besides[index])
    known = float(np.median(sigma)) ** 4 / pooled**4 * float(np.sum(free[index])) if pooled > 0 else np.inf
    threshold = limit(threshold, known)
    changes = np.diff(masses[index])
    changes = changes - np.median(changes) if len(changes) > 1 else changes
    floor = GROSS * abs(middle) / threshold if quiet else 0.0
    scale = _scale(np.hypot(sigma[1:], sigma[:-1]), changes, threshold, floor)
    cuts = np.flatnonzero(np.abs(changes) > threshold * scale) + 1
    if len(cuts):
        stretches = [index[part] for part in np.split(np.arange(len(index)), cuts)]
        _judge(stretches, times, masses, float(np.median(scale)) * threshold, group_times, bl, reasons)
    elif not quiet and len(index) > FEW:
        _small_step(index, masses, sigma, threshold, reasons)
    _from_the_start(reasons, count, masses, middle, _bends(times, group_times, bl))
    kept = np.ones(count, dtype=bool)
    kept[list(reasons)] = False
    left = np.count_nonzero(kept)
    if reasons and (left < (1 - most_excluded) * count or 2 * left <= count):
        why = "; ".join(f"{_named([i])}: {reason}" for i, reason in sorted(reasons.items())[:2])
        raise ReductionError(f"the cycles disagree, and no majority of them is left: {why}")
    apart = float(np.ptp(masses[kept]))
    if apart > LARGEST * abs(float(np.median(masses[kept]))):
        raise ReductionError(
            f"the masses of the cycles lie {apart:.2g} kg apart; check that the mass was loaded in all of them"
        )
    return kept, reasons


def _scattering(u: Array, dof: Array, threshold: float, least: float) -> dict[int, str]:
    """Cycles whose weighings scatter more than those of the others, and than `least`: Fisher's F, the worst first."""
    from scipy.special import fdtri

    reasons: dict[int, str] = {}
    index = np.arange(len(u))
    many = np.minimum(dof, MANY)
    while len(index) > 1:
        worst = int(index[np.argmax(u[index])])
        others = index[index != worst]
        usual = float(np.sqrt(np.average(u[others] ** 2, weights=many[others])))
        bound = max(0.5 * threshold, float(np.sqrt(fdtri(many[worst], many[others].sum(), 1 - CHANCE))))
        if not u[worst] > max(bound * usual, least):
            break
        reasons[worst] = (
            f"its weighings tell the mass to {u[worst]:.2g} kg only, those of other cycles to {usual:.2g} kg"
        )
        index = others
    return reasons


def _small_step(
    index: NDArray[np.int64], masses: Array, sigma: Array, threshold: float, reasons: dict[int, str]
) -> None:
    """Reasons for the cycles after a step that the means before and after it tell, if it explains what differs.

    The cycle in which it happens may lie between. A step explains the masses if it leaves no more of them than noise,
    and less than a drift would.
    """
    m, n = masses[index], len(index)
    best: tuple[float, int, int, float] | None = None
    for first in range(1, n):
        for second in {first, min(first + 1, n - 1)}:
            size = float(m[second:].mean() - m[:first].mean())
            u = float(np.sqrt(np.mean(sigma[:first] ** 2) / first + np.mean(sigma[second:] ** 2) / (n - second)))
            if abs(size) > threshold * u and (best is None or abs(size) / u > best[0]):
                best = abs(size) / u, first, second, size
    if best is None:
        return
    _, first, second, size = best
    left = float(np.sum((m[:first] - m[:first].mean()) ** 2) + np.sum((m[second:] - m[second:].mean()) ** 2))
    line = float(np.sum((m - np.polynomial.Polynomial.fit(np.arange(n), m, 1)(np.arange(n))) ** 2))
    free = n - 2 - (second - first)
    if left < line and left <= NOISY * max(free, 1) * float(np.mean(sigma**2)):
        for i in index[first:]:
            reasons[int(i)] = f"the mass stepped by {size / m[:first].mean():+.2g}, relative, before it was over"


def _from_the_start(reasons: dict[int, str], count: int, masses: Array, middle: float, bends: Array) -> None:
    """Refuse a run that begins with cycles that were left out, unless a change of Bl explains them."""
    first = next((i for i in range(count) if i not in reasons), count)
    for i in range(min(first, count)):
        if abs(masses[i] / middle - 1) > EXPLAINS * bends[i]:
            raise ReductionError(
                f"{_named([i])} cannot be used, and no good one is before it: {reasons[i]}. What changed in it may "
                "still be there, and nothing that was read says so: repeat the run, or leave out weighings at the "
                "start with reduction.skip_weighings if the balance was settling"
            )


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
