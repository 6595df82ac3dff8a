"""Several masses, or one mass either way up, in turn by TMTP: what grows with the current, and what turns over.

Each turn begins with periods of the scheme in which nothing is read and the coil stays where it weighs: the hinge
forgets where it has been, and if the mass has changed, and with it the heat in the coil, temperatures come to repeat.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from components.coil import Coil
from components.environment import Environment
from components.magnet import Magnet
from components.roles import Magazine
from components.test_mass import TestMass
from scenarios.campaigns.bench import MassBench
from scenarios.campaigns.tmtp import Tmtp, TmtpPhases
from twin.clock import Clock, Process
from twin.parameter import parameter
from twin.recorder import Label
from twin.steps import Step
from twin.times import to_ns


class Turn(NamedTuple):
    """A mass (kg; None: the only one), which way up, and how many periods go by before it is weighed."""

    mass: float | None
    upside_down: bool
    settling: int

    @property
    def name(self) -> str:
        way = "upside down" if self.upside_down else "upright"
        return way if self.mass is None else f"{self.mass:g} kg"


@dataclass(frozen=True, kw_only=True)
class SeriesBench(MassBench):
    """What a series of masses needs."""

    campaign: ClassVar[str] = "a series of masses"

    test_mass: Magazine


class Series(Tmtp):
    """TMTP with one mass after the other."""

    cycles: int = parameter("1", 4, ge=2, le=1000, description="weighing and velocity phases of each turn")
    settling: int = parameter("1", 12, ge=1, le=1000, description="periods before each new mass, not read")
    turning: int = parameter("1", 1, ge=1, le=1000, description="periods before a mass that is turned over, not read")

    @property
    @abstractmethod
    def turns(self) -> tuple[Turn, ...]:
        """One after the other."""

    @property
    def duration(self) -> int:
        return sum(turn.settling + self.cycles for turn in self.turns) * self.period

    @property
    def cycle_starts(self) -> NDArray[np.int64]:
        """Of all turns, without the periods in which nothing is read."""
        periods, begun = list[int](), 0
        for turn in self.turns:
            periods += range(begun + turn.settling, begun + turn.settling + self.cycles)
            begun += turn.settling + self.cycles
        return np.array(periods) * self.period

    def operations(self, components: Mapping[str, Any], clock: Clock, weighing_position: float) -> SeriesPhases:
        return SeriesPhases(self, SeriesBench.of(components), clock, weighing_position)

    def steps(self, components: Mapping[str, Any], clock: Clock, weighing_position: float) -> list[Step]:
        operations = self.operations(components, clock, weighing_position)
        return [step for k in range(len(self.turns)) for step in self._steps_of_turn(operations, k)]

    def _steps_of_turn(self, operations: SeriesPhases, k: int) -> Iterator[Step]:
        turn, first = self.turns[k], k * self.cycles
        name = f"{turn.name}: {turn.settling} periods to settle"
        yield Step(name, turn.settling * self.period, partial(operations.settle, k), "settling", first)
        for cycle in range(first, first + self.cycles):
            yield from self.steps_of(operations, cycle)


class SeriesPhases(TmtpPhases):
    """The operations of a series on a bench."""

    campaign: Series
    bench: SeriesBench

    def beside(self, cycle: int) -> Mapping[str, Label]:
        k = cycle // self.campaign.cycles
        turn = self.campaign.turns[k]
        known: dict[str, Label] = {} if turn.mass is None else {"known_mass_kg": turn.mass}
        return {"turn": k, "upside_down": turn.upside_down, **known}

    def comes_back(self, cycle: int) -> bool:
        return cycle % self.campaign.cycles > 0

    def settle(self, k: int) -> Process:
        """Exchange the mass; then the currents of the scheme, no reversals and readings, the coil where it weighs."""
        w, b, turn = self.campaign.weighing, self.bench, self.campaign.turns[k]
        b.test_mass.present(turn.mass, upside_down=turn.upside_down)
        for number in range(turn.settling):
            start = self.clock.now
            end = start + self.campaign.weighing_duration
            self.begin_weighing()
            operations = [b.mass_exchanger.load(w.exchange_time), b.servo.engage(w.ramp)]
            if k > 0 and number == 0:
                operations.append(self.do.glide(self.do.parked, self.position, start, start + to_ns(w.window_start)))
            yield self.clock.together(operations)
            yield self.clock.until(end - to_ns(w.ramp))
            yield from b.servo.release(w.ramp)
            self.end_weighing()
            yield from b.mass_exchanger.unload(w.exchange_time)
            yield self.clock.until(start + self.campaign.period)


class MassSeries(Series):
    """Known masses in turn: what their differences show grows with I² (Li2021, Li2026)."""

    masses: list[float] = parameter("kg", [1.0, 0.7, 0.5], description="in this order", source="Li2026")

    @model_validator(mode="after")
    def _differ(self) -> MassSeries:
        if len(set(self.masses)) < 2 or min(self.masses) <= 0:
            raise ValueError(f"expected at least two masses above 0 kg that differ, not {self.masses} kg")
        return self

    @property
    def turns(self) -> tuple[Turn, ...]:
        return tuple(Turn(mass, False, self.settling) for mass in self.masses)

    def true_values(self, parts: Mapping[str, Any]) -> dict[str, float]:
        """β of the coil, of which `scenarios.run.turns` makes what there is to find, with what is not corrected."""
        coil = parts.get("coil")
        return {"beta_per_A2": coil.quadratic_current_coefficient} if isinstance(coil, Coil) else {}


class MassReversal(Series):
    """One mass, upright and upside down: its magnetisation turns over, and with it the force in the stray field."""

    ways_up: list[Literal["upright", "upside_down"]] = Field(
        ["upright", "upside_down", "upside_down", "upright"], description="in this order"
    )

    @model_validator(mode="after")
    def _both(self) -> MassReversal:
        if len(set(self.ways_up)) < 2:
            raise ValueError("expected ways_up with both, upright and upside_down")
        return self

    @property
    def turns(self) -> tuple[Turn, ...]:
        ways = enumerate(self.ways_up)
        return tuple(Turn(None, way == "upside_down", self.turning if k else self.settling) for k, way in ways)

    def true_values(self, parts: Mapping[str, Any]) -> dict[str, float]:
        """The mass and its magnetisation."""
        mass = parts.get("test_mass")
        if not isinstance(mass, TestMass):
            return {}
        found = {"mass_kg": mass.mass, "magnetisation_A_per_m": mass.magnetisation}
        magnet, room = parts.get("magnet"), parts.get("environment")
        if isinstance(magnet, Magnet) and isinstance(room, Environment):
            per_magnetisation = -magnet.stray_gradient / (mass.density * room.gravity)
            found["effect_relative"] = per_magnetisation * mass.magnetisation
        return found
