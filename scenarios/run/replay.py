"""A twin that follows what was recorded of a run: told the same at the same times, it reads what the run has read.

It runs in virtual time, behind the run or long after it. Its parts are those that it is given: as certified, with
errors drawn, or with one parameter changed; so it says what the readings would be if the balance were like that.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.fed import Fed
from components.measuring import MeasuringInstrument
from components.voltmeter import TERMINALS
from scenarios.reduction import ThermalSettings
from scenarios.run.build import build, start_in_steady_state
from scenarios.run.doubt import Doubt
from scenarios.run.measured import own_reduction
from scenarios.schema import Scenario
from twin import plugins
from twin.clock import Clock, Process
from twin.command import follow, is_command
from twin.component import Component
from twin.errors import WiringError
from twin.recorder import LATE, Block, Recorder, Schedule
from twin.times import NS, to_ns

Array = NDArray[np.float64]


class _ReplayClock(Clock):
    """Virtual time in which a reading that has passed can still be taken."""

    def until(self, instant: int) -> Any:
        return super().until(max(instant, self.now))


class _Latest(Recorder):
    """Keeps what was read last alone: nobody asks for the rest."""

    def record(self, block: Block) -> None:
        self.readings.append(block)


class Replay:
    """See the module.

    Parameters
    ----------
    scenario : of the run, with the parts as they are to be; see `certain` and `drawn`.
    quiet : without any noise, and without rounding to digits: readings are what is expected of them.
    doubting : whether it takes what real instruments have read for what its own would have shown; otherwise for true.

    Raises
    ------
    WiringError, SimulationError
        If the twin cannot be built, or finds no steady state to start from.
    """

    def __init__(self, scenario: Scenario, *, quiet: bool = False, doubting: bool = False) -> None:
        scenario = unrounded(scenario) if quiet else scenario
        setup = build(scenario, parts=lambda: fed(scenario), clock=_ReplayClock(), quiet=quiet)
        self.twin, self._steps = setup.twin, setup.steps
        self.is_real = bool(scenario.hardware)
        """Whether the run had real instruments, which do not go as planned."""
        parts = self.twin.graph.components
        self.follows_readings = any(isinstance(part, Fed) and bool(part.fed) for part in parts.values())
        """Whether real readings drive simulated parts."""
        self.reads_itself = any(hasattr(part, "read") for name, part in parts.items() if name not in scenario.hardware)
        """Whether a simulated instrument reads."""
        if own_reduction(scenario) is None and scenario.section("thermal", ThermalSettings).start == "steady_state":
            start_in_steady_state(scenario, self.twin)
        self._doubt = Doubt(scenario, self.twin, quiet=quiet) if doubting else None
        self._last: dict[str, tuple[Schedule, list[Block]]] = {}
        self._made: dict[tuple[str, str, int], Array] | None = None

    def follow(self, command: Block) -> None:
        """Be told what the run's instruments were told; in the order of the run."""
        self._wait_until(command.schedule.start)
        follow(self.twin, command, None if self._doubt is None else self._doubt.truly)

    def read(self, block: Block) -> Array | None:
        """What the simulated instrument reads in the place of a block, of the same shape; None if it reads no such
        thing. What was read late is read then."""
        if self._made is not None:
            values = self._made.get(_key(block))
            return values if values is not None and values.shape == block.values.shape else None
        if late := to_ns(float(block.labels.get(LATE, 0.0))):
            block = replace(block, schedule=replace(block.schedule, start=block.schedule.start + late))
        if block.channel not in self._last or self._last[block.channel][0] != block.schedule:
            made = self._read(block)
            if made is None:
                return None
            self._last[block.channel] = block.schedule, made
        found = [b for b in self._last[block.channel][1] if b.quantity == block.quantity]
        return found[0].values if found else None

    def campaign(self) -> None:
        """Run the campaign itself, where no commands were recorded: what it reads is what `read` gives."""
        self.twin.run(self._steps)
        self._made = {_key(block): block.values for block in self.twin.recorder.readings}

    def _read(self, block: Block) -> list[Block] | None:
        """All that one operation reads."""
        part: Any = self.twin.graph.components.get(block.channel)
        if part is None or not hasattr(part, "read"):
            return None
        options: dict[str, Any] = {"channel": block.labels.get(TERMINALS, "input"), "instantaneous": not block.aperture}
        known = inspect.signature(part.read).parameters
        given = {key: value for key, value in options.items() if key in known}
        self._wait_until(block.schedule.end)
        recorder = self.twin.recorder = self.twin.bench.recorder = _Latest()
        self.twin.clock.run(part.read(block.schedule, block.labels, **given))
        return [b for b in recorder.readings if b.channel == block.channel]

    def _wait_until(self, instant: int) -> None:
        def wait() -> Process:
            yield self.twin.clock.until(instant)

        if instant > self.twin.clock.now:
            self.twin.clock.run(wait())


