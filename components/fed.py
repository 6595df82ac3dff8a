"""Instruments whose outputs are what they measure: in a simulation the truth, and what was read where one is real."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import PrivateAttr

from twin.instrument import Instrument
from twin.piece import Piece, constant
from twin.signal import Signal
from twin.told import Told


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

    def tell(self, quantity: str, *laws: Piece) -> None:
        """Let a quantity that is fed, as it is shown, follow these laws."""
        self.timeline(f"knows_{quantity}").follow(constant(1.0, laws[0].start))
        self.timeline(f"told_{quantity}").follow(*laws)

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
