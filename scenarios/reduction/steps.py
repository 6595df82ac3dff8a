"""Changes that instruments show by themselves: a voltage reference that steps, a laser that hops, readings that end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.robust import EFFICIENCY, limit, spread

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

SMALLEST_STEP = 2e-9  # relative: below, a step of the voltage reference is its noise
PLAIN_STEP = 1e-7  # relative: seven times what 1/f noise of a Zener, Allan deviation 5e-9, makes between calibrations
ALIKE = 0.1  # of a plain step, by which the two may differ beyond what they are stated to
ALONE = 2.0  # by which a step that one voltmeter alone tells has to be larger
GROSS_CALIBRATION = 1e-3  # relative: no voltmeter's gain is off by so much
SMALLEST_JUMP = 1e-8  # m: below, a coil that is held has crept
KNOWN = 0.2  # of what the air moves: the station reads it at other instants
MANY_CHANGES = 5  # of which the spread is known well enough
HALF = 1e-6  # of a run, to which two parts of it are equally long
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
    A change of one voltmeter's gain shows in that one only and is calibrated away. The changes from one calibration
    to the next, freed of their median (drift), are compared with the uncertainties, and with their own spread if
    that is larger. Of few changes those to and fro of a reference that was off for a while make up the spread, and
    of two voltmeters one may be ten times as noisy: what is plain in one counts all the same if the other one reads
    alike. Of several common steps the largest is returned. Before one voltmeter's first calibration and after its
    last the other one alone tells, and its change is taken for a step: that it was the reference cannot be ruled
    out.
    """
    current, induced = (_Meter.of(t, r, s, threshold) for t, r, s in zip(times, readings, u, strict=True))
    found = _common_step(current, induced, threshold)
    common = 0.0 if found is None else found.size
    for meter, other in ((current, induced), (induced, current)):
        for alone in _steps_alone(meter, other, common, threshold):
            earlier = found is not None and alone.after < other.time.min() and alone.after < found.after
            if found is None or earlier or abs(alone.size) > 2 * abs(found.size):
                found = alone
    return found


class _Meter(NamedTuple):
    """Changes of a voltmeter's readings of the reference, of fewer than three none.

    Parameters
    ----------
    time : of the calibrations (s).
    change, sigma : from one to the next, relative, and their standard deviations.
    stated : the same as their uncertainties have it.
    plain : those that are changes whatever the spread.
    """

    time: Array
    change: Array
    sigma: Array
    stated: Array
    plain: Mask

    @classmethod
    def of(cls, time: Array, reading: Array, u: Array, threshold: float) -> _Meter:
        change, sigma = _changes(time, reading, u, threshold)
        stated = np.hypot(u[1:], u[:-1])[: len(change)]
        return cls(time, change, sigma, stated, np.abs(change) > np.maximum(PLAIN_STEP, threshold * stated))


def _common_step(one: _Meter, other: _Meter, threshold: float) -> Step | None:
    """The largest that both voltmeters tell."""
    found: Step | None = None
    for i, (a, sa) in enumerate(zip(one.change, one.sigma, strict=True)):
        for j, (b, sb) in enumerate(zip(other.change, other.sigma, strict=True)):
            after, before = max(one.time[i], other.time[j]), min(one.time[i + 1], other.time[j + 1])
            apart = abs(a - b) > threshold * np.hypot(sa, sb)
            alike = abs(a - b) < ALIKE * abs(a + b) / 2 + 0.5 * threshold * np.hypot(one.stated[i], other.stated[j])
            large = abs(a) > threshold * sa and abs(b) > threshold * sb
            size = float((a * sb**2 + b * sa**2) / (sa**2 + sb**2))
            if after >= before or apart or abs(size) < SMALLEST_STEP:
                continue
            if not (large or ((one.plain[i] or other.plain[j]) and alike)):
                continue
            if found is None or abs(size) > abs(found.size):
                found = Step(float(after), float(before), size, float(sa * sb / np.hypot(sa, sb)))
    return found


