"""States as signals: what the rest of the graph sees of a group."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from twin.piece import Piece
from twin.signal import Signal
from twin.timeline import track_means
from twin.times import Times
from twin.track import Track

if TYPE_CHECKING:
    from twin.group import StateGroup

Array = NDArray[Any]


class StateOutput(Signal):
    """A linear combination of a group's states: continuous, and known up to where the group has been solved."""

    def __init__(self, group: StateGroup, weights: Array, name: str) -> None:
        self.group, self.weights, self.name = group, weights, name
        self.modal: Array = np.zeros(0)
        self.leaves = frozenset({self})
        self._projected: dict[int, Piece] = {}

    @property
    def track(self) -> Track:
        """The group's pieces."""
        return self.group.track

    def drop(self, which: Callable[[int], bool]) -> None:
        """Forget the projections of pieces whose start satisfies `which`."""
        for start in [s for s in self._projected if which(s)]:
            del self._projected[start]

    def _piece(self, piece: Piece) -> Piece:
        found = self._projected.get(piece.start)
        if found is None:
            found = self._projected[piece.start] = piece.project(self.modal)
        return found

    def _evaluate(self, times: Times) -> Array:
        if not times.ns.size:
            return np.empty(times.ns.shape)
        self.group.resolve(times.last)
        if not self.track.pieces:
            return np.full(times.ns.shape, float((self.modal @ self.group.modal_state(times.last)).real))
        return self.track.evaluate(times, self._piece)

    def means(self, starts: NDArray[np.int64], aperture: int) -> Array:
        end = int(starts.max()) + aperture
        self.group.resolve(end)
        return track_means(self.track, self._piece, starts, aperture) if aperture else self.at(Times(starts))

    def breakpoints(self, start: int, end: int) -> set[int]:
        return self.group.breakpoints(start, end)

    def next_breakpoint(self, start: int, end: int) -> int:
        return self.group.next_breakpoint(start, end)

    def closed_form(self, start: int, end: int) -> Piece | None:
        self.group.resolve(end)
        piece = self.track.pieces[self.track.index(start)]
        if piece.end is not None and piece.end < end:
            return None
        return self._piece(piece).rebased(start, end)

    def derivative(self) -> Signal:
        return StateSlope(self)

    def __repr__(self) -> str:
        return self.name


class StateSlope(Signal):
    """The time derivative of a state output."""

    def __init__(self, output: StateOutput) -> None:
        self.output = output
        self.leaves = frozenset({output})

    def _evaluate(self, times: Times) -> Array:
        if not times.ns.size:
            return np.empty(times.ns.shape)
        return self.output.group.slope(self.output.modal, times)

    def __repr__(self) -> str:
        return f"d({self.output!r})/dt"
