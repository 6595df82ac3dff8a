"""A standard resistor read the other way round: the current that the voltage across it tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from twin.component import Component, Port
from twin.signal import Signal


class Shunt(Component):
    """``I = U/R``, for parts that follow the current a voltmeter has found.

    In a simulation U and R are those of the resistor, and the current is the one that flows through it; where the meter
    is real, U is what it has read. R is wired from the resistor, so that it has one certificate.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"voltage": Port("V"), "resistance": Port("ohm")}
    outputs: ClassVar[Mapping[str, Port]] = {"current": Port("A")}

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        return {"current": inputs["voltage"] / inputs["resistance"]}
