"""Ciddor's equation against its author's tables, another equation, and the physics it must respect."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.air import air_density, vapour_pressure
from components.refractive_index import HELIUM_NEON, refractive_index

# Ciddor1996, table 1: dry air, 450 µmol/mol CO2, 633 nm: °C, kPa, 1e8 (n − 1).
DRY = [
    (20.0, 80.0, 21458.0),
    (20.0, 100.0, 26824.4),
    (20.0, 120.0, 32191.6),
    (10.0, 100.0, 27774.7),
    (30.0, 100.0, 25937.2),
]
# Ciddor1996, table 2: moist air, 633 nm: °C, Pa, vapour pressure (Pa), CO2 (µmol/mol), 1e8 (n − 1).
MOIST = [
    (19.526, 102094.8, 1065.0, 510.0, 27392.9),
    (19.173, 102993.0, 641.0, 450.0, 27682.4),
    (19.189, 102927.8, 708.0, 440.0, 27660.8),
    (19.532, 103603.2, 986.0, 600.0, 27802.0),
    (19.534, 103599.2, 951.0, 610.0, 27802.2),
]
# NIST Engineering Metrology Toolbox (Stone and Zimmerman), Ciddor: °C, kPa, relative humidity, nm, n; 450 µmol/mol.
TOOLBOX = [
    (20.0, 101.325, 0.0, 633.0, 1.000271800),
    (20.0, 60.0, 0.0, 633.0, 1.000160924),
    (5.0, 100.0, 0.0, 633.0, 1.000282756),
    (50.0, 120.0, 1.0, 633.0, 1.000287924),
    (20.0, 100.0, 1.0, 633.0, 1.000267394),
    (40.0, 110.0, 1.0, 1700.0, 1.000270247),
    (20.0, 101.325, 0.0, 300.0, 1.000286581),
]


def boensch_potulski(celsius: float, pressure: float, vapour: float, wavelength: float, co2: float) -> float:
    """G. Bönsch, E. Potulski, Metrologia 35, 133 (1998), eq. (6): n − 1 a fit to their own measurements near 20 °C."""
    s = (1e-6 / wavelength) ** 2
    standard = 1e-8 * (8091.37 + 2333983 / (130 - s) + 15518 / (38.9 - s)) * (1 + 0.5327 * (co2 - 400e-6))
    thin = 1 + 1e-8 * (0.5953 - 0.009876 * celsius) * pressure
    dry = standard * pressure / 93214.60 * thin / (1 + 0.0036610 * celsius)
    return dry - vapour * (3.8020 - 0.0384 * s) * 1e-10


@pytest.mark.parametrize(("celsius", "kilopascal", "expected"), DRY)
def test_ciddors_table_of_dry_air(celsius: float, kilopascal: float, expected: float) -> None:
    n = float(refractive_index(celsius + 273.15, kilopascal * 1e3, 0.0, 633e-9, 450e-6))
    assert 1e8 * (n - 1) == pytest.approx(expected, abs=0.06)  # its last printed digit


@pytest.mark.parametrize(("celsius", "pressure", "vapour", "co2", "expected"), MOIST)
def test_ciddors_table_of_moist_air(
    celsius: float, pressure: float, vapour: float, co2: float, expected: float
) -> None:
    T, p = np.array(celsius + 273.15), np.array(pressure)
    humidity = vapour / float(vapour_pressure(T, p, np.array(1.0)))
    n = float(refractive_index(T, p, humidity, 633e-9, co2 * 1e-6))
    assert 1e8 * (n - 1) == pytest.approx(expected, abs=0.3)


@pytest.mark.parametrize(("celsius", "kilopascal", "humidity", "nanometre", "expected"), TOOLBOX)
def test_the_toolbox_of_nist(
    celsius: float, kilopascal: float, humidity: float, nanometre: float, expected: float
) -> None:
    n = float(refractive_index(celsius + 273.15, kilopascal * 1e3, humidity, nanometre * 1e-9, 450e-6))
    assert n == pytest.approx(expected, abs=1.1e-9)


@given(st.floats(18, 22), st.floats(85e3, 105e3), st.floats(0, 0.6), st.sampled_from([532e-9, HELIUM_NEON, 780e-9]))
def test_in_a_laboratory_another_equation_agrees(celsius: float, pressure: float, h: float, wavelength: float) -> None:
    vapour = float(vapour_pressure(np.array(celsius + 273.15), np.array(pressure), np.array(h)))
    other = 1 + boensch_potulski(celsius, pressure, vapour, wavelength, 400e-6)
    assert float(refractive_index(celsius + 273.15, pressure, h, wavelength)) == pytest.approx(other, abs=3e-8)


def test_vacuum_has_exactly_one() -> None:
    assert float(refractive_index(295.0, 0.0, 0.0)) == 1.0
    assert float(refractive_index(295.0, 0.0, 0.5)) == 1.0


def test_dry_air_refracts_in_proportion_to_its_density() -> None:
    """Lorentz-Lorenz says 3 (n² − 1)/(2 (n² + 2)) ∝ ρ; to first order that is n − 1."""
    T = np.array([285.0, 295.0, 305.0])[:, None]
    p = np.array([1e3, 5e4, 1e5])
    ratio = (refractive_index(T, p, 0.0) - 1) / air_density(T, p, 0.0)
    assert ratio == pytest.approx(np.full((3, 3), ratio[0, 2]), rel=1e-9)
    assert ratio[1, 1] == pytest.approx(2.76e-4 / 1.225, rel=5e-3)  # standard air


def test_vapour_refracts_less_than_the_air_it_replaces() -> None:
    """−3.6e-10 to −3.7e-10 per pascal of vapour at 633 nm (Birch and Downs 1993)."""
    T, p = np.array(293.15), np.array(1e5)
    vapour = float(vapour_pressure(T, p, np.array(0.5)))
    change = float(refractive_index(T, p, 0.5) - refractive_index(T, p, 0.0)) / vapour
    assert -3.75e-10 < change < -3.6e-10


def test_blue_light_is_refracted_more_and_carbon_dioxide_adds() -> None:
    n = refractive_index(293.15, 1e5, 0.4, np.array([400e-9, 633e-9, 1500e-9]))
    assert np.all(np.diff(n) < 0)
    more = float(refractive_index(293.15, 1e5, 0.0, co2_fraction=500e-6) - refractive_index(293.15, 1e5, 0.0))
    assert more == pytest.approx(1e-4 * 0.534 * 2.683e-4, rel=1e-3)


def test_arrays_broadcast_and_agree_with_scalars() -> None:
    T, p = np.array([290.0, 295.0, 300.0])[:, None], np.array([9e4, 1e5])
    grid = refractive_index(T, p, 0.4)
    assert grid.shape == (3, 2)
    assert all(grid[i, j] == float(refractive_index(T[i, 0], p[j], 0.4)) for i in range(3) for j in range(2))
    assert refractive_index(293.15, 1e5, 0.5).shape == ()


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((20.0, 1e5, 0.5), "temperature"),
        ((293.0, 1013.0e3, 0.5), "pressure"),
        ((293.0, float("nan"), 0.5), "pressure"),
        ((293.0, 1e5, 50.0), "humidity"),
        ((293.0, 1e5, 0.5, 633.0), "wavelength"),
        ((293.0, 1e5, 0.5, 633e-9, 400.0), "carbon dioxide"),
    ],
)
def test_what_is_no_air_or_light_is_refused(arguments: tuple[float, ...], name: str) -> None:
    with pytest.raises(ValueError, match=rf"refractive index: .*{name}.*not "):
        refractive_index(*arguments)
