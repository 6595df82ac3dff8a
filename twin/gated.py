"""A signal behind a switch: while the switch is open, what moves the signal interrupts nobody."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from twin.composition import Composition, Product
from twin.signal import Signal
from twin.times import Times

Array = NDArray[np.float64]


class Gated(Product):
    """``gate · signal`` with a gate that a timeline opens and closes.

    As `Product`, but that a state which feels it is solved in one piece through all that happens while the gate is 0.
    """

    def __init__(self, gate: Signal, signal: Signal) -> None:
        super().__init__(gate, signal)


class BehindGate(Signal):
    """A source as it is felt behind a gate: its breakpoints count while the gate is not 0."""

    def __init__(self, gate: Signal, source: Signal) -> None:
        self.gate, self.source = gate, source
        self.track = getattr(source, "track", None)
        self.leaves = frozenset({self})

    def _evaluate(self, times: Times) -> Array:
        return self.source.at(times)

    def breakpoints(self, start: int, end: int) -> set[int]:
        return {t for t in self.source.breakpoints(start, end) if self._is_felt(t)}

    def next_breakpoint(self, start: int, end: int) -> int:
        while (start := self.source.next_breakpoint(start, end)) < end:
            if self._is_felt(start):
                return start
            start = max(start, self.gate.next_breakpoint(start, end) - 1)  # until then the gate is closed
        return end

    def _is_felt(self, instant: int) -> bool:
        return self.gate.constant_over(instant - 1, instant + 1) != 0.0

    def __repr__(self) -> str:
        return f"{self.source!r} behind {self.gate!r}"


def interrupting(signals: Iterable[Signal], own: frozenset[Signal]) -> frozenset[Signal]:
    """The leaves of some signals but `own`, those behind a gate as `BehindGate`."""
    known: dict[Signal, frozenset[Signal]] = {}

    def found(signal: Signal) -> frozenset[Signal]:
        if signal not in known:
            if not isinstance(signal, Composition):
                known[signal] = signal.leaves - own
            elif isinstance(signal, Gated):
                behind = {BehindGate(signal.a, leaf) for leaf in found(signal.b)}
                known[signal] = frozenset(behind) | found(signal.a)
            else:
                known[signal] = frozenset().union(*(found(operand) for operand in signal.operands))
        return known[signal]

    return frozenset().union(*(found(signal) for signal in signals))
