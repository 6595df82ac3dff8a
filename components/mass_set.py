"""Several masses that are weighed in turn, either way up, each with a counterweight of its own."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import model_validator

from components.test_mass import TestMass, weight
from twin.errors import SimulationError
from twin.instrument import Instrument
from twin.parameter import parameter
from twin.piece import constant
from twin.signal import Signal


class MassSet(Instrument, TestMass):
    """Test masses of one material; `present` says which of them, and which way up, is in the exchanger.

    The first is `mass`; the counterweight, ``tare_fraction`` of the mass, is exchanged with it (Li2026). A mass that is
    upside down has its magnetisation the other way round; what the field induces stays as it is.
    """

    further: list[float] = parameter("kg", [], description="masses beside the first")

    @model_validator(mode="after")
    def _are_masses(self) -> MassSet:
        if any(not m > 0 for m in self.further) or len({self.mass, *self.further}) <= len(self.further):
            raise ValueError(f"expected masses above 0 kg that differ, not {[self.mass, *self.further]} kg")
        return self

    @property
    def masses(self) -> tuple[float, ...]:
        """All of them (kg)."""
        return (self.mass, *self.further)

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        mass, way_up = self.timeline("mass", self.mass), self.timeline("way_up", 1.0)
        own = self.own_density(inputs), self.susceptibility, self.magnetisation * way_up
        other = self.tare_density, self.tare_susceptibility, self.tare_magnetisation
        return {
            "weight": weight(mass, *own, inputs),
            "tare_weight": weight(self.tare_fraction * mass, *other, inputs),
        }

    def present(self, mass: float | None = None, *, upside_down: bool = False) -> None:
        """Put a mass (kg) into the exchanger, the first one if none is named; while it is off the pan.

        Raises
        ------
        SimulationError
            If there is no such mass.
        """
        wanted = self.mass if mass is None else mass
        known: Mapping[float, float] = {abs(m - wanted): m for m in self.masses}
        if min(known) > 1e-6 * wanted:
            there = ", ".join(f"{m:g}" for m in self.masses)
            raise SimulationError(f"{self.name}: there is no mass of {wanted:g} kg among {there} kg")
        self.timeline("mass", self.mass).follow(constant(known[min(known)], self.clock.now))
        self.timeline("way_up", 1.0).follow(constant(-1.0 if upside_down else 1.0, self.clock.now))
