"""Commands: what one twin was told makes another one do the same; and a twin without a seed is silent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.compensating_source import CompensatingSource
from components.resistor import Resistor
from components.voltmeter import Voltmeter
from twin.clock import Process
from twin.command import command, follow, is_command, record_commands
from twin.noise import NoiseFigures, NoiseSource, Streams, draw_calibration
from twin.piece import exact_hertz, harmonics
from twin.recorder import Schedule
from twin.times import NS
from twin.twin import Twin

WIRING = {
    "resistor.current": "source.current",
    "meter.input": "resistor.voltage",
    "meter.reference": "resistor.voltage",
}


def bench(seed: int | None) -> tuple[Twin, Any, Any]:
    parts: dict[str, Any] = {
        "source": CompensatingSource(),
        "resistor": Resistor(resistance=100.0),
        "meter": Voltmeter(white_noise=1e-6, flicker_noise=1e-6, random_walk=1e-6),
    }
    return Twin(parts, WIRING, seed=seed), parts["source"], parts["meter"]


def told(twin: Twin, source: Any) -> Process:
    source.connect()
    yield from source.set(1e-3, 2.0)
    yield twin.clock.wait(0.25)
    yield from source.follow([harmonics(1e-3, {exact_hertz(2.0): -2e-4j}, twin.clock.now, twin.clock.now + NS)])
    source.disconnect()


def test_another_twin_follows_to_the_bit() -> None:
    first, source, _ = bench(None)
    record_commands(first)
    first.clock.run(told(first, source))
    log = list(first.recorder.log)
    assert [(b.channel, b.quantity) for b in log] == [("source", q) for q in ("connected", "set", "set", "connected")]
    assert [b.schedule.start / NS for b in log] == [0.0, 0.0, 2.25, 3.25]
    assert [b.values.item() for b in log[:2]] == [1.0, pytest.approx(1e-3)]
    assert all(is_command(b) for b in log) and not len(first.recorder.readings)
    second, *_ = bench(None)
    for block in log:
        second.clock.jump(block.schedule.start, 0)
        follow(second, block)
    times = np.linspace(0.0, 4.0, 401)
    assert np.array_equal(first.signal("resistor.voltage")(times), second.signal("resistor.voltage")(times))


def test_what_changes_nothing_is_no_command() -> None:
    twin, source, _ = bench(None)
    record_commands(twin)
    source.disconnect()
    assert not len(twin.recorder.log)
    source.connect()
    source.connect()
    assert len(twin.recorder.log) == 1


def test_a_command_tells_where_it_leads() -> None:
    law = harmonics(0.0, {exact_hertz(1.0): 1.0}, 0, NS // 4)
    block = command("source", "set", (law,), 5)
    assert block.schedule == Schedule(5, 1, 1)
    assert block.values.item() == pytest.approx(float(law.values_at(NS // 4)[0].real))


def test_without_a_seed_all_is_what_is_expected_of_it() -> None:
    quiet, source, meter = bench(None)
    quiet.clock.run(told(quiet, source))
    reading = quiet.clock.run(meter.read(Schedule(quiet.clock.now, NS // 10, 30), {})).values
    assert np.all(reading == 0.0)
    loud, source, meter = bench(1)
    loud.clock.run(told(loud, source))
    assert np.std(loud.clock.run(meter.read(Schedule(loud.clock.now, NS // 10, 30), {})).values) > 1e-7
    for distribution in ("normal", "rectangular", "triangular"):
        assert draw_calibration(Streams(None), "meter.gain", 1.0, distribution) == 0.0


def test_silence_may_be_read_in_any_order() -> None:
    silent = NoiseSource(NoiseFigures(1.0, 1.0, 1.0), Streams(None), "meter")
    for starts in ([5 * NS, 6 * NS], [0, NS // 2]):
        assert np.array_equal(silent.sample(np.array(starts), NS), [0.0, 0.0])
