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
from twin.composition import Composition
from twin.errors import SimulationError
from twin.field import Field
from twin.piece import polynomial, ramp
from twin.shifted import Rate
from twin.signal import Constant, Signal
from twin.timeline import Timeline
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


def held(value: float) -> Timeline:
    """A signal that may change but does not: the engine cannot fold it away."""
    return Timeline("held", value)


def outputs(
    coil: Coil,
    z: Signal | float,
    current: Signal | float,
    field: Field | None = None,
    rise: float = 0.0,
    **more: Signal | float,
) -> Any:
    given_ = {port: declared.default or 0.0 for port, declared in coil.inputs.items() if declared.kind == "signal"}
    given_ |= {"position": z, "current": current, "temperature_rise": rise, **more}
    signals = {port: Constant(x) if isinstance(x, int | float) else x for port, x in given_.items()}
    return coil.signals(field=field or field_of(MAGNET), **signals)


def linkage(coil: Coil, z: float, current: float, **more: Signal | float) -> float:
    return float(outputs(coil, z, current, **more)["flux_linkage"](0.0))


def co_energy(coil: Coil, z: float, current: float, **more: Signal | float) -> float:
    """∫ λ dI from 0; λ is quadratic in I, so the rule is exact."""
    x, w = GAUSS
    parts = (b * linkage(coil, z, 0.5 * current * (a + 1), **more) for a, b in zip(x, w, strict=True))
    return 0.5 * current * sum(parts)


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


# --- parts and expansion ---------------------------------------------------------------------------------------------

WIRE = {"susceptibility": -1e-5, "area": 200e-6, "radius": 0.125}
FRAME = {"susceptibility": 2e-5, "area": 50e-6, "radius": 0.1}
GAP = {"gap_area": 2000e-6, "gap_radius": 0.12}


def made_of(*parts: dict[str, float], **more: Any) -> Coil:
    return Coil(**{**COIL.model_dump(), "parts": parts, **GAP, **more})


def test_weakly_magnetic_parts_change_force_and_voltage_alike() -> None:
    """1 − Σ χ A r_a/(A_a r); copper of a tenth of the gap's area: 1e-6 (Li2021)."""
    assert made_of({**WIRE, "radius": 0.12}).share - 1 == pytest.approx(1e-6, rel=1e-9)
    coil, share = made_of(WIRE, FRAME), 1 + 1e-6 * 0.96 - 2e-5 * 0.025 * 1.2
    assert coil.share == pytest.approx(share, rel=1e-15)
    up = path(polynomial([1e-3, 2e-3], 0, 10 * NS))
    for port, rest in (("bl", 0.0), ("flux_linkage", 0.0), ("voltage", 0.0)):
        found, plain = outputs(coil, up, rest)[port](1.0), outputs(COIL, up, rest)[port](1.0)
        assert found / plain - 1 == pytest.approx(share - 1, rel=1e-8)
    # The reluctance is no part of Λ.
    pull = 400.0 * (5e-3 - 2e-3) * 0.05**2
    found, plain = (float(outputs(c, 5e-3, 0.05)["force"](0.0)) + pull for c in (coil, COIL))
    assert found / plain - 1 == pytest.approx(share - 1, rel=1e-8)


def test_parts_need_the_gap() -> None:
    with pytest.raises(ValueError, match="expected gap_area and gap_radius"):
        made_of(WIRE, gap_radius=None)


def test_a_warm_coil_changes_bl_by_its_expansion_times_the_radial_deviation() -> None:
    """Bl (1 + b κ ΔT) in force and flux; a field that falls as 1/r does not notice (Seifert2014)."""
    coil = COIL.model_copy(update={"expansion": 1.7e-5, "radial_deviation": -0.2})
    for port in ("bl", "flux_linkage"):
        warm, cold = (float(outputs(coil, 3e-3, 0.0, rise=rise)[port](0.0)) for rise in (4.0, 0.0))
        assert warm / cold - 1 == pytest.approx(-0.2 * 1.7e-5 * 4.0, rel=1e-9)
    assert coil.neutral_inputs() == {"yoke", "remanence"}
    for off in ("expansion", "radial_deviation"):
        assert "temperature_rise" in coil.model_copy(update={off: 0.0}).neutral_inputs()


# --- motions of one phase --------------------------------------------------------------------------------------------


