"""The shared vocabulary of the mass campaigns: hold and read, sweep and read, calibrate, glide, hand over the load.

A scheme is a list of steps, and a step starts these operations side by side. What a scheme adds is their order and what
flows through which winding meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from components.motion import glide
from components.roles import MotionStage, Voltmeter, WeighingUnit
from scenarios.campaigns.bench import MassBench
from scenarios.campaigns.velocity_phase import VelocityPhase
from twin.clock import Clock, Process
from twin.errors import WiringError
from twin.piece import Piece, combine, constant
from twin.recorder import Label, Schedule
from twin.times import to_ns

Labels = Mapping[str, Label]
SIDEWAYS_SWEEPS = 2
"""Sweeps of a velocity phase in which the sideways motion of the coil is read."""
FIRST_CALIBRATION = 8
"""Readings of a voltmeter's first calibration, at least: two of its zero and six of the reference tell their noise."""


@dataclass(frozen=True)
class MovedMagnet:
    """A stage that moves the magnet, told how the coil, which stands still, is to move as the magnet sees it.

    Parameters
    ----------
    stage : with the magnet on it.
    position : of the coil (m).
    """

    stage: MotionStage
    position: float

    def move(self, laws: Sequence[Piece]) -> Process:
        """Where the coil goes up in the magnet, the magnet goes down."""
        yield from self.stage.move([_mirrored(law, self.position) for law in laws])


def _mirrored(law: Piece, position: float) -> Piece:
    """``position − law``."""
    assert law.end is not None
    return combine([(-1.0, law), (position, constant(1.0, law.start, law.end))], law.start, law.end)


@dataclass(frozen=True)
class MassOperations:
    """What every mass campaign does on its bench.

    Parameters
    ----------
    bench : the instruments.
    clock : of the run.
    position : z of the coil while weighing (m).
    phase : the velocity phase; the coil is parked where its motion starts.
    reading_step : aperture of the readings of current and references (s).
    moves : what moves in the velocity phase.
    """

    bench: MassBench
    clock: Clock
    position: float
    phase: VelocityPhase
    reading_step: float
    moves: Literal["coil", "magnet"] = "coil"

    def __post_init__(self) -> None:
        self.phase.check(self.mover)

    @property
    def mover(self) -> WeighingUnit:
        """What makes coil and magnet move against each other.

        Raises
        ------
        WiringError
            If it is a stage, and there is none.
        """
        if self.moves == "coil":
            return self.bench.flexure
        if self.bench.motion_stage is None:
            raise WiringError(
                "moves: magnet needs the role MotionStage, called 'motion_stage'; there is none: extend the balance "
                "with balances/magnet_moving",
                ("motion_stage",),
            )
        return MovedMagnet(self.bench.motion_stage, self.position)

    @property
    def parked(self) -> float:
        """Where the coil waits for the velocity phase (m)."""
        return self.phase.start_position(self.position)

    def window(self, start: int, end: int) -> Schedule:
        """Contiguous readings that fit between two instants (ns)."""
        return contiguous(start, end, self.reading_step)

    def read_weighing(self, window: Schedule, labels: Labels, *, calibrate: bool) -> list[Process]:
        """Read current and position while the servo holds; the voltmeter across the coil may read the reference."""
        b, whole = self.bench, Schedule(window.start, window.end - window.start, 1)
        reads = [
            b.current_voltmeter.read(window, labels),
            b.interferometer.read(window, labels),
            *self.watch(whole, labels),
        ]
        if calibrate:
            reads.append(calibration(b.induced_voltmeter, window, labels))
        return reads

    def calibrate_first(self, start: int, end: int, labels: Labels) -> list[Process]:
        """Both voltmeters read the reference between two instants (ns), if there is time, and the station the air.

        What the reference does from then on shows in both, and in one alone what that one does. The current's follows a
        reading later: nothing triggers both at once, and what the first one alone has seen is short.
        """
        early = self.window(start, end)
        if early.count <= FIRST_CALIBRATION:
            return []
        early = replace(early, count=early.count - 1)
        later = replace(early, start=early.start + early.step)
        b, whole = self.bench, Schedule(early.start, later.end - early.start, 1)
        return [
            calibration(b.induced_voltmeter, early, labels),
            calibration(b.current_voltmeter, later, labels),
            b.environment.read(whole, {**labels, "phase": "calibration"}),
        ]

    def sweep(self, start: int, references: Schedule, slow: int, labels: Labels) -> list[Process]:
        """Move through the velocity phase, and read voltage and position; the current's voltmeter reads the reference.

        Parameters
        ----------
        start : of the phase (ns).
        references : when the current's voltmeter reads its zero and the reference.
        slow : how many readings of temperatures and air to spread over the phase.
        """
        b, schedule = self.bench, self.phase.schedule(start)
        edges = Schedule(schedule.start, schedule.step, schedule.count + 1, schedule.every, schedule.repeats)
        operations = [
            self.phase.move(self.mover, self.position, start),
            b.induced_voltmeter.read(schedule, labels),
            b.interferometer.read(edges, labels, instantaneous=True),
            calibration(b.current_voltmeter, references, labels),
            *self.watch(Schedule(start, self.phase.duration // slow, slow), labels),
        ]
        if b.position_detector is not None:
            few = replace(schedule, repeats=min(schedule.repeats, SIDEWAYS_SWEEPS))
            operations.append(b.position_detector.read(few, labels))
        return operations

    def watch(self, schedule: Schedule, labels: Labels) -> list[Process]:
        """What is read beside the weighing or the motion, slowly and in every phase."""
        b = self.bench
        there = (b.magnet_thermometer, b.environment, b.coil_thermometer, b.displacement_sensor, b.fluxgate)
        return [instrument.read(schedule, labels) for instrument in there if instrument is not None]

    def glide(self, z0: float, z1: float, earliest: int, latest: int) -> Process:
        """Move coil or magnet slowly, in the middle of the time there is for it."""
        yield self.clock.until(earliest)
        margin = (latest - earliest) // 10
        laws = glide(z0, z1, earliest + margin, latest - margin)
        if laws:
            yield from self.mover.move(laws)

    def release(self, end: int, duration: float) -> Process:
        """Hand the load back to the arrest within `duration` (s) so that the current is zero at `end` (ns)."""
        yield self.clock.until(end - to_ns(duration))
        yield from self.bench.servo.release(duration)


def calibration(meter: Voltmeter, window: Schedule, labels: Labels) -> Process:
    """Read the meter's own zero in the first quarter of a window, the reference in the rest."""
    zeros = max(window.count // 4, 1)
    if window.count > zeros:
        yield from meter.read(replace(window, count=zeros), {**labels, "phase": "zero"}, channel="short")
        window = Schedule(window.start + zeros * window.step, window.step, window.count - zeros)
    yield from meter.read(window, {**labels, "phase": "calibration"}, channel="reference")


def contiguous(start: int, end: int, step: float) -> Schedule:
    """Contiguous readings of `step` seconds that fit between two instants (ns)."""
    return Schedule(start, to_ns(step), max((end - start) // to_ns(step), 1))
