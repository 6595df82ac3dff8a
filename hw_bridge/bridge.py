"""A run with real instruments, from connecting to the safe state.

Whatever ends the run (its end, an error, Ctrl-C, SIGTERM, a closed terminal, a time-out, a connection that is lost) the
outputs that were armed are switched off, that is read back, and what could not be verified is said. Software is no
safety system: see ``docs/safety.md``.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import FrameType, TracebackType
from typing import Any, Self

import numpy as np

from components.fed import Fed
from hw_bridge import safe_state
from hw_bridge.boundary import check, check_role
from hw_bridge.drivers.driver import Driver
from hw_bridge.drivers.pi_gcs import PiAxis
from hw_bridge.drivers.playing import Playing
from hw_bridge.errors import BridgeError, SafetyError
from hw_bridge.following import Following
from hw_bridge.force import newtons_per_ampere, windings
from hw_bridge.quiet import Quiet
from hw_bridge.watchdog import Watchdog
from scenarios.run.build import MassCampaign
from scenarios.run.followers import followers
from scenarios.run.record import moment
from scenarios.run.replay import fed
from scenarios.schema import Scenario
from scenarios.schema.hardware import Interlock
from twin import plugins
from twin.component import Component
from twin.errors import WiringError
from twin.real_time import RealTimeClock
from twin.times import Times
from twin.twin import Twin

STALLED = 10.0
"""The simulation may stand still for so long (s) before the watchdog acts."""
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""That end a run; the last one comes when its terminal is closed, unless nohup has it ignored."""


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")


