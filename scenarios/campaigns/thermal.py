"""The thermal experiment of Liu2025: a coil that is fixed in the gap warms the magnet as a scheme would; nothing is
weighed.

The currents are those of a scheme: a period of TMTP is a block with current and one without, of OMTP four blocks with a
current that alternates, and where the power is regulated the other winding carries a compensating current in the ramps.
Every block ramps from zero, holds and ramps back. The magnet's thermometer is read throughout, and with it current and
voltage of each winding that is heated, whose product is the heat.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from components.coil import Coil
from components.environment import Environment
from components.roles import EnvironmentStation, KeepingSource, Thermometer, Voltmeter
from components.thermal_mass import ThermalMass
from scenarios.campaigns.bench import Bench
from scenarios.campaigns.omtp import BLOCKS, Omtp
from scenarios.campaigns.phases import contiguous
from scenarios.campaigns.power_regulated import quarter
from scenarios.campaigns.scheme import Scheme
from scenarios.campaigns.tmtp import Tmtp
from twin.clock import Clock, Process
from twin.parameter import parameter
from twin.recorder import Label, Schedule
from twin.steps import Step
from twin.times import NS, to_ns

if TYPE_CHECKING:
    from components.fields.periodic_heating import PeriodicPower
    from components.fields.reduced_basis import ThermalModes

Array = NDArray[np.float64]
STEPS_OF_A_RAMP, STEPS_OF_A_PERIOD = 18, 7680
"""In which the truth is computed."""
SOURCES = ("current_source", "compensating_source")
PARTS = ("ramp up", "hold", "ramp down")


class Block(NamedTuple):
    """A block of a period: what the scheme would do in it, with the mass on or off, and the sign of the current."""

    phase: str
    state: str
    sign: int


TMTP = (Block("weighing", "on", 1), Block("velocity", "on", 0))
OMTP = tuple(Block(phase, state, 1 if state == "on" else -1) for phase, state in BLOCKS)


@dataclass(frozen=True, kw_only=True)
class ThermalBench(Bench):
    """The instruments of the thermal experiment."""

    campaign: ClassVar[str] = "the thermal experiment"

    current_source: KeepingSource
    current_voltmeter: Voltmeter
    induced_voltmeter: Voltmeter
    magnet_thermometer: Thermometer
    environment: EnvironmentStation | None = None


@dataclass(frozen=True, kw_only=True)
class RegulatedThermalBench(ThermalBench):
    """With those of the second winding."""

    campaign: ClassVar[str] = "the thermal experiment with regulated power"

    compensating_source: KeepingSource
    second_current_voltmeter: Voltmeter
    second_induced_voltmeter: Voltmeter


class Thermal(Scheme):
    """The campaign."""

    cycles: int = parameter("1", 4, ge=2, le=1000, description="periods that are read", source="Liu2025: four periods")
    settling: int = parameter("1", 0, ge=0, le=1000, description="periods before these, not read")
    scheme: Literal["tmtp", "omtp", "power_regulated"] = "tmtp"
    current: float = parameter("A", 80e-3, gt=0, description="in the holds", source="Liu2025, sec. 4")
    ramp: float = parameter("s", 180.0, gt=0, source="Liu2025, sec. 4: τ_r", description="of the current")
    hold: float = parameter("s", 600.0, gt=0, source="Liu2025, sec. 4: τ_s", description="of the current, in a block")
    resistance_ratio: float = parameter(
        "1", 1.0, gt=0, description="of winding 2 over winding 1, as the compensating current takes it to be"
    )
    reading_step: float = parameter("s", 5.0, ge=1e-2, description="aperture of a reading; readings are contiguous")

    @model_validator(mode="after")
    def _fits(self) -> Thermal:
        for name, length in (("ramp", self.ramp), ("hold", self.hold)):
            if to_ns(length) % to_ns(self.reading_step) or length < self.reading_step:
                raise ValueError(
                    f"expected {name} a multiple of reading_step, not {length:g} and {self.reading_step:g} s"
                )
        return self

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Of a period."""
        return TMTP if self.scheme == "tmtp" else OMTP

    @property
    def block(self) -> int:
        """Duration of a block (ns)."""
        return 2 * to_ns(self.ramp) + to_ns(self.hold)

    @property
    def period(self) -> int:
        """τ_c (ns)."""
        return len(self.blocks) * self.block

    @property
    def duration(self) -> int:
        return (self.settling + self.cycles) * self.period

    def steps(self, components: Mapping[str, Any], clock: Clock, weighing_position: float) -> list[Step]:
        operations = self.operations(components, clock, weighing_position)
        names = [f"period {k + 1} of {self.settling} to settle" for k in range(self.settling)]
        return [
            *(Step(name, self.period, operations.settle, "settling", 0) for name in names),
            *(step for cycle in range(self.cycles) for step in self.steps_of(operations, cycle)),
        ]

    def operations(self, components: Mapping[str, Any], clock: Clock, weighing_position: float) -> HeatedBlocks:
        bench = RegulatedThermalBench if self.scheme == "power_regulated" else ThermalBench
        return HeatedBlocks(self, bench.of(components), clock)

    def steps_of(self, operations: HeatedBlocks, cycle: int) -> Iterator[Step]:
        """One for each block."""
        for block in self.blocks:
            current = "no current" if not block.sign else f"current {'+' if block.sign > 0 else '−'}"
            name = f"cycle {cycle + 1}: {block.phase} block, {current}"
            yield Step(name, self.block, partial(operations.heat, cycle, block), block.phase, cycle)

    def true_values(self, parts: Mapping[str, Any]) -> dict[str, float]:
        """The periodic steady state of the magnets, in the room as it is in the middle of the periods read.

        Nothing without a geometry. δT_f, delay and δT_m are of the scheme's harmonics, as they are fitted to readings;
        the last value is δT_m of the temperature itself. A room that drifts does so far more slowly than the coil
        follows: it changes the resistance of the copper, and the heat with it. The heat is that of the holds read, when
        they are read: the coil may still be on its way to the steady state.
        """
        mass, coil, second = (parts.get(name) for name in ("thermal_mass", "coil", "second_coil"))
        if not (isinstance(mass, ThermalMass) and mass.geometry is not None and isinstance(coil, Coil)):
            return {}
        from components.fields.periodic_heating import temperatures, with_warm_coil

        period, gain = self.period / NS, {name: 1.0 + getattr(parts.get(name), "gain", 0.0) for name in SOURCES}
        current = self.current * gain["current_source"]
        ratio = second.resistance / coil.resistance if isinstance(second, Coil) else 1.0
        ratio *= (gain["compensating_source"] / gain["current_source"]) ** 2
        modes, alpha = mass.modes(), coil.resistance_temperature_coefficient
        room, hot = parts.get("environment"), coil.resistance * current**2
        times = period * (np.arange(STEPS_OF_A_PERIOD) + 0.5) / STEPS_OF_A_PERIOD
        loop = _Loop.of(modes, alpha * hot * float(self.course(times, ratio).mean()))
        middle = (self.settling + 0.5 * self.cycles) * period - loop.lag
        warmth = 1.0 + alpha * self._room(room, middle)
        heat = with_warm_coil(
            modes,
            self._edges(),
            lambda t: warmth * hot * self.course(t, ratio),
            alpha / warmth,
        )
        rise, power_of = temperatures(modes, heat, times)[0], heat.at(times)
        driven = self._held(times) & (power_of > 0.5 * power_of.max())
        start = mass.initial_rise * modes.even + self._rising(room) * loop.behind
        early = self._room(room, middle + float(times[driven].mean()) - 0.5 * period) - self._room(room, middle)
        warmer = self._unsettled(loop, heat, start, times[driven]) + early
        waves, power = np.fft.rfft(rise), np.fft.rfft(power_of)
        lag = np.angle(power[self.harmonics[0]] / waves[self.harmonics[0]]) / (2 * np.pi) - 0.25
        fitted = np.where(np.isin(np.arange(len(waves)), self.harmonics), waves, 0.0)
        swing = np.fft.irfft(fitted, len(rise))
        delay = {"delay_s": float((lag - np.ceil(lag - 0.5)) * period / self.harmonics[0])}
        difference = self._difference(times, swing)
        alpha_m = getattr(parts.get("magnet"), "temperature_coefficient", None)
        return {
            "delta_t_f_K": float(np.ptp(swing)),
            **(delay if np.ptp(swing) > 1e-9 * np.ptp(rise) + 1e-12 else {}),
            "delta_t_m_K": difference,
            **({} if alpha_m is None else {"epsilon": alpha_m * difference}),
            "period_s": period,
            "power_W": float(power_of[driven].mean()) + alpha * hot * warmer,
            "delta_t_m_of_temperature_K": self._difference(times, rise),
        }

    def _room(self, room: Any, time: float) -> float:
        """Temperature rise (K) of the room after so long (s)."""
        if not isinstance(room, Environment):
            return 0.0
        swing = room.temperature_swing * np.sin(2.0 * np.pi * time / room.swing_period)
        return float(room.temperature - room.reference_temperature + room.temperature_drift * time + swing)

    def _rising(self, room: Any) -> float:
        """How fast the room warms at the start (K/s)."""
        if not isinstance(room, Environment):
            return 0.0
        return float(room.temperature_drift + 2.0 * np.pi / room.swing_period * room.temperature_swing)

    def _unsettled(self, loop: _Loop, heat: PeriodicPower, start: Array, times: Array) -> float:
        """By how much the coil is warmer than in the steady state (K), in the mean over the periods read.

        Parameters
        ----------
        start : the modes, beside those of a room that drifts, at the start, shape (n,).
        times : of a period, that count (s).
        """
        from components.fields.periodic_heating import PeriodicResponse

        modes = loop.modes
        response = PeriodicResponse(modes.rates, heat.edges, np.zeros(1), heat.coefficients.shape[1])
        away = start - response.at_edges(heat.coefficients, modes.power)[0]
        rates, shapes = np.linalg.eig(loop.matrix)
        each = self.period / NS * (self.settling + np.arange(self.cycles))
        left = np.prod([np.exp(-np.multiply.outer(t, rates)).mean(axis=0) for t in (each, times)], axis=0)
        return float(np.real(modes.outputs[1] @ shapes @ (left * np.linalg.solve(shapes, away))))

    def _held(self, times: Array) -> NDArray[np.bool_]:
        """Which times (s) of a period are in the hold of a block."""
        since = np.mod(times, self.block / NS)
        held: NDArray[np.bool_] = (since > self.ramp) & (since < self.ramp + self.hold)
        return held

    def _difference(self, times: Array, rise: Array) -> float:
        """Mean over the holds of the velocity blocks less that over those of the weighing blocks."""
        number, held = (times // (self.block / NS)).astype(int), self._held(times)
        moving = np.array([block.phase == "velocity" for block in self.blocks])[number]
        return float(rise[held & moving].mean() - rise[held & ~moving].mean())

    def _edges(self) -> Array:
        """Of short pieces of a period (s), within which the power is smooth."""
        held = int(np.ceil(self.hold / self.ramp * STEPS_OF_A_RAMP))
        pieces = [*[self.ramp / STEPS_OF_A_RAMP] * STEPS_OF_A_RAMP, *[self.hold / held] * held]
        pieces += pieces[:STEPS_OF_A_RAMP]
        return np.concatenate([[0.0], np.cumsum(pieces * len(self.blocks))])

    @property
    def harmonics(self) -> tuple[int, ...]:
        """Of the period, in the magnet's temperature: those of the scheme."""
        return (Tmtp if self.scheme == "tmtp" else Omtp).thermal_harmonics

    def course(self, times: Array, ratio: float) -> Array:
        """The power of both windings at times (s) of a period, relative to that in a hold.

        Parameters
        ----------
        ratio : of the heat in winding 2 over that in winding 1, with the same current asked for.
        """
        number, since = np.divmod(times, self.block / NS)
        driven = np.array([abs(block.sign) for block in self.blocks])[number.astype(int)]
        climbed = np.clip(np.minimum(since, self.block / NS - since) / self.ramp, 0.0, 1.0)
        if self.scheme != "power_regulated":
            return driven * climbed**2
        quarter_turn = 0.5 * np.pi * climbed
        found: Array = np.sin(quarter_turn) ** 2 + ratio / self.resistance_ratio * np.cos(quarter_turn) ** 2
        return found


@dataclass(frozen=True, eq=False)
class _Loop:
    """The modes with copper that heats more where it is warmer, in the mean over a period: ``dq/dt = −matrix q + …``

    Parameters
    ----------
    modes : without that. matrix : shape (n, n) (1/s).
    behind : how far they are behind a room that warms by 1 K/s, shape (n,).
    lag : by which the coil follows the room (s).
    """

    modes: ThermalModes
    matrix: Array
    behind: Array
    lag: float

    @classmethod
    def of(cls, modes: ThermalModes, feedback: float) -> _Loop:
        """Of what the coil's heat grows by as it warms (W/K)."""
        matrix = np.diag(modes.rates) - feedback * np.outer(modes.power, modes.outputs[1])
        follows = np.linalg.solve(matrix, modes.room)
        behind = np.linalg.solve(matrix, follows)
        return cls(modes, matrix, behind, float(modes.outputs[1] @ behind / (modes.outputs[1] @ follows)))


class HeatedBlocks:
    """The operations of the campaign on a bench."""

    def __init__(self, campaign: Thermal, bench: ThermalBench, clock: Clock) -> None:
        self.campaign, self.bench, self.clock = campaign, bench, clock

    def heat(self, cycle: int, block: Block) -> Process:
        """Send the block's current through the coil, and read all the while."""
        c, b, start = self.campaign, self.bench, self.clock.now
        up, down, end = start + to_ns(c.ramp), start + to_ns(c.ramp) + to_ns(c.hold), start + c.block
        labels: dict[str, Label] = {"phase": block.phase, "state": block.state, "cycle": cycle, "scheme": c.scheme}
        operations = self.driven(block)
        for part, (first, last) in zip(PARTS, pairwise((start, up, down, end)), strict=True):
            operations += [self.read(contiguous(first, last, c.reading_step), {**labels, "part": part})]
        if b.environment is not None:
            operations.append(b.environment.read(Schedule(start, c.block, 1), labels))
        yield self.clock.together(operations)
        if block.sign:
            b.current_source.check(start, end)

    def settle(self) -> Process:
        """Send the currents of a period through the coil, and read nothing."""
        for block in self.campaign.blocks:
            start = self.clock.now
            yield self.clock.together(self.driven(block))
            yield self.clock.until(start + self.campaign.block)

    def driven(self, block: Block) -> list[Process]:
        """What sends the block's current through the coil; nothing in a block without."""
        c = self.campaign
        down = self.clock.now + to_ns(c.ramp) + to_ns(c.hold)
        return [self.drive(block.sign * c.current, down)] if block.sign else []

    def read(self, schedule: Schedule, labels: Mapping[str, Label]) -> Process:
        """Read thermometer, currents and voltages on a schedule."""
        b = self.bench
        meters = [b.current_voltmeter, b.induced_voltmeter]
        if isinstance(b, RegulatedThermalBench):
            meters += [b.second_current_voltmeter, b.second_induced_voltmeter]
        yield self.clock.until(schedule.start)
        yield self.clock.together(
            [b.magnet_thermometer.read(schedule, labels), *(meter.read(schedule, labels) for meter in meters)]
        )

    def drive(self, current: float, down: int) -> Process:
        """Ramp to a current (A), hold it until `down` (ns), and ramp back."""
        source, ramp = self.bench.current_source, self.campaign.ramp
        source.connect()
        if isinstance(self.bench, RegulatedThermalBench):
            yield from self.regulated(self.bench, current, rising=True)
            yield self.clock.until(down)
            yield from self.regulated(self.bench, current, rising=False)
        else:
            yield from source.set(current, ramp)
            yield self.clock.until(down)
            yield from source.set(0.0, ramp)
        source.disconnect()

    def regulated(self, bench: RegulatedThermalBench, current: float, *, rising: bool) -> Process:
        """A ramp in which the other winding's current keeps the power constant; off when the main one has risen."""
        start, end = self.clock.now, self.clock.now + to_ns(self.campaign.ramp)
        other = current / self.campaign.resistance_ratio**0.5
        bench.compensating_source.connect()
        yield self.clock.together(
            [
                bench.current_source.follow([quarter(current, start, end, rising=rising)]),
                bench.compensating_source.follow([quarter(other, start, end, rising=not rising)]),
            ]
        )
        bench.compensating_source.check(start, end)
        if rising:
            bench.compensating_source.disconnect()
