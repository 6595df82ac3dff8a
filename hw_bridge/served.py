"""A scenario's balance as instruments that a laboratory's own program operates, with no campaign.

Physics is shared: what the served source drives warms the coil, and the served meters read it. What each part is to
whoever operates it, `hw_bridge.operated` says. The balance starts at the temperature of the room, with the pan empty
and the load on the arrest. What is read belongs to the client: nothing is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.clamp import Clamp
from components.displacement_sensor import DisplacementSensor
from components.environment import Environment
from components.fluxgate import Fluxgate
from components.interferometer import Interferometer
from components.position_detector import PositionDetector
from components.ranged_source import RangedSource
from components.ranged_thermometer import RangedThermometer
from components.ranged_voltmeter import RangedVoltmeter
from components.roles import MotionStage
from components.switched_servo import SwitchedServo
from hw_bridge.cores.coil_lock import CoilLock
from hw_bridge.cores.core import Core
from hw_bridge.cores.hp3458a import Hp3458A
from hw_bridge.cores.keithley6221 import Keithley6221
from hw_bridge.cores.pi_gcs import PiGcs
from hw_bridge.cores.sampler import Sampler
from hw_bridge.cores.scanner import Scanner
from hw_bridge.cores.servo_controller import ServoController
from hw_bridge.errors import BridgeError
from hw_bridge.operated import FINE, operated
from scenarios.run.build import start_at_ambient
from scenarios.schema import Scenario
from twin.component import Component
from twin.real_time import RealTimeClock
from twin.recorder import Block, Recorder
from twin.times import NS, Times
from twin.twin import Twin

SOURCE_ADDRESS, METER_ADDRESS, LAST_ADDRESS = 12, 22, 30
"""On the bus, of the first of each, and the last that there is."""
SCANNER = "_scanner"
"""What the scanner of a meter is called by, after its name."""
AIR = ("temperature", "pressure", "humidity")
SAMPLED: Mapping[type, tuple[tuple[str, ...], bool]] = {
    Interferometer: (("position",), True),
    DisplacementSensor: (("position",), True),
    PositionDetector: (("x", "y", "theta_x", "theta_y"), False),
    Fluxgate: (("field",), False),
    Environment: (AIR, False),
}
"""Sensors with a memory: what they read, and whether at instants too."""
TIDY = 60 * NS
"""So often (ns of the simulation) history is dropped."""


class Latest(Recorder):
    """Keeps of each instrument and quantity what was read last."""

    def __init__(self) -> None:
        super().__init__()
        self._blocks: dict[tuple[str, str], Block] = {}

    def record(self, block: Block) -> None:
        self._blocks[block.channel, block.quantity] = block

    def record_truth(self, block: Block) -> None:
        pass

    def latest(self, channel: str, quantity: str) -> Block:
        """What was read last."""
        return self._blocks[channel, quantity]


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
    referenced : whether the axes have been referenced, as an operator does after switching on.

    Raises
    ------
    WiringError
        If the balance cannot be wired.
    BridgeError
        If it has no instrument that can be served.
    """

    def __init__(self, scenario: Scenario, clock: RealTimeClock, *, referenced: bool = False) -> None:
        parts, wiring = operated(scenario.true_components(), scenario.wiring)
        start_at_ambient(scenario, parts)
        self.scenario, self.clock = scenario, clock
        recorder = Latest()
        self.twin = Twin(parts, wiring, seed=scenario.seed, clock=clock, recorder=recorder, concurrent=True)
        self.instruments = _instruments(self.twin, recorder, clock)
        self._tidied = 0
        if not self.instruments:
            raise BridgeError(f"{scenario.name} has no current source, voltmeter or stage to serve")
        for instrument in self.instruments:
            if isinstance(instrument.core, PiGcs):
                instrument.core.referenced = referenced

    def tidy(self) -> None:
        """Drop, now and then, the history that no reading under way began in."""
        if self.clock.now - self._tidied >= TIDY:
            self._tidied = self.clock.now
            began = [i.core.oldest for i in self.instruments if i.core.oldest is not None]
            self.twin.drop_history(min([*began, self.clock.now]))


def _instruments(twin: Twin, recorder: Latest, clock: RealTimeClock) -> list[Instrument]:
    """Sources, meters, thermometers, fine stages and movers, then what has no bus, each as the scenario names it."""
    parts = twin.graph.components
    coarse = _all(parts, RangedSource)
    fine = {name: part for name, part in coarse.items() if name.endswith(FINE)}
    sources = {n: Keithley6221(n, clock, source) for n, source in coarse.items() if n not in fine}
    voltmeters = {name: Hp3458A(name, clock, meter) for name, meter in _all(parts, RangedVoltmeter).items()}
    ohmmeters = [Hp3458A(name, clock, meter) for name, meter in _all(parts, RangedThermometer).items()]
    after = SOURCE_ADDRESS + len(sources)
    return [
        *(Instrument(core, SOURCE_ADDRESS + k) for k, core in enumerate(sources.values())),
        *(Instrument(core, _address(METER_ADDRESS + k)) for k, core in enumerate([*voltmeters.values(), *ohmmeters])),
        *(Instrument(Keithley6221(name, clock, s), after + k) for k, (name, s) in enumerate(fine.items())),
        *(Instrument(PiGcs(name, clock, stage), None) for name, stage in _all(parts, MotionStage).items()),
        *(Instrument(Scanner(name + SCANNER, clock, meter), None) for name, meter in voltmeters.items()),
        *(Instrument(core, None) for core in _samplers(parts, recorder, clock)),
        *(Instrument(core, None) for core in _servos(twin, sources, clock)),
        *(Instrument(CoilLock(name, clock, clamp), None) for name, clamp in _all(parts, Clamp).items()),
    ]


def _all(parts: Mapping[str, Component], kind: Any) -> dict[str, Any]:
    return {name: part for name, part in parts.items() if isinstance(part, kind)}


def _samplers(parts: Mapping[str, Component], recorder: Latest, clock: RealTimeClock) -> list[Sampler]:
    """The sensors with a memory."""
    made = []
    for kind, (quantities, instants) in SAMPLED.items():
        for name, part in _all(parts, kind).items():
            shown = quantities[:1] if isinstance(part, Environment) and part.vacuum else quantities

            def latest(quantity: str, name: str = name) -> Block:
                return recorder.latest(name, quantity)

            made.append(Sampler(name, clock, part, shown, latest, instants=instants))
    return made


def _servos(twin: Twin, sources: Mapping[str, Keithley6221], clock: RealTimeClock) -> list[ServoController]:
    """The controllers of the servos, each told when a source goes off that it needs."""
    made = []
    for name, servo in _all(twin.graph.components, SwitchedServo).items():
        driven = [core for n, core in sources.items() if twin.graph.wiring.get(f"{n}.servo") == f"{name}.demand"]

        def demanded(port: str = f"{name}.demand") -> float:
            return float(twin.signal(port).at(Times(np.array([clock.now])))[0])

        behind: list[Any] = [core.source for core in driven]
        controller = ServoController(name, clock, servo, behind, demanded)
        for core in driven:
            core.told.append(controller.trip)
        made.append(controller)
    return made


def _address(wanted: int) -> int:
    """On the bus; beyond the last one they go on with the first."""
    return wanted if wanted <= LAST_ADDRESS else wanted - LAST_ADDRESS
