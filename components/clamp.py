"""The clamp: holds a coil that does not move, in the place of a weighing unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from twin.component import Component, Port
from twin.parameter import parameter
from twin.signal import Constant, Signal


class Clamp(Component):
    """Fixes the coil in the gap, as Liu2025 does for the thermal experiment: ``position`` is where it is.

    ``locked`` is 1 wherever this part is in a balance, for an interlock of what must not move then:
    ``interlocks: [{port: clamp.locked, below: 0.5}]`` on a stage.
    """

    outputs: ClassVar[Mapping[str, Port]] = {"position": Port("m"), "locked": Port("1")}

    position: float = parameter("m", 0.0, description="z of the coil; 0 is the symmetry plane")

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        return {"position": Constant(self.position), "locked": Constant(1.0)}

    def scaled(self, factor: float) -> Clamp:
        return self.model_copy(update={"position": self.position * factor})
