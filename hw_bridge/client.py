"""What a run needs to know of a served balance: a scenario whose parts are real, at the addresses that were opened.

Whoever serves writes it for whoever runs. It extends the scenario as its file has it: what the one who serves has set
beside, such as another mass, and the seed that decides the errors of the instruments, are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components.roles import Servo
from components.test_mass import TestMass
from hw_bridge.cores.coil_lock import CoilLock
from hw_bridge.cores.hp3458a import Hp3458A
from hw_bridge.cores.keithley6221 import RESET_COMPLIANCE, Keithley6221
from hw_bridge.cores.pi_gcs import LARGEST_VELOCITY, PiGcs
from hw_bridge.cores.sampler import LOOK, Sampler
from hw_bridge.cores.scanner import CHANNELS
from hw_bridge.cores.servo_controller import ServoController
from hw_bridge.errors import BridgeError
from hw_bridge.served import SCANNER, ServedTwin
from scenarios.schema import library
from scenarios.schema.emit import emit

HEADER = """\
# A balance that kibble-twin serve has put on the wire, for kibble-twin run FILE --arm. Ports change with every start.
# Limits are those of the instruments: lower them to what your coil bears.
"""
NOTHING_FLOWS = 10e-6
"""Below this current a mass may be exchanged where the campaign takes the current away for it (A)."""
UNKNOWN = "0.1 %"
"""Of the mass on the pan, which is to be found: within this a shadow expects the currents that hold it."""
BUSY = 0.2
"""Within this a stage sets off that is told to by a program on a busy machine (s); for the band of a shadow."""
AIR_EVERY = 10.0
"""From reading to reading of the air, which the twin beside follows (s)."""
IDENTIFY = "*IDN?"
SENSORS = {
    "Interferometer": "sampling_interferometer",
    "DisplacementSensor": "sampling_displacement_sensor",
    "PositionDetector": "sampling_position_detector",
    "Fluxgate": "sampling_fluxgate",
    "Environment": "generic_station",
}
"""Drivers, by the class of the part."""
SAMPLING = {
    "configure": "SAMP:COUN {count};TIM {step};AVER {average}",
    "configured": "SAMP:COUN?;TIM?;AVER?",
    "start": "INIT",
    "fetch": "FETC?",
}
MEANS = {**SAMPLING, "configure": "SAMP:COUN {count};TIM {step}", "configured": "SAMP:COUN?;TIM?"}
SERVO = {
    "engage": "SERV:ENG {duration}",
    "release": "SERV:REL {duration}",
    "state": "SERV:STAT?",
    "engaged": "ENGAGED",
    "released": "RELEASED",
    "current": "SERV:CURR?",
}
LOCK = {"lock": "LOCK ON", "unlock": "LOCK OFF", "state": "LOCK?", "locked": "1", "unlocked": "0"}


def client_scenario(source: str, served: ServedTwin, rows: Sequence[Mapping[str, Any]]) -> str:
    """The text of a scenario that runs on what is served.

    Parameters
    ----------
    source : file or name that is served.
    rows : the addresses, as `hw_bridge.server.WireServer.start` returns them.

    Raises
    ------
    BridgeError
        If a campaign would need a servo that is not served.
    """
    at = {row["name"]: row["address"] for row in rows if row["transport"] == "socket"}
    scenario = served.scenario
    real = {name: {"driver": "artefact"} for name in scenario.balance.parts}
    for instrument in served.instruments:
        name = instrument.core.name
        if name in scenario.balance.parts:
            real[name] = {**_hardware(instrument.core, at, served), "resource": at[name]}
    if idle := [name for name, part in scenario.balance.parts.items() if isinstance(part, Servo) and name not in at]:
        raise BridgeError(
            f"--client: {idle[0]} is modelled with its sensor, and not served: no campaign can hold the coil"
        )
    path = library.find(source)
    base = source if path.is_relative_to(library.folder()) else str(path.resolve())
    tree: dict[str, Any] = {
        "schema": 1,
        "extends": base,
        "name": f"{scenario.name}_on_the_wire",
        **({"thermal": {"start": "ambient"}} if "thermal" in scenario.sections else {}),
        "balance": {name: {"hardware": hardware} for name, hardware in real.items()},
    }
    for name, part in scenario.balance.parts.items():
        if isinstance(part, TestMass) and "mass" not in part.uncertainties:
            tree["balance"][name]["uncertainties"] = {"mass": UNKNOWN}
    return HEADER + emit(tree, {})


def _hardware(core: Any, at: Mapping[str, str], served: ServedTwin) -> dict[str, Any]:
    """Driver, limits and words of an instrument."""
    part: Any = served.scenario.balance.parts[core.name]
    if isinstance(core, Keithley6221):
        most = {"current": min(part.coarse_range, part.limit), "voltage": part.compliance_voltage or RESET_COMPLIANCE}
        return {"driver": "keithley6221", "limits": most}
    if isinstance(core, Hp3458A):
        return _meter(core, at)
    if isinstance(core, PiGcs):
        return _axis(core, served)
    if isinstance(core, Sampler):
        return _sensor(core, type(part).__name__)
    if isinstance(core, ServoController):
        return {"driver": "generic_servo", "commands": {"identify": IDENTIFY, **SERVO}}
    assert isinstance(core, CoilLock)
    return {"driver": "generic_lock", "commands": {"identify": IDENTIFY, **LOCK}}


def _meter(core: Hp3458A, at: Mapping[str, str]) -> dict[str, Any]:
    if core.name + SCANNER not in at:
        return {"driver": "pt100_3458a"}
    words = {"scanner": at[core.name + SCANNER], "state": "ROUT:CLOS?"}
    for channel, what in CHANNELS.items():
        words |= {f"select_{what}": f"ROUT:CLOS {channel}", f"selected_{what}": channel}
    return {"driver": "hp3458a", "commands": words}


def _axis(core: PiGcs, served: ServedTwin) -> dict[str, Any]:
    """A stage, or the lift of an exchanger, with the interlocks that the balance and its campaign have a use for."""
    (low, high), parts = core.travel, served.scenario.balance.parts
    limits = {"lower": low, "upper": high, "velocity": LARGEST_VELOCITY}
    if not hasattr(core.stage, "stroke"):
        holds = [{"port": "clamp.locked", "below": 0.5}] if "clamp" in parts else []
        return {"driver": "pi_gcs", "limits": limits, "timing": BUSY, **({"interlocks": holds} if holds else {})}
    weighing: Any = getattr(served.scenario.campaign, "weighing", None)
    off = getattr(weighing, "exchange_first", False) and weighing.current == "ramped"
    flowing = ["current_source.current", "servo.demand"] if off else []
    found = {"driver": "pi_exchanger", "limits": limits, "settings": {"loaded": low, "unloaded": 0.0}}
    locks = [{"port": port, "below": NOTHING_FLOWS} for port in flowing if port.partition(".")[0] in parts]
    return {**found, "interlocks": locks} if locks else found


def _sensor(core: Sampler, kind: str) -> dict[str, Any]:
    if kind == "Environment":
        return {
            "driver": SENSORS[kind],
            "interval": AIR_EVERY,
            "commands": {"identify": IDENTIFY, **{q: f"MEAS? {q}" for q in core.quantities}},
            "settings": {"aperture": LOOK},
        }
    words = SAMPLING if kind in ("Interferometer", "DisplacementSensor") else MEANS
    return {"driver": SENSORS[kind], "commands": {"identify": IDENTIFY, **words}}
