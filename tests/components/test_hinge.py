"""The hinge as a driven oscillator: what is known in closed form, energy, contacts, and that both solvers agree."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from components.back_action import CoilCircuit
from components.hinge import Hinge, periodic_motion
from components.hinge_balance import steady
from components.hinge_transient import Course, State, transient
from components.oscillator import Oscillator
from twin.errors import SimulationError
from twin.piece import Piece, constant, harmonics
from twin.times import NS, Times

STIFF: dict[str, Any] = {
    "quadratic_stiffness": 2000.0,
    "cubic_stiffness": 1e7,
    "actuator_slope": 300.0,
    "actuator_curvature": -1e5,
    "defect": 0.05,
    "time_constants": [0.3],
    "weights": [1.0],
}
DRIVE = {1: -2e-4j, 3: 1e-4 - 1e-4j, 2: 3e-5 + 0j}


def law(drive: dict[int, complex], end: int | None = None) -> Piece:
    return harmonics(0.0, {Fraction(n): a for n, a in drive.items()}, 0, end)


def values(course: Course, instants: Any) -> Any:
    """Displacements at instants (ns)."""
    found = []
    for t in instants:
        piece = next(p for p in course.pieces if p.start <= t < (p.end or 0))
        found.append(float(piece.evaluate(Times(np.array([t], dtype=np.int64)))[0]))
    return np.array(found)


def test_a_linear_hinge_answers_with_its_transfer_function() -> None:
    o = Oscillator(natural_frequency=0.7, damping_ratio=0.41, effective_mass=18.0)
    w, w0 = 2 * np.pi * 3.0, 2 * np.pi * 0.7
    expected = 30.0 / (0.2 * 18.0) * 1e-4 / (w0**2 - w**2 + 2j * 0.41 * w0 * w)
    found = steady(o, Fraction(1), {3: 1e-4 + 0j}).displacement
    assert found[3] == pytest.approx(expected, rel=1e-14)
    assert np.abs(np.delete(found, 3)).max() == 0.0


@pytest.mark.parametrize("circuit", [None, CoilCircuit(1400.0, 2400.0, 19.2, 1e-6, 3e-6)], ids=["open", "closed"])
@pytest.mark.parametrize("keys", [{}, STIFF], ids=["linear", "nonlinear"])
def test_the_transient_ends_in_the_balance_of_harmonics(keys: dict[str, Any], circuit: CoilCircuit | None) -> None:
    o = Oscillator(**keys) if circuit is None else Oscillator(**keys).coupled(circuit)
    periodic = steady(o, Fraction(1), DRIVE)
    course = transient(o, law(DRIVE), State(3e-5, 1e-4), 0, 30 * NS)
    instants = np.arange(29 * NS, 30 * NS, NS // 50)
    size = np.abs(periodic.at(np.arange(100) / 100)[0]).max()
    np.testing.assert_allclose(values(course, instants), periodic.at(instants / NS)[0], rtol=0, atol=1e-13 * size)
    assert o.linear or np.abs(periodic.displacement[-3:]).max() <= 1e-15 * size


def test_the_motion_obeys_the_equation_between_the_nodes_too() -> None:
    o = Oscillator(**{**STIFF, "defect": 0.0})
    course = transient(o, law(DRIVE), State(3e-5, 1e-4), 0, 2 * NS)
    for piece in course.pieces[:5]:
        assert piece.end is not None
        at = Times(np.linspace(piece.start, piece.end - 1, 37).astype(np.int64))
        z, v, a = (p.evaluate(at) for p in (piece, piece.derivative(), piece.derivative().derivative()))
        current = law(DRIVE).evaluate(at)
        stiff = o.omega0**2 * (z + 2000.0 * z**2 + 1e7 * z**3)
        damped = 2 * 0.41 * o.omega0 * v
        driven = 30.0 / (0.2 * 18.0) * (1 + 300.0 * z - 1e5 * z**2) * current
        assert np.abs(a + damped + stiff - driven).max() < 1e-10 * np.abs(driven).max()


def test_the_free_decay_is_the_damped_sine() -> None:
    o = Oscillator(damping_ratio=0.1)
    course = transient(o, constant(0.0, 0), State(1e-4, 0.0), 0, 3 * NS)
    t = np.arange(0, 3 * NS, NS // 7)
    s, d = t / NS, 0.1 * o.omega0
    w = o.omega0 * np.sqrt(1 - 0.01)
    expected = 1e-4 * np.exp(-d * s) * (np.cos(w * s) + d / w * np.sin(w * s))
    np.testing.assert_allclose(values(course, t), expected, rtol=0, atol=1e-17)


def test_without_damping_energy_stays() -> None:
    o = Oscillator(damping_ratio=0.0, quadratic_stiffness=1000.0, cubic_stiffness=1e7)

    def energy(s: State) -> float:
        return 0.5 * s.v**2 + o.omega0**2 * (s.z**2 / 2 + 1000.0 * s.z**3 / 3 + 1e7 * s.z**4 / 4)

    start = State(1e-4, 0.0)
    end = transient(o, constant(0.0, 0), start, 0, 30 * NS).state
    assert energy(end) == pytest.approx(energy(start), rel=1e-12)
    assert abs(end.z - start.z) > 1e-6


def test_a_quadratic_stiffness_shifts_the_mean_and_doubles_the_frequency() -> None:
    """First order in κ2: ω0² κ2 z² = ω0² κ2 |c1|²/2 (1 + cos 2ωt) is a force of frequencies 0 and 2."""
    o, small = Oscillator(), 1.0
    bent = steady(o.model_copy(update={"quadratic_stiffness": small}), Fraction(1), {1: 2e-4 + 0j}).displacement
    c1 = bent[1]
    assert bent[0].real == pytest.approx(-small * abs(c1) ** 2 / 2, rel=1e-3)
    z2 = o.impedance(np.array([4 * np.pi]))[0]
    assert bent[2] == pytest.approx(-(o.omega0**2) * small * c1**2 / 2 / z2, rel=1e-3)


def test_a_hinge_that_hardens_swings_faster() -> None:
    """The free period of a Duffing oscillator: ω = ω0 (1 + 3/8 κ3 A²) to first order."""
    o = Oscillator(damping_ratio=0.0, cubic_stiffness=1e6)
    amplitude = 1e-4
    course = transient(o, constant(0.0, 0), State(amplitude, 0.0), 0, 2 * NS)
    t = np.arange(int(1.4 * NS), int(1.46 * NS), NS // 40_000)
    period = t[np.argmax(values(course, t))] / NS
    assert period * 0.7 == pytest.approx(1 / (1 + 3 / 8 * 1e6 * amplitude**2), abs=5e-5)


def test_the_after_effect_takes_the_work_of_a_maxwell_element() -> None:
    """One relaxation: complex stiffness K (1 + δ iωτ/(1 + iωτ)), which damps."""
    o = Oscillator(damping_ratio=0.0, defect=0.1, time_constants=[0.5], weights=[1.0])
    w = 2 * np.pi
    swing = 1j * w * 0.5
    expected = o.omega0**2 * (1 + 0.1 * swing / (1 + swing)) - w**2
    assert o.impedance(np.array([w]))[0] == pytest.approx(expected, rel=1e-14)
    assert expected.imag > 0


# --- stops -----------------------------------------------------------------------------------------------------------


def test_the_coil_hits_a_stop_when_it_gets_there() -> None:
    o = Oscillator(damping_ratio=0.0, restitution=0.5)
    quarter = 0.25 / 0.7
    course = transient(o, constant(0.0, 0), State(1e-4, 0.0), 0, int(0.5 * NS), stops=(0.0, 2e-4))
    first = course.contacts[0]
    assert first.time == pytest.approx(quarter, abs=2e-9)
    assert first.position == 0.0
    assert first.velocity == pytest.approx(-1e-4 * o.omega0, rel=1e-7)
    # it goes back with half the speed, a quarter of the energy
    t = int((quarter + 0.1) * NS)
    assert values(course, [t])[0] == pytest.approx(0.5e-4 * np.sin(o.omega0 * 0.1), rel=1e-6)


def test_a_coil_that_is_pushed_rests_at_the_stop_until_the_force_turns() -> None:
    o = Oscillator(damping_ratio=1.0)
    # quasi-static: the force of a slow sine is balanced at the stop where it equals the stiffness there
    slow = harmonics(0.0, {Fraction(1, 100): -1j * 1e-3}, 0, 100 * NS)
    stop = 0.5 * 1e-3 * o.gain / o.omega0**2
    course = transient(o, slow, State(0.0, 0.0), 0, 50 * NS, stops=(-1.0, stop))
    assert course.contacts[0].position == stop
    resting = [p for p in course.pieces if p.is_constant() and p.series[0, 0] == stop]
    leaves = max(p.end or 0 for p in resting) / NS
    assert leaves == pytest.approx(100 * (0.5 - 1 / 12), abs=1e-6)
    z = values(course, np.arange(0, 50 * NS, NS // 3))
    assert z.max() <= stop


# --- the instrument --------------------------------------------------------------------------------------------------


def driven(hinge: Hinge, drive: dict[int, complex], seconds: int, rest: int = 15) -> Hinge:
    """A hinge that has been driven and has come to rest, away from any balance."""
    from twin.clock import Clock
    from twin.instrument import Bench
    from twin.noise import Streams
    from twin.recorder import Recorder

    clock = Clock()
    hinge.named("flexure").attach(Bench(clock, Recorder(), Streams(0)))
    hinge.timeline("motion", hinge.weighing_position)
    end = seconds * NS
    clock.run(hinge.drive([law(drive, end), harmonics(0.0, {}, end, end + rest * NS)]))
    return hinge


def test_a_drive_starts_and_ends_at_rest_and_is_periodic_between() -> None:
    hinge = driven(Hinge(weighing_position=1e-3, oscillator=Oscillator(quadratic_stiffness=500.0)), DRIVE, 40)
    z = hinge.timeline("motion")
    assert float(z(0)) == pytest.approx(1e-3, rel=1e-15)
    assert float(z(55 * NS)) == 1e-3
    one, later = (z(np.arange(t * NS, (t + 1) * NS, NS // 20)) for t in (20, 38))
    np.testing.assert_allclose(one, later, rtol=0, atol=1e-18 + 1e-15)
    assert np.ptp(one) > 5e-5
    # nothing jumps by more than the position's rounding, at any border of its pieces
    for border in z.track.starts[1:]:
        before, after = z(np.array([border - 1, border]))
        assert abs(after - before) < 3e-12


def test_an_after_effect_lets_the_coil_creep_back() -> None:
    """With time constants far longer than the rest it does not quite come back; the next drive starts from there."""
    o = Oscillator(quadratic_stiffness=500.0, defect=1.2e-4)
    hinge = driven(Hinge(oscillator=o), DRIVE, 40)
    left = float(hinge.timeline("motion")(55 * NS))
    assert 1e-15 < abs(left) < 1e-9
    again = 60 * NS
    hinge.clock.run(
        hinge.drive([_later(law(DRIVE, 40 * NS), again), _later(harmonics(0.0, {}, 40 * NS, 55 * NS), again)])
    )


def _later(piece: Piece, by: int) -> Piece:
    return replace(piece, start=piece.start + by, end=(piece.end or 0) + by)


def test_too_little_time_to_come_to_rest_is_an_error() -> None:
    with pytest.raises(SimulationError, match="leave it more time after the drive"):
        driven(Hinge(), DRIVE, 20, rest=3)


def test_a_touched_stop_is_an_error_that_says_where() -> None:
    with pytest.raises(SimulationError, match="touches the stop at 2e-05 m"):
        driven(Hinge(upper_stop=2e-5), DRIVE, 20)


def test_a_current_beyond_the_limit_is_an_error() -> None:
    with pytest.raises(SimulationError, match=r"beyond the limit of 0\.0001 A"):
        driven(Hinge(current_limit=1e-4), DRIVE, 20)


def test_a_drive_that_is_no_sum_of_harmonics_is_an_error() -> None:
    with pytest.raises(SimulationError, match="sum of harmonics without offset"):
        periodic_motion(Oscillator(), harmonics(1e-4, {Fraction(1): 1e-4}, 0, NS))


def test_an_unsolvable_balance_is_an_error() -> None:
    with pytest.raises(SimulationError, match="no periodic motion"):
        steady(Oscillator(quadratic_stiffness=-1e5), Fraction(1), {1: 1e-2 + 0j})


def test_an_ideal_hinge_is_linear_and_keeps_its_frequency() -> None:
    ideal = Hinge(oscillator=Oscillator(**STIFF, natural_frequency=1.1)).ideal()
    assert ideal.oscillator.linear
    assert ideal.oscillator == Oscillator(natural_frequency=1.1, time_constants=[0.3], weights=[1.0])
