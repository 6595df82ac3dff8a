"""What is left out before the fits, so that faulty data neither end an analysis nor falsify the mass.

Only what stands out beyond doubt goes: by `outlier_threshold` standard deviations of the good majority (median absolute
deviation), never by less than a floor below which the scatter of the result tells as much. An outlier that stays
enlarges the stated uncertainty by about as much as it shifts the mass, so that it is safer to keep than to guess. What
shows no noise is a computed course: of that only gross errors go.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.errors import ReductionError
from scenarios.reduction.faulty import noise_of_mean
from scenarios.reduction.recording import Readings, Recording, Sweeps, Weighings
from scenarios.reduction.result import Excluded, What
from scenarios.reduction.robust import EFFICIENCY, beside, limit, spread
from scenarios.reduction.settings import ReductionSettings
from scenarios.reduction.weighing import compare

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

GROSS = 1e-3  # of the difference between on and off: no drift of a weighing passes it
NEIGHBOURS = 7  # weighings of a state, among which the middle one is compared with their median
TOO_CLOSE = 2.0  # a weighing is among its neighbours itself, which makes it seem closer to their median
GROSS_SWEEP = 1e-3  # relative: no drift or profile makes Bl of neighbouring sweeps differ by so much
GROSS_POSITION = 1e-6  # m: a coil that is held keeps its place better
GROSS_CALIBRATION = 1e-3  # relative: no voltmeter's gain is off by so much
FEWEST_SWEEPS = 2  # that make a group: up and down
FEWEST_GROUPS = 3  # of which one may be told from the others
SMOOTH_ORDER = 3  # of the course of Bl within a group that is taken for temperature


def screen(recording: Recording, settings: ReductionSettings) -> tuple[Recording, tuple[Excluded, ...]]:
    """Leave out faulty weighings, cycles, sweeps, velocity groups and calibrations.

    A cycle that has lost weighings goes if the weighing scheme cannot do with those left. Returns the
    recording without all this and what it was, after the faulty readings that `read` left out.

    Raises
    ------
    ReductionError
        If more than the share `most_excluded` of the weighings, or all velocity groups, would have to go.
    """
    weighings, out = _weighings(recording.weighings, settings)
    sweeps, out_sweeps = _sweeps(recording.sweeps, settings)
    current, out_current = _calibration(recording.current_calibration, "current_voltmeter")
    induced, out_induced = _calibration(recording.induced_calibration, "induced_voltmeter")
    screened = replace(
        recording, weighings=weighings, sweeps=sweeps, current_calibration=current, induced_calibration=induced
    )
    return screened, (*recording.excluded, *out, *out_sweeps, *out_current, *out_induced)


def _weighings(w: Weighings, settings: ReductionSettings) -> tuple[Weighings, tuple[Excluded, ...]]:
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
            f"first is weighing {first.number} of cycle {first.cycle}: {first.reason}"
        )
    return w.kept(keep), tuple(out)


def _from_the_start(w: Weighings, settings: ReductionSettings, reasons: dict[int, str]) -> None:
    """Refuse a run whose first weighing of a state is off: nothing before it says that it is not the others.

    What changes in a run for good falsifies all that comes after. A weighing that was hardly read tells nothing, and
    what is off at the same place in half of the cycles is how the balance behaves.
    """
    read = w.share >= settings.least_share
    cycles = len(set(w.cycle.tolist()))
    for on in (True, False):
        own = np.flatnonzero(read & (w.on == on))
        if not len(own) or int(own[0]) not in reasons:
            continue
        if cycles == 1 or 2 * np.count_nonzero(w.number[list(reasons)] == w.number[own[0]]) < cycles:
            state, i = "on" if on else "off", int(own[0])
            raise ReductionError(
                f"weighing {w.number[i]} of cycle {w.cycle[i]}, the first with the mass {state}, is unlike those that "
                f"follow: {reasons[i]}; nothing that was read says which are right: repeat the run, or leave it out "
                f"with reduction.skip_weighings={w.number[i] + 1} if the balance was settling"
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
                state = "on" if on else "off"
                reasons[int(i)] = (
                    f"its voltage is {size / difference:+.2g} of the difference on - off away from that of the "
                    f"weighings beside it with the mass {state}"
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
    for own in _cycles(w, _keeping(w, reasons)):
        while True:
            size, free = _residuals(w, own, settings.drift_order)
            order = np.argsort(-np.abs(size))
            if free < 2 or abs(size[order[0]]) <= bound:
                break
            rest = _residuals(w, np.delete(own, order[0]), settings.drift_order)[0]
            if abs(size[order[1]]) > 0.8 * abs(size[order[0]]) or np.abs(rest).max() > abs(size[order[0]]) / 2:
                break
            worst = int(own[order[0]])
            own_size[worst] = float(size[order[0]])
            found[worst] = f"it is {abs(size[order[0]]):.2g} V off the drift of its cycle, where {sigma:.2g} V is usual"
            own = np.delete(own, order[0])
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


def _sweeps(groups: tuple[Sweeps, ...], settings: ReductionSettings) -> tuple[tuple[Sweeps, ...], tuple[Excluded, ...]]:
    """The groups without faulty sweeps; whole ones go if too few are left."""
    kept: list[Sweeps] = []
    out: list[Excluded] = []
    for group in groups:
        reasons = _bad_sweeps(group, settings)
        if not reasons:
            kept.append(group)
            continue
        left = len(group.time) - len(reasons)
        if left < FEWEST_SWEEPS or len(reasons) > settings.most_excluded * len(group.time):
            why = next(iter(reasons.values()))
            out.append(Excluded(group.cycle, "velocity group", None, f"{len(reasons)} of its sweeps are bad: {why}"))
            continue
        keep = np.ones(len(group.time), dtype=bool)
        keep[list(reasons)] = False
        kept.append(replace(group, voltage=group.voltage[keep], position=group.position[keep], time=group.time[keep]))
        what: What = "sweep"
        first = settings.skip_sweeps  # which are gone already
        out += [Excluded(group.cycle, what, first + i, reason) for i, reason in sorted(reasons.items())]
    if not kept:
        raise ReductionError(f"no velocity group is left; cycle {out[0].cycle}: {out[0].reason}")
    scattering = _scattering_groups(kept, settings)
    out += [Excluded(kept[i].cycle, "velocity group", None, reason) for i, reason in scattering.items()]
    return tuple(group for i, group in enumerate(kept) if i not in scattering), tuple(out)


def _scattering_groups(groups: list[Sweeps], settings: ReductionSettings) -> dict[int, str]:
    """Groups whose sweeps scatter far more than those of the others: the field or the laser changed in them."""
    if len(groups) < FEWEST_GROUPS:
        return {}
    senses = [_senses(group) for group in groups]
    if np.median([noise_of_mean(part) for parts in senses for part in parts]) == 0:
        return {}
    scatter = np.array([_scatter(parts) for parts in senses])
    usual = float(np.median(scatter))
    return {
        int(i): f"Bl of its sweeps scatters by {scatter[i]:.2g}, relative, that of others' by {usual:.2g}"
        for i in np.flatnonzero(scatter > settings.outlier_threshold * usual)
    }


def _senses(group: Sweeps) -> list[Array]:
    """Bl of the sweeps up and of those down."""
    height = group.position[:, -1] - group.position[:, 0]
    bl = group.voltage.mean(axis=1) / height
    return [bl[(height > 0) == up] for up in (True, False)]


def _scatter(parts: list[Array]) -> float:
    """Relative standard deviation beside a course of third order, which the magnet's temperature may have."""
    left = []
    for bl in parts:
        if len(bl) > 2 * SMOOTH_ORDER and np.all(bl):
            place = np.arange(len(bl))
            left.append((bl - np.polynomial.Polynomial.fit(place, bl, SMOOTH_ORDER)(place)) / bl.mean())
    return float(np.sqrt(np.mean(np.concatenate(left) ** 2))) if left else 0.0


