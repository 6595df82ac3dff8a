"""What the interferometer shows of where the coil is: air, arms, laser, beam, fringes and clock."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.interferometer import Interferometer
from tests.components.bench import allan_deviation, bench, path, readings
from twin.composition import Function, Product
from twin.fault import PlannedFault
from twin.piece import polynomial
from twin.recorder import Block, Schedule
from twin.signal import Elapsed, Signal
from twin.times import NS, to_ns

LAMBDA = 632.9908e-9
BURSTS = Schedule(NS, NS // 10, 5, 2 * NS, 3)
VELOCITY = 2e-3 * Elapsed() - 3e-3
"""2 mm/s through the middle."""


def read(
    schedule: Schedule = BURSTS,
    *,
    instantaneous: bool = True,
    hop: PlannedFault | None = None,
    parameters: dict[str, Any],
    **inputs: Any,
) -> Block:
    device = Interferometer(**parameters)
    device.plan_faults([hop] if hop else [])
    twin = bench(device, **{"position": 0.0, **inputs})
    block: Block = twin.clock.run(device.read(schedule, {}, instantaneous=instantaneous))
    return block


def seconds(schedule: Schedule = BURSTS) -> Any:
    return schedule.instants() / NS


# --- nothing ---------------------------------------------------------------------------------------------------------


def test_an_ideal_interferometer_shows_the_very_position() -> None:
    position = Function(np.sin, Elapsed())
    device = Interferometer()
    twin = bench(device, position=position)
    assert device._path is position  # nothing of an effect that is off is left in the graph
    block = twin.clock.run(device.read(BURSTS, {}, instantaneous=True))
    assert np.array_equal(block.values, position(BURSTS.instants()))


def test_sideways_motion_is_of_no_influence_on_a_beam_in_the_vertical_through_the_centre() -> None:
    assert Interferometer().neutral_inputs() == {"x", "y", "theta_x", "theta_y"}
    assert Interferometer(verticality_x=1e-4).neutral_inputs() == {"y", "theta_x", "theta_y"}
    assert Interferometer(verticality_y=1e-4).neutral_inputs() == {"x", "theta_x", "theta_y"}
    assert Interferometer(abbe_offset_x=1e-4).neutral_inputs() == {"x", "y", "theta_x"}
    assert Interferometer(abbe_offset_y=1e-4).neutral_inputs() == {"x", "y", "theta_y"}


# --- geometry --------------------------------------------------------------------------------------------------------


def test_a_leaning_beam_sees_the_projection_of_the_displacement() -> None:
    phi_x, phi_y = 0.03, -0.02
    beam = np.array([np.sin(phi_x), np.sin(phi_y), 0.0])
    beam[2] = np.sqrt(1 - beam @ beam)
    displacement = np.array([4e-3, -5e-3, 7e-3])
    shown = read(
        parameters={"verticality_x": phi_x, "verticality_y": phi_y},
        **dict(zip(("x", "y", "position"), displacement, strict=True)),
    )
    assert shown.values == pytest.approx(np.full((3, 5), beam @ displacement), rel=1e-14)


def test_the_cosine_error_of_a_velocity_is_half_the_square_of_the_angle() -> None:
    lean = 1e-3
    shown = read(parameters={"verticality_x": lean}, position=VELOCITY).values
    speed = np.diff(shown, axis=1) / 0.1
    assert speed / 2e-3 - 1 == pytest.approx(np.full((3, 4), -(lean**2) / 2), rel=1e-5)


@pytest.mark.parametrize("reflector", [(3e-3, 0.0), (0.0, 3e-3), (2e-3, -1e-3)])
def test_a_reflector_beside_the_centre_moves_as_the_coil_turns(reflector: tuple[float, float]) -> None:
    theta = np.array([2e-5, -7e-5, 0.0])
    rise = np.cross(theta, [*reflector, 0.0])[2]
    shown = read(
        parameters={"abbe_offset_x": -reflector[0], "abbe_offset_y": -reflector[1]},
        position=1e-3,
        theta_x=theta[0],
        theta_y=theta[1],
    )
    assert shown.values - 1e-3 == pytest.approx(np.full((3, 5), rise), rel=1e-9)


@pytest.mark.parametrize("instantaneous", [True, False])
def test_vibration_adds_to_the_position_in_whatever_is_done_to_it(instantaneous: bool) -> None:
    parameters = {"verticality_x": 0.1, "gain": 1e-3}
    whole = read(parameters=parameters, instantaneous=instantaneous, position=3e-3 * Elapsed())
    split = read(
        parameters=parameters, instantaneous=instantaneous, position=2e-3 * Elapsed(), vibration=1e-3 * Elapsed()
    )
    assert split.values == pytest.approx(whole.values, rel=1e-14)
    assert np.ptp(whole.values) > 0


# --- air and arms ----------------------------------------------------------------------------------------------------


def test_air_shortens_the_fringes_and_the_instrument_does_not_compensate_for_it() -> None:
    shown = read(parameters={}, position=VELOCITY, refractive_index=1.00027)
    assert shown.values == pytest.approx(1.00027 * VELOCITY(BURSTS.instants()), rel=1e-15)


def test_a_dead_path_makes_a_position_of_what_the_air_does_since_the_start() -> None:
    index = 1.00027 + 1e-8 * Elapsed()
    t = seconds()
    shown = read(parameters={"dead_path": 0.2, "gain": 0.5}, position=VELOCITY, refractive_index=index)
    exact = 1.5 * (index(t) * VELOCITY(t) + 0.2 * 1e-8 * t)
    assert shown.values == pytest.approx(exact, abs=3e-16)
    still = read(parameters={"dead_path": 0.2}, position=1e-3, refractive_index=1.00027)
    assert still.values == pytest.approx(np.full((3, 5), 1.00027e-3), rel=1e-12)


@pytest.mark.parametrize("bursts", [BURSTS, Schedule(NS, NS, 1)])
def test_averages_of_index_and_position_neglect_their_covariance_and_no_more(bursts: Schedule) -> None:
    drift, speed, span = 1e-4, 2e-3, bursts.step / NS
    index = 1.0 + drift * Elapsed()
    shown = read(bursts, parameters={}, instantaneous=False, position=speed * Elapsed(), refractive_index=index)
    exact = Product(index, speed * Elapsed()).means(bursts.instants(), bursts.step)
    assert exact - shown.values == pytest.approx(np.full(exact.shape, drift * speed * span**2 / 12), rel=1e-5)


# --- laser -----------------------------------------------------------------------------------------------------------


def test_a_drift_of_the_laser_stretches_both_arms() -> None:
    t = seconds()
    shown = read(parameters={"laser_drift": 1e-6, "dead_path": 0.1}, position=VELOCITY)
    position = VELOCITY(t)
    assert shown.values == pytest.approx(position + 1e-6 * t * (position + 0.1), abs=3e-17)


def test_a_mode_hop_changes_the_scale_and_moves_the_reading_by_the_imbalance_of_the_arms() -> None:
    hop = PlannedFault("mode_hop", to_ns(3.15), to_ns(5.0), 1e-6)
    schedule = Schedule(3 * NS, NS // 10, 5)
    position = VELOCITY(schedule.instants())
    hopped = np.array([[0, 0, 1, 1, 1]])
    shown = read(schedule, parameters={}, hop=hop, position=VELOCITY).values
    assert shown == pytest.approx(position * (1 + 1e-6 * hopped), rel=1e-15)
    assert np.diff(shown)[0, 2:] / np.diff(position)[0, 2:] - 1 == pytest.approx([1e-6, 1e-6], rel=1e-8)
    balanced = read(schedule, parameters={"dead_path": -3e-3}, hop=hop, position=3e-3).values
    assert balanced == pytest.approx(np.full((1, 5), 3e-3), rel=1e-15)  # no imbalance: the hop is not seen
    long = read(schedule, parameters={"dead_path": 0.1}, hop=hop, position=0.0).values
    assert long == pytest.approx(0.1e-6 * hopped, abs=3e-17)


def test_a_hop_within_an_aperture_counts_for_its_share() -> None:
    hop = PlannedFault("mode_hop", to_ns(1.25), to_ns(9.0), 1e-3)
    shown = read(readings(1.0, 3), parameters={}, hop=hop, instantaneous=False, position=4e-3).values
    assert shown == pytest.approx(np.array([[4e-3, 4.003e-3, 4.004e-3]]), rel=1e-15)


def test_the_uncertainty_of_the_laser_is_one_of_the_gain() -> None:
    assert Interferometer(uncertainties={"gain": "0.02 ppm"}).standard_uncertainty("gain") == pytest.approx(2e-8)


# --- periodic error --------------------------------------------------------------------------------------------------


def test_the_periodic_error_repeats_with_half_the_wavelength_in_air() -> None:
    z, n = 3.3e-7 * np.arange(1, 6), 1.2
    error = read(
        Schedule(NS, NS, 5),
        parameters={"nonlinearity": 2e-9, "nonlinearity_phase": 0.7},
        position=3.3e-7 * Elapsed(),
        refractive_index=n,
    ).values - [n * z]
    assert error[0] == pytest.approx(2e-9 * np.sin(4 * np.pi * n * z / LAMBDA + 0.7), abs=1e-21)


@pytest.mark.parametrize("fringes", [0.0, 0.3, 1.0, 2.7, 40.0])
def test_an_average_of_the_periodic_error_is_that_at_constant_velocity(fringes: float) -> None:
    speed = fringes * LAMBDA / 2  # in one aperture of 1 s
    position = 1e-7 + speed * Elapsed()
    schedule = readings(1.0, 3, start=1.0)
    shown = read(schedule, parameters={"nonlinearity": 1e-9}, instantaneous=False, position=position).values
    fine = Schedule(NS, NS // 1000, 3000)
    inside = position(fine.instants() + NS // 2000)
    exact = (1e-9 * np.sin(4 * np.pi / LAMBDA * inside)).reshape(3, 1000).mean(axis=1)
    assert shown[0] - position.means(schedule.instants(), NS)[0] == pytest.approx(exact, abs=2e-12)


# --- clock and display -----------------------------------------------------------------------------------------------


def test_a_slow_clock_stretches_a_burst_and_a_late_trigger_moves_it() -> None:
    late, slow = 2e-3, 1e-4
    nominal = BURSTS.instants() / NS
    true = BURSTS.instants()[:, :1] / NS + late + 0.1 * np.arange(5) * (1 + slow)
    timing = {"time_base_error": slow, "trigger_latency": late}
    at_once = read(parameters=timing, position=Elapsed())
    assert at_once.values == pytest.approx(true, abs=1e-12)
    assert at_once.times() == pytest.approx(nominal, abs=1e-12)  # it does not know
    mean = read(parameters=timing, position=Elapsed(), instantaneous=False)
    assert mean.values == pytest.approx(true + 0.05 * (1 + slow), abs=1e-12)


def test_the_periodic_error_of_a_late_average_is_that_of_where_the_coil_was_then() -> None:
    speed, late = 0.4 * LAMBDA, 0.3
    schedule, aside = readings(1.0, 3), {"nonlinearity": 1e-9, "nonlinearity_phase": 0.2}
    fringes = path(polynomial([0.0, speed, 0.3 * speed], 0, 9 * NS))
    moved = path(polynomial([speed * (late + 0.3 * late**2), speed * (1 + 0.6 * late), 0.3 * speed], 0, 9 * NS))
    behind = read(schedule, parameters={**aside, "trigger_latency": late}, instantaneous=False, position=fringes)
    ahead = read(schedule, parameters=aside, instantaneous=False, position=moved)
    assert behind.values == pytest.approx(ahead.values, abs=1e-16)


@pytest.mark.parametrize(("instantaneous", "end"), [(True, 5.402_04), (False, 5.502_05)])
def test_readings_end_when_the_last_one_has_truly_ended(instantaneous: bool, end: float) -> None:
    device = Interferometer(trigger_latency=2e-3, time_base_error=1e-4)
    twin = bench(device, position=0.0)
    twin.clock.run(device.read(BURSTS, {}, instantaneous=instantaneous))
    assert twin.clock.now == to_ns(end)


def test_positions_are_shown_in_steps_of_the_resolution() -> None:
    shown = read(parameters={"resolution": "5 pm"}, position=Elapsed() * 1.23e-10).values
    assert shown / 5e-12 == pytest.approx(np.rint(shown / 5e-12), abs=1e-9)
    assert np.abs(shown - 1.23e-10 * seconds()).max() <= 2.5e-12 * (1 + 1e-9)
    assert np.unique(shown).size > 5


def test_instantaneous_positions_have_the_noise_of_the_bandwidth() -> None:
    noise = read(readings(0.1, 20_000), parameters={"white_noise": 3e-12, "bandwidth": 400.0}).values
    assert np.std(noise) == pytest.approx(3e-12 * np.sqrt(400.0), rel=0.02)


@pytest.mark.parametrize("averaged", [1, 8, 64])
def test_the_allan_deviation_follows_the_stated_figures(averaged: int) -> None:
    white, flicker = 3e-12, 4e-13
    device = Interferometer(white_noise=white, flicker_noise=flicker, resolution=5e-13)
    twin = bench(device, position=0.0)
    values = twin.clock.run(device.read(readings(1.0, 2**16), {})).values[0]
    expected = np.sqrt(white**2 / (2 * averaged) + 2 * np.log(2) * flicker**2)
    assert allan_deviation(values, averaged) == pytest.approx(expected, rel=0.05)


def test_positions_of_a_velocity_phase_are_evaluated_once() -> None:
    """All that depends on the position shares its values at an instant."""
    calls = []

    def counted(t: Any) -> Any:
        calls.append(np.size(t))
        return 1e-3 * t

    position: Signal = Function(counted, Elapsed())
    parameters = {"verticality_x": 1e-3, "abbe_offset_x": 1e-3, "nonlinearity": 1e-9, "dead_path": 0.1}
    read(
        parameters=parameters,
        position=position,
        x=1e-4 * position,
        theta_y=1e-2 * position,
        refractive_index=1.0 + 1e-7 * Elapsed(),
    )
    assert calls == [15]
