"""What closed-form pieces are made of: Chebyshev series, series times exponentials, and plain decays."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin import chebyshev
from twin.times import NS, Regular, Times

Array = NDArray[Any]
TWO_PI = 2.0 * np.pi
MANY = 512
"""From so many regular instants on, an exponential is a product of two that few instants need."""
VANISHED = -100.0
"""Exponent that stands for lower ones: numbers that underflow take processors long."""


@dataclass(frozen=True)
class Term:
    """``p(u) exp(rate tau)``.

    Parameters
    ----------
    rate : complex or real (1/s).
    series : Chebyshev coefficients of p, shape (degree + 1, channels).
    hertz : the exact frequency if the imaginary part of `rate` is 2 pi times a rational; phases are then reduced in
        integers.
    """

    rate: complex
    series: Array
    hertz: Fraction | None = None

    def exponential(self, times: Times, start: int) -> Array:
        """exp(rate tau) at the instants."""
        if self.hertz is not None:
            turns = times.turns_since(start, self.hertz)
            wave: Array = np.exp(1j * TWO_PI * (turns - np.rint(turns)))
            return wave if self.rate.real == 0 else wave * np.exp(self.rate.real * times.since(start))
        rate: complex | float = self.rate.real if self.rate.imag == 0 else self.rate
        result: Array = np.exp(rate * times.since(start))
        return result

    def growth(self, instant: int, start: int) -> Any:
        """exp(rate tau) at one instant (ns)."""
        if self.hertz is not None:
            return self.exponential(Times(np.array(instant, dtype=np.int64)), start)
        return np.exp((self.rate.real if self.rate.imag == 0 else self.rate) * ((instant - start) / NS))

    def evaluate(self, times: Times, start: int, length: int) -> Array:
        """The real part of the first channel at the instants."""
        factor: Any = self.series[0, 0]
        if self.series.shape[0] > 1:
            factor = values_of_series(self.series[:, 0], start, length, times)
        result: Array = (factor * self.exponential(times, start)).real
        return result

    @property
    def swings(self) -> Fraction | None:
        """The exact frequency of a pure oscillation; None for anything else."""
        return self.hertz if self.rate.real == 0 and self.series.shape[0] == 1 else None

    def conjugate(self) -> Term:
        """The term whose real part is the same."""
        return Term(self.rate.conjugate(), self.series.conj(), None if self.hertz is None else -self.hertz)


@dataclass(frozen=True)
class Decays:
    """``Σ factors_k exp(rates_k tau)``: what is left of modes that go their own way.

    Parameters
    ----------
    rates : all real (1/s), shape (decays,).
    factors : shape (decays, channels).
    """

    rates: Array
    factors: Array

    def __bool__(self) -> bool:
        return len(self.rates) > 0

    def growth(self, tau: Array | float) -> Array:
        """exp(rates tau), tau in seconds, shape (…, decays)."""
        return _growth(self.rates, tau)

    def evaluate(self, times: Times, start: int) -> Array:
        """The real part of the first channel at the instants."""
        factors = self.factors[:, 0].real
        if times.ns.size <= MANY or not (times.every or times.step):
            total: Array = self.growth(times.since(start)) @ factors
            return total
        coarse, fine = _growths(self.rates.tobytes(), times.regular(start))
        total = (factors * coarse) @ fine.T
        return total.ravel()[: times.ns.size].reshape(times.ns.shape)

    def scaled(self, by: Array | float) -> Decays:
        """The factors times what is broadcast to them."""
        return Decays(self.rates, self.factors * by) if self else self

    def joined(self, other: Decays) -> Decays:
        """These and others of the same channels."""
        if not (self and other):
            return self or other
        return Decays(np.concatenate([self.rates, other.rates]), np.concatenate([self.factors, other.factors]))

    @property
    def terms(self) -> tuple[Term, ...]:
        """The decays one by one."""
        return tuple(Term(rate, self.factors[k : k + 1]) for k, rate in enumerate(self.rates.tolist()))


def _growth(rates: Array, tau: Array | float) -> Array:
    result: Array = np.exp(np.maximum(np.asarray(tau)[..., None] * rates, VANISHED))
    return result


@lru_cache(maxsize=64)
def _growths(rates: bytes, instants: Regular) -> tuple[Array, Array]:
    """``exp(rates tau)`` over coarse and over fine ways, whose products are those at the instants."""
    coarse, fine = instants.coarse_and_fine
    return _growth(np.frombuffer(rates), coarse), _growth(np.frombuffer(rates), fine)


NO_DECAYS = Decays(np.zeros(0), np.zeros((0, 1)))


def values_of_series(series: Array, start: int, length: int, times: Times) -> Array:
    """A Chebyshev series over `length` ns from `start` at the instants, as a new array."""
    if len(series) == 1:
        return np.full(times.ns.shape, series[0])
    if times.every:
        return chebyshev.evaluate_rows(series, *times.regular(start), length)
    if times.stretch is not None:
        first, last = (instant - start for instant in times.stretch)
        return chebyshev.evaluate_at_nodes(series, first, last, times.ns.size, length)
    if times.step:
        at_steps = chebyshev.evaluate_at_steps(series, times.first - start, times.step, times.ns.size, length)
        return at_steps.reshape(times.ns.shape)
    return np.asarray(chebyshev.evaluate_many(series, times.since(start) * (2.0 * NS / length) - 1.0))
