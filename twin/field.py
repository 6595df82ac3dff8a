"""Fields: signals with a position argument, along one axis.

A field is a smooth function of position times a signal. Its antiderivative along the axis is kept with it, since a flux
linkage and the force constant are one function and its derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from twin.signal import Function, Signal

Array = NDArray[Any]


@dataclass(frozen=True)
class Shape:
    """A function of position z (m) with its antiderivative from 0 and its derivative."""

    value: Callable[[Array], Array]
    integral: Callable[[Array], Array]
    slope: Callable[[Array], Array]


class Field:
    """``factor(t) · shape(z)``.

    Parameters
    ----------
    shape : how the field depends on position.
    factor : how it depends on time.
    """

    def __init__(self, shape: Shape, factor: Signal) -> None:
        self.shape, self.factor = shape, factor

    def at(self, position: Signal) -> Signal:
        """The field at a moving position."""
        return self.factor * Function(self.shape.value, position, slopes=(self.shape.slope,))

    def integral(self, position: Signal) -> Signal:
        """The field's integral from z = 0 to a moving position."""
        return self.factor * Function(self.shape.integral, position, slopes=(self.shape.value,))
