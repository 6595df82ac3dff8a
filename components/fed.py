"""Instruments whose outputs are what they measure: in a simulation the truth, and what was read where one is real."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr

from twin.errors import ComponentError
from twin.instrument import Instrument
from twin.piece import Piece, constant
from twin.signal import Signal
from twin.times import NS
from twin.told import Told

Array = NDArray[np.float64]
LONGEST = 1.0
"""Aperture of a reading that is taken for the twin alone (s), and of one of which nobody has told it."""


def told(quantity: str) -> str:
    """The channel of the noise that readings of a quantity have had which it is told."""
    return f"told {quantity}"


def _as_shown(shown: Signal) -> Signal:
    return shown


class Fed(Instrument):
    """An instrument that others may follow.

    An output that is called like a quantity it reads is what it measures, without its errors and at once. Where a real
    instrument stands in its place, it is told what that has read (`tell`), and whoever is wired to the output follows
    the readings; what was expected holds until the first of them.
    """

    _fed: frozenset[str] = PrivateAttr(default=frozenset())

    @property
    def fed(self) -> frozenset[str]:
        """The quantities that are told."""
        return self._fed

    def feed(self, *quantities: str) -> None:
        """Let these quantities be what is told from then on; before the twin is assembled."""
        self._fed = frozenset(quantities)

    def tell(self, quantity: str, *laws: Piece, aperture: int | None = None) -> None:
        """Let a quantity that is fed, as it is shown, follow these laws.

        Parameters
        ----------
        aperture : of the readings that they lead through (ns); None: as before, at first `LONGEST`.
        """
        start = laws[0].start
        self.timeline(f"knows_{quantity}").follow(constant(1.0, start))
        if aperture is not None and aperture != self.aperture_of(quantity):
            self.timeline(f"aperture_{quantity}", LONGEST).follow(constant(aperture / NS, start))
        self.timeline(f"told_{quantity}").follow(*laws)

    def aperture_of(self, quantity: str) -> int:
        """The aperture of the readings of a quantity that it was told last (ns)."""
        last = self.timeline(f"aperture_{quantity}", LONGEST).track.pieces[-1]
        return round(float(last.series[0, 0].real) * NS)

    def error(self, quantity: str, shown: Array, instants: NDArray[np.int64], aperture: int) -> Array:
        """By how much readings that it has shown may be wrong, as the errors of this part and a draw of its noise say.

        The noise is another one than that of its own readings.

        Parameters
        ----------
        shown : readings, shape (readings,).
        instants : when each began (ns), shape (readings,).
        aperture : over which each averages (ns); 0: at an instant.
        """
        raise ComponentError(f"{type(self).__name__} has an output that is fed, and must write error()")

    def measured(self, quantity: str, expected: Signal, meant: Callable[[Signal], Signal] = _as_shown) -> Signal:
        """An output: what is expected of a quantity, or told of it.

        Parameters
        ----------
        meant : what follows from what is shown; by default that it is so.
        """
        if quantity not in self._fed:
            return expected
        known, told = self.timeline(f"knows_{quantity}"), self.timeline(f"told_{quantity}")
        return Told(known, meant(told), expected)
