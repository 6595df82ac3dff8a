"""The weighing unit: the flexure that carries coil and load, and moves the coil."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from twin.clock import Process
from twin.component import Port
from twin.errors import SimulationError
from twin.instrument import Instrument
from twin.parameter import parameter
from twin.piece import Piece
from twin.signal import Signal


class Flexure(Instrument):
    """Holds the coil where it is told and balances load, tare and its own restoring force against the coil.

    ``F_coil = load − tare + stiffness (z − rest_position)``, up positive, the coil on the side of the load. The
    position follows the commanded motion exactly, but for a compliance: the loaded coil sits ``compliance · load``
    away.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"load": Port("N"), "tare_weight": Port("N")}
    outputs: ClassVar[Mapping[str, Port]] = {"position": Port("m"), "required_force": Port("N")}

    weighing_position: float = parameter("m", 0.0, description="z of the coil while weighing")
    compliance: float = parameter(
        "m/N", 0.0, neutral=0.0, description="shift of the coil, up positive, for the load on the pan"
    )
    stiffness: float = parameter("N/m", 0.0, neutral=0.0, ge=0, description="restoring force of the flexure")
    rest_position: float = parameter("m", 0.0, description="z at which the flexure exerts no force")

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        load = inputs["load"]
        position = self.timeline("motion", self.weighing_position) + self.compliance * load
        force = load - inputs["tare_weight"] + self.stiffness * (position - self.rest_position)
        return {"position": position, "required_force": force}

    def move(self, laws: Sequence[Piece]) -> Process:
        """Follow a prescribed motion; ends when it ends.

        Raises
        ------
        SimulationError
            If the motion does not start where the coil is.
        """
        motion = self.timeline("motion")
        here = motion.track.pieces[motion.track.index(laws[0].start)].values_at(laws[0].start)[0].real
        there = laws[0].values_at(laws[0].start)[0].real
        if abs(here - there) > 1e-12:
            raise SimulationError(f"{self.name}: a motion starts at z = {there:.9g} m, but the coil is at {here:.9g} m")
        motion.follow(*laws)
        yield self.clock.until(laws[-1].end if laws[-1].end is not None else self.clock.now)

    def scaled(self, factor: float) -> Flexure:
        """Positions scale with the geometry; compliance and stiffness are the hinge's own."""
        return self.model_copy(
            update={
                "weighing_position": self.weighing_position * factor,
                "rest_position": self.rest_position * factor,
            }
        )
