"""A radial field that is not the same all around the gap: its mean lifts the coil, the rest turns it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class AngularDistribution:
    """``ΔB_r(θ) = Re Σ_n c_n e^{inθ}`` on a circle, inward positive; across the gap it falls as 1/r.

    Parameters
    ----------
    harmonics : c_0, c_1, … (T); c_0 is the mean.
    radius : of the circle, the mean radius of the coil (m).
    """

    harmonics: Array
    radius: float

    @classmethod
    def of(cls, field: Array, radius: float) -> AngularDistribution:
        """Of values (T) at evenly spaced azimuths from 0 on.

        An even number of them; the highest harmonic that they tell is a third of it.
        """
        spectrum = np.fft.rfft(field) / len(field)
        found = 2 * spectrum[: max(len(field) // 3, 1) + 1]
        found[0] *= 0.5
        return cls(found, radius)

    def __add__(self, other: AngularDistribution) -> AngularDistribution:
        size = max(len(self.harmonics), len(other.harmonics))
        padded = [np.pad(own.harmonics, (0, size - len(own.harmonics))) for own in (self, other)]
        return AngularDistribution(padded[0] + padded[1], self.radius)

    def at(self, angle: Array | float) -> Array:
        """The field (T) at azimuths (rad)."""
        n = np.arange(len(self.harmonics))
        result: Array = (np.exp(1j * np.multiply.outer(np.asarray(angle, float), n)) @ self.harmonics).real
        return result

    @property
    def mean(self) -> float:
        """ΔB̄, which the vertical force follows (Ma2025 eq. 6)."""
        return float(self.harmonics[0].real)

    @property
    def peak(self) -> float:
        """Largest size anywhere around (T)."""
        return float(np.abs(self.at(np.linspace(0, 2 * np.pi, 1441))).max())

    def force(self, current: float, turns: float) -> float:
        """Vertical force on a coil (N), up positive.

        An offset within the gap does not change it: the flux through the coil's side is that through any other closed
        curve around the inner yoke.
        """
        return current * turns * 2 * math.pi * self.radius * self.mean

    def torque(self, current: float, turns: float, offset: tuple[float, float] = (0.0, 0.0)) -> tuple[float, float]:
        """Torques Γ_x and Γ_y of the vertical forces about the middle of a coil (N·m).

        Parameters
        ----------
        offset : of the coil's middle from the axis, in x and y (m).

        Notes
        -----
        A turn's element at r has the force ``I B_r (r̂ · n) ds``, n its outward normal. In the middle a harmonic
        ``b cos θ`` gives ``Γ_y = −½ I l r b``; a mean field gives a coil off the axis by δ the torque ``−½ δ × F``.
        """
        theta = 2 * np.pi * np.arange(720) / 720
        x, y = self.radius * np.cos(theta), self.radius * np.sin(theta)
        from_axis = np.hypot(x + offset[0], y + offset[1])
        azimuth = np.arctan2(y + offset[1], x + offset[0])
        lift = self.at(azimuth) * self.radius / from_axis * np.cos(azimuth - theta)
        element = current * turns * self.radius * 2 * math.pi / len(theta)
        return float(element * (y * lift).sum()), float(-element * (x * lift).sum())
