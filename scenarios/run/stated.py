"""What certificates state of the parts of a balance: values and uncertainties, and which of them somebody asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from components.circuit import Circuit
from components.current_source import CurrentSource
from components.displacement_sensor import DisplacementSensor
from components.environment import Environment
from components.fluxgate import Fluxgate
from components.ground_vibration import GroundVibration
from components.interferometer import Interferometer
from components.magnet import Magnet
from components.position_detector import PositionDetector
from components.test_mass import TestMass
from components.thermal_mass import ThermalMass
from components.thermometer import Thermometer
from components.voltmeter import Voltmeter
from scenarios.reduction import Estimate
from twin.component import Component
from twin.errors import WiringError

Kind = TypeVar("Kind", bound=Component)

# Parameters that a run measures, calibrates away or takes differences of: what is unknown of them does not reach the
# mass, or comes back as scatter. Of some kinds of part this holds for all.
MEASURED: Mapping[type[Component], frozenset[str]] = {
    Magnet: frozenset({"bl"}),
    TestMass: frozenset({"mass"}),
    Environment: frozenset({"temperature", "pressure", "humidity", "temperature_drift", "pressure_drift"}),
    Interferometer: frozenset({"offset", "nonlinearity", "nonlinearity_phase", "bandwidth"}),
    Voltmeter: frozenset({"gain", "offset", "bias_current"}),
    Thermometer: frozenset({"offset", "ice_resistance_error"}),
    Circuit: frozenset({"thermal_emf"}),
}
ONLY_WATCH = CurrentSource, ThermalMass, GroundVibration, DisplacementSensor, PositionDetector, Fluxgate


class Stated:
    """The parts of a balance, and which of the uncertainties stated of them were asked for."""

    def __init__(self, parts: Mapping[str, Component]) -> None:
        self.parts = parts
        self._asked: set[tuple[str, str]] = set()

    def part(self, name: str, kind: type[Kind]) -> Kind:
        """A part that there has to be."""
        found = self.parts.get(name)
        if not isinstance(found, kind):
            raise WiringError(f"the reduction needs a {kind.__name__} called {name!r}", (name,))
        return found

    def of(self, part: Component, name: str) -> Estimate:
        """A parameter of a part as its certificate states it."""
        self._asked.add((part.name, name))
        stated = part.uncertainties.get(name)
        value = float(getattr(part, name))
        if stated is None:
            return Estimate(value)
        return Estimate(value, part.standard_uncertainty(name), stated.dof or math.inf, stated.distribution)

    def unknown(self, part: Component, name: str, value: float = 0.0) -> Estimate:
        """A deviation of a part from a value: how large it may be, and only if it is certified how large it is."""
        stated = self.of(part, name)
        return replace(stated, value=value + (stated.value if name in part.certified else 0.0))

    def as_certified(self, part: Kind, deviations: Sequence[str]) -> Kind:
        """A part without those of its deviations that its certificate does not state."""
        self._asked |= {(part.name, name) for name in deviations if name in part.certified}
        return part.model_copy(update={name: 0.0 for name in deviations if name not in part.certified})

    def u(self, part: Component, name: str) -> float:
        """Standard uncertainty of a parameter; 0 if none is stated."""
        self._asked.add((part.name, name))
        return part.standard_uncertainty(name)

    def check(self) -> None:
        """Refuse uncertainties and certified values that nobody asked for."""
        for name, part in self.parts.items():
            for parameter in part.certified:
                if (name, parameter) not in self._asked:
                    raise WiringError(
                        f"certified: the reduction has no use for the value of {parameter}; take it away", (name,)
                    )
            for parameter in part.uncertainties:
                measured = isinstance(part, ONLY_WATCH) or parameter in MEASURED.get(type(part), ())
                if (name, parameter) not in self._asked and not measured and part.standard_uncertainty(parameter):
                    raise WiringError(
                        f"uncertainties.{parameter}: the budget has no line for it; set a value of "
                        f"{parameter} itself to see what it does, or take the uncertainty away",
                        (name,),
                    )


def with_doubts(first: Estimate, *more: tuple[float, Estimate]) -> Estimate:
    """An estimate with further contributions to its uncertainty: sensitivity and source of each."""
    more = tuple((sensitivity, other) for sensitivity, other in more if other.u > 0)
    if not more:
        return first
    variances = [(first.u**2, first.dof), *((((c * x.u) ** 2), x.dof) for c, x in more)]
    total = math.fsum(variance for variance, _ in variances)
    spread = math.fsum(variance**2 / dof for variance, dof in variances)
    dof = total**2 / spread if spread > 0 else math.inf
    return Estimate(first.value, math.sqrt(total), dof, more[0][1].distribution if first.u == 0 else "normal")


def sized(estimate: Estimate, value: float) -> Estimate:
    """An estimate of another value with the same relative uncertainty."""
    u = abs(value / estimate.value) * estimate.u if estimate.value else estimate.u
    return Estimate(value, u, estimate.dof, estimate.distribution)
