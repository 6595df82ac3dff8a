"""What a velocity phase is to a campaign: how long it takes, what moves the coil, when it is read."""

from __future__ import annotations

from abc import abstractmethod
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.clock import Process
from twin.parameter import Parameters, parameter
from twin.piece import Piece, exact_hertz
from twin.recorder import Schedule
from twin.times import NS


class VelocityPhase(Parameters):
    """What every velocity phase has: a duration, a motion, and bursts of contiguous readings, one burst a sweep."""

    reading_step: float = parameter("s", ge=1e-4, description="aperture of a voltage reading; readings are contiguous")

    @property
    @abstractmethod
    def duration(self) -> int:
        """Of the whole phase (ns)."""

    @abstractmethod
    def move(self, unit: Any, centre: float, start: int) -> Process:
        """Make the weighing unit `unit` move the coil about `centre` (m) from `start` (ns) on."""

    @abstractmethod
    def schedule(self, start: int) -> Schedule:
        """The voltage readings of a phase that starts at `start` (ns)."""

    @abstractmethod
    def start_position(self, centre: float) -> float:
        """Where the coil has to be when the phase starts (m)."""

    def check(self, unit: Any) -> None:
        """Refuse a weighing unit that cannot move so.

        Raises
        ------
        WiringError
            Naming what it takes.
        """

    def windows(self, start: int) -> NDArray[np.float64]:
        """The sweeps' data windows (s), shape (sweeps, 2)."""
        s = self.schedule(start)
        begin = s.start + s.every * np.arange(s.repeats, dtype=np.int64)
        return np.stack([begin, begin + s.count * s.step], axis=1) / NS


class PrescribedMotion(VelocityPhase):
    """A velocity phase in which the coil follows closed forms of its position."""

    @abstractmethod
    def laws(self, centre: float, start: int) -> list[Piece]:
        """The motion about `centre` (m) from `start` (ns) on."""

    def move(self, unit: Any, centre: float, start: int) -> Process:
        yield from unit.move(self.laws(centre, start))

    def start_position(self, centre: float) -> float:
        return float(self.laws(centre, 0)[0].values_at(0)[0].real)


def checked_half_cycle(frequency: float, window: float, reading_step: float) -> float:
    """Half a cycle (s) of an oscillation whose flat windows are sweeps.

    Parameters
    ----------
    frequency : of the oscillation (Hz).
    window, reading_step : length of a window, and of a reading in it (s).

    Raises
    ------
    ValueError
        If a window is not between a reading and half a cycle, or the clock cannot hold a quarter of the period.
    """
    half = 0.5 / frequency
    if not reading_step <= window < half:
        raise ValueError(f"expected reading_step <= window < half a cycle ({half:g} s), not {window} s")
    if (Fraction(NS, 4) / exact_hertz(frequency)).denominator != 1:
        raise ValueError(f"expected a frequency whose quarter period is a whole number of ns, not {frequency} Hz")
    return half
