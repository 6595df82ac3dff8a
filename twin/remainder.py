"""The nonlinear remainder of a part: what its derivative has beside the linear one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from twin.signal import Signal
from twin.state import StateOutput

Array = NDArray[Any]


@dataclass(frozen=True)
class Remainder:
    """What a nonlinear part adds to the linear derivative of some states.

    Attributes
    ----------
    states : indices of the part's states in the group.
    outputs : the group's outputs that are those states.
    excess : from states (n, times) and the values of `inputs` to the derivative less its linear part (n, times).
    linear : the part's linear derivative, whose rounding is in `excess`.
    inputs : the signals that `excess` reads.
    """

    states: slice
    outputs: tuple[StateOutput, ...]
    excess: Callable[[Array, Sequence[Array]], Array]
    linear: Array
    inputs: tuple[Signal, ...]
