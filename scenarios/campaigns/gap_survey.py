"""Gap survey: what an interfering magnet near the yoke couples into the gap, by six fluxgates in it (Ma2025).

For each mounting of the magnet the sensors are zeroed while it is away; then it is brought to one height after the
other, the sensors are read at each, and it is taken away and they are read once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from components.interfering_magnet import InterferingMagnet
from components.roles import SourceStage
from scenarios.campaigns.phases import contiguous
from scenarios.campaigns.sensor_bench import SensorBench
from twin.clock import Clock, Process
from twin.parameter import Parameters, parameter
from twin.recorder import Label
from twin.steps import Step
from twin.times import to_ns


@dataclass(frozen=True, kw_only=True)
class GapSurveyBench(SensorBench):
    """The instruments."""

    campaign: ClassVar[str] = "a gap survey"

    interfering_magnet: SourceStage


class Scan(Parameters):
    """The heights of the magnet in one of its mountings, one after the other."""

    mounting: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    heights: list[float] = parameter("m", min_length=5, description="from the symmetry plane; different ones")

    @model_validator(mode="after")
    def _different(self) -> Scan:
        if len(set(self.heights)) < len(self.heights):
            raise ValueError("expected heights that differ")
        return self


class GapSurvey(Parameters):
    """The campaign."""

    scans: list[Scan] = Field(min_length=1)
    read_time: float = parameter("s", 20.0, gt=0, description="at each height")
    zero_time: float = parameter("s", 60.0, gt=0, description="without the magnet, before and after")
    move_time: float = parameter("s", 10.0, gt=0, description="from height to height, to come and to go; not read")
    reading_step: float = parameter("s", 0.2, ge=1e-3, description="aperture of a reading; they are contiguous")

    @model_validator(mode="after")
    def _fits(self) -> GapSurvey:
        if min(self.read_time, self.zero_time) < 4 * self.reading_step:
            raise ValueError("expected four readings within read_time and zero_time")
        names = [scan.mounting for scan in self.scans]
        if len(set(names)) < len(names):
            raise ValueError("expected one scan of each mounting")
        return self

    def _length(self, scan: Scan) -> int:
        heights = len(scan.heights)
        return 2 * to_ns(self.zero_time) + (heights + 1) * to_ns(self.move_time) + heights * to_ns(self.read_time)

    @property
    def duration(self) -> int:
        """Of the campaign (ns)."""
        return sum(self._length(scan) for scan in self.scans)

    def true_values(self, parts: Mapping[str, Any]) -> dict[str, float]:
        """γ of the circumferential mean, the largest of a scan, as couplings and the true surface field have it."""
        magnet, flux = parts.get("interfering_magnet"), parts.get("external_flux")
        if not isinstance(magnet, InterferingMagnet) or flux is None:
            return {}
        return {
            f"{scan.mounting}_gamma_mean": float(
                np.abs(flux.mean_let_in(magnet.source(scan.mounting), np.array(scan.heights))).max()
                / magnet.surface_field
            )
            for scan in self.scans
        }

    def steps(self, components: Mapping[str, Any], clock: Clock, weighing_position: float) -> list[Step]:
        """The campaign as steps, one for each scan.

        Raises
        ------
        WiringError
            If an instrument is missing.
        """
        run = _Run(self, GapSurveyBench.of(components), clock)
        return [
            Step(f"scan {scan.mounting}", self._length(scan), partial(run.scan, k, scan), "survey", k)
            for k, scan in enumerate(self.scans)
        ]


class _Run:
    """The operations on a bench."""

    def __init__(self, campaign: GapSurvey, bench: GapSurveyBench, clock: Clock) -> None:
        self.campaign, self.bench, self.clock = campaign, bench, clock

    def scan(self, cycle: int, scan: Scan) -> Process:
        """Zero the sensors, go through all heights, and read the sensors once more without the magnet."""
        c, stage = self.campaign, self.bench.interfering_magnet
        labels: dict[str, Label] = {"cycle": cycle, "mounting": scan.mounting}
        yield from self._read(c.zero_time, {**labels, "phase": "zero"})
        for z in scan.heights:
            yield from stage.place(scan.mounting, z, c.move_time)
            yield from self._read(c.read_time, {**labels, "phase": "survey", "height_m": z})
        yield from stage.remove(scan.mounting, c.move_time)
        yield from self._read(c.zero_time, {**labels, "phase": "removed"})

    def _read(self, duration: float, labels: Mapping[str, Label]) -> Process:
        end = self.clock.now + to_ns(duration)
        schedule = contiguous(self.clock.now, end, self.campaign.reading_step)
        yield self.clock.together(self.bench.read(schedule, labels))
        yield self.clock.until(end)