def test_vibration_moves_the_flux_linkage_and_not_the_force() -> None:
    z = path(polynomial([1e-3, 2e-3], 0, 10 * NS))
    shake = path(polynomial([0.0, -5e-4, 3e-5], 0, 10 * NS))
    t = np.array([1.0, 4.0])
    slow, q = COIL.model_copy(update={"yoke_inductance": 1.5}), {"yoke": held(0.3)}
    made, still, there = (
        outputs(slow, at, 0.01, **q, **more) for at, more in ((z, {"vibration": shake}), (z, {}), (z + shake, {}))
    )
    for port, same in (("force", still), ("bl", still), ("flux_linkage", there), ("voltage", there)):
        assert made[port](t) == pytest.approx(same[port](t), rel=1e-14), port


def test_coupling_adds_to_the_voltage_only() -> None:
    z = path(polynomial([1e-3, 2e-3], 0, 10 * NS))
    coil = Coil(resistance=120.0)
    made, plain = outputs(coil, z, 0.0, coupling=3e-6), outputs(coil, z, 0.0)
    assert made["voltage"](1.0) / plain["voltage"](1.0) - 1 == pytest.approx(3e-6, rel=1e-9)
    made = outputs(coil, 1e-3, 0.01, coupling=3e-6)
    assert made["force"](0.0) == outputs(coil, 1e-3, 0.01)["force"](0.0)


def test_only_the_distance_between_coil_and_magnet_matters() -> None:
    coil = COIL.model_copy(update={"yoke_inductance": 1.0})
    q, away = held(0.02), held(-3e-4)
    made = outputs(coil, 5e-3, 0.03, magnet_displacement=away, yoke=q)
    same = outputs(coil, 5e-3 + 3e-4, 0.03, yoke=q)
    for port in ("force", "bl", "flux_linkage", "yoke_drive"):
        assert made[port](0.0) == pytest.approx(same[port](0.0), rel=1e-14), port


# --- the yoke --------------------------------------------------------------------------------------------------------

SLOW = COIL.model_copy(update={"yoke_inductance": 1.5})


@settings(deadline=None)
@given(st.floats(-0.02, 0.02), st.floats(-0.1, 0.1).filter(lambda i: abs(i) > 1e-3), st.floats(-0.1, 0.1))
def test_with_the_yoke_frozen_force_and_flux_are_derivatives_of_one_co_energy(z: float, i: float, q: float) -> None:
    """∂²W/∂z∂I is one number, whatever the magnetisation; what does not depend on I does not depend on z."""
    frozen = {"yoke": held(q), "remanence": 0.01}
    exact = slope(lambda at: co_energy(SLOW, at, i, **frozen), z)
    at_rest = slope(lambda at: co_energy(SLOW, at, i), z)
    made = outputs(SLOW, z, i, **frozen)
    assert float(made["force"](0.0)) == pytest.approx(exact, rel=1e-7)
    # what remanence adds to a wired yoke is magnetisation too
    assert made["force"](0.0) == outputs(SLOW, z, i, yoke=held(q) + 0.01)["force"](0.0)
    assert float(outputs(SLOW, z, i)["force"](0.0)) == pytest.approx(at_rest, rel=1e-7)


@pytest.mark.parametrize("z", [2e-3, 12e-3, -9e-3])
def test_at_rest_the_yoke_changes_nothing(z: float) -> None:
    drive = float(outputs(SLOW, z, 0.05)["yoke_drive"](0.0))
    assert drive == pytest.approx(0.05 * np.sqrt(1 - 400.0 * (z - 2e-3) ** 2 / 1.5), rel=1e-15)
    made = outputs(SLOW, z, 0.05, yoke=held(drive))
    for port in ("force", "flux_linkage"):
        assert made[port](0.0) == pytest.approx(outputs(COIL, z, 0.05)[port](0.0), rel=1e-14)


def test_a_frozen_yoke_leaves_the_inductance_of_the_air() -> None:
    """λ without the magnet: (L0 − L_y) I + L_y m q; F: −k d q I/m."""
    z, k, q = 12e-3, 400.0, 0.02
    m = np.sqrt(1 - k * 0.01**2 / 1.5)
    made = outputs(SLOW, z, 0.05, field_of(Magnet(bl=1e-12)), yoke=held(q))
    assert made["flux_linkage"](0.0) == pytest.approx(1.0 * 0.05 + 1.5 * m * q, rel=1e-12)
    assert made["force"](0.0) == pytest.approx(-k * 0.01 * q * 0.05 / m, rel=1e-9)


