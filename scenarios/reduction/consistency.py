"""Whether the cycles of a run agree, and what to do if something changed in the middle of it.

Instruments and load are as certified until something happens to them. So of a run that changed for good (a mass that
slipped, a laser that hopped to another mode, a stepped voltage reference) the part before is right, if it is the larger
one; what is off for a while and comes back is left out; and if neither decides, the run is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.errors import ReductionError
from scenarios.reduction.robust import CHANCE, MANY, limit
from scenarios.reduction.steps import FEW, scale_of_changes

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

QUIET = 1e-11  # relative uncertainty of Bl below which a run is a computed one, without noise
GROSS = 1e-3  # relative: what is off by more is left out even then
LARGEST = 0.01  # relative: masses that lie further apart are none of one body
EXPLAINS = 1.0  # a mass is explained if it is off by so many times what Bl changes between its velocity groups
NOISY = 5.0  # times its variance: what chance may leave of noise


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
    labels: Sequence[int] | None = None,
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
    labels : of the cycles, counted from 0, for messages, which count from 1; None for 0, 1, ….

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
    names = range(count) if labels is None else labels
    if count < 2:
        return np.ones(count, dtype=bool), {}
    free = np.full(count, np.inf) if dof is None else dof
    quiet = float(np.median(u if besides is None else besides)) < QUIET * abs(middle)
    besides = np.zeros(count) if besides is None else besides
    reasons = {} if quiet else _scattering(u, free, threshold, float(np.median(besides)), most_excluded)
    known = None
    while known != len(reasons):  # what a large change has hidden shows when it is gone
        known = len(reasons)
        index = np.array([i for i in range(count) if i not in reasons])
        if len(index) < 2:
            break
        pooled = float(np.sqrt(np.mean(u[index] ** 2)))
        sigma = np.hypot(pooled, besides[index])
        dofs = float(np.median(sigma)) ** 4 / pooled**4 * float(np.sum(free[index])) if pooled > 0 else np.inf
        bound = limit(threshold, dofs)
        stretches, scale = _stretches(masses[index], sigma, bound, GROSS * abs(middle) / bound if quiet else 0.0)
        if len(stretches) > 1:
            _judge([index[part] for part in stretches], times, masses, scale * bound, group_times, bl, reasons, names)
        elif not quiet and len(index) > FEW:
            _small_step(index, masses, sigma, bound, reasons)
    _from_the_start(reasons, count, masses, middle, _changes_of_bl(times, group_times, bl), names)
    return _kept(masses, reasons, most_excluded, names), reasons


def _stretches(masses: Array, sigma: Array, threshold: float, floor: float) -> tuple[list[NDArray[np.int64]], float]:
    """The cycles between changes that are larger than `threshold` standard deviations, and their usual size (kg)."""
    changes = np.diff(masses)
    changes = changes - np.median(changes) if len(changes) > 1 else changes
    scale = scale_of_changes(np.hypot(sigma[1:], sigma[:-1]), changes, threshold, floor)
    cuts = np.flatnonzero(np.abs(changes) > threshold * scale) + 1
    return np.split(np.arange(len(masses)), cuts), float(np.median(scale)) if len(scale) else 0.0


def _kept(masses: Array, reasons: dict[int, str], most_excluded: float, names: Sequence[int]) -> Mask:
    """The cycles that nothing speaks against, if they are a majority of one body's masses."""
    count = len(masses)
    kept = np.ones(count, dtype=bool)
    kept[list(reasons)] = False
    left = np.count_nonzero(kept)
    if reasons and (left < (1 - most_excluded) * count or 2 * left <= count):
        why = "; ".join(f"{_named([i], names)}: {reason}" for i, reason in sorted(reasons.items())[:2])
        raise ReductionError(f"the cycles disagree, and no majority of them is left: {why}")
    apart = float(np.ptp(masses[kept]))
    if apart > LARGEST * abs(float(np.median(masses[kept]))):
        raise ReductionError(
            f"the masses of the cycles lie {apart:.2g} kg apart; check that the mass was loaded in all of them"
        )
    return kept


