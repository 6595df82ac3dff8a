"""Commissioning: real instruments are tried one by one, with small signals first, before a campaign relies on them.

Each source is paired with each real meter that it reaches through real parts. What is found is compared with what the
twin expects, whose servo is open as the real one is; what differs too much ends the commissioning. A lock of the coil
is opened for it and closed again, a stage moves a little, a mass exchanger goes to its other place and back, and a
servo takes over the load and hands it back, in this order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import networkx as nx
import numpy as np

from components.motion import glide
from components.switched_servo import SwitchedServo
from components.voltmeter import Voltmeter
from hw_bridge.bridge import Bridge
from hw_bridge.drivers.exchanger import ExchangerDriver
from hw_bridge.drivers.pi_gcs import PiGcsDriver
from hw_bridge.drivers.playing import Playing
from hw_bridge.drivers.switched import GenericLock, GenericServo
from hw_bridge.errors import SafetyError
from hw_bridge.operated import with_open_servos
from hw_bridge.skew import MOTION, Change, Edges, apart, distance, look, milliseconds, reached
from scenarios.schema import Scenario
from twin.clock import Process
from twin.errors import TwinError
from twin.recorder import Schedule
from twin.times import to_ns
from twin.twin import Twin

SMALL = 0.01
"""Of a limit: the first signals."""
STEPS = (0.25, 0.5, 0.75, 1.0)
"""Of the working point."""
SETTLE, APERTURE, READINGS = 0.2, 0.1, 20
"""Of each look at a meter: wait (s), aperture of a reading (s), readings."""
RAMP = 1.0
"""To the next step (s)."""
HAND_OVER = 1.0
"""Of the load to a servo and back, and of the coil to its lock (s)."""
AGREE = 0.05
"""What may be between a voltage and what the twin expects, relative to it."""


@dataclass(frozen=True)
class Finding:
    """A line of the report.

    Parameters
    ----------
    instrument : or instruments.
    what : was looked at.
    found, expected : in words, with units.
    ok : whether it is as it should be; None: nobody can tell.
    """

    instrument: str
    what: str
    found: str
    expected: str
    ok: bool | None


class CommissioningError(TwinError):
    """Something is not as it should be; the findings so far are in the report."""


class Commissioning:
    """See the module.

    Parameters
    ----------
    bridge : entered.
    scenario : with real parts.
    working_point : that the current is led to (A); None: half the limit of each source, or what brings a meter to half
        of its range.
    agreed : asked before each step with what is to happen; whether it may. It may wait for somebody.
    """

    def __init__(
        self, bridge: Bridge, scenario: Scenario, working_point: float | None, agreed: Callable[[str], Process]
    ) -> None:
        self.bridge = bridge
        self.findings: list[Finding] = []
        self._agreed = agreed
        self._compared: list[str] = []
        self._working_point = working_point
        parts, wiring = with_open_servos(bridge.parts(), scenario.wiring)
        self._twin = Twin(parts, wiring, seed=scenario.seed, clock=bridge.clock)
        self._servos = {name: part for name, part in parts.items() if isinstance(part, SwitchedServo)}
        for servo in self._servos.values():
            servo.open()
        self._there = bridge.instruments(self._twin)

    def run(self) -> None:
        """Do it all.

        Raises
        ------
        CommissioningError
            If something is not as it should be.
        """
        for name, driver in self.bridge.drivers.items():
            self._found(
                name, "connects and identifies", driver.identity, self.bridge.scenario.hardware[name].driver, True
            )
            if not driver.met_hardware and driver.operated:
                self._found(name, "driver", "has met emulated instruments only", "", None)
        self.bridge.start()
        self.bridge.clock.run(self._all())

    def table(self) -> list[dict[str, Any]]:
        """The findings as plain values."""
        return [asdict(finding) for finding in self.findings]

    # --- what is looked at -------------------------------------------------------------------------------------------

    def _all(self) -> Process:
        for name, meter in self._meters():
            yield from self._noise(name, meter)
        drivers = self.bridge.drivers
        locked = [lock for lock in drivers.values() if isinstance(lock, GenericLock) and lock.armed and lock.found()]
        for lock in locked:
            yield from self._switch(lock, "unlock")
        for name, driver in drivers.items():
            if isinstance(driver, Playing):
                yield from self._source(name, driver)
            elif isinstance(driver, PiGcsDriver):
                yield from self._stage(name, driver)
        for name, driver in drivers.items():
            if isinstance(driver, ExchangerDriver):
                yield from self._exchanger(name, driver)
        for name, driver in drivers.items():
            if isinstance(driver, GenericServo):
                yield from self._servo(name, driver)
        for lock in locked:
            yield from self._switch(lock, "lock")
        self._pairs()

    def _source(self, name: str, source: Playing) -> Process:
        self._refuses(name, source)
        if not source.armed:
            self._found(name, "output", "not switched: a dry run", "--arm", None)
            return
        small, meters = SMALL * source.limit, self._reached(name)
        yield from self._ask(f"{name}: output on, and ±{small:.3g} A")
        source.connect()
        for sign in (1.0, -1.0):
            yield from source.set(sign * small, 0.0)
            yield from self._compare(name, meters, sign * small, "polarity and scale")
        most = min([0.5 * source.limit, *(self._bears(meter, small) for meter in meters)])
        yield from source.set(0.0, 0.0)
        yield from self._times(name, lambda k: source.set(small * (1 - k % 2), 0.0))
        top = most if self._working_point is None else self._working_point
        for share in STEPS:
            yield from self._ask(f"{name}: {share * top:.6g} A")
            yield from source.set(share * top, RAMP)
            yield from self._compare(name, meters, share * top, f"at {share * top:.6g} A")
            source.check(self.bridge.clock.now, self.bridge.clock.now)
        yield from source.set(0.0, RAMP)
        source.disconnect()
        self._found(name, "output", f"{self.bridge.value(f'{name}.current'):.3g} A", "0 A", True)

    def _bears(self, name: str, current: float) -> float:
        """The current (A) at which a meter is at half of its range, if it expects what it does at this one."""
        voltage = abs(self._expected(name))
        return 0.5 * self.bridge.drivers[name].reach[1] * current / voltage if voltage else math.inf

    def _times(self, name: str, change: Change, lasts: float = 0.0) -> Process:
        """Time stamps: of all that a source or a stage reaches against each other, and against a source itself."""
        names = reached(self._twin.graph, self.bridge.drivers, name)
        clock = self.bridge.clock
        if clock.scale is None or not names:
            why = "nothing real reads it" if not names else "time does not pass by itself"
            self._found(name, "time stamps", f"not looked at: {why}", "", None)
            return
        channels = {there: self._there[there] for there in names}
        edges: Edges = yield from look(clock, self._twin.recorder, change, channels, lasts)
        self._compared.append(name)
        for channel in () if lasts else edges.seen:
            unseen = False if channel in self._reached(name) else None  # a meter has to see what its source does
            self._late((name, channel), " → ", "time stamps behind the command", edges.delay(channel), unseen)
        for pair, skew in edges.skews().items():
            self._late(pair, ", ", "skew of their time stamps", skew)

    def _pairs(self) -> None:
        """Say which time stamps nobody has compared."""
        for pair, why in apart(self._twin.graph, self.bridge.drivers, self._compared):
            self._found(", ".join(pair), "skew of their time stamps", f"not compared: {why}", "", None)

    def _late(
        self,
        pair: tuple[str, str],
        between: str,
        what: str,
        found: tuple[float, float],
        unseen: bool | None = None,
    ) -> None:
        """A time that has to be within what `hardware.timing` says."""
        most = max(self._timing(channel.partition(" ")[0]) for channel in pair)
        ok = unseen if math.isnan(found[0]) else abs(found[0]) <= most
        told = f"within ±{1e3 * most:g} ms (hardware.timing)"
        self._found(between.join(pair), what, milliseconds(found), told, ok)

    def _timing(self, name: str) -> float:
        return self.bridge.scenario.hardware[name].timing

    def _refuses(self, name: str, source: Playing) -> None:
        """More than the limit is refused before anything is sent."""
        try:
            source.within("current", 1.01 * source.limit, -source.limit, source.limit, "A")
        except SafetyError as error:
            self._found(name, "limit", "refused", f"{error.limit:.6g} A", True)

    def _compare(self, source: str, meters: list[str], current: float, what: str) -> Process:
        """What the meters read, with what the twin expects."""
        for name in meters:
            values = yield from self._read(name)
            expected = self._expected(name)
            found, spread = float(values.mean()), float(values.std(ddof=1))
            tolerance = AGREE * abs(expected) + 5.0 * spread / math.sqrt(len(values))
            ok = abs(found - expected) <= tolerance
            self._found(f"{source} → {name}", what, f"{found:.8g} V ± {spread:.2g} V", f"{expected:.8g} V", ok)
            if not ok:
                turned = ": the polarity is reversed" if found * expected < 0 else ""
                raise CommissioningError(
                    f"{name} reads {found:.6g} V at {current:.6g} A of {source}, and "
                    f"{expected:.6g} V were expected{turned}"
                )

    def _noise(self, name: str, meter: Voltmeter) -> Process:
        """Scatter of readings with all outputs off."""
        values = yield from self._read(name)
        found = float(values.std(ddof=1))
        expected = expected_noise(meter, APERTURE)
        ok = None if expected == 0.0 else found <= 3.0 * expected
        self._found(name, f"noise of {APERTURE:g} s, outputs off", f"{found:.3g} V", f"{expected:.3g} V", ok)

    def _stage(self, name: str, stage: PiGcsDriver) -> Process:
        low, high = stage.travel
        if not stage.armed:
            self._found(name, "motion", "not moved: a dry run", "--arm", None)
            return
        clock = self.bridge.clock
        here, small = stage.commanded()[0], SMALL * (high - low)
        yield from self._ask(f"{name}: move by ±{small:.3g} m")
        for target in (here + small, here - small, here):
            begin = stage.commanded()[0]
            seconds = 4.0 * abs(target - begin) / (stage.limits.velocity or small)
            yield from stage.move(glide(begin, target, clock.now, clock.now + to_ns(max(seconds, 0.5))))
            found = stage.reading("position")
            self._found(name, "moves", f"{found:.9g} m", f"{target:.9g} m", True)
        ends = here, here + distance(small, stage.limits.velocity)

        def to_and_fro(k: int) -> Process:
            laws = glide(*(ends if k % 2 == 0 else ends[::-1]), clock.now, clock.now + to_ns(MOTION))
            return stage.move(laws)

        yield from self._times(name, to_and_fro, MOTION)

    def _switch(self, lock: GenericLock, what: str) -> Process:
        yield from self._ask(f"{lock.name}: {what} the coil")
        yield from getattr(lock, what)(HAND_OVER)
        self._found(lock.name, what, f"{lock.leads[what]}, read back", lock.leads[what], True)

    def _exchanger(self, name: str, exchanger: ExchangerDriver) -> Process:
        """To its other place and back."""
        if not exchanger.armed:
            self._found(name, "exchange", "not moved: a dry run", "--arm", None)
            return
        here = yield from exchanger.standing()
        ways = ("unload", "load") if here == "loaded" else ("load", "unload")
        yield from self._ask(f"{name}: {' and '.join(ways)}, without current")
        for what in ways:
            yield from getattr(exchanger, what)(exchanger.unhurried())
            found = yield from exchanger.standing()
            self._found(name, what, found, f"{what}ed", found == f"{what}ed")

    def _servo(self, name: str, servo: GenericServo) -> Process:
        """It takes over the load: what flows is compared with what the twin's servo lets flow. Then it hands back."""
        if not servo.armed:
            self._found(name, "hand-over", "not engaged: a dry run", "--arm", None)
            return
        driven = {into.partition(".")[0] for into, out in self._twin.graph.wiring.items() if out == f"{name}.demand"}
        sources = [s for n, s in self.bridge.drivers.items() if n in driven and isinstance(s, Playing)]
        yield from self._ask(f"{name}: engage within {HAND_OVER:g} s, output of {' and '.join(sorted(driven))} on")
        for source in sources:
            source.connect()
        beside = self._servos.get(name)
        if beside is not None:
            beside.close()
        yield from servo.engage(HAND_OVER)
        self._found(name, "engages", "engaged, read back", "engaged", True)
        for source in sources:
            yield from self._compare(
                source.name, self._reached(source.name), self._mean(f"{name}.demand"), "under servo"
            )
        yield from servo.release(HAND_OVER)
        if beside is not None:
            beside.open()
        self._found(name, "releases", "released, read back", "released", True)
        for source in sources:
            source.disconnect()

    # --- how ---------------------------------------------------------------------------------------------------------

    def _ask(self, what: str) -> Process:
        if not (yield from self._agreed(what)):
            raise CommissioningError(f"stopped by the operator before: {what}")

    def _read(self, name: str) -> Process:
        clock = self.bridge.clock
        schedule = Schedule(clock.now + to_ns(SETTLE), to_ns(APERTURE), READINGS)
        block = yield from self._there[name].read(schedule, {"phase": "commissioning"})
        return block.values.ravel()

    def _expected(self, name: str) -> float:
        """At the input of the meter beside the twin's (V)."""
        return self._mean(self._twin.graph.wiring[f"{name}.input"])

    def _mean(self, port: str) -> float:
        """What a port of the twin has had within the last aperture."""
        aperture = to_ns(APERTURE)
        return float(self._twin.signal(port).means(np.array([self.bridge.clock.now - aperture]), aperture)[0])

    def _meters(self) -> Iterator[tuple[str, Voltmeter]]:
        for name in self._there:
            part = self._twin.graph.components[name]
            if isinstance(part, Voltmeter):
                yield name, part

    def _reached(self, source: str) -> list[str]:
        """Meters that a source reaches through real parts."""
        graph = nx.DiGraph(self._twin.graph.as_networkx(neutral=False).subgraph(self.bridge.drivers))
        return [name for name, _ in self._meters() if nx.has_path(graph, source, name)]

    def _found(self, instrument: str, what: str, found: str, expected: str, ok: bool | None) -> None:
        self.findings.append(Finding(instrument, what, found, expected, ok))


def expected_noise(meter: Voltmeter, aperture: float) -> float:
    """Standard deviation (V) of readings by the twin's meter: white noise, and the step of its last digit."""
    white = math.hypot(meter.white_noise / math.sqrt(2.0 * aperture), meter.rms_of(aperture))
    zeroing = math.sqrt(2.0) if meter.zeroing else 1.0
    return math.hypot(zeroing * white, meter.step_of(aperture) / math.sqrt(12.0))
