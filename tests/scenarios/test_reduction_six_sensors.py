"""Six sensors around, and the shape of one against a source's height."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.reduction.environment_survey import SineFit
from scenarios.reduction.shape_function import ShapeFunction
from scenarios.reduction.six_sensors import circumferential_mean

ANGLES = 2 * np.pi * np.arange(6) / 6


@pytest.mark.parametrize("offset", [0.0, 0.2, np.pi / 12, np.pi / 6])
def test_harmonics_that_fall_evenly_leave_the_mean(offset: float) -> None:
    q, n = 0.45, np.arange(1, 40)
    values = 0.3 - 2.0 * (q**n * np.cos(np.multiply.outer(ANGLES + offset, n))).sum(axis=-1)
    mean, u = circumferential_mean(values, offset)
    assert mean == pytest.approx(0.3, abs=2.5 * float(u) + 1e-12)
    assert abs(mean - 0.3) < 0.15 * 2.0 * q**6 + 2.0 * q**12 * 2
    assert 0 < u < 2.1 * q**6


def test_without_harmonics_nothing_is_taken_off() -> None:
    for values in (np.full((2, 6), 0.7), 0.7 + np.cos(ANGLES)[None, :], np.zeros((1, 6))):
        mean, u = circumferential_mean(values, 0.0)
        assert mean == pytest.approx(values.mean(axis=-1), abs=1e-12)
        assert u == pytest.approx(np.zeros(len(values)), abs=1e-12)


@given(st.floats(0.05, 0.2), st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda c: max(map(abs, c)) > 0.1))
def test_a_shape_is_found_again(width: float, coefficients: tuple[float, float, float]) -> None:
    z = np.linspace(-0.15, 0.15, 13)
    u = z / width
    values = (coefficients[0] + coefficients[1] * u + coefficients[2] * u**2) / (1 + u**2) ** 2.5
    shape = ShapeFunction.fit(z, values, np.zeros(13))
    assert shape.at(z) == pytest.approx(values, abs=2e-5)


def test_the_uncertainty_of_a_shape_covers_it() -> None:
    z, rng, true = np.linspace(-0.15, 0.15, 13), np.random.default_rng(3), np.array([0.2, 1.0, -0.3])
    u = z / 0.09
    exact = np.stack([np.ones(13), u, u**2], axis=-1) @ true / (1 + u**2) ** 2.5
    pulls = []
    for _ in range(100):
        shape = ShapeFunction.fit(z, exact + 1e-3 * rng.standard_normal(13), np.full(13, 1e-3))
        error = np.append(shape.coefficients - true, shape.width - 0.09)
        pulls.append(error / np.sqrt(np.diag(shape.covariance)))
    assert np.sqrt(np.mean(np.square(pulls), axis=0)) == pytest.approx(np.ones(4), abs=0.25)


def test_a_sine_around_and_its_uncertainty() -> None:
    rng, fits = np.random.default_rng(1), []
    for _ in range(200):
        values = 2.0 + 3.0 * np.cos(ANGLES - 0.7) + 0.1 * rng.standard_normal(6)
        fits.append(SineFit.of(ANGLES, values, np.full(6, 0.1)))
    for key, true in (("mean", 2.0), ("amplitude", 3.0), ("phase", 0.7)):
        pulls = [(getattr(f, key) - true) / getattr(f, f"u_{key}") for f in fits]
        assert np.std(pulls) == pytest.approx(1.0, abs=0.15)
    assert np.isnan(SineFit.of(ANGLES, np.zeros(6), np.ones(6)).u_phase)