def _scattering(u: Array, dof: Array, threshold: float, least: float, most: float) -> dict[int, str]:
    """Cycles whose weighings scatter more than those of the others, and than `least`: Fisher's F, the worst first.

    One after the other is set aside, up to the share `most`, so that none hides behind a worse one (B. Rosner,
    Technometrics 25, 165 (1983)); those up to the last that stands out go.
    """
    from scipy.special import fdtri

    index = np.arange(len(u))
    many = np.minimum(dof, MANY)
    aside: list[tuple[int, float]] = []
    beyond = 0
    while len(index) > 1 and len(aside) < max(1, math.floor(most * len(u))):
        worst = int(index[np.argmax(u[index])])
        index = index[index != worst]
        usual = float(np.sqrt(np.average(u[index] ** 2, weights=many[index])))
        bound = max(0.5 * threshold, float(np.sqrt(fdtri(many[worst], many[index].sum(), 1 - CHANCE))))
        aside.append((worst, usual))
        if u[worst] > max(bound * usual, least):
            beyond = len(aside)
    return {
        worst: f"its weighings tell the mass to {u[worst]:.2g} kg only, those of other cycles to {usual:.2g} kg"
        for worst, usual in aside[:beyond]
    }


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


def _from_the_start(
    reasons: dict[int, str], count: int, masses: Array, middle: float, changes: Array, names: Sequence[int]
) -> None:
    """Refuse a run that begins with cycles that were left out, unless a change of Bl explains them."""
    first = next((i for i in range(count) if i not in reasons), count)
    for i in range(min(first, count)):
        if abs(masses[i] / middle - 1) > EXPLAINS * changes[i]:
            raise ReductionError(
                f"{_named([i], names)} cannot be used, and no good one is before it: {reasons[i]}. What changed in it "
                "may still be there, and nothing that was read says so: repeat the run, or leave out weighings at the "
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
    names: Sequence[int],
) -> None:
    """Reasons for the stretches that do not agree with the main one."""
    levels = np.array([masses[part].mean() for part in stretches])
    sizes = np.array([len(part) for part in stretches])
    bounds = bound * np.sqrt(0.5 * (1 / sizes[:, None] + 1 / sizes))  # `bound` is for the difference of two cycles
    agree = np.abs(levels[:, None] - levels) <= bounds
    main = int(np.argmax(agree @ sizes))
    level = float(np.average(levels[agree[main]], weights=sizes[agree[main]]))
    changes = _changes_of_bl(times, group_times, bl)
    first = int(np.argmax(agree[main]))
    for k, part in enumerate(stretches):
        if agree[main][k]:
            continue
        off = _apart(float(levels[k]), level)
        explained = [abs(masses[i] / level - 1) <= EXPLAINS * changes[i] for i in part]
        if k < first and not all(explained):
            raise ReductionError(
                f"{_named(part, names)} and those after disagree in the mass by {off:.2g}, relative: something "
                "changed, and nothing that was read says which are right; leave out or repeat what was disturbed"
            )
        for i, clear in zip(part, explained, strict=True):
            reasons[int(i)] = f"its mass is off by {_apart(masses[i], level):+.2g}, relative" + (
                f"; Bl changed by {changes[i]:.2g} beside it" if clear else ""
            )


def _changes_of_bl(times: Array, group_times: Array, bl: Array) -> Array:
    """Size of the relative change of Bl between the velocity groups that each cycle is interpolated between.

    What goes on as in the gap before or after is a drift, and bends nothing.
    """
    if len(bl) < 3:
        return np.zeros(len(times))
    spans, changes = np.diff(group_times), np.diff(np.log(np.abs(bl)))
    rates = changes / spans
    beside = [np.concatenate([rates[:1] * 0.0, rates[:-1]]), np.concatenate([rates[1:], rates[-1:] * 0.0])]
    left = np.min([np.abs(changes - rate * spans) for rate in (*beside, 0.0 * rates)], axis=0)
    own: Array = left[np.clip(np.searchsorted(group_times, times) - 1, 0, len(changes) - 1)]
    return own


def _apart(mass: float, level: float) -> float:
    """Difference of two masses over the larger one: of one that was not loaded it is 1, not infinite."""
    return (mass - level) / max(abs(mass), abs(level), 1e-300)


def _named(part: Iterable[int], names: Sequence[int]) -> str:
    """Cycles as a user counts them, from 1."""
    numbers = [names[int(i)] + 1 for i in part]
    if len(numbers) == 1:
        return f"cycle {numbers[0]} of the run"
    return f"cycles {numbers[0]} to {numbers[-1]} of the run"
