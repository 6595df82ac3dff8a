"""The instruments that a mass campaign needs, each in its role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from components.roles import (
    CurrentSource,
    DisplacementSensor,
    EnvironmentStation,
    Fluxgate,
    Interferometer,
    MassExchanger,
    PositionDetector,
    Servo,
    Thermometer,
    Voltmeter,
    WeighingUnit,
)
from twin.errors import WiringError


@dataclass(frozen=True)
class MassBench:
    """Instruments by role; the attribute's name is the component's name in the scenario.

    Those with a default of None are read if they are there.
    """

    flexure: WeighingUnit
    servo: Servo
    mass_exchanger: MassExchanger
    current_source: CurrentSource
    current_voltmeter: Voltmeter
    induced_voltmeter: Voltmeter
    interferometer: Interferometer
    magnet_thermometer: Thermometer
    environment: EnvironmentStation
    coil_thermometer: Thermometer | None = None
    position_detector: PositionDetector | None = None
    displacement_sensor: DisplacementSensor | None = None
    fluxgate: Fluxgate | None = None

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
            "coil_thermometer": Thermometer,
            "position_detector": PositionDetector,
            "displacement_sensor": DisplacementSensor,
            "fluxgate": Fluxgate,
        }
        for field in fields(cls):
            role, there = roles[field.name], field.name in components
            if not isinstance(components.get(field.name), role) and (there or field.default is not None):
                found = "the one that is there cannot do that" if there else "there is none"
                raise WiringError(
                    f"a mass campaign needs a {role.__name__} called {field.name!r}; {found}", (field.name,)
                )
        return cls(**{field.name: components[field.name] for field in fields(cls) if field.name in components})
