"""The instruments that a mass campaign needs, each in its role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from components.roles import (
    CurrentSource,
    EnvironmentStation,
    Interferometer,
    MassExchanger,
    Servo,
    Thermometer,
    Voltmeter,
    WeighingUnit,
)
from twin.errors import WiringError


@dataclass(frozen=True)
class MassBench:
    """Instruments by role; the attribute's name is the component's name in the scenario."""

    flexure: WeighingUnit
    servo: Servo
    mass_exchanger: MassExchanger
    current_source: CurrentSource
    current_voltmeter: Voltmeter
    induced_voltmeter: Voltmeter
    interferometer: Interferometer
    magnet_thermometer: Thermometer
    environment: EnvironmentStation

    @classmethod
    def of(cls, components: Mapping[str, Any]) -> MassBench:
        """Pick the instruments from the components.

        Raises
        ------
        WiringError
            If one is missing or cannot do what its role asks for.
        """
        roles: dict[str, Any] = {
            "flexure": WeighingUnit,
            "servo": Servo,
            "mass_exchanger": MassExchanger,
            "current_source": CurrentSource,
            "current_voltmeter": Voltmeter,
            "induced_voltmeter": Voltmeter,
            "interferometer": Interferometer,
            "magnet_thermometer": Thermometer,
            "environment": EnvironmentStation,
        }
        for field in fields(cls):
            role = roles[field.name]
            if not isinstance(components.get(field.name), role):
                found = "there is none" if field.name not in components else "the one that is there cannot do that"
                raise WiringError(
                    f"a mass campaign needs a {role.__name__} called {field.name!r}; {found}", (field.name,)
                )
        return cls(**{field.name: components[field.name] for field in fields(cls)})
