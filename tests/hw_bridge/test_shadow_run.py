"""The twin beside real instruments: what leaves its band is told, kept, and not given to the reduction."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hw_bridge.bridge import Bridge
from scenarios.cli.app import main
from scenarios.run.beside import Beside
from scenarios.run.shadow import as_they_were_read, good
from scenarios.schema import Scenario
from tests.hw_bridge.real_bench import output, resources, scenario
from tests.hw_bridge.test_resume import SINES
from tests.hw_bridge.wired import Wired
from twin.clock import Process
from twin.real_time import RealTimeClock
from twin.recorder import Schedule
from twin.times import NS
from twin.twin import Twin


def bench(real: dict[str, Any], ohms: float) -> Scenario:
    """Source, resistor and meter are real; the resistor is stated to have so many ohms, and noise for what both do."""
    names = ("current_source", "resistor", "induced_voltmeter")
    stated = {"balance.resistor.resistance": ohms, "balance.resistor.white_noise": 3e-5}
    return scenario({name: real[name] for name in names}).with_(stated)


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


@pytest.fixture
def in_real_time(tmp_path: Path) -> Iterator[list[str]]:
    """Words for a run of sines on instruments that are served in real time."""
    (tmp_path / "sines.yaml").write_text(SINES)
    with Wired(1.0) as wired:
        there = resources(wired)
        source = {"driver": "keithley6221", "resource": there["current_source"], "interval": "20 ms"}
        source |= {"limits": {"current": "1 mA", "voltage": "10 V"}, "timeout": "20 s"}
        meter = {"driver": "hp3458a", "resource": there["induced_voltmeter"], "timeout": "20 s"}
        found = ["run", str(tmp_path / "sines.yaml"), "--real", "resistor=artefact"]
        found += ["--set", f"balance.current_source.hardware={json.dumps(source)}"]
        yield [*found, "--set", f"balance.current_voltmeter.hardware={json.dumps(meter)}"]


def test_a_run_with_a_shadow_tells_what_it_found(
    in_real_time: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    short = ["--set", "campaign.frequencies=[8]"]
    assert main([*in_real_time, *short, "--arm", "--shadow", "--out", str(out), "--no-report", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    real = [c for c in told["shadow"]["channels"] if c["source"] == "real"]
    assert [(c["channel"], c["alarms"], c["judged"]) for c in real] == [("current_voltmeter", 0, 1)]
    assert main(["shadow", str(out), "--members", "4", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)["channels"]
    assert [c["residual"] for c in again if c["source"] == "real"] == [pytest.approx(real[0]["residual"], abs=1e-3)]
