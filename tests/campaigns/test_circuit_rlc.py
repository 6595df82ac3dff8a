"""The network of coil and capacitance in a velocity phase: its bias, its correction, and what its uncertainty does."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from components.motion import flat_top
from scenarios.reduction import Estimate, MassResult, ReductionSettings, reduce
from scenarios.reduction.force import delay, resonance
from scenarios.reduction.repeated_motion import repeated_motion
from scenarios.run.certificates import certificates
from scenarios.run.result import Result
from scenarios.studies.case import Case
from tests.campaigns.runs import alone

RESISTANCE, INDUCTANCE, CAPACITANCE = 2400.0, 19.2, 1e-9
NETWORK: dict[str, Any] = {
    "coil.resistance": RESISTANCE,
    "circuit.nominal_resistance": RESISTANCE,
    "circuit.inductance": INDUCTANCE,
    "circuit.capacitance": CAPACITANCE,
}
STATED = ReductionSettings(outlier_threshold=1e12)


@pytest.fixture(scope="module")
def run() -> Result:
    return alone("kbmini_tmtp", NETWORK, {"trigger_latency": False})


@pytest.fixture(scope="module")
def bias(run: Result) -> float:
    """From the exact response of the network to each harmonic of the coil's velocity, averaged over each reading."""
    case = Case(run)
    phase = case.campaign.velocity
    orders = np.array(phase.harmonics)
    size = phase.velocity * np.array(flat_top(tuple(phase.harmonics), 2 * phase.window * phase.frequency))
    omega = 2 * np.pi * phase.frequency * orders
    network = 1 / (1 + 1j * omega * RESISTANCE * CAPACITANCE - omega**2 * INDUCTANCE * CAPACITANCE)
    size = size * np.sinc(orders * phase.frequency * phase.reading_step)
    turn = np.exp(1j * omega * (case.reading_times[..., None] - 0.25 / phase.frequency))
    return case.fitted((turn @ (size * (network - 1))).real)


def reduced(run: Result, **changes: Any) -> MassResult:
    """With the correction on, and other certificates."""
    return reduce(run.readings, dataclasses.replace(certificates(run.scenario), **changes), STATED)


def error(mass: MassResult, run: Result) -> float:
    return mass.mass_kg / run.true.mass_kg - 1.0


def test_the_bias_is_that_of_the_network(run: Result, bias: float) -> None:
    assert bias == pytest.approx(-4.63e-8, rel=2e-3)
    assert run.relative_error == pytest.approx(bias, rel=1e-3)


def test_the_correction_takes_it_out(run: Result, bias: float) -> None:
    assert abs(error(reduced(run), run)) < 1e-3 * abs(bias)


def test_without_the_inductance_on_the_certificate_it_stays(run: Result, bias: float) -> None:
    assert error(reduced(run, coil_inductance=0.0), run) == pytest.approx(bias, rel=2e-3)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_doubt_of_the_capacitance_is_a_line_of_the_budget(run: Result, bias: float, share: float) -> None:
    known = reduced(run, coil_capacitance=Estimate(CAPACITANCE, share * CAPACITANCE))
    (line,) = (one for one in known.inputs if one.label == "circuit: capacitance across the coil")
    assert abs(line.sensitivity * line.u) / known.mass_kg == pytest.approx(share * abs(bias), rel=2e-3)
    unknown = reduced(run, coil_capacitance=Estimate(0.0, share * CAPACITANCE))  # nothing is moved but by the doubt
    (line,) = (one for one in unknown.inputs if one.label == "circuit: capacitance across the coil")
    assert abs(line.sensitivity * line.u) / unknown.mass_kg == pytest.approx(share * abs(bias), rel=2e-3)


def test_a_mass_without_the_correction_knows_its_size(run: Result, bias: float) -> None:
    lines = [one for one in run.mass.inputs if one.label == "trigger latency, not corrected"]
    assert [abs(one.u) / run.mass.mass_kg for one in lines] == pytest.approx([abs(bias)], rel=2e-3)


@pytest.mark.parametrize("leakage", [0.0, 1e-4])
def test_positions_are_moved_by_the_second_order_of_the_network(leakage: float) -> None:
    known = {"trigger_latency": 3e-3, "coil_resistance": 2400.0, "coil_capacitance": 1e-6, "leakage": leakage}
    loading = 1.0 + leakage * 2400.0  # exp(i ω latency)/(1 + R G + i ω R C − ω² L C), and of it what is no delay
    lag = 2.4e-3 / loading
    for inductance, square in ((0.0, 0.0), (19.2, 0.5 * lag**2 - 19.2e-6 / loading)):
        values = SimpleNamespace(coil_inductance=inductance, **known)
        assert delay(values) == pytest.approx(3e-3 - lag, rel=1e-12)
        assert resonance(values) == pytest.approx(square, rel=1e-12)


# --- the acceleration ------------------------------------------------------------------------------------------------


