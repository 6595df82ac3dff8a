"""The first sweeps of velocity phases, in which something still settles: flux that leaves the yoke, an EMF that fades.

What reverses with the velocity is Bl; what does not, a pair of sweeps up and down tells. An offset of the voltage does
no harm, a drift little; but what fades within a few sweeps is no offset of them all. It does the same in every group,
so that the groups tell it together, with the sign of the current that there was.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.recording import Recording, Sweeps
from scenarios.reduction.result import Excluded
from scenarios.reduction.robust import limit
from scenarios.reduction.settings import ReductionSettings

Array = NDArray[np.float64]

FEWEST_PAIRS = 12  # of sweeps up and down, in which the first can be told from the others
SMALLEST = 1e-8  # of the voltage: below, it is nothing in the mean over a group
FADED = 2.0  # times what chance does: less is not told from the rest
DIFFERENT = 12  # later values at least, however much they resemble their neighbours
LATER = 4  # the first of so many parts is looked at, by the others


def without_unsettled(recording: Recording, settings: ReductionSettings) -> tuple[Recording, tuple[Excluded, ...]]:
    """The recording without the first sweeps of its groups, if the rest tells that they are not alike."""
    groups = recording.sweeps
    begun = {(group.cycle, group.block, group.state): float(group.time[0]) for group in recording.moved}
    numbers = [_numbers(group, begun[group.cycle, group.block, group.state]) for group in groups]
    pairs = [_pairs(group, number) for group, number in zip(groups, numbers, strict=True)]
    table = np.array([own[: min(map(len, pairs))] for own in pairs])
    there = np.isfinite(table)
    number_there = there.sum(axis=0)
    read = np.flatnonzero(number_there)  # some pairs may have been left out in every group
    if len(read) < FEWEST_PAIRS:
        return recording, ()
    mean = np.where(there, table, 0.0).sum(axis=0)[read] / number_there[read]
    first, size = unsettled(mean, settings.outlier_threshold)
    if not first:
        return recording, ()
    cut = int(read[first])
    reason = (
        f"the voltages of its first {2 * cut} sweeps are off by {size:+.2g}, relative, up and down alike, which fades: "
        "flux leaves the yoke, or something else settles; state coil.yoke_inductance, or set reduction.skip_sweeps"
    )
    kept = tuple(group.kept(number >= 2 * cut) for group, number in zip(groups, numbers, strict=True))
    return replace(recording, sweeps=kept), tuple(Excluded(group.cycle, "sweep", None, reason) for group in groups)


def unsettled(pairs: Array, threshold: float) -> tuple[int, float]:
    """How many of the first values of a row are unlike the rest, and by how much the first one is; 0 if none are.

    Values, shape (n,), are compared with a line through the last three quarters; means of 1, 2, 4, … of them with what
    such means scatter by there. Slow noise, as a random walk, is not taken for a beginning: of means that resemble
    their neighbours there are fewer than their number.
    """
    first = len(pairs) // LATER
    time = np.arange(len(pairs), dtype=float)
    left = pairs - np.polynomial.Polynomial.fit(time[first:], pairs[first:], 1)(time)
    scales, alike = [], 1.0
    for width in (1 << k for k in range(first.bit_length())):
        later = left[first:][: (len(left) - first) // width * width].reshape(-1, width).mean(axis=1)
        free = len(later) - 2
        if free < 4 or 2 * width > first:
            break
        alike = max(_alike(later), 0.5 * alike)
        # The line is known three times as badly at its end as in its middle.
        scatter = float(np.sqrt(later @ later / free * (1.0 + 12.0 * alike / len(later))))
        scales.append((width, max(scatter, SMALLEST / threshold), limit(threshold, len(later) / alike - 2.0)))
    if not any(abs(left[:width].mean()) > bound * scatter for width, scatter, bound in scales):
        return 0, 0.0
    cut = 0
    while cut < first and any(abs(left[cut : cut + width].mean()) > FADED * u for width, u, _ in scales):
        cut += 1
    return min(cut + max(1, cut // 2), first), float(left[0])


def _alike(values: Array) -> float:
    """How many neighbouring values are as good as one, (1 + r)/(1 − r) by their correlation r, 1 if r may be chance.

    The logarithm of that is twice Fisher's z, whose standard deviation is 1/√n. What fades slowly resembles itself as
    well, so that never fewer than `DIFFERENT` values are left.
    """
    power = float(values @ values)
    r = float(values[1:] @ values[:-1]) / power if power > 0.0 else 0.0
    alike = (1.0 + r) / (1.0 - r) * float(np.exp(-2.0 / np.sqrt(len(values))))
    return max(min(alike, len(values) / DIFFERENT), 1.0)


def _numbers(group: Sweeps, begun: float) -> NDArray[np.int64]:
    """Of the sweeps since the first one (s), those that were left out counted."""
    since = group.time - begun
    every = float(np.median(np.diff(group.time))) if len(group.time) > 1 else 1.0
    return np.rint(since / every).astype(np.int64)


def _pairs(group: Sweeps, numbers: NDArray[np.int64]) -> Array:
    """What does not reverse with the velocity, over the voltage, for each pair of sweeps; NaN where one lacks."""
    voltage = group.voltage.mean(axis=1)
    speed = group.position[:, -1] - group.position[:, 0]
    size = float(np.abs(voltage).mean())
    bl = size / float(np.abs(speed).mean())
    found = np.full((2, numbers[-1] // 2 * 2 + 2), np.nan)
    found[:, numbers] = voltage - np.sign(voltage @ speed) * bl * speed, speed
    rest, way = found.reshape(2, -1, 2)
    opposite = way[:, 0] * way[:, 1] < 0.0
    sign = -1.0 if group.state == "off" else 1.0
    # A pair alone also has what Bl changes between its sweeps; with the next one, up – down – up, it has not.
    after = np.append(rest[1:, 0], np.nan)
    even = np.where(np.isfinite(after), 0.5 * (rest[:, 0] + after), rest[:, 0])
    return np.where(opposite, sign * 0.5 * (even + rest[:, 1]) / size, np.nan)
