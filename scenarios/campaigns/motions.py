"""Velocity phases: how the coil moves and when it is read."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag, model_validator

from components import motion
from scenarios.campaigns.hinge_motion import HingeMotion
from scenarios.campaigns.velocity_phase import PrescribedMotion, checked_half_cycle
from twin.parameter import parameter
from twin.piece import Piece, exact_hertz
from twin.recorder import Schedule
from twin.times import NS, to_ns


class Sweeps(PrescribedMotion):
    """Pairs of sweeps up and down at constant velocity (Liu2025: 20 pairs of 90 s, the central 60 s data)."""

    motion: Literal["sweeps"] = "sweeps"
    pairs: int = parameter("1", 20, ge=1, le=1000)
    sweep_duration: float = parameter("s", 90.0, gt=0, source="Liu2025, TMTP")
    acceleration_time: float = parameter("s", 5.0, gt=0, source="Liu2025, TMTP")
    window_start: float = parameter(
        "s", 15.0, ge=0, source="Liu2025: the central 60 s", description="after a sweep's start"
    )
    window_end: float = parameter(
        "s", 75.0, gt=0, source="Liu2025: the central 60 s", description="after a sweep's start"
    )
    velocity: float = parameter("m/s", gt=0)
    reading_step: float = parameter("s", 1.0, ge=1e-4)

    @model_validator(mode="after")
    def _in_order(self) -> Sweeps:
        latest = self.sweep_duration - self.acceleration_time
        if not self.acceleration_time <= self.window_start < self.window_end <= latest:
            raise ValueError(
                f"expected acceleration_time <= window_start < window_end <= sweep_duration - acceleration_time, not "
                f"{self.acceleration_time}, {self.window_start}, {self.window_end}, {latest} s"
            )
        if self.window_end - self.window_start < self.reading_step:
            raise ValueError(f"expected reading_step within the window of {self.window_end - self.window_start} s")
        return self

    @property
    def duration(self) -> int:
        return 2 * self.pairs * to_ns(self.sweep_duration)

    def laws(self, centre: float, start: int) -> list[Piece]:
        return motion.sweeps(centre, self.velocity, self.sweep_duration, self.acceleration_time, start, self.pairs)

    def schedule(self, start: int) -> Schedule:
        step = to_ns(self.reading_step)
        count = (to_ns(self.window_end) - to_ns(self.window_start)) // step
        return Schedule(start + to_ns(self.window_start), step, count, to_ns(self.sweep_duration), 2 * self.pairs)


class Oscillation(PrescribedMotion):
    """A flat-topped oscillation, each half cycle's flat window one sweep (Li2026)."""

    motion: Literal["oscillation"] = "oscillation"
    frequency: float = parameter("Hz", 1.0, ge=1e-3, le=1e3, source="Li2026")
    velocity: float = parameter("m/s", 3e-4, gt=0, source="Li2026", description="in the flat part")
    harmonics: list[int] = parameter("1", [1, 3, 5, 7, 9], description="odd orders of the velocity", source="Li2026")
    cycles: int = parameter("1", 1800, ge=1, le=1_000_000, description="oscillations in a phase")
    window: float = parameter("s", 0.3, gt=0, source="Li2026", description="flat window, in the middle of a half cycle")
    reading_step: float = parameter("s", 0.02, ge=1e-4, source="one power-line cycle at 50 Hz")

    @model_validator(mode="after")
    def _fits(self) -> Oscillation:
        half = checked_half_cycle(self.frequency, self.window, self.reading_step)
        motion.flat_top(tuple(self.harmonics), self.window / half)
        return self

    @property
    def _half_cycle(self) -> int:
        return int(Fraction(NS, 2) / exact_hertz(self.frequency))

    @property
    def duration(self) -> int:
        return 2 * self.cycles * self._half_cycle

    def laws(self, centre: float, start: int) -> list[Piece]:
        flat = self.window * 2.0 * self.frequency
        orders = tuple(self.harmonics)
        return motion.oscillation(centre, self.velocity, self.frequency, orders, flat, start, self.cycles)

    def schedule(self, start: int) -> Schedule:
        step, half = to_ns(self.reading_step), self._half_cycle
        count = to_ns(self.window) // step
        first = start + (half - count * step) // 2
        return Schedule(first, step, count, half, 2 * self.cycles)


def _motion_of(value: Any) -> Any:
    return value.get("motion", "sweeps") if isinstance(value, dict) else getattr(value, "motion", None)


VelocityMotion = Annotated[
    Annotated[Sweeps, Tag("sweeps")]
    | Annotated[Oscillation, Tag("oscillation")]
    | Annotated[HingeMotion, Tag("hinge")],
    Discriminator(_motion_of),
]
"""One of the velocity phases, told apart by the key ``motion``."""
