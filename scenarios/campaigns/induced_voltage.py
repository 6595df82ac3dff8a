"""Induced-voltage test: what a coil sees of external flux when it moves with the magnet, or the source does (Ma2025).

A coil of few turns is fixed to the magnet, so that the magnet's own field induces nothing in it. With ``moves: magnet``
a stage carries both, up and down in turn, past sources that stand still; the voltage is ``v (∂/∂z_coil + ∂/∂z_magnet)
λ_ext``, which is what biases a balance whose magnet moves. With ``moves: source`` both stand still, and the stage
carries an interfering magnet; in the second half of the run that is taken away, and what is left is subtracted. Each
move is between two rests, whose voltage is that of leads and meter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import model_validator

from components.external_flux import ExternalFlux
from components.magnet import Magnet
from components.motion import glide
from components.roles import Interferometer, MotionStage, Voltmeter
from scenarios.campaigns.bench import Bench
from twin.clock import Clock, Process
from twin.parameter import Parameters, parameter
from twin.piece import Piece, polynomial
from twin.recorder import Label, Schedule
from twin.steps import Step
from twin.times import NS, to_ns


@dataclass(frozen=True, kw_only=True)
class InducedVoltageBench(Bench):
    """The instruments of the test."""

    campaign: ClassVar[str] = "the induced-voltage test"

    motion_stage: MotionStage
    induced_voltmeter: Voltmeter
    interferometer: Interferometer


class InducedVoltage(Parameters):
    """The campaign: moves in alternating direction, first up, each between two rests."""

    moves: Literal["magnet", "source"] = "magnet"
    count: int = parameter("1", 10, ge=4, le=10_000, source="Ma2025", description="of the moves")
    rest: float = parameter("s", 10.0, gt=0, source="Ma2025", description="before and after each move")
    velocity: float = parameter("m/s", 1e-3, gt=0, source="Ma2025; 2 mm/s of a source")
    travel: float = parameter("m", 20e-3, gt=0, source="Ma2025; 120 mm of a source")
    acceleration_time: float = parameter("s", 0.1, gt=0, description="at either end of a move")
    approach: float = parameter("s", 60.0, gt=0, description="to the lower end, before the first rest")
    removal: float = parameter("s", 60.0, gt=0, description="of the source that moves, before the second half")
    reading_step: float = parameter("s", 0.1, ge=1e-4, description="aperture of a voltage reading; they are contiguous")

    @model_validator(mode="after")
    def _fits(self) -> InducedVoltage:
        multiple = 4 if self.moves == "source" else 2
        if self.count % multiple:
            raise ValueError(f"expected a count of moves that is a multiple of {multiple}, not {self.count}")
        if self._constant < 2 * to_ns(self.reading_step) or self.rest < 3 * self.reading_step:
            raise ValueError("expected at least two readings in each rest and each move")
        return self

    # --- times -------------------------------------------------------------------------------------------------------

    @property
    def _moving(self) -> int:
        """Of a move (ns)."""
        return to_ns(self.travel / self.velocity + self.acceleration_time)

    @property
    def _constant(self) -> int:
        """Of that, at constant velocity (ns)."""
        return self._moving - 2 * to_ns(self.acceleration_time)

    @property
    def _cycle(self) -> int:
        return 2 * to_ns(self.rest) + self._moving

    @property
    def duration(self) -> int:
        """Of the campaign (ns)."""
        pause = to_ns(self.removal) if self.moves == "source" else 0
        return to_ns(self.approach) + pause + self.count * self._cycle

    def laws(self, up: bool, start: int) -> list[Piece]:
        """A move from one end of the travel to the other, in three pieces."""
        sign = 1.0 if up else -1.0
        low, a = -0.5 * sign * self.travel, to_ns(self.acceleration_time)
        speed = sign * self.travel / ((self._constant + a) / NS)
        rate, gained = speed / (a / NS), 0.5 * speed * (a / NS)
        t1, t2, t3 = start + a, start + a + self._constant, start + self._moving
        last = -low - gained
        return [
            polynomial([low, 0.0, 0.5 * rate], start, t1),
            polynomial([low + gained, speed], t1, t2),
            polynomial([last, speed, -0.5 * rate], t2, t3),
        ]

    def true_values(self, parts: Mapping[str, Any]) -> dict[str, float]:
        """The mean over the travel of what the coil sees (T) of sources moved past, or of the one that is moved."""
        flux = parts.get("external_flux")
        if not isinstance(flux, ExternalFlux):
            return {}
        x, w = np.polynomial.legendre.leggauss(32)
        places = (0.5 * self.travel * x).tolist()
        if self.moves == "magnet":
            seen = [sum(sum(flux.derivatives(name, z, z)) for name in flux.sources) for z in places]
        else:
            carried = [name for name, source in flux.sources.items() if getattr(source, "carried", False)]
            seen = [sum(sum(flux.derivatives(name, -z, -z)) for name in carried) for z in places]
        mean = float(0.5 * w @ np.array(seen)) / flux.wire_length
        return {"delta_b_T": mean, "wire_length_m": flux.wire_length}

    def true_results(self, parts: Mapping[str, Any], found: Mapping[str, Any], settings: Any) -> dict[str, Any]:
        """The voltage that this field makes, and the error of a mass."""
        told, magnet = self.true_values(parts), parts.get("magnet")
        if not told:
            return {}
        volts = told["delta_b_T"] * told["wire_length_m"]
        results = {"delta_v_V": volts * found["velocity_m_per_s"]}
        if "epsilon" in found and isinstance(magnet, Magnet) and magnet.bl:
            results["epsilon"] = 0.0 - volts / magnet.bl
        return results

    # --- steps -------------------------------------------------------------------------------------------------------

    def steps(self, components: Mapping[str, Any], clock: Clock, weighing_position: float) -> list[Step]:
        """The campaign as steps: the approach, then one for each move.

        Raises
        ------
        WiringError
            If an instrument is missing.
        """
        run = _Run(self, InducedVoltageBench.of(components), clock)
        moves = [
            Step(f"move {k + 1} of {self.count}", self._cycle, partial(run.move, k), "velocity", k)
            for k in range(self.count)
        ]
        if self.moves == "source":
            moves.insert(self.count // 2, Step("take the source away", to_ns(self.removal), run.wait, "removal"))
        return [Step("approach", to_ns(self.approach), run.approach, "approach"), *moves]


class _Run:
    """The operations of the test on a bench."""

    def __init__(self, campaign: InducedVoltage, bench: InducedVoltageBench, clock: Clock) -> None:
        self.campaign, self.bench, self.clock = campaign, bench, clock

    def approach(self) -> Process:
        """From where the stage rests to the lower end."""
        start = self.clock.now
        end = start + to_ns(self.campaign.approach)
        yield from self.bench.motion_stage.move(glide(0.0, -0.5 * self.campaign.travel, start, end))
        yield self.clock.until(end)

    def wait(self) -> Process:
        """While somebody takes the source off its stage."""
        yield self.clock.until(self.clock.now + to_ns(self.campaign.removal))

    def move(self, k: int) -> Process:
        """Rest, move, rest, and read all along, but when the motor is switched; positions at the apertures' edges."""
        c, b, start = self.campaign, self.bench, self.clock.now
        begin, step = start + to_ns(c.rest), to_ns(c.reading_step)
        end = begin + c._moving
        with_source = c.moves == "magnet" or k < c.count // 2
        labels: dict[str, Label] = {"cycle": k, "move": k, "source": "present" if with_source else "absent"}
        labels["moved"] = c.moves
        rests = to_ns(c.rest) // step - 1
        moving = Schedule(begin + to_ns(c.acceleration_time), step, c._constant // step)
        edges = Schedule(moving.start, step, moving.count + 1)
        along = {**labels, "phase": "velocity"}
        yield self.clock.together(
            [
                self._move(c.laws(k % 2 == 0, begin), begin),
                self._read(Schedule(start, step, rests), {**labels, "phase": "rest", "place": "before"}),
                self._read(moving, along),
                self._read(Schedule(end + step, step, rests), {**labels, "phase": "rest", "place": "after"}),
                b.interferometer.read(edges, along, instantaneous=True),
            ]
        )
        yield self.clock.until(start + c._cycle)

    def _move(self, laws: list[Piece], begin: int) -> Process:
        yield self.clock.until(begin)
        yield from self.bench.motion_stage.move(laws)

    def _read(self, schedule: Schedule, labels: Mapping[str, Label]) -> Process:
        yield self.clock.until(schedule.start)
        yield from self.bench.induced_voltmeter.read(schedule, labels)
