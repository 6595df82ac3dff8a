"""The coil: force and voltage are the two derivatives of one flux linkage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.coil import Coil
from components.magnet import Magnet
from tests.components.bench import path
from twin.field import Field
from twin.piece import polynomial, ramp
from twin.signal import Constant, Signal
from twin.times import NS

GAUSS = np.polynomial.legendre.leggauss(8)
MAGNET = Magnet(bl=700.0, profile=[0.3, -20.0, 500.0])
COIL = Coil(
    resistance=120.0,
    inductance=2.5,
    inductance_curvature=400.0,
    symmetry_plane=2e-3,
    quadratic_current_coefficient=-3.0,
)


def field_of(magnet: Magnet, rise: Signal | float = 0.0) -> Field:
    return magnet.signals(temperature_rise=Constant(rise) if isinstance(rise, float) else rise)["field"]


def outputs(
    coil: Coil, z: Signal | float, current: Signal | float, field: Field | None = None, rise: float = 0.0
) -> Any:
    as_signal = [Constant(x) if isinstance(x, int | float) else x for x in (z, current, rise)]
    names = ("position", "current", "temperature_rise")
    return coil.signals(field=field or field_of(MAGNET), **dict(zip(names, as_signal, strict=True)))


def linkage(coil: Coil, z: float, current: float) -> float:
    return float(outputs(coil, z, current)["flux_linkage"](0.0))


def co_energy(coil: Coil, z: float, current: float) -> float:
    """∫ λ dI from 0; λ is quadratic in I, so the rule is exact."""
    x, w = GAUSS
    return 0.5 * current * sum(b * linkage(coil, z, 0.5 * current * (a + 1)) for a, b in zip(x, w, strict=True))


def slope(function: Any, z: float, h: float = 1e-3) -> float:
    """Central difference of fourth order: exact for the polynomials up to z^4 that are used here."""
    return (8 * (function(z + h) - function(z - h)) - (function(z + 2 * h) - function(z - 2 * h))) / (12 * h)


# --- one flux linkage ------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.floats(-0.02, 0.02), st.floats(-0.1, 0.1).filter(lambda i: abs(i) > 1e-3))
def test_the_force_is_the_derivative_of_the_co_energy_at_constant_current(z: float, current: float) -> None:
    exact = slope(lambda at: co_energy(COIL, at, current), z)
    assert outputs(COIL, z, current)["force"](0.0) == pytest.approx(exact, rel=1e-9)


def test_the_induced_voltage_is_the_rate_of_the_flux_linkage() -> None:
    """Motion, current and magnet temperature all change; the mean over an aperture is the difference quotient."""
    z = path(polynomial([1e-3, 2e-3, -3e-4], 0, 10 * NS))
    current = path(ramp(-0.02, 0.05, 0, 10 * NS))
    field = field_of(MAGNET.model_copy(update={"temperature_coefficient": -1e-2}), path(ramp(0.0, 3.0, 0, 10 * NS)))
    made = outputs(COIL, z, current, field)
    t, h = np.array([1.0, 4.0, 8.0]), 1e-3
    ohmic = 120.0 * current(t)
    numerical = slope(made["flux_linkage"], t, h)
    assert made["voltage"](t) - ohmic == pytest.approx(numerical, rel=1e-9)
    starts, aperture = np.array([NS, 4 * NS]), NS // 2
    change = made["flux_linkage"](starts + aperture) - made["flux_linkage"](starts)
    exact = change / 0.5 + 120.0 * current.means(starts, aperture)
    assert made["voltage"].means(starts, aperture) == pytest.approx(exact, rel=1e-13)


def test_a_coil_moving_up_without_current_has_a_positive_voltage() -> None:
    up = path(polynomial([0.0, 1e-3], 0, 10 * NS))
    assert outputs(COIL, up, 0.0)["voltage"](0.0) == pytest.approx(700.0 * 1e-3, rel=1e-14)


def test_a_positive_current_pushes_up_and_its_loss_is_that_of_the_resistance() -> None:
    made = outputs(Coil(resistance=120.0), 0.0, 0.01)
    assert made["force"](0.0) == pytest.approx(7.0, rel=1e-15)
    assert made["voltage"](0.0) == pytest.approx(1.2, rel=1e-15)
    assert made["power"](0.0) == pytest.approx(0.012, rel=1e-15)
    assert made["bl"](0.0) == 700.0


profiles = st.lists(st.floats(-1, 1), min_size=1, max_size=6)


@settings(deadline=None)
@given(
    profiles,
    st.booleans(),
    st.floats(-5e-3, 5e-3),
    st.floats(1e-4, 1e-2),
    st.floats(1e-3, 0.1),
    st.floats(0, 1e4),
    st.floats(-1e-2, 1e-2),
)
def test_mechanical_power_is_electrical_power(
    profile: list[float], tabulated: bool, z0: float, v: float, current: float, k: float, plane: float
) -> None:
    """F v = U I: the force less its I² part is the ±I average, the voltage less what resistance drops likewise."""
    magnet = Magnet(bl=500.0, profile=[c * 10.0**n for n, c in enumerate(profile, start=1)])
    if tabulated:
        z = np.linspace(-0.02, 0.02, 9)
        magnet = Magnet(table=[(float(a), float(500 + 300 * np.sin(300 * a + profile[0]))) for a in z])
    coil = Coil(resistance=70.0, inductance=1.0, inductance_curvature=k, symmetry_plane=plane)
    z = path(polynomial([z0, v], 0, 10 * NS))
    t = np.linspace(0.0, 0.9, 7)
    force, emf = np.zeros((2, 7)), np.zeros((2, 7))
    for n, sign in enumerate((1.0, -1.0)):
        made = outputs(coil, z, sign * current, field_of(magnet))
        force[n] = sign * made["force"](t)
        emf[n] = made["voltage"](t) - 70.0 * sign * current
    mechanical, electrical = force.mean(axis=0) * v, emf.mean(axis=0) * current
    full = abs(500.0 * current * v)
    assert np.abs(mechanical - electrical).max() < 1e-12 * max(full, float(np.abs(emf).max() * current))


# --- effects of the current ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plane", [0.0, 5e-3, -5e-3])
@pytest.mark.parametrize("current", [0.05, -0.05])
def test_reluctance_pulls_toward_the_symmetry_plane_whatever_the_sign_of_the_current(
    plane: float, current: float
) -> None:
    coil = Coil(resistance=1.0, inductance=3.0, inductance_curvature=550.0, symmetry_plane=plane)
    field = field_of(Magnet(bl=1e-9))
    above, below, at = (float(outputs(coil, plane + z, current, field)["force"](0.0)) for z in (1e-3, -1e-3, 0.0))
    assert above == pytest.approx(-550.0 * 1e-3 * current**2, rel=1e-6)
    assert below == pytest.approx(550.0 * 1e-3 * current**2, rel=1e-6)
    assert above < 0 < below
    assert abs(at) < 1e-10


@settings(deadline=None)
@given(st.floats(-0.1, 0.1).filter(lambda i: abs(i) > 1e-3), st.floats(-5e-3, 5e-3))
def test_the_force_factor_is_linear_and_quadratic_in_the_current(current: float, z: float) -> None:
    made = outputs(COIL, z, current)
    bl = float(made["bl"](0.0))
    alpha = -400.0 * (z - 2e-3) / bl
    assert made["force"](0.0) / current == pytest.approx(bl * (1 + alpha * current - 3.0 * current**2), rel=1e-13)


def test_neutral_coefficients_leave_force_and_voltage_without_a_trace() -> None:
    made = outputs(COIL.ideal(), 7e-3, 0.05, rise=40.0)
    assert made["force"](0.0) == made["bl"](0.0) * 0.05
    assert made["resistance"](0.0) == 120.0


# --- resistance and size ---------------------------------------------------------------------------------------------


def test_resistance_and_power_follow_the_coil_temperature() -> None:
    coil = Coil(resistance=100.0, resistance_temperature_coefficient=4e-3)
    made = outputs(coil, 0.0, 0.02, rise=5.0)
    assert made["resistance"](0.0) == pytest.approx(102.0, rel=1e-15)
    assert made["power"](0.0) == pytest.approx(0.0408, rel=1e-15)
    assert made["voltage"](0.0) == pytest.approx(2.04, rel=1e-15)
    assert coil.neutral_inputs() == frozenset()
    assert coil.ideal().neutral_inputs() == {"temperature_rise"}


@settings(deadline=None)
@given(st.floats(0.1, 3.0), st.floats(-5e-3, 5e-3), st.floats(-0.05, 0.05).filter(lambda i: abs(i) > 1e-3))
def test_a_scaled_coil_in_a_scaled_magnet_is_the_same_physics(p: float, z: float, current: float) -> None:
    """Lengths × p at the same fields: currents × p give forces × p², flux linkages × p²; resistances are 1/p."""
    native = outputs(COIL, z, current)
    scaled = outputs(COIL.scaled(p), p * z, p * current, field_of(MAGNET.scaled(p)))
    for port, power in (("force", 2), ("flux_linkage", 2), ("bl", 1), ("resistance", -1), ("power", 1)):
        assert scaled[port](0.0) == pytest.approx(p**power * native[port](0.0), rel=1e-12, abs=1e-15)


def test_the_power_for_a_given_force_goes_with_the_inverse_cube_of_the_size() -> None:
    def power(p: float) -> float:
        coil, magnet = Coil(resistance=110.0).scaled(p), Magnet(bl=700.0).scaled(p)
        current = 4.9 / float(outputs(coil, 0.0, 0.0, field_of(magnet))["bl"](0.0))
        return float(outputs(coil, 0.0, current, field_of(magnet))["power"](0.0))

    assert power(11 / 30) == pytest.approx(power(1.0) * (30 / 11) ** 3, rel=1e-14)
