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
    """``U = R (1 + gain + drift t + a ΔT + c P) I + offset + noise`` with the power ``P = R I²`` it dissipates.

    The certificate says R, at the reference temperature and at low power, and may know drift, temperature coefficient a
    and power coefficient c. The resistor is at once as warm as its power makes it.
    """

    inputs: ClassVar[Mapping[str, Port]] = {
        "current": Port("A"),
        "current_noise": Port("A", default=0.0),
        "temperature_rise": Port("K", default=0.0),
    }
    outputs: ClassVar[Mapping[str, Port]] = {"voltage": Port("V"), "resistance": Port("ohm")}

    resistance: float = parameter("ohm", gt=0, description="value on the certificate, at the start of the run")
    gain: float = parameter("1", 0.0, neutral=0.0, gt=-1, lt=1, description="relative deviation from the certificate")
    drift: float = parameter("1/s", 0.0, neutral=0.0, description="relative drift")
    temperature_coefficient: float = parameter("1/K", 0.0, neutral=0.0, description="a, of the resistance")
    power_coefficient: float = parameter("1/W", 0.0, neutral=0.0, description="c, of the resistance")
    offset: float = parameter("V", 0.0, neutral=0.0, description="thermal EMF")
    white_noise: float = parameter("V/Hz^0.5", 0.0, neutral=0.0, ge=0)
    flicker_noise: float = parameter("V/Hz^0.5", 0.0, neutral=0.0, ge=0, description="at 1 Hz, of a 1/f spectrum")
    noise_step: float = parameter("s", 0.1, gt=0, description="noise is held over steps of this length")

    def neutral_inputs(self) -> frozenset[str]:
        return frozenset() if self.temperature_coefficient else frozenset({"temperature_rise"})

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        current = inputs["current"]
        deviation = self.gain + self.drift * Elapsed() + self.temperature_coefficient * inputs["temperature_rise"]
        if self.power_coefficient:
            deviation = deviation + self.power_coefficient * self.resistance * (current * current)
        resistance = self.resistance * (1.0 + deviation)
        figures = NoiseFigures(white=self.white_noise, flicker=self.flicker_noise)
        noise = self.noise_signal("noise", figures, self.noise_step)
        fluctuation = self.resistance * inputs["current_noise"] + noise  # second order: not worth a product
        return {"voltage": resistance * current + fluctuation + self.offset, "resistance": resistance}
