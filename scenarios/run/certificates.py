"""What the laboratory knows about its own balance: the values on the certificates, not the deviations from them."""

from __future__ import annotations

from typing import TypeVar

from components.coil import Coil
from components.environment import Environment
from components.interferometer import Interferometer
from components.magnet import Magnet
from components.resistor import Resistor
from components.test_mass import TestMass
from components.voltage_reference import VoltageReference
from scenarios.reduction import Certificates
from scenarios.schema import Scenario
from twin.errors import WiringError

Kind = TypeVar("Kind")


def certificates(scenario: Scenario) -> Certificates:
    """The certificates of a scenario's balance.

    Raises
    ------
    WiringError
        If a component that the reduction needs is missing or of another kind.
    """
    parts = scenario.components()

    def part(name: str, kind: type[Kind]) -> Kind:
        found = parts.get(name)
        if not isinstance(found, kind):
            raise WiringError(f"the reduction needs a {kind.__name__} called {name!r}", (name,))
        return found

    resistor, reference = part("resistor", Resistor), part("voltage_reference", VoltageReference)
    environment, mass, coil = part("environment", Environment), part("test_mass", TestMass), part("coil", Coil)
    magnet, interferometer = part("magnet", Magnet), part("interferometer", Interferometer)
    return Certificates(
        resistance=resistor.resistance,
        resistance_drift=resistor.drift,
        u_resistance=resistor.uncertainty,
        reference_voltage=reference.voltage,
        u_reference=reference.uncertainty,
        gravity=environment.gravity,
        u_gravity=environment.gravity_uncertainty,
        mass_density=mass.density,
        u_mass_density=mass.density_uncertainty,
        u_interferometer=interferometer.uncertainty,
        reluctance_k=coil.inductance_curvature,
        beta=coil.quadratic_current_coefficient,
        magnetic_centre=coil.symmetry_plane,
        temperature_coefficient=magnet.alpha,
        vacuum=environment.vacuum,
    )
