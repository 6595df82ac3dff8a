"""The voltage reference (Zener) against which the voltmeters are calibrated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from twin.component import Port
from twin.fault import FaultKind
from twin.instrument import Instrument
from twin.noise import NoiseFigures
from twin.parameter import parameter
from twin.signal import Elapsed, Signal


class VoltageReference(Instrument):
    """``U = voltage (1 + gain + drift t + c_p (p − p_ref) + c_T ΔT + step) + offset + noise``.

    The certificate says `voltage`, at `reference_pressure` and reference temperature. Below a few hertz the noise of a
    Zener is 1/f: its Allan deviation stops falling at ``flicker_noise · √(2 ln 2)``.

    Data sheets of Zener references state limits at 99 % (k = 2.58). State such a limit as it is printed::

        voltage_reference:
          uncertainties:
            voltage: {size: 0.1 ppm, confidence: 0.99} # a standard uncertainty of 0.039 ppm
    """

    inputs: ClassVar[Mapping[str, Port]] = {
        "pressure": Port("Pa", default=101325.0),
        "temperature_rise": Port("K", default=0.0),
    }
    outputs: ClassVar[Mapping[str, Port]] = {"voltage": Port("V")}
    faults: ClassVar[Mapping[str, FaultKind]] = {"step": FaultKind("1", "the voltage steps, relative to its value")}

    voltage: float = parameter("V", 10.0, gt=0, description="value on the certificate", source="Li2026: 10 V Zener")
    gain: float = parameter("1", 0.0, neutral=0.0, gt=-1, lt=1, description="relative deviation from the certificate")
    offset: float = parameter("V", 0.0, neutral=0.0)
    drift: float = parameter("1/s", 0.0, neutral=0.0, description="relative drift; 0.1 ppm a year is 3.2e-15 /s")
    pressure_coefficient: float = parameter("1/Pa", 0.0, neutral=0.0, description="Zener: 1.8e-9 /hPa = 1.8e-11 /Pa")
    reference_pressure: float = parameter("Pa", 101325.0, ge=0, description="at which the certificate holds")
    temperature_coefficient: float = parameter("1/K", 0.0, neutral=0.0)
    white_noise: float = parameter("V/Hz^0.5", 0.0, neutral=0.0, ge=0)
    flicker_noise: float = parameter("V/Hz^0.5", 0.0, neutral=0.0, ge=0, description="at 1 Hz, of a 1/f spectrum")
    noise_step: float = parameter("s", 0.1, gt=0, description="noise is held over steps of this length")

    def neutral_inputs(self) -> frozenset[str]:
        effects = {"pressure": self.pressure_coefficient, "temperature_rise": self.temperature_coefficient}
        return frozenset(port for port, coefficient in effects.items() if not coefficient)

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        deviation = self.gain + self.drift * Elapsed() + self.fault("step")
        deviation = deviation + self.pressure_coefficient * (inputs["pressure"] - self.reference_pressure)
        deviation = deviation + self.temperature_coefficient * inputs["temperature_rise"]
        figures = NoiseFigures(white=self.white_noise, flicker=self.flicker_noise)
        noise = self.noise_signal("noise", figures, self.noise_step)
        return {"voltage": noise + (self.voltage * (1.0 + deviation) + self.offset)}
