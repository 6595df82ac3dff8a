"""The thermometer on the magnet."""

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


class Thermometer(Instrument):
    """Shows the temperature above the reference temperature: ``(1 + gain) · rise + offset + noise``."""

    inputs: ClassVar[Mapping[str, Port]] = {"temperature_rise": Port("K")}
    outputs: ClassVar[Mapping[str, Port]] = {}

    gain: float = parameter("1", 0.0, neutral=0.0, gt=-1, lt=1)
    offset: float = parameter("K", 0.0, neutral=0.0)
    white_noise: float = parameter("K/Hz^0.5", 0.0, neutral=0.0, ge=0)
    flicker_noise: float = parameter("K/Hz^0.5", 0.0, neutral=0.0, ge=0, description="at 1 Hz, of a 1/f spectrum")

    _rise: Signal | None = PrivateAttr(default=None)

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        self._rise = inputs["temperature_rise"]
        return {}

    def read(self, schedule: Schedule, labels: Mapping[str, Label]) -> Process:
        """Read the temperature rise, averaged over each step. Returns the block."""
        yield self.clock.until(schedule.end)
        assert self._rise is not None
        figures = NoiseFigures(white=self.white_noise, flicker=self.flicker_noise)
        disturb = shown(self, "reading", figures, schedule.step, self.gain, self.offset)
        return self.record(
            self._rise, schedule, "temperature_rise", "K", aperture=schedule.step, disturb=disturb, labels=labels
        )
