"""The mass exchanger with its motor: the mass stands on the pan where the lift is low, and hangs in the lift above."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

import numpy as np
from pydantic import model_validator

from components.mass_exchanger import MassExchanger
from components.motion import glide
from components.mover import Mover
from twin.clock import Process
from twin.errors import SimulationError
from twin.parameter import parameter
from twin.piece import Piece, combine, constant
from twin.times import to_ns


class DrivenExchanger(MassExchanger, Mover):
    """A mass exchanger that somebody moves, by the position of its lift (m), up positive.

    At 0, where it starts, the mass hangs in the lift; `stroke` below it stands on the pan. Between, from `contact`
    below 0 on and over `give` (of pan and lift), the pan takes over the load in proportion to the way. As exchanger it
    glides between both ends.
    """

    carried: ClassVar[str] = "the lift"
    bound: ClassVar[str] = "end of its travel"

    stroke: float = parameter("m", 10e-3, gt=0, description="of the lift, from where it holds the mass to the pan")
    contact: float = parameter("m", 5e-3, gt=0, description="way down on which the mass touches the pan")
    give: float = parameter("m", 1e-3, gt=0, description="further way down until the pan carries it alone")

    @model_validator(mode="after")
    def _reaches_the_pan(self) -> DrivenExchanger:
        if self.contact + self.give > self.stroke:
            raise ValueError(f"expected contact + give within the stroke of {self.stroke:g} m")
        return self

    @property
    def travel(self) -> tuple[float, float]:
        """Lowest and highest position (m)."""
        return -self.stroke, 0.0

    def move(self, laws: Sequence[Piece]) -> Process:
        """Move the lift; ends when it ends.

        Raises
        ------
        SimulationError
            If the motion does not start where the lift is, has no end, is no polynomial, or leaves its travel.
        """
        end = laws[-1].end
        if end is None or any(law.all_terms for law in laws):
            raise SimulationError(f"{self.name}: its lift follows polynomials that end")
        self.follow(laws)
        self.timeline("placement").follow(*(part for law in laws for part in self._placement(law)))
        yield self.clock.until(end)

    def _placement(self, law: Piece) -> list[Piece]:
        """The share of the load on the pan while the lift follows a law: 0, 1, or in proportion."""
        end = law.end or law.start
        levels = -self.contact, -self.contact - self.give
        cuts = sorted({law.start, end, *(t for level in levels for t in _crossings(law, level, end))})
        parts = []
        for a, b in pairwise(cuts):
            share = -(float(law.values_at((a + b) // 2)[0].real) + self.contact) / self.give
            sloping = combine([(-1.0 / self.give, law), (-self.contact / self.give, constant(1.0, a, b))], a, b)
            parts.append(sloping if 0.0 < share < 1.0 else constant(float(share >= 1.0), a, b))
        return parts

    def _transfer(self, final: float, duration: float) -> Process:
        """From wherever it is to either end."""
        here, now = self.commanded()[0], self.clock.now
        end = now + to_ns(duration)
        if laws := glide(here, -self.stroke * final, now, end):
            yield from self.move(laws)
        else:
            yield self.clock.until(end)


def _crossings(law: Piece, level: float, end: int) -> list[int]:
    """When a polynomial crosses a level (ns), between its start and `end`."""
    series = law.series[:, 0].real.copy()
    series[0] -= level
    roots = np.polynomial.chebyshev.chebroots(np.polynomial.chebyshev.chebtrim(series, 1e-15 * abs(series).max()))
    inside = roots.real[(abs(roots.imag) < 1e-9) & (abs(roots.real) <= 1.0)]
    instants = law.start + np.rint(0.5 * (inside + 1.0) * law.length)
    return [int(t) for t in instants if law.start < t < end]
