"""Which weighings stand in their state, and which cycles can still be evaluated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.errors import ReductionError
from scenarios.reduction.recording import Weighings
from scenarios.reduction.result import Excluded
from scenarios.reduction.robust import EFFICIENCY, beside, limit, spread
from scenarios.reduction.settings import ReductionSettings
from scenarios.reduction.weighing import compare

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

GROSS = 1e-3  # of the difference between on and off: no drift of a weighing passes it
NEIGHBOURS = 7  # weighings of a state, among which the middle one is compared with their median
TOO_CLOSE = 2.0  # a weighing is among its neighbours itself, which makes it seem closer to their median
MANY_TIMES = 100.0  # the difference: the mass was hardly ever loaded
GROSS_POSITION = 1e-6  # m: a coil that is held keeps its place better


def good_weighings(w: Weighings, settings: ReductionSettings) -> tuple[Weighings, tuple[Excluded, ...]]:
    """The weighings that stand in their state, in cycles that can still be evaluated."""
    reasons: dict[int, str] = {}
    for i in np.flatnonzero(~((w.share >= settings.least_share) & np.isfinite(w.voltage) & np.isfinite(w.position))):
        reasons[int(i)] = f"only {w.share[i]:.0%} of its readings are good"
    _unsteady(w, settings, reasons)
    _displaced(w, settings, reasons)
    _off_state(w, settings, reasons)
    _off_drift(w, settings, reasons)
    if not reasons:
        return w, ()
    _from_the_start(w, settings, reasons)
    out = [Excluded(int(w.cycle[i]), "weighing", int(w.number[i]), reason) for i, reason in sorted(reasons.items())]
    keep = _keeping(w, reasons)
    for cycle in dict.fromkeys(w.cycle[~keep].tolist()):
        own = keep & (w.cycle == cycle)
        try:
            compare(settings.weighing_scheme, w.time[own], w.on[own], settings.drift_order)
        except ReductionError as error:
            keep[own] = False
            out.append(Excluded(cycle, "cycle", None, f"too little of it is left: {error}"))
    lost = 1 - np.count_nonzero(keep) / len(keep)
    if lost > settings.most_excluded:
        first = out[0]
        raise ReductionError(
            f"{lost:.0%} of the weighings would have to be left out, more than reduction.most_excluded allows; the "
            f"first is weighing {(first.number or 0) + 1} of cycle {first.cycle + 1}: {first.reason}"
        )
    return w.kept(keep), tuple(out)


def _from_the_start(w: Weighings, settings: ReductionSettings, reasons: dict[int, str]) -> None:
    """Refuse a run whose first weighing of a state is off: nothing before it says that it is not the others.

    What changes in a run for good falsifies all that comes after. A weighing that was hardly read tells nothing, and
    what is off at the same place in half of the cycles, the last one among them, is how the balance behaves.
    """
    read = w.share >= settings.least_share
    cycles = len(set(w.cycle.tolist()))
    for on in (True, False):
        own = np.flatnonzero(read & (w.on == on))
        if not len(own) or int(own[0]) not in reasons:
            continue
        place = np.flatnonzero(read & (w.number == w.number[own[0]]))
        off = np.isin(place, list(reasons))
        if cycles == 1 or 2 * np.count_nonzero(off) < cycles or not off[-1]:
            state, i = "on" if on else "off", int(own[0])
            number = int(w.number[i]) + 1
            raise ReductionError(
                f"weighing {number} of cycle {w.cycle[i] + 1}, the first with the mass {state}, is unlike those that "
                f"follow: {reasons[i]}; nothing that was read says which are right: repeat the run, or leave it out "
                f"with reduction.skip_weighings={number} if the balance was settling"
            )


def _keeping(w: Weighings, reasons: dict[int, str]) -> Mask:
    keep = np.ones(len(w.time), dtype=bool)
    keep[list(reasons)] = False
    return keep


def _difference(w: Weighings, keep: Mask) -> float:
    """Size of the difference between the states (V), from medians."""
    on, off = w.voltage[keep & w.on], w.voltage[keep & ~w.on]
    return abs(float(np.median(on) - np.median(off))) if len(on) and len(off) else 0.0


def _unsteady(w: Weighings, settings: ReductionSettings, reasons: dict[int, str]) -> None:
    """Weighings whose readings scatter: the load changed while they were read."""
    good = _keeping(w, reasons)
    floor = 0.1 * GROSS * _difference(w, good)
    usual = float(np.median(w.scatter[good])) if good.any() else 0.0
    for i in np.flatnonzero(
        good & (w.scatter > 2 * settings.outlier_threshold * usual) & (w.scatter > floor) & (floor > 0)
    ):
        reasons[int(i)] = f"its readings scatter by {w.scatter[i]:.2g} V, those of others by {usual:.2g} V"


def _displaced(w: Weighings, settings: ReductionSettings, reasons: dict[int, str]) -> None:
    """Weighings in which the coil was read elsewhere than in the others of their state."""
    for on in (False, True):
        own = np.flatnonzero(_keeping(w, reasons) & (w.on == on))
        if len(own) < 3:
            continue
        away = w.position[own] - np.median(w.position[own])
        bound = max(limit(settings.outlier_threshold, EFFICIENCY * (len(own) - 1)) * spread(away), GROSS_POSITION)
        for i, size in zip(own, away, strict=True):
            if abs(size) > bound:
                reasons[int(i)] = f"the coil is {size:.2g} m away from where it was in the others"


def _off_state(w: Weighings, settings: ReductionSettings, reasons: dict[int, str]) -> None:
    """Weighings whose current is not that of their state: a mass that was not loaded, a voltmeter that is stuck."""
    difference = _difference(w, _keeping(w, reasons))
    for on in (False, True):
        own = np.flatnonzero(_keeping(w, reasons) & (w.on == on))
        if len(own) < 3 or difference == 0:
            continue
        away = w.voltage[own] - beside(w.voltage[own], NEIGHBOURS)
        sigma = TOO_CLOSE * spread(away)
        bound = max(limit(settings.outlier_threshold, EFFICIENCY * (len(own) - 1)) * sigma, GROSS * difference)
        for i, size in zip(own, away, strict=True):
            if abs(size) > bound:
                state, share = "on" if on else "off", size / difference
                far = f"{share:+.2g} of" if abs(share) < MANY_TIMES else f"more than {MANY_TIMES:g} times"
                reasons[int(i)] = (
                    f"its voltage is {far} the difference on - off away from that of the weighings beside it with the "
                    f"mass {state}"
                )


def _off_drift(w: Weighings, settings: ReductionSettings, reasons: dict[int, str]) -> None:
    """Weighings off the drift of their cycle, by far more than the noise of the run.

    Each residual is divided by √(1 − h), h being its leverage. The largest of a cycle goes if no other could be to
    blame as well, and the next is looked for. What is off at the same place in half of the cycles is how the balance
    behaves, and stays; so does what is off by little more than at the same place in the others.
    """
    found: dict[int, str] = {}
    own_size: dict[int, float] = {}
    scaled = [_residuals(w, own, settings.drift_order) for own in _cycles(w, _keeping(w, reasons))]
    all_ = np.concatenate([r for r, _ in scaled]) if scaled else np.zeros(0)
    dof = float(sum(d for _, d in scaled))
    noise = w.noise[w.noise > 0]
    if dof < 2 or 2 * len(noise) < len(w.noise):
        return
    sigma = max(spread(all_), float(np.median(noise)))
    bound = limit(settings.outlier_threshold, EFFICIENCY * dof) * sigma
    for own, (size, free) in zip(_cycles(w, _keeping(w, reasons)), scaled, strict=True):
        while free >= 2:
            order = np.argsort(-np.abs(size))
            if abs(size[order[0]]) <= bound:
                break
            rest = _residuals(w, np.delete(own, order[0]), settings.drift_order)[0]
            if abs(size[order[1]]) > 0.8 * abs(size[order[0]]) or np.abs(rest).max() > abs(size[order[0]]) / 2:
                break
            worst = int(own[order[0]])
            own_size[worst] = float(size[order[0]])
            found[worst] = f"it is {abs(size[order[0]]):.2g} V off the drift of its cycle, where {sigma:.2g} V is usual"
            own = np.delete(own, order[0])
            size, free = _residuals(w, own, settings.drift_order)
    numbers = w.number[list(found)]
    cycles = len(set(w.cycle.tolist()))
    at = np.concatenate(_cycles(w, _keeping(w, reasons)))
    for i, reason in found.items():
        others = all_[(w.number[at] == w.number[i]) & (w.cycle[at] != w.cycle[i])]
        usual = float(np.median(others)) if len(others) > 1 else 0.0
        rare = cycles == 1 or 2 * np.count_nonzero(numbers == w.number[i]) < max(cycles, 3)
        if rare and abs(own_size[i] - usual) > bound:
            reasons[i] = reason


def _cycles(w: Weighings, keep: Mask) -> list[NDArray[np.int64]]:
    """Indices of the weighings of each cycle."""
    return [np.flatnonzero(keep & (w.cycle == cycle)) for cycle in dict.fromkeys(w.cycle.tolist())]


def _residuals(w: Weighings, own: NDArray[np.int64], order: int) -> tuple[Array, int]:
    """What a difference and a drift leave of the voltages, each over √(1 − leverage), and the degrees of freedom."""
    if not len(own):
        return w.voltage[own], 0
    time = w.time[own] - w.time[own].mean()
    design = np.column_stack([w.on[own], np.vander(time / max(float(np.abs(time).max()), 1e-300), order + 1)])
    free = len(own) - int(np.linalg.matrix_rank(design))
    if free < 1:
        return np.zeros(len(own)), 0
    q, _ = np.linalg.qr(design)
    left = w.voltage[own] - q @ (q.T @ w.voltage[own])
    return left / np.sqrt(np.maximum(1 - np.sum(q**2, axis=1), 1e-6)), free
