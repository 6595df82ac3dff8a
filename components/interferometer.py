"""The interferometer that measures the coil's position."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import PrivateAttr

from components.measuring import shown
from twin.clock import Process
from twin.component import Port
from twin.instrument import Instrument
from twin.noise import NoiseFigures
from twin.parameter import parameter
from twin.recorder import Label, Schedule
from twin.signal import Signal
from twin.times import to_ns


class Interferometer(Instrument):
    """Shows ``(1 + gain) z + offset + noise`` at an instant, or averaged over the step of a schedule.

    `gain` is the relative error of the wavelength: ``z`` and every velocity are too large by it.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"position": Port("m")}
    outputs: ClassVar[Mapping[str, Port]] = {}

    gain: float = parameter("1", 0.0, neutral=0.0, gt=-1, lt=1)
    offset: float = parameter("m", 0.0, neutral=0.0, description="of its zero; of no consequence for velocities")
    white_noise: float = parameter("m/Hz^0.5", 0.0, neutral=0.0, ge=0)
    flicker_noise: float = parameter("m/Hz^0.5", 0.0, neutral=0.0, ge=0, description="at 1 Hz, of a 1/f spectrum")
    bandwidth: float = parameter("Hz", 1000.0, gt=0, description="of instantaneous readings")
    uncertainty: float = parameter("1", 0.0, ge=0, description="relative standard uncertainty of the wavelength")

    _position: Signal | None = PrivateAttr(default=None)

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        self._position = inputs["position"]
        return {}

    def read(self, schedule: Schedule, labels: Mapping[str, Label], *, instantaneous: bool = False) -> Process:
        """Read the position, averaged over each step or at the start of each step. Returns the block."""
        yield self.clock.until(schedule.end - (schedule.step if instantaneous else 0))
        assert self._position is not None
        effective = to_ns(0.5 / self.bandwidth) if instantaneous else schedule.step
        figures = NoiseFigures(white=self.white_noise, flicker=self.flicker_noise)
        disturb = shown(self, "reading", figures, effective, self.gain, self.offset)
        aperture = 0 if instantaneous else schedule.step
        return self.record(self._position, schedule, "position", "m", aperture=aperture, disturb=disturb, labels=labels)
