"""Readings of six fluxgates at 60° from each other, and what they are around the magnet."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.certificates import NONE, Estimate
from scenarios.reduction.errors import ReductionError
from twin.recorder import Block, Blocks, Label

Array = NDArray[np.float64]
COUNT = 6
ALIASED = {3: 0.5, 2: 1.0}
"""Standard uncertainty of the sixth harmonic that the lower ones let expect, over it, by the highest that is seen."""


@dataclass(frozen=True, eq=False)
class Means:
    """Means of six sensors (T), with the standard uncertainties of their noise; shape (…, 6)."""

    values: Array
    u: Array

    def __sub__(self, other: Means) -> Means:
        return Means(self.values - other.values, np.hypot(self.u, other.u))


def blocks(readings: Blocks, **labels: Label) -> list[Block]:
    """The one block of each sensor with these labels.

    Raises
    ------
    ReductionError
        If one is missing, or there is more than one, or a reading is beyond its range.
    """
    found = []
    for k in range(1, COUNT + 1):
        own = list(readings.select(f"fluxgate_{k}", **labels))
        told = ", ".join(f"{key} {value!r}" for key, value in labels.items())
        if len(own) != 1:
            raise ReductionError(f"expected one block of channel 'fluxgate_{k}' with {told}, not {len(own)}")
        if not np.isfinite(own[0].values).all():
            raise ReductionError(f"fluxgate_{k} is beyond its range with {told}")
        found.append(own[0])
    return found


def gains(certificates: Mapping[str, Estimate]) -> tuple[Array, Array]:
    """What each sensor shows of a field, as its certificate says, and its standard uncertainty."""
    stated = [certificates.get(f"fluxgate_{k}.gain", NONE) for k in range(1, COUNT + 1)]
    return 1.0 + np.array([s.value for s in stated]), np.array([s.u for s in stated])


def means(readings: Blocks, certificates: Mapping[str, Estimate], **labels: Label) -> Means:
    """Of one block of each sensor, freed of their gains."""
    gain, _ = gains(certificates)
    own = [block.values.ravel() for block in blocks(readings, **labels)]
    spread = [np.std(v, ddof=1) / math.sqrt(len(v)) for v in own]
    return Means(np.array([v.mean() for v in own]) / gain, np.array(spread) / gain)


def azimuths(certificates: Mapping[str, Estimate]) -> Array:
    """Of the sensors (rad)."""
    first = certificates.get("sensor_ring.azimuth", NONE).value
    return first + 2 * np.pi * np.arange(COUNT) / COUNT


def circumferential_mean(values: Array, from_source: float) -> tuple[Array, Array]:
    """The mean around, and the standard uncertainty of what six sensors miss of it; values of shape (…, 6).

    Six sensors take the sixth harmonic for a part of the mean, and the twelfth. Harmonics are taken to fall by a factor
    q from one to the next, ``c_6 = c_3 q³`` with ``q² = c_3/c_1``, which is taken off. Where the sensors are such that
    they do not see the third, ``c_6 = c_2 q⁴`` with ``q = c_2/c_1``.

    Parameters
    ----------
    from_source : azimuth of the first sensor less that of what the field is symmetric about (rad).
    """
    angle = from_source + 2 * np.pi * np.arange(COUNT) / COUNT
    first, second = values @ np.cos(angle) / 3.0, values @ np.cos(2.0 * angle) / 3.0
    seen = math.cos(3.0 * from_source)
    folded = math.cos(6.0 * from_source)  # how the fourth and fifth come in with the second and first
    order = 3 if abs(seen) > 0.5 else 2
    highest = values @ np.cos(3.0 * angle) / (6.0 * seen**2) if order == 3 else second
    ratio = np.clip(np.divide(highest, first, out=np.zeros_like(first), where=first != 0.0), 0.0, 0.9)
    q = np.zeros_like(first)
    for _ in range(40):
        by_fold = (1.0 + q**4 * folded) / (1.0 if order == 3 else 1.0 + q**2 * folded)
        q = np.clip(ratio * by_fold, 0.0, 0.9) ** (1.0 / (order - 1))
    sixth = highest / (1.0 if order == 3 else 1.0 + q**2 * folded) * q ** (6 - order)
    missed = sixth * folded
    return values.mean(axis=-1) - missed, np.hypot(ALIASED[order] * missed, 2.0 * sixth * q**6)
