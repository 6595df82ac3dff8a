"""The mass in the stray field of the magnet: signs, sizes, and nothing where there is no field."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import constants

from components.test_mass import MU_0, TestMass
from tests.components.bench import bench, path
from twin.piece import ramp
from twin.signal import Constant
from twin.times import NS

G = 9.80665
EARTH = 45e-6
"""Ambient field (T), Seifert2014."""


def lifted(mass: TestMass, field: float, gradient: float, port: str = "weight") -> float:
    """How much lighter it is than without field (N)."""
    in_field = bench(mass, gravity=G, stray_field=field, stray_gradient=gradient).signal(f"part.{port}")
    return float(bench(mass, gravity=G).signal(f"part.{port}")(0.0) - in_field(0.0))


def test_the_magnetic_constant_is_that_of_codata() -> None:
    assert pytest.approx(constants.mu_0, rel=1e-11) == MU_0


@pytest.mark.parametrize(("gradient", "sign"), [(1e-3, 1.0), (-1e-3, -1.0)])
@pytest.mark.parametrize("field", [EARTH, -EARTH])
def test_a_paramagnetic_mass_is_pulled_to_where_the_field_is_stronger(
    field: float, gradient: float, sign: float
) -> None:
    """Whichever way the field points: |B| grows upward if B B' > 0, and the mass appears lighter."""
    mass = TestMass(mass=1.0, susceptibility=0.02)
    assert np.sign(lifted(mass, field, gradient)) == sign * np.sign(field)
    assert np.sign(lifted(mass.model_copy(update={"susceptibility": -0.02}), field, gradient)) == -sign * np.sign(field)


@pytest.mark.parametrize("field", [EARTH, 0.0, -EARTH])
def test_a_magnetised_mass_is_pulled_along_the_gradient(field: float) -> None:
    """A dipole that points up in a field that grows upward goes up, however strong the field is."""
    assert lifted(TestMass(mass=1.0, magnetisation=2.0), field, 1e-3) == pytest.approx(2.0 / 8000 * 1e-3, rel=1e-6)


def test_the_force_is_that_of_the_field_squared() -> None:
    """χ V/(2 µ0) ∂z B², differentiated by a central difference."""
    volume, z, h = 0.5 / 8400.0, 0.03, 1e-6

    def field(z: float) -> float:
        return 1e-3 * (1.0 + 4.0 * z - 30.0 * z * z)

    gradient = 1e-3 * (4.0 - 60.0 * z)
    squared = (field(z + h) ** 2 - field(z - h) ** 2) / (2 * h)
    mass = TestMass(mass=0.5, density=8400.0, susceptibility=4e-3)
    assert lifted(mass, field(z), gradient) == pytest.approx(4e-3 * volume / (2 * constants.mu_0) * squared, rel=1e-8)


def test_a_weight_at_the_limits_of_class_e1_is_a_few_micrograms_lighter() -> None:
    """1 kg, χ = 4e-3, M = 2 A/m (µ0 M = 2.5 µT), 45 µT and 100 µT/m (Seifert2014: a few µg): M counts, χ hardly."""
    mass = TestMass(mass=1.0, susceptibility=4e-3, magnetisation=2.0)
    micrograms = lifted(mass, EARTH, 1e-4) / G * 1e9
    assert micrograms == pytest.approx(2.73, abs=0.01)
    assert lifted(mass.model_copy(update={"magnetisation": 0.0}), EARTH, 1e-4) / G * 1e9 == pytest.approx(
        0.183, abs=1e-3
    )


@given(st.floats(-0.5, 0.5), st.floats(-100, 100), st.floats(-1e-2, 1e-2), st.floats(-1e-2, 1e-2))
def test_the_tare_feels_its_own_magnetism_on_its_own_volume(
    chi: float, m: float, field: float, gradient: float
) -> None:
    tare = TestMass(mass=2.0, tare_fraction=0.25, tare_density=2700.0, tare_susceptibility=chi, tare_magnetisation=m)
    force = 0.5 / 2700.0 * (chi / constants.mu_0 * field + m) * gradient
    assert lifted(tare, field, gradient, "tare_weight") == pytest.approx(force, rel=1e-6, abs=1e-14)
    assert lifted(tare, field, gradient) == 0.0


def test_a_field_that_changes_changes_the_weight() -> None:
    mass = TestMass(mass=1.0, magnetisation=10.0)
    gradient = path(ramp(0.0, 1e-2, 0, NS))
    weight = bench(mass, gravity=G, stray_gradient=gradient).signal("part.weight")(np.array([0.0, 0.5, 1.0]))
    assert G - weight == pytest.approx(10.0 / 8000 * np.array([0.0, 5e-3, 1e-2]), rel=1e-10, abs=1e-15)


def test_without_magnetism_the_field_leaves_no_trace() -> None:
    changing = {"stray_field": path(ramp(0.0, 1.0, 0, NS)), "stray_gradient": path(ramp(0.0, 1.0, 0, NS))}
    for port in ("weight", "tare_weight"):
        weight = bench(TestMass(mass=1.0), gravity=G, **changing).signal(f"part.{port}")
        assert isinstance(weight, Constant)
        assert weight.value == bench(TestMass(mass=1.0), gravity=G).signal(f"part.{port}").value
    magnetic = TestMass(
        mass=1.0, susceptibility=1.0, magnetisation=1.0, tare_susceptibility=1.0, tare_magnetisation=1.0
    )
    assert magnetic.ideal() == TestMass(mass=1.0)


def test_a_mass_that_is_warm_displaces_more_air_and_its_tare_does_not() -> None:
    air = 1.2
    warm = bench(TestMass(mass=1.0, expansion=5e-5), gravity=G, air_density=air, temperature_rise=2.0)
    assert warm.signal("part.weight")(0.0) == pytest.approx(G * (1.0 - air / 8000.0 * (1.0 + 1e-4)), rel=1e-15)
    assert warm.signal("part.tare_weight")(0.0) == pytest.approx(0.5 * G * (1.0 - air / 8000.0), rel=1e-15)
    assert TestMass(mass=1.0).neutral_inputs() == {"temperature_rise"}
