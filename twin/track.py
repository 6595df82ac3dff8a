"""Tracks: closed-form pieces in time order, and their values at instants that lie in many of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin import chebyshev
from twin.checkpoint import decode_piece, encode_piece
from twin.errors import SimulationError
from twin.piece import Piece
from twin.times import NS, Times, forget_shared

Array = NDArray[np.float64]
Place = slice | NDArray[np.intp]
Span = tuple[Piece, Times, Place]
"""A piece, the instants in it, and where these are among all instants, in one row."""
CROWD, FEW, SHORT = 4, 128, 24
"""From so many pieces on, with so few instants each, polynomials of so few terms are evaluated together."""


class Track:
    """Pieces in time order, with the list of who has to know when they change."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.pieces: list[Piece] = []
        self.starts: list[int] = []
        self.listeners: list[Callable[[int], None]] = []

    def append(self, piece: Piece) -> None:
        """Add a piece that starts where the last one ends."""
        self.pieces.append(piece)
        self.starts.append(piece.start)

    def truncate(self, instant: int) -> None:
        """Forget everything from `instant` on, and tell those who have built on it."""
        forget_shared()
        keep = bisect_right(self.starts, instant - 1)
        del self.pieces[keep:], self.starts[keep:]
        if self.pieces and (self.pieces[-1].end is None or self.pieces[-1].end > instant):
            self.pieces[-1] = self.pieces[-1].cut(instant)
        for listener in self.listeners:
            listener(instant)

    def forget_before(self, instant: int) -> None:
        """Drop pieces that end at or before `instant`."""
        drop = bisect_right(self.starts, instant) - 1
        if drop > 0:
            del self.pieces[:drop], self.starts[:drop]

    def state(self) -> list[dict[str, Any]]:
        """The pieces as plain data."""
        return [encode_piece(piece) for piece in self.pieces]

    def restore(self, state: list[dict[str, Any]]) -> None:
        """The pieces of a checkpoint instead of the present ones."""
        forget_shared()
        self.pieces = [decode_piece(data) for data in state]
        self.starts = [piece.start for piece in self.pieces]

    def index(self, instant: int) -> int:
        """Index of the piece that holds the instant.

        Raises
        ------
        SimulationError
            Outside what is known.
        """
        i = bisect_right(self.starts, instant) - 1
        if i < 0:
            raise SimulationError(
                f"{self.name} is not known at t = {instant / NS} s: its history was dropped; read in time"
            )
        return i

    def evaluate(self, times: Times, form: Callable[[Piece], Piece]) -> Array:
        """Values at the instants of the one-channel pieces that `form` makes of these."""
        shape = times.ns.shape
        if not times.ns.size:
            return np.empty(shape)
        first, last = self.index(times.first), self.index(times.last)
        if first == last:
            return form(self.pieces[first]).evaluate(times)
        result = np.empty(shape)
        in_a_row = result.reshape(-1)
        if last - first >= CROWD and times.ns.size <= FEW * (last - first):
            in_a_row[:] = _crowd([form(piece) for piece in self.pieces[first : last + 1]], times.in_a_row())
            return result
        for piece, at, place in self.spans(times):
            (result if at.ns.ndim == result.ndim else in_a_row)[place] = form(piece).evaluate(at)
        return result

    def spans(self, times: Times) -> list[Span]:
        """The pieces that hold the instants, each with its instants and where they are; found once for each `Times`."""
        found = times.spans.get(self)
        if found is None:
            found = times.spans[self] = self._spans(times)
        return found

    def _spans(self, times: Times) -> list[Span]:
        first, last = self.index(times.first), self.index(times.last)
        pieces, ends = self.pieces[first : last + 1], np.array(self.starts[first + 1 : last + 1], dtype=np.int64)
        whole: list[Span] = []
        flat, indices = times.in_a_row(), None
        if times.every:  # rows stay together, but for those that a piece's end cuts
            fences = np.searchsorted(times.ns[:, 0], ends), np.searchsorted(times.ns[:, -1], ends)
            begins, stops = [0, *fences[0].tolist()], [*fences[1].tolist(), len(times.ns)]
            rows = [slice(a, b) for a, b in zip(begins, stops, strict=True)]
            whole = [
                (p, times.at(place), place) for p, place in zip(pieces, rows, strict=True) if place.stop > place.start
            ]
            cut = np.concatenate([np.arange(b, a) for b, a in zip(stops, begins[1:], strict=False)])
            indices = (np.unique(cut)[:, None] * times.ns.shape[1] + np.arange(times.ns.shape[1])).ravel()
            flat = flat.at(indices)
        which = np.searchsorted(ends, flat.ns, side="right")
        places: list[Place]
        if indices is None and np.all(which[1:] >= which[:-1]):
            places = [slice(a, b) for a, b in pairwise(np.searchsorted(which, np.arange(len(pieces) + 1)).tolist())]
        else:
            places = [np.nonzero(which == k)[0] for k in range(len(pieces))]
        parts = [(p, flat.at(place), place) for p, place in zip(pieces, places, strict=True)]
        return whole + [(p, at, place if indices is None else indices[place]) for p, at, place in parts if at.ns.size]


def _crowd(pieces: Sequence[Piece], times: Times) -> Array:
    """Values at instants in one row of adjoining pieces: the short polynomials together, the others one by one."""
    starts = np.array([piece.start for piece in pieces], dtype=np.int64)
    which = np.searchsorted(starts, times.ns, side="right") - 1
    plain = [not (p.terms or p.decays) and len(p.series) <= SHORT for p in pieces]
    rows = max((len(p.series) for p, short in zip(pieces, plain, strict=True) if short), default=1)
    coefficients, per_ns = np.zeros((rows, len(pieces))), np.empty(len(pieces))
    for k, piece in enumerate(pieces):
        per_ns[k] = 2.0 / piece.length
        if plain[k]:
            coefficients[: len(piece.series), k] = piece.series[:, 0].real
    u = (times.ns - starts[which]) * per_ns[which] - 1.0
    if times.is_fractional:
        u += times.rest * NS * per_ns[which]
    result = chebyshev.evaluate_columns(coefficients[:, which], u)
    for k in np.flatnonzero(~np.array(plain)).tolist():
        inside = np.flatnonzero(which == k)
        if inside.size:
            result[inside] = pieces[k].evaluate(times.at(inside))
    return result
