"""What stands in a rehearsal in place of parts: temperatures that are assumed, and instruments that nobody reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr

from components.thermal_mass import ThermalMass
from twin.clock import NOTHING, Process
from twin.component import Component, Port
from twin.signal import Signal
from twin.times import NS, Times

Array = NDArray[np.float64]


class Assumed(Signal):
    """One of several courses in time that somebody assumes."""

    def __init__(self, courses: Callable[[Array], Array], row: int) -> None:
        self.courses, self.row = courses, row
        self.leaves = frozenset({self})

    def _evaluate(self, times: Times) -> Array:
        seconds = times.ns / NS + times.rest
        values: Array = self.courses(seconds.ravel())[self.row].reshape(times.ns.shape)
        return values

    def breakpoints(self, start: int, end: int) -> set[int]:
        return set()


class AssumedTemperatures(Component):
    """In place of a thermal mass: temperature rises that are assumed, whatever the power."""

    inputs: ClassVar[Mapping[str, Port]] = ThermalMass.inputs
    outputs: ClassVar[Mapping[str, Port]] = ThermalMass.outputs

    _signals: dict[str, Signal] = PrivateAttr(default_factory=dict)

    def neutral_inputs(self) -> frozenset[str]:
        return frozenset(self.inputs)

    def assume(self, signals: Mapping[str, Signal]) -> AssumedTemperatures:
        """This part with these outputs."""
        self._signals = dict(signals)
        return self

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        return self._signals


class Unread:
    """In place of a part that has no influence on the heat: every operation of an instrument ends at once."""

    def __getattr__(self, name: str) -> Callable[..., Process]:
        if name.startswith("_"):
            raise AttributeError(name)
        return _nothing


READERS: Mapping[str, Any] = MappingProxyType({"environment": Unread()})
"""Parts that act on the heat, of which a campaign only asks for readings."""


def _nothing(*_: Any, **__: Any) -> Process:
    return NOTHING
