"""The instruments as process variables: each quantity of each core with its unit, its reach, and what alarms.

A record asks the component itself, and a put is an operation of the role, in its turn among the messages of other
clients. Ranges and limits stay in the component: what it refuses is refused, never clipped. All in SI. For EPICS
(`hw_bridge.transports.channel_access`); nothing here knows of a protocol.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from components.ranged_source import OVERRANGE
from components.voltmeter import OVERRANGE as METER_OVERRANGE
from hw_bridge.cores.coil_lock import CoilLock
from hw_bridge.cores.core import Core
from hw_bridge.cores.hp3458a import Hp3458A
from hw_bridge.cores.hp3458a_words import LARGEST_APERTURE, LEAST_APERTURE, FaultError
from hw_bridge.cores.keithley6221 import LARGEST_COMPLIANCE, LARGEST_RANGE, Keithley6221
from hw_bridge.cores.pi_gcs import (
    AXIS,
    LARGEST_ACCELERATION,
    LARGEST_VELOCITY,
    MM,
    STOPPED,
    GcsError,
    PiGcs,
)
from hw_bridge.cores.sampler import UNITS, Sampler
from hw_bridge.cores.scanner import CHANNELS, Scanner
from hw_bridge.cores.scpi import ScpiError
from hw_bridge.cores.servo_controller import SLOWEST, ServoController, seconds

REFUSALS = (ValueError, ScpiError, FaultError, GcsError)
"""What a component or a core raises at what it does not do."""
OFF_ON, NO_YES = ("Off", "On"), ("No", "Yes")
POLL = 0.01
"""Between two looks whether a hand-over is done (s)."""
Reach = Callable[[], tuple[float, float]]


@dataclass(frozen=True)
class Record:
    """A process variable.

    Parameters
    ----------
    field : its name after that of the instrument.
    unit : SI; empty for a state.
    get : its value now: a number, or the number of a state.
    put : starts what a new value asks for; None for what can only be read.
    reach : lowest and highest value that can be put, or that is no alarm.
    states : names of the values of a state.
    alarming : value of a state that is an alarm.
    """

    field: str
    unit: str
    get: Callable[[], float]
    put: Callable[[float], Any] | None = None
    reach: Reach | None = None
    states: tuple[str, ...] = ()
    alarming: int | None = None


def records(core: Core) -> list[Record]:
    """Of an instrument; empty for one that nothing is known of."""
    for kind, found in OF.items():
        if isinstance(core, kind):
            return found(core)
    return []


def of_source(core: Keithley6221) -> list[Record]:
    """Current, range, compliance and output."""
    source = core.source

    def spelled(command: Callable[[str], None]) -> Callable[[float], None]:
        return lambda value: command(repr(value))

    def reach() -> tuple[float, float]:
        most = OVERRANGE * (LARGEST_RANGE if core.auto_range else source.range[0])
        return -most, most

    return [
        Record("current", "A", lambda: source.level, spelled(core.current), reach),
        Record("range", "A", lambda: source.range[0], spelled(core.range), lambda: (0.0, OVERRANGE * LARGEST_RANGE)),
        Record(
            "compliance", "V", lambda: source.compliance, spelled(core.compliance), lambda: (0.1, LARGEST_COMPLIANCE)
        ),
        Record("output", "", lambda: source.is_connected, lambda on: core.output(str(int(on))), states=OFF_ON),
        Record("in_compliance", "", lambda: source.in_compliance, states=NO_YES, alarming=1),
    ]


def of_meter(core: Hp3458A) -> list[Record]:
    """The last reading that was asked for here, how it is taken, and the command to take one."""
    last = {"reading": 0.0}
    function, unit = ("OHMF", "ohm") if "OHMF" in core.meter.functions else ("DCV", "V")

    def read(wanted: float) -> Any:
        if wanted:
            if core.meter.function != function:
                core.do_func(function)
            last["reading"] = yield from core.single()

    def reach() -> tuple[float, float]:
        most = METER_OVERRANGE * core.meter.full_scale
        return -most, most

    def choose(value: float) -> None:
        core.do_func(function, repr(value) if value else "AUTO")

    return [
        Record("reading", unit, lambda: last["reading"], reach=reach),
        Record("read", "", lambda: 0.0, read, states=NO_YES),
        Record("range", unit, lambda: core.meter.full_scale, choose),
        Record(
            "aperture",
            "s",
            lambda: core.set.aperture,
            lambda value: core.do_aper(repr(value)),
            lambda: (LEAST_APERTURE, LARGEST_APERTURE),
        ),
        Record("auto_zero", "", lambda: core.meter.zeroing, lambda on: core.meter.zero(bool(on)), states=OFF_ON),
    ]


def of_stage(core: PiGcs) -> list[Record]:
    """Position, target, velocity, acceleration, servo and reference; a put to the target ends when it has arrived."""

    def arrive(command: Callable[..., None], *more: str) -> Any:
        command(*more)
        while core.moving:
            yield core.clock.until(core.arrival)

    def refer(wanted: float) -> Any:
        return arrive(core.do_FRF) if wanted else None

    def stop(wanted: float) -> None:
        if wanted:
            try:
                core.do_STP()
            except GcsError as error:  # that it was stopped is its way to say yes
                if error.code != STOPPED:
                    raise

    low, high = core.travel
    return [
        Record("position", "m", lambda: core.stage.commanded()[0], reach=lambda: (low, high)),
        Record(
            "target", "m", lambda: core.target, lambda m: arrive(core.do_MOV, AXIS, repr(m / MM)), lambda: (low, high)
        ),
        Record(
            "velocity",
            "m/s",
            lambda: core.velocity,
            lambda v: core.do_VEL(AXIS, repr(v / MM)),
            lambda: (0.0, LARGEST_VELOCITY),
        ),
        Record(
            "acceleration",
            "m/s^2",
            lambda: core.acceleration,
            lambda a: core.do_ACC(AXIS, repr(a / MM)),
            lambda: (0.0, LARGEST_ACCELERATION),
        ),
        Record("servo", "", lambda: core.servo, lambda on: core.do_SVO(AXIS, str(int(on))), states=OFF_ON),
        Record("referenced", "", lambda: core.referenced, refer, states=NO_YES),
        Record("moving", "", lambda: core.moving, states=NO_YES),
        Record("stop", "", lambda: 0.0, stop, states=NO_YES),
    ]


def of_sensor(core: Sampler) -> list[Record]:
    """The last single reading of each quantity, and the command to take them."""
    last = dict.fromkeys(core.quantities, 0.0)

    def read(wanted: float) -> Any:
        for quantity in last if wanted else ():
            last[quantity] = yield from core.single(quantity)

    def shown(quantity: str) -> Callable[[], float]:
        return lambda: last[quantity]

    values = [Record(quantity, UNITS[quantity], shown(quantity)) for quantity in core.quantities]
    return [*values, Record("read", "", lambda: 0.0, read, states=NO_YES)]


def of_servo(core: ServoController) -> list[Record]:
    """State, current, and the command to engage or release within `duration`; a put to it ends when that is done."""
    kept = {"duration": 1.0}

    def hand_over(on: float) -> Any:
        (core.engage if on else core.release)(repr(kept["duration"]))
        while core.state.endswith("ING"):
            yield core.clock.wait(POLL)

    def within(duration: float) -> None:
        kept["duration"] = seconds(repr(duration))

    return [
        Record("engaged", "", lambda: core.state in ("ENGAGING", "ENGAGED"), hand_over, states=NO_YES),
        Record("tripped", "", lambda: core.state == "TRIPPED", states=NO_YES, alarming=1),
        Record("current", "A", lambda: float(core.current_query())),
        Record("duration", "s", lambda: kept["duration"], within, lambda: (0.0, SLOWEST)),
    ]


def of_scanner(core: Scanner) -> list[Record]:
    """What is at the meter's terminals."""
    names, channels = tuple(CHANNELS.values()), tuple(CHANNELS)

    def channel() -> float:
        return names.index(core.selected)

    return [Record("channel", "", channel, lambda k: core.close_relay(channels[int(k)]), states=names)]


def of_lock(core: CoilLock) -> list[Record]:
    """Whether the coil is locked."""
    return [Record("locked", "", lambda: core.clamp.is_locked, lambda on: core.lock(str(int(on))), states=NO_YES)]


OF: Mapping[type[Core], Callable[[Any], list[Record]]] = {
    Keithley6221: of_source,
    Hp3458A: of_meter,
    PiGcs: of_stage,
    Sampler: of_sensor,
    ServoController: of_servo,
    Scanner: of_scanner,
    CoilLock: of_lock,
}
"""Of each kind of instrument."""


def alarm(record: Record, value: float) -> int:
    """−1 and 1 for a value below and above its reach, or for a state that alarms; 0 for none."""
    if record.states:
        return int(record.alarming is not None and int(value) == record.alarming)
    if record.reach is None or math.isnan(value):
        return int(math.isnan(value))
    low, high = record.reach()
    return -1 if value < low else int(value > high)
