"""Damp insulation beside a standard resistor."""

from collections.abc import Mapping
from typing import ClassVar

from twin.component import Component, Port
from twin.parameter import parameter
from twin.signal import Signal


class Leakage(Component):
    """A share of the current passes the resistor by; it grows with the humidity of the room, in proportion."""

    share: float = parameter("1", 0.0, neutral=0.0, ge=0.0, lt=1.0, description="of the current, at 50 % humidity")

    inputs: ClassVar[Mapping[str, Port]] = {"current": Port("A"), "humidity": Port("1", default=0.5)}
    outputs: ClassVar[Mapping[str, Port]] = {"current": Port("A")}

    def signals(self, current: Signal, humidity: Signal) -> dict[str, Signal]:
        return {"current": current * (1.0 - self.share * (humidity / 0.5))}
