"""Thermometer, displacement sensor, position detector and fluxgate: what they show, and how noisily."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from components.displacement_sensor import DisplacementSensor
from components.fluxgate import Fluxgate
from components.measuring import MeasuringInstrument
from components.platinum import A, B, temperature
from components.position_detector import PositionDetector
from components.thermometer import Thermometer
from tests.components.bench import allan_deviation, bench, path, readings
from twin.piece import polynomial
from twin.recorder import Block, Schedule
from twin.signal import Elapsed
from twin.times import NS

FOUR = ("x", "y", "theta_x", "theta_y")


def read(device: MeasuringInstrument, schedule: Schedule, /, how: Any = None, **inputs: Any) -> Any:
    """What a device reads, by quantity."""
    twin = bench(device, **inputs)
    twin.clock.run(device.read(schedule, {"phase": "weighing"}, **(how or {})))  # type: ignore[attr-defined]
    return {block.quantity: block for block in twin.recorder.readings}


# --- thermometer -----------------------------------------------------------------------------------------------------


def shown(celsius: float, **parameters: Any) -> float:
    """Temperature (°C) that a thermometer shows at `celsius`."""
    device = Thermometer(reference_temperature=273.15, **parameters)
    block: Block = read(device, readings(1.0, 1), temperature_rise=celsius)["temperature_rise"]
    assert block.unit == "K"
    return float(block.values[0, 0])


def test_a_thermometer_with_the_standard_s_coefficients_shows_the_very_temperature() -> None:
    rise = 1e-3 * Elapsed()
    block = read(Thermometer(excitation_current=1e-2), readings(1.0, 5), temperature_rise=rise)["temperature_rise"]
    assert np.array_equal(block.values, rise.means(readings(1.0, 5).instants(), NS))


@pytest.mark.parametrize("celsius", [-150.0, -20.0, 0.0, 25.0, 300.0])
def test_a_wrong_ice_resistance_shifts_the_resistance_by_its_share(celsius: float) -> None:
    ratio = 1 + A * celsius + B * celsius**2 + (-4.183e-12 * (celsius - 100) * celsius**3 if celsius < 0 else 0.0)
    expected = temperature(100 * ratio * (1 + 1e-3))
    assert shown(celsius, ice_resistance_error=1e-3) == pytest.approx(float(expected), abs=1e-11)


def test_a_wrong_ice_resistance_is_an_error_at_the_ice_point_and_a_wrong_alpha_is_none() -> None:
    assert shown(0.0, ice_resistance_error=1e-6) == pytest.approx(1e-6 / A, rel=1e-5)
    assert shown(0.0, alpha_error=1e-3) == 0.0
    # At 100 °C the resistance is R0 (1 + 100 α), and dR/dt = R0 (A + 200 B).
    alpha = A + 100 * B
    assert shown(100.0, alpha_error=1e-6) - 100 == pytest.approx(100 * alpha * 1e-6 / (A + 200 * B), rel=1e-4)


def test_a_thermometer_shows_the_rise_above_its_reference_temperature() -> None:
    device = Thermometer(reference_temperature=298.15, ice_resistance_error=1e-4)
    rise = read(device, readings(1.0, 1), temperature_rise=2.0)["temperature_rise"].values[0, 0]
    assert rise == pytest.approx(shown(27.0, ice_resistance_error=1e-4) - 25.0, abs=1e-11)


def test_the_current_heats_the_sensor_by_its_power() -> None:
    for current, resistance in ((1e-3, 100.0), (5e-3, 100.0), (1e-3, 1000.0)):
        heated = shown(0.0, self_heating=20.0, excitation_current=current, ice_resistance=resistance)
        assert heated == pytest.approx(20.0 * current**2 * resistance, rel=1e-10)
    at_100 = shown(100.0, self_heating=20.0) - 100.0
    assert at_100 == pytest.approx(20.0 * 1e-6 * 138.5055, rel=1e-9)


def test_gain_offset_and_resolution_are_of_the_temperature() -> None:
    assert shown(20.0, gain=1e-3, offset=0.5) == pytest.approx(20.52, rel=1e-14)
    steps = read(Thermometer(resolution=1e-3), readings(1.0, 50), temperature_rise=1e-4 * Elapsed())
    values = steps["temperature_rise"].values[0]
    assert set(np.rint(values / 1e-3)) == {0, 1, 2, 3, 4, 5}
    assert values == pytest.approx(1e-3 * np.rint(values / 1e-3), abs=1e-17)


def test_a_sensor_outside_the_standard_s_range_has_no_temperature() -> None:
    assert np.isnan(shown(900.0, alpha_error=1e-6))


# --- displacement sensor ---------------------------------------------------------------------------------------------

SWING = path(polynomial([-1e-4, 0.0, 2e-4], 0, 10 * NS))


def test_a_displacement_sensor_sees_the_motion_at_its_place_on_the_beam() -> None:
    block = read(DisplacementSensor(lever=5.0), readings(0.5, 4), position=SWING)["position"]
    assert block.unit == "m"
    assert block.values == pytest.approx(5.0 * SWING.means(readings(0.5, 4).instants(), NS // 2), rel=1e-14)


@pytest.mark.parametrize("instantaneous", [False, True])
def test_its_nonlinearity_is_quadratic_in_the_displacement_and_averaged_as_such(instantaneous: bool) -> None:
    schedule = readings(0.5, 4)
    how = {"instantaneous": instantaneous}
    bent = read(DisplacementSensor(lever=-5.0, nonlinearity=3.0), schedule, how, position=SWING)["position"]
    assert bent.aperture == (0 if instantaneous else NS // 2)
    fine = -5.0 * SWING(np.linspace(0.0, 2.0, 4 * 4000 + 1)[:-1] + (0.0 if instantaneous else 0.5 / 8000))
    exact = (fine + 3.0 * fine**2).reshape(4, 4000)
    assert bent.values[0] == pytest.approx(exact[:, 0] if instantaneous else exact.mean(axis=1), rel=1e-6)


def test_instantaneous_displacements_have_the_noise_of_the_bandwidth_and_end_at_the_last_one() -> None:
    device = DisplacementSensor(white_noise=2e-12, bandwidth=400.0)
    twin = bench(device, position=0.0)
    noise = twin.clock.run(device.read(readings(0.1, 20_000), {}, instantaneous=True)).values
    assert np.std(noise) == pytest.approx(2e-12 * np.sqrt(400.0), rel=0.02)
    assert twin.clock.now == 1_999_900_000_000


# --- ranges ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("device", "port", "quantity", "limit"),
    [
        (DisplacementSensor(lever=2.0, range=2e-3), "position", "position", 1e-3),
        (Fluxgate(range=2e-3), "field", "field", 2e-3),
    ],
    ids=["displacement", "field"],
)
def test_beyond_its_range_a_sensor_has_no_reading(
    device: MeasuringInstrument, port: str, quantity: str, limit: float, sign: int
) -> None:
    ramp = sign * limit / 2 * Elapsed()  # reaches the limit after 2 s
    values = read(device.model_copy(), readings(0.5, 8), **{port: ramp})[quantity].values[0]
    assert list(np.isnan(values)) == [False] * 4 + [True] * 4
    unlimited = type(device)(**{**device.model_dump(exclude={"uncertainties"}), "range": None})
    assert not np.isnan(read(unlimited, readings(0.5, 8), **{port: ramp})[quantity].values).any()


# --- position detector -----------------------------------------------------------------------------------------------


def test_a_position_detector_reads_all_four_at_once() -> None:
    signals = {quantity: (k + 1) * 1e-6 * Elapsed() for k, quantity in enumerate(FOUR)}
    blocks = read(PositionDetector(), readings(1.0, 5), **signals)
    assert list(blocks) == list(FOUR)
    for k, quantity in enumerate(FOUR):
        assert blocks[quantity].unit == ("rad" if "theta" in quantity else "m")
        assert blocks[quantity].values[0] == pytest.approx((k + 1) * 1e-6 * (np.arange(5) + 0.5), rel=1e-14)
        assert dict(blocks[quantity].labels) == {"phase": "weighing"}


def test_translations_and_rotations_have_figures_of_their_own() -> None:
    device = PositionDetector(
        gain=0.5, offset=3e-6, resolution=1e-6, rotation_offset=2e-5, rotation_resolution=5e-6
    )  # fmt: skip
    blocks = read(device, readings(1.0, 1), x=2e-6, y=-2e-6, theta_x=4e-6, theta_y=-4e-6)
    values = [float(blocks[quantity].values[0, 0]) for quantity in FOUR]
    assert values == pytest.approx([6e-6, 0.0, 2.5e-5, 1.5e-5], abs=1e-20)


def test_its_channels_are_noisy_each_by_itself() -> None:
    device = PositionDetector(white_noise=1e-8, rotation_white_noise=1e-7)
    blocks = read(device, readings(0.5, 20_000))
    values = np.array([blocks[quantity].values[0] for quantity in FOUR])
    assert values.std(axis=1) == pytest.approx([1e-8, 1e-8, 1e-7, 1e-7], rel=0.02)
    assert np.abs(np.corrcoef(values) - np.eye(4)).max() < 4 / np.sqrt(20_000)


def test_an_open_position_detector_shows_zero() -> None:
    assert all(not np.any(block.values) for block in read(PositionDetector(), readings(1.0, 3)).values())


# --- fluxgate --------------------------------------------------------------------------------------------------------


def test_a_fluxgate_shows_the_field_with_an_offset_that_follows_its_temperature() -> None:
    device = Fluxgate(offset="8 uT", offset_temperature_coefficient="5 nT/K", gain=0.1)
    block = read(device, readings(1.0, 4), field=48e-6, temperature_rise=2.0 * Elapsed())["field"]
    assert block.unit == "T"
    exact = 1.1 * (48e-6 + 5e-9 * 2.0 * (np.arange(4) + 0.5)) + 8e-6
    assert block.values[0] == pytest.approx(exact, rel=1e-14)


def test_a_fluxgate_without_a_coefficient_does_not_look_at_the_temperature() -> None:
    assert Fluxgate().neutral_inputs() == {"temperature_rise"}
    assert Fluxgate(offset_temperature_coefficient=5e-9).neutral_inputs() == frozenset()


# --- Allan deviation -------------------------------------------------------------------------------------------------

RECORDS: dict[str, tuple[Callable[..., MeasuringInstrument], str, str, str]] = {
    "thermometer": (Thermometer, "temperature_rise", "temperature_rise", ""),
    "displacement sensor": (DisplacementSensor, "position", "position", ""),
    "detector, x": (PositionDetector, "x", "x", ""),
    "detector, theta_y": (PositionDetector, "theta_y", "theta_y", "rotation_"),
    "fluxgate": (Fluxgate, "field", "field", ""),
}


def record(which: str, **figures: float) -> Any:
    make, port, quantity, prefix = RECORDS[which]
    device = make(**{prefix + key: value for key, value in figures.items()})
    return read(device, readings(1.0, 2**16), **{port: 0.0})[quantity].values[0]


@pytest.mark.parametrize("which", RECORDS)
def test_white_noise_averages_down_to_the_flicker_floor(which: str) -> None:
    white, flicker = 1.5e-9, 2e-10
    values = record(which, white_noise=white, flicker_noise=flicker)
    for averaged in (1, 4, 16, 64):  # from 5 times the floor to 1.1 times
        expected = np.sqrt(white**2 / (2 * averaged) + 2 * np.log(2) * flicker**2)
        assert allan_deviation(values, averaged) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("which", ["thermometer", "fluxgate"])
def test_white_noise_alone_falls_with_the_root_of_the_averaging_time(which: str) -> None:
    values = record(which, white_noise=1.5e-9)
    for averaged in (1, 4, 16, 64):
        assert allan_deviation(values, averaged) == pytest.approx(1.5e-9 / np.sqrt(2 * averaged), rel=0.05)


def test_a_random_walk_takes_over_at_long_times() -> None:
    values = record("thermometer", random_walk=1e-6)
    for averaged in (4, 16, 64):  # σ² = (2 π²/3) walk² τ for averages over τ; a little less for means of means
        expected = 1e-6 * np.sqrt(2 * np.pi**2 / 3 * averaged)
        assert allan_deviation(values, averaged) == pytest.approx(expected, rel=0.06)
