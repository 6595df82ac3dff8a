"""Compositions: sums, products and functions of signals, evaluated pointwise when somebody reads."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.piece import Piece, combine, constant
from twin.same import Same
from twin.signal import Constant, Signal
from twin.tape import Play, Tape
from twin.times import Times

Array = NDArray[np.float64]
MANY, WORTHWHILE = 256, 2
"""So many instants are worth a look for what is the same all along; so often an expression is evaluated before it is
worth being written out."""


class Composition(Signal, metaclass=Same):
    """A signal whose value at an instant follows from the values of others at that instant.

    Attributes
    ----------
    operands : the other signals.
    """

    operands: tuple[Signal, ...] = ()

    @abstractmethod
    def combine(self, *values: Array) -> Array:
        """The value from those of the operands, elementwise."""

    def player(self) -> Callable[..., Array]:
        """`combine`, for repeated evaluation at the same instants with slightly other values."""
        return self.combine

    def expression(self, *operands: str, number: Callable[[float], str] = repr) -> str | None:
        """What `combine` does with operands of these names, if that is an expression in Python.

        Parameters
        ----------
        number : how a number is written in it.
        """
        return None

    def _evaluate(self, times: Times) -> Array:
        return self.combine(*[s.at(times) for s in self.operands])


class Arithmetic(Composition):
    """A composition that is an expression, as those that it is made of may be.

    On few instants these are evaluated together: what of them is constant as a number, the rest as it was written out.
    """

    _evaluated = 0
    _written: tuple[list[Signal], Play] | None = None

    def _at_few(self, times: Times) -> Array:
        if self._written is None:
            self._evaluated += 1
            if self._evaluated <= WORTHWHILE:
                return self.combine(*[s.at(times) for s in self.operands])
            ends = self._ends()
            self._written = ends, Tape([self], ends).with_givens([])
        ends, play = self._written
        value = play(*[s.at(times) if (number := times.constant(s)) is None else number for s in ends])[0]
        known = isinstance(value, np.ndarray) and value.shape == times.ns.shape
        return value if known else np.full(times.ns.shape, value)

    def _ends(self) -> list[Signal]:
        """Where the arithmetic begins: signals that are no expressions."""
        ends: list[Signal] = []
        ahead: list[Signal] = [self]
        seen = {*ahead}
        while ahead:
            for signal in ahead.pop().operands:
                if signal not in seen:
                    seen.add(signal)
                    (ahead if isinstance(signal, Arithmetic) else ends).append(signal)
        return ends


class Sum(Arithmetic):
    """``constant + Σ factor · signal``."""

    def __init__(self, offset: float, parts: tuple[tuple[float, Signal], ...]) -> None:
        self.offset, self.parts = offset, parts
        self.operands = tuple(s for _, s in parts)
        self._factors = tuple(f for f, _ in parts)
        self.leaves = frozenset().union(*(s.leaves for s in self.operands))

    def combine(self, *values: Array) -> Array:
        total = values[0] if self._factors[0] == 1.0 else self._factors[0] * values[0]
        for f, value in zip(self._factors[1:], values[1:], strict=True):
            total = total + (value if f == 1.0 else f * value)
        return total + self.offset if self.offset else total

    def expression(self, *operands: str, number: Callable[[float], str] = repr) -> str:
        text = ""
        for factor, name in zip(self._factors, operands, strict=True):
            sign = "" if not text else " - " if factor == -1.0 else " + "
            one = factor == 1.0 or sign == " - "
            text += f"{sign}{name}" if one else f"{sign}{number(float(factor))} * {name}"
        return f"{text} + {number(float(self.offset))}" if self.offset else text

    def _evaluate(self, times: Times) -> Array:
        if times.ns.size <= MANY:
            return self._at_few(times)
        offset, rest = self._folded(times.constant)
        return _added(offset, [(factor, signal.at(times)) for factor, signal in rest], times.ns.shape)

    def means(self, starts: NDArray[np.int64], aperture: int) -> Array:
        if aperture == 0:
            return self.at(Times(starts))
        span = int(starts.min()), int(starts.max()) + aperture
        offset, rest = self._folded(lambda signal: signal.constant_over(*span))
        return _added(offset, [(factor, signal.means(starts, aperture)) for factor, signal in rest], starts.shape)

    def _folded(self, constant: Callable[[Signal], float | None]) -> tuple[float, list[tuple[float, Signal]]]:
        """The sum of what is constant, and the parts that are not."""
        values = [constant(signal) for signal in self.operands]
        offset = sum((f * v for f, v in zip(self._factors, values, strict=True) if v is not None), self.offset)
        return offset, [part for part, value in zip(self.parts, values, strict=True) if value is None]

    def closed_form(self, start: int, end: int) -> Piece | None:
        pieces = [(factor, signal.closed_form(start, end)) for factor, signal in self.parts]
        known = [(factor, piece) for factor, piece in pieces if piece is not None]
        if len(known) < len(pieces):
            return None
        return combine([*known, (self.offset, constant(1.0, start, end))], start, end)

    def constant_over(self, start: int, end: int) -> float | None:
        total = self.offset
        for factor, signal in self.parts:
            value = signal.constant_over(start, end)
            if value is None:
                return None
            total += factor * value
        return total

    def derivative(self) -> Signal:
        return add(*(scale(factor, signal.derivative()) for factor, signal in self.parts))

    def __repr__(self) -> str:
        return "(" + " + ".join(f"{f:g}·{s!r}" for f, s in self.parts) + f" + {self.offset:g})"


def _added(offset: float, terms: list[tuple[float, Array]], shape: tuple[int, ...]) -> Array:
    """A constant and multiples of arrays; none of them is written to."""
    if not terms:
        return np.full(shape, offset)
    factor, first = terms[0]
    if len(terms) == 1 and factor == 1.0 and offset == 0.0:
        return first
    total = first * factor
    for factor, values in terms[1:]:
        total += values if factor == 1.0 else factor * values
    return np.add(total, offset, out=total) if offset else total


class Product(Arithmetic):
    """The pointwise product of two signals."""

    def __init__(self, a: Signal, b: Signal) -> None:
        self.a, self.b = a, b
        self.operands = (a, b)
        self.leaves = a.leaves | b.leaves

    def _evaluate(self, times: Times) -> Array:
        if times.ns.size <= MANY:
            return self._at_few(times)
        for factor, other in (self.operands, self.operands[::-1]):
            value = times.constant(factor)
            if value == 0.0:
                return np.zeros(times.ns.shape)
            if value is not None:
                return other.at(times) if value == 1.0 else value * other.at(times)
        return super()._evaluate(times)

    def combine(self, *values: Array) -> Array:
        return values[0] * values[1]

    def expression(self, *operands: str, number: Callable[[float], str] = repr) -> str:
        return " * ".join(operands)

    def means(self, starts: NDArray[np.int64], aperture: int) -> Array:
        if aperture == 0:
            return self.at(Times(starts))
        span = int(starts.min()), int(starts.max()) + aperture
        for factor, other in (self.operands, self.operands[::-1]):
            value = factor.constant_over(*span)
            if value is not None:
                return value * other.means(starts, aperture) if value else np.zeros(starts.shape)
        return super().means(starts, aperture)

    def constant_over(self, start: int, end: int) -> float | None:
        first = self.a.constant_over(start, end)
        second = 0.0 if first == 0.0 else self.b.constant_over(start, end)
        if second == 0.0:
            return 0.0
        return None if first is None or second is None else first * second

    def closed_form(self, start: int, end: int) -> Piece | None:
        value = self.constant_over(start, end)
        if value is not None:
            return constant(value, start, end)
        first, second = self.a.closed_form(start, end), self.b.closed_form(start, end)
        if first is None or second is None:
            return None
        if second.is_constant():
            first, second = second, first
        return combine([(float(first.series[0, 0].real), second)], start, end) if first.is_constant() else None

    def derivative(self) -> Signal:
        return self.a.derivative() * self.b + self.a * self.b.derivative()

    def __repr__(self) -> str:
        return f"{self.a!r}·{self.b!r}"


class Function(Composition):
    """``f(signal, …)`` pointwise.

    Parameters
    ----------
    function : of arrays, elementwise.
    signals : its arguments.
    slopes : the partial derivatives, as functions of the same arguments; needed for `derivative` only.
    """

    def __init__(
        self, function: Callable[..., Any], *signals: Signal, slopes: tuple[Callable[..., Any], ...] = ()
    ) -> None:
        self.function, self.operands, self.slopes = function, signals, slopes
        self.leaves = frozenset().union(*(s.leaves for s in signals))

    def combine(self, *values: Array) -> Array:
        result: Array = self.function(*values)
        return result

    def constant_over(self, start: int, end: int) -> float | None:
        values = [signal.constant_over(start, end) for signal in self.operands]
        if any(value is None for value in values):
            return None
        return float(np.asarray(self.function(*(np.array([value]) for value in values)))[0])

    def closed_form(self, start: int, end: int) -> Piece | None:
        value = self.constant_over(start, end)
        return None if value is None else constant(value, start, end)

    def derivative(self) -> Signal:
        if len(self.slopes) < len(self.operands):
            return super().derivative()
        chain = (Function(f, *self.operands) * s.derivative() for f, s in zip(self.slopes, self.operands, strict=True))
        return add(*chain)

    def __repr__(self) -> str:
        name = getattr(self.function, "__name__", "function")
        return f"{name}({', '.join(map(repr, self.operands))})"


def add(*terms: Signal | float) -> Signal:
    """The sum of signals and numbers; nested sums are merged."""
    return _total([(1.0, term) for term in terms])


def subtract(a: Signal | float, b: Signal | float) -> Signal:
    """The difference of two signals or numbers."""
    return _total([(1.0, a), (-1.0, b)])


def _total(terms: Sequence[tuple[float, Signal | float]]) -> Signal:
    offset = 0.0
    factors: dict[Signal, float] = {}
    for weight, term in terms:
        if not isinstance(term, Signal):
            offset += weight * float(term)
        elif isinstance(term, Constant):
            offset += weight * term.value
        elif isinstance(term, Sum):
            offset += weight * term.offset
            for factor, signal in term.parts:
                factors[signal] = factors.get(signal, 0.0) + weight * factor
        elif term.open:
            return term
        else:
            factors[term] = factors.get(term, 0.0) + weight
    parts = tuple((factor, signal) for signal, factor in factors.items() if factor != 0.0)
    if not parts:
        return Constant(offset)
    if offset == 0.0 and len(parts) == 1 and parts[0][0] == 1.0:
        return parts[0][1]
    return Sum(offset, parts)


def scale(factor: float, signal: Signal) -> Signal:
    """A number times a signal."""
    if isinstance(signal, Constant):
        return Constant(factor * signal.value)
    if factor == 0.0:
        return Constant(0.0)
    if isinstance(signal, Sum):
        return Sum(factor * signal.offset, tuple((factor * f, s) for f, s in signal.parts))
    return signal if factor == 1.0 or signal.open else Sum(0.0, ((factor, signal),))


def multiply(a: Signal | float, b: Signal | float) -> Signal:
    """The product of two signals or numbers."""
    a = a.value if isinstance(a, Constant) else a
    b = b.value if isinstance(b, Constant) else b
    if isinstance(a, Signal):
        if isinstance(b, Signal):
            return a if a.open else b if b.open else Product(a, b)
        return scale(float(b), a)
    return scale(float(a), b) if isinstance(b, Signal) else Constant(float(a) * float(b))


_SLOPES_OF_RECIPROCAL = (lambda x: -1.0 / (x * x),)


def reciprocal(signal: Signal) -> Signal:
    """``1/signal``."""
    if isinstance(signal, Constant):
        return Constant(1.0 / signal.value)
    return Function(np.reciprocal, signal, slopes=_SLOPES_OF_RECIPROCAL)
