"""The sampled servo: against the loop stepped sample by sample, and Newton's law."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

import scenarios
from components.dynamic_servo import DynamicServo
from tests.components.bench import SECOND, bench
from twin.times import Times
from twin.twin import Twin

Array = NDArray[np.float64]
LOOP: dict[str, Any] = {
    "moving_mass": 3.0,
    "bl": 1400.0,
    "damping": 0.4,
    "stiffness": 7.0,
    "sample_rate": 50.0,
    "delay": 2,
    "bandwidth": 0.7,
}


def engaged(until: float = 60.0, **parameters: Any) -> Twin:
    """A twin in which the coil has carried the load since 1 s, for so long."""
    servo = DynamicServo(**{**LOOP, **parameters})
    twin = bench(servo, required_force=0.0, coil_force=0.0)

    def taking_over() -> Any:
        yield from servo.engage(1.0)
        yield servo.clock.until(round(until * SECOND))

    twin.clock.run(taking_over())
    return twin


def at_samples(twin: Twin, port: str, count: int, start: float = 1.0) -> Array:
    """An output at the servo's sampling instants from `start` (s) on."""
    period = round(SECOND / LOOP["sample_rate"])
    return np.asarray(twin.signal(f"part.{port}").at(Times(round(start * SECOND) + period * np.arange(count))))


def stepped(servo: DynamicServo, noise: Array, force: float) -> Array:
    """The deviation at the samples, the equation of motion solved by small steps and the controller run by hand."""
    h, fine = servo.period, 400
    p, i, d = servo.gains
    x = v = total = last = 0.0
    held, found = [0.0] * servo.delay, []
    for n in noise:
        found.append(x)
        error = x + n
        total += error
        held.append(-(p * error + i * h * total + d * (error - last) / h))
        last = error
        push = servo.bl * held.pop(0) + force
        for _ in range(fine):  # midpoint rule

            def pull(x: float, v: float, push: float = push) -> float:
                return (push - servo.damping * v - servo.stiffness * x) / servo.moving_mass

            step = h / fine
            xm, vm = x + 0.5 * step * v, v + 0.5 * step * pull(x, v)
            x, v = x + step * vm, v + step * pull(xm, vm)
    return np.array(found)


def test_the_answer_to_a_force_is_that_of_the_stepped_loop() -> None:
    """What was fed forward by 2 mN too much, from the end of the hand-over on."""
    servo = DynamicServo(**LOOP)
    expected = stepped(servo, np.zeros(100), 2e-3)
    found = at_samples(engaged(hand_over_force=2e-3), "deviation", 100)
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()
    assert np.abs(expected).max() > 1e-5
    assert abs(expected[-1]) < 1e-2 * np.abs(expected).max()


def test_noise_is_shaped_as_by_the_stepped_loop() -> None:
    """The transfer function is the response to one sample of noise, by its Fourier transform."""
    servo = DynamicServo(**LOOP)
    impulse = np.zeros(400)
    impulse[0] = 1e-9
    answer = stepped(servo, impulse, 0.0) / 1e-9
    frequency = np.array([0.1, 0.5, 1.5, 4.0, 12.0, 24.0])
    turns = np.exp(-2j * np.pi * np.outer(frequency, np.arange(400)) * servo.period)
    assert np.abs(turns @ answer - servo.noise_transfer(frequency)).max() < 1e-5


def test_the_deviation_has_the_loop_s_spectrum() -> None:
    """Its variance over many minutes is the integral of the shaped density."""
    servo = DynamicServo(**LOOP)
    hertz = (np.arange(4000) + 0.5) * (0.5 * servo.sample_rate / 4000)
    variance = float(np.mean(np.abs(servo.noise_transfer(hertz)) ** 2)) * 0.5 * servo.sample_rate * (2e-9) ** 2
    twin = engaged(4000.0, sensor_noise=2e-9)
    found = at_samples(twin, "deviation", 190_000)
    assert float(found.var()) == pytest.approx(variance, rel=0.02)


