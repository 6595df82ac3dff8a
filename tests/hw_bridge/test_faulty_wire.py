"""Random faults inside the byte stream of a short campaign with served instruments; each test's name has its seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.motion import glide
from tests.hw_bridge.faulty_wire import KINDS, Fault, faulty
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
CURRENTS = (0.2e-3, -0.3e-3)
REPLIES = {"current_source": 14, "induced_voltmeter": 60, "motion_stage": 70}
"""About as many replies does the campaign take of each."""


@pytest.fixture(scope="module")
def wired() -> Iterator[Wired]:
    with Wired() as made:
        reference(made)
        yield made


def campaign(clock: Any, there: Mapping[str, Any], wired: Wired, true: list[list[float]]) -> list[Step]:
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
        source.check(0, 0)
        here, target = stage.commanded()[0], 0.1e-3 * (1 - cycle)
        if here != target:
            yield from stage.move(glide(here, target, clock.now, clock.now + NS // 2))
        source.disconnect()
        yield clock.until(end)

    def step(cycle: int, current: float) -> Step:
        return Step(f"setting {cycle}", NS, lambda: setting(cycle, current), "rest", cycle)

    return [step(cycle, current) for cycle, current in enumerate(CURRENTS)]


def once(
    wired: Wired, folder: Path, faults: Mapping[str, Fault]
) -> tuple[TwinError | None, list[Block], dict[str, Any]]:
    """The campaign with a fault at some of the instruments: what it raised, what is kept, and what was told."""
    with wired.connect("socket", "flexure") as operator:  # to where the twin's stage begins
        operator.query("ERR?")
        operator.send(b"MOV 1 0\n")
        while operator.query("ONT? 1") != "1=1":
            pass
    error: TwinError | None = None
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
                recorded_by = twin.recorder
                try:
                    twin.run(campaign(bridge.clock, there, wired, true))
                finally:
                    recorded = list(recorded_by.readings)
        except TwinError as raised:
            error = raised
        kept = list(store.blocks("readings")) if store.file.is_file() else []
    assert [b.labels["cycle"] for b in kept] == [b.labels["cycle"] for b in recorded], "something committed is lost"
    for block, before in zip(kept, recorded, strict=True):
        np.testing.assert_array_equal(block.values, before.values)
    for block, readings in zip(kept, true, strict=True):  # what the meter has read, to the last digit
        assert block.values.tolist() == [readings]
    dead = any(wire.dead and fault.kind == "killed" for wire, fault in _pairs(wires, faults))
    source = wired.station.core("current_source").source
    told = {**(bridge.account() if bridge is not None else {})}
    told["last"] = any(wire.replies == fault.reply + 1 for wire, fault in _pairs(wires, faults))
    if source.is_connected or source.level != 0.0:
        assert dead, "an output is left on"
        assert any("current_source" in text and "NOT be verified" in text for text in told["unverified"])
        with wired.connect("socket") as operator:  # somebody goes and looks
            operator.query("*RST;:OUTP?")
    return error, kept, told


def _pairs(wires: Mapping[str, Any], faults: Mapping[str, Fault]) -> list[tuple[Any, Fault]]:
    return [(wires[name], fault) for name, fault in faults.items()]


def drawn(seed: int) -> dict[str, Fault]:
    """A fault at one of the instruments."""
    rng = np.random.default_rng(seed)
    name = str(rng.choice(list(SERVED)))
    kind = KINDS[seed % len(KINDS)]
    return {name: Fault(kind, int(rng.integers(0, REPLIES[name])), seed)}


def sound(seed: int, wired: Wired, folder: Path) -> None:
    """What has to hold whatever goes wrong."""
    faults = drawn(seed)
    error, kept, told = once(wired, folder, faults)
    last = told["last"]
    (fault,) = faults.values()
    if error is not None:
        assert fault.happened, f"an error without a fault: {error}"
        assert fault.kind != "split", f"a reply in two pieces is a reply: {error}"
        return
    assert len(kept) == len(CURRENTS)
    noticed = any(i["log"] or i["stale_replies"] for i in told["instruments"].values())
    assert noticed or not fault.happened or fault.kind == "split" or undetectable(fault, last), (
        f"{fault} went unnoticed"
    )


def undetectable(fault: Fault, last: bool) -> bool:
    """Whether a fault makes no difference to anybody: a reply that nobody looks at, or a poll that is repeated."""
    if fault.kind == "garbled":
        return fault.struck in (b"1=0", b"1=1") or fault.struck.isdigit()
    return last and fault.kind in ("doubled", "half-closed")


def test_without_faults_the_campaign_runs_through(wired: Wired, tmp_path: Path) -> None:
    error, kept, told = once(wired, tmp_path, {})
    assert error is None
    assert len(kept) == len(CURRENTS)
    assert told["unverified"] == []
    assert resources(wired)  # and the instruments are still served


@pytest.mark.parametrize("seed", range(24))
def test_a_fault_does_no_harm(seed: int, wired: Wired, tmp_path: Path) -> None:
    sound(seed, wired, tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(24, 1024))
def test_a_thousand_faults_do_no_harm(seed: int, wired: Wired, tmp_path: Path) -> None:
    sound(seed, wired, tmp_path)