class Bridge:
    """The real instruments of a scenario; a context.

    Parameters
    ----------
    scenario : with ``hardware:`` on some components.
    arm : whether outputs are really switched.
    clock : of real time.
    tell : takes what an operator has to know, line by line.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        arm: bool = False,
        clock: RealTimeClock | None = None,
        tell: Callable[[str], None] = _tell,
    ) -> None:
        self.scenario = scenario
        self.arm = arm
        self.clock = RealTimeClock() if clock is None else clock
        self.drivers: dict[str, Driver] = {}
        self.safe: dict[str, str] = {}
        """What was found of each instrument in the end."""
        self.unverified: list[str] = []
        self.interruptions: list[dict[str, float]] = []
        """Of a run that was resumed: when, and for how long."""
        self.began: float | None = None
        """When the campaign was at 0 s (s since 1970, by this computer's clock)."""
        self.tell = tell
        self.following: dict[str, Following] = {}
        """Of the instruments whose readings drive the twin."""
        self._twin: Twin | None = None
        self._watchdog: Watchdog | None = None
        self._before: dict[int, Any] = {}
        self._connecting = False
        self._ended = False

    # --- from beginning to end ---------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            ignored = {number for number in SIGNALS[2:] if signal.getsignal(number) is signal.SIG_IGN}
            self._before = {
                number: signal.signal(number, self._signalled) for number in SIGNALS if number not in ignored
            }
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.end()
        finally:  # a signal that came between two lines
            self.end()
        if self.unverified and error is None:
            raise SafetyError("; ".join(self.unverified))

    def parts(self) -> dict[str, Component]:
        """The parts for the twin, ready to be told what is read.

        Raises
        ------
        WiringError
            If one cannot be told.
        """
        return fed(self.scenario)

    def prepare(self, twin: Twin) -> None:
        """Make the drivers, and look at their boundary to the twin; nothing is connected.

        Raises
        ------
        WiringError
            If a driver cannot be made of what the scenario says, lacks a limit, or its boundary makes no sense.
        """
        self._twin = twin
        for name, hardware in self.scenario.hardware.items():
            kind = plugins.load(plugins.DRIVERS, hardware.driver)
            model = twin.graph.components[name]
            check_role(name, hardware.driver, kind, self.scenario.balance.parts[name])
            try:
                driver: Driver = kind(name, hardware, model, twin.bench, armed=self.arm)
            except (BridgeError, SafetyError) as error:
                raise WiringError(str(error), (name,)) from None
            if hardware.latency is not None and not getattr(model, "fed", ()):
                raise WiringError(
                    f"{name}: hardware.latency is of readings that drive the twin, and none does", (name,)
                )
            driver.guards = [partial(self._hold, name, lock) for lock in hardware.interlocks]
            self.drivers[name] = driver
            for lock in hardware.interlocks:
                self._check_port(twin, name, lock.port)
            if isinstance(driver, Playing):
                driver.newtons_per_ampere = self._force_behind(twin, name)
            try:
                driver.check_limits()
            except SafetyError as error:
                raise WiringError(str(error), (name,)) from None
            lone = driver.role == "Voltmeter" and "reference" not in getattr(driver, "channels", ())
            if isinstance(self.scenario.campaign, MassCampaign) and lone:
                raise WiringError(
                    f"{name}: in a mass campaign a voltmeter reads its zero and the reference too, and this one "
                    "has one input; it needs a scanner, see hw_bridge/drivers/scanner.py",
                    (name,),
                )
        check(twin.graph, self.drivers)
        self._check_campaign(twin)
        for name, driver in self.drivers.items():
            try:
                if driver.operated:
                    driver.wire.check()
            except BridgeError as error:
                raise WiringError(f"{name}: {error}", (name,)) from None

    def _force_behind(self, twin: Twin, name: str) -> Callable[[], float] | None:
        """What a current of a source pushes with (N/A); None if it drives no winding."""
        driven = windings(twin.graph, name)
        return partial(newtons_per_ampere, driven, self.drivers, self._bl_of) if driven else None

    def _bl_of(self, coil: str) -> float:
        """Of a coil, as the twin has it now (T·m)."""
        return self._of_twin(f"{coil}.bl")

    def _check_port(self, twin: Twin, name: str, port: str) -> None:
        """See that an interlock looks at something that has a value."""
        try:
            known = twin.graph.port(port, "outputs")
        except WiringError as error:
            raise WiringError(f"{name}: hardware.interlocks: {error}", (name,)) from None
        if known.kind == "field":
            raise WiringError(f"{name}: hardware.interlocks: {port} is a field, which has no one value", (name,))

    def _check_campaign(self, twin: Twin) -> None:
        """See that the campaign finds its roles among the real instruments."""
        operated = {name: driver for name, driver in self.drivers.items() if driver.operated}
        campaign: Any = self.scenario.campaign
        try:
            campaign.steps({**twin.graph.components, **operated}, twin.clock, 0.0)
        except WiringError as error:
            named = [f"{name} is {self.scenario.hardware[name].driver}" for name in error.ends if name in operated]
            raise WiringError("; ".join([str(error), *named]), error.ends) from None

    def end(self) -> None:
        """The campaign is over: reach the safe state, tell it, and let go of all instruments; once."""
        if self._ended:
            return
        self._ended = True  # from here on signals are not heard: nothing comes between an output and its being off
        try:
            self._make_safe()
        finally:
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        if not self._ended:
            raise KeyboardInterrupt

    def instruments(self, twin: Twin) -> Mapping[str, Any]:
        """Connect to all instruments, and give those that the campaign operates, by name.

        Raises
        ------
        WiringError
            As `prepare`, or if an instrument does not connect or is another one.
        """
        self.prepare(twin)
        self._connecting = True
        for driver in safe_state.in_order(self.drivers.values()):  # as outputs that were left on go off
            name = driver.name
            try:
                driver.open()
            except (BridgeError, SafetyError) as error:
                raise WiringError(str(error), (name,)) from None
            reads_only = ", reads only" if driver.operated and not driver.acts else ""
            self.tell(f"{name}: {driver.identity}{reads_only}")
            if driver.role:
                self.tell(f"{name}: {driver.statement()}")
        if any(driver.acts for driver in self.drivers.values()):
            self.tell("outputs are ARMED" if self.arm else "dry run: outputs are checked and not switched; see --arm")
        return {name: driver for name, driver in self.drivers.items() if driver.operated}

    def start(self) -> None:
        """The campaign begins.

        Raises
        ------
        BridgeError
            If what carries the coil is not where a run begins.
        """
        assert self._twin is not None
        if self.began is None:
            self.began = time.time() - self.clock.seconds
        for driver in self.drivers.values():
            if self.arm and not self.interruptions and isinstance(driver, PiAxis):
                driver.is_where_it_begins()
        quiet = Quiet(self.clock, self.drivers.values())
        for name, driver in self.drivers.items():
            part = self._twin.graph.components[name]
            if isinstance(part, Fed) and part.fed:
                self.following[name] = Following(driver, part, quiet)
        self._watchdog = Watchdog(list(self.drivers.values()), self.clock, STALLED)
        self._watchdog.start()
        for following in self.following.values():
            self.clock.run(following.look(beginning=not self._twin.finished_steps))
        for name, driver in self.drivers.items():
            demanding = self._twin.graph.wiring.get(f"{name}.demand", "").partition(".")[0]
            if isinstance(driver, Playing) and demanding and demanding not in self.drivers:
                driver.play_what(partial(self._wanted, driver))
                self.clock.process(driver.play(), background=True)
            if name in self.following:
                self.clock.process(self.following[name].run(), background=True)
                driven = followers(self._twin, name, self.drivers)
                self.tell(f"{name}: its readings drive, {self.following[name].delay} later, {driven}")

    def take_up(self) -> None:
        """Bring the instruments of an interrupted run from their safe state to where it was: what forbids others to
        move is unlocked first, sources and then servos are last.

        Raises
        ------
        BridgeError, SafetyError
            If one does not get there, or does not know how to.
        """
        for driver in safe_state.out_of_order(self.drivers.values()):
            if driver.acts:
                self.clock.run(driver.take_up())
                self.tell(f"{driver.name}: {driver.taken_up or 'taken up again where the run was'}")

    def account(self) -> dict[str, Any]:
        """What there is to tell of the run, as plain values."""
        told = {
            name: {
                "driver": self.scenario.hardware[name].driver,
                "resource": driver.wire.resource,
                "calibration": self.scenario.hardware[name].calibration.model_dump(),
                "acts": driver.acts,
                "identity": driver.identity,
                "end": self.safe.get(name, "unknown"),
                "stale_replies": driver.wire.stale,
                "log": driver.log,
                "statement": driver.statement().plain(),
                "met_hardware": driver.met_hardware,
                **({"followed": self.following[name].account()} if name in self.following else {}),
            }
            for name, driver in self.drivers.items()
        }
        return {
            "armed": self.arm,
            "began": None if self.began is None else moment(self.began),
            "instruments": told,
            "unverified": self.unverified,
            "lag": self.clock.lag.summary(),
            "interruptions": self.interruptions,
        }

    def _make_safe(self) -> None:
        """Reach the safe state of all; then tell it, and let go of them."""
        if self._watchdog is not None:
            self._watchdog.stop()
        found = safe_state.reach(self.drivers.values())
        self.safe = {each.name: each.state for each in found}
        self.unverified += [each.state for each in found if not each.verified]
        try:
            self._tell_end(found)
        finally:  # also where nobody listens any more
            self._let_go()

    def _tell_end(self, found: Sequence[safe_state.Found]) -> None:
        """What became of each instrument that acts, and of readings that drove the twin."""
        for each in found:
            if self.drivers[each.name].acts and self._connecting:
                self.tell(str(each))
        for name, following in self.following.items():
            if following.late or following.missing:
                self.tell(
                    f"{name}: of {following.told + following.missing} readings that drive the twin {following.late} "
                    f"came later than hardware.latency, and {following.missing} were not a number"
                )

    def _let_go(self) -> None:
        """Close all connections, whatever becomes of one of them."""
        told = []
        for name, driver in self.drivers.items():
            try:
                if not driver.close():
                    told.append(f"{name}: its thread has not ended")
            except Exception as error:
                told.append(f"{name}: {type(error).__name__}: {error}")
        for line in told:
            self.tell(line)

    # --- signals and interlocks --------------------------------------------------------------------------------------

    def _wanted(self, driver: Playing) -> float:
        """What the simulated source beside a real one is asked for now (A)."""
        source = driver.shadow
        if source is None or source._wanted is None:
            return 0.0
        return float(source._wanted.at(Times(np.array([self.clock.now])))[0])

    def value(self, port: str) -> float:
        """What a port has now: by its instrument if it is real, of the twin otherwise."""
        assert self._twin is not None
        name, _, out = port.partition(".")
        driver: Any = self.drivers.get(name)
        if driver is not None and hasattr(driver, "reading"):
            return float(driver.reading(out))
        return self._of_twin(port)

    def _of_twin(self, port: str) -> float:
        assert self._twin is not None
        return float(self._twin.signal(port).at(Times(np.array([self.clock.now])))[0])

    def _hold(self, name: str, lock: Interlock) -> None:
        found = self.value(lock.port)
        if not abs(found) < lock.below:
            raise SafetyError(
                f"{name}: interlock: {lock.port} is {found:.6g}, it has to be below {lock.below:.6g}; nothing was sent",
                name,
                lock.port,
                found,
                lock.below,
            )
