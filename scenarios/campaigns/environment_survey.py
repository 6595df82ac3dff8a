"""Environment survey: the field around the magnet while a motor lifts and lowers it (Ma2025).

Rings of fluxgates stand still or move with the magnet; each cycle rests at the bottom, goes up, rests at the top and
goes down, and is read all along.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from pydantic import model_validator

from components.motion import glide
from components.roles import Fluxgate, MotionStage
from scenarios.campaigns.bench import Bench
from scenarios.campaigns.phases import contiguous
from twin.clock import Clock, Process
from twin.errors import WiringError
from twin.parameter import Parameters, parameter
from twin.recorder import Label
from twin.steps import Step
from twin.times import to_ns

PLACES = ("low", "up", "high", "down")
"""Of a cycle: at rest at the bottom, on the way up, at rest at the top, on the way down."""


@dataclass(frozen=True, kw_only=True)
class SurveyBench(Bench):
    """The stage under the magnet, and the rings of fluxgates that there are."""

    campaign: ClassVar[str] = "the environment survey"

    motion_stage: MotionStage
    static_radial: Fluxgate | None = None
    static_vertical: Fluxgate | None = None
    moving_radial: Fluxgate | None = None
    moving_vertical: Fluxgate | None = None

    @property
    def rings(self) -> list[Fluxgate]:
        """Those that there are."""
        found = (self.static_radial, self.static_vertical, self.moving_radial, self.moving_vertical)
        return [ring for ring in found if ring is not None]


class EnvironmentSurvey(Parameters):
    """The campaign: cycles of the magnet between two heights, about where it rests."""

    cycles: int = parameter("1", 5, ge=1, le=10_000)
    travel: float = parameter("m", 10e-3, gt=0, source="Ma2025: -5 to +5 mm")
    rest: float = parameter("s", 10.0, gt=0, source="Ma2025: a cycle of about 60 s", description="at either end")
    way: float = parameter("s", 20.0, gt=0, source="Ma2025: a cycle of about 60 s", description="up, and down")
    reading_step: float = parameter("s", 0.5, ge=1e-4, description="aperture of a reading; they are contiguous")

    @model_validator(mode="after")
    def _fits(self) -> EnvironmentSurvey:
        if min(self.rest, self.way) < 4 * self.reading_step:
            raise ValueError("expected at least four readings in each rest and on each way")
        return self

    @property
    def period(self) -> int:
        """Of a cycle (ns)."""
        return 2 * (to_ns(self.rest) + to_ns(self.way))

    @property
    def duration(self) -> int:
        """Of the campaign (ns): the way down to where the first cycle begins, and the cycles."""
        return to_ns(self.way) + self.cycles * self.period

    def steps(self, components: Mapping[str, Any], clock: Clock, weighing_position: float) -> list[Step]:
        """The campaign as steps.

        Raises
        ------
        WiringError
            If the stage or all rings are missing.
        """
        bench = SurveyBench.of(components)
        if not bench.rings:
            raise WiringError(
                "the environment survey needs a ring of fluxgates, such as 'static_radial'; there is none"
            )
        run = _Run(self, bench, clock)
        first = Step("approach", to_ns(self.way), run.approach, "approach")
        return [first, *(Step(f"cycle {k + 1}", self.period, partial(run.cycle, k), "survey", k)
                         for k in range(self.cycles))]  # fmt: skip


class _Run:
    """The operations of the survey on a bench."""

    def __init__(self, campaign: EnvironmentSurvey, bench: SurveyBench, clock: Clock) -> None:
        self.campaign, self.bench, self.clock = campaign, bench, clock

    def approach(self) -> Process:
        """From where the magnet rests to the bottom."""
        start = self.clock.now
        yield from self.bench.motion_stage.move(glide(0.0, self._low, start, start + to_ns(self.campaign.way)))

    @property
    def _low(self) -> float:
        return -0.5 * self.campaign.travel

    def cycle(self, k: int) -> Process:
        """Rest, up, rest, down; every ring is read in each."""
        for place in PLACES:
            c, start = self.campaign, self.clock.now
            end = start + to_ns(c.rest if place in ("low", "high") else c.way)
            labels: dict[str, Label] = {"phase": "survey", "cycle": k, "place": place}
            operations = [ring.read(contiguous(start, end, c.reading_step), labels) for ring in self.bench.rings]
            if place in ("up", "down"):
                ends = (self._low, -self._low) if place == "up" else (-self._low, self._low)
                operations.append(self.bench.motion_stage.move(glide(*ends, start, end)))
            yield self.clock.together(operations)
            yield self.clock.until(end)
