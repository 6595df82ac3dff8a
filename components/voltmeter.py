"""The integrating voltmeter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import PrivateAttr

from components.measuring import shown
from twin.clock import Process
from twin.component import Port
from twin.instrument import Instrument
from twin.noise import NoiseFigures
from twin.parameter import parameter
from twin.recorder import Label, Schedule
from twin.signal import Signal


class Voltmeter(Instrument):
    """Shows ``(1 + gain) · mean over the aperture + offset + noise`` of its input, or of a voltage reference."""

    inputs: ClassVar[Mapping[str, Port]] = {"input": Port("V"), "reference": Port("V")}
    outputs: ClassVar[Mapping[str, Port]] = {}

    gain: float = parameter("1", 0.0, neutral=0.0, gt=-1, lt=1)
    offset: float = parameter("V", 0.0, neutral=0.0)
    white_noise: float = parameter("V/Hz^0.5", 0.0, neutral=0.0, ge=0)
    flicker_noise: float = parameter("V/Hz^0.5", 0.0, neutral=0.0, ge=0, description="at 1 Hz, of a 1/f spectrum")

    _wired: dict[str, Signal] = PrivateAttr(default_factory=dict)

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        self._wired = inputs
        return {}

    def read(
        self, schedule: Schedule, labels: Mapping[str, Label], *, channel: Literal["input", "reference"] = "input"
    ) -> Process:
        """Read the channel on the schedule; each reading averages over a whole step. Returns the block."""
        yield self.clock.until(schedule.end)
        figures = NoiseFigures(white=self.white_noise, flicker=self.flicker_noise)
        disturb = shown(self, "reading", figures, schedule.step, self.gain, self.offset)
        return self.record(
            self._wired[channel], schedule, "voltage", "V", aperture=schedule.step, disturb=disturb, labels=labels
        )
