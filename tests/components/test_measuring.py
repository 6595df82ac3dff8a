"""What every measuring instrument shows of the truth: mean over the aperture, gain, offset, noise of the right size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from components.environment import Environment
from components.interferometer import Interferometer
from components.thermometer import Thermometer
from components.voltmeter import Voltmeter
from tests.components.bench import allan_deviation, bench, readings
from twin.component import Component
from twin.piece import polynomial
from twin.recorder import Block, Schedule
from twin.signal import Constant, Elapsed, Signal
from twin.timeline import Timeline
from twin.times import NS

Make = Callable[..., Component]
# Instrument, input port that is read, further arguments of read().
CHANNELS: dict[str, tuple[Make, str, dict[str, Any]]] = {
    "voltmeter": (Voltmeter, "input", {}),
    "voltmeter, reference": (Voltmeter, "reference", {"channel": "reference"}),
    "thermometer": (Thermometer, "temperature_rise", {}),
    "interferometer": (Interferometer, "position", {}),
}
LABELS = {"phase": "weighing", "cycle": 3}


def read(
    channel: str, signal: Signal, schedule: Schedule, seed: int = 0, name: str = "part", **parameters: Any
) -> Block:
    make, port, how = CHANNELS[channel]
    part = make(**parameters)
    wired = {port: signal}
    if "input" in part.inputs and port != "input":
        wired["input"] = Constant(1e3)  # to be told from what is read
    twin = bench(part, name, seed, **wired)
    return twin.clock.run(part.read(schedule, LABELS, **how))


@pytest.mark.parametrize("channel", CHANNELS)
def test_ideal_is_the_mean_over_the_aperture(channel: str) -> None:
    line = Timeline("x")
    line.follow(polynomial([1.0, 2.0, 3.0], 0, 100 * NS))
    block = read(channel, line, readings(0.5, 4, start=1.0))
    t0 = 1.0 + 0.5 * np.arange(4)
    t1 = t0 + 0.5
    exact = ((t1 - t0) + (t1**2 - t0**2) + (t1**3 - t0**3)) / (t1 - t0)
    assert block.values[0] == pytest.approx(exact, rel=1e-14)
    assert block.channel == "part"
    terminals = {"terminals": how} if (how := CHANNELS[channel][2].get("channel")) else {}
    assert dict(block.labels) == LABELS | terminals
    assert block.aperture == 0.5 * NS
    assert block.source == "simulated"


@pytest.mark.parametrize("channel", CHANNELS)
def test_reading_takes_until_the_end_of_the_last_aperture(channel: str) -> None:
    make, port, how = CHANNELS[channel]
    part = make()
    twin = bench(part, **({"input": 0.0} if "input" in part.inputs else {}) | {port: 1.0})
    twin.clock.run(part.read(readings(0.5, 4, start=1.0), LABELS, **how))
    assert twin.clock.now == 3 * NS


@pytest.mark.parametrize("channel", CHANNELS)
def test_gain_multiplies_and_offset_adds(channel: str) -> None:
    block = read(channel, Elapsed(), readings(1.0, 5), gain=3e-3, offset=0.25)
    assert block.values[0] == pytest.approx(1.003 * (np.arange(5) + 0.5) + 0.25, rel=1e-15)


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("aperture", [0.02, 0.5])
def test_white_noise_averages_over_the_aperture(channel: str, aperture: float) -> None:
    values = read(channel, Constant(5.0), readings(aperture, 20_000), white_noise=2.0).values[0]
    sigma = 2.0 / np.sqrt(2 * aperture)
    assert np.std(values) == pytest.approx(sigma, rel=0.02)  # 4 σ of its own scatter
    assert abs(values.mean() - 5.0) < 4 * sigma / np.sqrt(20_000)
    assert abs(np.corrcoef(values[1:], values[:-1])[0, 1]) < 4 / np.sqrt(20_000)


@pytest.mark.parametrize("channel", CHANNELS)
def test_flicker_noise_has_a_flat_allan_deviation(channel: str) -> None:
    values = read(channel, Constant(0.0), readings(0.1, 2**17), flicker_noise=3.0).values[0]
    for averaged in (4, 16, 64):
        assert allan_deviation(values, averaged) == pytest.approx(3.0 * np.sqrt(2 * np.log(2)), rel=0.06)


@pytest.mark.parametrize("channel", CHANNELS)
def test_noise_hangs_on_seed_and_name_and_goes_on_between_readings(channel: str) -> None:
    def noise(**how: Any) -> Any:
        return read(channel, Constant(0.0), readings(1.0, 8), white_noise=1.0, **how).values

    assert np.array_equal(noise(), noise())
    assert not np.any(noise(seed=1) == noise())
    assert not np.any(noise(name="other") == noise())
    make, port, how = CHANNELS[channel]
    part = make(white_noise=1.0)
    twin = bench(part, **({"input": 0.0} if "input" in part.inputs else {}) | {port: 0.0})
    first = twin.clock.run(part.read(readings(1.0, 3), LABELS, **how)).values[0]
    rest = twin.clock.run(part.read(readings(1.0, 5, start=3.0), LABELS, **how)).values[0]
    assert np.array_equal(np.concatenate([first, rest]), noise()[0])


def test_both_inputs_of_a_voltmeter_share_gain_offset_and_noise() -> None:
    meter = Voltmeter(gain=1e-3, offset=0.5)
    twin = bench(meter, input=2.0, reference=10.0)
    values = [
        twin.clock.run(meter.read(readings(1.0, 1, start=k), LABELS, channel=channel)).values[0, 0]
        for k, channel in enumerate(("input", "reference"))
    ]
    assert values == pytest.approx([2.502, 10.51], rel=1e-15)


def test_an_instantaneous_position_is_that_at_the_start_of_the_step_with_noise_of_the_bandwidth() -> None:
    device = Interferometer(gain=1e-3, offset=0.5)
    twin = bench(device, position=Elapsed())
    schedule = Schedule(NS, NS // 10, 5, 2 * NS, 3)
    block = twin.clock.run(device.read(schedule, LABELS, instantaneous=True))
    assert block.values == pytest.approx(1.001 * schedule.instants() / NS + 0.5, rel=1e-15)
    assert block.aperture == 0
    assert twin.clock.now == schedule.end - schedule.step  # it does not wait for what it does not average

    device = Interferometer(white_noise=3.0, bandwidth=400.0)
    twin = bench(device, position=0.0)
    noise = twin.clock.run(device.read(readings(0.1, 20_000), LABELS, instantaneous=True)).values
    assert np.std(noise) == pytest.approx(3.0 * np.sqrt(400.0), rel=0.02)


def test_the_station_reads_the_air_with_noise_of_the_right_size() -> None:
    station = Environment(
        temperature=295.0, pressure=9e4, humidity=0.4, temperature_noise=0.1, pressure_noise=10.0, humidity_noise=0.01
    )
    twin = bench(station)
    twin.clock.run(station.read(readings(0.5, 5000), LABELS))
    blocks = {block.quantity: block for block in twin.recorder.readings}
    for quantity, unit, true, noise in (
        ("temperature", "K", 295.0, 0.1),
        ("pressure", "Pa", 9e4, 10.0),
        ("humidity", "1", 0.4, 0.01),
    ):
        values, sigma = blocks[quantity].values, noise / np.sqrt(2 * 0.5)
        assert blocks[quantity].unit == unit
        assert np.std(values) == pytest.approx(sigma, rel=0.04)
        assert abs(values.mean() - true) < 4 * sigma / np.sqrt(values.size)
    assert abs(np.corrcoef(blocks["temperature"].values[0], blocks["pressure"].values[0])[0, 1]) < 4 / np.sqrt(5000)


def test_only_the_temperature_is_read_in_vacuum() -> None:
    station = Environment(pressure=0.0)
    twin = bench(station)
    twin.clock.run(station.read(readings(1.0, 3), LABELS))
    assert [block.quantity for block in twin.recorder.readings] == ["temperature"]
    assert twin.clock.now == 3 * NS
    assert station.density() == 0.0
