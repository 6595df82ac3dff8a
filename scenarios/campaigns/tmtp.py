"""TMTP, two-mode two-phase: one coil, current on while weighing, off in the velocity phase (Liu2025, Li2026).

A cycle is a weighing phase and a velocity phase. Weighings alternate mass on and mass off and so the sign of the
current. The voltmeter that is idle in a phase reads its zero and the voltage reference, and both do before the first
weighing: then what the reference does shows in both, and in one alone what that one does. The coil glides to where the
motion starts after the last data window of the weighing phase, and back before the first, so that phases adjoin without
pause.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from scenarios.campaigns.bench import MassBench
from scenarios.campaigns.motions import VelocityMotion
from scenarios.campaigns.needs import BACK_ACTION
from scenarios.campaigns.phases import MassOperations
from scenarios.campaigns.scheme import Scheme
from scenarios.schema.needs import Need
from twin.clock import Clock, Process
from twin.parameter import Parameters, parameter
from twin.recorder import Label
from twin.steps import Step
from twin.times import NS, to_ns

Array = NDArray[np.float64]
SLOW_READINGS = 20
"""Of temperatures and air, in a velocity phase."""


class Weighing(Parameters):
    """The weighing phase: `count` weighings, mass on and off in turn.

    With ``current: flat`` the current keeps its size through the phase and reverses along a ramp, as the load changes.
    With ``ramped`` each weighing ramps the current from zero and back, and the mass is exchanged near zero current;
    with `exchange_first` at zero current, as interlocks may want it.
    """

    count: int = parameter("1", 20, ge=2, le=1000, source="Liu2025: 10 mass-on and 10 mass-off")
    duration: float = parameter("s", 180.0, gt=0, source="Liu2025: 45 + 90 + 45 s", description="of one weighing")
    window_start: float = parameter("s", 75.0, ge=0, source="Liu2025: the last 60 s of the hold")
    window_end: float = parameter("s", 135.0, gt=0, source="Liu2025: the last 60 s of the hold")
    current: Literal["flat", "ramped"] = "flat"
    ramp: float = parameter("s", 1.0, gt=0, description="of the current, from, to or through zero; Liu2025 prints 45 s")
    exchange_time: float = parameter("s", 1.0, gt=0, description="of the mass, but where the current reverses with it")
    exchange_first: bool = Field(False, description="whether the current is ramped when the mass has been exchanged")
    reading_step: float = parameter("s", 1.0, ge=1e-4, description="aperture of a reading; readings are contiguous")

    @model_validator(mode="after")
    def _in_order(self) -> Weighing:
        if not self.ramp <= self.window_start < self.window_end <= self.duration - self.ramp:
            raise ValueError(
                f"expected ramp <= window_start < window_end <= duration - ramp, not {self.ramp}, {self.window_start}, "
                f"{self.window_end}, {self.duration - self.ramp} s"
            )
        if self.window_end - self.window_start < self.reading_step:
            raise ValueError(f"expected reading_step within the window of {self.window_end - self.window_start} s")
        if self.exchange_time > self.window_start:
            raise ValueError(
                f"expected exchange_time <= window_start, not {self.exchange_time} and {self.window_start} s"
            )
        if self.exchange_first and self.exchange_time + self.ramp > self.window_start:
            raise ValueError(
                f"expected exchange_time + ramp <= window_start with exchange_first, not {self.exchange_time} + "
                f"{self.ramp} and {self.window_start} s"
            )
        return self


class Tmtp(Scheme):
    """The TMTP campaign."""

    cycles: int = parameter(
        "1", 4, ge=1, le=10_000, description="weighing and velocity phases", source="Liu2025: four periods"
    )
    weighing: Weighing = Weighing()
    velocity: VelocityMotion

    @classmethod
    def needs(cls, given: Mapping[str, Any]) -> tuple[Need, ...]:
        velocity = given.get("velocity")
        driven = isinstance(velocity, dict) and velocity.get("motion") == "hinge" and not cls.in_series
        return (*super().needs(given), *((BACK_ACTION,) if driven else ()))

    # --- times -------------------------------------------------------------------------------------------------------

    @property
    def weighing_duration(self) -> int:
        """Of a weighing phase (ns)."""
        return self.weighing.count * to_ns(self.weighing.duration)

    @property
    def period(self) -> int:
        """Of a cycle, τ_c (ns)."""
        return self.weighing_duration + self.velocity.duration

    @property
    def cycle_starts(self) -> NDArray[np.int64]:
        """When each cycle begins (ns), shape (cycles,)."""
        return np.arange(self.cycles) * self.period

    def weighing_windows(self) -> Array:
        """Data windows of all weighings (s), shape (weighings, 2)."""
        w = self.weighing
        starts = np.add.outer(self.cycle_starts, np.arange(w.count) * to_ns(w.duration)).ravel()
        return starts[:, None] / NS + np.array([w.window_start, w.window_end])

    @property
    def ramps(self) -> Array:
        w = self.weighing
        up = w.exchange_time if w.current == "ramped" and w.exchange_first else 0.0
        begins = np.arange(w.count) * w.duration + up
        ends = w.duration - w.ramp + (np.arange(w.count) * w.duration if w.current == "ramped" else begins[-1:] - up)
        own = np.sort(np.concatenate([begins, ends]))
        starts = np.add.outer(self.cycle_starts / NS, own).ravel()
        return starts[:, None] + np.array([0.0, w.ramp])

    def mass_on(self) -> NDArray[np.bool_]:
        """Whether the mass is on, for each of `weighing_windows`."""
        return np.tile(np.arange(self.weighing.count) % 2 == 0, len(self.cycle_starts))

    def velocity_windows(self) -> Array:
        """Data windows of all sweeps (s), shape (sweeps, 2)."""
        starts = (self.cycle_starts + self.weighing_duration).tolist()
        return np.concatenate([self.velocity.windows(start) for start in starts])

    # --- steps -------------------------------------------------------------------------------------------------------

    def operations(self, components: Mapping[str, Any], clock: Clock, weighing_position: float) -> TmtpPhases:
        return TmtpPhases(self, MassBench.of(components), clock, weighing_position)

    def steps_of(self, operations: TmtpPhases, cycle: int) -> Iterator[Step]:
        """One for each weighing, one for the velocity phase."""
        for k in range(self.weighing.count):
            state = "on" if k % 2 == 0 else "off"
            name = f"cycle {cycle + 1}: weighing {k + 1} of {self.weighing.count}, mass {state}"
            yield Step(name, to_ns(self.weighing.duration), partial(operations.weigh, cycle, k), "weighing", cycle)
        name = f"cycle {cycle + 1}: velocity phase"
        yield Step(name, self.velocity.duration, partial(operations.velocity, cycle), "velocity", cycle)


class TmtpPhases:
    """The operations of a campaign on a bench."""

    def __init__(self, campaign: Tmtp, bench: MassBench, clock: Clock, weighing_position: float) -> None:
        self.campaign, self.bench, self.clock, self.position = campaign, bench, clock, weighing_position
        self.do = MassOperations(
            bench, clock, weighing_position, campaign.velocity, campaign.weighing.reading_step, campaign.moves
        )

    def weigh(self, cycle: int, k: int) -> Process:
        """One weighing: load or unload, take over the load, read, hand it back where the current has to stop."""
        w, b, start = self.campaign.weighing, self.bench, self.clock.now
        labels: dict[str, Label] = {
            "phase": "weighing",
            "cycle": cycle,
            "weighing": k,
            "state": "off" if k % 2 else "on",
            **self.beside(cycle),
        }
        first, last = k == 0, k == w.count - 1
        if first:
            self.begin_weighing()
        exchange = w.exchange_time if first or w.current == "ramped" else w.ramp
        operations = [b.mass_exchanger.unload(exchange) if k % 2 else b.mass_exchanger.load(exchange)]
        if first or w.current == "ramped":
            engaging = b.servo.engage(w.ramp)
            operations = [_in_turn(*operations, engaging)] if w.exchange_first else [*operations, engaging]
        if first and cycle == 0 and b.clamp is not None:  # whoever was here before may have locked the coil
            operations.append(b.clamp.unlock(w.ramp))
        if first and self.comes_back(cycle):
            operations.append(self.do.glide(self.do.parked, self.position, start, start + to_ns(w.window_start)))
        window = self.do.window(start + to_ns(w.window_start), start + to_ns(w.window_end))
        operations += self.do.read_weighing(window, labels, calibrate=first)
        if first and cycle == 0:
            operations += self.do.calibrate_first(start, window.start, {"cycle": cycle, **self.beside(cycle)})
        if last:
            operations.append(self.do.glide(self.position, self.do.parked, window.end, start + to_ns(w.duration)))
        if last or w.current == "ramped":
            operations.append(self.release(start + to_ns(w.duration)))
        yield self.clock.together(operations)
        yield self.clock.until(start + to_ns(w.duration))
        b.current_source.check(window.start, window.end)
        if last:
            self.end_weighing()

    def beside(self, cycle: int) -> Mapping[str, Label]:
        """Further labels of what is read in a cycle."""
        return {}

    def comes_back(self, cycle: int) -> bool:
        """Whether the coil comes from a velocity phase when a cycle begins."""
        return cycle > 0

    def begin_weighing(self) -> None:
        """Close the circuit of a weighing phase."""
        self.bench.current_source.connect()

    def end_weighing(self) -> None:
        """Open the circuit for the velocity phase."""
        self.bench.current_source.disconnect()

    def release(self, end: int) -> Process:
        """Hand the load back so that the current is zero at `end`."""
        yield from self.do.release(end, self.campaign.weighing.ramp)

    def velocity(self, cycle: int) -> Process:
        """The velocity phase: move, and read voltage and position; the current's voltmeter reads the reference."""
        phase, start, w = self.campaign.velocity, self.clock.now, self.campaign.weighing
        labels: dict[str, Label] = {"phase": "velocity", "cycle": cycle, **self.beside(cycle)}
        span = min(to_ns(w.window_end) - to_ns(w.window_start), phase.duration)
        operations = self.do.sweep(start, self.do.window(start, start + span), SLOW_READINGS, labels)
        if w.count % 2:  # the last weighing left the mass on the pan
            operations.append(self.bench.mass_exchanger.unload(w.exchange_time))
        yield self.clock.together(operations)
        yield self.clock.until(start + phase.duration)


def _in_turn(*operations: Process) -> Process:
    """One after the other."""
    for operation in operations:
        yield from operation
