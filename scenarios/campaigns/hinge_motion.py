"""A velocity phase in which the balance's own hinge is driven: the motion follows from a current (Li2026)."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, Literal

from pydantic import model_validator

from components.roles import DrivenHinge
from scenarios.campaigns.velocity_phase import VelocityPhase, checked_half_cycle
from twin.clock import Process
from twin.errors import WiringError
from twin.parameter import parameter
from twin.piece import Piece, exact_hertz, harmonics, sines
from twin.recorder import Schedule
from twin.times import NS, to_ns


class HingeMotion(VelocityPhase):
    """A periodic current through the actuator oscillates the hinge; each half cycle's flat window is one sweep.

    The current starts from rest. Readings begin after `settle`, when nothing of the transient is left; after the last
    one the current stops and the hinge has `rest` to come to rest. Where the coil is and how flat its velocity is
    follows from the hinge (`components.hinge`); ``kibble-twin drive`` finds the harmonics for it.
    """

    motion: Literal["hinge"] = "hinge"
    frequency: float = parameter("Hz", 1.0, ge=1e-3, le=1e3, source="Li2026")
    velocity: float = parameter("m/s", 3e-4, gt=0, source="Li2026", description="that the drive is meant to reach")
    orders: list[int] = parameter("1", [1, 3, 5, 7, 9], description="harmonics of the current", source="Li2026")
    amplitudes: list[float] = parameter("A", description="of each harmonic")
    phases: list[float] = parameter("rad", description="of each harmonic, sine convention")
    cycles: int = parameter("1", 1769, ge=1, le=1_000_000, description="oscillations that are read")
    settle: float = parameter("s", 15.0, ge=0, description="from the start of the current to the first cycle read")
    rest: float = parameter("s", 15.0, gt=0, description="after the current has stopped")
    window: float = parameter("s", 0.3, gt=0, source="Li2026", description="flat window, in the middle of a half cycle")
    window_middle: float = parameter(
        "s", ge=0, description="of the first window after the start of a cycle of the current"
    )
    reading_step: float = parameter("s", 0.02, ge=1e-4, source="one power-line cycle at 50 Hz")

    @model_validator(mode="after")
    def _fits(self) -> HingeMotion:
        half = checked_half_cycle(self.frequency, self.window, self.reading_step)
        if not 0.5 * self.window <= self.window_middle <= 2 * half:
            raise ValueError(
                f"expected window_middle from half a window to a cycle ({2 * half:g} s), not {self.window_middle} s"
            )
        if not len(self.orders) == len(self.amplitudes) == len(self.phases):
            raise ValueError(
                f"expected an amplitude and a phase for each of the harmonics {self.orders}, not "
                f"{len(self.amplitudes)} and {len(self.phases)}"
            )
        if not self.orders or min(self.orders) < 1 or len(set(self.orders)) < len(self.orders):
            raise ValueError(f"expected distinct harmonics from 1 on, not {self.orders}")
        return self

    @property
    def _cycle(self) -> int:
        return int(Fraction(NS) / exact_hertz(self.frequency))

    @property
    def _driven(self) -> int:
        """Of the current (ns): whole cycles to settle, those that are read, and one in which the last window ends."""
        return (math.ceil(to_ns(self.settle) / self._cycle) + self.cycles + 1) * self._cycle

    @property
    def duration(self) -> int:
        return self._driven + to_ns(self.rest)

    def currents(self, start: int) -> list[Piece]:
        """The current of the actuator (A) from `start` (ns) on."""
        hertz, stop = exact_hertz(self.frequency), start + self._driven
        amplitudes = {n * hertz: a for n, a in sines(self.amplitudes, self.phases, self.orders).items()}
        return [harmonics(0.0, amplitudes, start, stop), harmonics(0.0, {}, stop, start + self.duration)]

    def move(self, unit: Any, centre: float, start: int) -> Process:
        yield from unit.drive(self.currents(start))

    def check(self, unit: Any) -> None:
        if not isinstance(unit, DrivenHinge):
            raise WiringError(
                "the motion 'hinge' needs a flexure that can be driven; give the flexure 'type: hinge', and an "
                "'oscillator' with its natural_frequency, damping_ratio and effective_mass, as kbmini_oscillating has",
                ("flexure",),
            )

    def start_position(self, centre: float) -> float:
        return centre

    def schedule(self, start: int) -> Schedule:
        step, half = to_ns(self.reading_step), self._cycle // 2
        count = to_ns(self.window) // step
        settled = start + self._driven - (self.cycles + 1) * self._cycle
        return Schedule(settled + to_ns(self.window_middle) - count * step // 2, step, count, half, 2 * self.cycles)
