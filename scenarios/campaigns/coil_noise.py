"""Coil noise: the voltage of a coil at rest, read without gaps (Seifert2014)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from components.roles import Voltmeter
from scenarios.campaigns.bench import Bench
from scenarios.campaigns.phases import contiguous
from twin.clock import Clock, Process
from twin.parameter import Parameters, parameter
from twin.steps import Step
from twin.times import to_ns


@dataclass(frozen=True, kw_only=True)
class NoiseBench(Bench):
    """The one instrument."""

    campaign: ClassVar[str] = "coil noise"

    induced_voltmeter: Voltmeter


class CoilNoise(Parameters):
    """The campaign: the meter shorted, then across the coil."""

    read_time: float = parameter("s", 64.0, gt=0, description="at rest")
    zero_time: float = parameter("s", 64.0, ge=0, description="with the meter shorted, before; 0: not read")
    reading_step: float = parameter("s", 0.5e-3, ge=1e-5, description="aperture of a reading; they are contiguous")

    @model_validator(mode="after")
    def _enough(self) -> CoilNoise:
        for name in ("read_time", "zero_time"):
            value = getattr(self, name)
            if value and value < 100 * self.reading_step:
                raise ValueError(f"expected at least 100 readings within {name}, {value:g} s")
        return self

    @property
    def duration(self) -> int:
        """Of the campaign (ns)."""
        return to_ns(self.zero_time) + to_ns(self.read_time)

    def true_values(self, parts: Mapping[str, Any]) -> dict[str, float]:
        """The white noise of the meter, which is the floor where nothing else is, and has no slope."""
        meter = parts.get("induced_voltmeter")
        if meter is None:
            return {}
        noise = float(meter.white_noise)
        return {"floor_V_per_rtHz": noise, "meter_V_per_rtHz": noise, "floor_exponent": 0.0}

    def true_results(self, parts: Mapping[str, Any], found: Mapping[str, Any], settings: Any) -> dict[str, Any]:
        """The time that this floor takes, and the resonances nearest to those that were found."""
        told, magnet, meter = dict[str, Any](), parts.get("magnet"), parts.get("induced_voltmeter")
        if magnet is not None and meter is not None and getattr(magnet, "bl", None):
            volts = magnet.bl * settings.velocity * settings.relative
            told["time_s"] = float(meter.white_noise) ** 2 / (2.0 * volts**2)
        modes = getattr(parts.get("ground_vibration"), "resonances", [])
        if modes and "resonances_Hz" in found:
            nearest = [min(modes, key=lambda mode: abs(mode.frequency - f)) for f in found["resonances_Hz"]]
            told |= {
                "resonances_Hz": [mode.frequency for mode in nearest],
                "resonance_quality": [mode.quality for mode in nearest],
            }
        return told

    def steps(self, components: Mapping[str, Any], clock: Clock, weighing_position: float) -> list[Step]:
        """The campaign as steps.

        Raises
        ------
        WiringError
            If the voltmeter is missing.
        """
        meter = NoiseBench.of(components).induced_voltmeter

        def read(seconds: float, phase: str, channel: Literal["input", "short"]) -> Process:
            start = clock.now
            window = contiguous(start, start + to_ns(seconds), self.reading_step)
            yield from meter.read(window, {"phase": phase, "cycle": 0}, channel=channel)
            yield clock.until(start + to_ns(seconds))

        first = Step("meter shorted", to_ns(self.zero_time), lambda: read(self.zero_time, "zero", "short"), "zero")
        rest = Step("coil at rest", to_ns(self.read_time), lambda: read(self.read_time, "rest", "input"), "rest")
        return [first, rest] if self.zero_time else [rest]
