"""The instruments that a campaign needs, each in its role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, ClassVar, Self, get_args, get_type_hints

from components.roles import (
    CoilLock,
    ContactStop,
    CurrentSource,
    DisplacementSensor,
    EnvironmentStation,
    Fluxgate,
    Interferometer,
    KeepingSource,
    MassExchanger,
    MotionStage,
    PositionDetector,
    Servo,
    SwitchBox,
    SwitchedServo,
    Thermometer,
    Voltmeter,
    WeighingUnit,
)
from twin.errors import WiringError


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Instruments by role; the attribute's name is the component's name in the scenario.

    Those with a default of None are read if they are there.
    """

    campaign: ClassVar[str] = "a campaign"
    hints: ClassVar[Mapping[str, str]] = {}
    """Where a role comes from that not every balance has."""

    @classmethod
    def of(cls, components: Mapping[str, Any]) -> Self:
        """Pick the instruments from the components.

        Raises
        ------
        WiringError
            If one is missing or cannot do what its role asks for.
        """
        kind: Any = cls
        roles = _roles(kind)
        for field in fields(cls):
            role, there = roles[field.name], field.name in components
            if not isinstance(components.get(field.name), role) and (there or field.default is not None):
                found = "the one that is there cannot do that" if there else "there is none"
                if role.__name__ in cls.hints:
                    found = f"{found}: {cls.hints[role.__name__]}"
                raise WiringError(
                    f"{cls.campaign} needs the role {role.__name__}, called {field.name!r}; {found}", (field.name,)
                )
        return cls(**{field.name: components[field.name] for field in fields(cls) if field.name in components})


@cache
def _roles(bench: type[Bench]) -> dict[str, Any]:
    """Of its instruments, by name."""
    return {name: (get_args(hint) or (hint,))[0] for name, hint in get_type_hints(bench).items()}


@dataclass(frozen=True, kw_only=True)
class MassBench(Bench):
    """What every mass campaign needs."""

    campaign: ClassVar[str] = "a mass campaign"

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
    motion_stage: MotionStage | None = None
    clamp: CoilLock | None = None


@dataclass(frozen=True, kw_only=True)
class TwoWindingBench(MassBench):
    """What a scheme with two windings needs beside."""

    hints: ClassVar[Mapping[str, str]] = {
        role: "it takes a second winding; extend balances/kbmini_bifilar, nist4_bifilar or tsinghua_bifilar, or your "
        "own balance with balances/two_windings and a second_coil"
        for role in ("SwitchedServo", "SwitchBox")
    }

    servo: SwitchedServo
    current_source: KeepingSource
    switch_box: SwitchBox


@dataclass(frozen=True, kw_only=True)
class PowerRegulatedBench(TwoWindingBench):
    """What the power-regulated scheme needs beside."""

    hints: ClassVar[Mapping[str, str]] = {
        **TwoWindingBench.hints,
        **dict.fromkeys(("KeepingSource", "ContactStop"), "extend the balance with balances/power_regulation"),
    }

    compensating_source: KeepingSource
    stop: ContactStop
