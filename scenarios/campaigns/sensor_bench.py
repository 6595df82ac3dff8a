"""Six fluxgates, read together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from components.roles import Fluxgate
from scenarios.campaigns.bench import Bench
from twin.clock import Process
from twin.recorder import Label, Schedule


@dataclass(frozen=True, kw_only=True)
class SensorBench(Bench):
    """The sensors, by growing azimuth."""

    campaign: ClassVar[str] = "a survey with six fluxgates"

    fluxgate_1: Fluxgate
    fluxgate_2: Fluxgate
    fluxgate_3: Fluxgate
    fluxgate_4: Fluxgate
    fluxgate_5: Fluxgate
    fluxgate_6: Fluxgate

    def read(self, schedule: Schedule, labels: Mapping[str, Label]) -> list[Process]:
        """Read all six."""
        return [getattr(self, f"fluxgate_{k}").read(schedule, labels) for k in range(1, 7)]
