"""The voltage reference (Zener) against which the voltmeters are calibrated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from twin.component import Port
from twin.instrument import Instrument
from twin.noise import NoiseFigures
from twin.parameter import parameter
from twin.signal import Signal


class VoltageReference(Instrument):
    """``U = voltage (1 + gain) + offset + noise``; the certificate says `voltage`."""

    inputs: ClassVar[Mapping[str, Port]] = {}
    outputs: ClassVar[Mapping[str, Port]] = {"voltage": Port("V")}

    voltage: float = parameter("V", 10.0, gt=0, description="value on the certificate", source="Li2026: 10 V Zener")
    gain: float = parameter("1", 0.0, neutral=0.0, gt=-1, lt=1, description="relative deviation from the certificate")
    offset: float = parameter("V", 0.0, neutral=0.0)
    white_noise: float = parameter("V/Hz^0.5", 0.0, neutral=0.0, ge=0)
    flicker_noise: float = parameter("V/Hz^0.5", 0.0, neutral=0.0, ge=0, description="at 1 Hz, of a 1/f spectrum")
    noise_step: float = parameter("s", 0.1, gt=0, description="noise is held over steps of this length")
    uncertainty: float = parameter("1", 0.0, ge=0, description="relative standard uncertainty of the certificate")

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        figures = NoiseFigures(white=self.white_noise, flicker=self.flicker_noise)
        noise = self.noise_signal("noise", figures, self.noise_step)
        return {"voltage": noise + (self.voltage * (1.0 + self.gain) + self.offset)}
