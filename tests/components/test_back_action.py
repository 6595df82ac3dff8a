"""The coil acts back on the hinge: the network, what it takes of the motion's energy, and two ways to solve it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from components.back_action import CoilCircuit
from components.hinge_balance import steady
from components.hinge_transient import State, transient
from components.oscillator import Oscillator
from twin.piece import constant, harmonics
from twin.times import NS

BL, MASS = 1400.0, 18.0
CIRCUITS = {
    "resistor": CoilCircuit(BL, 2400.0, 0.0, 1e-5, 0.0),
    "inductance": CoilCircuit(BL, 2400.0, 19.2, 1e-3, 0.0),
    "capacitance": CoilCircuit(BL, 2400.0, 0.0, 1e-6, 1e-6),
    "all three": CoilCircuit(BL, 2400.0, 19.2, 1e-6, 3e-6),
}
CLOSED = pytest.mark.parametrize("circuit", CIRCUITS.values(), ids=CIRCUITS)
BENT = {"quadratic_stiffness": 500.0, "cubic_stiffness": 1e5, "actuator_curvature": -1000.0}
DRIVE = {1: -2e-4j, 3: 1e-4 - 1e-4j, 2: 3e-5 + 0j}


def powers(circuit: CoilCircuit, speeds: Any, omega: Any) -> tuple[float, float]:
    """Mean power (W) of the coil's force and of what is warmed, of a velocity with these complex amplitudes (m/s)."""
    current = circuit.admittance(omega) * BL * speeds
    voltage = current / (circuit.conductance + 1j * omega * circuit.capacitance)
    warmed = circuit.resistance * np.abs(current) ** 2 + circuit.conductance * np.abs(voltage) ** 2
    return float(0.5 * np.sum((BL * current * np.conj(speeds)).real)), float(0.5 * np.sum(warmed))


# --- the network -----------------------------------------------------------------------------------------------------


@CLOSED
def test_the_states_answer_with_the_admittance(circuit: CoilCircuit) -> None:
    omega = 2 * np.pi * np.array([0.1, 1.0, 9.0, 30.0])
    expected = BL**2 / MASS * circuit.admittance(omega)
    np.testing.assert_allclose(circuit.on(MASS).response(omega), expected, rtol=1e-12)


@pytest.mark.parametrize("conductance", [2e-12, 1e-4])
def test_what_is_fast_follows_at_once(conductance: float) -> None:
    circuit = CoilCircuit(BL, 2400.0, 1e-3, conductance, 1e-10)
    omega = 2 * np.pi * np.array([1.0, 9.0])
    assert circuit.on(MASS).size == 0
    np.testing.assert_allclose(circuit.on(MASS).response(omega), BL**2 / MASS * circuit.admittance(omega), rtol=1e-4)


def test_an_open_coil_does_nothing() -> None:
    open_ = CoilCircuit(BL, 2400.0, 19.2, 0.0, 0.0)
    assert not open_.conducts
    assert Oscillator().coupled(open_) == Oscillator()


def test_in_the_thin_limit_it_is_a_damping() -> None:
    """ζ = Bl²/(2 ω0 m R), with all that resists in series."""
    circuit = CoilCircuit(BL, 2400.0, 0.0, 1e-6, 0.0)
    o = Oscillator(damping_ratio=0.0, effective_mass=MASS)
    added = BL**2 / (2 * o.omega0 * MASS * (2400.0 + 1e6))
    like = Oscillator(damping_ratio=added, effective_mass=MASS)
    omega = np.array([1.0, 10.0])
    np.testing.assert_allclose(o.coupled(circuit).impedance(omega), like.impedance(omega), rtol=1e-13)


@CLOSED
def test_currents_of_a_coil_at_rest_die_out(circuit: CoilCircuit) -> None:
    back, start = circuit.on(MASS), np.linspace(1.0, 2.0, circuit.on(MASS).size)
    later = expm(1e-2 * back.a) @ start
    np.testing.assert_allclose(back.at_rest(start, np.array([0.0, 1e-2])), [start, later], rtol=1e-10, atol=1e-12)


