"""The position-sensitive detectors that watch how the coil strays from its line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr

from components.fed import told
from components.measuring import Disturb, MeasuringInstrument
from twin.clock import Process
from twin.component import Port
from twin.noise import NoiseFigures
from twin.parameter import parameter
from twin.recorder import Label, Schedule
from twin.signal import Signal

Array = NDArray[np.float64]


class PositionDetector(MeasuringInstrument):
    """Shows the coil's horizontal position x, y (m) and its tilts θ_x, θ_y (rad), four readings at once.

    `gain` is common; offset, noise and resolution of the translations are those of every instrument, and the rotations
    have their own. Each of the four channels has noise of its own.
    """

    reading: ClassVar[str] = "m"
    inputs: ClassVar[Mapping[str, Port]] = {
        "x": Port("m", 0.0),
        "y": Port("m", 0.0),
        "theta_x": Port("rad", 0.0),
        "theta_y": Port("rad", 0.0),
    }
    outputs: ClassVar[Mapping[str, Port]] = {
        "x": Port("m"),
        "y": Port("m"),
        "theta_x": Port("rad"),
        "theta_y": Port("rad"),
    }
    depends: ClassVar[Mapping[str, frozenset[str]]] = {port: frozenset({port}) for port in outputs}

    rotation_offset: float = parameter("rad", 0.0, neutral=0.0)
    rotation_white_noise: float = parameter("rad/Hz^0.5", 0.0, neutral=0.0, ge=0)
    rotation_flicker_noise: float = parameter(
        "rad/Hz^0.5", 0.0, neutral=0.0, ge=0, description="at 1 Hz, of a 1/f spectrum"
    )
    rotation_resolution: float = parameter("rad", 0.0, neutral=0.0, ge=0, description="step of the last digit; 0: none")

    _wired: dict[str, Signal] = PrivateAttr(default_factory=dict)

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        self._wired = inputs
        return {quantity: self.measured(quantity, signal) for quantity, signal in inputs.items()}

    def read(self, schedule: Schedule, labels: Mapping[str, Label]) -> Process:
        """Read all four, averaged over each step: blocks of x, y (m), theta_x and theta_y (rad)."""
        yield self.clock.until(schedule.end)
        for quantity, port in self.inputs.items():
            self.record(
                self._wired[quantity],
                schedule,
                quantity,
                port.unit,
                aperture=schedule.step,
                disturb=self._shown(quantity, quantity, schedule.step),
                labels=labels,
            )

    def error(self, quantity: str, shown: Array, instants: NDArray[np.int64], aperture: int) -> Array:
        return self._shown(quantity, told(quantity), aperture)(shown, instants) - shown

    def _shown(self, quantity: str, channel: str, aperture: int) -> Disturb:
        """As `shown`, of a translation or a rotation; `channel` keys the noise."""
        if self.inputs[quantity].unit == "m":
            return self.shown(channel, aperture)
        figures = NoiseFigures(self.rotation_white_noise, self.rotation_flicker_noise)
        offset, resolution = self.rotation_offset, self.rotation_resolution
        return self.shown(channel, aperture, figures=figures, offset=offset, resolution=resolution)
