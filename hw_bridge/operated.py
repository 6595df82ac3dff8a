"""The parts of a balance as somebody operates them who is not the twin's campaign.

The current source and the meters have all their ranges, a source of two stages is two sources whose currents add up,
and the mass exchanger has a motor. The servo holds the coil when it is told to, by a current of its own behind the
source's relay, and leaves it alone otherwise, so that a program that wants to control the current itself can. A servo
that is modelled with its sensor and its sampling is left out: it would be the program's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.compensating_source import CompensatingSource
from components.current_source import CurrentSource
from components.driven_exchanger import DrivenExchanger
from components.mass_exchanger import MassExchanger
from components.ranged_source import KEITHLEY_6221, OVERRANGE, RangedSource
from components.ranged_thermometer import RangedThermometer
from components.ranged_voltmeter import RangedVoltmeter
from components.servo import IdealServo
from components.switched_servo import SwitchedServo
from components.thermometer import Thermometer
from components.voltmeter import Digits, Voltmeter
from twin.component import Component

SHORT = (Digits(aperture=0.0, digits=4.5), Digits(aperture=10e-6, digits=5.5))
"""Digits of a 3458A at apertures that scenarios do not state."""
FINE = "_fine"
"""What the second stage of a source is called by, after its name."""
OPERABLE = (IdealServo, SwitchedServo)
"""Servos that hold the coil when they are told to."""


def operated(parts: Mapping[str, Component], wiring: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Parts and wiring, with what somebody operates in the place of what a campaign does."""
    servos = {name for name, part in parts.items() if isinstance(part, IdealServo)}
    dropped = {name for name in servos if type(parts[name]) not in OPERABLE}
    sources = {name: part for name, part in parts.items() if isinstance(part, CurrentSource)}
    kept = {name: _operated(part) for name, part in parts.items() if name not in dropped}
    unwired = {f"{name}.{port}" for name in sources for port in ("demand", "following", "servo_noise")}
    left = {
        into: out
        for into, out in wiring.items()
        if not dropped & {into.partition(".")[0], out.partition(".")[0]} and into not in unwired
    }
    for name in servos - dropped:
        left[f"{name}.demand_fed_back"] = f"{name}.demand"
        left |= {f"{s}.servo": f"{name}.demand" for s in sources if wiring.get(f"{s}.demand") == f"{name}.demand"}
    for name, source in sources.items():
        if isinstance(source, CompensatingSource) or not source.fine_range:
            continue
        coarse: Any = kept[name]
        fine = kept[name + FINE] = _fine(coarse)
        left |= {f"{name}.demand": f"{name}{FINE}.current", f"{name}.servo_noise": f"{name}{FINE}.noise"}
        load = left.get(f"{name}.load_resistance")
        left |= {f"{name}{FINE}.load_resistance": load} if load and fine.compliance_voltage else {}
    return kept, left


def with_open_servos(
    parts: Mapping[str, Component], wiring: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Parts and wiring, with ideal servos that can be opened, so that the current that a source is set to flows alone.

    Whoever builds the twin of it opens them (`SwitchedServo.open`).
    """
    ideal = [name for name, part in parts.items() if type(part) is IdealServo]
    wired = dict(wiring)
    for name in ideal:
        driven = [into.partition(".")[0] for into, out in wiring.items() if out == f"{name}.demand"]
        wired[f"{name}.demand_fed_back"] = f"{name}.demand"
        wired |= {f"{s}.following": f"{name}.closed" for s in driven if "following" in parts[s].inputs}
    return {**parts, **{name: SwitchedServo().named(name) for name in ideal}}, wired


def _fine(coarse: RangedSource) -> RangedSource:
    """The second stage, another source of the same kind and without errors, beside the first at the same load."""
    same = {k: getattr(coarse, k) for k in ("compliance_voltage", "series_resistance", "white_noise", "flicker_noise")}
    return RangedSource(limit=OVERRANGE * KEITHLEY_6221[-1].full_scale, **same)


def _operated(part: Component) -> Component:
    if isinstance(part, CurrentSource):
        made: Any = _remade(part, RangedSource)
    elif isinstance(part, Voltmeter):
        made = _remade(part, RangedVoltmeter, digits=_all_digits(part))
    elif isinstance(part, Thermometer):
        made = _remade(part, RangedThermometer)
    elif type(part) is MassExchanger:
        made = _remade(part, DrivenExchanger)
    elif type(part) is IdealServo:
        made = SwitchedServo()
    else:
        return part
    made.plan_faults(part._planned_faults)
    return made


def _remade(part: Component, kind: Any, **changes: Any) -> Any:
    """The same parameters in another kind of part."""
    fields = type(part).model_fields
    return kind.model_construct(set(fields), **{**{key: getattr(part, key) for key in fields}, **changes})


def _all_digits(meter: Voltmeter) -> list[Digits]:
    """The stated digits, with those of shorter apertures before them."""
    if not meter.digits:
        return []
    return [*(row for row in SHORT if row.aperture < meter.digits[0].aperture), *meter.digits]
