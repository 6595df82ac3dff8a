"""The field profile by a guided Hall probe, from height to height, and across the gap at some of them (Seifert2014)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from pydantic import model_validator

from components import motion
from components.roles import DisplacementSensor, HallProbe, ProbeGuide
from scenarios.campaigns.bench import Bench
from scenarios.campaigns.gap_truth import gap_series, gap_truth
from scenarios.campaigns.phases import contiguous
from twin.clock import Clock, Process
from twin.parameter import Parameters, parameter
from twin.recorder import Label
from twin.steps import Step
from twin.times import to_ns


@dataclass(frozen=True, kw_only=True)
class HallBench(Bench):
    """The instruments."""

    campaign: ClassVar[str] = "a profile by a Hall probe"

    guide: ProbeGuide
    encoder: DisplacementSensor
    hall_probe: HallProbe


class HallProbeProfile(Parameters):
    """The campaign: pairs of passes up and down, then across the gap at some heights."""

    travel: float = parameter("m", 80e-3, gt=0, description="about z = 0", source="Seifert2014: the central 8 cm")
    points: int = parameter("1", 17, ge=5, le=1001, description="heights of a pass")
    pairs: int = parameter("1", 2, ge=1, le=1000)
    heights: list[float] = parameter(
        "m", [0.0, 22e-3], description="at which the probe goes across", source="Seifert2014"
    )
    shifts: list[float] = parameter("m", [-8e-3, 0.0, 8e-3], description="of the cross slide there, outward")
    move_time: float = parameter("s", 4.0, gt=0, description="to the next place, and for it to settle")
    read_time: float = parameter("s", 5.0, gt=0, description="at each place")
    reading_step: float = parameter("s", 0.5, ge=1e-4, description="aperture of a reading; they are contiguous")

    @model_validator(mode="after")
    def _enough(self) -> HallProbeProfile:
        if self.read_time < 2 * self.reading_step:
            raise ValueError("expected two readings within read_time")
        if self.heights and len(set(self.shifts)) < 2:
            raise ValueError("expected two shifts or more, to go across the gap")
        return self

    @property
    def _place(self) -> int:
        return to_ns(self.move_time) + to_ns(self.read_time)

    @property
    def duration(self) -> int:
        """Of the campaign (ns)."""
        return self._place * (2 * self.pairs * self.points + len(self.heights) * len(self.shifts))

    def true_values(self, parts: Mapping[str, Any]) -> dict[str, float]:
        """Field, slope and deviation in the middle of the gap."""
        return gap_truth(parts)

    def true_results(self, parts: Mapping[str, Any], found: Mapping[str, Any], settings: Any) -> dict[str, Any]:
        """Profile, deviations and uniform range, and what the guide's walk truly looks like."""
        told, middle, guide = gap_series(parts, found, settings.tolerance), gap_truth(parts), parts.get("guide")
        if middle and guide is not None:
            told["centring_T_per_m"] = middle["radial_slope_T_per_m"] * guide.walk_x
        return told

    def steps(self, components: Mapping[str, Any], clock: Clock, weighing_position: float) -> list[Step]:
        """The campaign as steps.

        Raises
        ------
        WiringError
            If an instrument is missing.
        """
        run = _Run(self, HallBench.of(components), clock)
        up = np.linspace(-0.5 * self.travel, 0.5 * self.travel, self.points).tolist()
        steps, here, last = [], (0.0, 0.0), 2 * self.pairs - 1
        for number in range(last + 1):
            labels: dict[str, Label] = {"phase": "profile", "cycle": number // 2}
            places = [(z, 0.0) for z in (up if number % 2 == 0 else up[::-1])]
            title = f"pass {'up' if number % 2 == 0 else 'down'}, {number // 2 + 1}"
            duration = self._place * len(places)
            steps.append(Step(title, duration, partial(run.visit, here, places, labels), "profile", number // 2))
            here = places[-1]
        for k, height in enumerate(self.heights):
            places = [(height, shift) for shift in self.shifts]
            labels = {"phase": "radial", "cycle": k}
            title, duration = f"across at {1e3 * height:g} mm", self._place * len(places)
            steps.append(Step(title, duration, partial(run.visit, here, places, labels), "radial", k))
            here = places[-1]
        return steps


class _Run:
    """The operations on a bench."""

    def __init__(self, campaign: HallProbeProfile, bench: HallBench, clock: Clock) -> None:
        self.campaign, self.bench, self.clock = campaign, bench, clock

    def visit(
        self, here: tuple[float, float], places: list[tuple[float, float]], labels: Mapping[str, Label]
    ) -> Process:
        """Go to one place (height and shift, m) after the other and read."""
        for number, place in enumerate(places):
            yield from self._go(here, place)
            start = self.clock.now
            end = start + to_ns(self.campaign.read_time)
            window = contiguous(start, end, self.campaign.reading_step)
            named = {**labels, "place": number, "shift_m": place[1]}
            yield self.clock.together(
                [self.bench.hall_probe.read(window, named), self.bench.encoder.read(window, named)]
            )
            yield self.clock.until(end)
            here = place

    def _go(self, here: tuple[float, float], there: tuple[float, float]) -> Process:
        """Move in the first half of the time for it; then all is at rest."""
        end = self.clock.now + to_ns(self.campaign.move_time)
        seconds = 0.5 * self.campaign.move_time
        operations = []
        laws = motion.glide(here[0], there[0], self.clock.now, self.clock.now + to_ns(seconds))
        if laws:
            operations.append(self.bench.guide.move(laws))
        if here[1] != there[1]:
            operations.append(self.bench.guide.shift(there[1], seconds))
        if operations:
            yield self.clock.together(operations)
        yield self.clock.until(end)
