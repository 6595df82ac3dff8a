"""External flux of a geometry as polynomials: what they were made of, its derivatives, and that they are kept."""

from __future__ import annotations

import numpy as np
import pytest

from components.fields import external_table
from components.fields.catalogue import TSINGHUA
from components.fields.external import ExternalFlux, NearSource, far_vertical, near_source
from components.fields.external_table import far_coefficients, near_table
from components.fields.magnetostatics import Mesh

COARSE = Mesh(order=2, corner=0.03, edge=0.4, gap=0.25, growth=0.8, boundary=12.0)
SOURCE = NearSource(direction="vertical", z=-0.2)
REACH = 10e-3


def evaluated(u: float, z_magnet: float) -> float:
    basis = np.polynomial.chebyshev.chebvander(z_magnet / REACH, 4)[0]
    return float(sum(t * part(u) for t, part in zip(basis, near_table(TSINGHUA, SOURCE, REACH, COARSE), strict=True)))


@pytest.fixture(scope="module")
def near() -> ExternalFlux:
    return near_source(TSINGHUA, SOURCE, COARSE)


@pytest.mark.parametrize(("z_coil", "z_magnet"), [(0.0, 0.0), (3e-3, -4e-3), (-2e-3, 6e-3)])
def test_they_say_what_the_field_says(near: ExternalFlux, z_coil: float, z_magnet: float) -> None:
    assert evaluated(z_coil - z_magnet, z_magnet) == pytest.approx(near.flux(z_coil, z_magnet), rel=1e-3)


def test_moved_together_coil_and_magnet_see_what_the_field_says(near: ExternalFlux) -> None:
    step = 1e-3
    together = (evaluated(0.0, step) - evaluated(0.0, -step)) / (2 * step)
    assert -together / 400.0 == pytest.approx(near.error(400.0, 0.0, 0.0, step), rel=0.02)


def test_far_coefficients_are_those_of_the_field() -> None:
    area, slope = far_coefficients(TSINGHUA, COARSE)
    far = far_vertical(TSINGHUA, 48e-6, COARSE)
    assert -1269 * area * 48e-6 == pytest.approx(far.flux(0.0, 0.0), rel=1e-9)
    assert slope * 48e-6 == pytest.approx(far.slope(), rel=1e-9)


def test_they_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = near_table(TSINGHUA, SOURCE, REACH, COARSE)
    monkeypatch.setattr(external_table, "near_source", None)
    again = near_table(TSINGHUA, SOURCE, REACH, COARSE)
    assert all(np.array_equal(a.coef, b.coef) for a, b in zip(first, again, strict=True))
