"""The standard resistor across which the coil current is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from twin.component import Port
from twin.instrument import Instrument
from twin.noise import NoiseFigures
from twin.parameter import parameter
from twin.signal import Elapsed, Signal


class Resistor(Instrument):
    """``U = R (1 + gain + drift t) I + offset + noise``; the certificate says R, and may know the drift."""

    inputs: ClassVar[Mapping[str, Port]] = {"current": Port("A"), "current_noise": Port("A", default=0.0)}
    outputs: ClassVar[Mapping[str, Port]] = {"voltage": Port("V")}

    resistance: float = parameter("ohm", gt=0, description="value on the certificate, at the start of the run")
    gain: float = parameter("1", 0.0, neutral=0.0, gt=-1, lt=1, description="relative deviation from the certificate")
    drift: float = parameter("1/s", 0.0, neutral=0.0, description="relative drift")
    offset: float = parameter("V", 0.0, neutral=0.0, description="thermal EMF")
    white_noise: float = parameter("V/Hz^0.5", 0.0, neutral=0.0, ge=0)
    flicker_noise: float = parameter("V/Hz^0.5", 0.0, neutral=0.0, ge=0, description="at 1 Hz, of a 1/f spectrum")
    noise_step: float = parameter("s", 0.1, gt=0, description="noise is held over steps of this length")
    uncertainty: float = parameter("1", 0.0, ge=0, description="relative standard uncertainty of the certificate")

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        factor = self.resistance * (1.0 + self.gain + self.drift * Elapsed())
        figures = NoiseFigures(white=self.white_noise, flicker=self.flicker_noise)
        noise = self.noise_signal("noise", figures, self.noise_step)
        fluctuation = self.resistance * inputs["current_noise"] + noise  # second order: not worth a product
        return {"voltage": factor * inputs["current"] + fluctuation + self.offset}
