"""A signal that is expected to be one thing until somebody tells what it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.composition import Composition
from twin.piece import Piece
from twin.signal import Signal
from twin.times import Times

Array = NDArray[np.float64]


class Told(Composition):
    """What is expected, and from when on something is told, that alone.

    Parameters
    ----------
    known : 0 as long as nothing has been told, and 1 then.
    told, expected : the two.
    """

    def __init__(self, known: Signal, told: Signal, expected: Signal) -> None:
        self.known, self.told, self.expected = known, told, expected
        self.operands = (known, told, expected)
        self.leaves = known.leaves | told.leaves | expected.leaves

    def _valid(self, start: int, end: int) -> Signal | None:
        """The one of the two that holds all along; None: first one, then the other."""
        known = self.known.constant_over(start, end)
        return None if known is None else self.told if known else self.expected

    def _evaluate(self, times: Times) -> Array:
        valid = self._valid(times.first, times.last + 1) if times.ns.size else None
        return super()._evaluate(times) if valid is None else valid.at(times)

    def combine(self, *values: Array) -> Array:
        known, told, expected = values
        return np.where(known != 0.0, told, expected)

    def means(self, starts: NDArray[np.int64], aperture: int) -> Array:
        valid = self._valid(int(starts.min()), int(starts.max()) + max(aperture, 1))
        return super().means(starts, aperture) if valid is None else valid.means(starts, aperture)

    def constant_over(self, start: int, end: int) -> float | None:
        valid = self._valid(start, end)
        return None if valid is None else valid.constant_over(start, end)

    def closed_form(self, start: int, end: int) -> Piece | None:
        valid = self._valid(start, end)
        return None if valid is None else valid.closed_form(start, end)

    def derivative(self) -> Signal:
        return Told(self.known, self.told.derivative(), self.expected.derivative())

    def __repr__(self) -> str:
        return f"told({self.told!r}, else {self.expected!r})"
