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
        """The white noise of the meter, which is the floor where nothing else is."""
        meter = parts.get("induced_voltmeter")
        return {} if meter is None else {"floor_V_per_rtHz": float(meter.white_noise)}

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
