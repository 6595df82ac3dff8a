"""Callendar and Van Dusen: the standard's table, and the inverse that is one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.platinum import A, B, resistance, temperature

# °C and ohm: IEC 60751:2008, table 1 (to 0.01 ohm there; more digits from its equations).
TABLE = [
    (-200.0, 18.5201),
    (-100.0, 60.2558),
    (-50.0, 80.3063),
    (0.0, 100.0),
    (25.0, 109.7347),
    (100.0, 138.5055),
    (200.0, 175.8560),
    (400.0, 247.0920),
    (850.0, 390.4811),
]


@pytest.mark.parametrize(("celsius", "ohms"), TABLE)
def test_the_table_of_the_standard(celsius: float, ohms: float) -> None:
    assert resistance(celsius) == pytest.approx(ohms, abs=6e-5)
    assert temperature(ohms) == pytest.approx(celsius, abs=2e-4)
    assert resistance(celsius, 1000.0) == pytest.approx(10 * ohms, abs=6e-4)  # a PT1000
    assert temperature(10 * ohms, 1000.0) == pytest.approx(celsius, abs=2e-4)


@settings(deadline=None)
@given(st.lists(st.floats(-200.0, 850.0), min_size=1, max_size=20))
def test_the_temperature_of_a_resistance_is_where_it_came_from(celsius: list[float]) -> None:
    t = np.array(celsius)
    assert temperature(resistance(t)) == pytest.approx(t, abs=1e-12)
    for single in celsius:  # shapes: a number as well as an array
        assert float(temperature(resistance(single))) == pytest.approx(single, abs=1e-12)


def test_both_branches_meet_smoothly_at_the_ice_point() -> None:
    t = np.array([-1e-3, 0.0, 1e-3])
    slope = np.diff(resistance(t)) / 1e-3
    assert slope == pytest.approx([100 * A, 100 * A], rel=1e-6)
    assert np.diff(slope) == pytest.approx([100 * 2 * B * 1e-3], rel=1e-3)
    assert float(temperature(100.0)) == 0.0


def test_alpha_is_that_of_the_standard() -> None:
    assert (resistance(100.0, 1.0) - 1.0) / 100 == pytest.approx(3.851e-3, abs=5e-7)


@pytest.mark.parametrize("celsius", [-200.1, 850.1, float("nan")])
def test_there_is_nothing_outside_the_range(celsius: float) -> None:
    assert np.isnan(resistance(celsius))
    assert list(np.isnan(resistance([celsius, 20.0]))) == [True, False]


@pytest.mark.parametrize("ohms", [18.4, 390.6, -50.0, 1e4, float("nan")])
def test_a_resistance_that_no_temperature_has_gives_none(ohms: float) -> None:
    assert np.isnan(temperature(ohms))
    assert list(np.isnan(temperature([ohms, 100.0]))) == [True, False]
