"""Timelines: signals made of closed-form pieces, one law after another."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.checkpoint import decode_piece, encode_piece
from twin.errors import SimulationError
from twin.piece import Piece, constant
from twin.quadrature import means_by_quadrature
from twin.signal import Signal
from twin.times import NS, Times

Array = NDArray[np.float64]


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
            raise SimulationError(f"{self.name} is not known at t = {instant / NS} s: its history was dropped or never began")
        return i

    def spans(self, times: Times) -> list[tuple[Piece, Times, NDArray[np.intp] | None]]:
        """The pieces that hold the instants, each with its instants and their flat indices (None: all of them)."""
        first, last = self.index(times.first), self.index(times.last)
        if first == last:
            return [(self.pieces[first], times, None)]
        flat = times.at(np.unravel_index(np.arange(times.ns.size), times.ns.shape)) if times.ns.ndim != 1 else times
        which = np.searchsorted(np.array(self.starts[first + 1 : last + 1], dtype=np.int64), flat.ns, side="right")
        if np.all(which[1:] >= which[:-1]):
            bounds = np.searchsorted(which, np.arange(last - first + 2))
            groups = [np.arange(a, b) for a, b in zip(bounds, bounds[1:], strict=False)]
        else:
            groups = [np.nonzero(which == k)[0] for k in range(last - first + 1)]
        return [(self.pieces[first + k], flat.at(index), index) for k, index in enumerate(groups) if len(index)]


def evaluate_spans(spans: list[tuple[Piece, Times, NDArray[np.intp] | None]], shape: tuple[int, ...]) -> Array:
    """Values of one-channel pieces at their instants, in the given shape."""
    if spans and spans[0][2] is None:
        return spans[0][0].evaluate(spans[0][1])
    result = np.empty(int(np.prod(shape)))
    for piece, times, index in spans:
        result[index] = piece.evaluate(times)
    return result.reshape(shape)


class Timeline(Signal):
    """A signal that a component is told to follow: one law after another, each a closed form.

    Parameters
    ----------
    name : ``component.port``, for messages.
    initial : its value until the first law.
    """

    def __init__(self, name: str, initial: float = 0.0) -> None:
        self.name = name
        self.leaves = frozenset({self})
        self.track = Track(name)
        self.track.append(constant(initial, 0))

    def follow(self, *laws: Piece) -> None:
        """From the first law's start on, follow these laws instead of what was planned.

        The laws adjoin; the last one has no end (a law that has an end is prolonged by its final value). A single law that
        says what already holds changes nothing, so that an event without effect leaves no trace.
        """
        for before, after in zip(laws, laws[1:], strict=False):
            if before.end != after.start:
                raise SimulationError(f"{self.name}: a law ends at {before.end} ns but the next starts at {after.start} ns")
        start = laws[0].start
        current = self.track.pieces[-1]
        if len(laws) == 1 and start >= current.start and _same(current, laws[0]):
            return
        self.track.truncate(start)
        for law in laws:
            self.track.append(law)
        if laws[-1].end is not None:
            final = laws[-1].values_at(laws[-1].end)[0].real
            self.track.append(constant(final, laws[-1].end))

    def _evaluate(self, times: Times) -> Array:
        if not times.ns.size:
            return np.empty(times.ns.shape)
        return evaluate_spans(self.track.spans(times), times.ns.shape)

    def means(self, starts: NDArray[np.int64], aperture: int) -> Array:
        a, b = self.track.index(int(starts.min())), self.track.index(int(starts.max()) + max(aperture - 1, 0))
        if a == b:
            return piece_means(self, self.track.pieces[a], starts, aperture)
        return super().means(starts, aperture)

    def breakpoints(self, start: int, end: int) -> set[int]:
        first = bisect_right(self.track.starts, start)
        last = bisect_right(self.track.starts, end - 1)
        return set(self.track.starts[first:last])

    def constant_over(self, start: int, end: int) -> float | None:
        first = self.track.index(start)
        piece = self.track.pieces[first]
        if piece.is_constant() and (first + 1 == len(self.track.starts) or self.track.starts[first + 1] >= end):
            return float(piece.series[0, 0].real)
        return None

    def closed_form(self, start: int, end: int) -> Piece:
        return self.track.pieces[self.track.index(start)].rebased(start, end)

    def derivative(self) -> Signal:
        return Slope(self)

    def __repr__(self) -> str:
        return self.name


class Slope(Signal):
    """The time derivative of a timeline, piece by piece."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.leaves = frozenset({timeline})

    def _evaluate(self, times: Times) -> Array:
        spans = [(piece.derivative(), at, index) for piece, at, index in self.timeline.track.spans(times)]
        return evaluate_spans(spans, times.ns.shape)

    def closed_form(self, start: int, end: int) -> Piece:
        return self.timeline.closed_form(start, end).derivative()

    def __repr__(self) -> str:
        return f"d({self.timeline!r})/dt"


def piece_means(signal: Signal, piece: Piece, starts: NDArray[np.int64], aperture: int) -> Array:
    """Exact means of one piece: constants and exponentials in closed form, series by a rule of their degree."""
    simple = piece.series.shape[0] == 1 and all(t.series.shape[0] == 1 for t in piece.terms)
    if aperture == 0 or not simple:
        return means_by_quadrature(signal, starts, aperture) if aperture else signal.at(Times(starts))
    times, width = Times(starts), aperture / NS
    total: Array = np.full(starts.shape, piece.series[0, 0].real)
    for term in piece.terms:
        z = term.rate * width
        factor = np.expm1(z) / z if z != 0 else 1.0
        total = total + (term.series[0, 0] * factor * term.exponential(times, piece.start)).real
    return total


def _same(current: Piece, law: Piece) -> bool:
    constants = current.end is law.end is None and current.is_constant() and law.is_constant()
    return constants and bool(current.series[0, 0] == law.series[0, 0])
