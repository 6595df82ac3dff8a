"""Waveform relaxation: inputs of modes that are no closed forms, solved together with the states that they depend on.

On a piece the linear part is solved exactly for a guess of the states, from which the rest of the forcing follows,
which gives the next guess, until nothing changes. Guess and forcing are held as values at Chebyshev nodes; of the
states only those are followed that something depends on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin import chebyshev
from twin.forcing import NOTHING, ROUND_OFF, channel_sizes, channels_at_nodes, is_resolved, told, with_series
from twin.modes import Modes
from twin.piece import Piece
from twin.precedent import LENGTHS, Precedents
from twin.remainder import Remainder
from twin.signal import Signal
from twin.state import StateOutput
from twin.tape import Tape
from twin.times import NS, Times

Array = NDArray[Any]
Answer = Callable[[Array], Array]
DEGREES = (8, 16, 32, 64, 128)
SWEEPS = 60
CONTRACTION = 1e-3
"""No loop is taken to contract by more before two sweeps have told: laws change, and with them how strong a loop is."""


class Relaxation:
    """The loop from some states of a group through what drives its modes back to them.

    Parameters
    ----------
    modes : of the group.
    states : those that something in the loop depends on.
    inputs : of the group, without those that are closed forms.
    drive : (modes, inputs), how these drive the modes.
    remainders : nonlinear parts among the states.
    """

    def __init__(
        self,
        modes: Modes,
        states: Sequence[StateOutput],
        inputs: Sequence[Signal],
        drive: Array,
        remainders: Sequence[Remainder],
    ) -> None:
        self._modes, self._count = modes, len(inputs)
        self._rows = np.array([s.modal for s in states]).reshape(len(states), len(modes.rates))
        self._sizes = np.abs(self._rows)
        self._columns = np.hstack([drive, *(modes.to_modes[:, r.states] for r in remainders)])
        self._remainders = [(r, [states.index(s) for s in r.outputs]) for r in remainders]
        self._tape = Tape([*inputs, *(signal for r in remainders for signal in r.inputs)], states)
        self._memory = 1.0 / np.maximum(np.abs(modes.rates), 1e-300)
        self._answer = lru_cache(maxsize=LENGTHS)(self._made_answer)
        self._scale: Array = np.zeros(len(states))
        self._precedents = Precedents()

    def state(self) -> dict[str, Any]:
        """What it has learnt, as plain data."""
        return {"scale": self._scale.tolist(), "precedents": self._precedents.state()}

    def learn_from(self, other: Relaxation) -> None:
        """Begin with what another relaxation has learnt, if its loop is the same: real parts may open one."""
        if np.array_equal(self._rows, other._rows):
            self._scale, self._precedents = other._scale, other._precedents.copy()

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a checkpoint."""
        self._scale = np.array(state["scale"])
        self._precedents.restore(state["precedents"])

    def solve(self, q: Array, closed: Piece, rough: bool) -> tuple[Piece | None, int]:
        """The modes on a piece, or None if no series of the largest size holds the inputs; after how many sweeps.

        Parameters
        ----------
        q : modes at its start.
        closed : what the inputs that are closed forms do to them.
        rough : one sweep will do.
        """
        last = self._precedents.nodes(closed.length)
        for n in (d for d in DEGREES if last is None or d >= last):
            piece, sweeps = self._relax(q, closed, n, n == last, rough)
            if piece is not None:
                return piece, sweeps
        return None, 0

    def _relax(self, q: Array, closed: Piece, n: int, known: bool, rough: bool) -> tuple[Piece | None, int]:
        """On n nodes, on which pieces of this length are known; None if n is too small or nothing contracts."""
        own, sizes = self._own(q, closed, n)
        answer = self._answer(closed.length, n)
        play = self._tape.at(Times.nodes(closed.start, closed.start + closed.length, n))
        if known:
            like = self._precedents.nearest(closed.length, own, np.maximum(self._scale, NOTHING))
            guess, contraction = own + like.moved, max(like.contraction, CONTRACTION)
        else:
            guess, contraction = (self._rows @ q).real[:, None] + np.zeros(n), 1.0
        driving = self._driving(play(*guess), guess)
        # Modes may cancel in a state: their sizes, not their sum, say what its rounding is.
        lasting = np.minimum(closed.length / NS, self._memory)  # for so long they feel what drives them
        sizes = sizes + lasting * (np.abs(self._columns) @ np.abs(driving).max(axis=1))
        size = np.maximum(self._scale, self._sizes @ sizes)
        relative = 1.0 / np.maximum(size, NOTHING)[:, None]
        previous = np.inf
        for sweeps in range(1, SWEEPS + 1):
            moved = answer(driving)
            found = own + moved
            change = float((np.abs(found - guess) * relative).max(initial=0.0))
            if 0.0 < previous < np.inf:
                contraction = change / previous
            left = change * contraction  # what the next sweep would change
            done = rough or min(change, left) <= ROUND_OFF
            if done or (sweeps == 2 and not known):  # whether so many nodes suffice shows early
                series = chebyshev.interpolation(n) @ (self._columns @ driving).T
                felt = 0.25 * n * sizes / lasting
                if not is_resolved(series, np.maximum(self._magnitude(driving, guess), felt)):
                    return None, 0
            if done:
                self._scale = size
                self._precedents.add(closed.length, own, moved, contraction)
                return self._modes.respond(q, with_series(closed, told(series))), sweeps
            if not np.isfinite(change) or (change > 0.7 * previous and change > 1e-12):
                return None, 0
            guess, previous = found, change
            driving = self._driving(play(*guess), guess)
        return None, 0

    def _own(self, q: Array, closed: Piece, n: int) -> tuple[Array, Array]:
        """How closed forms alone move the modes: the states at the nodes, and the sizes of the modes."""
        if not (closed.terms or closed.decays or closed.series.any()):
            decay = self._modes.decay(closed.length, n)
            if decay is not None:
                return ((self._rows * q) @ decay).real, np.abs(q)
        piece = self._modes.respond(q, closed)
        return channels_at_nodes(piece, self._rows, n), channel_sizes(piece)

    def _made_answer(self, length: int, n: int) -> Answer:
        """From what drives the modes at the nodes, (sources, nodes), to how that moves the states, from rest."""
        rows, columns, response = self._rows, self._columns, self._modes.nodal_response(length, n)
        if response is None:
            rest, still = np.zeros(len(columns)), Piece(0, length, length, np.zeros((1, len(columns))))

            def answer(driving: Array) -> Array:
                series = chebyshev.interpolation(n) @ (columns @ driving).T
                return channels_at_nodes(self._modes.respond(rest, with_series(still, series)), rows, n)

            return answer
        # To multiply all that lies between sources and states once is worth it as long as these are few.
        states, (count, sources) = len(rows), columns.shape
        if states * sources > count:
            return lambda driving: (rows @ (response @ (columns @ driving)[:, :, None])[:, :, 0]).real
        through = (rows[:, None, :] * columns.T).reshape(-1, count) @ response.reshape(count, n * n)
        matrix = through.real.reshape(states, sources, n, n).swapaxes(1, 2).reshape(states * n, sources * n)
        return lambda driving: (matrix @ driving.ravel()).reshape(states, n)

    def _driving(self, values: list[Array], guess: Array) -> Array:
        """What drives the modes, (sources, nodes): the inputs, and what the remainders add."""
        excesses, rest = [], iter(values[self._count :])
        for remainder, states in self._remainders:
            excesses.append(remainder.excess(guess[states], list(islice(rest, len(remainder.inputs)))))
        driving: Array = np.concatenate(
            [np.array(values[: self._count]).reshape(self._count, guess.shape[1]), *excesses]
        )
        return driving

    def _magnitude(self, driving: Array, guess: Array) -> Array:
        """How large what this drives the modes with is the sum of is, shape (modes,)."""
        size = np.abs(driving)
        largest, first = size.max(axis=1), self._count
        for remainder, states in self._remainders:
            last = first + len(states)
            parts = size[first:last] + np.abs(remainder.linear) @ np.abs(guess[states])
            largest[first:last], first = parts.max(axis=1), last
        magnitude: Array = np.abs(self._columns) @ largest
        return magnitude
