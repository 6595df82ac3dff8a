"""Gap survey: what the yoke lets into the gap of an interfering magnet that a stage moves past it (Ma2025).

The permanent magnets are replaced by aluminium, and fluxgates sit around the gap. They are read without the source,
each for its zero; then the source is put on its stage, and read at one height after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from pydantic import model_validator

from components.external_flux import ExternalFlux
from components.external_source import NearEnd
from components.motion import glide
from components.roles import Fluxgate, MotionStage
from scenarios.campaigns.bench import Bench
from scenarios.campaigns.phases import contiguous
from twin.clock import Clock, Process
from twin.parameter import Parameters, parameter
from twin.recorder import Label
from twin.steps import Step
from twin.times import to_ns


@dataclass(frozen=True, kw_only=True)
class GapBench(Bench):
    """The stage with the source, and the fluxgates in the gap."""

    campaign: ClassVar[str] = "the gap survey"

    motion_stage: MotionStage
    gap_fluxgates: Fluxgate


class GapSurvey(Parameters):
    """The campaign: a zero without the source, then equally spaced heights of it."""

    first: float = parameter("m", -0.1, description="height of the stage, from where the source is at rest")
    last: float = parameter("m", 0.1, description="as above")
    count: int = parameter("1", 41, ge=5, le=10_000, description="of the heights")
    zero_time: float = parameter("s", 30.0, gt=0, description="read without the source")
    placing: float = parameter("s", 60.0, gt=0, description="to put the source on its stage, and to the first height")
    way: float = parameter("s", 5.0, gt=0, description="from a height to the next")
    read_time: float = parameter("s", 5.0, gt=0, description="at each height")
    reading_step: float = parameter("s", 0.5, ge=1e-4, description="aperture of a reading; they are contiguous")

    @model_validator(mode="after")
    def _fits(self) -> GapSurvey:
        if self.first == self.last:
            raise ValueError("expected a first and a last height that differ")
        if min(self.zero_time, self.read_time) < 2 * self.reading_step:
            raise ValueError("expected at least two readings without the source and at each height")
        return self

    def heights(self) -> list[float]:
        """Of the stage (m)."""
        found: list[float] = np.linspace(self.first, self.last, self.count).tolist()
        return found

    @property
    def duration(self) -> int:
        """Of the campaign (ns)."""
        each = to_ns(self.way) + to_ns(self.read_time)
        return to_ns(self.zero_time) + to_ns(self.placing) + self.count * each

    def true_values(self, parts: Mapping[str, Any]) -> dict[str, float]:
        """The largest mean field in the gap at any of the heights (T), and where the stage is then (m)."""
        flux = parts.get("external_flux")
        if not isinstance(flux, ExternalFlux):
            return {}
        moved = [name for name, s in flux.sources.items() if isinstance(s, NearEnd) and s.carried]
        if not moved:
            return {}
        means = [sum(flux.derivatives(name, -z, -z)[0] for name in moved) / flux.wire_length for z in self.heights()]
        largest = int(np.argmax(np.abs(means)))
        return {"largest_mean_T": means[largest], "largest_mean_at_m": self.heights()[largest]}

    def steps(self, components: Mapping[str, Any], clock: Clock, weighing_position: float) -> list[Step]:
        """The campaign as steps.

        Raises
        ------
        WiringError
            If stage or fluxgates are missing.
        """
        run = _Run(self, GapBench.of(components), clock)
        each = to_ns(self.way) + to_ns(self.read_time)
        return [
            Step("zero", to_ns(self.zero_time), run.zero, "zero"),
            Step("put the source on", to_ns(self.placing), run.place, "placing"),
            *(
                Step(f"height {k + 1} of {self.count}", each, partial(run.at, k), "survey", k)
                for k in range(self.count)
            ),
        ]


class _Run:
    """The operations of the survey on a bench."""

    def __init__(self, campaign: GapSurvey, bench: GapBench, clock: Clock) -> None:
        self.campaign, self.bench, self.clock = campaign, bench, clock

    def zero(self) -> Process:
        """Read without the source."""
        c, start = self.campaign, self.clock.now
        end = start + to_ns(c.zero_time)
        yield from self.bench.gap_fluxgates.read(contiguous(start, end, c.reading_step), {"phase": "zero", "cycle": 0})
        yield self.clock.until(end)

    def place(self) -> Process:
        """While somebody puts it on its stage, go to the first height."""
        yield from self._go(0.0, self.campaign.heights()[0], to_ns(self.campaign.placing))

    def at(self, k: int) -> Process:
        """Go to a height, and read there."""
        c, heights = self.campaign, self.campaign.heights()
        yield from self._go(heights[max(k - 1, 0)], heights[k], to_ns(c.way))
        start = self.clock.now
        end = start + to_ns(c.read_time)
        labels: dict[str, Label] = {"phase": "survey", "cycle": k, "height_m": heights[k]}
        yield from self.bench.gap_fluxgates.read(contiguous(start, end, c.reading_step), labels)
        yield self.clock.until(end)

    def _go(self, here: float, there: float, time: int) -> Process:
        end = self.clock.now + time
        laws = glide(here, there, self.clock.now, end)
        if laws:
            yield from self.bench.motion_stage.move(laws)
        yield self.clock.until(end)
