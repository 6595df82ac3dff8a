"""A campaign of a laboratory's own: a current goes up step by step and stays on between them, and is read at each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from components.roles import KeepingSource, Voltmeter
from scenarios.campaigns.bench import Bench
from scenarios.reduction.certificates import Estimate
from scenarios.reduction.findings import Findings, Quantity
from twin.clock import Clock, Process
from twin.parameter import Parameters, parameter
from twin.recorder import Blocks, Schedule
from twin.steps import Step
from twin.times import NS

STEP = 8 * NS // 10
"""Of the campaign (ns)."""
ENTRY_POINTS = """
[kibble_twin.campaigns]
ladder = tests.hw_bridge.ladder:Ladder
[kibble_twin.reductions]
ladder = tests.hw_bridge.ladder:LadderReduction
"""


def install(folder: Path) -> None:
    """As a package that is found from this folder."""
    (folder / "ladder-1.dist-info").mkdir(parents=True)
    (folder / "ladder-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: ladder\nVersion: 1\n")
    (folder / "ladder-1.dist-info" / "entry_points.txt").write_text(ENTRY_POINTS)


@dataclass(frozen=True, kw_only=True)
class LadderBench(Bench):
    """A source, and a meter across what it flows through."""

    campaign: ClassVar[str] = "a ladder"

    current_source: KeepingSource
    induced_voltmeter: Voltmeter


class Ladder(Parameters):
    """The campaign."""

    rise: float = parameter("A", 1e-4, gt=0, description="from rung to rung")
    rungs: int = 6

    @property
    def duration(self) -> int:
        """Of the campaign (ns)."""
        return self.rungs * STEP

    def steps(self, components: Mapping[str, Any], clock: Clock, weighing_position: float) -> list[Step]:
        """One for each rung."""
        bench = LadderBench.of(components)

        def climb(k: int) -> Process:
            start = clock.now
            bench.current_source.connect()
            yield from bench.current_source.set((k + 1) * self.rise, 0.2)
            yield clock.until(start + 4 * NS // 10)
            schedule = Schedule(start + 4 * NS // 10, NS // 20, 4)
            yield from bench.induced_voltmeter.read(schedule, {"phase": "rest", "cycle": k})
            yield clock.until(start + STEP)

        return [Step(f"rung {k + 1}", STEP, partial(climb, k), "rest", k) for k in range(self.rungs)]


class LadderReduction(Parameters):
    """The mean voltage of each rung."""

    def findings(self, readings: Blocks, certificates: Mapping[str, Estimate]) -> Findings:
        found = {int(str(b.labels["cycle"])): float(b.values.mean()) for b in readings.select("induced_voltmeter")}
        means = np.array([found[k] for k in sorted(found)])
        return Findings((Quantity("voltage_V", means, "V", "U", "of each rung"),))
