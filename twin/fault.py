"""Faults: what goes wrong with a component at a given time.

A component class says which faults it can have; a scenario plans some, each with its time and size. A fault is a signal
like any other: zero, and `size` while the fault lasts. It is known from the start of the run, so that a resumed run
needs no record of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.piece import Piece, constant
from twin.signal import Constant, Signal
from twin.times import Times

Array = NDArray[np.float64]
FOREVER = 2**62
"""End of a fault that does not end (ns)."""


@dataclass(frozen=True)
class FaultKind:
    """A fault that a component can have.

    Parameters
    ----------
    unit : of its size.
    description : what happens, in a phrase.
    default : size if none is given; None if one has to be given.
    passing : whether it has to end.
    """

    unit: str
    description: str
    default: float | None = None
    passing: bool = False


READING_FAULTS = {
    "drops": FaultKind("1", "readings are lost: not a number", 1.0),
    "sticks": FaultKind("1", "the last good reading is shown again and again", 1.0),
    "dead": FaultKind("1", "the channel gives no number any more", 1.0),
    "zero": FaultKind("1", "readings are exactly zero", 1.0),
}
"""Faults of whatever takes readings; the engine applies them to what is recorded."""


@dataclass(frozen=True)
class PlannedFault:
    """A fault of one component.

    Parameters
    ----------
    kind : one of those that the component's class declares.
    start, end : while it lasts (ns), half open.
    size : in the unit of its kind.
    """

    kind: str
    start: int
    end: int
    size: float


class FaultSignal(Signal):
    """The sum of the sizes of the faults that are active."""

    def __init__(self, name: str, faults: tuple[PlannedFault, ...]) -> None:
        self.name, self.faults = name, faults
        self.leaves = frozenset({self})

    def _evaluate(self, times: Times) -> Array:
        total = np.zeros(times.ns.shape)
        for fault in self.faults:
            total += fault.size * ((times.ns >= fault.start) & (times.ns < fault.end))
        return total

    def means(self, starts: NDArray[np.int64], aperture: int) -> Array:
        if aperture == 0:
            return self.at(Times(starts))
        total = np.zeros(starts.shape)
        for fault in self.faults:
            overlap = np.minimum(starts + aperture, fault.end) - np.maximum(starts, fault.start)
            total += fault.size * (np.maximum(overlap, 0) / aperture)
        return total

    def breakpoints(self, start: int, end: int) -> set[int]:
        return {edge for fault in self.faults for edge in (fault.start, fault.end) if start < edge < end}

    def constant_over(self, start: int, end: int) -> float | None:
        if self.breakpoints(start, end):
            return None
        return sum(fault.size for fault in self.faults if fault.start <= start < fault.end)

    def closed_form(self, start: int, end: int) -> Piece | None:
        value = self.constant_over(start, end)
        return None if value is None else constant(value, start, end)

    def derivative(self) -> Signal:
        """Zero but at the steps; the mean of a rate over a step is the difference of its primitive all the same."""
        return Constant(0.0)

    def __repr__(self) -> str:
        return self.name


def disturbed(
    values: Array, instants: NDArray[np.int64], faults: tuple[PlannedFault, ...], last_shown: float | None = None
) -> Array:
    """Readings (bursts, readings) at `instants` (ns) as an instrument with these `READING_FAULTS` shows them.

    Parameters
    ----------
    last_shown : what the instrument has shown before; one that is stuck goes on to show it. None: nothing yet.
    """
    for fault in faults:
        active = (instants >= fault.start) & (instants < fault.end)
        if not active.any():
            continue
        values = values.copy()
        if fault.kind == "sticks":
            flat, bad = values.reshape(-1), active.reshape(-1)
            before = np.concatenate([[flat[0] if last_shown is None else last_shown], flat])
            last = np.maximum.accumulate(np.where(bad, 0, np.arange(1, before.size)))
            values = before[last].reshape(values.shape)
        else:
            values[active] = 0.0 if fault.kind == "zero" else np.nan
    return values