@pytest.mark.parametrize("source", [{"sensor_noise": 1e-9}, {"hand_over_force": 1e-3}])
def test_newton_s_law_holds_in_the_mean(source: dict[str, float]) -> None:
    """Over any window bl ī T is the change of m v + c x and k times the integral of x."""
    twin = engaged(**source)
    x, i = twin.signal("part.deviation"), twin.signal("part.current_noise")
    start, length = round(1.5 * SECOND), round(4.3 * SECOND)
    edge = 1000
    ends = np.array([start, start + length])
    at_ends = x.at(Times(ends))
    speeds = (x.at(Times(ends + edge)) - x.at(Times(ends - edge))) / (2 * edge / SECOND)
    mean = float(x.means(np.array([start]), length)[0])
    impulse = LOOP["moving_mass"] * np.diff(speeds)[0] + LOOP["damping"] * np.diff(at_ends)[0]
    impulse += LOOP["stiffness"] * mean * length / SECOND
    found = float(i.means(np.array([start]), length)[0]) * LOOP["bl"] * length / SECOND
    largest = LOOP["moving_mass"] * float(np.abs(speeds).max())
    assert largest > 0
    assert found == pytest.approx(impulse, abs=1e-4 * largest)


def test_gains_place_the_poles_of_a_free_mass() -> None:
    """Sampled fast, without delay, ln(pole)/h are the roots of (s + ω)(s² + 2ζωs + ω²)."""
    servo = DynamicServo(moving_mass=3.0, bl=1400.0, bandwidth=0.8, sample_rate=5000.0, delay=0)
    rates = np.log(servo.poles[np.abs(servo.poles) > 0.5]) * servo.sample_rate
    omega = 2 * np.pi * 0.8
    wanted = np.roots(np.polymul([1.0, omega], [1.0, 1.4 * omega, omega**2]))
    slow = rates[np.argsort(np.abs(rates))[:3]]
    assert all(np.abs(slow - w).min() < 0.01 * omega for w in wanted)


def test_without_noise_and_mismatch_it_is_the_ideal_servo() -> None:
    twin = engaged()
    assert not at_samples(twin, "deviation", 100).any()
    assert not at_samples(twin, "current_noise", 100).any()
    quiet = {"balance.servo.sensor_noise": 0.0, "balance.servo.hand_over_force": 0.0}
    few = {"campaign.cycles": 2, "campaign.velocity.cycles": 60, "thermal.start": "ambient"}
    ideal = scenarios.load("kbmini_tmtp").with_(few).run()
    real = scenarios.load("kbmini_tmtp_servo").with_(few | quiet).run()
    assert (real.mass.mass_kg, real.mass.u_mass_kg) == (ideal.mass.mass_kg, ideal.mass.u_mass_kg)


def test_it_does_nothing_before_it_takes_over() -> None:
    twin = engaged(sensor_noise=1e-9, hand_over_force=1e-3)
    assert not at_samples(twin, "deviation", 10, start=0.0)[0]
    assert at_samples(twin, "deviation", 10, start=2.0).all()


def test_noise_of_the_sensor_is_in_the_uncertainty_and_the_mass_stays() -> None:
    few = {"campaign.cycles": 4, "campaign.velocity.cycles": 60, "thermal.start": "ambient"}
    quiet = scenarios.load("kbmini_tmtp").with_(few).run()
    loud = scenarios.load("kbmini_tmtp_servo").with_(few | {"balance.servo.sensor_noise": 5e-6}).run()
    assert loud.mass.u_mass_kg > 1.5 * quiet.mass.u_mass_kg
    assert abs(loud.mass.mass_kg - 1.0) < 3 * loud.mass.u_mass_kg


@pytest.mark.parametrize("bad", [{"bandwidth": 12.0}, {"delay": 30}, {"derivative": 1.0}])
def test_an_unstable_loop_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="expected a stable loop: its largest pole"):
        DynamicServo(**{**LOOP, **bad})
