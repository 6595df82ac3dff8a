"""The budget: published examples, and what must hold for any inputs."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from scenarios.reduction.errors import ReductionError
from scenarios.reduction.gum import Input, combine


def line(u: float, sensitivity: float = 1.0, dof: float = math.inf, kind: str = "A", label: str = "x") -> Input:
    return Input(label, kind, None, "1", u, sensitivity, dof)  # type: ignore[arg-type]


def test_end_gauge_of_the_gum() -> None:
    """JCGM 100:2008, H.1, tables H.1 and clauses H.1.5, H.1.6: u = 32 nm, 16 degrees of freedom, U99 = 93 nm."""
    length = 50.000838e-3
    inputs = [
        line(25e-9, 1.0, 18, "B", "standard"),
        line(9.7e-9, 1.0, 25.6, "A", "comparison"),
        line(0.58e-6, length * -0.1, 50, "B", "difference of the expansions"),
        line(0.029, -length * 11.5e-6, 2, "B", "difference of the temperatures"),
    ]
    budget = combine(inputs, length, confidence=0.99)
    assert budget.u_relative * length == pytest.approx(32e-9, abs=0.5e-9)
    assert int(budget.dof) == 16
    assert budget.expanded * length == pytest.approx(93e-9, abs=1.5e-9)
    assert [x.label for x in budget.by_contribution()][:2] == ["standard", "difference of the temperatures"]
    assert budget.by_contribution()[1].u_mass == pytest.approx(16.6e-9, abs=0.1e-9)
    assert math.hypot(budget.type_a, budget.type_b) == pytest.approx(budget.u_relative)


def test_product_of_three_inputs_of_the_gum() -> None:
    """JCGM 100:2008, G.4.1: 0.25 %, 0.57 %, 0.82 % with 10, 5, 15 observations: 1.03 %, 19.0, t95 = 2.09, U = 2.2 %."""
    budget = combine([line(u, 1.0, n - 1) for u, n in ((0.25, 10), (0.57, 5), (0.82, 15))], 1.0, confidence=0.95)
    assert budget.u_relative == pytest.approx(1.03, abs=0.005)
    assert budget.dof == pytest.approx(19.0, abs=0.05)
    assert budget.coverage_factor == pytest.approx(2.09, abs=0.005)
    assert budget.expanded == pytest.approx(2.2, abs=0.05)


@given(
    parts=st.lists(
        st.tuples(st.floats(1e-12, 1e-3), st.floats(-1e3, 1e3), st.floats(1, 1e4)).filter(lambda p: abs(p[1]) > 1e-3),
        min_size=1,
        max_size=8,
    ),
    mass=st.floats(-10, 10).filter(lambda m: abs(m) > 1e-3),
)
@hypothesis_settings(max_examples=60, deadline=None)
def test_contributions_add_in_quadrature(parts: list[tuple[float, float, float]], mass: float) -> None:
    budget = combine([line(*part) for part in parts], mass)
    sizes = [abs(c) * u / abs(mass) for u, c, _ in parts]
    assert [x.contribution for x in budget.lines] == pytest.approx(sizes, rel=1e-12)
    assert budget.u_relative == pytest.approx(math.hypot(*sizes), rel=1e-12)
    assert budget.u_mass == pytest.approx(budget.u_relative * abs(mass), rel=1e-12)
    expected = math.hypot(*sizes) ** 4 / math.fsum(s**4 / p[2] for s, p in zip(sizes, parts, strict=True))
    assert budget.dof == pytest.approx(expected, rel=1e-6)
    assert budget.coverage_factor == 1.0 and budget.confidence is None


def test_without_end_of_the_degrees_of_freedom_k_is_normal() -> None:
    budget = combine([line(3.0, kind="B"), line(4.0, kind="B")], 1.0, confidence=0.95)
    assert budget.u_relative == pytest.approx(5.0) and budget.dof == math.inf
    assert budget.coverage_factor == pytest.approx(1.959964, abs=1e-5)
    assert budget.type_a == 0.0 and budget.type_b == pytest.approx(5.0)


def test_an_input_without_uncertainty_stays_as_a_line() -> None:
    budget = combine([line(0.0, 2.0, 5, label="nothing"), line(1e-9, 1.0, 7)], 0.5, coverage_factor=2.0)
    assert [x.contribution for x in budget.lines] == [0.0, pytest.approx(2e-9)]
    assert budget.dof == pytest.approx(7) and budget.expanded == pytest.approx(4e-9)
    empty = combine([line(0.0)], 1.0, confidence=0.95)
    assert empty.u_relative == 0.0 and empty.dof == math.inf and combine([], 1.0).u_relative == 0.0


def test_it_goes_through_json() -> None:
    budget = combine([line(1.0, dof=3), line(2.0)], 1.0, coverage_factor=2.0)
    read = json.loads(json.dumps(budget.to_dict(), allow_nan=False))
    assert [x["dof"] for x in read["lines"]] == [3, None]
    assert read["dof"] == pytest.approx(75) and read["coverage_factor"] == 2.0 and read["type_a"] == budget.type_a


@pytest.mark.parametrize(
    ("inputs", "mass", "options", "message"),
    [
        ([line(-1.0)], 1.0, {}, "'x'"),
        ([line(math.nan)], 1.0, {}, "'x'"),
        ([line(1.0, math.inf)], 1.0, {}, "'x'"),
        ([line(1.0, dof=0.5)], 1.0, {}, "at least 1"),
        ([line(1.0)], 0.0, {}, "not zero"),
        ([line(1.0)], 1.0, {"coverage_factor": 2.0, "confidence": 0.95}, "not both"),
    ],
)
def test_what_makes_no_budget_is_refused(
    inputs: list[Input], mass: float, options: dict[str, float], message: str
) -> None:
    with pytest.raises(ReductionError, match=message):
        combine(inputs, mass, **options)
