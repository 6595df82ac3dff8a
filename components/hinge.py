"""The weighing unit whose actuator drives its hinge: the motion follows from a current, not from a command."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr

from components.back_action import CoilCircuit
from components.flexure import Flexure
from components.hinge_balance import Periodic, steady
from components.hinge_transient import Course, State, transient
from components.mover import ROUNDING
from components.oscillator import Oscillator
from twin.clock import Process
from twin.component import Port
from twin.errors import SimulationError
from twin.parameter import parameter
from twin.piece import Piece, extremes
from twin.signal import Signal
from twin.times import NS

AT_REST = 1e-9
"""Where a hinge may be after a drive (m): what creeps on is its after-effect."""


class Hinge(Flexure):
    """A flexure that can be driven: while weighing as `components.flexure.Flexure`, in motion an oscillator.

    The counterweight balances it at the weighing position, about which it moves. A current that starts or changes
    leaves a transient, which is integrated until it is within 1e-12 m of the periodic motion; from there on the motion
    is that Fourier series. The coil must not touch a stop.

    The moving coil drives a current through whatever is closed around it, and that current acts back; both are one
    system (`components.back_action`). Bl and resistance are those when a drive starts, to six digits, so that drives
    that are alike make the same motion.
    """

    inputs: ClassVar[Mapping[str, Port]] = {
        **Flexure.inputs,
        "coil_bl": Port("T*m", default=0.0),
        "coil_resistance": Port("ohm", default=0.0),
        "coil_inductance": Port("H", default=0.0),
        "coil_conductance": Port("S", default=0.0),
        "coil_capacitance": Port("F", default=0.0),
    }
    depends: ClassVar[Mapping[str, frozenset[str]]] = {
        "position": frozenset({"load", "locked"}),
        "required_force": frozenset(Flexure.inputs),
    }

    oscillator: Oscillator = Oscillator()
    current_limit: float = parameter("A", 6e-4, gt=0, description="of the actuator's drive", source="Li2026")

    _known: dict[tuple[object, ...], list[Piece]] = PrivateAttr(default_factory=dict)
    _around: dict[str, Signal] = PrivateAttr(default_factory=dict)

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        self._around = {port: inputs[port] for port in self.inputs if port not in Flexure.inputs}
        return super().signals(**inputs)

    def coupled(self, instant: int) -> Oscillator:
        """The oscillator with the circuit around the coil just before an instant (ns), if it is in a balance."""
        if not self._around:
            return self.oscillator
        names = ("bl", "resistance", "inductance", "conductance", "capacitance")
        before = max(instant - 1, 0)
        around = [float(f"{float(self._around[f'coil_{name}'](before)):.6g}") for name in names]
        return self.oscillator.coupled(CoilCircuit(**dict(zip(names, around, strict=True))))

    def drive(self, currents: Sequence[Piece]) -> Process:
        """Send these currents (A) through the actuator, one after the other; ends when they end.

        The last one has to leave the hinge time to come to rest.

        Raises
        ------
        SimulationError
            If the coil is not at the weighing position when it starts, touches a stop, or does not come to rest, or if
            a current is beyond the limit.
        """
        start = currents[0].start
        peak = max(abs(size) for law in currents for size in extremes(law))
        if peak > self.current_limit * (1.0 + 1e-6):
            raise SimulationError(
                f"{self.name}: the drive reaches {peak:.4g} A, beyond the limit of {self.current_limit:g} A; "
                "scale it down, or let kibble-twin drive find one within the limit"
            )
        away = float(self.timeline("motion")(start)) - self.weighing_position
        if abs(away) > AT_REST:
            raise SimulationError(
                f"{self.name}: a drive starts at the weighing position, but the coil is {away:.3g} m from it"
            )
        yield from self.move(self.course(currents, away))

    def course(self, currents: Sequence[Piece], away: float = 0.0) -> list[Piece]:
        """The positions (m) that follow from these currents (A), from the start of the first to the end of the last.

        Parameters
        ----------
        away : where the coil then rests, beside the weighing position (m).

        Raises
        ------
        SimulationError
            If it touches a stop, or does not come to rest.
        """
        start, away = currents[0].start, 0.0 if abs(away) < ROUNDING else away
        oscillator = self.coupled(start)
        key = (away, oscillator.circuit, *(_signature(law, start) for law in currents))
        if key not in self._known:
            self._known[key] = self._motion(oscillator, [_moved(law, -start) for law in currents], away)
        return [_moved(law, start) for law in self._known[key]]

    def _motion(self, oscillator: Oscillator, currents: list[Piece], away: float) -> list[Piece]:
        """The positions that follow from currents which start at 0, with the coil at rest near its place."""
        low, high = (stop - self.weighing_position for stop in self.travel)
        laws: list[Piece] = []
        state = State(away, 0.0, _exercised(oscillator, currents))
        for current in currents:
            periodic, end = periodic_motion(oscillator, current), _end(current)
            settled = partial(_settled, periodic, current.start)
            course = transient(oscillator, current, state, current.start, end, (low, high), settled)
            self._refuse_contacts(course)
            laws += [self._placed(piece) for piece in course.pieces]
            state = course.state
            if course.end < end:
                laws.append(periodic.piece(self.weighing_position, course.end, end, origin=current.start))
                state = _on(periodic, end - current.start, state.relaxed)
        if abs(state.z) > AT_REST or abs(state.v) > AT_REST * oscillator.omega0:
            raise SimulationError(
                f"{self.name}: {_end(currents[-1]) / NS} s after the drive has started the coil is still {state.z:.3g} "
                "m from where it rests; leave it more time after the drive"
            )
        return laws

    def _placed(self, piece: Piece) -> Piece:
        series = piece.series.copy()
        series[0] += self.weighing_position
        return replace(piece, series=series)

    def _refuse_contacts(self, course: Course) -> None:
        if course.contacts:
            first = course.contacts[0]
            raise SimulationError(
                f"{self.name}: {first.time:.4g} s after the drive has started the coil touches the stop at "
                f"{first.position + self.weighing_position:.6g} m with {first.velocity:.3g} m/s; drive it less"
            )


def periodic_motion(oscillator: Oscillator, current: Piece) -> Periodic:
    """The motion that a periodic current (A) leads to; phases count from the law's start.

    Raises
    ------
    SimulationError
        If the current is no sum of harmonics, or no periodic motion is found.
    """
    frequencies = [term.swings for term in current.terms]
    if len(current.series) > 1 or current.series[0, 0] != 0.0 or not all(frequencies):
        raise SimulationError("a hinge is driven by a sum of harmonics without offset; give the drive as such")
    known = [f for f in frequencies if f]
    if not known:
        return steady(oscillator, Fraction(1), {})
    base = Fraction(math.gcd(*(f.numerator for f in known)), math.lcm(*(f.denominator for f in known)))
    amplitudes = {int(f / base): complex(t.series[0, 0]) for f, t in zip(known, current.terms, strict=True)}
    return steady(oscillator, base, amplitudes)


def _exercised(oscillator: Oscillator, currents: list[Piece]) -> NDArray[np.float64]:
    """Relaxations of a hinge that has moved like this before: what is slow of them is where the mean motion is."""
    mean = float(periodic_motion(oscillator, currents[0]).displacement[0].real)
    return np.full(len(oscillator.relaxations().rates), mean)


def _on(periodic: Periodic, elapsed: int, relaxed: NDArray[np.float64]) -> State:
    """The state so many nanoseconds after the start; the phase is reduced exactly. Relaxations are as they are."""
    phase = float(elapsed * periodic.frequency / NS % 1)
    z, v = periodic.at(np.array(phase))
    return State(float(z), float(v), relaxed, periodic.circuit(phase))


def _settled(periodic: Periodic, start: int, now: int, state: State) -> bool:
    """Whether nothing of a transient is left."""
    there, omega = _on(periodic, now - start, state.relaxed), periodic.omega
    back = periodic.oscillator.back_action
    push = float(np.abs(back.c * (state.circuit - there.circuit)).sum())  # of what the circuit still does (m/s²)
    return abs(state.z - there.z) < ROUNDING and max(abs(state.v - there.v), push / omega) < ROUNDING * omega


def _moved(law: Piece, by: int) -> Piece:
    return replace(law, start=law.start + by, end=None if law.end is None else law.end + by)


def _end(law: Piece) -> int:
    if law.end is None:
        raise SimulationError("the currents of a drive have an end")
    return law.end


def _signature(law: Piece, origin: int) -> tuple[object, ...]:
    """What tells one law from another, but for when it starts."""
    terms = tuple((term.rate, complex(term.series[0, 0])) for term in law.terms)
    return law.start - origin, _end(law) - origin, law.series.tobytes(), terms