def _key(block: Block) -> tuple[str, str, int]:
    return block.channel, block.quantity, block.schedule.start


def in_order(readings: Iterable[Block], log: Iterable[Block]) -> Iterator[Block]:
    """Readings and commands as they came; a reading before a command at its end, a real one a little later."""
    commands = [block for block in log if is_command(block)]
    timed = [(b.schedule.end + _arrives(b), 0, k, b) for k, b in enumerate(readings)]
    timed += [(b.schedule.start, 1, k, b) for k, b in enumerate(commands)]
    yield from (entry[3] for entry in sorted(timed, key=lambda entry: entry[:3]))


def _arrives(block: Block) -> int:
    """After its end (ns); it may have been read late, and until then other instruments have been told something."""
    return to_ns(float(block.labels.get(LATE, 0.0))) + NS if block.source == "real" else 0


def fed(scenario: Scenario) -> dict[str, Component]:
    """The parts as they truly are, ready to be told what a real instrument in their place reads.

    Raises
    ------
    WiringError
        If there is no such driver.
    """
    found = scenario.true_components()
    for name, hardware in scenario.hardware.items():
        wired = {out for by, _, out in (source.partition(".") for source in scenario.wiring.values()) if by == name}
        try:
            kind = plugins.load(plugins.DRIVERS, hardware.driver)
        except plugins.PluginError as error:
            raise WiringError(f"{name}: hardware.driver: {error}", (name,)) from None
        if isinstance(part := found[name], Fed):
            part.feed(*kind.told(hardware, wired))
    return found


def certain(scenario: Scenario) -> Scenario:
    """A scenario whose parts are exactly as certified, and stay sound."""
    stated = {
        f"balance.{name}.uncertainties": None for name, part in scenario.balance.parts.items() if part.uncertainties
    }
    faults = {"faults": None} if scenario.faults else {}
    return scenario.with_({**stated, **faults}) if stated or faults else scenario


def unrounded(scenario: Scenario) -> Scenario:
    """A scenario whose instruments show all digits."""
    shown: dict[str, Any] = {}
    for name, part in scenario.balance.parts.items():
        if isinstance(part, MeasuringInstrument):
            rounding = [key for key in type(part).model_fields if key == "digits" or key.endswith("resolution")]
            shown |= {f"balance.{name}.{key}": None for key in rounding if getattr(part, key)}
    return scenario.with_(shown) if shown else scenario


def drawn(scenario: Scenario, number: int) -> Scenario:
    """A scenario of a balance that is wrong in its own way, as far as the certificates allow; sound."""
    faults = {"faults": None} if scenario.faults else {}
    return scenario.with_({**faults, "seed": _seed(scenario.seed, number)})


def noisy(scenario: Scenario, number: int) -> Scenario:
    """A scenario with noise of its own, and parts as certified."""
    return certain(scenario).with_(seed=_seed(scenario.seed, number))


def _seed(seed: int, number: int) -> int:
    """A seed that is not the run's."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint32)[0])


def middle_s(block: Block) -> float:
    """The middle of a block (s since the start of the run)."""
    return 0.5 * (block.schedule.start + block.schedule.end) / NS
