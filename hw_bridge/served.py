"""A scenario's balance as instruments that a laboratory's own program operates, with no campaign.

Physics is shared: what the served source drives warms the coil, and the served meters read it. Nobody but the client
controls the current, so the servo is left out; a source of two stages is two sources, whose currents add up; the coil
goes where the served stage takes it. The balance starts at the temperature of the room. What is read belongs to the
client: nothing is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.compensating_source import CompensatingSource
from components.current_source import CurrentSource
from components.ranged_source import KEITHLEY_6221, OVERRANGE, RangedSource
from components.ranged_thermometer import RangedThermometer
from components.ranged_voltmeter import RangedVoltmeter
from components.roles import MotionStage
from components.servo import IdealServo
from components.thermometer import Thermometer
from components.voltmeter import Digits, Voltmeter
from hw_bridge.cores.core import Core
from hw_bridge.cores.hp3458a import Hp3458A
from hw_bridge.cores.keithley6221 import Keithley6221
from hw_bridge.cores.pi_gcs import PiGcs
from hw_bridge.errors import BridgeError
from scenarios.run.build import start_at_ambient
from scenarios.schema import Scenario
from twin.component import Component
from twin.real_time import RealTimeClock
from twin.recorder import Block, Recorder
from twin.times import NS
from twin.twin import Twin

SHORT = (Digits(aperture=0.0, digits=4.5), Digits(aperture=10e-6, digits=5.5))
"""Digits of a 3458A at apertures that scenarios do not state."""
SOURCE_ADDRESS, METER_ADDRESS, LAST_ADDRESS = 12, 22, 30
"""On the bus, of the first of each, and the last that there is."""
FINE = "_fine"
"""What the second stage of a source is called by, after its name."""
TIDY = 60 * NS
"""So often (ns of the simulation) history is dropped."""


class Unkept(Recorder):
    """Keeps nothing."""

    def record(self, block: Block) -> None:
        pass

    def record_truth(self, block: Block) -> None:
        pass


@dataclass(frozen=True)
class Instrument:
    """An instrument on the wire.

    Parameters
    ----------
    core : its language.
    address : on the bus; None for one that has no bus.
    """

    core: Core
    address: int | None


class ServedTwin:
    """The twin of a scenario and its instruments.

    Parameters
    ----------
    scenario : any; its campaign is not run.
    clock : real time, scaled or stepped.

    Raises
    ------
    WiringError
        If the balance cannot be wired.
    BridgeError
        If it has no instrument that can be served.
    """

    def __init__(self, scenario: Scenario, clock: RealTimeClock) -> None:
        parts, wiring = operated(scenario.true_components(), scenario.wiring)
        start_at_ambient(scenario, parts)
        self.clock = clock
        self.twin = Twin(parts, wiring, seed=scenario.seed, clock=clock, recorder=Unkept(), concurrent=True)
        self.instruments = _instruments(self.twin.graph.components, clock)
        self._tidied = 0
        if not self.instruments:
            raise BridgeError(f"{scenario.name} has no current source, voltmeter or stage to serve")

    def tidy(self) -> None:
        """Drop, now and then, the history that no reading under way began in."""
        if self.clock.now - self._tidied >= TIDY:
            self._tidied = self.clock.now
            began = [i.core.since for i in self.instruments if i.core.since is not None]
            self.twin.drop_history(min([*began, self.clock.now]))


def operated(parts: Mapping[str, Component], wiring: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Parts and wiring without servo, with a source and meters that somebody operates."""
    servos = {name for name, part in parts.items() if isinstance(part, IdealServo)}
    sources = {name: part for name, part in parts.items() if isinstance(part, CurrentSource)}
    kept = {name: _operated(part) for name, part in parts.items() if name not in servos}
    unwired = {f"{name}.{port}" for name in sources for port in ("demand", "following", "servo_noise")}
    left = {
        into: out
        for into, out in wiring.items()
        if not servos & {into.partition(".")[0], out.partition(".")[0]} and into not in unwired
    }
    for name, source in sources.items():
        if isinstance(source, CompensatingSource) or not source.fine_range:
            continue
        coarse: Any = kept[name]
        fine = kept[name + FINE] = _fine(coarse)
        left |= {f"{name}.demand": f"{name}{FINE}.current", f"{name}.servo_noise": f"{name}{FINE}.noise"}
        load = left.get(f"{name}.load_resistance")
        left |= {f"{name}{FINE}.load_resistance": load} if load and fine.compliance_voltage else {}
    return kept, left


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


def _instruments(parts: Mapping[str, Component], clock: RealTimeClock) -> list[Instrument]:
    """Sources, meters, thermometers, fine stages and movers, in this order, each as the scenario names it."""
    coarse = [(name, part) for name, part in parts.items() if isinstance(part, RangedSource)]
    fine = [(name, part) for name, part in coarse if name.endswith(FINE)]
    coarse = [item for item in coarse if item not in fine]
    meters: list[tuple[str, Any]] = [(name, part) for name, part in parts.items() if isinstance(part, RangedVoltmeter)]
    meters += [(name, part) for name, part in parts.items() if isinstance(part, RangedThermometer)]
    stages = [(name, part) for name, part in parts.items() if isinstance(part, MotionStage)]
    after = SOURCE_ADDRESS + len(coarse)
    return [
        *(Instrument(Keithley6221(name, clock, s), SOURCE_ADDRESS + k) for k, (name, s) in enumerate(coarse)),
        *(Instrument(Hp3458A(name, clock, m), _address(METER_ADDRESS + k)) for k, (name, m) in enumerate(meters)),
        *(Instrument(Keithley6221(name, clock, s), after + k) for k, (name, s) in enumerate(fine)),
        *(Instrument(PiGcs(name, clock, stage), None) for name, stage in stages),
    ]


def _address(wanted: int) -> int:
    """On the bus; beyond the last one they go on with the first."""
    return wanted if wanted <= LAST_ADDRESS else wanted - LAST_ADDRESS
