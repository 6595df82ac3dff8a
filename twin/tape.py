"""Tapes: what of a composition depends on some signals, as a list of array operations.

A solver evaluates the same composition again and again with other values of a few signals. What does not depend on them is
evaluated once for given instants; the rest is played back in order, without walking the composition again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.signal import Composition, Signal
from twin.times import Times

Array = NDArray[Any]


class Tape:
    """A composition as a function of the values of a few signals.

    Parameters
    ----------
    target : the signal to evaluate.
    variables : the signals whose values are given at each evaluation.
    """

    def __init__(self, target: Signal, variables: tuple[Signal, ...]) -> None:
        self._variables = frozenset(variables)
        self._slots: dict[Signal, int] = {signal: k for k, signal in enumerate(variables)}
        self._givens: list[tuple[int, Signal]] = []
        self._operations: list[tuple[int, Callable[..., Array], tuple[int, ...]]] = []
        self._target = self._slot(target)

    def _slot(self, signal: Signal) -> int:
        found = self._slots.get(signal)
        if found is not None:
            return found
        dependent = isinstance(signal, Composition) and not signal.leaves.isdisjoint(self._variables)
        operands = tuple(self._slot(s) for s in signal.operands) if dependent else ()
        slot = self._slots[signal] = len(self._slots)
        if dependent:
            self._operations.append((slot, signal.combine, operands))
        else:
            self._givens.append((slot, signal))
        return slot

    def at(self, times: Times) -> Callable[[Mapping[Signal, Array]], Array]:
        """The composition at these instants, as a function of the variables' values."""
        blank: list[Any] = [None] * len(self._slots)
        for slot, signal in self._givens:
            blank[slot] = signal.at(times)

        def play(values: Mapping[Signal, Array]) -> Array:
            slots = list(blank)
            for signal, value in values.items():
                slots[self._slots[signal]] = value
            for slot, combine, operands in self._operations:
                slots[slot] = combine(*(slots[k] for k in operands))
            result: Array = np.asarray(slots[self._target])
            return result

        return play
