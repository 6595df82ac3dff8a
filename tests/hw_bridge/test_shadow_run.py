"""The twin beside real instruments: what leaves its band is told, kept, and not given to the reduction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hw_bridge.bridge import Bridge
from scenarios.run.beside import Beside
from scenarios.run.shadow import Shadow, as_they_were_read, good
from scenarios.schema import Scenario
from tests.hw_bridge.real_bench import output, scenario
from tests.hw_bridge.wired import Wired
from twin.clock import Process
from twin.real_time import RealTimeClock
from twin.recorder import Block, Blocks, Schedule
from twin.times import NS
from twin.twin import Twin


def bench(real: dict[str, Any], ohms: float) -> Scenario:
    """Source, resistor and meter are real; the resistor is stated to have so many ohms, and noise for what both do."""
    names = ("current_source", "resistor", "induced_voltmeter")
    stated = {"balance.resistor.resistance": ohms, "balance.resistor.white_noise": 3e-5}
    return scenario({name: real[name] for name in names}).with_(stated)


@pytest.mark.parametrize("start", [0, 30 * NS])
def test_a_run_in_which_nothing_was_set_is_judged_by_when_it_was_read(real: dict[str, Any], start: int) -> None:
    """As coil noise, whose campaign reads one meter alone; also when it was interrupted, and read later."""
    values = np.random.default_rng(1).normal(0.0, 5e-6, (1, 20))
    block = Block("induced_voltmeter", "voltage", "V", Schedule(start, NS // 20, 20), NS // 20, values, source="real")
    judge = Shadow(bench(real, 1000.0), members=4)
    judge.go_through([block], Blocks())
    told = judge.summary()
    assert [channel["judged"] for channel in told["channels"]] == [1] and told["alarms"] == 0
    judge = Shadow(bench(real, 1000.0), members=4)
    judge.go_through([replace(block, values=values + 0.1)], Blocks())
    assert judge.summary()["alarms"] == 1


@pytest.mark.parametrize(("ohms", "alarms"), [(1000.0, 0), (1005.0, 2)])
def test_what_leaves_its_band_is_not_good(wired: Wired, real: dict[str, Any], ohms: float, alarms: int) -> None:
    chosen, told = bench(real, ohms), []
    clock = RealTimeClock(None)
    with Beside(chosen, told.append, members=8) as beside, Bridge(chosen, arm=True, clock=clock, tell=str) as bridge:
        beside.ready()
        twin = Twin(bridge.parts(), chosen.wiring, clock=clock)
        there = bridge.instruments(twin)
        beside.follow(twin)
        bridge.start()

        def steps() -> Process:
            there["current_source"].connect()
            for current in (0.5e-3, -0.5e-3):
                yield from there["current_source"].set(current, 0.2)
                yield clock.wait(1.0)
                yield from there["induced_voltmeter"].read(Schedule(clock.now, NS // 20, 8), {"phase": "rest"})

        clock.run(steps())
        bridge.end()
        summary = beside.concluded()
        recorder = twin.recorder
    assert output(wired) == (False, 0.0)
    assert summary["alarms"] == alarms == len(told)
    left = list(good(recorder.readings, recorder.log))
    assert [bool(np.isnan(b.values).any()) for b in left] == [alarms > 0] * 2
    for read, again in zip(recorder.readings, as_they_were_read(left, recorder.log), strict=True):
        assert np.array_equal(read.values, again.values)
        assert np.mean(read.values) == pytest.approx(np.sign(np.mean(read.values)) * 0.5, rel=1e-3)