def motion(orders: tuple[int, ...], readings: int, noise: float = 0.0) -> tuple[Any, Any, Any, float]:
    """Position, middle of each sweep, acceleration and step of 60 periods of 1 s, 0.3 s of each half read."""
    step = 0.3 / readings
    time = 0.25 + 0.5 * np.arange(120)
    t = time[:, None] + step * (np.arange(readings + 1) - 0.5 * readings)
    omega = 2 * np.pi * np.array(orders)
    amplitudes = 3e-4 * np.array(flat_top(orders, 0.6)) / omega
    wave = np.sin(omega * (t[..., None] - 0.25))
    position = wave @ amplitudes + noise * np.random.default_rng(3).normal(size=t.shape)
    return position, time, -wave @ (amplitudes * omega**2), step


@pytest.mark.parametrize("readings", [12, 15, 60])
@pytest.mark.parametrize("orders", [(1,), (1, 3, 5), (1, 3, 5, 7, 9)])
def test_the_acceleration_of_an_oscillation_is_found(orders: tuple[int, ...], readings: int) -> None:
    position, time, true, step = motion(orders, readings)
    found = repeated_motion(position + 5e-4, time, step)
    velocity, acceleration = found.velocity(), found.acceleration()
    assert np.abs(acceleration - true).max() < 1e-4 * np.abs(true).max()
    assert np.abs(np.diff(found.position(), axis=1) - np.diff(position, axis=1)).max() < 1e-8 * np.ptp(position)
    np.testing.assert_allclose(found.mean_acceleration(), np.diff(velocity, axis=1) / step, atol=1e-9 * np.ptp(true))
    means = 0.5 * (velocity[:, 1:] + velocity[:, :-1]) - step / 12 * np.diff(acceleration, axis=1)
    assert np.abs(means - np.diff(position, axis=1) / step).max() < 1e-2 * np.ptp(true) * step


@pytest.mark.parametrize("delay", [1e-4, -5e-3])
def test_positions_are_moved_exactly_in_time(delay: float) -> None:
    """Odd harmonics, even ones, which up and down have in common, and a drift, which no sweep repeats."""
    step, time = 0.025, 0.25 + 0.5 * np.arange(40)
    t = time[:, None] + step * (np.arange(13) - 6.0)

    def where(t: Any) -> Any:
        odd = 4e-5 * np.sin(2 * np.pi * t) + 3e-6 * np.cos(6 * np.pi * t)
        return odd + 2e-7 * np.sin(4 * np.pi * t + 1.0) + 1e-9 * t + 1e-3

    found = repeated_motion(where(t), time, step)
    assert found.accelerated
    assert np.abs(found.moved(where(t), delay) - where(t + delay)).max() < 3e-12
    bent = found.moved(where(t), delay, 1e-6) - found.moved(where(t), delay)
    np.testing.assert_allclose(bent, 1e-6 * found.acceleration(delay), rtol=1e-6, atol=1e-18)


def test_what_scatters_more_than_it_is_accelerated_tells_no_skew() -> None:
    position, time, _, step = motion((1, 3, 5, 7, 9), 12, 1e-7)
    assert not repeated_motion(position, time, step).accelerated
    assert repeated_motion(motion((1, 3, 5, 7, 9), 12, 1e-10)[0], time, step).accelerated


def test_noise_is_averaged_over_the_sweeps() -> None:
    position, time, true, step = motion((1, 3, 5, 7, 9), 12, 1e-10)
    found = repeated_motion(position, time, step).acceleration()
    assert np.abs(found - true).max() < 0.01 * np.abs(true).max()


def test_at_constant_velocity_there_is_none() -> None:
    time = np.array([45.0, 135.0, 225.0, 315.0, 405.0, 495.0, 585.0, 675.0])
    course = 1e-3 * (np.arange(61) - 30.0)
    position = np.where(np.arange(8)[:, None] % 2 == 0, course, -course)
    found = repeated_motion(position + 2e-3, time, 1.0)
    assert not found.acceleration().any() and not found.accelerated
    assert np.abs(found.velocity()) == pytest.approx(np.full((8, 61), 1e-3), rel=1e-13)


def test_a_motion_one_way_has_none_to_tell() -> None:
    position = np.tile(np.linspace(0.0, 1e-3, 10), (4, 1))
    found = repeated_motion(position, np.arange(4.0), 0.1)
    assert not found.accelerated
    assert not any(part().any() for part in (found.position, found.velocity, found.acceleration))


# --- a late voltage --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["25 ms", "5 ms"])
def test_a_latency_is_corrected_to_second_order(step: str) -> None:
    """½ τ² v''/v: what the first order of the delay leaves, as it cancels between up and down."""
    latency = 1e-3
    effects = {"induced_voltmeter.trigger_latency": latency}
    late = alone("kbmini_tmtp", effects, {"trigger_latency": False}, campaign__velocity__reading_step=step)
    case = Case(late)
    bias = case.fitted(case.velocities(latency) - case.velocities())
    assert bias > 1e-6
    assert late.relative_error == pytest.approx(bias, rel=1e-3)
    assert abs(error(reduced(late), late)) < 1e-2 * bias
