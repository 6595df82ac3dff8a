"""Tapes: what of a composition depends on some signals, as a list of array operations.

The same composition is evaluated again and again, with other values of a few signals or at other instants. What does
not depend on them is evaluated once for given instants; the rest becomes a function that is written out and compiled:
on few instants to walk the composition would take as long as the arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any, cast

from numpy.typing import NDArray

from twin.times import Times

if TYPE_CHECKING:
    from twin.composition import Composition
    from twin.signal import Signal

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
        self._depends = dict.fromkeys(variables, True)
        self._slots: dict[Signal, int] = {signal: k for k, signal in enumerate(variables)}
        self._count = len(self._slots)
        self._operations: list[tuple[int, Composition, tuple[int, ...]]] = []
        self._given_slots: list[int] = []
        self.givens: list[Signal] = []
        self._targets = [self._slot(target) for target in targets]

    def _is_dependent(self, signal: Signal) -> bool:
        found = self._depends.get(signal)
        if found is None:
            found = self._depends[signal] = any([self._is_dependent(s) for s in signal.operands])
        return found

    def _slot(self, signal: Signal) -> int:
        found = self._slots.get(signal)
        if found is not None:
            return found
        dependent = self._is_dependent(signal)
        operands = tuple([self._slot(s) for s in signal.operands]) if dependent else ()
        slot = self._slots[signal] = len(self._slots)
        if dependent:
            self._operations.append((slot, cast("Composition", signal), operands))
        else:
            self._given_slots.append(slot)
            self.givens.append(signal)
        return slot

    def at(self, times: Times) -> Play:
        """The targets at these instants, as a function of the variables' values."""
        return self.with_givens(
            [
                signal.at(times) if slot in self._arrays or (value := times.constant(signal)) is None else value
                for slot, signal in zip(self._given_slots, self.givens, strict=True)
            ]
        )

    def with_givens(self, values: Sequence[Array | float]) -> Play:
        """The targets for these values of `givens`, as a function of the variables' values."""
        play: Play = self._make(*values, *[signal.player() for signal in self._players])
        return play

    @cached_property
    def _arrays(self) -> frozenset[int]:
        """Slots of which others than plain expressions want an array, whether it is constant or not."""
        players: set[Signal] = set(self._players)
        return frozenset(self._targets).union(*(slots for _, signal, slots in self._operations if signal in players))

    @cached_property
    def _make(self) -> Callable[..., Play]:
        """From the values of the givens and the players to the function: the operations, written out in Python."""
        lines, numbers = [], list[float]()

        def number(value: float) -> str:
            numbers.append(value)
            return f"n{len(numbers) - 1}"

        for slot, signal, operands in self._operations:
            names = [f"s{k}" for k in operands]
            expression = signal.expression(*names, number=number)
            expression = expression or f"p{self._players.index(signal)}({', '.join(names)})"
            lines.append(f"        s{slot} = {expression}\n")
        given = [*(f"s{k}" for k in self._given_slots), *(f"p{k}" for k in range(len(self._players)))]
        source = (
            f"def make({', '.join([*(f'n{k}' for k in range(len(numbers))), *given])}):\n"
            f"    def play({', '.join(f's{k}' for k in range(self._count))}):\n"
            f"{''.join(lines)}        return [{', '.join(f's{k}' for k in self._targets)}]\n"
            "    return play\n"
        )
        return partial(_compiled(source), *numbers)

    @cached_property
    def _players(self) -> list[Composition]:
        """The compositions that are no plain expressions."""
        return [signal for _, signal, operands in self._operations if not signal.expression(*("" for _ in operands))]


@lru_cache(maxsize=256)
def _compiled(source: str) -> Callable[..., Play]:
    """The function `make` of a source; twins of one wiring, whatever their numbers, write out the same."""
    made: dict[str, Any] = {}
    exec(source, made)
    make: Callable[..., Play] = made["make"]
    return make
