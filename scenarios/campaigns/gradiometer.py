"""The field profile by a gradiometer: two coils on one former, moved through the gap at constant velocity.

One voltmeter reads one coil, another the difference of both; two more, if they are there, radial coils against a middle
one. All readings are simultaneous, and an encoder is read at the edges of their apertures (Seifert2014).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from pydantic import model_validator

from components import motion
from components.roles import DisplacementSensor, ProbeGuide, Voltmeter
from scenarios.campaigns.bench import Bench
from scenarios.campaigns.gap_truth import gap_series, gap_truth
from scenarios.campaigns.phases import contiguous
from twin.clock import Clock, Process
from twin.parameter import Parameters, parameter
from twin.recorder import Label, Schedule
from twin.steps import Step
from twin.times import to_ns


@dataclass(frozen=True, kw_only=True)
class GradiometerBench(Bench):
    """The instruments."""

    campaign: ClassVar[str] = "a gradiometer profile"

    guide: ProbeGuide
    encoder: DisplacementSensor
    induced_voltmeter: Voltmeter
    difference_voltmeter: Voltmeter
    inner_voltmeter: Voltmeter | None = None
    outer_voltmeter: Voltmeter | None = None

    @property
    def voltmeters(self) -> list[Voltmeter]:
        """Those that are there."""
        found = self.induced_voltmeter, self.difference_voltmeter, self.inner_voltmeter, self.outer_voltmeter
        return [meter for meter in found if meter is not None]


class GradiometerProfile(Parameters):
    """The campaign: the meters' zeros, then pairs of sweeps up and down about z = 0."""

    travel: float = parameter("m", 80e-3, gt=0, description="that is read", source="Seifert2014: the central 8 cm")
    velocity: float = parameter("m/s", 1e-3, gt=0)
    acceleration_time: float = parameter("s", 2.0, gt=0, description="at either end of a sweep, beyond the travel")
    pairs: int = parameter("1", 4, ge=1, le=1000)
    reading_step: float = parameter("s", 0.2, ge=1e-4, description="aperture of a reading; they are contiguous")
    zero_time: float = parameter("s", 10.0, gt=0, description="with the meters shorted, before")
    approach: float = parameter("s", 20.0, gt=0, description="to the lower end, and back; not read")

    @model_validator(mode="after")
    def _enough(self) -> GradiometerProfile:
        if self.travel / self.velocity < 20 * self.reading_step:
            raise ValueError(
                f"expected at least 20 readings in a sweep of {self.travel / self.velocity:g} s; shorten reading_step"
            )
        if self.zero_time < 4 * self.reading_step:
            raise ValueError("expected four readings within zero_time")
        return self

    @property
    def sweep(self) -> float:
        """How long a sweep takes, with its ends (s)."""
        return self.travel / self.velocity + 2.0 * self.acceleration_time

    @property
    def duration(self) -> int:
        """Of the campaign (ns)."""
        return to_ns(self.zero_time) + 2 * to_ns(self.approach) + 2 * self.pairs * to_ns(self.sweep)

    def true_values(self, parts: Mapping[str, Any]) -> dict[str, float]:
        """Field, slope and deviation in the middle of the gap."""
        return gap_truth(parts)

    def true_results(self, parts: Mapping[str, Any], found: Mapping[str, Any], settings: Any) -> dict[str, Any]:
        """Profile, uniform range, and the deviation where the reduction looks at it."""
        told = gap_series(parts, found, settings.tolerance)
        if "deviation_off_plane" in found and told:
            b = parts["gap_field"].deviation_at(np.array([0.0, settings.off_plane]))
            told |= {"deviation_off_plane": b[1], **({"deviation_growth": b[1] / b[0]} if b[0] else {})}
        return told

    def steps(self, components: Mapping[str, Any], clock: Clock, weighing_position: float) -> list[Step]:
        """The campaign as steps.

        Raises
        ------
        WiringError
            If an instrument is missing.
        """
        run = _Run(self, GradiometerBench.of(components), clock)
        approach, pair = to_ns(self.approach), 2 * to_ns(self.sweep)
        return [
            Step("meters shorted", to_ns(self.zero_time), run.zero, "zero"),
            Step("to the lower end", approach, partial(run.go, 0.0, run.bottom), "approach"),
            *(Step(f"sweeps up and down, {k + 1}", pair, partial(run.pair, k), "sweep", k) for k in range(self.pairs)),
            Step("back to the middle", approach, partial(run.go, run.bottom, 0.0), "approach"),
        ]


class _Run:
    """The operations on a bench."""

    def __init__(self, campaign: GradiometerProfile, bench: GradiometerBench, clock: Clock) -> None:
        self.campaign, self.bench, self.clock = campaign, bench, clock
        c = campaign
        (first, *_) = motion.sweeps(0.0, c.velocity, c.sweep, c.acceleration_time, 0, 1)
        self.bottom = float(first.values_at(0)[0].real)

    def zero(self) -> Process:
        """Read all meters shorted."""
        end = self.clock.now + to_ns(self.campaign.zero_time)
        window = contiguous(self.clock.now, end, self.campaign.reading_step)
        labels: dict[str, Label] = {"phase": "zero", "cycle": 0}
        yield self.clock.together([meter.read(window, labels, channel="short") for meter in self.bench.voltmeters])
        yield self.clock.until(end)

    def go(self, z0: float, z1: float) -> Process:
        """Move from one height to another (m)."""
        end = self.clock.now + to_ns(self.campaign.approach)
        yield from self.bench.guide.move(motion.glide(z0, z1, self.clock.now, end))

    def pair(self, cycle: int) -> Process:
        """Sweep up and down, and read where the velocity is constant."""
        c, start, sweep = self.campaign, self.clock.now, to_ns(self.campaign.sweep)
        laws = motion.sweeps(0.0, c.velocity, c.sweep, c.acceleration_time, start, 1)
        margin, step = to_ns(c.acceleration_time), to_ns(c.reading_step)
        count = (sweep - 2 * margin) // step
        schedule = Schedule(start + margin, step, count, sweep, 2)
        edges = Schedule(schedule.start, step, count + 1, sweep, 2)
        labels: dict[str, Label] = {"phase": "sweep", "cycle": cycle}
        yield self.clock.together(
            [
                self.bench.guide.move(laws),
                self.bench.encoder.read(edges, labels, instantaneous=True),
                *(meter.read(schedule, labels) for meter in self.bench.voltmeters),
            ]
        )
        yield self.clock.until(start + 2 * sweep)
