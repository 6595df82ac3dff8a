"""A short campaign with served instruments, a wire to each of them that may be faulty, and the shadow beside it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from components.motion import glide
from hw_bridge.drivers.hp3458a import Hp3458ADriver
from scenarios.run.shadow import Shadow, Verdict, doubtful, good
from tests.hw_bridge.faulty_wire import Fault, FaultyWire, Way, faulty
from tests.hw_bridge.real_bench import SERVED, bridged, hardware, scenario
from tests.hw_bridge.wired import Wired
from twin.clock import Process
from twin.command import record_commands
from twin.errors import TwinError
from twin.recorder import Block, Blocks, Schedule
from twin.steps import Step
from twin.store import RunStore
from twin.times import NS

PATIENCE = "1.5 s"
"""Of the drivers: what is dropped is waited for as long as this."""
CURRENTS = (0.2e-3, -0.3e-3)
STEP = 3 * NS
"""For each of them; the stage may want to be asked many times whether it has arrived (ns)."""
METER = "induced_voltmeter"
STATED = {"balance.resistor.white_noise": 5e-6}
"""Noise (V/√Hz) that the scenario states for what a 6221 delivers into 1 kΩ."""
MEMBERS = 8
"""Twins of each kind in the shadow."""
ONE_BY_ONE = {"identify": "ID?", "identity": "HP3458A", "read": "TARM SGL"}
"""A 3458A that is asked for one reading after the other, by the generic driver."""
BY_HAND = "RESET;TARM HOLD;TRIG AUTO;DCV 10;NPLC 1;NRDGS 1,AUTO;END ALWAYS;OFORMAT ASCII;QFORMAT NUM"
"""How an operator has set it for that."""


@dataclass
class Outcome:
    """What came of a campaign.

    Attributes
    ----------
    error : that it raised.
    kept : the readings in the run store.
    true : what the meter has really read, in each of these blocks.
    verdicts : of the shadow on each of these blocks.
    good : the readings that the reduction would get.
    settings : of all instruments, as they really were at each reading, and in the end.
    account : what the bridge has told.
    lines : on each way to and from each instrument.
    replies : of the meter, as it sent them.
    """

    error: TwinError | None = None
    kept: list[Block] = field(default_factory=list)
    true: list[list[float]] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    good: list[Block] = field(default_factory=list)
    settings: list[tuple[Any, ...]] = field(default_factory=list)
    account: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, dict[Way, int]] = field(default_factory=dict)
    replies: list[bytes] = field(default_factory=list)


def really(wired: Wired) -> tuple[Any, ...]:
    """What the served instruments are set to, by whatever way it came about."""
    source, meter, stage = (wired.station.core(there) for there in SERVED.values())
    s = meter.set
    timing = (s.aperture, s.line, s.count, s.sample, s.timer, s.delay, s.trigger)
    ranged = (meter.meter.full_scale, meter.meter.zeroing, s.auto_range, meter.memory.mode)
    set_to = (source.source.is_connected, source.source.level, source.source.range, source.source.compliance)
    return (*set_to, *timing, *ranged, round(stage.target, 12))


def campaign(clock: Any, there: Mapping[str, Any], wired: Wired, wire: FaultyWire, found: Outcome) -> list[Step]:
    """Set a current, read, move, for each of some currents; `wire` leads to the meter."""
    source, meter, stage = (there[name] for name in SERVED)
    memory = wired.station.core(SERVED[METER]).memory

    def setting(cycle: int, current: float) -> Process:
        end = clock.now + STEP
        source.connect()
        yield from source.set(current, 0.0)
        yield clock.wait(0.1)  # longer than it is uncertain when the source acts
        begun = len(wire.replies)
        yield from meter.read(Schedule(clock.now, NS // 50, 3), {"phase": "rest", "cycle": cycle})
        if isinstance(meter, Hp3458ADriver):
            found.true.append([float(f"{value:.8E}") for value in memory._readings])
        else:
            told = [float(line) for line in wire.replies[begun:] if line.strip() != b"HP3458A"]
            found.true.append(told[:: 1 + ("again" in meter.commands)])
        found.settings.append(really(wired))
        source.check(0, 0)
        here, target = stage.commanded()[0], 0.1e-3 * (1 - cycle)
        if here != target:
            yield from stage.move(glide(here, target, clock.now, clock.now + NS // 2))
        source.disconnect()
        yield clock.until(end)

    def step(cycle: int, current: float) -> Step:
        return Step(f"setting {cycle}", STEP, lambda: setting(cycle, current), "rest", cycle)

    return [step(cycle, current) for cycle, current in enumerate(CURRENTS)]


def prepare(wired: Wired, meter: str) -> None:
    """What an operator does by hand: the stage to where the twin's begins, the meter set if its driver does not."""
    with wired.connect("socket", "flexure") as operator:
        operator.query("ERR?")
        operator.send(b"MOV 1 0\n")
        while operator.query("ONT? 1") != "1=1":
            pass
    if meter == "generic_meter":
        with wired.connect("socket", SERVED[METER]) as operator:
            operator.query(f"{BY_HAND};ID?")


def once(
    wired: Wired,
    folder: Path,
    faults: Mapping[str, Fault],
    meter: str = "hp3458a",
    words: Mapping[str, str] | None = None,
    patience: str = PATIENCE,
) -> Outcome:
    """The campaign with a fault at some of the instruments.

    Parameters
    ----------
    meter : driver of the meter.
    words : its commands.
    patience : of the drivers.
    """
    prepare(wired, meter)
    found = Outcome()
    recorded: list[Block] = []
    log = Blocks()
    bridge: Any = None
    with ExitStack() as stack:
        wires = {
            name: stack.enter_context(faulty(wired.port("socket", there), faults.get(name)))
            for name, there in SERVED.items()
        }
        store = stack.enter_context(RunStore(folder))
        real = hardware({name: wire.resource for name, wire in wires.items()}, timeout=patience)
        real[METER] |= {"driver": meter, "commands": dict(words or {})}
        try:
            with bridged(real, stated=STATED) as (bridge, twin, there):
                store.follow(twin.recorder)
                recorder = twin.recorder
                record_commands(twin)
                try:
                    twin.run(campaign(bridge.clock, there, wired, wires[METER], found))
                finally:
                    recorded, log = list(recorder.readings), recorder.log
        except TwinError as raised:
            found.error = raised
        found.kept = list(store.blocks("readings")) if store.exists else []
        found.lines = {name: dict(wire.lines) for name, wire in wires.items()}
        found.replies = wires[METER].replies
    found.settings.append(really(wired))
    found.account = bridge.account() if bridge is not None else {}
    assert [b.labels["cycle"] for b in found.kept] == [b.labels["cycle"] for b in recorded], "something is lost"
    for block, before in zip(found.kept, recorded, strict=True):
        np.testing.assert_array_equal(block.values, before.values)
    judge = Shadow(scenario(real, stated=STATED), members=MEMBERS)
    judge.go_through(found.kept, log)
    found.verdicts = judge.verdicts
    taken_out = [verdict.for_the_log() for verdict in judge.verdicts if verdict.alarm]
    assert all(doubtful(block) for block in taken_out)
    found.good = list(good(found.kept, Blocks(taken_out)))
    source = wired.station.core("current_source").source
    if source.is_connected or source.level != 0.0:
        assert any(fault.kind == "killed" and fault.happened for fault in faults.values()), "an output is left on"
        assert any("current_source" in text and "NOT be verified" in text for text in found.account["unverified"])
        with wired.connect("socket") as operator:  # somebody goes and looks
            operator.query("*RST;:OUTP?")
    return found
