"""Groups of states that are solved together, lazily, up to the time that somebody reads.

A group is a linear system in modal coordinates with inputs. Inputs that are closed forms are answered in closed form.
Inputs that are compositions (the power of a current that follows a drifting Bl) are projected on Chebyshev series to
round-off. Inputs that depend on the group's own states, and the nonlinear remainder of nonlinear parts, are found by
waveform relaxation: the linear part is solved exactly for a guess of the rest until nothing changes. What does not
converge on a stretch is tried on half of it; nothing ever continues unconverged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin import chebyshev
from twin.checkpoint import decode_array, encode_array
from twin.composition import Sum, add, scale
from twin.errors import SimulationError
from twin.forcing import (
    NOTHING,
    ROUND_OFF,
    accumulated,
    channel_sizes,
    channels_at_nodes,
    is_resolved,
    told,
    with_series,
)
from twin.gated import interrupting
from twin.implicit import UnsolvedError
from twin.modes import decompose
from twin.piece import Piece, constant
from twin.remainder import Remainder
from twin.response import UnresolvedError
from twin.signal import Signal
from twin.state import StateOutput
from twin.succession import is_plain, respond_in_turn
from twin.tape import Tape
from twin.times import NS, Times
from twin.track import Track

Array = NDArray[Any]
DEGREES = (8, 16, 32, 64, 128)
SWEEPS = 60


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
        self._degrees: dict[int, int] = {}
        self._tapes: dict[tuple[int, ...], Tape] = {}

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
        self._memory = 1.0 / np.maximum(np.abs(self.modes.rates), 1e-300)
        self._q: Array = self.modes.to_modes @ self._x0
        for output in self.outputs:
            output.modal = output.weights @ self.modes.to_states
        read = [*self.inputs, *(signal for r in self.remainders for signal in r.inputs)]
        states = {s for r in self.remainders for s in r.outputs}
        self._loop = [s for s in self.outputs if s in states or any(s in signal.leaves for signal in read)]
        self._loop_rows = np.array([s.modal for s in self._loop]).reshape(len(self._loop), len(self._q))
        self._loop_sizes = np.abs(self._loop_rows)
        self._looped = [bool(i.leaves & own) for i in self.inputs]
        self._external = interrupting(read, own)
        self._scale: Array = np.zeros(len(self._loop))
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
            "scale": self._scale.tolist(),
            "kept": [self._frontier, self._law_start, self._stride, self.lookahead],
            "degrees": list(self._degrees.items()),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a checkpoint."""
        self.track.restore(state["track"])
        for output in self.outputs:
            output.drop(lambda start: True)
        self._q, self._scale = decode_array(state["q"]), np.array(state["scale"])
        self._frontier, self._law_start, self._stride, self.lookahead = state["kept"]
        self._degrees = {int(length): n for length, n in state["degrees"]}

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
            end = min(end, start + 2 * self._stride)
        while True:
            piece = self._attempt(start, end)
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

    def _attempt(self, start: int, end: int) -> Piece | None:
        """The modes on [start, end), or None if no series of the largest size holds the inputs."""
        try:
            return self._propagated(start, end)
        except UnresolvedError:
            return None
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

    def _propagated(self, start: int, end: int) -> Piece | None:
        length = end - start
        closed, sampled = self._forcing(start, end)
        if not sampled and not self.remainders:
            return self.modes.respond(self._q, closed)
        first = self._degrees.get(length, DEGREES[0])  # pieces of the same length are mostly alike
        for n in (d for d in DEGREES if d >= first):
            piece = self._relax(closed, sampled, n)
            if piece is not None:
                self._degrees[length] = n
                return piece
        return None

    def _closed_form(self, i: int, start: int, end: int) -> Piece | None:
        """An input as a closed form; one that depends on the states has none unless something holds it constant."""
        value = self.inputs[i].constant_over(start, end)
        if value is not None:
            return constant(value, start, end)
        return None if self._looped[i] else self.inputs[i].closed_form(start, end)

    def _relax(self, closed: Piece, sampled: list[int], n: int) -> Piece | None:
        """Waveform relaxation on n nodes; None if n is too small or the relaxation does not contract."""
        u = chebyshev.nodes(n)
        tau = (u + 1.0) * (0.5 * closed.length / NS)
        play = self._tape(tuple(sampled)).at(Times.nodes(closed.start, closed.start + closed.length, n))
        own_at_nodes, own_sizes = self._own(closed, u, tau)
        response = self.modes.nodal_response(closed.length, n)
        drive = self._drive[:, sampled]
        guess = (self._loop_rows @ self._q).real[:, None] + np.zeros(n)
        previous_change = np.inf
        for _ in range(SWEEPS):
            values = play(*guess)
            forcing = self._sampled_forcing(drive, values, guess)
            if response is not None:
                moved = (response @ forcing[:, :, None])[:, :, 0]
                sizes = own_sizes + np.abs(moved).max(axis=1)
                found = own_at_nodes + (self._loop_rows @ moved).real
            else:
                piece = self.modes.respond(self._q, with_series(closed, chebyshev.interpolation(n) @ forcing.T))
                sizes = channel_sizes(piece)
                found = channels_at_nodes(piece, self._loop_rows, u, tau)
            # Modes may cancel in an output: their sizes, not their sum, say what its rounding is.
            size = np.maximum(self._scale, self._loop_sizes @ sizes)
            change = float((np.abs(found - guess) / np.maximum(size, NOTHING)[:, None]).max(initial=0.0))
            guess = found
            # What the next sweep would change, once two have told the contraction.
            left = change * change / previous_change if 0.0 < previous_change < np.inf else change
            if self.rough or min(change, left) <= ROUND_OFF:
                series = chebyshev.interpolation(n) @ forcing.T
                if not self.rough:
                    # The states feel a forcing for as long as the piece or their memory lasts.
                    felt = 0.25 * n * sizes / np.minimum(closed.length / NS, self._memory)
                    if not is_resolved(series, np.maximum(self._magnitude(drive, values, guess), felt)):
                        return None
                self._scale = size
                return self.modes.respond(self._q, with_series(closed, told(series)))
            if not np.isfinite(change) or (change > 0.7 * previous_change and change > 1e-12):
                return None
            previous_change = change
        return None

    def _own(self, closed: Piece, u: Array, tau: Array) -> tuple[Array, Array]:
        """How the modes move without what is sampled: the loop's states at the nodes, and the sizes of the modes."""
        if not (closed.terms or closed.decays or closed.series.any()):
            decay = self.modes.decay(closed.length, len(u))
            if decay is not None:
                return ((self._loop_rows * self._q) @ decay).real, np.abs(self._q)
        own = self.modes.respond(self._q, closed)
        at_nodes = channels_at_nodes(own, self._loop_rows, u, tau) if self._loop else np.zeros((0, len(u)))
        return at_nodes, channel_sizes(own)

    def _tape(self, sampled: tuple[int, ...]) -> Tape:
        """The sampled inputs, and those of the remainders, as functions of the states in the loop."""
        tape = self._tapes.get(sampled)
        if tape is None:
            read = [self.inputs[i] for i in sampled] + [signal for r in self.remainders for signal in r.inputs]
            tape = self._tapes[sampled] = Tape(read, self._loop)
        return tape

    def _sampled_forcing(self, drive: Array, values: list[Array], guess: Array) -> Array:
        """Forcing of the modes at the nodes by what is no closed form, shape (modes, nodes)."""
        count = drive.shape[1]
        forcing: Array = drive @ np.array(values[:count]).reshape(count, guess.shape[1])
        for remainder, _, excess in self._excesses(values[count:], guess):
            forcing = forcing + self.modes.to_modes[:, remainder.states] @ excess
        return forcing

    def _magnitude(self, drive: Array, values: list[Array], guess: Array) -> Array:
        """How large what this forcing is the sum of is, shape (modes,)."""
        count = drive.shape[1]
        magnitude: Array = np.abs(drive) @ np.array([np.abs(value).max() for value in values[:count]])
        for remainder, states, excess in self._excesses(values[count:], guess):
            parts = np.abs(excess) + np.abs(remainder.linear) @ np.abs(states)
            magnitude = magnitude + np.abs(self.modes.to_modes[:, remainder.states]) @ parts.max(axis=1)
        return magnitude

    def _excesses(self, values: list[Array], guess: Array) -> Iterator[tuple[Remainder, Array, Array]]:
        """Of each remainder the states and what it adds there; `values` are those of the remainders' inputs."""
        rest = iter(values)
        for remainder in self.remainders:
            states = np.array([guess[self._loop.index(s)] for s in remainder.outputs])
            yield remainder, states, remainder.excess(states, list(islice(rest, len(remainder.inputs))))
