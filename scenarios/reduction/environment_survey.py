"""What the environment survey finds: how the field around the magnet changes as it is lifted (Ma2025).

Blocks: of each ring, field, phase="survey" with the labels cycle, place ("low", "up", "high" or "down"), sensor and
azimuth (rad). Each ring is a channel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scenarios.reduction.around import Wave, fit_wave, rings
from scenarios.reduction.certificates import Estimate
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.findings import Curve, Findings, Line, Quantity
from twin.parameter import Parameters
from twin.recorder import Block, Blocks

Array = NDArray[np.float64]
FINE = np.linspace(0.0, 2 * np.pi, 181)


class Ring(NamedTuple):
    """A ring: azimuths (rad); by sensor the change from bottom to top (T), the jump when the motor is switched on, and
    their uncertainties; waves at bottom and top."""

    name: str
    azimuth: Array
    change: Array
    u_change: Array
    jump: Array
    u_jump: Array
    low: Wave
    high: Wave


class EnvironmentSurveyReduction(Parameters):
    """How readings of rings become changes and sines in the azimuth."""

    switching: int = Field(2, ge=1, le=1000, description="readings before and after the motor is switched on")

    def findings(self, readings: Blocks, certificates: Mapping[str, Estimate]) -> Findings:
        """Fit each ring at both ends.

        Raises
        ------
        ReductionError
            If readings are missing.
        """
        found = [self._ring(name, azimuth, sensors) for name, (azimuth, sensors) in rings(readings).items()]
        quantities = [quantity for ring in found for quantity in _quantities(ring)]
        return Findings(tuple(quantities), _curves(found))

    def _ring(self, name: str, azimuth: Array, sensors: Mapping[int, list[Block]]) -> Ring:
        low, high, jump = [], [], []
        for k, blocks in sensors.items():
            parts = {
                place: [b for b in blocks if b.labels.get("place") == place] for place in ("low", "up", "high", "down")
            }
            if not all(parts.values()) or len({len(part) for part in parts.values()}) > 1:
                raise ReductionError(f"{name}: sensor {k} was not read at both ends and on both ways of each cycle")
            low.append([float(b.values.mean()) for b in parts["low"]])
            high.append([float(b.values.mean()) for b in parts["high"]])
            n = self.switching
            jump.append(
                [
                    float(after.values.ravel()[:n].mean() - before.values.ravel()[-n:].mean())
                    for before, after in zip(parts["low"], parts["up"], strict=True)
                ]
            )
        bottom, top, jumps = (np.array(rows) for rows in (low, high, jump))
        change, u_change = _mean(top - bottom)
        jumped, u_jump = _mean(jumps)
        waves = [fit_wave(azimuth, *_mean(rows)) for rows in (bottom, top)]
        return Ring(name, azimuth, change, u_change, jumped, u_jump, waves[0], waves[1])


def _mean(rows: Array) -> tuple[Array, Array]:
    """Mean over the cycles of each sensor, and its standard uncertainty; zeros of one cycle."""
    n = rows.shape[1]
    u = rows.std(axis=1, ddof=1) / math.sqrt(n) if n > 1 else np.zeros(len(rows))
    return rows.mean(axis=1), u


def _quantities(ring: Ring) -> list[Quantity]:
    name, words = ring.name, ring.name.replace("_", " ")
    most, jump = int(np.argmax(np.abs(ring.change))), int(np.argmax(np.abs(ring.jump)))
    change, u_change = float(ring.change[most]), float(ring.u_change[most])
    u_mean = float(np.hypot(ring.low.u_mean, ring.high.u_mean))
    return [
        Quantity(f"{name}_change_T", change, "T", "ΔB", f"{words}: largest change as the magnet is lifted", u_change),
        Quantity(f"{name}_mean_change_T", ring.high.mean - ring.low.mean, "T", "ΔB̄", f"{words}: its mean", u_mean),
        Quantity(f"{name}_mean_T", ring.low.mean, "T", "B̄", f"{words}: mean at the bottom", ring.low.u_mean),
        Quantity(
            f"{name}_amplitude_T",
            ring.low.amplitude,
            "T",
            "B̂",
            f"{words}: of the sine in θ there",
            ring.low.u_amplitude,
        ),
        Quantity(
            f"{name}_amplitude_high_T", ring.high.amplitude, "T", "B̂", f"{words}: at the top", ring.high.u_amplitude
        ),
        Quantity(
            f"{name}_switching_T",
            float(ring.jump[jump]),
            "T",
            "ΔB",
            f"{words}: largest jump as the motor is switched on",
            float(ring.u_jump[jump]),
        ),
        Quantity(f"{name}_changes_T", ring.change, "T", "ΔB(θ)", f"{words}: change of each sensor", ring.u_change),
    ]


def _curves(found: list[Ring]) -> tuple[Curve, ...]:
    def degrees(angle: Array) -> Array:
        return np.degrees(angle)

    changes, around = [], []
    for ring in found:
        words = ring.name.replace("_", " ")
        changes.append(Line(words, degrees(ring.azimuth), ring.change * 1e6, ring.u_change * 1e6, points=True))
        around.append(Line(f"{words}, bottom", degrees(FINE), ring.low.at(FINE) * 1e6))
        around.append(Line(f"{words}, top", degrees(FINE), ring.high.at(FINE) * 1e6))
    axis = ("azimuth", "°")
    return (
        Curve("changes", "Change of the field around the magnet as it is lifted.", axis, ("ΔB", "µT"), tuple(changes)),
        Curve("around", "Sines in the azimuth through the fluxgates at both ends.", axis, ("B", "µT"), tuple(around)),
    )
