"""Instants at which signals are evaluated.

Time is kept in integer nanoseconds: phases and exponents are reduced in integers and a day of readings stays exact.
Quadrature nodes need more than a nanosecond; they carry the rest as a float below 1 ns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin import chebyshev

if TYPE_CHECKING:
    from twin.signal import Signal
    from twin.track import Span, Track

NS = 1_000_000_000
BURSTS, REGULAR, KEPT = 64, 16, 4096
"""So many bursts, or instants in a row, are worth a look for whether they are regular;
so many are worth their memory."""
Array = NDArray[np.float64]


def to_ns(seconds: float) -> int:
    """Seconds as integer nanoseconds, rounded to the nearest."""
    return round(seconds * NS)


class Regular(NamedTuple):
    """Where the instants of a schedule lie: what repeats from cycle to cycle, and may be the key of what is kept.

    Parameters
    ----------
    first : instant (ns); every : from burst to burst (ns); bursts : so many.
    within : integers (ns) from a burst's first instant to all of its instants, as bytes.
    """

    first: int
    every: int
    bursts: int
    within: bytes

    @property
    def coarse_and_fine(self) -> tuple[Array, Array]:
        """Two short rows of seconds whose sums are these instants, and some after them.

        All sums of the first coarse one come first.
        """
        within = np.frombuffer(self.within, dtype=np.int64)
        many = math.isqrt(-(-self.bursts // within.size))
        fine = (self.every * np.arange(many)[:, None] + within).ravel() / NS
        return (self.first + many * self.every * np.arange(-(-self.bursts // many))) / NS, fine


class Times:
    """Instants, with a memo of what signals were found to be at them, and of where in a track they are.

    Parameters
    ----------
    ns : integer nanoseconds, any shape.
    rest : float seconds to add, below 1 ns; an array of the shape of `ns`, or 0.
    """

    def __init__(self, ns: NDArray[np.int64], rest: Array | float = 0.0) -> None:
        self.ns = ns
        self.rest = rest
        self.is_fractional = not isinstance(rest, float) or rest != 0.0
        self.stretch: tuple[int, int] | None = None  # whose Chebyshev nodes these are
        self._ends: tuple[int, int] | None = None
        self._every: int | None = None
        self._step: int | None = None
        self._since: tuple[int, Array] | None = None
        self._split: tuple[int, NDArray[np.int64], NDArray[np.int64]] | None = None
        self.memo: dict[Signal, Array] = {}
        self.spans: dict[Track, list[Span]] = {}
        self._constants: dict[Signal, float | None] = {}

    @classmethod
    def of(cls, t: ArrayLike) -> Times:
        """From an array: integers are nanoseconds, floats are seconds."""
        array = np.asarray(t)
        if array.dtype.kind in "iu":
            return cls(array.astype(np.int64))
        whole = np.floor(array)
        ns = np.rint((array - whole) * NS)
        rest = (array - whole) - ns / NS
        return cls(whole.astype(np.int64) * NS + ns.astype(np.int64), rest)

    @classmethod
    def offset(cls, start: int | NDArray[np.int64], seconds: Array) -> Times:
        """`start` (ns) plus float seconds, without rounding to nanoseconds."""
        whole = np.floor(seconds * NS)
        ns, rest = start + whole.astype(np.int64), seconds - whole / NS
        return cls(ns, rest if rest.shape == ns.shape else np.broadcast_to(rest, ns.shape))

    @classmethod
    def nodes(cls, first: int, last: int, n: int) -> Times:
        """The n Chebyshev nodes of a stretch of time from `first` to `last` (ns), symmetric about its middle."""
        ns, rest = _places(last - first, n)
        times = cls(first + ns, rest)
        times.stretch, times._ends = (first, last), (int(times.ns[0]), int(times.ns[-1]))
        return times

    @property
    def first(self) -> int:
        """The earliest instant (ns)."""
        return self._span()[0]

    @property
    def last(self) -> int:
        """The latest instant (ns)."""
        return self._span()[1]

    def _span(self) -> tuple[int, int]:
        if self._ends is None:
            self._ends = (int(self.ns.min()), int(self.ns.max())) if self.ns.size else (0, -1)
        return self._ends

    def constant(self, signal: Signal) -> float | None:
        """The value of a signal that is known to be the same from the first to the last instant, else None."""
        if signal not in self._constants:
            self._constants[signal] = signal.constant_over(self.first, self.last + 1)
        return self._constants[signal]

    def since(self, start: int) -> Array:
        """Seconds since `start` (ns); not to be written to."""
        if self._since is None or self._since[0] != start:
            seconds = (self.ns - start) / NS
            self._since = start, seconds + self.rest if self.is_fractional else seconds
        return self._since[1]

    def turns_since(self, start: int, hertz: Fraction) -> Array:
        """Cycles of an oscillation at `hertz` since `start` (ns), modulo 1 up to a small integer, reduced exactly."""
        if self._split is None or self._split[0] != start:
            self._split = start, *np.divmod(self.ns - start, NS)
        _, whole, part = self._split
        n, d = hertz.numerator, hertz.denominator
        if abs(n) <= 2**20 and d < 2**31 and abs(n) <= 20 * d:
            turns: Array = (whole * n) % d / d + (n / d) * (part / NS + self.rest)
            return turns
        mantissa, exponent = math.frexp(float(hertz))
        head = math.ldexp(
            round(math.ldexp(mantissa, 22)), exponent - 22
        )  # 22 bits: its products with integers are exact
        tail = float(hertz - Fraction(head))
        turns = np.fmod(whole * head, 1.0) + np.fmod(part * head, float(NS)) / NS
        return turns + (whole + part / NS) * tail + float(hertz) * self.rest

    @property
    def every(self) -> int:
        """From row to row (ns), if these are the many bursts of a regular schedule; 0 if not."""
        if self._every is None:
            self._every = 0
            if self.ns.ndim == 2 and len(self.ns) >= BURSTS and not self.is_fractional:
                every = int(self.ns[1, 0] - self.ns[0, 0])
                if every > 0 and np.array_equal(self.ns[1:], self.ns[:-1] + every):
                    self._every = every
        return self._every

    def regular(self, start: int) -> Regular:
        """How these instants lie from `start` (ns) on, if they are `every` so long or in a `step`."""
        if self.every:
            return Regular(int(self.ns[0, 0]) - start, self.every, len(self.ns), (self.ns[0] - self.ns[0, 0]).tobytes())
        return Regular(int(self.ns.flat[0]) - start, self.step, self.ns.size, bytes(8))

    @property
    def step(self) -> int:
        """From instant to instant (ns), if they are many in one row at regular steps; 0 if not."""
        if self._step is None:
            self._step = 0
            if self.ns.shape[:-1] in ((), (1,)) and self.ns.size >= REGULAR and not self.is_fractional:
                instants = self.ns.ravel()
                steps = instants[1:] - instants[:-1]
                if steps[0] > 0 and bool((steps == steps[0]).all()):
                    self._step = int(steps[0])
        return self._step

    def rows_per_turn(self, hertz: Sequence[Fraction]) -> int | None:
        """After how many bursts (rows) oscillations repeat together on a regular schedule; None if they do not soon.

        Regular instants in one row are bursts of one each.
        """
        every = self.every or self.step
        if not every:
            return None
        turns = ((f.numerator * every, f.denominator * NS) for f in hertz)
        rows = math.lcm(*(whole // math.gcd(part, whole) for part, whole in turns))
        return rows if rows <= 16 else None

    def in_a_row(self) -> Times:
        """The same instants in one dimension."""
        if self.ns.ndim == 1:
            return self
        rest = self.rest if isinstance(self.rest, float) else np.broadcast_to(self.rest, self.ns.shape).ravel()
        return Times(self.ns.ravel(), rest)

    def at(self, index: Any) -> Times:
        """The instants at an index or slice."""
        rest = self.rest if isinstance(self.rest, float) else self.rest[index]
        part = Times(self.ns[index], rest)
        if self._step and isinstance(index, slice) and index.step is None:
            part._step = self._step if part.ns.size >= REGULAR else 0
        return part


@lru_cache(maxsize=128)
def _places(length: int, n: int) -> tuple[NDArray[np.int64], Array]:
    """Where the n Chebyshev nodes of `length` ns are: whole nanoseconds, and the rest in seconds."""
    times = Times.offset(0, (chebyshev.nodes(n) + 1.0) * (0.5 * length / NS))
    return times.ns, np.asarray(times.rest)


# Instants that several ask for are kept with what was found at them, until a law changes.


def stretch(first: int, last: int, n: int = 32) -> Times:
    """`Times.nodes`, which several may ask for."""
    return _nodes(first, last, n)


@lru_cache(maxsize=8)
def _nodes(first: int, last: int, n: int) -> Times:
    return Times.nodes(first, last, n)


@lru_cache(maxsize=8)
def _column(first: int, every: int, count: int) -> Times:
    return Times((first + every * np.arange(count, dtype=np.int64))[:, None])


def within(starts: NDArray[np.int64], seconds: Array) -> Times:
    """So many seconds after each of the starts, shape (starts, seconds); few of them are kept."""
    if starts.size * seconds.size > KEPT:
        return Times.offset(starts[:, None], seconds)
    return _within(starts.tobytes(), seconds.tobytes())


@lru_cache(maxsize=32)
def _within(starts: bytes, seconds: bytes) -> Times:
    return Times.offset(np.frombuffer(starts, dtype=np.int64)[:, None], np.frombuffer(seconds))


def middles(starts: NDArray[np.int64], aperture: int) -> Times:
    """The middle of each burst of readings over `aperture` ns that start at `starts`, shape (…, 1)."""
    first = starts[..., :1] + (starts[..., -1:] - starts[..., :1] + aperture) // 2
    if first.ndim != 2 or len(first) < 2:
        return Times(first)
    every = int(first[1, 0] - first[0, 0])
    column = _column(int(first[0, 0]), every, len(first))
    return column if np.array_equal(column.ns, first) else Times(first)


def forget_shared() -> None:
    """What was found is no longer so, or of no more use."""
    _nodes.cache_clear()
    _column.cache_clear()
    _within.cache_clear()
