"""Groups of states that are solved together, lazily, up to the time that somebody reads.

A group is a linear system in modal coordinates with inputs. Inputs that are closed forms are answered in closed form.
Inputs that are compositions (the power of a current that follows a drifting Bl) are projected on Chebyshev series to
round-off. Inputs that depend on the group's own states, and the nonlinear remainder of nonlinear parts, are found by
waveform relaxation. What does not converge on a stretch is tried on half of it; nothing ever continues unconverged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.checkpoint import decode_array, encode_array
from twin.composition import Sum, add, scale
from twin.errors import SimulationError
from twin.forcing import accumulated
from twin.gated import interrupting
from twin.implicit import UnsolvedError
from twin.modes import decompose
from twin.piece import Piece, constant
from twin.relaxation import DEGREES, Relaxation
from twin.remainder import Remainder
from twin.response import UnresolvedError
from twin.signal import Signal
from twin.state import StateOutput
from twin.succession import is_plain, respond_in_turn
from twin.times import NS, Times
from twin.track import Track

Array = NDArray[Any]
FEW, LONGEST = 4, 8
"""After so few sweeps the next stride may be longer than twice the last; at most so many times as long."""


class StateGroup:
    """States that are solved together.

    Parameters
    ----------
    name : the components it holds, for messages.
    a : (states, states) linear part (1/s), possibly in extended precision.
    b : (states, inputs), how the inputs drive the states.
    x0 : (states,) at the start of the run.
    """

    def __init__(self, name: str, a: Array, b: Array, x0: Array) -> None:
        self.name = name
        self.track = Track(name)
        self.outputs: list[StateOutput] = []
        self.inputs: tuple[Signal, ...] = ()
        self.remainders: list[Remainder] = []
        self.lookahead = 0
        self.rough = False  # whether to find only about where the states go, of which nothing remains
        self.pieces_solved = 0
        self._a, self._b, self._x0 = np.array(a), np.array(b, dtype=float), np.array(x0, dtype=float)
        self._frontier = 0
        self._law_start = 0
        self._stride: int | None = None
        self._growth = 2
        self._relaxations: dict[tuple[int, ...], Relaxation] = {}

    def output(self, weights: Array, name: str) -> StateOutput:
        """A signal ``weights · states``, known to the rest of the graph before the group is connected."""
        signal = StateOutput(self, np.asarray(weights, dtype=float), name)
        self.outputs.append(signal)
        return signal

    def connect(self, inputs: Sequence[Signal]) -> None:
        """Wire the inputs, in the order of the columns of `b`, and find the modes.

        Inputs that are linear combinations of the group's own states become part of its matrix, and so exact.
        """
        own = frozenset(self.outputs)
        self.inputs = tuple(self._absorb(signal, column, own) for column, signal in enumerate(inputs))
        self.modes = decompose(self._a)
        self._drive = self.modes.to_modes @ self._b
        self._q: Array = self.modes.to_modes @ self._x0
        for output in self.outputs:
            output.modal = output.weights @ self.modes.to_states
        read = [*self.inputs, *(signal for r in self.remainders for signal in r.inputs)]
        states = {s for r in self.remainders for s in r.outputs}
        self._loop = [s for s in self.outputs if s in states or any(s in signal.leaves for signal in read)]
        self._looped = [bool(i.leaves & own) for i in self.inputs]
        self._external = interrupting(read, own)
        for leaf in self._external:
            track = getattr(leaf, "track", None)
            if track is not None:
                track.listeners.append(self.truncate)

    def _absorb(self, signal: Signal, column: int, own: frozenset[Signal]) -> Signal:
        parts = signal.parts if isinstance(signal, Sum) else ((1.0, signal),)
        linear = [(f, s) for f, s in parts if isinstance(s, StateOutput) and s in own]
        if not linear:
            return signal
        for factor, state in linear:
            self._a = self._a + np.outer(self._b[:, column], factor * state.weights)
        offset = signal.offset if isinstance(signal, Sum) else 0.0
        return add(offset, *(scale(f, s) for f, s in parts if (f, s) not in linear))

    # --- state -------------------------------------------------------------------------------------------------------

    @property
    def frontier(self) -> int:
        """Up to where (ns) the states are known."""
        return self._frontier

    def modal_state(self, instant: int) -> Array:
        """The modes at an instant (ns)."""
        self.resolve(instant)
        if instant == self._frontier:
            return self._q
        piece = self.track.pieces[self.track.index(instant)]
        return piece.values_at(instant)

    def restart(self, modal: Array, instant: int = 0) -> None:
        """Set the modes at an instant; what was solved from there on is forgotten."""
        self.truncate(instant)
        self._q, self._frontier, self._law_start = np.asarray(modal), instant, instant

    def learn_from(self, other: StateGroup) -> None:
        """Begin with what the same group of another twin has learnt of its relaxations."""
        for sampled, relaxation in other._relaxations.items():
            self._relaxation(sampled).learn_from(relaxation)

    def truncate(self, instant: int) -> None:
        """An input changes at `instant`: what was solved beyond is forgotten.

        What stays has the rounding of the whole plan: 1e-14 of where its laws would have led, not of where they came
        to.
        """
        if instant > self._frontier:  # nor has anybody else built on it
            return
        self._law_start = instant
        if instant < self._frontier:
            self._q = self.modal_state(instant)
            self._frontier = instant
            for output in self.outputs:
                output.drop(lambda start: start >= instant)
        self.track.truncate(instant)

    def forget_before(self, instant: int) -> None:
        """Drop history before `instant`."""
        self.track.forget_before(instant)
        first = self.track.starts[0] if self.track.starts else 0
        for output in self.outputs:
            output.drop(lambda start: start < first)

    def state(self) -> dict[str, Any]:
        """What is known of the states, as plain data."""
        return {
            "track": self.track.state(),
            "q": encode_array(self._q),
            "kept": [self._frontier, self._law_start, self._stride, self._growth, self.lookahead],
            "relaxations": [[list(sampled), r.state()] for sampled, r in self._relaxations.items()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a checkpoint."""
        self.track.restore(state["track"])
        for output in self.outputs:
            output.drop(lambda start: True)
        self._q = decode_array(state["q"])
        self._frontier, self._law_start, self._stride, self._growth, self.lookahead = state["kept"]
        self._relaxations.clear()
        for sampled, learnt in state["relaxations"]:
            self._relaxation(tuple(sampled)).restore(learnt)

    def slope(self, modal: Array, times: Times) -> Array:
        """Time derivative of ``modal · modes`` by the equation of motion: at a jump of an input that of what comes."""
        if times.ns.ndim != 1:
            return self.slope(modal, times.in_a_row()).reshape(times.ns.shape)
        row = modal * np.array(self.modes.rates)
        if self.modes.coupling is not None:
            row = row + modal @ self.modes.coupling
        self.resolve(times.last)
        if self.track.pieces:
            total = self.track.evaluate(times, lambda piece: piece.project(row))
        else:
            total = np.full(times.ns.shape, float((row @ self._q).real))
        for gain, signal in zip((modal @ self._drive).real, self.inputs, strict=True):
            if gain != 0.0:
                total = total + gain * signal.at(times)
        for remainder in self.remainders:
            states = np.array([state.at(times) for state in remainder.outputs])
            weights = (modal @ self.modes.to_modes[:, remainder.states]).real
            total = total + weights @ remainder.excess(states, [signal.at(times) for signal in remainder.inputs])
        return total

    # --- solution ----------------------------------------------------------------------------------------------------

    def breakpoints(self, start: int, end: int) -> set[int]:
        """Instants inside (start, end) at which an input may jump."""
        return set().union(*(leaf.breakpoints(start, end) for leaf in self._external)) if self._external else set()

    def next_breakpoint(self, start: int, end: int) -> int:
        """The first of `breakpoints`; `end` if there is none."""
        for leaf in self._external:
            end = leaf.next_breakpoint(start, end)
        return end

    def resolve(self, instant: int) -> None:
        """Solve until `instant` is known. Looks ahead while laws last, so that reading often costs little."""
        while self._frontier < instant:
            # As far as laws are promised to last; without a promise, as far again as they have lasted.
            ahead = self.lookahead if self.lookahead >= instant else 2 * instant - self._law_start
            end = self.next_breakpoint(self._frontier, ahead)
            if end < instant and self._solve_in_turn(instant, ahead):
                continue
            self._solve(end)
            if self._frontier == end and end < ahead:
                self._law_start = end

    def _solve_in_turn(self, instant: int, ahead: int) -> bool:
        """Solve from law to law until `instant`, as long as all inputs are short polynomials; False if none is."""
        if self.remainders or self._stride is not None or self.modes.coupling is not None:
            return False
        forcings, start = [], self._frontier
        while start < instant:
            end = self.next_breakpoint(start, ahead)
            forcing, sampled = self._forcing(start, end)
            if sampled or not is_plain(forcing):
                break
            forcings.append(forcing)
            start = end
        if len(forcings) < 2:
            return False
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                pieces, q = respond_in_turn(self.modes.rates, self._q, forcings)
        except UnresolvedError:
            return False
        if not np.isfinite(q).all():
            return False
        for piece in pieces:
            self.track.append(piece)
        self.pieces_solved += len(pieces)
        self._q, self._frontier = q, start
        self._law_start = start if start < ahead else forcings[-1].start
        return True

    @np.errstate(over="ignore", invalid="ignore")  # what diverges is found out and tried on less
    def _solve(self, end: int) -> None:
        start = self._frontier
        if self._stride is not None:
            end = min(end, start + self._growth * self._stride)
        while True:
            piece, sweeps = self._attempt(start, end)
            if piece is not None:
                break
            end = start + (end - start) // 2
            if end - start < 1000:
                raise SimulationError(
                    f"{self.name}: no convergence at t = {start / NS} s with series of {DEGREES[-1]} terms over "
                    f"{(end - start) / NS} s; the loop gain is too high or an input jumps without saying so"
                )
            self._stride = end - start
        if self._stride is not None:
            # Where the states hardly act back on what drives them, strides soon grow long.
            self._growth = min(2 * self._growth, LONGEST) if sweeps <= FEW else 2
            self._stride = end - start
        q = piece.values_at(end)
        if not np.isfinite(q).all():
            raise SimulationError(
                f"{self.name}: the states grow beyond all numbers after t = {start / NS} s; "
                "a mode of it is unstable, so close the loop that holds it or stop earlier"
            )
        self.pieces_solved += 1
        self.track.append(piece)
        self._q = q
        self._frontier = end

    def _attempt(self, start: int, end: int) -> tuple[Piece | None, int]:
        """The modes on [start, end), or None if no series of the largest size holds the inputs, and how many sweeps it
        took."""
        try:
            return self._propagated(start, end)
        except UnresolvedError:
            return None, 0
        except UnsolvedError as error:
            raise SimulationError(
                f"{error} finds no solution at t = {start / NS} to {end / NS} s; "
                "check that what it controls has an effect there"
            ) from None

    def _forcing(self, start: int, end: int) -> tuple[Piece, list[int]]:
        """What the inputs that are closed forms do to the modes on [start, end), and which inputs are none."""
        closed: Piece | None = None
        sampled: list[int] = []
        for i in range(len(self.inputs)):
            form = self._closed_form(i, start, end)
            if form is None:
                sampled.append(i)
            else:
                closed = accumulated(closed, form, self._drive[:, i])
        return closed or Piece(start, end, end - start, np.zeros((1, len(self.modes.rates)))), sampled

    def _propagated(self, start: int, end: int) -> tuple[Piece | None, int]:
        closed, sampled = self._forcing(start, end)
        if not sampled and not self.remainders:
            return self.modes.respond(self._q, closed), 0
        return self._relaxation(tuple(sampled)).solve(self._q, closed, self.rough)

    def _relaxation(self, sampled: tuple[int, ...]) -> Relaxation:
        """Of the group with these inputs sampled."""
        found = self._relaxations.get(sampled)
        if found is None:
            inputs, drive = [self.inputs[i] for i in sampled], self._drive[:, sampled]
            found = self._relaxations[sampled] = Relaxation(self.modes, self._loop, inputs, drive, self.remainders)
        return found

    def _closed_form(self, i: int, start: int, end: int) -> Piece | None:
        """An input as a closed form; one that depends on the states has none unless something holds it constant."""
        value = self.inputs[i].constant_over(start, end)
        if value is not None:
            return constant(value, start, end)
        return None if self._looped[i] else self.inputs[i].closed_form(start, end)
