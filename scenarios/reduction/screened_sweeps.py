"""Which sweeps, and which velocity groups, tell Bl."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.errors import ReductionError
from scenarios.reduction.faulty import noise_of_mean
from scenarios.reduction.recording import Sweeps
from scenarios.reduction.result import Excluded, What
from scenarios.reduction.robust import EFFICIENCY, limit, spread
from scenarios.reduction.settings import ReductionSettings
from scenarios.reduction.smooth_courses import SMOOTH_ORDER, smooth_courses

Array = NDArray[np.float64]

GROSS_SWEEP = 1e-3  # relative: no drift or profile makes Bl of neighbouring sweeps differ by so much
FEWEST_SWEEPS = 2  # that make a group: up and down
FEWEST_GROUPS = 3  # of which one may be told from the others


def good_sweeps(
    groups: tuple[Sweeps, ...], settings: ReductionSettings
) -> tuple[tuple[Sweeps, ...], tuple[Excluded, ...]]:
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
        kept.append(group.kept(keep))
        what: What = "sweep"
        first = settings.skip_sweeps  # which are gone already
        out += [Excluded(group.cycle, what, first + i, reason) for i, reason in sorted(reasons.items())]
    if not kept:
        raise ReductionError(f"no velocity group is left; cycle {out[0].cycle + 1}: {out[0].reason}")
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
            courses = smooth_courses(len(bl))
            left.append((bl - courses @ (bl @ courses)) / bl.mean())
    return float(np.sqrt(np.mean(np.concatenate(left) ** 2))) if left else 0.0


def _bad_sweeps(group: Sweeps, settings: ReductionSettings) -> dict[int, str]:
    """Sweeps with readings that are no numbers, and those whose Bl or residuals stand out of the others of their sense.

    Bl of a sweep is its mean voltage over its mean velocity, up and down apart, for an offset has opposite signs in
    them; the residuals are those of the voltages against the velocities with this Bl.
    """
    flux = group.voltage.mean(axis=1)
    height = (group.position[:, -1] - group.position[:, 0]) / (group.voltage.shape[1] * group.aperture)
    left = np.diff(group.position, axis=1)
    with np.errstate(all="ignore"):
        bl = flux / height
        left *= bl[:, None] / group.aperture
        np.subtract(group.voltage, left, out=left)
        rest = np.sqrt(np.einsum("ij,ij->i", left, left) / left.shape[1])
    reasons = {}
    finite = np.isfinite(flux) & group.located
    for i in np.flatnonzero(~finite):
        reasons[int(i)] = "readings are no numbers"
    for i in np.flatnonzero(finite & (height == 0)):
        reasons[int(i)] = "the coil was read at the same place all the time"
    finite &= height != 0
    stuck = group.voltage[:, 0] == group.voltage[:, -1]
    stuck[stuck] = np.all(group.voltage[stuck] == group.voltage[stuck, :1], axis=1)
    dead = stuck & (flux == 0.0)
    for i in np.flatnonzero(finite & dead):
        reasons[int(i)] = "all of its voltages are zero"
    finite &= ~dead
    both_senses = len(set(np.sign(height[stuck & finite]).tolist())) == 2
    frozen = both_senses and np.ptp(group.voltage[stuck, 0]) == 0.0  # up and down alike: no voltage does that
    if frozen or 2 * np.count_nonzero(stuck) < len(stuck):
        for i in np.flatnonzero(finite & stuck):
            reasons[int(i)] = "all of its voltages are the same"
        finite &= ~stuck
    for sense in (-1, 1):
        own = np.flatnonzero(finite & (np.sign(height) == sense))
        if len(own) < 3:
            continue
        middle = float(np.median(bl[own]))
        away = np.abs(bl[own] - middle)
        far = away > GROSS_SWEEP * abs(middle)
        if far.any():
            far &= away > limit(settings.outlier_threshold, EFFICIENCY * (len(own) - 1)) * spread(away)
        gross = GROSS_SWEEP * float(np.median(np.abs(flux[own])))
        rough = rest[own] > gross
        if rough.any():
            usual = float(np.median(rest[own]))
            rough &= rest[own] > settings.outlier_threshold * (1 + 3 / np.sqrt(left.shape[1])) * usual + gross
        for i in own[far]:
            reasons[int(i)] = f"its Bl of {bl[i]:.6g} T m is far from the others' {middle:.6g} T m"
        for i in own[~far & rough]:
            reasons[int(i)] = f"voltage and velocity differ by {rest[i]:.2g} V rms, elsewhere {usual:.2g} V"
    return reasons
