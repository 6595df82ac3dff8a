"""The guide that carries a probe up and down through the gap, and sideways when it should not."""

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
from twin.times import to_ns


class Guide(Instrument):
    """A carriage on rails: its height follows the commanded motion, and its rails lead it sideways.

    ``x = centring + walk_x z + bow_x z² + (1 + shift_error) shift`` is how far out from where it should be it carries a
    probe, along the gap's radius at the probe (Seifert2014: 0.24 mm over 8 cm). `shift` is set on a cross slide.
    """

    inputs: ClassVar[Mapping[str, Port]] = {}
    outputs: ClassVar[Mapping[str, Port]] = {"position": Port("m"), "x": Port("m")}

    lower_stop: float = parameter("m", -0.05, le=0, description="z that it cannot go below")
    upper_stop: float = parameter("m", 0.05, ge=0, description="z that it cannot go above")
    centring: float = parameter("m", 0.0, neutral=0.0, description="outward, at z = 0")
    walk_x: float = parameter("m/m", 0.0, neutral=0.0, description="outward along the travel, dx/dz")
    bow_x: float = parameter("1/m", 0.0, neutral=0.0, description="of the rails, ½ d²x/dz²")
    shift_error: float = parameter("1", 0.0, neutral=0.0, description="of the cross slide, relative")

    @model_validator(mode="after")
    def _stops(self) -> Guide:
        if not self.lower_stop < self.upper_stop:
            raise ValueError(f"expected lower_stop below upper_stop, not {self.lower_stop:g} and {self.upper_stop:g} m")
        return self

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        z = self.timeline("motion")
        shift = (1.0 + self.shift_error) * self.timeline("shift")
        return {"position": z, "x": self.centring + self.walk_x * z + self.bow_x * (z * z) + shift}

    def scaled(self, factor: float) -> Guide:
        """Stops and centring scale with the geometry, the rails' lean stays."""
        names = ("lower_stop", "upper_stop", "centring")
        lengths = {name: getattr(self, name) * factor for name in names}
        return self.model_copy(update={**lengths, "bow_x": self.bow_x / factor})

    def move(self, laws: Sequence[Piece]) -> Process:
        """Follow a prescribed motion; ends when it ends.

        Raises
        ------
        SimulationError
            If it goes beyond a stop.
        """
        reaches = [extremes(law) for law in laws]
        bottom, top = min(r[0] for r in reaches), max(r[1] for r in reaches)
        if bottom < self.lower_stop - 1e-12 or top > self.upper_stop + 1e-12:
            beyond, stop = (bottom, self.lower_stop) if bottom < self.lower_stop else (top, self.upper_stop)
            raise SimulationError(f"{self.name}: a motion goes to z = {beyond:.6g} m, beyond the stop at {stop:.6g} m")
        self.timeline("motion").follow(*laws)
        yield self.clock.until(laws[-1].end if laws[-1].end is not None else self.clock.now)

    def shift(self, displacement: float, duration: float) -> Process:
        """Move the cross slide to `displacement` (m), outward, within `duration` (s)."""
        if not math.isfinite(displacement):
            raise ValueError(f"{self.name}: expected a displacement, not {displacement}")
        end = self.clock.now + to_ns(duration)
        self.timeline("shift").ramp_to(displacement, self.clock.now, end)
        yield self.clock.until(end)
