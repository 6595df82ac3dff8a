"""The weighing unit: the flexure that carries coil and load, and moves the coil."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from pydantic import PrivateAttr, model_validator

from components.mover import Mover, bounds
from twin.clock import Process
from twin.component import Port
from twin.errors import SimulationError
from twin.implicit import Unknown
from twin.parameter import parameter
from twin.piece import Piece
from twin.signal import Signal
from twin.timeline import Timeline
from twin.times import Times


class Flexure(Mover):
    """Holds the coil where it is told and balances load, tare and its own restoring force against the coil.

    ``F_coil = load − tare + stiffness (z − rest_position) + after_effect``, up positive, the coil on the side of the
    load. The position follows the commanded motion exactly, but for a compliance: the loaded coil sits ``compliance ·
    load`` away. The commanded motion must stay between the stops, if there are any. While the coil is `locked`
    (`components.clamp`) it does not move.
    """

    carried: ClassVar[str] = "the coil"
    bound: ClassVar[str] = "stop"
    inputs: ClassVar[Mapping[str, Port]] = {
        "load": Port("N"),
        "tare_weight": Port("N"),
        "after_effect": Port("N", default=0.0),
        "locked": Port("1", default=0.0),
    }
    outputs: ClassVar[Mapping[str, Port]] = {"position": Port("m"), "required_force": Port("N")}
    depends: ClassVar[Mapping[str, frozenset[str]]] = {
        "position": frozenset({"load", "locked"}),
        "required_force": frozenset({"load", "tare_weight", "after_effect"}),
    }

    weighing_position: float = parameter("m", 0.0, description="z of the coil while weighing")
    compliance: float = parameter(
        "m/N", 0.0, neutral=0.0, description="shift of the coil, up positive, for the load on the pan"
    )
    stiffness: float = parameter("N/m", 0.0, neutral=0.0, ge=0, description="restoring force of the flexure")
    rest_position: float = parameter("m", 0.0, description="z at which the flexure exerts no force")
    lower_stop: float | None = parameter("m", None, description="z that the coil cannot go below; none: no stop")
    upper_stop: float | None = parameter("m", None, description="z that the coil cannot go above; none: no stop")

    _locked: Signal | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _starts_between_the_stops(self) -> Flexure:
        low, high = self.travel
        if not low <= self.weighing_position <= high:
            raise ValueError(
                f"expected weighing_position between the stops at {low:g} m and {high:g} m, "
                f"not {self.weighing_position:g} m"
            )
        return self

    @property
    def travel(self) -> tuple[float, float]:
        """Lowest and highest position (m) between the stops; infinite where there is none."""
        return bounds(self.lower_stop, self.upper_stop)

    @property
    def motion(self) -> Timeline:
        return self.timeline("motion", self.weighing_position)

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        load, locked = inputs["load"], inputs["locked"]
        self._locked = (
            None if isinstance(locked, Unknown) else locked
        )  # of a study that needs no more than the position
        position = self.motion + self.compliance * load
        force = load - inputs["tare_weight"] + self.stiffness * (position - self.rest_position)
        force = force + inputs["after_effect"]
        return {"position": position, "required_force": force}

    def move(self, laws: Sequence[Piece]) -> Process:
        """Follow a prescribed motion; ends when it ends.

        Raises
        ------
        SimulationError
            If the motion does not start where the coil is, or goes beyond a stop, or the coil is locked.
        """
        if self._locked is not None and float(self._locked.at(Times(np.array([laws[0].start])))[0]) > 0.5:
            raise SimulationError(f"{self.name}: the coil is locked: unlock it before it moves")
        self.follow(laws)
        yield self.clock.until(laws[-1].end if laws[-1].end is not None else self.clock.now)

    def scaled(self, factor: float) -> Flexure:
        """Positions scale with the geometry; compliance and stiffness are the hinge's own."""
        names = ("weighing_position", "rest_position", "lower_stop", "upper_stop")
        positions = {name: getattr(self, name) for name in names}
        return self.model_copy(update={name: z * factor for name, z in positions.items() if z is not None})
