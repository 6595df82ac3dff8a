"""Roles: what an experiment asks of an instrument, whether it is simulated or real.

Every operation is a process of the clock (``yield from`` it, or start it beside others). A simulated instrument yields
time; a driver yields events that its worker thread completes. Schedules are in integer nanoseconds of the run,
readings come back as `twin.recorder.Block` and are recorded on the way. Labels say what a reading is for, for example
``{"phase": "weighing", "cycle": 0, "weighing": 3, "state": "off"}``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, runtime_checkable

from twin.clock import Process
from twin.piece import Piece
from twin.recorder import Label, Schedule


@runtime_checkable
class Voltmeter(Protocol):
    """Reads a voltage (V), each reading averaged over a step of the schedule: ``Block(unit="V", values=[[0.4199…,
    …]])``."""

    def read(
        self,
        schedule: Schedule,
        labels: Mapping[str, Label],
        *,
        channel: Literal["input", "reference", "short", "reversed"] = "input",
    ) -> Process:
        """Read the input, the voltage reference, a short (the meter's own zero), or the reference reversed."""


@runtime_checkable
class Interferometer(Protocol):
    """Reads a position (m), up positive, averaged over each step or at its start."""

    def read(self, schedule: Schedule, labels: Mapping[str, Label], *, instantaneous: bool = False) -> Process:
        """Read the position."""


@runtime_checkable
class Thermometer(Protocol):
    """Reads a temperature above the reference temperature (K), averaged over each step."""

    def read(self, schedule: Schedule, labels: Mapping[str, Label]) -> Process:
        """Read the temperature rise."""


@runtime_checkable
class DisplacementSensor(Protocol):
    """Reads the displacement of its place on the beam (m), up positive at the coil, averaged over each step or at its
    start; not a number beyond its range."""

    def read(self, schedule: Schedule, labels: Mapping[str, Label], *, instantaneous: bool = False) -> Process:
        """Read the displacement."""


@runtime_checkable
class PositionDetector(Protocol):
    """Reads how the coil strays: blocks of x and y (m), theta_x and theta_y (rad), averaged over each step."""

    def read(self, schedule: Schedule, labels: Mapping[str, Label]) -> Process:
        """Read all four."""


@runtime_checkable
class Fluxgate(Protocol):
    """Reads the flux density along its axis (T), averaged over each step; not a number beyond its range."""

    def read(self, schedule: Schedule, labels: Mapping[str, Label]) -> Process:
        """Read the flux density."""


@runtime_checkable
class HallProbe(Protocol):
    """Reads the radial flux density in the gap (T), averaged over each step."""

    def read(self, schedule: Schedule, labels: Mapping[str, Label]) -> Process:
        """Read the flux density."""


@runtime_checkable
class SourceStage(Protocol):
    """Brings an interfering magnet near the yoke, in one of its mountings, and takes it away again."""

    def place(self, mounting: str, z: float, duration: float) -> Process:
        """Bring it to a height (m), from another one or from away, within `duration` (s)."""

    def remove(self, mounting: str, duration: float) -> Process:
        """Take it away within `duration` (s)."""


@runtime_checkable
class SensorMount(Protocol):
    """Holds six field sensors around the magnet."""

    def mount(self, axis: Literal["radial", "vertical"], height: float, carried: bool, duration: float) -> Process:
        """Mount them anew within `duration` (s): the axis that they measure along, inward or upward; their height (m);
        and whether they move with the magnet, or stand still."""


@runtime_checkable
class EnvironmentStation(Protocol):
    """Reads the air: blocks of temperature (K), pressure (Pa) and relative humidity (1); in vacuum the first alone."""

    def read(self, schedule: Schedule, labels: Mapping[str, Label]) -> Process:
        """Read all three."""


@runtime_checkable
class CurrentSource(Protocol):
    """Drives the coil with the current that a servo demands, on top of a set current (A)."""

    def connect(self) -> None:
        """Close the output relay."""

    def disconnect(self) -> None:
        """Open the output relay."""

    def check(self, start: int, end: int) -> None:
        """Raise a `SimulationError` if more than its limit was demanded between two instants (ns) that have passed."""

    def set(self, current: float, duration: float) -> Process:
        """Ramp the set current to `current` (A) within `duration` (s); beyond its limit is an error."""


@runtime_checkable
class MassExchanger(Protocol):
    """Puts the test mass on the pan and takes it off."""

    def load(self, duration: float) -> Process:
        """Put it on within `duration` (s)."""

    def unload(self, duration: float) -> Process:
        """Take it off within `duration` (s)."""


@runtime_checkable
class Magazine(Protocol):
    """Holds several masses for the exchanger."""

    def present(self, mass: float | None = None, *, upside_down: bool = False) -> None:
        """Put a mass (kg) into the exchanger, the first one if none is named; while it is off the pan."""


@runtime_checkable
class WeighingUnit(Protocol):
    """Carries the coil, and moves it along prescribed closed forms of position (m)."""

    def move(self, laws: Sequence[Piece]) -> Process:
        """Follow the motion; ends when it ends."""


@runtime_checkable
class ProbeGuide(WeighingUnit, Protocol):
    """Carries a probe through the gap, up and down, and on a cross slide outward and inward."""

    def shift(self, displacement: float, duration: float) -> Process:
        """Move the cross slide to `displacement` (m), outward, within `duration` (s)."""


@runtime_checkable
class DrivenHinge(WeighingUnit, Protocol):
    """A weighing unit whose own actuator can set it in motion."""

    def drive(self, currents: Sequence[Piece]) -> Process:
        """Send these currents (A) through the actuator; ends when they end, with the coil at rest."""


@runtime_checkable
class MotionStage(Protocol):
    """Moves what it carries, such as the coil or the magnet, along prescribed closed forms of its position (m), up
    positive. A stage for a magnet is at 0 when a run begins."""

    @property
    def travel(self) -> tuple[float, float]:
        """Lowest and highest position (m) that it can go to; infinite without bounds."""

    def commanded(self) -> tuple[float, float]:
        """Position (m) and velocity (m/s) that it follows now."""

    def move(self, laws: Sequence[Piece]) -> Process:
        """Follow the motion; ends when it ends."""


@runtime_checkable
class CoilLock(Protocol):
    """Holds the coil while nobody weighs or moves it."""

    def lock(self, duration: float) -> Process:
        """Hold it within `duration` (s); an error if it moves."""

    def unlock(self, duration: float) -> Process:
        """Let it go within `duration` (s)."""


@runtime_checkable
class Servo(Protocol):
    """Holds the balance in equilibrium by the coil's current."""

    def engage(self, duration: float) -> Process:
        """Let the coil take over the load within `duration` (s)."""

    def release(self, duration: float) -> Process:
        """Let the arrest take over the load within `duration` (s)."""


@runtime_checkable
class KeepingSource(CurrentSource, Protocol):
    """A current source that follows closed forms, and keeps currents that it was asked for under a name."""

    def follow(self, laws: Sequence[Piece]) -> Process:
        """Let the set current follow closed forms (A); ends when they end."""

    def keep(self, name: str, current: float | None = None) -> None:
        """Keep a current (A), that which it is asked for now if none is given."""

    def kept(self, name: str) -> float:
        """The current that was last kept under a name (A), 0 if none was."""


@runtime_checkable
class SwitchedServo(Servo, Protocol):
    """A servo whose loop can be opened, so that the source's set current alone flows."""

    def open(self) -> None:
        """Open the loop."""

    def close(self) -> None:
        """Close the loop."""


@runtime_checkable
class ContactStop(Protocol):
    """The stop of the flexure; records the force that it feels (N): ``Block(quantity="force", unit="N")``."""

    def watch(self, schedule: Schedule, labels: Mapping[str, Label]) -> Process:
        """Record the coil's force on the schedule."""


@runtime_checkable
class SwitchBox(Protocol):
    """Connects the main source, the meter and the compensating source to windings 1 and 2."""

    def connect(self, main: tuple[int, int], meter: tuple[int, int], compensation: tuple[int, int] = (0, 0)) -> None:
        """Each to windings 1 and 2: 1 forward, −1 reversed, 0 not at all."""


@runtime_checkable
class RangedMeter(Protocol):
    """A multimeter with ranges of direct voltage (V) and perhaps of resistance (ohm); what is beyond that which it is
    on reads infinite."""

    @property
    def functions(self) -> Sequence[str]:
        """What it can measure: ``"DCV"``, and with a sensor at its terminals ``"OHMF"`` with four wires."""

    @property
    def function(self) -> str:
        """What it measures."""

    def choose(self, function: str) -> None:
        """Change what it measures; an error if it cannot."""

    @property
    def full_scale(self) -> float:
        """Of the range that it is on (V or ohm)."""

    @property
    def zeroing(self) -> bool:
        """Whether it subtracts a zero reading from each reading."""

    def fitting(self, value: float) -> float:
        """The lowest range (V or ohm) that shows a value; an error if there is none."""

    def select(self, full_scale: float) -> None:
        """Change to a range (V or ohm)."""

    def select_for_input(self) -> None:
        """Change to the lowest range that shows what is at the input now."""

    def zero(self, on: bool) -> None:
        """Subtract a zero reading from each reading, or not."""


@runtime_checkable
class RangedVoltmeter(Voltmeter, RangedMeter, Protocol):
    """A multimeter whose terminals are at a voltage."""


@runtime_checkable
class RangedOhmmeter(Thermometer, RangedMeter, Protocol):
    """A multimeter with a thermometer's sensor at its terminals: it reads what is chosen."""


@runtime_checkable
class RangedCurrentSource(CurrentSource, Protocol):
    """A current source with ranges (A) and a compliance voltage (V), set in steps; nothing is ever clipped."""

    @property
    def level(self) -> float:
        """The current that it is set to (A)."""

    @property
    def range(self) -> tuple[float, float, float]:
        """The range that it is on: full scale (A), step (A) and noise (A)."""

    @property
    def compliance(self) -> float:
        """Largest voltage that it applies (V)."""

    @property
    def is_connected(self) -> bool:
        """Whether its output is on."""

    @property
    def in_compliance(self) -> bool:
        """Whether the compliance voltage keeps it from its level."""

    def fitting(self, current: float) -> tuple[float, float, float]:
        """The lowest range that holds a current (A); an error if there is none."""

    def select(self, full_scale: float) -> None:
        """Change to the lowest range with at least this full scale (A)."""

    def set_compliance(self, voltage: float) -> None:
        """Limit the voltage (V)."""
