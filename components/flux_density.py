"""Flux density as a function of place, in a magnet's gap and beside its yoke: what a probe there sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

from twin.composition import Function, add
from twin.signal import Constant, Signal

Array = NDArray[Any]
Axis = Literal["radial", "vertical"]
Law = Callable[[float, float, Array, Array], tuple[Array, Array]]
"""From radius (m), azimuth (rad), heights of the point above the magnet's middle and above what the source's count from
(m), to the inward and the upward component (T)."""


@dataclass(frozen=True, eq=False)
class Contribution:
    """What one cause adds: ``factor(t) · law(place)``.

    Parameters
    ----------
    magnet : height of the magnet's middle in the room (m).
    source : height of the source, or of what its heights count from (m).
    """

    law: Law
    factor: Signal | float
    magnet: Signal
    source: Signal


class FluxDensity:
    """The sum of contributions; like `twin.field.Field`, but in three dimensions.

    Parameters
    ----------
    contributions : of all sources.
    """

    def __init__(self, contributions: Sequence[Contribution] = ()) -> None:
        self.contributions = tuple(contributions)

    def at(self, radius: float, azimuth: float, height: Signal, axis: Axis) -> Signal:
        """The component along an axis, inward or upward (T), at a place in the room: m, rad, m."""
        which = {"radial": 0, "vertical": 1}[axis]
        found: list[Signal | float] = []
        for own in self.contributions:

            def component(in_magnet: Array, from_source: Array, law: Law = own.law) -> Array:
                return law(radius, azimuth, in_magnet, from_source)[which]

            found.append(own.factor * Function(component, height - own.magnet, height - own.source))
        return add(*found) if found else Constant(0.0)
