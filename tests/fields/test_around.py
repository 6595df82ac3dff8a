"""The field beside a yoke by its scalar potential: known limits, the other potential, and its multipoles."""

from __future__ import annotations

import numpy as np
import pytest

from components.external_flux import ExternalFlux
from components.fields.around import Around
from components.fields.catalogue import TSINGHUA
from components.fields.external import far_vertical, permeability_changed
from components.fields.magnetostatics import Mesh
from components.multipoles import density

COARSE = Mesh(order=2, corner=0.1, edge=0.5, gap=0.25, growth=0.8, boundary=12.0, ratio=1.3)
R, Z = np.full(4, 0.16), np.array([-0.09, -0.08, -5e-3, 5e-3])


@pytest.fixture(scope="module")
def vertical() -> Around:
    return Around(TSINGHUA, "vertical", COARSE)


@pytest.fixture(scope="module")
def horizontal() -> Around:
    return Around(TSINGHUA, "horizontal", COARSE)


@pytest.mark.parametrize("cause", ["vertical", "horizontal"])
def test_air_leaves_a_uniform_field_as_it_is(cause: str) -> None:
    air = Around(permeability_changed(TSINGHUA, 1.0), cause, COARSE)  # type: ignore[arg-type]
    outward, upward = air.density(R, Z)
    assert outward == pytest.approx(np.full(4, float(cause == "horizontal")), abs=1e-6)
    assert upward == pytest.approx(np.full(4, float(cause == "vertical")), abs=1e-6)


def test_in_the_gap_both_potentials_say_the_same(vertical: Around) -> None:
    """ΔB̄ grows by a slope from the symmetry plane, of ψ and of φ; a field upward is outward above the plane."""
    z = np.array([4e-3])
    outward = float(vertical.density(np.array([0.085]), z)[0][0])
    assert outward == pytest.approx(-far_vertical(TSINGHUA, -1.0, COARSE).slope() * -1.0 * -4e-3, rel=0.05)


def test_a_horizontal_field_is_attenuated_at_least_170_times(horizontal: Around) -> None:
    """Ma2025's bound, from the inferred geometry alone."""
    peak = abs(float(horizontal.density(np.array([0.085]), np.zeros(1))[0][0]))
    assert 1 / 300 < peak < 1 / 170


def test_what_is_let_in_goes_with_the_inverse_permeability(horizontal: Around) -> None:
    initial = Around(permeability_changed(TSINGHUA, 1000.0), "horizontal", COARSE)
    inside = [float(a.density(np.array([0.085]), np.zeros(1))[0][0]) for a in (initial, horizontal)]
    assert inside[0] / inside[1] == pytest.approx(10.0, rel=0.1)


@pytest.mark.parametrize("cause", ["vertical", "horizontal"])
def test_multipoles_make_up_the_field_beside_the_yoke(cause: str, request: pytest.FixtureRequest) -> None:
    """To a hundredth of the field; what sensors at rest see change, of which all is the yoke's, to a twentieth."""
    around: Around = request.getfixturevalue(cause)
    outward, upward = around.density(R, Z)
    stated = getattr(ExternalFlux(), f"{cause}_multipoles")
    for found in (around.multipoles(), dict(zip(around.degrees, stated, strict=True))):
        r_part, z_part = density(found, around.order, R, Z, TSINGHUA.outer_radius)
        assert r_part + around.order == pytest.approx(outward, abs=0.03)
        assert z_part + (1 - around.order) == pytest.approx(upward, abs=0.03)
        if cause == "vertical":
            assert r_part[3] - r_part[2] == pytest.approx(outward[3] - outward[2], rel=0.06)


def test_the_magnets_own_leakage_is_even_and_goes_with_the_inverse_permeability() -> None:
    own, less = (Around(permeability_changed(TSINGHUA, mu), "own", COARSE) for mu in (1e4, 2e4))
    outward, upward = own.density(np.full(2, 0.16), np.array([-0.03, 0.03]))
    assert outward[0] == pytest.approx(outward[1], rel=1e-3)
    assert upward[0] == pytest.approx(-upward[1], rel=1e-3)
    half = less.density(np.full(2, 0.16), np.array([-0.03, 0.03]))[0]
    assert half == pytest.approx(0.5 * outward, rel=0.05)
