"""The simulated instruments do what their roles ask for, with the same arguments."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from components import roles
from components.clamp import Clamp
from components.current_source import CurrentSource
from components.displacement_sensor import DisplacementSensor
from components.driven_exchanger import DrivenExchanger
from components.environment import Environment
from components.flexure import Flexure
from components.fluxgate import Fluxgate
from components.guide import Guide
from components.hall_probe import HallProbe
from components.hinge import Hinge
from components.interfering_magnet import InterferingMagnet
from components.interferometer import Interferometer
from components.mass_exchanger import MassExchanger
from components.mass_set import MassSet
from components.motion_stage import MotionStage
from components.position_detector import PositionDetector
from components.ranged_source import RangedSource
from components.ranged_thermometer import RangedThermometer
from components.ranged_voltmeter import RangedVoltmeter
from components.sensor_ring import SensorRing
from components.servo import IdealServo
from components.stop import Stop
from components.switch_box import SwitchBox
from components.switched_servo import SwitchedServo
from components.thermometer import Thermometer
from components.voltmeter import Voltmeter

INSTRUMENTS: list[tuple[Any, Any]] = [
    (Voltmeter, roles.Voltmeter),
    (Interferometer, roles.Interferometer),
    (Thermometer, roles.Thermometer),
    (DisplacementSensor, roles.DisplacementSensor),
    (PositionDetector, roles.PositionDetector),
    (Fluxgate, roles.Fluxgate),
    (HallProbe, roles.HallProbe),
    (Guide, roles.ProbeGuide),
    (Environment, roles.EnvironmentStation),
    (CurrentSource, roles.CurrentSource),
    (MassExchanger, roles.MassExchanger),
    (DrivenExchanger, roles.MassExchanger),
    (DrivenExchanger, roles.MotionStage),
    (Clamp, roles.CoilLock),
    (MassSet, roles.Magazine),
    (Flexure, roles.WeighingUnit),
    (Hinge, roles.WeighingUnit),
    (Hinge, roles.DrivenHinge),
    (MotionStage, roles.MotionStage),
    (InterferingMagnet, roles.SourceStage),
    (SensorRing, roles.SensorMount),
    (IdealServo, roles.Servo),
    (CurrentSource, roles.KeepingSource),
    (SwitchedServo, roles.SwitchedServo),
    (SwitchBox, roles.SwitchBox),
    (Stop, roles.ContactStop),
    (RangedThermometer, roles.RangedOhmmeter),
    (RangedVoltmeter, roles.RangedMeter),
    (RangedVoltmeter, roles.RangedVoltmeter),
    (RangedSource, roles.RangedCurrentSource),
    (Flexure, roles.MotionStage),
]


def operations(role: type) -> list[str]:
    """Its own and those of the roles that it builds on."""
    kinds = [kind for kind in role.__mro__ if kind.__module__ == roles.__name__]
    members = {name: value for kind in kinds for name, value in vars(kind).items()}
    return [name for name, value in members.items() if inspect.isfunction(value) and not name.startswith("_")]


@pytest.mark.parametrize(("instrument", "role"), INSTRUMENTS)
def test_an_instrument_fulfils_its_role(instrument: Any, role: Any) -> None:
    assert isinstance(instrument(**({"mass": 1.0} if instrument is MassSet else {})), role)
    assert operations(role)
    for name in operations(role):
        asked, offered = (inspect.signature(getattr(kind, name)).parameters for kind in (role, instrument))
        assert list(offered) == list(asked)
        for argument, wanted in asked.items():
            assert offered[argument].kind == wanted.kind
            assert offered[argument].default == wanted.default


def test_every_role_has_an_instrument() -> None:
    declared = {
        value for value in vars(roles).values() if isinstance(value, type) and value.__module__ == roles.__name__
    }
    assert declared == {role for _, role in INSTRUMENTS}


def test_an_instrument_without_a_bench_says_what_is_missing() -> None:
    from twin.errors import ComponentError

    with pytest.raises(ComponentError, match="Twin"):
        next(IdealServo().engage(1.0))
