"""Tapes: what of a composition depends on some signals, as a list of array operations.

A solver evaluates the same composition again and again with other values of a few signals. What does not depend on
them is evaluated once for given instants; the rest becomes a function that is written out and compiled: on few nodes to
walk the composition would take as long as the arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
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
        play: Play = self._make(*values, *[signal.player() for signal in self._players])
        return play

    @cached_property
    def _make(self) -> Callable[..., Play]:
        """From the values of the givens and the players to the function: the operations, written out in Python."""
        lines = []
        for slot, signal, operands in self._operations:
            names = [f"s{k}" for k in operands]
            expression = signal.expression(*names) or f"p{self._players.index(signal)}({', '.join(names)})"
            lines.append(f"        s{slot} = {expression}\n")
        given = [*(f"s{k}" for k in self._given_slots), *(f"p{k}" for k in range(len(self._players)))]
        source = (
            f"def make({', '.join(given)}):\n"
            f"    def play({', '.join(f's{k}' for k in range(self._count))}):\n"
            f"{''.join(lines)}        return [{', '.join(f's{k}' for k in self._targets)}]\n"
            "    return play\n"
        )
        made: dict[str, Any] = {"inf": math.inf, "nan": math.nan}
        exec(source, made)
        make: Callable[..., Play] = made["make"]
        return make

    @cached_property
    def _players(self) -> list[Composition]:
        """The compositions that are no plain expressions."""
        return [signal for _, signal, operands in self._operations if not signal.expression(*("" for _ in operands))]
