"""A resistance thermometer at the terminals of a multimeter, as somebody who operates that sees it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr

from components.platinum import ICE_POINT, resistance
from components.thermometer import Thermometer
from components.voltmeter import OVERRANGE
from twin.clock import Process
from twin.recorder import Label, Schedule, looked
from twin.times import NS

Array = NDArray[np.float64]
OHM_RANGES = tuple(10.0**k for k in range(1, 10))
"""For resistance, of a 3458A (ohm)."""
VOLT_RANGES = (0.1, 1.0, 10.0, 100.0, 1000.0)
LOOK = NS // 1000
"""How long it looks at the input to find a range (ns)."""


class RangedThermometer(Thermometer):
    """A multimeter with the thermometer's sensor at its four terminals: resistance, or the voltage of a sensor that
    nobody drives, which is none.

    The resistance is that at which the nominal sensor has the temperature that the thermometer shows, with all its
    errors and its noise. Beyond 120 % of the range it reads infinite.
    """

    _function: str = PrivateAttr(default="DCV")
    _selected: float | None = PrivateAttr(default=None)
    _zeroing: bool = PrivateAttr(default=True)

    @property
    def functions(self) -> tuple[str, ...]:
        """What it can measure: voltage, and resistance with four wires."""
        return ("DCV", "OHMF")

    @property
    def function(self) -> str:
        """What it measures."""
        return self._function

    @property
    def full_scale(self) -> float:
        """Of the range that it is on (V or ohm)."""
        return self._ranges[-1] if self._selected is None else self._selected

    @property
    def zeroing(self) -> bool:
        """Whether it subtracts a zero reading from each reading."""
        return self._zeroing

    @property
    def _ranges(self) -> tuple[float, ...]:
        return OHM_RANGES if self._function == "OHMF" else VOLT_RANGES

    def choose(self, function: str) -> None:
        """Change what it measures.

        Raises
        ------
        ValueError
            For anything but ``"DCV"`` and ``"OHMF"``.
        """
        if function not in self.functions:
            raise ValueError(f"{self.name}: it measures {' and '.join(self.functions)}, not {function}")
        if function != self._function:
            self._function, self._selected = function, None

    def fitting(self, value: float) -> float:
        """The lowest range (V or ohm) that shows a value.

        Raises
        ------
        ValueError
            If there is none.
        """
        for full_scale in self._ranges:
            if abs(value) <= OVERRANGE * full_scale:
                return full_scale
        raise ValueError(f"{self.name}: no range shows {value:g}")

    def select(self, full_scale: float) -> None:
        """Change to one of its ranges (V or ohm).

        Raises
        ------
        ValueError
            If it is none of them.
        """
        if full_scale not in self._ranges:
            raise ValueError(f"{self.name}: {full_scale:g} is none of its ranges")
        self._selected = full_scale

    def select_for_input(self) -> None:
        """Change to the lowest range that shows what is at the input now."""
        assert self._rise is not None
        rise = self._rise.means(np.array([self.clock.now]), LOOK)
        shown = float(self._ohms(self._indicated(rise))[0]) if self._function == "OHMF" else 0.0
        self._selected = self.fitting(shown) if math.isfinite(shown) else self._ranges[-1]

    def zero(self, on: bool) -> None:
        """Subtract a zero reading from each reading, or not."""
        self._zeroing = on

    def read(self, schedule: Schedule, labels: Mapping[str, Label]) -> Process:
        """Read what is chosen, averaged over each step. Returns the block."""
        yield self.clock.until(schedule.end)
        assert self._rise is not None
        ohms, most = self._function == "OHMF", OVERRANGE * self.full_scale
        shown = self.shown("reading", looked(labels, schedule.step))

        def disturb(values: Array, instants: NDArray[np.int64]) -> Array:
            found = self._ohms(shown(self._indicated(values), instants)) if ohms else np.zeros(values.shape)
            return np.where(np.abs(found) <= most, found, np.inf)

        quantity, unit = ("resistance", "ohm") if ohms else ("voltage", "V")
        return self.record(self._rise, schedule, quantity, unit, aperture=schedule.step, disturb=disturb, labels=labels)

    def _ohms(self, rise: Array) -> Array:
        """Of the nominal sensor at a temperature above the reference temperature (K)."""
        return resistance(rise + (self.reference_temperature - ICE_POINT), self.ice_resistance)