def _steps_alone(meter: _Meter, other: _Meter, common: float, threshold: float) -> Iterator[Step]:
    """Those that one voltmeter tells before the other one's first calibration or after its last."""
    first, last = float(other.time.min()), float(other.time.max())
    sure = np.abs(meter.change) > ALONE * threshold * meter.sigma
    near = ALIKE * abs(common) + 0.5 * threshold * meter.stated
    back = meter.plain & (np.abs(meter.change + common) < near)  # what both saw come back had gone before
    for k in np.flatnonzero(sure | back):
        after, before, size = float(meter.time[k]), float(meter.time[k + 1]), float(meter.change[k])
        if abs(size) >= SMALLEST_STEP and (after < first or before > last):
            yield Step(after, before if after < first else max(after, last), size, float(meter.sigma[k]))


def jumps(times: Array, readings: Array, u: Array, threshold: float = 6.0) -> Mask:
    """Between which neighbouring calibrations of a voltmeter its gain, or the reference, changed by more than drift.

    Parameters
    ----------
    times, readings, u : of the calibrations (s), of the reference (V), and their relative standard uncertainties,
        shape (n,).
    threshold : standard deviations that make a jump, `ALONE` times as many here; of three calibrations or fewer only a
        gross change is one.
    """
    gross = np.abs(np.diff(readings)) > GROSS_CALIBRATION * np.abs(readings[1:])
    if len(times) <= FEW:
        return gross
    changes, sigma = _changes(times, readings, u, threshold)
    return gross | (np.abs(changes) > ALONE * threshold * sigma)


def laser_levels(
    times: Array, on: Mask, positions: Array, threshold: float = 6.0, in_air: Array | None = None
) -> Array:
    """By how much the interferometer's zero has jumped since the first weighing of a state (m), shape (n,); 0 if not.

    Parameters
    ----------
    times, on, positions : of the weighings in order of time (s, mass on, m), shape (n,).
    threshold : standard deviations that make a jump.
    in_air : what the air makes of the positions by the dead path (m), shape (n,), known to `KNOWN`; None for nothing.

    Notes
    -----
    A hop of the laser shows as a jump of the position of a coil that is held, in proportion to the dead path. Bl is
    wrong until it hops back. What is left of a jump that goes back is none.
    """
    air = np.zeros(len(times)) if in_air is None else in_air
    levels = np.zeros(len(times))
    for state in (True, False):
        own = np.flatnonzero(on == state)
        if len(own) < FEW + 1:
            continue
        changes = np.diff(positions[own] - air[own])
        bound = max(limit(threshold, EFFICIENCY * (len(changes) - 1)) * spread(changes), SMALLEST_JUMP)
        jumps = np.abs(changes) > bound + KNOWN * np.abs(np.diff(air[own]))
        level = np.concatenate([[0.0], np.cumsum(np.where(jumps, changes, 0.0))])
        levels[own] = np.where(np.abs(level) > bound, level, 0.0)
    return levels


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
    changes = changes - _usual_rate(changes, spans) * spans
    sigma, own = np.hypot(u[1:], u[:-1]), spread(changes)
    if len(changes) >= MANY_CHANGES:  # a step within one of them enlarges the uncertainty stated of all
        sigma = np.where(sigma > 5 * own, 3 * own, sigma)
    return changes, scale_of_changes(sigma, changes, threshold, SMALLEST_STEP / threshold)


def _usual_rate(changes: Array, spans: Array) -> float:
    """Median over time of the rates of some changes: what two calibrations close together tell is their noise."""
    order = np.argsort(changes / spans)
    rates, passed = (changes / spans)[order], np.cumsum(spans[order]) / spans.sum()
    return float(rates[np.searchsorted(passed, [0.5 - HALF, 0.5 + HALF])].mean())


def scale_of_changes(sigma: Array, changes: Array, threshold: float, floor: float) -> Array:
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
