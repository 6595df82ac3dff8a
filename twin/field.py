"""Fields: signals with a position argument, along one axis.

A field is a smooth function of position times a signal. Its antiderivative along the axis is kept with it, since a flux
linkage and the force constant are one function and its derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from twin.composition import Function, add
from twin.signal import Signal

Array = NDArray[Any]


@dataclass(frozen=True)
class Shape:
    """A function of position z (m) with its antiderivative, most often from 0, and its derivative."""

    value: Callable[[Array], Array]
    integral: Callable[[Array], Array]
    slope: Callable[[Array], Array]


class Field:
    """``factor(t) · shape(z − origin)``.

    Parameters
    ----------
    shape : how the field depends on position.
    factor : how it depends on time.
    origin : where positions count from (m); it moves with what causes the field.
    """

    def __init__(self, shape: Shape, factor: Signal, origin: Signal | float = 0.0) -> None:
        self.shape, self.factor, self.origin = shape, factor, origin

    def at(self, position: Signal) -> Signal:
        """The field at a moving position."""
        return self.factor * Function(self.shape.value, position - self.origin, slopes=(self.shape.slope,))

    def integral(self, position: Signal) -> Signal:
        """The field's integral along the axis up to a moving position, from where the shape's own starts."""
        return self.factor * Function(self.shape.integral, position - self.origin, slopes=(self.shape.value,))

    def times(self, factor: Signal | float) -> Field:
        """The field, everywhere so many times as large."""
        return Field(self.shape, self.factor * factor, self.origin)


class FieldSum(Field):
    """Several fields together, each with a factor and an origin of its own."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = tuple(fields)

    def at(self, position: Signal) -> Signal:
        return add(*(field.at(position) for field in self.fields))

    def integral(self, position: Signal) -> Signal:
        return add(*(field.integral(position) for field in self.fields))

    def times(self, factor: Signal | float) -> Field:
        return FieldSum([field.times(factor) for field in self.fields])