def test_a_yoke_that_the_curvature_uses_up_is_an_error() -> None:
    coil = SLOW.model_copy(update={"yoke_inductance": 0.01}).named("coil")
    with pytest.raises(SimulationError, match=r"coil: yoke_inductance 0\.01 H is used up"):
        outputs(coil, 12e-3, 0.05, yoke=held(0.02))["force"](0.0)
    with pytest.raises(ValueError, match=r"within the inductance of 2\.5 H"):
        Coil(**{**COIL.model_dump(), "yoke_inductance": 3.0})


# --- nothing of an effect that is off --------------------------------------------------------------------------------


def operations(*signals: Signal) -> int:
    """How many array operations an evaluation takes."""
    known: set[Signal] = set()
    todo = list(signals)
    while todo:
        signal = todo.pop()
        if isinstance(signal, Rate):
            todo.append(signal.primitive)
        elif isinstance(signal, Composition) and signal not in known:
            known.add(signal)
            todo += signal.operands
    return len(known)


def test_neutral_effects_leave_nothing_in_the_graph() -> None:
    """Λ, L0 I and the voltage; Bl, and its product with the current."""
    z, current = held(1e-3), held(0.01)
    full = made_of(WIRE, expansion=1.7e-5, radial_deviation=1e-3, yoke_inductance=1.0)
    made = outputs(full.ideal(), z, current, rise=3.0)
    plain = outputs(Coil(resistance=120.0, inductance=2.5), z, current)
    for port in ("voltage", "force"):
        assert operations(made[port]) == operations(plain[port])
        assert made[port](0.0) == plain[port](0.0)
    assert operations(plain["voltage"]) == 3
    assert operations(plain["force"]) == 2


# --- resistance and size ---------------------------------------------------------------------------------------------


def test_resistance_and_power_follow_the_coil_temperature() -> None:
    coil = Coil(resistance=100.0, resistance_temperature_coefficient=4e-3)
    made = outputs(coil, 0.0, 0.02, rise=5.0)
    assert made["resistance"](0.0) == pytest.approx(102.0, rel=1e-15)
    assert made["power"](0.0) == pytest.approx(0.0408, rel=1e-15)
    assert made["voltage"](0.0) == pytest.approx(2.04, rel=1e-15)
    assert coil.neutral_inputs() == {"yoke", "remanence"}
    assert coil.ideal().neutral_inputs() == {"temperature_rise", "yoke", "remanence"}
    assert "yoke" not in Coil(resistance=1.0, inductance=1.0, yoke_inductance=1.0).neutral_inputs()


@settings(deadline=None)
@given(st.floats(0.1, 3.0), st.floats(-5e-3, 5e-3), st.floats(-0.05, 0.05).filter(lambda i: abs(i) > 1e-3))
def test_a_scaled_coil_in_a_scaled_magnet_is_the_same_physics(p: float, z: float, current: float) -> None:
    """Lengths × p at the same fields: currents × p give forces × p², flux linkages × p²; resistances are 1/p."""
    coil = made_of(WIRE, FRAME, yoke_inductance=1.5)
    native = outputs(coil, z, current, yoke=held(0.3 * current))
    scaled = outputs(coil.scaled(p), p * z, p * current, field_of(MAGNET.scaled(p)), yoke=held(0.3 * p * current))
    assert coil.scaled(p).share == pytest.approx(coil.share, rel=1e-15)
    for port, power in (("force", 2), ("flux_linkage", 2), ("bl", 1), ("resistance", -1), ("power", 1)):
        assert scaled[port](0.0) == pytest.approx(p**power * native[port](0.0), rel=1e-12, abs=1e-15)


def test_the_power_for_a_given_force_goes_with_the_inverse_cube_of_the_size() -> None:
    def power(p: float) -> float:
        coil, magnet = Coil(resistance=110.0).scaled(p), Magnet(bl=700.0).scaled(p)
        current = 4.9 / float(outputs(coil, 0.0, 0.0, field_of(magnet))["bl"](0.0))
        return float(outputs(coil, 0.0, current, field_of(magnet))["power"](0.0))

    assert power(11 / 30) == pytest.approx(power(1.0) * (30 / 11) ** 3, rel=1e-14)
