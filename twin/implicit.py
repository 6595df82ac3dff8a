"""Values defined by an equation: the unknown of an implicit component, solved pointwise to round-off."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.errors import SimulationError
from twin.signal import Signal
from twin.tape import Tape
from twin.times import NS, Times

Array = NDArray[Any]
ITERATIONS = 50
ROUND_OFF = 2e-16


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
        self._tape = Tape(residual, (unknown,))

    def _evaluate(self, times: Times) -> Array:
        play, unknown = self._tape.at(times), self.unknown

        def residual(guess: Array) -> Array:
            return np.broadcast_to(play({unknown: guess}), guess.shape)

        known = times.solutions.get(self)
        if known is not None and np.all(known[0]):  # a zero has no slope, and may be none for this guess
            guess, slope = known
            open_, last_step = np.ones(guess.shape, dtype=bool), np.abs(guess)
        else:
            known = None
            zero = np.zeros(times.ns.shape)
            r_zero = residual(zero)
            open_ = r_zero != 0.0
            guess, last_step = np.where(open_, self.typical, 0.0), np.full(zero.shape, self.typical)
            slope = np.ones(zero.shape)
        if not open_.any():
            return guess
        r = residual(guess)
        if known is None:
            slope = (r - r_zero) / self.typical
        for _ in range(ITERATIONS):
            if np.any(open_ & (slope == 0.0)):
                break
            step = np.where(open_, -r / np.where(slope == 0.0, 1.0, slope), 0.0)
            guess = guess + step
            # Converging steps shrink by a factor that shrinks itself: the next one is below step²/last_step.
            size = np.abs(step)
            ahead = size * np.minimum(size / np.where(last_step == 0.0, 1.0, np.abs(last_step)), 1.0)
            open_ = open_ & (ahead > ROUND_OFF * np.abs(guess))
            if not open_.any():
                times.solutions[self] = guess, slope
                return guess
            before, r = r, residual(guess)
            open_ = open_ & (r != 0.0)
            # Differences at round-off say nothing about the slope.
            telling = open_ & (size > 1e-8 * np.abs(guess))
            slope = np.where(telling, (r - before) / np.where(telling, step, 1.0), slope)
            last_step = step
        raise SimulationError(
            f"{self.name} finds no solution at t = {times.first / NS} s: what it has to bring to zero does not vanish; "
            "check that what it controls has an effect there"
        )

    def __repr__(self) -> str:
        return self.name
