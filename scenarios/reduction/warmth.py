"""The temperatures of magnet and coil in the two phases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.recording import Readings, Sweeps

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
    def prepare(cls, thermometer: Readings, weighings: Array, groups: Sequence[Sweeps]) -> Warmth:
        """At the times of weighings, and the mean over the sweeps of each group.

        Interpolated at the weighings; at a sweep from the nearest reading of its phase, or if there is none
        interpolated between others.
        """
        times, values = thermometer.samples
        rise, u = np.empty(len(groups)), np.empty(len(groups))
        for i, group in enumerate(groups):
            own = np.repeat(thermometer.of("velocity", group.cycle), thermometer.size)
            if np.any(own):
                rise[i], u[i] = _over(group.time, times[own], values[own])
            else:
                rise[i], u[i] = np.interp(group.time, times, values).mean(), 1.0
        return cls(np.interp(weighings, times, values), rise, _noise(thermometer) * u)


def _over(sweeps: Array, times: Array, values: Array) -> tuple[float, float]:
    """Mean at the times of sweeps of what was read, and its standard uncertainty over that of a reading.

    A reading is a mean over its time. With the slope about it, sweeps that cover its time give this mean again, and
    those that cover part of it do not.
    """
    nearest = np.searchsorted(0.5 * (times[1:] + times[:-1]), sweeps)
    shares = np.bincount(nearest, minlength=len(times)) / len(sweeps)
    slopes = np.gradient(values, times) if len(times) > 1 else np.zeros(1)
    aside = np.bincount(nearest, sweeps - times[nearest], len(times)) / len(sweeps)
    return float(shares @ values + aside @ slopes), float(np.sqrt(shares @ shares))


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
