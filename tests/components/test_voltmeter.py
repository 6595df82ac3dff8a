"""The voltmeter: its digits, its noise, its zero, how it loads what it reads, and when it reads."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from components.voltmeter import Voltmeter
from tests.components.bench import allan_deviation, bench, path, readings
from twin.errors import SimulationError
from twin.piece import polynomial
from twin.recorder import Block, Schedule
from twin.shifted import Rate
from twin.signal import Constant, Elapsed
from twin.times import NS

DIGITS = [["100 us", 6.5], ["10 ms", 7.5], ["166 ms", 8.5]]  # wire.md
TABLE = [{"aperture": "20 ms", "rms": "400 nV"}, {"aperture": "0.2 s", "rms": "100 nV"}]


def read(meter: Voltmeter, schedule: Schedule, channel: Any = "input", seed: int = 0, **inputs: Any) -> Block:
    wired = {"input": 0.0, "reference": 10.0} | inputs
    twin = bench(meter, seed=seed, **wired)
    return twin.clock.run(meter.read(schedule, {}, channel=channel))


# --- digits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("full_scale", "aperture", "step"),
    [(10.0, 0.2, 1e-7), (1.0, 0.2, 1e-8), (10.0, 0.1, 1e-6), (10.0, 1e-4, 1e-5), (10.0, 0.166, 1e-7)],
)
def test_a_reading_has_the_steps_of_its_digits(full_scale: float, aperture: float, step: float) -> None:
    truth = path(polynomial([0.3, 17.3 * step / (100 * aperture)], 0, 1000 * NS))
    values = read(Voltmeter(range=full_scale, digits=DIGITS), readings(aperture, 100), input=truth).values[0]
    exact = read(Voltmeter(), readings(aperture, 100), input=truth).values[0]
    steps = np.diff(np.unique(values)) / step
    assert np.allclose(steps, 1.0, atol=1e-6) and 16 <= steps.size <= 18
    assert np.abs(values - exact).max() <= 0.5001 * step


def test_noise_is_rounded_too_and_rounding_leaves_its_mean() -> None:
    meter = Voltmeter(range=10.0, digits=[[0.1, 6.5]], white_noise=2e-5)
    values = read(meter, readings(0.1, 20_000), input=1.000003).values[0]
    assert np.allclose(values / 1e-5, np.rint(values / 1e-5), atol=1e-6)
    assert abs(values.mean() - 1.000003) < 4 * values.std() / np.sqrt(values.size)


def test_a_nonlinear_meter_is_right_at_zero_and_at_the_ends_of_its_range() -> None:
    """Odd, and nowhere off by more than stated; whatever it reads."""
    volts = np.linspace(-12.0, 12.0, 241)
    meter = Voltmeter(range=10.0, nonlinearity=1e-6)
    sweep = path(polynomial([-12.0, 24.0 / 241], 0, 300 * NS))
    found, exact = (read(each, readings(1.0, 241), input=sweep).values[0] for each in (meter, Voltmeter(range=10.0)))
    error = (found - exact) / 10.0
    assert error == pytest.approx(-error[::-1], abs=1e-15)
    within = np.abs(exact) < 10.0
    assert np.abs(error[within]).max() == pytest.approx(1e-6, rel=1e-3)
    assert abs(abs(exact[within][error[within].argmax()]) - 10.0 / np.sqrt(3.0)) < 0.1
    assert np.all(np.sign(error[~within]) == -np.sign(volts[~within]))
    for channel, true in (("reference", 10.0), ("reversed", -10.0), ("short", 0.0)):
        assert read(meter, readings(1.0, 3), channel=channel).values == pytest.approx(true, abs=1e-14)
    assert read(meter, readings(1.0, 3), channel="reference", reference=5.0).values[0, 0] > 5.0
    with pytest.raises(ValidationError, match="expected a range beside nonlinearity"):
        Voltmeter(nonlinearity=1e-7)


def test_what_digits_are_not_stated_for_is_refused() -> None:
    with pytest.raises(SimulationError, match=r"part: a reading over 5e-05 s is shorter than the 0.0001 s"):
        read(Voltmeter(range=10.0, digits=DIGITS), readings(5e-5, 3))
    with pytest.raises(ValidationError, match="expected a range beside digits"):
        Voltmeter(digits=DIGITS)
    with pytest.raises(ValidationError, match="either digits or resolution"):
        Voltmeter(range=10.0, digits=DIGITS, resolution=1e-8)
    with pytest.raises(ValidationError, match="rising apertures in noise_table"):
        Voltmeter(noise_table=TABLE[::-1])


@pytest.mark.parametrize(("voltage", "fits"), [(11.9, True), (-12.1, False)])
def test_a_reading_beyond_the_overrange_is_an_error(voltage: float, fits: bool) -> None:
    meter = Voltmeter(range=10.0)
    if fits:
        assert read(meter, readings(1.0, 2), input=voltage).values[0, 0] == voltage
    else:
        with pytest.raises(SimulationError, match=r"part: -12\.1 V at t = 0\.0 s is beyond 120 % of its range of 10 V"):
            read(meter, readings(1.0, 2), input=voltage)


# --- noise -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("aperture", "rms"),
    [
        (0.02, 400e-9),
        (0.2, 100e-9),
        (0.02 * 10**0.5, 200e-9),  # half way, log-log
        (0.005, 800e-9),
        (5.0, 20e-9),
    ],
)
def test_the_noise_of_a_reading_is_that_of_its_aperture(aperture: float, rms: float) -> None:
    meter = Voltmeter(noise_table=TABLE)
    assert meter.rms_of(aperture) == pytest.approx(rms, rel=1e-12)
    values = read(meter, readings(aperture, 20_000), input=1.0).values[0]
    assert np.std(values) == pytest.approx(rms, rel=0.02)  # 4 σ of its own scatter
    assert abs(values.mean() - 1.0) < 4 * rms / np.sqrt(20_000)


def test_white_noise_of_the_table_averages_as_such() -> None:
    values = read(Voltmeter(noise_table=TABLE), readings(0.2, 2**15)).values[0]
    for averaged in (1, 8, 64):
        pairs = values.size / averaged
        exact = 100e-9 / np.sqrt(averaged)
        assert allan_deviation(values, averaged) == pytest.approx(exact, rel=4 * np.sqrt(0.75 / pairs))


def test_table_and_densities_add_in_squares() -> None:
    meter = Voltmeter(noise_table=TABLE, white_noise=100e-9)
    values = read(meter, readings(0.2, 20_000)).values[0]
    assert np.std(values) == pytest.approx(np.hypot(100e-9, 100e-9 / np.sqrt(0.4)), rel=0.02)


# --- zero ------------------------------------------------------------------------------------------------------------


def test_channels_are_input_reference_its_reverse_and_the_meters_zero() -> None:
    meter = Voltmeter(gain=1e-3, offset=0.5)
    shown = {
        channel: read(meter, readings(1.0, 1), channel, input=2.0).values[0, 0]
        for channel in ("input", "reference", "reversed", "short")
    }
    exact = {"input": 2.502, "reference": 10.51, "reversed": -9.51, "short": 0.5}
    assert shown == pytest.approx(exact, rel=1e-15)


def test_auto_zero_takes_the_zero_and_all_slow_noise_away_and_leaves_the_gain() -> None:
    real = {"gain": 1e-3, "gain_drift": 1e-6, "offset": 0.5, "offset_drift": 1e-4, "flicker_noise": 1e-3}
    values = read(Voltmeter(**real, random_walk=1e-3, auto_zero=True), readings(1.0, 9), input=2.0).values[0]
    assert values == pytest.approx(2.0 * (1.001 + 1e-6 * np.arange(9)), rel=1e-15)


def test_auto_zero_makes_white_noise_larger_by_the_root_of_two() -> None:
    meter = Voltmeter(white_noise=100e-9, noise_table=TABLE, auto_zero=True)
    values = read(meter, readings(0.2, 20_000)).values[0]
    assert np.std(values) == pytest.approx(np.sqrt(2) * np.hypot(100e-9, 100e-9 / np.sqrt(0.4)), rel=0.02)


# --- loading ---------------------------------------------------------------------------------------------------------


def test_the_input_loads_its_source_and_only_that() -> None:
    meter = Voltmeter(input_conductance=1e-6, bias_current=2e-9)
    resistance = path(polynomial([1000.0, 10.0], 0, 100 * NS))
    for channel, exact in (
        ("input", np.full(4, 2.0 / (1 + 1e-6 * 1020.0) + 2e-9 * 1020.0)),  # in the middle of the burst
        ("reference", np.full(4, 10.0)),
        ("short", np.zeros(4)),
    ):
        block = read(meter, readings(1.0, 4), channel, input=2.0, source_resistance=resistance)
        assert block.values[0] == pytest.approx(exact, rel=1e-15, abs=1e-300), channel


def test_a_meter_without_a_source_resistance_loads_nothing() -> None:
    meter = Voltmeter(input_conductance=1e-6, bias_current=2e-9)
    assert read(meter, readings(1.0, 1), input=2.0).values[0, 0] == 2.0


# --- timing ----------------------------------------------------------------------------------------------------------

BURSTS = Schedule(NS, NS // 10, 4, 3 * NS, 5)


def test_latency_and_time_base_shift_and_stretch_the_readings() -> None:
    meter = Voltmeter(trigger_latency=175e-9, time_base_error=1e-4)
    block = read(meter, BURSTS, input=Elapsed())
    bursts = (BURSTS.start + BURSTS.every * np.arange(5))[:, None] / NS
    middle = bursts + 175e-9 + 0.1 * (np.arange(4) + 0.5) * (1 + 1e-4)
    assert block.values == pytest.approx(middle, abs=1e-14)
    assert block.schedule == BURSTS and block.aperture == BURSTS.step  # what the meter believes


def test_a_stretched_aperture_averages_over_its_true_length() -> None:
    meter = Voltmeter(time_base_error=0.05)
    block = read(meter, readings(1.0, 3), input=path(polynomial([0.0, 0.0, 3.0], 0, 100 * NS)))
    edges = 1.05 * np.arange(4)
    assert block.values[0] == pytest.approx(np.diff(edges**3) / 1.05, rel=1e-14)


def test_jitter_moves_each_burst_as_a_whole() -> None:
    schedule = Schedule(0, 1000, 3, NS, 20_000)
    late = read(Voltmeter(trigger_jitter=50e-9, trigger_latency=1e-6), schedule, input=Elapsed()).values * 1.0
    late -= read(Voltmeter(), schedule, input=Elapsed()).values
    assert np.allclose(late, late[:, :1], atol=1e-11)
    assert np.std(late[:, 0]) == pytest.approx(50e-9, rel=0.02)
    assert late.mean() == pytest.approx(1e-6, abs=4 * 50e-9 / np.sqrt(20_000))


def test_jitter_goes_on_from_a_checkpoint_to_the_bit() -> None:
    def make() -> tuple[Any, Voltmeter]:
        meter = Voltmeter(trigger_jitter=50e-9, noise_table=TABLE)
        return bench(meter, input=Elapsed(), reference=10.0), meter

    later = Schedule(20 * NS, NS // 10, 4, 3 * NS, 5)
    twin, meter = make()
    twin.clock.run(meter.read(BURSTS, {}))
    state = json.loads(json.dumps(twin.state()))
    through = twin.clock.run(meter.read(later, {}))
    twin, meter = make()
    twin.restore(state)
    assert np.array_equal(twin.clock.run(meter.read(later, {})).values, through.values)


def test_without_timing_errors_the_readings_are_those_of_the_schedule_to_the_bit() -> None:
    voltage = Rate(path(polynomial([0.1, 0.2, 0.3, 0.4], 0, 100 * NS)))
    block = read(Voltmeter(), BURSTS, input=voltage)
    assert np.array_equal(block.values, voltage.means(BURSTS.instants(), BURSTS.step))


def test_a_rehearsal_draws_nothing() -> None:
    from twin.twin import Twin

    meter = Voltmeter(trigger_jitter=1e-6, white_noise=1.0)
    twin = bench(meter, input=0.0, reference=10.0)
    rehearsal = Twin(twin.graph.components, twin.graph.wiring, rehearsal=True)
    rehearsal.clock.run(meter.read(BURSTS, {}))
    assert meter.state()["noise"] == {}


def test_gain_and_offset_drift_with_time() -> None:
    block = read(Voltmeter(gain_drift=1e-3, offset_drift=2e-3), readings(1.0, 3, start=5.0), input=Constant(3.0))
    t = np.arange(5.0, 8.0)
    assert block.values[0] == pytest.approx(3.0 * (1 + 1e-3 * t) + 2e-3 * t, rel=1e-15)
