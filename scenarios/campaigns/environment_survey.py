"""Environment survey: what a magnet that is lifted, its motor and its yoke do to the field around it (Ma2025).

A stage lifts the magnet and lowers it again, cycle by cycle, with rests at either end; six fluxgates around it and the
stage's encoder are read throughout. The sensors measure the radial or the vertical field, and stand still or move with
the magnet: an arrangement after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from components.motion import glide
from components.roles import DisplacementSensor, MotionStage, SensorMount
from scenarios.campaigns.phases import contiguous
from scenarios.campaigns.sensor_bench import SensorBench
from twin.clock import Clock, Process
from twin.parameter import Parameters, parameter
from twin.recorder import Label, Schedule
from twin.signal import Constant
from twin.steps import Step
from twin.times import to_ns


@dataclass(frozen=True, kw_only=True)
class EnvironmentSurveyBench(SensorBench):
    """The instruments."""

    campaign: ClassVar[str] = "an environment survey"

    sensor_ring: SensorMount
    motion_stage: MotionStage
    encoder: DisplacementSensor


class Arrangement(Parameters):
    """How the sensors are mounted."""

    axis: Literal["radial", "vertical"]
    height: float = parameter("m", description="with the magnet in the middle of its travel")
    carried: bool = Field(description="with the magnet; else they stand still")

    @property
    def name(self) -> str:
        """Of its quantities."""
        return f"{self.axis}_{'moving' if self.carried else 'static'}"


class EnvironmentSurvey(Parameters):
    """The campaign: a cycle is a rest at the bottom, the lift, a rest at the top, and the way down."""

    arrangements: list[Arrangement] = Field(min_length=1)
    travel: float = parameter("m", 10e-3, gt=0, source="Ma2025: z_m from -5 to +5 mm")
    move_time: float = parameter("s", 10.0, gt=0, description="up or down, with the motor switched on")
    rest_time: float = parameter("s", 20.0, gt=0, description="at either end; with the moves Ma2025's 60 s")
    cycles: int = parameter("1", 5, ge=2, le=10_000)
    mount_time: float = parameter("s", 60.0, gt=0, description="to mount the sensors anew")
    reading_step: float = parameter("s", 0.1, ge=1e-3, description="aperture of a reading; they are contiguous")

    @model_validator(mode="after")
    def _fits(self) -> EnvironmentSurvey:
        if min(self.move_time, self.rest_time) < 10 * self.reading_step:
            raise ValueError("expected ten readings within move_time and rest_time")
        names = [arrangement.name for arrangement in self.arrangements]
        if len(set(names)) < len(names):
            raise ValueError("expected arrangements that differ in axis or in what they move with")
        return self

    @property
    def _cycle(self) -> int:
        return 2 * (to_ns(self.move_time) + to_ns(self.rest_time))

    @property
    def _length(self) -> int:
        """Of an arrangement: mounting, to the bottom, cycles, and back to the middle (ns)."""
        return to_ns(self.mount_time) + 2 * to_ns(self.move_time) + self.cycles * self._cycle

    @property
    def duration(self) -> int:
        """Of the campaign (ns)."""
        return len(self.arrangements) * self._length

    def true_values(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        """The field around at the bottom, at the top, its change, and what the motor adds, by arrangement (T, rad)."""
        flux, ring = parts.get("external_flux"), parts.get("sensor_ring")
        if flux is None or ring is None:
            return {}
        angles = ring.azimuth + 2 * np.pi * np.arange(6) / 6

        def around(how: Arrangement, z: float, motor: float) -> Any:
            """What the sensors see with the magnet at a height (m)."""
            still = {"energised": Constant(motor), "stage": Constant(z)}
            density = flux.signals(**still, magnet_position=Constant(z))["outside_density"]
            height = Constant(how.height + ring.height_error + (z if how.carried else 0.0))
            return np.array([float(density.at(ring.radius, a, height, how.axis)(0.0)) for a in angles])

        found: dict[str, Any] = {}
        for how in self.arrangements:
            bottom, top = (around(how, z, 0.0) for z in (-0.5 * self.travel, 0.5 * self.travel))
            change, name = top - bottom, how.name
            for end, values in (("bottom", bottom), ("top", top), ("change", change)):
                mean, wave = values.mean(), (values * np.exp(1j * angles)).sum() / 3.0
                key = f"{name}_{end}"
                found[f"{key}_T" if end == "change" else f"{key}_mean_T"] = mean
                found[f"{key}_amplitude_T"] = abs(wave)
                if end != "change":
                    found[f"{key}_phase_rad"] = np.angle(wave)
                else:
                    found[f"{name}_change_left_T"] = np.sqrt(
                        np.mean((values - mean - (wave * np.exp(-1j * angles)).real) ** 2)
                    )
            found |= {
                f"{name}_changes_T": change,
                f"{name}_largest_change_T": change[np.abs(change).argmax()],
                f"{name}_motor_steps_T": around(how, 0.0, 1.0) - around(how, 0.0, 0.0),
            }
        return found

    def true_results(self, parts: Mapping[str, Any], found: Mapping[str, Any], settings: Any) -> dict[str, Any]:
        """The motor's step at the sensor where it was found to stand out most, and phases without a turn too many."""
        told = self.true_values(parts)
        steps: dict[str, Any] = {}
        for key in (key for key in told if key.endswith("_phase_rad")):
            steps[key] = told[key] + 2 * np.pi * np.round((found[key] - told[key]) / (2 * np.pi))
        for name in (how.name for how in self.arrangements if told):
            values, u = (np.array(found[f"{key}{name}_motor_steps_T"]) for key in ("", "u_"))
            steps[f"{name}_motor_step_T"] = told[f"{name}_motor_steps_T"][
                (np.abs(values) / np.where(u > 0, u, 1.0)).argmax()
            ]
        return steps

    def steps(self, components: Mapping[str, Any], clock: Clock, weighing_position: float) -> list[Step]:
        """The campaign as steps, one for each arrangement.

        Raises
        ------
        WiringError
            If an instrument is missing.
        """
        run = _Run(self, EnvironmentSurveyBench.of(components), clock)
        return [
            Step(f"sensors {how.name.replace('_', ', ')}", self._length, partial(run.survey, k, how), "survey", k)
            for k, how in enumerate(self.arrangements)
        ]


