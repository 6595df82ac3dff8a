"""The motion stage: carries the magnet, or an interfering one, along a prescribed motion."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from components.mover import Mover, bounds
from twin.clock import Process
from twin.component import Port
from twin.composition import Function
from twin.errors import SimulationError
from twin.parameter import parameter
from twin.piece import Piece, constant
from twin.signal import Signal

Array = NDArray[np.float64]


class MotionStage(Mover):
    """Follows a commanded position, up positive, with the errors of its screw; at rest it is at 0.

    ``position = (1 + gain) s + periodic_error sin(2π s/pitch)`` for a commanded s. While it moves its motor is
    `energised`.
    """

    carried: ClassVar[str] = "the stage"
    bound: ClassVar[str] = "limit of its travel"
    inputs: ClassVar[Mapping[str, Port]] = {}
    outputs: ClassVar[Mapping[str, Port]] = {"position": Port("m"), "energised": Port("1")}

    gain: float = parameter("1", 0.0, neutral=0.0, gt=-0.1, lt=0.1, description="relative error of its scale")
    periodic_error: float = parameter("m", 0.0, neutral=0.0, ge=0, description="amplitude, once a turn of the screw")
    pitch: float = parameter("m", 1e-3, gt=0, description="of the screw")
    lower_limit: float | None = parameter("m", None, le=0, description="of its travel; none: no limit")
    upper_limit: float | None = parameter("m", None, ge=0, description="of its travel; none: no limit")

    @model_validator(mode="after")
    def _moves_forth(self) -> MotionStage:
        if 2 * math.pi * self.periodic_error >= 0.5 * self.pitch:
            raise ValueError(f"expected a periodic_error well below the pitch of {self.pitch:g} m over 2π")
        return self

    @property
    def travel(self) -> tuple[float, float]:
        """Lowest and highest position (m) between its limits; infinite where there is none."""
        return bounds(self.lower_limit, self.upper_limit)

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        commanded: Signal = self.motion
        position = (1.0 + self.gain) * commanded
        if self.periodic_error:
            turn = 2 * math.pi / self.pitch

            def error(s: Array) -> Array:
                return self.periodic_error * np.sin(turn * s)

            def slope(s: Array) -> Array:
                return self.periodic_error * turn * np.cos(turn * s)

            position = position + Function(error, commanded, slopes=(slope,))
        return {"position": position, "energised": self.timeline("energised")}

    def move(self, laws: Sequence[Piece]) -> Process:
        """Follow a prescribed motion; ends when it ends.

        Raises
        ------
        SimulationError
            If the motion does not start where the stage is, has no end, or leaves its travel.
        """
        start, end = laws[0].start, laws[-1].end
        if end is None:
            raise SimulationError(f"{self.name}: a motion has to end")
        self.follow(laws)
        self.timeline("energised").follow(constant(1.0, start, end), constant(0.0, end))
        yield self.clock.until(end)

    def scaled(self, factor: float) -> MotionStage:
        """The travel scales with the geometry; the screw stays."""
        limits = {name: getattr(self, name) for name in ("lower_limit", "upper_limit")}
        return self.model_copy(update={name: z * factor for name, z in limits.items() if z is not None})
