"""Temperatures under a heating that repeats: against closed forms, long simulation, and the engine."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import mpmath as mp
import numpy as np
import pytest

from components.fields.catalogue import NIST4_THERMAL
from components.fields.periodic_heating import PeriodicPower, _driven, temperatures, with_warm_coil
from components.fields.reduced_basis import ThermalModes, thermal_basis
from components.thermal_mass import ThermalMass
from tests.components.bench import bench, path
from twin.piece import constant, polynomial
from twin.times import NS


@lru_cache(maxsize=1)
def basis_modes() -> ThermalModes:
    return thermal_basis(NIST4_THERMAL, 0.5).modes(0.5, 10.0)


TMTP = PeriodicPower.blocks([3600.0, 3600.0], [0.04, 0.0])
RAMPED = PeriodicPower.of_current([0, 150, 750, 900, 1500], [0, 0.01, 0.01, 0, 0], 300.0)


def one_mode(rate: float) -> ThermalModes:
    one = np.ones(1)
    return ThermalModes(rate * one, 2.0 * one, rate * one, np.ones((1, 1)), one)


# --- the steps -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", range(5))
@pytest.mark.parametrize("x", [0.0, 1e-14, 1e-6, 1e-2, 0.5, 0.999, 1.0, 1.001, 3.0, 50.0, 1e4])
def test_response_to_a_power_of_time(order: int, x: float) -> None:
    """∫ e^{−λ(t − s)} sⁿ ds = t^{n+1}/(n + 1) e^{−x} ₁F₁(n + 1, n + 2, x), x = λt."""
    t = 7.0
    with mp.workdps(40):
        exact = mp.exp(-x) * mp.hyp1f1(order + 1, order + 2, x) * mp.mpf(t) ** (order + 1) / (order + 1)
    for orders in (order + 1, 5):
        found = _driven(np.array(x), np.array(t), orders)[order]
        assert float(found) == pytest.approx(float(exact), rel=1e-13)


def test_blocks_of_one_mode() -> None:
    """Equal blocks on and off: at the end of heating (P g/λ)/(1 + e^{−λτ/2}), at its start e^{−λτ/2} of that."""
    rate, power = 1 / 2000.0, PeriodicPower.blocks([3600.0, 3600.0], [3.0, 0.0])
    half = np.exp(-rate * 3600)
    peak = 3.0 * 2.0 / rate / (1 + half)
    found = temperatures(one_mode(rate), power, [0.0, 3600.0, 7200.0, 10800.0])
    assert found[0] == pytest.approx([half * peak, peak, half * peak, peak], rel=1e-13)


@pytest.mark.parametrize("power", [TMTP, RAMPED])
def test_the_periodic_state_is_where_days_of_warming_lead(power: PeriodicPower) -> None:
    cycles = int(60 / (basis_modes().rates[0] * power.period)) + 1
    t = np.linspace(0, power.period, 50, endpoint=False)
    late = temperatures(basis_modes(), power, cycles * power.period + t, start=0.0)
    assert temperatures(basis_modes(), power, t) == pytest.approx(late, rel=1e-9)


@pytest.mark.parametrize("power", [TMTP, RAMPED])
def test_it_repeats_and_its_mean_is_the_steady_state_of_the_mean_power(power: PeriodicPower) -> None:
    nodes, weights = np.polynomial.legendre.leggauss(20)
    edges = np.unique(np.concatenate([power.edges, np.linspace(0, power.period, 9), power.edges[:-1] + 5.0]))
    half = 0.5 * np.diff(edges)[:, None]
    t = (0.5 * (edges[1:] + edges[:-1]))[:, None] + half * nodes
    found = temperatures(basis_modes(), power, t.ravel())
    mean = (found.reshape(2, *t.shape) * (half * weights)).sum(axis=(1, 2)) / power.period
    assert mean == pytest.approx(
        basis_modes().outputs @ (basis_modes().power / basis_modes().rates) * power.mean, rel=1e-6
    )
    assert temperatures(basis_modes(), power, t.ravel() + 3 * power.period) == pytest.approx(found, rel=1e-10)


def test_an_even_start_is_even() -> None:
    assert temperatures(basis_modes(), TMTP, [0.0], start=1.5) == pytest.approx(1.5, rel=1e-10)


def test_heat_in_proportion_to_power() -> None:
    t = np.arange(0, 7200.0, 100)
    double = PeriodicPower(TMTP.edges, 2 * TMTP.coefficients)
    assert temperatures(basis_modes(), double, t) == pytest.approx(2 * temperatures(basis_modes(), TMTP, t), rel=1e-13)


def test_the_engine_finds_the_same() -> None:
    """A ramp of the current, a hold and a ramp down, from an even start."""
    mass = ThermalMass(geometry="kbmini", size=0.8, initial_rise=0.2, sensor_position=(0.03, 0.03))
    times = [0.0, 150.0, 750.0, 900.0, 1500.0]
    power = PeriodicPower.of_current(times, [0, 0.01, 0.01, 0, 0], 300.0)
    laws = [
        polynomial(c, round(a * NS), round(b * NS))
        for c, a, b in zip(power.coefficients.tolist(), times[:-1], times[1:], strict=True)
    ]
    twin = bench(mass, power=path(*laws, constant(0.0, 1500 * NS, 4000 * NS)))
    modes = thermal_basis(mass._geometry()).modes(0.8, 10.0, ((0.03, 0.03),))
    t = np.linspace(0.0, 1499.0, 40)
    found = temperatures(modes, power, t, start=0.2)
    for port, exact in zip(mass.outputs, found, strict=True):
        assert twin.signal(f"part.{port}")(t) == pytest.approx(exact, rel=1e-11), port


# --- the power -------------------------------------------------------------------------------------------------------


def test_power_of_a_current() -> None:
    t = np.array([0.0, 75.0, 150.0, 500.0, 825.0, 1000.0, 1575.0])
    assert RAMPED.at(t) == pytest.approx([0, 7.5e-3, 0.03, 0.03, 7.5e-3, 0, 7.5e-3], rel=1e-12, abs=1e-15)
    assert RAMPED.mean == pytest.approx(0.03 * (600 + 2 * 50) / 1500, rel=1e-13)


def test_a_jump_belongs_to_what_follows() -> None:
    assert TMTP.at([0.0, 3599.9, 3600.0, 7199.9, 7200.0]).tolist() == [0.04, 0.04, 0.0, 0.0, 0.04]


@pytest.mark.parametrize(
    ("edges", "coefficients", "message"),
    [
        ([1.0, 2.0], np.zeros((1, 3)), "ascend from 0"),
        ([0.0, 2.0, 2.0], np.zeros((2, 3)), "ascend from 0"),
        ([0.0], np.zeros((0, 3)), "ascend from 0"),
        ([0.0, 1.0, 2.0], np.zeros((1, 3)), r"shape \(2, orders\), not \(1, 3\)"),
    ],
)
def test_a_power_that_is_none(edges: Any, coefficients: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PeriodicPower(np.array(edges), coefficients)


def test_heat_that_stays_has_no_steady_state() -> None:
    closed = one_mode(0.0)
    with pytest.raises(ValueError, match="no periodic steady state"):
        temperatures(closed, TMTP, [0.0])
    balanced = PeriodicPower.blocks([10.0, 10.0], [1.0, -1.0])
    assert temperatures(closed, balanced, [0.0, 10.0, 20.0])[0] == pytest.approx([0.0, 20.0, 0.0], abs=1e-12)


# --- a coil whose resistance grows -----------------------------------------------------------------------------------


def test_a_warm_coil_of_one_mode() -> None:
    """Constant current: ``P = P0/(1 − a P0 g/λ)``, since T = P g/λ; and a coil that runs away is refused."""
    mode = one_mode(1 / 2000.0)._replace(outputs=np.ones((2, 1)))
    gain, power, coefficient = 2.0 * 2000.0, 1e-3, 4e-3
    edges = np.linspace(0.0, 600.0, 7)
    found = with_warm_coil(mode, edges, lambda t: np.full(t.shape, power), coefficient)
    assert found.at(edges[:-1]) == pytest.approx(power / (1 - coefficient * power * gain), rel=1e-11)
    with pytest.raises(ValueError, match="no periodic steady state"):
        with_warm_coil(mode, edges, lambda t: np.full(t.shape, 0.1), coefficient)


def test_a_warm_coil_heats_as_its_temperature_says() -> None:
    """The power that is found is the one that the temperatures it makes ask for, between the points as well."""
    modes, edges = basis_modes(), np.linspace(0.0, 7200.0, 361)

    def cold(t: Any) -> Any:
        return 40e-3 * np.sin(np.pi * t / 7200.0) ** 2

    found = with_warm_coil(modes, edges, cold, 3.93e-3)
    t = np.linspace(3.0, 7190.0, 400)
    asked = cold(t) * (1 + 3.93e-3 * temperatures(modes, found, t)[1])
    assert found.at(t) == pytest.approx(asked, rel=1e-6, abs=1e-9)
    assert found.mean > 1.0004 * with_warm_coil(modes, edges, cold, 0.0).mean