class _Run:
    """The operations on a bench."""

    def __init__(self, campaign: EnvironmentSurvey, bench: EnvironmentSurveyBench, clock: Clock) -> None:
        self.campaign, self.bench, self.clock = campaign, bench, clock

    def survey(self, cycle: int, how: Arrangement) -> Process:
        """Mount the sensors, and lift and lower the magnet."""
        c, half = self.campaign, 0.5 * self.campaign.travel
        yield from self.bench.sensor_ring.mount(how.axis, how.height, how.carried, c.mount_time)
        yield from self._move(0.0, -half)
        labels: dict[str, Label] = {
            "phase": "survey",
            "cycle": cycle,
            "arrangement": how.name,
            "rest_s": c.rest_time,
            "move_s": c.move_time,
        }
        start = self.clock.now
        end = start + c.cycles * c._cycle
        schedule = self._schedule(start)
        yield self.clock.together(
            [*self.bench.read(schedule, labels), self.bench.encoder.read(schedule, labels), self._cycles()]
        )
        yield self.clock.until(end)
        yield from self._move(-half, 0.0)

    def _schedule(self, start: int) -> Schedule:
        """A burst for each cycle."""
        c = self.campaign
        burst = contiguous(start, start + c._cycle, c.reading_step)
        return Schedule(start, burst.step, burst.count, c._cycle, c.cycles)

    def _cycles(self) -> Process:
        c, half = self.campaign, 0.5 * self.campaign.travel
        for _ in range(c.cycles):
            for a, b in ((-half, half), (half, -half)):
                yield self.clock.until(self.clock.now + to_ns(c.rest_time))
                yield from self._move(a, b)

    def _move(self, a: float, b: float) -> Process:
        start = self.clock.now
        yield from self.bench.motion_stage.move(glide(a, b, start, start + to_ns(self.campaign.move_time)))
