"""Noise as a signal: what a source adds to a quantity that several parts may look at.

The noise is held over short steps of a fixed grid. Steps are drawn when somebody first asks for them, forward in time
only; everybody who looks at the same step sees the same value.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.errors import SimulationError
from twin.noise import NoiseSource
from twin.signal import Signal
from twin.times import NS, Times

Array = NDArray[np.float64]


class NoiseSignal(Signal):
    """Noise of a source, held over steps of `step` ns.

    Parameters
    ----------
    source : draws the mean over each step.
    step : of the grid (ns); noise faster than half its inverse is not there.
    gapless : draw every step from the start of the run on, also those that nobody looks at, so that whoever looks
        later may look further back.
    """

    def __init__(self, source: NoiseSource, step: int, *, gapless: bool = False) -> None:
        self.source, self.step, self.gapless = source, step, gapless
        self._next = 0  # step that has not been drawn
        self._indices: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._values: Array = np.zeros(0)
        self.leaves = frozenset({self})

    def _known(self, first: int, last: int) -> None:
        """Draw the steps first … last that lie ahead of what is known."""
        start = self._next if self.gapless else max(first, self._next)
        if start <= last:
            self._next = last + 1
            indices = np.arange(start, last + 1, dtype=np.int64)
            self._indices = np.concatenate([self._indices, indices])
            self._values = np.concatenate([self._values, self.source.sample(indices * self.step, self.step)])

    def _stretch(self, first: int, last: int) -> Array | None:
        """The values of the steps first … last, if they are all known."""
        place = int(np.searchsorted(self._indices, first))
        end = place + last - first
        known = end < len(self._indices) and self._indices[place] == first and self._indices[end] == last
        return self._values[place : end + 1] if known else None

    def _at_steps(self, indices: NDArray[np.int64]) -> Array:
        place = np.searchsorted(self._indices, indices)
        if np.any(self._indices[np.minimum(place, len(self._indices) - 1)] != indices):
            instant = int(indices.min()) * self.step / NS
            raise SimulationError(f"{self.source.name} was not looked at before t = {instant} s was past; read in time")
        values: Array = self._values[place]
        return values

    def _evaluate(self, times: Times) -> Array:
        indices = times.ns // self.step
        self._known(int(indices.min()), int(indices.max()))
        return self._at_steps(indices)

    def means(self, starts: NDArray[np.int64], aperture: int) -> Array:
        if aperture == 0:
            return self.at(Times(starts))
        first, last = starts // self.step, (starts + aperture - 1) // self.step
        self._known(int(first.min()), int(last.max()))
        result: Array
        whole = self._stretch(int(first.min()), int(last.max()))
        if whole is not None and aperture % self.step == 0 and not (starts % self.step).any():
            first = first - first.min()
            steps = aperture // self.step
            result = whole[first] if steps == 1 else whole[first[..., None] + np.arange(steps)].mean(axis=-1)
            return result
        lower, upper = self._at_steps(first), self._at_steps(last)
        place = np.searchsorted(self._indices, np.stack([first, last]))
        if np.any(place[1] - place[0] != last - first):
            raise SimulationError(f"{self.source.name} was not looked at over all of an aperture before it was past")
        bounds = np.stack([place[0] + 1, place[1]], axis=-1).ravel()
        sums = np.add.reduceat(np.append(self._values, 0.0), bounds)[::2].reshape(starts.shape)
        inside = np.where(place[1] > place[0] + 1, sums, 0.0) * self.step
        begin, end = ((first + 1) * self.step - starts) * lower, (starts + aperture - last * self.step) * upper
        result = np.where(first == last, lower, (begin + inside + end) / aperture)
        return result

    def breakpoints(self, start: int, end: int) -> set[int]:
        """The grid inside (start, end): the noise jumps there."""
        return set(range(start - start % self.step + self.step, end, self.step))

    def derivative(self) -> Signal:
        raise SimulationError(f"{self!r} is noise and has no derivative")

    def forget_before(self, instant: int) -> None:
        """Drop steps that end before `instant` (ns)."""
        keep = np.searchsorted(self._indices, instant // self.step)
        self._indices, self._values = self._indices[keep:], self._values[keep:]

    def state(self) -> dict[str, Any]:
        """Steps still kept, as plain data."""
        return {"indices": self._indices.tolist(), "values": self._values.tolist()}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a checkpoint."""
        self._indices = np.array(state["indices"], dtype=np.int64)
        self._next = int(self._indices[-1]) + 1 if len(self._indices) else 0
        self._values = np.array(state["values"], dtype=float)

    def __repr__(self) -> str:
        return self.source.name
