"""The support: what carries the magnet gives way under the force between it and the coil."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from twin.component import Component, Port
from twin.parameter import parameter
from twin.signal import Signal


class Support(Component):
    """A static compliance between the magnet and the frame that positions are measured from.

    The coil pushes the magnet back with what it lifts: ``magnet_displacement = −compliance · force``, up positive. The
    coil is then at ``position − magnet_displacement`` in the magnet, above the middle with the mass on and below it
    with the mass off, while in the velocity phase there is no force. A stage that moves the magnet carries the support.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"force": Port("N", default=0.0), "stage": Port("m", default=0.0)}
    outputs: ClassVar[Mapping[str, Port]] = {"magnet_displacement": Port("m")}

    compliance: float = parameter("m/N", 0.0, neutral=0.0, ge=0, description="of the magnet's support")

    def neutral_inputs(self) -> frozenset[str]:
        return frozenset() if self.compliance else frozenset({"force"})

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        return {"magnet_displacement": inputs["stage"] - self.compliance * inputs["force"]}