def _bad_sweeps(group: Sweeps, settings: ReductionSettings) -> dict[int, str]:
    """Sweeps with readings that are no numbers, and those whose Bl or residuals stand out of the others of their sense.

    Bl of a sweep is its mean voltage over its mean velocity, up and down apart, for an offset has opposite signs in
    them; the residuals are those of the voltages against the velocities with this Bl.
    """
    flux = group.voltage.mean(axis=1)
    height = (group.position[:, -1] - group.position[:, 0]) / (group.voltage.shape[1] * group.aperture)
    speed = np.diff(group.position, axis=1)
    speed *= 1 / group.aperture
    with np.errstate(all="ignore"):
        bl = flux / height
        speed *= bl[:, None]
        np.subtract(group.voltage, speed, out=speed)
        rest = np.sqrt(np.einsum("ij,ij->i", speed, speed) / speed.shape[1])
    reasons = {}
    finite = np.isfinite(flux) & np.isfinite(group.position.sum(axis=1))
    for i in np.flatnonzero(~finite):
        reasons[int(i)] = "readings are no numbers"
    for i in np.flatnonzero(finite & (height == 0)):
        reasons[int(i)] = "the coil was read at the same place all the time"
    finite &= height != 0
    dead = ~group.voltage.any(axis=1)
    for i in np.flatnonzero(finite & dead):
        reasons[int(i)] = "all of its voltages are zero"
    finite &= ~dead
    stuck = np.all(group.voltage == group.voltage[:, :1], axis=1)
    if 2 * np.count_nonzero(stuck) < len(stuck):
        for i in np.flatnonzero(finite & stuck):
            reasons[int(i)] = "all of its voltages are the same"
        finite &= ~stuck
    for sense in (-1, 1):
        own = np.flatnonzero(finite & (np.sign(height) == sense))
        if len(own) < 3:
            continue
        middle = float(np.median(bl[own]))
        away = np.abs(bl[own] - middle)
        far = away > max(
            limit(settings.outlier_threshold, EFFICIENCY * (len(own) - 1)) * spread(away), GROSS_SWEEP * abs(middle)
        )
        usual = float(np.median(rest[own]))
        most = settings.outlier_threshold * (1 + 3 / np.sqrt(speed.shape[1])) * usual
        most += GROSS_SWEEP * float(np.median(np.abs(flux[own])))
        for i in own[far]:
            reasons[int(i)] = f"its Bl of {bl[i]:.6g} T m is far from the others' {middle:.6g} T m"
        for i in own[~far & (rest[own] > most)]:
            reasons[int(i)] = f"voltage and velocity differ by {rest[i]:.2g} V rms, elsewhere {usual:.2g} V"
    return reasons


def _calibration(readings: Readings | None, channel: str) -> tuple[Readings | None, tuple[Excluded, ...]]:
    """The calibrations without those that cannot be of the same reference as those before and after.

    What is off from the start, or until the end, may be the reference itself: see `scenarios.reduction.consistency`.
    """
    if readings is None or len(readings.mean) < 3:
        return readings, ()
    middle = float(np.median(readings.mean))
    good = np.abs(readings.mean - middle) <= GROSS_CALIBRATION * abs(middle)
    if good.all() or not good.any():
        return readings, ()
    first, last = int(np.argmax(good)), len(good) - 1 - int(np.argmax(good[::-1]))
    place = np.arange(len(good))
    keep = good | (place < first) | (place > last)
    out = tuple(
        Excluded(int(readings.cycle[i]), "reading", None, f"{channel} calibration reads {readings.mean[i]:.6g} V")
        for i in np.flatnonzero(~keep)
    )
    return (readings.kept(keep) if out else readings), out
