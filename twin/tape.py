"""Tapes: what of a composition depends on some signals, as a list of array operations.

A solver evaluates the same composition again and again with other values of a few signals. What does not depend on
them is evaluated once for given instants; the rest is played back in order, without walking the composition again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

from twin.signal import Composition, Signal
from twin.times import Times

Array = NDArray[Any]
Play = Callable[..., list[Array]]
"""From the values of the variables, in order, to those of the targets."""


class Tape:
    """Compositions as functions of the values of a few signals.

    Parameters
    ----------
    targets : the signals to evaluate.
    variables : the signals whose values are given at each evaluation.

    Attributes
    ----------
    givens : signals that the targets depend on and that do not depend on the variables.
    """

    def __init__(self, targets: Sequence[Signal], variables: Sequence[Signal]) -> None:
        self._variables = frozenset(variables)
        self._slots: dict[Signal, int] = {signal: k for k, signal in enumerate(variables)}
        self._count = len(self._slots)
        self._operations: list[tuple[int, Composition, tuple[int, ...]]] = []
        self._given_slots: list[int] = []
        self.givens: list[Signal] = []
        self._targets = [self._slot(target) for target in targets]

    def _slot(self, signal: Signal) -> int:
        found = self._slots.get(signal)
        if found is not None:
            return found
        dependent = isinstance(signal, Composition) and not signal.leaves.isdisjoint(self._variables)
        operands = (
            tuple(self._slot(s) for s in signal.operands) if isinstance(signal, Composition) and dependent else ()
        )
        slot = self._slots[signal] = len(self._slots)
        if isinstance(signal, Composition) and dependent:
            self._operations.append((slot, signal, operands))
        else:
            self._given_slots.append(slot)
            self.givens.append(signal)
        return slot

    def at(self, times: Times) -> Play:
        """The targets at these instants, as a function of the variables' values."""
        return self.with_givens([signal.at(times) for signal in self.givens])

    def with_givens(self, values: Sequence[Array]) -> Play:
        """The targets for these values of `givens`, as a function of the variables' values."""
        blank: list[Any] = [None] * len(self._slots)
        for slot, value in zip(self._given_slots, values, strict=True):
            blank[slot] = value
        operations = [(slot, signal.player(), operands) for slot, signal, operands in self._operations]
        count, targets = self._count, self._targets

        def play(*variables: Array) -> list[Array]:
            slots = blank.copy()
            slots[:count] = variables
            for slot, combine, operands in operations:
                slots[slot] = combine(*[slots[k] for k in operands])
            return [slots[k] for k in targets]

        return play
