"""The weighing schemes: exact for what they promise, honest about noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scenarios.reduction.errors import ReductionError
from scenarios.reduction.weighing import compare

SCHEMES = ("polynomial", "aba", "abba")
ALTERNATING = np.arange(12) % 2 == 1
ABBA = np.isin(np.arange(12) % 4, (1, 2))


def even(n: int = 12) -> NDArray[np.float64]:
    return 180.0 * np.arange(n) + 7.0


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("on", [ALTERNATING, ~ALTERNATING, ABBA, ~ABBA])
@given(
    gaps=st.lists(st.floats(50, 500), min_size=12, max_size=12),
    step=st.floats(-10, 10),
    offset=st.floats(-10, 10),
    slope=st.floats(-10, 10),
)
@settings(max_examples=25, deadline=None)
def test_a_constant_and_a_linear_drift_vanish_at_any_spacing(
    scheme: str, on: NDArray[np.bool_], gaps: list[float], step: float, offset: float, slope: float
) -> None:
    times = np.cumsum(gaps)
    found = compare(scheme, times, on).difference(step * on + offset + slope * times / times[-1])
    assert found.value == pytest.approx(step, abs=1e-12)
    assert found.u < 1e-12


@pytest.mark.parametrize("order", range(0, 6))
def test_a_polynomial_takes_its_order_and_no_more(order: int) -> None:
    t = even() / 1000
    drift = np.polynomial.polynomial.polyval(t, [1.0, -2.0, 0.7, 0.3, -0.5, 0.2][: order + 1])
    found = compare("polynomial", even(), ALTERNATING, order).difference(0.5 * ALTERNATING + drift)
    assert found.value == pytest.approx(0.5, abs=1e-12)
    assert np.abs(found.residuals).max() < 1e-12
    more = compare("polynomial", even(), ALTERNATING, order).difference(t ** (order + 1))
    assert more.u > 1e-6


def test_aba_is_each_interior_weighing_against_its_interpolated_neighbours() -> None:
    times, on = np.array([0.0, 1.0, 3.0, 4.0, 8.0]), np.array([False, True, False, True, False])
    values = np.array([1.0, 5.0, 2.0, 7.0, -1.0])
    found = compare("aba", times, on).difference(values)
    steps = [5.0 - (2 * 1.0 + 2.0) / 3, (5.0 + 2 * 7.0) / 3 - 2.0, 7.0 - (4 * 2.0 - 1.0) / 5]
    assert found.value == pytest.approx(np.mean(steps))
    assert found.residuals == pytest.approx(np.array(steps) - np.mean(steps))
    assert list(found.times) == [1.0, 3.0, 4.0]


def test_abba_weights() -> None:
    weights = compare("abba", even(8), ~ABBA[:8]).weights
    assert weights == pytest.approx(np.tile([1, -1, -1, 1], 2) / 4)  # the mean of two groups
    weights = compare("abba", even(8), ~ALTERNATING[:8]).weights
    assert weights[:4] == pytest.approx(weights[4:])
    drift_free = np.column_stack([np.ones(8), even(8)])
    assert weights @ drift_free == pytest.approx([0, 0], abs=1e-12)


def test_what_does_not_fill_a_group_is_left_out() -> None:
    assert [compare("abba", even(n), ABBA[:n]).number for n in (4, 5, 7, 8, 11, 12)] == [4, 4, 4, 8, 8, 12]
    assert [compare("aba", even(n), ALTERNATING[:n]).number for n in (4, 5, 12)] == [4, 5, 12]
    assert compare("polynomial", even(9), ALTERNATING[:9]).number == 9


def test_swapping_the_states_changes_the_sign_only() -> None:
    values = np.random.default_rng(1).normal(size=12)
    for scheme in SCHEMES:
        a = compare(scheme, even(), ALTERNATING).difference(values)
        b = compare(scheme, even(), ~ALTERNATING).difference(values)
        assert a.value == pytest.approx(-b.value, rel=1e-12)
        assert a.u == pytest.approx(b.u, rel=1e-12)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("on", [ALTERNATING, ABBA])
@pytest.mark.parametrize("n", [12, 4])
def test_the_uncertainty_is_right_for_white_noise(scheme: str, on: NDArray[np.bool_], n: int) -> None:
    """u² is unbiased though comparisons share weighings: its mean is the variance of the difference."""
    rng, chosen = np.random.default_rng(7), compare(scheme, even(n), on[:n])
    found = [chosen.difference(rng.normal(size=n)) for _ in range(4000)]
    variance = np.var([x.value for x in found])
    assert variance == pytest.approx(float(chosen.weights @ chosen.weights), rel=0.1)
    squares = np.array([x.u**2 for x in found])
    assert squares.mean() == pytest.approx(variance, rel=0.12)
    # the scatter of u² is that of χ² with the stated degrees of freedom
    assert 2 * squares.mean() ** 2 / squares.var() == pytest.approx(found[0].dof, rel=0.2)


def test_least_squares_is_the_most_precise_scheme() -> None:
    size = {scheme: float(np.sum(compare(scheme, even(), ALTERNATING).weights ** 2)) for scheme in SCHEMES}
    assert size["polynomial"] == pytest.approx(4 / 12, rel=0.03)
    assert size["polynomial"] < size["aba"] < size["abba"]


@pytest.mark.parametrize(
    ("scheme", "on", "message"),
    [
        ("polynomial", [True] * 6, "state 'off'"),
        ("aba", [False] * 6, "state 'on'"),
        ("polynomial", [True, False, True], "has 3 weighings.*at least 4"),
        ("aba", [True, False, True], "at least 4"),
        ("abba", [True, False, True], "one group of 4"),
        ("abba", [True, True, True, True, False], "both states"),
    ],
)
def test_too_few_weighings_are_an_error_that_says_how_many(scheme: str, on: list[bool], message: str) -> None:
    with pytest.raises(ReductionError, match=message):
        compare(scheme, even(len(on)), np.array(on))


def test_a_drift_that_looks_like_the_step_is_an_error() -> None:
    on = np.array([False, False, False, True])
    t = np.array([0.0, 0.0, 0.0, 1.0])
    with pytest.raises(ReductionError, match="cannot be told"):
        compare("polynomial", t, on, 1)
