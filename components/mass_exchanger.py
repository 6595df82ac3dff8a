"""The mass exchanger: puts the test mass on the pan and takes it off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from twin.clock import Process
from twin.component import Port
from twin.fault import FaultKind
from twin.instrument import Instrument
from twin.parameter import parameter
from twin.signal import Signal
from twin.times import to_ns


class MassExchanger(Instrument):
    """Moves the test mass; the load on the pan changes along a straight line in time.

    Parts of the exchanger that rest on the pan with the mass, such as a tray, add their weight less buoyancy,
    ``parts_mass g (1 − ρ_air/parts_density)``. A mass that slips takes its share of the load off the pan, one that is
    not loaded stays in the exchanger with the parts.
    """

    inputs: ClassVar[Mapping[str, Port]] = {
        "weight": Port("N"),
        "gravity": Port("m/s^2", default=0.0),
        "air_density": Port("kg/m^3", default=0.0),
    }
    outputs: ClassVar[Mapping[str, Port]] = {"load": Port("N")}
    faults: ClassVar[Mapping[str, FaultKind]] = {
        "slips": FaultKind("1", "share of the load that the pan loses"),
        "not_loaded": FaultKind("1", "share of the load that is not put on the pan", 1.0),
    }

    parts_mass: float = parameter(
        "kg", 0.0, neutral=0.0, ge=0, description="of the parts that rest on the pan with the mass"
    )
    parts_density: float = parameter("kg/m^3", 2700.0, gt=0, source="aluminium")

    def neutral_inputs(self) -> frozenset[str]:
        return frozenset() if self.parts_mass else frozenset({"gravity", "air_density"})

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        parts = self.parts_mass * inputs["gravity"] * (1.0 - inputs["air_density"] / self.parts_density)
        share = (1.0 - self.fault("slips")) * (1.0 - self.fault("not_loaded"))
        return {"load": self.timeline("placement") * (inputs["weight"] + parts) * share}

    def load(self, duration: float) -> Process:
        """Put the mass on the pan within `duration` (s)."""
        return self._transfer(1.0, duration)

    def unload(self, duration: float) -> Process:
        """Take the mass off the pan within `duration` (s)."""
        return self._transfer(0.0, duration)

    def _transfer(self, final: float, duration: float) -> Process:
        end = self.clock.now + to_ns(duration)
        self.timeline("placement").ramp_to(final, self.clock.now, end)
        yield self.clock.until(end)
