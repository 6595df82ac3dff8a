"""The temperatures of magnet and coil in the two phases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.recording import Readings

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Warmth:
    """Temperature of a part (K above the reference).

    Parameters
    ----------
    weighing, group : at each weighing, and of each velocity group.
    u_group : standard uncertainty of the latter from the thermometer's noise.
    """

    weighing: Array
    group: Array
    u_group: Array

    @classmethod
    def prepare(cls, thermometer: Readings, weighings: Array, cycles: Sequence[int], groups: Array) -> Warmth:
        """At the times of weighings and groups, the latter in `cycles`.

        Interpolated at the weighings; of a group the mean of its own readings, or else interpolated between others.
        """
        times, values = thermometer.samples
        rise, number = np.interp(groups, times, values), np.ones(len(groups))
        for i, cycle in enumerate(cycles):
            own = thermometer.of("velocity", cycle)
            if np.any(own):
                rise[i], number[i] = thermometer.mean[own].mean(), thermometer.size[own].sum()
        return cls(np.interp(weighings, times, values), rise, _noise(thermometer) / np.sqrt(number))


def _noise(thermometer: Readings) -> float:
    """Standard deviation of a reading in the velocity phases (K), from second differences: no smooth course enters."""
    ends = np.cumsum(thermometer.size)
    own = [p == "velocity" and n >= 4 for p, n in zip(thermometer.phase, thermometer.size, strict=True)]
    seconds = [
        np.diff(thermometer.samples[1][end - size : end], 2)
        for end, size, good in zip(ends, thermometer.size, own, strict=True)
        if good
    ]
    if not seconds:
        return 0.0
    together = np.concatenate(seconds)
    return float(np.sqrt(together @ together / (6.0 * len(together))))
