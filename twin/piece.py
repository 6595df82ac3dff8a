"""Closed-form pieces: ``Re sum_k p_k(u) exp(rate_k tau)`` on a half-open stretch of time.

``tau`` is the time since the piece's start, ``u = 2 tau/length - 1`` runs over [-1, 1], and each ``p_k`` is a Chebyshev
series. Constants, ramps, quarter sines, harmonics and the responses of linear parts to all of these are such pieces, so
that linear systems map pieces to pieces (`twin.response`). A piece may carry several channels that share exponents.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin import chebyshev
from twin.terms import NO_DECAYS, TWO_PI, Decays, Term, values_of_series
from twin.times import NS, Times

Array = NDArray[Any]
DECAYED = 50.0
"""Time constants after which an exponential is below any rounding, 2e-22."""
MANY, FEW = 256, 4096
"""So many instants are worth a look for what has decayed; up to so many irregular ones, decays are taken together."""
_SAMPLES = 256  # of a piece, or of the period of its fastest term, in which its extremes are looked for
LONG, ROUNDING = 48, 2e-16
"""The last coefficients of a series longer than this are dropped if they are below this part of its largest."""


@dataclass(frozen=True)
class Piece:
    """A closed form on [start, end).

    Parameters
    ----------
    start, end : integer nanoseconds; `end` None means without end (then all series are constant).
    length : the nanoseconds that u = -1 … 1 spans; it outlasts a piece that is cut short.
    series : Chebyshev coefficients of the part without exponential, shape (degree + 1, channels).
    terms, decays : the exponential parts.
    """

    start: int
    end: int | None
    length: int
    series: Array
    terms: tuple[Term, ...] = ()
    decays: Decays = NO_DECAYS

    @property
    def all_terms(self) -> tuple[Term, ...]:
        """The exponential parts one by one."""
        return (*self.terms, *self.decays.terms) if self.decays else self.terms

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.series.shape[1])

    def cut(self, end: int) -> Piece:
        """The same form, valid until `end` only."""
        return replace(self, end=end)

    def evaluate(self, times: Times) -> Array:
        """Real values of a one-channel piece."""
        if not (self.terms or self.decays):
            return values_of_series(self.series[:, 0].real, self.start, self.length, times)
        swings, others = self._kinds
        rows = times.rows_per_turn([term.swings for term in swings if term.swings]) if swings else None
        if rows is None:
            others = (*swings, *others)
            total = values_of_series(self.series[:, 0].real, self.start, self.length, times)
        else:  # a regular schedule on which the oscillations repeat: once for all
            bursts = times.ns if times.every else times.ns.reshape(-1, 1)
            some, count = Times(bursts[:rows]), len(bursts)
            turn = sum(t.evaluate(some, self.start, self.length) for t in swings)
            if len(self.series) == 1:
                turn = turn + self.series[0, 0].real
            total = np.tile(turn, (-(-count // rows), 1))[:count].reshape(times.ns.shape)
            if len(self.series) > 1:
                total += values_of_series(self.series[:, 0].real, self.start, self.length, times)
        if self.decays and (times.ns.size <= FEW or times.every or times.step):
            total += self.decays.evaluate(times, self.start)
        elif self.decays:
            others = (*others, *self.decays.terms)
        for term in others:
            self._add(total, term, times)
        return total

    @cached_property
    def _kinds(self) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
        """The terms: pure oscillations, and others."""
        swings = tuple(term for term in self.terms if term.swings is not None)
        return swings, tuple(term for term in self.terms if term.swings is None)

    def _add(self, total: Array, term: Term, times: Times) -> None:
        """Add a term; one that has long decayed at many of the instants is evaluated at the others only."""
        if times.ns.size > MANY and term.rate.real < 0.0:
            alive = times.ns < self.start + math.ceil(DECAYED / -term.rate.real * NS)
            if np.count_nonzero(alive) < times.ns.size // 2:
                total[alive] += term.evaluate(times.at(alive), self.start, self.length)
                return
        total += term.evaluate(times, self.start, self.length)

    def values_at(self, instant: int) -> Array:
        """All channels at one instant (ns), complex if the piece is, shape (channels,)."""
        if len(self.series) == 1 and not (self.terms or self.decays):
            value: Array = self.series[0].copy()
            return value
        longest = max([self.series.shape[0], *(t.series.shape[0] for t in self.terms)])
        ones = longest == 1 or instant == self.start + self.length
        polynomials = np.ones(longest) if ones else _t((instant - self.start) * (2.0 / self.length) - 1.0, longest)
        total: Array = polynomials[: self.series.shape[0]] @ self.series
        for term in self.terms:
            total = total + (polynomials[: term.series.shape[0]] @ term.series) * term.growth(instant, self.start)
        if self.decays:
            total = total + self.decays.growth((instant - self.start) / NS) @ self.decays.factors
        return total

    def project(self, weights: Array) -> Piece:
        """The one-channel piece ``Re weights · channels``; conjugate exponents are folded together."""
        series = (self.series @ weights)[:, None].real
        folded: dict[complex, Term] = {}
        for term in self.terms:
            rate, hertz, one = term.rate, term.hertz, (term.series @ weights)[:, None]
            if not one.any():
                continue
            if rate.imag < 0:
                rate, hertz, one = rate.conjugate(), None if hertz is None else -hertz, one.conj()
            elif rate.imag == 0:
                one = one.real
            same = folded.get(rate)
            folded[rate] = Term(rate, one if same is None else _add(one, same.series), hertz)
        series = chebyshev.trimmed(series)
        if len(series) > LONG:
            series = series[: max(LONG, len(chebyshev.trimmed(series, ROUNDING)))]
        decays = Decays(self.decays.rates, (self.decays.factors @ weights)[:, None].real) if self.decays else NO_DECAYS
        return Piece(self.start, self.end, self.length, series, tuple(folded.values()), decays)

    def rebased(self, start: int, end: int) -> Piece:
        """The same function with its origin at `start` and u spanning [start, end)."""
        if start == self.start and end - start == self.length:
            return self if end == self.end else replace(self, end=end)
        at = Times(np.array(start, dtype=np.int64))

        def moved(series: Array) -> Array:
            n = series.shape[0]
            if n == 1:
                return series
            tau = (start - self.start) + (chebyshev.nodes(n) + 1.0) * (0.5 * (end - start))
            u = tau * (2.0 / self.length) - 1.0
            values = np.stack([chebyshev.evaluate(series[:, c], u) for c in range(series.shape[1])], axis=1)
            rebuilt: Array = chebyshev.interpolation(n) @ values
            return rebuilt

        terms = tuple(Term(t.rate, moved(t.series) * t.exponential(at, self.start), t.hertz) for t in self.terms)
        decays = self.decays.scaled(self.decays.growth((start - self.start) / NS)[:, None])
        return Piece(start, end, end - start, moved(self.series), terms, decays)

    def derivative(self) -> Piece:
        """The time derivative."""
        per_second = 2.0 * NS / self.length

        def slope(series: Array) -> Array:
            return per_second * (chebyshev.differentiation(series.shape[0]) @ series)

        terms = tuple(Term(t.rate, slope(t.series) + t.rate * t.series, t.hertz) for t in self.terms)
        series = slope(chebyshev.trimmed(self.series, chebyshev.ROUNDING))
        decays = self.decays.scaled(self.decays.rates[:, None])
        return Piece(self.start, self.end, self.length, chebyshev.trimmed(series), terms, decays)

    def is_constant(self) -> bool:
        """Whether the value does not change with time."""
        return not self.terms and not self.decays and (self.series.shape[0] == 1 or not self.series[1:].any())


def combine(pieces: Sequence[tuple[float, Piece]], start: int, end: int) -> Piece:
    """The linear combination of one-channel pieces on [start, end)."""
    series: Array = np.zeros((1, 1))
    terms: list[Term] = []
    decays: Decays = NO_DECAYS
    for factor, piece in pieces:
        moved = piece.rebased(start, end)
        series = _add(series, factor * moved.series)
        terms += [replace(t, series=factor * t.series) for t in moved.terms]
        decays = decays.joined(moved.decays.scaled(factor))
    return Piece(start, end, end - start, series, tuple(terms), decays)


def _add(a: Array, b: Array) -> Array:
    if a.shape[0] < b.shape[0]:
        a, b = b, a
    total = a.astype(np.result_type(a, b))
    total[: b.shape[0]] += b
    return total


def _t(u: float, n: int) -> Array:
    """The first n Chebyshev polynomials at one point of [-1, 1]."""
    t: Array = np.cos(np.arange(n) * math.acos(min(max(u, -1.0), 1.0)))
    return t


# Laws: what a component is told to do from now on.


def constant(value: float, start: int, end: int | None = None) -> Piece:
    """A value that stays."""
    return Piece(start, end, (end - start) if end is not None else NS, np.array([[float(value)]]))


def ramp(initial: float, final: float, start: int, end: int) -> Piece:
    """A straight line from `initial` at `start` to `final` at `end`; with no time between, the final value."""
    if end == start:
        return Piece(start, end, NS, np.array([[float(final)]]))
    middle, half = 0.5 * (final + initial), 0.5 * (final - initial)
    return Piece(start, end, end - start, np.array([[middle], [half]]))


def polynomial(coefficients: Sequence[float], start: int, end: int) -> Piece:
    """``sum_k c_k tau^k`` with tau in seconds since `start`."""
    n = len(coefficients)
    scaled = np.asarray(coefficients, dtype=float) * (0.5 * (end - start) / NS) ** np.arange(n)
    return Piece(start, end, end - start, (chebyshev.powers(n) @ scaled)[:, None])


def harmonics(
    offset: float, amplitudes: dict[Fraction, complex], start: int, end: int | None = None, *, origin: int | None = None
) -> Piece:
    """``offset + Re sum_f a_f exp(2 pi i f (t - origin))``; `amplitudes` maps frequency (Hz) to complex amplitude.

    ``-1j * a`` gives ``a sin``. The phase counts from `origin` (ns), by default from `start`.
    """
    at = Times(np.array(start, dtype=np.int64))
    terms = []
    for hertz, amplitude in amplitudes.items():
        term = Term(1j * TWO_PI * float(hertz), np.array([[complex(amplitude)]]), hertz)
        if origin is not None and origin != start:
            term = replace(term, series=term.series * term.exponential(at, origin))
        terms.append(term)
    length = (end - start) if end is not None else NS
    return Piece(start, end, length, np.array([[float(offset)]]), tuple(terms))


def sines(amplitudes: Sequence[float], phases: Sequence[float], orders: Sequence[int]) -> dict[int, complex]:
    """Complex amplitudes, as `harmonics` takes them, of ``Σ a_n sin(2π n f t + φ_n)`` by order; phases in rad."""
    return {n: complex(-1j * a * np.exp(1j * p)) for n, a, p in zip(orders, amplitudes, phases, strict=True)}


@lru_cache(maxsize=256)
def exact_hertz(frequency: float) -> Fraction:
    """A float frequency as the rational that its shortest decimal form names (0.95 is 19/20)."""
    return Fraction(repr(float(frequency)))


@lru_cache(maxsize=1024)
def growth_degree(decay: float, oscillation: float) -> int:
    """Degree of a Chebyshev series that holds ``exp(z (u+1)/2)`` to round-off, for |Re z| and |Im z| up to these."""
    exponent = float(np.hypot(decay, oscillation))
    if exponent > 40.0:  # a decaying layer: its width sets the degree; an oscillation: its cycles
        return int(6.5 * decay**0.5 + 0.5 * oscillation + 10.0 * oscillation ** (1 / 3)) + 12
    degree, term = 0, 1.0
    while term > 1e-18:
        degree += 1
        term *= 0.25 * exponent / degree
    return degree + 2


def extremes(law: Piece) -> tuple[float, float]:
    """The lowest and the highest value of a law.

    From samples (of a periodic law over one period) and a parabola through the outermost one and its neighbours: to
    1e-6 of the amplitude of an oscillation or of the range of a polynomial of third degree; a parabola is exact.
    """
    span = law.length if law.end is None else law.end - law.start
    swings = [abs(term.swings) for term in law.terms if term.swings]
    if swings and len(swings) == len(law.terms) and len(law.series) == 1:
        period = math.ceil(math.lcm(*(f.denominator for f in swings)) * NS / math.gcd(*(f.numerator for f in swings)))
        span = period if law.end is None else min(span, period)
    fastest = max((abs(term.rate.imag) / TWO_PI for term in law.terms), default=0.0)
    count = _SAMPLES * max(math.ceil(fastest * span / NS), len(law.series)) + 1
    z = law.evaluate(Times(np.linspace(law.start, law.start + span, count).astype(np.int64)))
    return -_highest(-z), _highest(z)


def _highest(z: Array) -> float:
    """The largest of equally spaced samples, or the vertex of the parabola through it and its neighbours."""
    k = int(np.argmax(z))
    if not 0 < k < len(z) - 1:
        return float(z[k])
    before, top, after = (float(v) for v in z[k - 1 : k + 2])
    curvature = before - 2.0 * top + after
    return top if curvature == 0.0 else top - (after - before) ** 2 / (8.0 * curvature)
