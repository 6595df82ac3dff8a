"""Sensors around an axis: their means, and the sine in the azimuth through them."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.errors import ReductionError
from twin.recorder import Block, Blocks

Array = NDArray[np.float64]


class Wave(NamedTuple):
    """``mean + amplitude cos(θ − azimuth)``, with standard uncertainties of mean and amplitude."""

    mean: float
    amplitude: float
    azimuth: float
    u_mean: float
    u_amplitude: float

    def at(self, angle: Array) -> Array:
        """Its values at azimuths (rad)."""
        result: Array = self.mean + self.amplitude * np.cos(angle - self.azimuth)
        return result


def fit_wave(angle: Array, values: Array, u: Array) -> Wave:
    """A sine through values at azimuths (rad), by least squares.

    Parameters
    ----------
    u : standard uncertainties of the values, which are independent.
    """
    matrix = np.stack([np.ones_like(angle), np.cos(angle), np.sin(angle)], axis=1)
    inverse = np.linalg.pinv(matrix)
    mean, along, across = inverse @ values
    covariance = (inverse * u**2) @ inverse.T
    amplitude = float(np.hypot(along, across))
    toward = np.array([0.0, along, across]) / amplitude if amplitude > 0 else np.array([0.0, 1.0, 0.0])
    spread = float(np.sqrt(toward @ covariance @ toward))
    return Wave(float(mean), amplitude, float(np.arctan2(across, along)), float(np.sqrt(covariance[0, 0])), spread)


def rings(readings: Blocks) -> dict[str, tuple[Array, dict[int, list[Block]]]]:
    """Rings of sensors by channel: azimuths (rad), and the blocks of each sensor.

    Raises
    ------
    ReductionError
        If there is none, or one has fewer than three sensors.
    """
    found: dict[str, dict[int, list[Block]]] = defaultdict(lambda: defaultdict(list))
    azimuths: dict[str, dict[int, float]] = defaultdict(dict)
    for block in readings:
        sensor, azimuth = block.labels.get("sensor"), block.labels.get("azimuth")
        if isinstance(sensor, int) and isinstance(azimuth, float | int):
            found[block.channel][sensor].append(block)
            azimuths[block.channel][sensor] = float(azimuth)
    if not found:
        raise ReductionError("no blocks with the labels sensor and azimuth: no ring of sensors was read")
    for channel, sensors in found.items():
        if len(sensors) < 3:
            raise ReductionError(f"{channel} has {len(sensors)} sensors; a sine in the azimuth needs three")
    return {
        channel: (np.array([azimuths[channel][k] for k in sorted(sensors)]), {k: sensors[k] for k in sorted(sensors)})
        for channel, sensors in found.items()
    }
