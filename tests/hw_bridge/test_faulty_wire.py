"""Random faults inside the byte stream of a short campaign with served instruments; each test's name has its seed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.motion import glide
from hw_bridge.drivers.hp3458a import WARMING
from tests.hw_bridge.faulty_wire import FAULTS, Fault, Way, faulty
from tests.hw_bridge.real_bench import SERVED, bridged, hardware, reference, resources
from tests.hw_bridge.wired import Wired
from twin.clock import Process
from twin.errors import TwinError
from twin.recorder import Block, Schedule
from twin.steps import Step
from twin.store import RunStore
from twin.times import NS

PATIENCE = "1.5 s"
"""Of the drivers: what is dropped is waited for as long as this."""
INSIDE = b"3.600000000E+01"
CURRENTS = (0.2e-3, -0.3e-3)


@dataclass
class Outcome:
    """What came of a campaign.

    Attributes
    ----------
    error : that it raised.
    kept : the readings in the run store.
    settings : of all instruments, as they really were at each reading, and in the end.
    account : what the bridge has told.
    lines : on each way to and from each instrument.
    """

    error: TwinError | None = None
    kept: list[Block] = field(default_factory=list)
    settings: list[tuple[Any, ...]] = field(default_factory=list)
    account: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, dict[Way, int]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def wired() -> Iterator[Wired]:
    with Wired() as made:
        reference(made)
        yield made


@pytest.fixture(scope="module")
def faultless(wired: Wired, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The campaign without faults."""
    return once(wired, tmp_path_factory.mktemp("faultless"), {})


def really(wired: Wired) -> tuple[Any, ...]:
    """What the served instruments are set to, by whatever way it came about."""
    source, meter, stage = (wired.station.core(there) for there in SERVED.values())
    s = meter.set
    timing = (s.aperture, s.line, s.count, s.sample, s.timer, s.delay, s.trigger)
    ranged = (meter.meter.full_scale, meter.meter.zeroing, s.auto_range, meter.memory.mode)
    set_to = (source.source.is_connected, source.source.level, source.source.range, source.source.compliance)
    return (*set_to, *timing, *ranged, round(stage.target, 12))


