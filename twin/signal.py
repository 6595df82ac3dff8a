"""Signals: quantities as functions of time.

A signal can be asked for its value at any array of instants, for its exact mean over an aperture, and for its time
derivative. Sources and states hold closed-form pieces (`twin.timeline`, `twin.group`); sums, products and functions of
signals stay compositions (`twin.composition`), evaluated pointwise when somebody reads.

>>> from twin.signal import Constant
>>> current = Constant(3.5e-3)
>>> float((2400.0 * current * current)(0.0))
0.0294
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.errors import SimulationError
from twin.piece import Piece, constant, ramp
from twin.quadrature import means_by_quadrature
from twin.times import NS, Times

Array = NDArray[np.float64]


class Signal(ABC):
    """A quantity as a function of time, on integer-nanosecond time.

    ``signal(t)`` takes seconds (floats) or nanoseconds (integers), any shape, and returns an array of that shape. Who
    asks for the values at the same `Times` gets the same array, which is not to be written to.
    Signals are compared by identity; ``+ - * /`` and `function` compose them.
    """

    leaves: frozenset[Signal] = frozenset()
    """Sources, states and unknowns that the value at an instant depends on."""
    operands: tuple[Signal, ...] = ()
    """Signals from whose values at an instant that of a composition follows."""
    open: ClassVar[bool] = False
    """Whether it stands for what is not known yet; a sum or product with it is not known either, and is the same."""

    def __call__(self, t: ArrayLike) -> Array:
        times = Times.of(t)
        return self.at(times)

    def at(self, times: Times) -> Array:
        """Values at the instants, found once for each `Times`."""
        found = times.memo.get(self)
        if found is None:
            found = times.memo[self] = self._evaluate(times)
        return found

    @abstractmethod
    def _evaluate(self, times: Times) -> Array: ...

    def means(self, starts: NDArray[np.int64], aperture: int) -> Array:
        """Means over [start, start + aperture) for every start; all in ns; an aperture of 0 gives values.

        Raises
        ------
        SimulationError
            If the quadrature of a composition does not converge to 1e-13 of the largest value.
        """
        if aperture == 0:
            return self.at(Times(starts))
        return means_by_quadrature(self, starts, aperture)

    def mean(self, t0: float, t1: float) -> float:
        """Mean over [t0, t1) in seconds."""
        a, b = round(t0 * NS), round(t1 * NS)
        return float(self.means(np.array([a], dtype=np.int64), b - a)[0])

    def breakpoints(self, start: int, end: int) -> set[int]:
        """Instants (ns) inside (start, end) at which the signal or its derivatives may jump."""
        return set().union(*(leaf.breakpoints(start, end) for leaf in self.leaves)) if self.leaves else set()

    def next_breakpoint(self, start: int, end: int) -> int:
        """The first of `breakpoints`; `end` if there is none."""
        return min(self.breakpoints(start, end), default=end)

    def closed_form(self, start: int, end: int) -> Piece | None:
        """The signal on [start, end), which holds no breakpoint, as one piece; None if it is no closed form."""
        return None

    def constant_over(self, start: int, end: int) -> float | None:
        """The value on [start, end) if it is known to be the same all along, else None."""
        return None

    def derivative(self) -> Signal:
        """The time derivative as a signal."""
        raise SimulationError(f"{self!r} has no closed time derivative; read its mean over an aperture instead")

    # A signal is a node of a graph: equality is identity, and sums read like the equation they stand for.

    def __add__(self, other: Signal | float) -> Signal:
        return composition.add(self, other)

    __radd__ = __add__

    def __sub__(self, other: Signal | float) -> Signal:
        return composition.subtract(self, other)

    def __rsub__(self, other: Signal | float) -> Signal:
        return composition.subtract(other, self)

    def __mul__(self, other: Signal | float) -> Signal:
        return composition.multiply(self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Signal | float) -> Signal:
        return composition.multiply(self, composition.reciprocal(other) if isinstance(other, Signal) else 1.0 / other)

    def __rtruediv__(self, other: float) -> Signal:
        return composition.multiply(composition.reciprocal(self), other)

    def __neg__(self) -> Signal:
        return composition.scale(-1.0, self)


class Constant(Signal):
    """The same value at all times."""

    def __init__(self, value: float) -> None:
        self.value = float(value)

    def _evaluate(self, times: Times) -> Array:
        return np.full(times.ns.shape, self.value)

    def means(self, starts: NDArray[np.int64], aperture: int) -> Array:
        return np.full(starts.shape, self.value)

    def closed_form(self, start: int, end: int) -> Piece:
        return constant(self.value, start, end)

    def constant_over(self, start: int, end: int) -> float:
        return self.value

    def derivative(self) -> Signal:
        return Constant(0.0)

    def __repr__(self) -> str:
        return f"{self.value!r}"


class Elapsed(Signal):
    """The time since the start of the run, in seconds: what drifts are proportional to."""

    def _evaluate(self, times: Times) -> Array:
        return times.since(0)

    def means(self, starts: NDArray[np.int64], aperture: int) -> Array:
        result: Array = (starts + 0.5 * aperture) / NS
        return result

    def closed_form(self, start: int, end: int) -> Piece:
        return ramp(start / NS, end / NS, start, end)

    def derivative(self) -> Signal:
        return Constant(1.0)

    def __repr__(self) -> str:
        return "t"


from twin import composition  # noqa: E402 - what the operators of Signal make; it needs Signal itself
