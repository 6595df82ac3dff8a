"""What flexure and stage have in common: a prescribed motion, followed within a travel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from twin.errors import SimulationError
from twin.instrument import Instrument
from twin.piece import Piece, extremes
from twin.timeline import Timeline

ROUNDING = 1e-12
"""Positions that differ by less (m) are the same."""


class Mover(Instrument):
    """Follows closed forms of position, each from where the last one has led, and none beyond its travel.

    Attributes
    ----------
    carried : what moves, and `bound` what bounds its travel, as messages call them.
    """

    carried: ClassVar[str] = "it"
    bound: ClassVar[str] = "end"

    @property
    def travel(self) -> tuple[float, float]:
        """Lowest and highest position (m) that it can go to; infinite without bounds."""
        return -math.inf, math.inf

    @property
    def motion(self) -> Timeline:
        """The motion that it is told to follow."""
        return self.timeline("motion")

    def commanded(self) -> tuple[float, float]:
        """Position (m) and velocity (m/s) of the motion that it follows now."""
        now, track = self.clock.now, self.motion.track
        piece = track.pieces[track.index(now)]
        return float(piece.values_at(now)[0].real), float(piece.derivative().values_at(now)[0].real)

    def follow(self, laws: Sequence[Piece]) -> None:
        """From the start of the first law on, follow these.

        Raises
        ------
        SimulationError
            If they do not start where it is, or go beyond its travel; nothing moves then.
        """
        track, start = self.motion.track, laws[0].start
        here, there = (float(p.values_at(start)[0].real) for p in (track.pieces[track.index(start)], laws[0]))
        if abs(here - there) > ROUNDING:
            raise SimulationError(
                f"{self.name}: a motion starts at z = {there:.9g} m, but {self.carried} is at {here:.9g} m"
            )
        low, high = self.travel
        if math.isfinite(low) or math.isfinite(high):
            reaches = [extremes(law) for law in laws]
            bottom, top = min(r[0] for r in reaches), max(r[1] for r in reaches)
            if bottom < low - ROUNDING or top > high + ROUNDING:
                beyond, end = (bottom, low) if bottom < low - ROUNDING else (top, high)
                raise SimulationError(
                    f"{self.name}: a motion goes to z = {beyond:.6g} m, beyond the {self.bound} at {end:.6g} m"
                )
        self.motion.follow(*laws)


def bounds(lower: float | None, upper: float | None) -> tuple[float, float]:
    """A travel of which either end may be open."""
    return -math.inf if lower is None else lower, math.inf if upper is None else upper
