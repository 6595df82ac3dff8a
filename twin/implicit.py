"""Values defined by an equation: the unknown of an implicit component, solved pointwise to round-off."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.errors import SimulationError
from twin.signal import Signal
from twin.times import NS, Times

Array = NDArray[Any]
ITERATIONS = 50


class Unknown(Signal):
    """Stands for the solution while the loop is wired; it has a value only where a solver binds one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.leaves = frozenset({self})

    def _evaluate(self, times: Times) -> Array:
        raise SimulationError(f"{self.name} is the unknown of a loop and has no value of its own")

    def breakpoints(self, start: int, end: int) -> set[int]:
        return set()

    def __repr__(self) -> str:
        return self.name


class Implicit(Signal):
    """The value at which the residual vanishes, at every instant by itself, by the secant method.

    Parameters
    ----------
    unknown : what the residual depends on.
    residual : the signal to bring to zero.
    typical : order of magnitude of the solution, the first step of the iteration.
    """

    def __init__(self, unknown: Unknown, residual: Signal, typical: float) -> None:
        self.unknown, self.residual, self.typical = unknown, residual, typical
        self.name = unknown.name
        self.leaves = residual.leaves - {unknown}

    def _evaluate(self, times: Times) -> Array:
        shape = times.ns.shape
        older, old = np.zeros(shape), np.full(shape, self.typical)
        r_older, r_old = self._residual(times, older), self._residual(times, old)
        if not np.any(r_older):
            return older
        for _ in range(ITERATIONS):
            slope = r_old - r_older
            step = np.where(r_old == 0.0, 0.0, -r_old * (old - older) / np.where(slope == 0.0, 1.0, slope))
            stuck = (slope == 0.0) & (r_old != 0.0) & (old != older)
            if stuck.any():
                break
            older, r_older = old, r_old
            old = np.where(r_older == 0.0, older, older + step)
            # The slope changes little in weak nonlinearities: a step at round-off ends the iteration.
            if np.all(np.abs(step) <= 4e-16 * np.abs(old)):
                return old
            r_old = self._residual(times, old)
            if np.all((r_old == 0.0) | (np.abs(r_old) >= np.abs(r_older)) & (np.abs(step) <= 1e-12 * np.abs(old))):
                return np.where(np.abs(r_old) <= np.abs(r_older), old, older)
        raise SimulationError(
            f"{self.name} finds no solution at t = {times.first / NS} s: its residual {self.residual!r} does not vanish; "
            "check that what it controls has an effect there"
        )

    def _residual(self, times: Times, guess: Array) -> Array:
        return self.residual.at(times.bind({self.unknown: guess}))

    def __repr__(self) -> str:
        return self.name