def campaign(
    clock: Any, there: Mapping[str, Any], wired: Wired, true: list[list[float]], settings: list[tuple[Any, ...]]
) -> list[Step]:
    """Set a current, read, move, for each of some currents; `true` is what the served parts then really do."""
    source, meter, stage = (there[name] for name in SERVED)
    served = wired.station

    def setting(cycle: int, current: float) -> Process:
        end = clock.now + NS
        source.connect()
        yield from source.set(current, 0.0)
        schedule = Schedule(clock.now, NS // 50, 3)
        yield from meter.read(schedule, {"phase": "rest", "cycle": cycle})
        true.append([float(f"{value:.8E}") for value in served.core("current_voltmeter").memory._readings])
        settings.append(really(wired))
        source.check(0, 0)
        here, target = stage.commanded()[0], 0.1e-3 * (1 - cycle)
        if here != target:
            yield from stage.move(glide(here, target, clock.now, clock.now + NS // 2))
        source.disconnect()
        yield clock.until(end)

    def step(cycle: int, current: float) -> Step:
        return Step(f"setting {cycle}", NS, lambda: setting(cycle, current), "rest", cycle)

    return [step(cycle, current) for cycle, current in enumerate(CURRENTS)]


def once(wired: Wired, folder: Path, faults: Mapping[str, Fault]) -> Outcome:
    """The campaign with a fault at some of the instruments."""
    with wired.connect("socket", "flexure") as operator:  # to where the twin's stage begins
        operator.query("ERR?")
        operator.send(b"MOV 1 0\n")
        while operator.query("ONT? 1") != "1=1":
            pass
    found = Outcome()
    true: list[list[float]] = []
    recorded: list[Block] = []
    bridge: Any = None
    with ExitStack() as stack:
        wires = {
            name: stack.enter_context(faulty(wired.port("socket", there), faults.get(name)))
            for name, there in SERVED.items()
        }
        store = stack.enter_context(RunStore(folder))
        real = hardware({name: wire.resource for name, wire in wires.items()}, timeout=PATIENCE)
        try:
            with bridged(real) as (bridge, twin, there):
                store.follow(twin.recorder)
                try:
                    twin.run(campaign(bridge.clock, there, wired, true, found.settings))
                finally:
                    recorded = list(twin.recorder.readings)
        except TwinError as raised:
            found.error = raised
        found.kept = list(store.blocks("readings")) if store.exists else []
        found.lines = {name: dict(wire.lines) for name, wire in wires.items()}
    found.settings.append(really(wired))
    found.account = bridge.account() if bridge is not None else {}
    assert [b.labels["cycle"] for b in found.kept] == [b.labels["cycle"] for b in recorded], "something is lost"
    for block, before in zip(found.kept, recorded, strict=True):
        np.testing.assert_array_equal(block.values, before.values)
    for block, readings in zip(found.kept, true, strict=True):  # what the meter has read, to the last digit
        assert block.values.tolist() == [readings]
    source = wired.station.core("current_source").source
    if source.is_connected or source.level != 0.0:
        assert any(fault.kind == "killed" and fault.happened for fault in faults.values()), "an output is left on"
        assert any("current_source" in text and "NOT be verified" in text for text in found.account["unverified"])
        with wired.connect("socket") as operator:  # somebody goes and looks
            operator.query("*RST;:OUTP?")
    return found


def drawn(seed: int, faultless: Outcome) -> tuple[str, Fault]:
    """A fault at one of the instruments."""
    rng = np.random.default_rng(seed)
    name = str(rng.choice(list(SERVED)))
    way, kind = FAULTS[seed % len(FAULTS)]
    return name, Fault(way, kind, int(rng.integers(0, faultless.lines[name][way])), seed)


def sound(seed: int, wired: Wired, faultless: Outcome, folder: Path) -> str:
    """What has to hold whatever goes wrong; returns what became of it."""
    name, fault = drawn(seed, faultless)
    found = once(wired, folder, {name: fault})
    assert found.settings[: len(found.kept)] == faultless.settings[: len(found.kept)], "a reading at wrong settings"
    if found.error is not None:
        assert fault.happened, f"an error without a fault: {found.error}"
        assert fault.kind != "split", f"a line in two pieces is a line: {found.error}"
        return "ended the run"
    assert len(found.kept) == len(CURRENTS)
    assert found.settings == faultless.settings, f"{name}: {fault} has left something behind"
    if any(i["log"] or i["stale_replies"] for i in found.account["instruments"].values()):
        return "noticed"
    last = found.lines[name][fault.way] == fault.number + 1
    assert not fault.happened or harmless(fault, last), f"{name}: {fault} went unnoticed"
    return "did nothing" if fault.happened else "did not happen"


def harmless(fault: Fault, last: bool) -> bool:
    """Whether a fault that nobody noticed makes no difference: all settings and readings being what they should."""
    if fault.kind == "split" or (last and fault.kind in ("doubled", "half-closed")):
        return True
    if fault.way == "command":  # one that asks for nothing, or still says the same
        return b"?" not in fault.struck or [meaning(piece) for piece in fault.became] == [meaning(fault.struck)]
    if fault.kind == "garbled":  # a reply that nobody looks at, or to a poll that is repeated
        return fault.struck in (b"1=0", b"1=1") or fault.struck.isdigit() or alike(fault.struck, fault.became[0])
    return False


def alike(a: bytes, b: bytes) -> bool:
    """Whether two read-backs are one number to the six digits to which settings are compared, or one temperature inside
    the meter, which is for the record alone."""
    with suppress(ValueError):
        return math.isclose(float(a), float(b), rel_tol=1e-6) or (a == INSIDE and abs(float(a) - float(b)) <= WARMING)
    return False


def meaning(line: bytes) -> list[bytes]:
    """What a command says: letters are alike, small and capital, and a controller of one axis needs no number of it."""
    words = bytes(c for c in line.upper().strip() if c >= 32).split(b";")
    return [word.lstrip(b":").removesuffix(b" 1").strip() for word in words if word]


def test_without_faults_the_campaign_runs_through(wired: Wired, faultless: Outcome) -> None:
    assert faultless.error is None
    assert len(faultless.kept) == len(CURRENTS)
    assert faultless.account["unverified"] == []
    assert resources(wired)  # and the instruments are still served


@pytest.mark.parametrize("seed", range(24))
def test_a_fault_does_no_harm(seed: int, wired: Wired, faultless: Outcome, tmp_path: Path) -> None:
    sound(seed, wired, faultless, tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(24, 1024))
def test_a_thousand_faults_do_no_harm(seed: int, wired: Wired, faultless: Outcome, tmp_path: Path) -> None:
    print(f"seed {seed}: {sound(seed, wired, faultless, tmp_path)}")  # for pytest -s
