"""Timelines: signals made of closed-form pieces, one law after another."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from twin import chebyshev
from twin.errors import SimulationError
from twin.piece import Piece, constant, growth_degree, ramp
from twin.quadrature import gauss
from twin.response import CLOSE, kernel
from twin.signal import Signal
from twin.times import NS, Times
from twin.track import Track

Array = NDArray[np.float64]
MANY, FEW, SHORT = 8, 32, 4
"""Apertures for each term of a series, from which on their means are worth a series of their own; so few at regular
steps are worth a matrix that is kept, unless the series has so few terms."""


class Timeline(Signal):
    """A signal that a component is told to follow: one law after another, each a closed form.

    Parameters
    ----------
    name : ``component.port``, for messages.
    initial : its value until the first law.

    Attributes
    ----------
    told : called with the laws that it has been told to follow, unless they change nothing.
    """

    def __init__(self, name: str, initial: float = 0.0) -> None:
        self.name = name
        self.told: Callable[[tuple[Piece, ...]], None] | None = None
        self.leaves = frozenset({self})
        self.track = Track(name)
        self.track.append(constant(initial, 0))

    def follow(self, *laws: Piece) -> None:
        """From the first law's start on, follow these laws instead of what was planned.

        The laws adjoin; the last one has no end (a law that has an end is prolonged by its final value). Laws that say
        what already holds change nothing, so that an event without effect leaves no trace.
        """
        for before, after in pairwise(laws):
            if before.end != after.start:
                raise SimulationError(
                    f"{self.name}: a law ends at {before.end} ns, but the next one starts at {after.start} ns; "
                    "let them adjoin"
                )
        plan = [law for law in laws if law.end != law.start]
        if laws[-1].end is not None:
            final = float(laws[-1].values_at(laws[-1].end)[0].real)
            plan.append(constant(final, laws[-1].end))
        start = laws[0].start
        if self._says_already(plan, start):
            return
        self.track.truncate(start)
        for law in plan:
            self.track.append(law)
        if self.told is not None:
            self.told(laws)

    def _says_already(self, plan: list[Piece], start: int) -> bool:
        first = bisect_right(self.track.starts, start) - 1
        current = self.track.pieces[first:] if first >= 0 else []
        return len(current) == len(plan) and all(_same(a, b) for a, b in zip(current, plan, strict=True))

    def ramp_to(self, final: float, start: int, end: int) -> None:
        """From `start` on go from the value there to `final` along a straight line until `end`, and stay."""
        initial = float(self.track.pieces[self.track.index(start)].values_at(start)[0].real)
        if initial != final:
            self.follow(ramp(initial, final, start, end))

    def _evaluate(self, times: Times) -> Array:
        return self.track.evaluate(times, lambda piece: piece)

    def means(self, starts: NDArray[np.int64], aperture: int) -> Array:
        return track_means(self.track, lambda piece: piece, starts, aperture) if aperture else self.at(Times(starts))

    def breakpoints(self, start: int, end: int) -> set[int]:
        first = bisect_right(self.track.starts, start)
        last = bisect_right(self.track.starts, end - 1)
        return set(self.track.starts[first:last])

    def next_breakpoint(self, start: int, end: int) -> int:
        first = bisect_right(self.track.starts, start)
        return min(self.track.starts[first], end) if first < len(self.track.starts) else end

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
        return self.timeline.track.evaluate(times, Piece.derivative)

    def closed_form(self, start: int, end: int) -> Piece:
        return self.timeline.closed_form(start, end).derivative()

    def __repr__(self) -> str:
        return f"d({self.timeline!r})/dt"


def track_means(track: Track, form: Callable[[Piece], Piece], starts: NDArray[np.int64], aperture: int) -> Array:
    """Means over [start, start + aperture) of a track whose pieces have these one-channel forms."""
    flat = starts.ravel()
    whole = track.index(int(flat.min()))
    if whole == track.index(int(flat.max()) + aperture - 1):
        return piece_means(form(track.pieces[whole]), flat, aperture).reshape(starts.shape)
    known = np.array(track.starts, dtype=np.int64)
    first = np.searchsorted(known, flat, side="right") - 1
    last = np.searchsorted(known, flat + aperture - 1, side="right") - 1
    result = np.empty(flat.shape)
    inside = np.nonzero(first == last)[0]
    inside = inside[np.argsort(first[inside], kind="stable")]
    for index in np.split(inside, np.nonzero(np.diff(first[inside]))[0] + 1):
        if len(index):
            result[index] = piece_means(form(track.pieces[first[index[0]]]), flat[index], aperture)
    for i in np.nonzero(first != last)[0]:
        start, end = int(flat[i]), int(flat[i]) + aperture
        edges = [start, *track.starts[first[i] + 1 : last[i] + 1], end]
        pieces = [form(piece) for piece in track.pieces[first[i] : last[i] + 1]]
        parts = [
            (b - a) * piece_means(piece, np.array([a], dtype=np.int64), b - a)[0]
            for piece, (a, b) in zip(pieces, pairwise(edges), strict=True)
        ]
        result[i] = sum(parts) / aperture
    return result.reshape(starts.shape)


def piece_means(piece: Piece, starts: NDArray[np.int64], aperture: int) -> Array:
    """Exact means of one piece: exponentials in closed form, series by a Gauss rule of their degree."""
    times, width = Times(starts), aperture / NS
    total = _series_means(piece, piece.series[:, 0].real, 0.0, starts, aperture)
    if piece.decays:
        falls = piece.decays.rates[:, None] * width
        total = total + piece.decays.scaled(np.expm1(falls) / falls).evaluate(times, piece.start)
    for term in piece.terms:
        z = term.rate * width
        if len(term.series) == 1:
            factor = np.expm1(z) / z if z != 0 else 1.0
            total = total + (term.series[0, 0] * factor * term.exponential(times, piece.start)).real
        elif abs(z) <= CLOSE:
            wave = term.exponential(times, piece.start)
            total = total + (wave * _series_means(piece, term.series[:, 0], term.rate, starts, aperture)).real
        else:
            # The antiderivative of p e^{rate τ} is P e^{rate τ} with dP/dτ = -rate P + p.
            antiderivative = kernel((-term.rate,), piece.length, len(term.series)).particular[0] @ term.series
            whole = Piece(piece.start, None, piece.length, np.zeros((1, 1)), (replace(term, series=antiderivative),))
            total = total + (whole.evaluate(Times(starts + aperture)) - whole.evaluate(times)) / width
    return total


def _series_means(piece: Piece, series: Array, rate: complex, starts: NDArray[np.int64], aperture: int) -> Array:
    """Means of a Chebyshev series times ``exp(rate · time since the start of the aperture)``, |rate · aperture| ≤
    `CLOSE`."""
    if len(series) == 1 and rate == 0:
        return np.full(starts.shape, series[0])
    if len(series) > SHORT and starts.size <= FEW and rate == 0 and _is_regular(starts):
        step = int(starts[1] - starts[0]) if starts.size > 1 else 0
        size = -(-len(series) // 16) * 16  # few sizes of matrix
        means = _regular_means(size, int(starts[0]) - piece.start, step, starts.size, aperture, piece.length)
        return means[:, : len(series)] @ series
    if starts.size > MANY * len(series):
        # The mean is a series of the same degree in the start: found at its nodes, evaluated wherever it is asked for.
        first, last = int(starts.min()), int(starts.max())
        middle, half = 0.5 * (first + last), 0.5 * (last - first)
        x = middle + half * chebyshev.nodes(len(series))
        at_nodes = _means_from(piece, series, rate, x, aperture)
        return chebyshev.evaluate_many(chebyshev.interpolation(len(series)) @ at_nodes, (starts - middle) / half)
    return _means_from(piece, series, rate, starts.astype(np.float64), aperture)


def _is_regular(starts: NDArray[np.int64]) -> bool:
    steps = starts[1:] - starts[:-1]
    return bool((steps == steps[:1]).all())


@lru_cache(maxsize=64)
def _regular_means(n: int, first: int, step: int, count: int, aperture: int, length: int) -> Array:
    """Means of T_j, j < n, over `count` apertures at regular steps, from `first` ns after the start of a piece.

    Shape (count, n). Schedules repeat from cycle to cycle, relative to the pieces that they are read from.
    """
    x, w = gauss(n // 2 + 1)
    u = (first + step * np.arange(count)[:, None] + x * aperture) * (2.0 / length) - 1.0
    polynomials = np.cos(np.multiply.outer(np.arccos(np.clip(u, -1.0, 1.0)), np.arange(n)))
    matrix: Array = np.einsum("ijk,j->ik", polynomials, w)
    return matrix


def _means_from(piece: Piece, series: Array, rate: complex, starts: Array, aperture: int) -> Array:
    """The same by Gauss rules, of growing order up to the exact one."""
    exact = (len(series) + growth_degree(float(np.ceil(abs(rate) * aperture / NS)), 0.0)) // 2 + 1
    before: Array | None = None
    orders = sorted({min(4, exact), min(8, exact), exact}) if starts.size > MANY else [exact]
    for order in orders:  # short apertures need few nodes
        x, w = gauss(order)
        tau = x * (aperture / NS)
        u = ((starts[..., None] - piece.start) / NS + tau) * (2.0 * NS / piece.length) - 1.0
        means: Array = chebyshev.evaluate(series, u) @ (w * np.exp(rate * tau))
        if before is not None and np.max(np.abs(means - before)) <= 1e-15 * np.max(np.abs(means)):
            break
        before = means
    return means


def _same(current: Piece, law: Piece) -> bool:
    """Whether a law says what holds already: the same constant, or the same form from the same start."""
    if current.is_constant() and law.is_constant():
        return current.end == law.end and bool(current.series[0, 0] == law.series[0, 0])
    return (
        (current.start, current.end, current.length) == (law.start, law.end, law.length)
        and np.array_equal(current.series, law.series)
        and len(current.all_terms) == len(law.all_terms)
        and all(
            (a.rate, a.hertz) == (b.rate, b.hertz) and np.array_equal(a.series, b.series)
            for a, b in zip(current.all_terms, law.all_terms, strict=True)
        )
    )
