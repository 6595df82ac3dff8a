"""Time stamps: a step of a current is found in readings to a small share of their aperture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from components.compensating_source import CompensatingSource
from components.resistor import Resistor
from components.voltmeter import Voltmeter
from hw_bridge.skew import APERTURE, READINGS, Edges, edge, look, milliseconds
from twin.recorder import LATE, Block, Schedule
from twin.times import NS, to_ns
from twin.twin import Twin


def stepped(at: float, noise: float = 0.0, late: float = 0.0) -> Block:
    """Readings of a signal that steps from 1 to −1 `at` (s) after the first."""
    t = APERTURE * np.arange(READINGS)
    share = np.clip((at - t) / APERTURE, 0.0, 1.0)
    values = 2.0 * share - 1.0 + noise * np.random.default_rng(1).standard_normal(READINGS)
    schedule = Schedule(5 * NS, to_ns(APERTURE), READINGS)
    return Block("m", "voltage", "V", schedule, schedule.step, values[None, :], {LATE: late})


@pytest.mark.parametrize("at", [0.2, 0.2837, 0.31999])
def test_an_edge_is_found_within_an_aperture(at: float) -> None:
    assert edge(stepped(at)) == pytest.approx(5.0 + at, abs=1e-12)
    assert edge(stepped(at, noise=0.01)) == pytest.approx(5.0 + at, abs=2e-3)
    assert edge(stepped(at, late=0.25)) == pytest.approx(5.25 + at, abs=1e-12)


def test_noise_is_no_edge() -> None:
    assert math.isnan(edge(stepped(10.0, noise=0.1)))
    assert milliseconds((math.nan, math.nan)) == "no step was seen"


def bench(latencies: Mapping[str, float]) -> tuple[Twin, Any, dict[str, Any]]:
    meters: dict[str, Any] = {
        name: Voltmeter(trigger_latency=late, white_noise=1e-6) for name, late in latencies.items()
    }
    parts: dict[str, Any] = {"source": CompensatingSource(), "resistor": Resistor(resistance=100.0), **meters}
    wiring = {"resistor.current": "source.current"}
    for name in meters:
        wiring |= {f"{name}.input": "resistor.voltage", f"{name}.reference": "resistor.voltage"}
    return Twin(parts, wiring, seed=1), parts["source"], meters


def test_a_meter_that_reads_late_is_behind_the_others() -> None:
    """What is triggered late sees the step early by its own account."""
    twin, source, meters = bench({"first": 0.0, "second": 7e-3})
    source.connect()
    found: Edges = twin.clock.run(look(twin.clock, source, 1e-3, meters))
    assert found.delay("first") == (pytest.approx(0.0, abs=1e-4), pytest.approx(0.0, abs=1e-4))
    skew, u = found.skews()["first", "second"]
    assert skew == pytest.approx(-7e-3, abs=max(5 * u, 1e-5)) and u < 1e-4
