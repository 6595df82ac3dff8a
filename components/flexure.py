"""The weighing unit: the flexure that carries coil and load, and moves the coil."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import model_validator

from twin.clock import Process
from twin.component import Port
from twin.errors import SimulationError
from twin.instrument import Instrument
from twin.parameter import parameter
from twin.piece import Piece, extremes
from twin.signal import Signal

ROUNDING = 1e-12
"""Positions that differ by less (m) are the same."""
SAMPLES = 256
"""Of a motion, for each turn of its fastest oscillation or each coefficient of its series."""


class Flexure(Instrument):
    """Holds the coil where it is told and balances load, tare and its own restoring force against the coil.

    ``F_coil = load − tare + stiffness (z − rest_position) + after_effect``, up positive, the coil on the side of the
    load. The position follows the commanded motion exactly, but for a compliance: the loaded coil sits ``compliance ·
    load`` away. The commanded motion must stay between the stops, if there are any.
    """

    inputs: ClassVar[Mapping[str, Port]] = {
        "load": Port("N"),
        "tare_weight": Port("N"),
        "after_effect": Port("N", default=0.0),
    }
    outputs: ClassVar[Mapping[str, Port]] = {"position": Port("m"), "required_force": Port("N")}
    depends: ClassVar[Mapping[str, frozenset[str]]] = {"position": frozenset({"load"})}

    weighing_position: float = parameter("m", 0.0, description="z of the coil while weighing")
    compliance: float = parameter(
        "m/N", 0.0, neutral=0.0, description="shift of the coil, up positive, for the load on the pan"
    )
    stiffness: float = parameter("N/m", 0.0, neutral=0.0, ge=0, description="restoring force of the flexure")
    rest_position: float = parameter("m", 0.0, description="z at which the flexure exerts no force")
    lower_stop: float | None = parameter("m", None, description="z that the coil cannot go below; none: no stop")
    upper_stop: float | None = parameter("m", None, description="z that the coil cannot go above; none: no stop")

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
        return (
            -math.inf if self.lower_stop is None else self.lower_stop,
            math.inf if self.upper_stop is None else self.upper_stop,
        )

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        load = inputs["load"]
        position = self.timeline("motion", self.weighing_position) + self.compliance * load
        force = load - inputs["tare_weight"] + self.stiffness * (position - self.rest_position)
        force = force + inputs["after_effect"]
        return {"position": position, "required_force": force}

    def move(self, laws: Sequence[Piece]) -> Process:
        """Follow a prescribed motion; ends when it ends.

        Raises
        ------
        SimulationError
            If the motion does not start where the coil is, or goes beyond a stop.
        """
        motion = self.timeline("motion")
        here = motion.track.pieces[motion.track.index(laws[0].start)].values_at(laws[0].start)[0].real
        there = laws[0].values_at(laws[0].start)[0].real
        if abs(here - there) > ROUNDING:
            raise SimulationError(f"{self.name}: a motion starts at z = {there:.9g} m, but the coil is at {here:.9g} m")
        self._check_stops(laws)
        motion.follow(*laws)
        yield self.clock.until(laws[-1].end if laws[-1].end is not None else self.clock.now)

    def commanded(self) -> tuple[float, float]:
        """Position (m) and velocity (m/s) of the motion that it follows now."""
        now, track = self.clock.now, self.timeline("motion", self.weighing_position).track
        piece = track.pieces[track.index(now)]
        return float(piece.values_at(now)[0].real), float(piece.derivative().values_at(now)[0].real)

    def _check_stops(self, laws: Sequence[Piece]) -> None:
        low, high = self.travel
        if math.isinf(low) and math.isinf(high):
            return
        reaches = [extremes(law) for law in laws]
        bottom, top = min(r[0] for r in reaches), max(r[1] for r in reaches)
        if bottom < low - ROUNDING or top > high + ROUNDING:
            beyond, stop = (bottom, low) if bottom < low - ROUNDING else (top, high)
            raise SimulationError(f"{self.name}: a motion goes to z = {beyond:.6g} m, beyond the stop at {stop:.6g} m")

    def scaled(self, factor: float) -> Flexure:
        """Positions scale with the geometry; compliance and stiffness are the hinge's own."""
        names = ("weighing_position", "rest_position", "lower_stop", "upper_stop")
        positions = {name: getattr(self, name) for name in names}
        return self.model_copy(update={name: z * factor for name, z in positions.items() if z is not None})
