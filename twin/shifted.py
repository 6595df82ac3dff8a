"""Signals that look at another one at other instants: its rate over apertures, and what it was some time ago."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.signal import Signal
from twin.times import NS, Times

Array = NDArray[np.float64]


class Rate(Signal):
    """The time derivative of a signal, whose mean over an aperture is the exact difference quotient.

    A voltage that is the derivative of a flux linkage is read exactly this way, without quadrature.
    """

    def __init__(self, primitive: Signal) -> None:
        self.primitive = primitive
        self.leaves = primitive.leaves
        self._slope: Signal | None = None

    def _evaluate(self, times: Times) -> Array:
        if self._slope is None:
            self._slope = self.primitive.derivative()
        return self._slope.at(times)

    def means(self, starts: NDArray[np.int64], aperture: int) -> Array:
        if aperture == 0:
            return self.at(Times(starts))
        ends = starts + aperture
        if starts.size > 1 and np.array_equal(starts[..., 1:], ends[..., :-1]):  # contiguous: every edge once
            edges = np.concatenate([starts, ends[..., -1:]], axis=-1)
            at_edges = self.primitive.at(Times(edges))
            result: Array = at_edges[..., 1:] - at_edges[..., :-1]
            result /= aperture / NS
            return result
        result = (self.primitive.at(Times(ends)) - self.primitive.at(Times(starts))) / (aperture / NS)
        return result

    def __repr__(self) -> str:
        return f"d({self.primitive!r})/dt"


class Delayed(Signal):
    """A signal some time later.

    Parameters
    ----------
    signal : what is delayed.
    delay : by how much (ns); negative for ahead of time.
    """

    def __init__(self, signal: Signal, delay: int) -> None:
        self.signal, self.delay = signal, delay
        self.leaves = frozenset({self})

    def _evaluate(self, times: Times) -> Array:
        return self.signal.at(Times(times.ns - self.delay))

    def means(self, starts: NDArray[np.int64], aperture: int) -> Array:
        return self.signal.means(starts - self.delay, aperture)

    def breakpoints(self, start: int, end: int) -> set[int]:
        return {t + self.delay for t in self.signal.breakpoints(start - self.delay, end - self.delay)}

    def constant_over(self, start: int, end: int) -> float | None:
        return self.signal.constant_over(start - self.delay, end - self.delay)

    def derivative(self) -> Signal:
        return Delayed(self.signal.derivative(), self.delay)

    def __repr__(self) -> str:
        return f"({self.signal!r} {self.delay / NS:g} s ago)"
