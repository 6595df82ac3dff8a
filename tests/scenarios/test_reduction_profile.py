"""A field profile from differences over a separation: exact, with the uncertainty of its readings."""

from __future__ import annotations

import numpy as np
import pytest

from scenarios.reduction import ReductionError
from scenarios.reduction.profile import LogProfile, uniform_range

Z = np.linspace(-0.03, 0.03, 61)
C = [2e-3, -0.15, 1.0]


def log_b(z: np.ndarray) -> np.ndarray:
    return np.asarray(sum(c * z**k for k, c in enumerate(C, start=1)))


@pytest.mark.parametrize("separation", [1e-3, 0.012, 0.05])
def test_any_separation_is_exact(separation: float) -> None:
    above, below = Z + separation / 2, Z - separation / 2
    profile = LogProfile.fit(above, below, log_b(above) - log_b(below), 3)
    assert profile.at(Z) == pytest.approx(log_b(Z), abs=1e-12)
    assert profile.slope(0.01)[0] == pytest.approx(C[0] + 2 * C[1] * 0.01 + 3 * C[2] * 1e-4, rel=1e-9)
    assert profile.derivative(0.0, 2) == pytest.approx(2 * C[1], rel=1e-9)
    assert profile.suffices


def test_the_scatter_is_the_uncertainty() -> None:
    random = np.random.default_rng(5)
    pulls = []
    for _ in range(200):
        values = log_b(Z + 0.006) - log_b(Z - 0.006) + 1e-6 * random.standard_normal(len(Z))
        profile = LogProfile.fit(Z + 0.006, Z - 0.006, values, 3)
        slope, u = profile.slope(0.0)
        deviation, u_deviation = profile.relative(np.array([0.02]))
        pulls.append(((slope - C[0]) / u, (deviation[0] - np.expm1(log_b(np.array([0.02])))[0]) / u_deviation[0]))
    assert np.std(pulls, axis=0) == pytest.approx(np.ones(2), abs=0.2)
    assert np.abs(np.mean(pulls, axis=0)).max() < 0.3


def test_further_uncertainties_add_up() -> None:
    values = log_b(Z + 0.006) - log_b(Z - 0.006)
    profile = LogProfile.fit(Z + 0.006, Z - 0.006, values, 3)
    assert profile.with_term(1, 1e-4).slope(0.0)[1] == pytest.approx(1e-4, rel=1e-6)
    assert profile.with_term(2, 1e-2).relative(np.array([0.02]))[1][0] == pytest.approx(4e-6, rel=1e-3)
    assert profile.with_scale(0.01).slope(0.0)[1] == pytest.approx(0.01 * C[0], rel=1e-6)
    assert profile.with_term(7, 1.0) is profile
    floor = LogProfile.fit(Z, 0 * Z, log_b(Z), 3, least=1e-6).slope(0.0)[1]
    assert floor > 1e-6


def test_what_an_order_leaves_is_seen() -> None:
    rough = 1e-9 * np.random.default_rng(1).standard_normal(len(Z))
    assert not LogProfile.fit(Z, 0 * Z, log_b(Z) + rough, 1).suffices
    assert LogProfile.fit(Z, 0 * Z, log_b(Z) + rough, 3).suffices


def test_the_uniform_range() -> None:
    profile = LogProfile(np.array([0.0, -0.25]), np.diag([0.0, 1e-6]), 1.0)
    length, u, both = uniform_range(profile, 1e-4, -0.03, 0.03)
    assert length == pytest.approx(0.04, rel=1e-4)
    assert both
    assert u == pytest.approx(2 * 1e-3 * 0.02**2 / (0.5 * 0.02), rel=1e-3)
    assert uniform_range(profile, 1e-4, -0.03, 0.01) == (
        pytest.approx(0.03, rel=1e-4),
        pytest.approx(u / 2),
        False,
    )


def test_what_cannot_be_fitted() -> None:
    with pytest.raises(ReductionError, match="5 readings cannot determine a profile of order 3"):
        LogProfile.fit(Z[:5], 0 * Z[:5], Z[:5], 3)
    with pytest.raises(ReductionError, match="the heights do not determine a profile of order 3"):
        LogProfile.fit(np.full(61, 0.02), np.zeros(61), Z, 3)
