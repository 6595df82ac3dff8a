"""CIPM-2007 against an independent evaluation with 40 digits, known values and the physics it must respect."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.air import air_density

CLIMATES = [
    # °C, Pa, relative humidity, CO2
    (20.0, 101_325.0, 0.50, 400e-6),
    (15.0, 60_000.0, 0.0, 400e-6),
    (27.0, 110_000.0, 1.0, 400e-6),
    (22.3, 98_765.4, 0.371, 650e-6),
    (18.0, 84_000.0, 0.8, 380e-6),
]


def picard(celsius: float, pressure: float, humidity: float, co2: float) -> mpmath.mpf:
    """Picard2008, appendix A1, term by term and with decimal constants."""
    d = mpmath.mpf
    with mpmath.workdps(40):
        t, p, h = d(celsius), d(pressure), d(humidity)
        T = t + d("273.15")
        psv = mpmath.e ** (d("1.2378847e-5") * T**2 + d("-1.9121316e-2") * T + d("33.93711047") + d("-6.3431645e3") / T)
        f = d("1.00062") + d("3.14e-8") * p + d("5.6e-7") * t**2
        x = h * f * psv / p
        a = (d("1.58123e-6"), d("-2.9331e-8"), d("1.1043e-10"))
        b = (d("5.707e-6"), d("-2.051e-8"))
        c = (d("1.9898e-4"), d("-2.376e-6"))
        virial = a[0] + a[1] * t + a[2] * t**2 + (b[0] + b[1] * t) * x + (c[0] + c[1] * t) * x**2
        Z = 1 - p / T * virial + p**2 / T**2 * (d("1.83e-11") + d("-0.765e-8") * x**2)
        Ma = (d("28.96546") + d("12.011") * (d(co2) - d("0.0004"))) / 1000
        return p * Ma / (Z * d("8.314472") * T) * (1 - x * (1 - d("18.01528e-3") / Ma))


@pytest.mark.parametrize("climate", CLIMATES)
def test_against_forty_digits(climate: tuple[float, float, float, float]) -> None:
    t, p, h, co2 = climate
    assert float(air_density(t + 273.15, p, h, co2)) == pytest.approx(float(picard(*climate)), rel=3e-14)


def test_known_values() -> None:
    # 20 °C, 101 325 Pa, 50 %: 1.1993 kg/m³ in tables of CIPM-2007; dry, 0.04 % CO2: 1.2045
    assert float(air_density(293.15, 101_325.0, 0.5)) == pytest.approx(1.19930, abs=5e-5)
    assert float(air_density(293.15, 101_325.0, 0.0)) == pytest.approx(1.2046, abs=1e-4)
    # the simplified formula of OIML R 111-1 (E.3-1), good to 2e-4: hPa, %, °C
    p, h, t = 1000.0, 45.0, 21.0
    simple = (0.34848 * p - 0.009 * h * np.exp(0.061 * t)) / (273.15 + t)
    assert float(air_density(t + 273.15, 100 * p, h / 100)) == pytest.approx(simple, rel=2e-4)


def test_thin_dry_air_is_an_ideal_gas() -> None:
    T, p = 295.0, np.array([2e3, 1e3, 1.0])
    ideal = p * 28.96546e-3 / (8.314472 * T)
    deviation = air_density(T, p, 0.0) / ideal - 1
    assert deviation[0] == pytest.approx(2 * deviation[1], rel=1e-4)
    assert 3e-6 < deviation[1] < 4e-6
    assert abs(deviation[2]) < 1e-8


def test_vacuum_weighs_nothing() -> None:
    assert float(air_density(295.0, 0.0, 0.0)) == 0.0
    assert float(air_density(295.0, 0.0, 0.5)) == 0.0


@given(
    st.floats(288.15, 300.15), st.floats(60_000, 110_000), st.floats(0, 1), st.floats(1e-3, 5), st.sampled_from("Tphc")
)
def test_warmer_wetter_thinner_air_is_lighter(T: float, p: float, h: float, step: float, what: str) -> None:
    base = float(air_density(T, p, h))
    if what == "T":
        assert float(air_density(T + step, p, h)) < base
    elif what == "p":
        assert float(air_density(T, p + step, h)) > base
    elif what == "h":
        assert float(air_density(T, p, h + step / 100)) < base or h + step / 100 > 1
    else:
        assert float(air_density(T, p, h, 400e-6 + step * 1e-5)) > base


def test_carbon_dioxide_replaces_oxygen() -> None:
    """100 µmol/mol more CO2 for O2 is 12.011 × 1e-4 g/mol more."""
    ratio = float(air_density(293.15, 1e5, 0.0, 500e-6) / air_density(293.15, 1e5, 0.0))
    assert ratio - 1 == pytest.approx(12.011e-4 / 28.96546, rel=1e-9)


def test_arrays_broadcast_and_agree_with_scalars() -> None:
    T, p = np.array([290.0, 295.0, 300.0])[:, None], np.array([9e4, 1e5])
    grid = air_density(T, p, 0.4)
    assert grid.shape == (3, 2)
    assert all(grid[i, j] == float(air_density(T[i, 0], p[j], 0.4)) for i in range(3) for j in range(2))
    assert air_density(293.15, 1e5, 0.5).shape == ()


@pytest.mark.parametrize(
    ("climate", "name"),
    [
        ((20.0, 1e5, 50.0), "humidity"),
        ((-20.0, 1e5, 0.5), "temperature"),
        ((293.0, -1.0, 0.5), "pressure"),
        ((293.0, float("nan"), 0.5), "pressure"),
        ((293.0, 1e5, -0.2), "humidity"),
        ((293.0, 1e5, 0.5, 400.0), "carbon dioxide"),
    ],
)
def test_what_is_no_air_is_refused(climate: tuple[float, ...], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        air_density(*climate)
