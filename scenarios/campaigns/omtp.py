"""OMTP, one-mode two-phase: winding 1 carries the current in both phases, winding 2 senses (Liu2025).

A period is four blocks, W(I+), V(I+), W(I−), V(I−): weighing with the mass on, the velocity phase with that current,
weighing with the mass off, and the velocity phase with that. In each block the current ramps from zero, holds, and
ramps back to zero, where the windings are switched. While weighing, the servo finds the current; in the velocity phase
its loop is open, and the source holds what the servo had asked for last.

After `exchange_every` periods the windings exchange roles. These periods make one cycle of the data: its weighings are
compared, and the other cycles' voltages tell Bl of the winding that weighed in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from scenarios.campaigns.bench import TwoWindingBench
from scenarios.campaigns.motions import VelocityMotion
from scenarios.campaigns.needs import SECOND_WINDING
from scenarios.campaigns.phases import MassOperations
from scenarios.campaigns.scheme import Scheme
from scenarios.schema.needs import Need
from twin.clock import Clock, Process
from twin.parameter import parameter
from twin.recorder import Label, Schedule
from twin.steps import Step
from twin.times import NS, to_ns

Array = NDArray[np.float64]
BLOCKS = (("weighing", "on"), ("velocity", "on"), ("weighing", "off"), ("velocity", "off"))
"""Phase and state of the mass in each block of a period."""
SLOW_READINGS = 10
"""Of temperatures and air, in the hold of a velocity block."""


class Omtp(Scheme):
    """The OMTP campaign."""

    thermal_harmonics: ClassVar[tuple[int, ...]] = (4, 2)
    """Of the period, in the magnet's temperature: the heating repeats with each block (Liu2025: τ1 = 15 min, 2 τ1)."""

    kept: ClassVar[tuple[str, ...]] = ("on", "off")
    """Names that the source keeps the currents of the velocity blocks under: the state of the mass."""

    beside: ClassVar[tuple[Need, ...]] = (SECOND_WINDING,)

    cycles: int = parameter("1", 8, ge=1, le=10_000, description="periods of four blocks")
    exchange_every: int = parameter("1", 2, ge=2, le=1000, description="periods after which the windings swap roles")
    ramp: float = parameter("s", 150.0, gt=0, source="Liu2025: τ_r", description="of the current, from or to zero")
    hold: float = parameter("s", 600.0, gt=0, source="Liu2025: τ_s", description="of the current, in each block")
    control_time: float = parameter(
        "s", 30.0, ge=0, source="Liu2025", description="of the hold, before the data of a weighing"
    )
    exchange_time: float = parameter("s", 1.0, gt=0, description="of the mass, while the arrest carries the coil")
    reading_step: float = parameter("s", 1.0, ge=1e-4, description="aperture of a reading of current and references")
    velocity: VelocityMotion

    @model_validator(mode="after")
    def _fits(self) -> Omtp:
        if self.velocity.duration > to_ns(self.hold):
            raise ValueError(
                f"expected sweeps within the hold of {self.hold:g} s, not {self.velocity.duration / NS:g} s"
            )
        if self.exchange_time > self.ramp:
            raise ValueError(f"expected exchange_time <= ramp, not {self.exchange_time:g} and {self.ramp:g} s")
        if self.hold - self.control_time < self.reading_step:
            raise ValueError(f"expected reading_step within the hold after control_time, not {self.reading_step:g} s")
        if self.cycles < 2 * self.exchange_every or self.cycles % self.exchange_every:
            raise ValueError(
                f"expected cycles a multiple of exchange_every, at least twice, so that each winding has weighed, not "
                f"{self.cycles} and {self.exchange_every}"
            )
        return self

    # --- times -------------------------------------------------------------------------------------------------------

    @property
    def block(self) -> int:
        """Duration of a block (ns)."""
        return 2 * to_ns(self.ramp) + to_ns(self.hold)

    @property
    def period(self) -> int:
        """Of four blocks, τ_c (ns)."""
        return len(BLOCKS) * self.block

    @property
    def comparisons(self) -> int:
        """Cycles of the data: each winding's turns."""
        return self.cycles // self.exchange_every

    def winding(self, period: int) -> int:
        """That weighs in a period, 1 or 2."""
        return 1 + (period // self.exchange_every) % 2

    def starts(self, phase: str) -> list[int]:
        """Of the blocks of a phase (ns)."""
        places = [k for k, (name, _) in enumerate(BLOCKS) if name == phase]
        return [c * self.period + k * self.block for c in range(self.cycles) for k in places]

    def weighing_windows(self) -> Array:
        """Data windows of all weighings (s), shape (weighings, 2)."""
        begin, end = self.ramp + self.control_time, self.ramp + self.hold
        return np.array(self.starts("weighing"))[:, None] / NS + np.array([begin, end])

    def mass_on(self) -> NDArray[np.bool_]:
        """Whether the mass is on, for each of `weighing_windows`."""
        return np.tile([True, False], self.cycles)

    def velocity_windows(self) -> Array:
        """Data windows of all sweeps (s), shape (sweeps, 2)."""
        ramp = to_ns(self.ramp)
        return np.concatenate([self.velocity.windows(start + ramp) for start in self.starts("velocity")])

    # --- steps -------------------------------------------------------------------------------------------------------

    def operations(self, components: Mapping[str, Any], clock: Clock, weighing_position: float) -> OmtpBlocks:
        return OmtpBlocks(self, TwoWindingBench.of(components), clock, weighing_position)

    def steps_of(self, operations: OmtpBlocks, cycle: int) -> Iterator[Step]:
        """One for each block of the period."""
        for phase, state in BLOCKS:
            name = f"cycle {cycle + 1}: {phase} block, mass {state}"
            process = partial(operations.weigh if phase == "weighing" else operations.velocity, cycle, state)
            yield Step(name, self.block, process, phase, cycle)


class OmtpBlocks:
    """The operations of the campaign on a bench."""

    def __init__(self, campaign: Omtp, bench: TwoWindingBench, clock: Clock, weighing_position: float) -> None:
        self.campaign, self.bench, self.clock, self.position = campaign, bench, clock, weighing_position
        self.do = MassOperations(
            bench, clock, weighing_position, campaign.velocity, campaign.reading_step, campaign.moves
        )

    def weigh(self, period: int, state: str) -> Process:
        """Exchange the mass, let the servo take over the load, read, hand it back; keep the current for the sweeps."""
        c, b, start = self.campaign, self.bench, self.clock.now
        hold, down = start + to_ns(c.ramp), start + to_ns(c.ramp) + to_ns(c.hold)
        winding = self.connect(period)
        if period == 0 and state == "on":
            b.current_source.connect()
        labels: dict[str, Label] = {
            "phase": "weighing",
            "cycle": period // c.exchange_every,
            "weighing": 2 * (period % c.exchange_every) + (state == "off"),
            "state": state,
            "winding": winding,
        }
        exchanger = b.mass_exchanger
        operations = [exchanger.load(c.exchange_time) if state == "on" else exchanger.unload(c.exchange_time)]
        if period > 0 or state == "off":
            operations.append(self.do.glide(self.do.parked, self.position, start, hold))
        window = self.do.window(hold + to_ns(c.control_time), down)
        operations += self.do.read_weighing(window, labels, calibrate=True)
        operations += [self.take_over(start, state), self.keep(down, state), self.hand_back(down, state)]
        yield self.clock.together(operations)
        yield self.clock.until(start + c.block)
        b.current_source.check(window.start, window.end)

    def velocity(self, period: int, state: str) -> Process:
        """Set the current that the servo had asked for, and sweep; the other winding's voltage is read."""
        c, b, start = self.campaign, self.bench, self.clock.now
        hold, down = start + to_ns(c.ramp), start + to_ns(c.ramp) + to_ns(c.hold)
        winding = self.connect(period)
        labels: dict[str, Label] = {
            "phase": "velocity",
            "cycle": period // c.exchange_every,
            "block": period % c.exchange_every,
            "state": state,
            "winding": 3 - winding,
        }
        operations = [self.do.glide(self.position, self.do.parked, start, hold)]
        operations += [self.ramp_up(start, state), self.sweep(hold, labels), self.ramp_down(down, state)]
        yield self.clock.together(operations)
        yield self.clock.until(start + c.block)
        b.current_source.check(hold, down)

    def connect(self, period: int) -> int:
        """Connect source and meter for the roles of a period; the winding that weighs."""
        winding = self.campaign.winding(period)
        main, meter = ((1, 0), (0, 1)) if winding == 1 else ((0, 1), (1, 0))
        self.bench.switch_box.connect(main=main, meter=meter)
        return winding

    def sweep(self, hold: int, labels: Mapping[str, Label]) -> Process:
        """Move and read, from the start of the hold on."""
        yield self.clock.until(hold)
        references: Schedule = self.do.window(hold, hold + self.do.phase.duration)
        yield self.clock.together(self.do.sweep(hold, references, SLOW_READINGS, labels))

    # --- how the current comes and goes ------------------------------------------------------------------------------

    def take_over(self, start: int, state: str) -> Process:
        """The servo takes over the load, along a straight line in the ramp."""
        self.bench.servo.close()
        yield from self.bench.servo.engage(self.campaign.ramp)

    def keep(self, down: int, state: str) -> Process:
        """Keep the current at the end of the hold."""
        yield self.clock.until(down)
        self.bench.current_source.keep(state)

    def hand_back(self, down: int, state: str) -> Process:
        """The servo hands the load back in the last ramp."""
        yield self.clock.until(down)
        yield from self.bench.servo.release(self.campaign.ramp)

    def ramp_up(self, start: int, state: str) -> Process:
        """Set the current kept for this state of the mass, with the servo's loop open."""
        b, ramp = self.bench, self.campaign.ramp
        b.servo.open()
        yield self.clock.together([b.current_source.set(b.current_source.kept(state), ramp), b.servo.engage(ramp)])

    def ramp_down(self, down: int, state: str) -> Process:
        """Take the set current back to zero."""
        yield self.clock.until(down)
        b, ramp = self.bench, self.campaign.ramp
        yield self.clock.together([b.current_source.set(0.0, ramp), b.servo.release(ramp)])
