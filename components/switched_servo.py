"""A servo whose loop can be opened: the current is then the one that the source is set to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from components.servo import IdealServo
from twin.component import Port
from twin.piece import constant
from twin.signal import Signal

RESTORING = 1.0
"""With the loop open, the force per ampere of its own demand that takes it to zero (N/A); any will do."""


class SwitchedServo(IdealServo):
    """An ideal servo that demands nothing while its loop is open.

    `demand_fed_back` has to be wired to its own demand. Taking over the load and handing it back goes on with the loop
    open: `force` is then what the coil is set to carry, which the servo does not check. `closed` tells the source
    whether to follow it.
    """

    depends: ClassVar[Mapping[str, frozenset[str]]] = {**IdealServo.depends, "closed": frozenset()}
    inputs: ClassVar[Mapping[str, Port]] = {**IdealServo.inputs, "demand_fed_back": Port("A")}
    outputs: ClassVar[Mapping[str, Port]] = {**IdealServo.outputs, "closed": Port("1")}

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        return {**super().signals(**inputs), "closed": self.timeline("closed", 1.0)}

    def residual(self, **inputs: Signal) -> Signal:
        closed = self.timeline("closed", 1.0)
        demand = inputs["demand_fed_back"]
        forces = super().residual(required_force=inputs["required_force"], coil_force=inputs["coil_force"])
        return closed * forces + (1.0 - closed) * (RESTORING * demand)

    def open(self) -> None:
        """Open the loop: from now on the source's set current alone flows."""
        self.timeline("closed").follow(constant(0.0, self.clock.now))

    def close(self) -> None:
        """Close the loop: from now on the servo adds to the set current what the balance needs."""
        self.timeline("closed").follow(constant(1.0, self.clock.now))
