"""Modes: stiff chains, defective systems and forcing, against the matrix exponential in 40 digits."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.builders import FULL_SCALE, matrix, ns, propagator, relative_error, single_group
from twin.errors import SimulationError
from twin.modes import decompose
from twin.piece import constant, harmonics, ramp
from twin.signal import Constant
from twin.timeline import Timeline

HOUR = 3600


@pytest.fixture(autouse=True)
def _forty_digits() -> Any:
    with mpmath.workdps(40):
        yield


def chain(capacities: list[float], conductances: list[float], film: float) -> np.ndarray:
    """dT/dt of nodes in a row, the last cooled to the air, in extended precision as `ThermalMass` gives it."""
    n = len(capacities)
    k = np.zeros((n, n), dtype=np.longdouble)
    for i, g in enumerate(conductances):
        k[[i, i + 1], [i, i + 1]] += np.longdouble(g)
        k[[i, i + 1], [i + 1, i]] -= np.longdouble(g)
    k[-1, -1] += np.longdouble(film)
    return -k / np.array(capacities, dtype=np.longdouble)[:, None]


STIFF = {
    "1 s to 1e5 s, alike": chain([10.0, 30.0, 300.0, 2000.0, 1e4], [10.0, 3.0, 1.0, 0.5], 0.1),
    "capacities over seven decades": chain([1e-3, 1.0, 50.0, 3e3, 1e4], [1e-3, 1.0, 0.3, 0.3], 0.1),
    "two weakly joined": chain([1.0, 1e3, 1e3], [1.0, 1e-6], 1e-2),
}


@pytest.mark.parametrize("name", STIFF)
@pytest.mark.parametrize("hours", [8, 24])
@pytest.mark.parametrize("parts", [1, 24, 1000])
def test_stiff_chain_heated_by_a_constant_power(name: str, hours: int, parts: int) -> None:
    a = STIFF[name]
    n = len(a)
    b = np.zeros((n, 1))
    b[0, 0] = 1.0
    group, outputs = single_group(a, [Constant(2.0)], x0=np.arange(n) * 0.3, b=b)
    end = hours * HOUR
    for instant in np.linspace(0, ns(end), parts + 1)[1:-1].astype(np.int64).tolist():
        group.resolve(instant)
    checked = [end // 1000, end // 10, end // 2, end]
    for seconds in checked:
        phi, gamma = propagator(a, b, seconds)
        exact = phi * matrix(np.arange(n)[:, None] * 0.3) + gamma * 2
        found = [float(o(float(seconds))) for o in outputs]
        assert relative_error(found, list(exact)) <= FULL_SCALE


DEFECTIVE = {
    "critically damped": (np.array([[0.0, 1.0], [-4.0, -4.0]]), 30.0),
    "nearly critical": (np.array([[0.0, 1.0], [-4.0, -4.0 * (1 - 1e-9)]]), 30.0),
    "damping 0.999": (np.array([[0.0, 1.0], [-4.0, -4.0 * 0.999]]), 30.0),
    "damping 0.9": (np.array([[0.0, 1.0], [-4.0, -4.0 * 0.9]]), 30.0),
    "five equal stages": (np.diag(np.full(5, -0.5)) + np.diag(np.full(4, 0.5), -1), 60.0),
    "five nearly equal stages": (np.diag(-0.5 - 1e-7 * np.arange(5)) + np.diag(np.full(4, 0.5), -1), 60.0),
    "equal stages, long": (np.diag(np.full(3, -1.0)) + np.diag(np.full(2, 1.0), -1), 3600.0),
    "double integrator": (np.array([[0.0, 1.0], [0.0, 0.0]]), 100.0),
    "integrator chain with decay": (np.array([[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), 50.0),
}


@pytest.mark.parametrize("name", DEFECTIVE)
def test_defective_and_nearly_defective_systems(name: str) -> None:
    a, end = DEFECTIVE[name]
    n = len(a)
    b = np.eye(n)[:, :1]
    _, outputs = single_group(a, [Constant(1.5)], x0=np.ones(n), b=b)
    instants = np.linspace(0.0, end, 9)
    exact = []
    for seconds in instants:
        phi, gamma = propagator(a, b, seconds)
        exact.append(list(phi * matrix(np.ones((n, 1))) + gamma * 1.5))
    for k, output in enumerate(outputs):
        assert relative_error([float(output(t)) for t in instants], [e[k] for e in exact]) <= FULL_SCALE


@pytest.mark.parametrize("name", ["critically damped", "five equal stages"])
def test_defective_system_driven_by_a_ramp_and_a_wave(name: str) -> None:
    a, end = DEFECTIVE[name]
    n = len(a)
    line = Timeline("u.y")
    from fractions import Fraction

    line.follow(harmonics(0.2, {Fraction(19, 20): -1.0j}, 0, ns(end / 2)), ramp(0.2, 1.0, ns(end / 2), ns(end)))
    _, outputs = single_group(a, [line], x0=np.zeros(n), b=np.eye(n)[:, :1])
    # u as states of their own: (cos, sin) and (ramp, 1)
    w = 2 * mpmath.pi * 19 / 20
    first = mpmath.zeros(n + 3)
    first[:n, :n] = matrix(a)
    first[0, n + 1], first[0, n + 2], first[n, n + 1], first[n + 1, n] = 1, 0.2, -w, w
    second = mpmath.zeros(n + 2)
    second[:n, :n] = matrix(a)
    second[0, n], second[n, n + 1] = 1, 1
    half = mpmath.mpf(end) / 2
    state = mpmath.zeros(n + 3, 1)
    state[n], state[n + 2] = 1, 1
    middle = mpmath.expm(first * half) * state
    later = mpmath.zeros(n + 2, 1)
    for k in range(n):
        later[k] = middle[k]
    later[n], later[n + 1] = mpmath.mpf(0.2), (1 - mpmath.mpf(0.2)) / half
    final = mpmath.expm(second * half) * later
    for k, output in enumerate(outputs):
        assert relative_error([float(output(end / 2)), float(output(end))], [middle[k], final[k]], 1.0) <= FULL_SCALE


@settings(deadline=None, max_examples=40)
@given(
    capacities=st.lists(st.floats(-4.0, 4.0), min_size=2, max_size=5),
    links=st.lists(st.floats(-2.0, 1.0), min_size=4, max_size=4),
    film=st.floats(-2.0, 1.0),
    seconds=st.floats(0.0, 5.0),
)
def test_any_thermal_chain(capacities: list[float], links: list[float], film: float, seconds: float) -> None:
    n = len(capacities)
    a = chain([10.0**c for c in capacities], [10.0**g for g in links[: n - 1]], 10.0**film)
    b = np.eye(n)[:, :1]
    _, outputs = single_group(a, [Constant(1.0)], x0=np.linspace(1.0, 2.0, n), b=b)
    end = 10.0**seconds
    phi, gamma = propagator(a, b, ns(end) / mpmath.mpf(10) ** 9)
    exact = phi * matrix(np.linspace(1.0, 2.0, n)[:, None]) + gamma
    found = [float(o(np.int64(ns(end)))) for o in outputs]
    full = max(2.0, float(max(exact)))
    assert relative_error(found, list(exact), full) <= FULL_SCALE


@pytest.mark.nightly
@settings(deadline=None, max_examples=500)
@given(st.lists(st.floats(-2.0, 0.5), min_size=9, max_size=9), st.floats(0.0, 1.5))
def test_any_stable_matrix(entries: list[float], seconds: float) -> None:
    a = np.array(entries).reshape(3, 3)
    a -= np.eye(3) * (max(np.linalg.eigvals(a).real.max(), 0.0) + 0.01)
    _, outputs = single_group(a, [Constant(1.0)], x0=np.ones(3), b=np.eye(3)[:, :1])
    end = ns(10.0**seconds)
    phi, gamma = propagator(a, np.eye(3)[:, :1], mpmath.mpf(end) / 10**9)
    exact = phi * matrix(np.ones((3, 1))) + gamma
    full = max(1.0, float(max(map(abs, exact))))
    assert relative_error([float(o(np.int64(end))) for o in outputs], list(exact), full) <= 10 * FULL_SCALE


def test_coordinates_go_both_ways_and_diagonalise() -> None:
    for a in STIFF.values():
        modes = decompose(a)
        n = len(a)
        assert np.abs(modes.to_states @ modes.to_modes - np.eye(n)).max() < 1e-13
        assert modes.coupling is None
        rebuilt = modes.to_states @ np.diag(modes.rates) @ modes.to_modes
        assert np.abs(rebuilt - a.astype(float)).max() < 1e-13 * np.abs(a).max()


def test_capacities_over_ten_decades_are_not_mistaken_for_a_defect() -> None:
    a = chain([1e-6, 1e-2, 1.0, 1e4], [1e-6, 1e-2, 1.0], 0.1)
    assert decompose(a).coupling is None
    _, (_, _, _, magnet) = single_group(a, [Constant(1.0)], b=np.eye(4)[:, :1])
    _, gamma = propagator(a, np.eye(4)[:, :1], 86400)
    assert relative_error([float(magnet(86400.0))], [gamma[3, 0]]) <= FULL_SCALE


def test_slow_eigenvalues_keep_their_relative_accuracy() -> None:
    for a in STIFF.values():
        exact = sorted(mpmath.eig(matrix(a), left=False, right=False), key=lambda v: mpmath.re(v))
        for found, true in zip(sorted(decompose(a).rates, key=lambda r: complex(r).real), exact, strict=True):
            assert abs(found - mpmath.re(true)) <= 5e-15 * abs(true) + 1e-20 * np.abs(a).max()


def test_no_states_and_no_dynamics() -> None:
    assert decompose(np.zeros((0, 0))).rates == ()
    assert decompose(np.zeros((2, 2))).rates == (0.0, 0.0)
    _, (x,) = single_group(0.0, [Constant(2.0)], x0=[1.0])
    assert x(np.array([0.0, 0.5, 1e5])).tolist() == [1.0, 2.0, 200001.0]


def test_a_mode_that_grows_is_exact_until_numbers_end_and_then_an_error() -> None:
    _, (x,) = single_group(0.5, [Constant(1.0)], x0=[1.0])
    exact = [3 * mpmath.exp(mpmath.mpf(t) / 2) - 2 for t in (1, 30)]
    assert relative_error(x(np.array([1.0, 30.0])), exact) <= FULL_SCALE
    _, (x,) = single_group(0.5, [Constant(1.0)], x0=[1.0])
    with pytest.raises(SimulationError, match=r"group: the states grow beyond all numbers after t = 0.0 s"):
        x(1e5)


def test_a_group_fed_by_a_group_of_the_same_fast_rate() -> None:
    """Coinciding exponents at λτ = 1e3 and 1e5: τ e^{λτ} lives in a thousandth of the piece."""
    for rate, end in ((-100.0, 10.0), (-100.0, 1000.0), (-100.001, 10.0)):
        _, (first,) = single_group(-100.0, [Constant(100.0)])
        _, (second,) = single_group(rate, [100.0 * first])
        times = np.concatenate([np.geomspace(1e-4, 1.0, 30), [end]])
        second(np.array([end]))
        a = np.array([[-100.0, 0.0], [100.0, rate]])
        for t in times:
            _, gamma = propagator(a, np.array([[100.0], [0.0]]), t)
            assert abs(float(second(t)) - gamma[1, 0]) <= FULL_SCALE


def test_a_law_that_ends_before_the_mode_has_moved() -> None:
    line = Timeline("u.y")
    line.follow(constant(1.0, 5))
    line.follow(constant(0.0, 6))
    _, (x,) = single_group(-1e-3, [line])
    assert float(x(np.int64(1000))) == pytest.approx(1e-9, rel=1e-9)