# --- energy ----------------------------------------------------------------------------------------------------------


@CLOSED
def test_the_drive_feeds_damping_and_circuit(circuit: CoilCircuit) -> None:
    """In the periodic motion of a nonlinear hinge the actuator's work is what the damper and the circuit warm."""
    o = Oscillator(effective_mass=MASS, **BENT).coupled(circuit)
    found = steady(o, Fraction(1), DRIVE)
    n = np.arange(1, len(found.displacement))
    omega, speeds = found.omega * n, 1j * n * found.omega * found.displacement[1:]
    taken, warmed = powers(circuit, speeds, omega)
    assert taken == pytest.approx(warmed, rel=1e-12)
    damper = 0.5 * MASS * 2 * o.damping_ratio * o.omega0 * float(np.sum(np.abs(speeds) ** 2))
    phase = np.arange(4096) / 4096
    z, v = found.at(phase)
    fed = MASS * float(np.mean(o.drive(z)[0] * found.current(phase) * v))
    assert fed == pytest.approx(damper + warmed, rel=1e-11)
    assert warmed > 1e-3 * fed


@CLOSED
def test_a_free_decay_is_that_of_the_whole_system(circuit: CoilCircuit) -> None:
    """Against an ODE solver of z, v, i and U, and by energy: what is lost of the motion is warmed or stored."""
    o = Oscillator(damping_ratio=0.0, effective_mass=MASS, **BENT).coupled(circuit)
    r, ind, g, cap = circuit.resistance, circuit.inductance, circuit.conductance, circuit.capacitance

    def slopes(_: float, state: Any) -> Any:
        z, v, i, u = state[:4]
        if not ind:
            i = (BL * v - u) / r if cap else BL * v / (r + 1 / g)
        if not cap:
            u = i / g
        a = -(o.omega0**2) * z - o.bending(np.array(z))[0] - BL * i / MASS
        di = (BL * v - r * i - u) / ind if ind else 0.0
        return [v, a, di, (i - g * u) / cap if cap else 0.0, r * i**2 + g * u**2]

    start, seconds = [1e-4, 0.0, 0.0, 0.0, 0.0], 2.0
    whole = solve_ivp(slopes, (0.0, seconds), start, method="Radau", rtol=1e-10, atol=1e-14).y[:, -1]
    found = transient(o, constant(0.0, 0), State(1e-4, 0.0), 0, int(seconds * NS)).state
    assert found.z == pytest.approx(whole[0], abs=1e-11)
    assert found.v == pytest.approx(whole[1], abs=1e-10)

    def energy(z: float, v: float) -> float:
        square = z * z * (1 / 2 + BENT["quadratic_stiffness"] * z / 3 + BENT["cubic_stiffness"] * z * z / 4)
        return MASS * (v * v / 2 + o.omega0**2 * square)

    stored = 0.5 * ind * whole[2] ** 2 + 0.5 * cap * whole[3] ** 2
    assert energy(1e-4, 0.0) - energy(found.z, found.v) == pytest.approx(whole[4] + stored, rel=1e-6)
    assert whole[4] > 1e-3 * energy(1e-4, 0.0)


def test_cutting_a_transient_changes_nothing() -> None:
    """The currents are handed on from piece to piece."""
    o = Oscillator(**BENT).coupled(CIRCUITS["all three"])
    law = harmonics(0.0, {Fraction(n): a for n, a in DRIVE.items()}, 0)
    whole = transient(o, law, State(3e-5, 1e-4), 0, NS).state
    first = transient(o, law, State(3e-5, 1e-4), 0, NS // 3)
    second = transient(o, law, first.state, first.end, NS).state
    assert second.z == pytest.approx(whole.z, abs=1e-17)
    np.testing.assert_allclose(second.circuit, whole.circuit, rtol=1e-9)
    lost = transient(o, law, replace(first.state, circuit=np.zeros(2)), first.end, NS).state
    assert abs(lost.z - whole.z) > 1e-9
