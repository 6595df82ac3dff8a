"""Values defined by an equation: the unknown of an implicit component, solved pointwise to round-off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.composition import Composition
from twin.errors import SimulationError
from twin.signal import Signal
from twin.tape import Tape
from twin.times import NS, Times

Array = NDArray[Any]
ITERATIONS = 50
ROUND_OFF = 2e-16


class UnsolvedError(ArithmeticError):
    """No value makes the residual of the named signal vanish; who knows the instants says where."""


class Unknown(Signal):
    """Stands for the solution while the loop is wired; it has a value only where a solver gives it one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.leaves = frozenset({self})

    def _evaluate(self, times: Times) -> Array:
        raise SimulationError(f"{self.name} is the unknown of a loop and has no value of its own")

    def breakpoints(self, start: int, end: int) -> set[int]:
        return set()

    def __repr__(self) -> str:
        return self.name


class Implicit(Composition):
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
        self._tape = Tape([residual], [unknown])
        self.operands = tuple(self._tape.givens)

    def _evaluate(self, times: Times) -> Array:
        try:
            return _shaped(super()._evaluate(times), times.ns.shape)
        except UnsolvedError as error:
            raise SimulationError(
                f"{error} finds no solution at t = {times.first / NS} s; "
                "check that what it controls has an effect there"
            ) from None

    def combine(self, *values: Array) -> Array:
        return self.player()(*values)

    def player(self) -> Callable[..., Array]:
        """Solves again and again, starting where the last solution was."""
        last: list[Array] = []

        def solve(*values: Array | float) -> Array:
            play = self._tape.with_givens(values)
            shapes = {v.shape for v in values if not isinstance(v, float)}
            shape = shapes.pop() if len(shapes) == 1 else np.broadcast_shapes(*shapes)
            solution, slope = self._solve(lambda guess: _shaped(play(guess)[0], guess.shape), shape, last)
            last[:] = [solution, slope]
            return solution

        return solve

    def _solve(
        self, residual: Callable[[Array], Array], shape: tuple[int, ...], last: list[Array]
    ) -> tuple[Array, Array]:
        """The root, and the slopes of the residual there; few steps on many instants, so that all take them all."""
        if last:
            guess, slope = last
            last_step, r = np.abs(guess), residual(guess)
        else:
            zero, last_step = np.zeros(shape), np.full(shape, self.typical)
            r_zero, r = residual(np.array([zero, last_step]))
            if not r_zero.any():
                return zero, np.ones(shape)
            slope = (r - r_zero) / self.typical
            guess, r = (
                (last_step, r) if r_zero.all() else (np.where(r_zero == 0.0, 0.0, pair) for pair in (last_step, r))
            )
        open_: Any = True
        for _ in range(ITERATIONS):
            if not slope.all():
                if np.any(r[slope == 0.0]):
                    break
                slope = np.where(slope == 0.0, 1.0, slope)  # the residual vanishes there: no step
            step = r / slope
            guess = guess - step
            # Converging steps shrink by a factor that shrinks itself: the next one is below step²/last_step.
            size, length = np.abs(step), np.abs(guess)
            enough = ROUND_OFF * length * np.maximum(size, last_step)
            open_ = open_ & (size * size > enough)  # what is no number is left to others
            if not open_.any():
                return guess, slope
            before, r = r, residual(guess)
            # Differences at round-off say nothing about the slope.
            slope = np.divide(before - r, step, out=np.array(slope), where=size > 1e-8 * length)
            last_step = np.minimum(size, length)  # the first step may be long though its secant was close
        raise UnsolvedError(self.name)

    def __repr__(self) -> str:
        return self.name


def _shaped(values: Array, shape: tuple[int, ...]) -> Array:
    """The values in a shape; numpy's own function takes longer than the equation."""
    return values if values.shape == shape else np.broadcast_to(values, shape)
