"""The voltmeter with all its ranges, as somebody who operates it sees it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr

from components.measuring import Disturb
from components.voltmeter import OVERRANGE, Voltmeter
from twin.times import NS

Array = NDArray[np.float64]
RANGES = (0.1, 1.0, 10.0, 100.0, 1000.0)
"""For direct voltage, of a 3458A (V)."""
LOOK = NS // 1000
"""How long it looks at the input to find a range (ns)."""
LARGEST = 1050.0
"""The highest range counts no further (V)."""


class RangedVoltmeter(Voltmeter):
    """A voltmeter whose range and auto-zero can be changed; a voltage beyond the range reads infinite.

    Gain, offset and noise are the same on every range: those that the part states for the one it is used on.
    """

    _selected: float | None = PrivateAttr(default=None)
    _zeroing: bool | None = PrivateAttr(default=None)

    @property
    def functions(self) -> tuple[str, ...]:
        """What it can measure."""
        return ("DCV",)

    @property
    def function(self) -> str:
        """What it measures."""
        return "DCV"

    def choose(self, function: str) -> None:
        """Stay what it is.

        Raises
        ------
        ValueError
            For anything but ``"DCV"``.
        """
        if function != "DCV":
            raise ValueError(f"{self.name}: nothing that it is wired to can be measured as {function}")

    @property
    def full_scale(self) -> float:
        return (self.range or RANGES[-1]) if self._selected is None else self._selected

    @property
    def zeroing(self) -> bool:
        return self.auto_zero if self._zeroing is None else self._zeroing

    def fitting(self, value: float) -> float:
        """The lowest range (V) that shows a value (V).

        Raises
        ------
        ValueError
            If there is none.
        """
        for full_scale in RANGES:
            if abs(value) <= OVERRANGE * full_scale and abs(value) <= LARGEST:
                return full_scale
        raise ValueError(f"{self.name}: no range shows {value:g} V")

    def select(self, full_scale: float) -> None:
        """Change to one of `RANGES` (V).

        Raises
        ------
        ValueError
            If it is none of them.
        """
        if full_scale not in RANGES:
            raise ValueError(f"{self.name}: {full_scale:g} V is none of its ranges")
        self._selected = full_scale

    def select_for_input(self) -> None:
        """Change to the lowest range that shows what is at the input now."""
        voltage = float(self._signal("input").means(np.array([self.clock.now]), LOOK)[0])
        self._selected = self.fitting(voltage) if abs(voltage) <= LARGEST else RANGES[-1]

    def zero(self, on: bool) -> None:
        """Subtract a zero reading from each reading, or not."""
        self._zeroing = on

    def _check_range(self, values: Array, instants: NDArray[np.int64]) -> None:
        """Nothing: what is too large is shown as infinite."""

    def _disturb(self, channel: str, aperture: int, beside: str = "") -> Disturb:
        show, most = super()._disturb(channel, aperture, beside), min(OVERRANGE * self.full_scale, LARGEST) * (1 + 1e-9)

        def disturb(values: Array, instants: NDArray[np.int64]) -> Array:
            shown = show(values, instants)
            return np.where(np.abs(shown) > most, np.copysign(np.inf, shown), shown)

        return disturb
