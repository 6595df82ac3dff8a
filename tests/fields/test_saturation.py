"""Iron with a B–H curve: the curve, Newton's method, and what saturation does to a magnet."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.fields.catalogue import KBMINI
from components.fields.geometry import Geometry
from components.fields.linkage import Linkage, inductance
from components.fields.magnetostatics import Mesh, magnet_model
from components.fields.materials import IRON_RESISTIVITY, MATERIALS, MU0, Material, froehlich, skin_depth
from components.fields.saturation import Curve, newton
from twin.errors import SimulationError

COARSE = Mesh(order=2, corner=0.03, edge=0.4, gap=0.25, growth=0.8)


def with_iron(bh: Any, **more: Any) -> Geometry:
    iron = Material.model_validate({**MATERIALS["iron"].model_dump(), "name": "own", "bh": bh})
    tree = {**KBMINI.model_dump(), "yoke_material": "own", "materials": {"own": iron}, **more}
    return Geometry.model_validate(tree)


def straight(permeability: float) -> Any:
    return tuple(
        (h, permeability * MU0 * h) for h in (0.0, 100.0, 1e3, 5e3, 1e4)
    )  # the last, of 8.8 T, bends to vacuum


def solved(geometry: Geometry) -> tuple[float, float]:
    """Bl and L at z = 0."""
    model = magnet_model(geometry, COARSE)
    bl = float(Linkage(model, model.magnetised(), geometry.coil, 0.0).bl(0.0))
    return bl, float(inductance(model, geometry.coil, np.zeros(1))[0])


# --- the curve -------------------------------------------------------------------------------------------------------


def test_the_curve_goes_through_its_table_and_ends_with_vacuum() -> None:
    curve = Curve.of(MATERIALS["steel_1010"])
    h, b = np.array(MATERIALS["steel_1010"].bh[1:]).T
    assert curve.reluctivity(b)[0] * b == pytest.approx(h, rel=1e-12)
    far = np.array([2.43, 3.43])
    assert np.diff(curve.reluctivity(far)[0] * far) == pytest.approx(1 / MU0, rel=1e-12)


@pytest.mark.parametrize("name", ["steel_1010", "iron_annealed", "iron_not_annealed"])
def test_the_slope_is_the_derivative(name: str) -> None:
    curve = Curve.of(MATERIALS[name])
    b, step = np.linspace(0.05, 2.6, 40), 1e-6
    ahead, behind = ((b + s) * curve.reluctivity(b + s)[0] for s in (step, -step))
    assert curve.reluctivity(b)[1] == pytest.approx((ahead - behind) / (2 * step), rel=1e-3)
    assert curve.reluctivity(np.zeros(1))[0] == pytest.approx(curve.reluctivity(np.full(1, 1e-8))[0], rel=1e-3)


@given(st.lists(st.tuples(st.floats(1.0, 1e4), st.floats(0.01, 0.9)), min_size=2, max_size=8))
def test_h_grows_with_b_whatever_the_table(steps: list[tuple[float, float]]) -> None:
    """dH/dB is positive everywhere, H/B at 0 that of the first row: a singular matrix would follow otherwise."""
    h = np.cumsum([0.0, *(step for step, _ in steps)])
    b = np.cumsum([0.0, *(max(grow, 2 * MU0 * step) for step, grow in steps)])
    table = tuple(zip(h.tolist(), b.tolist(), strict=True))
    curve = Curve.of(Material.model_validate({**MATERIALS["iron"].model_dump(), "bh": table}))
    nu, slope = curve.reluctivity(np.linspace(0, b[-1] + 2, 500))
    assert nu.min() > 0
    assert slope.min() > 0
    assert nu[0] == pytest.approx(h[1] / b[1])


# --- Newton's method -------------------------------------------------------------------------------------------------


def test_a_straight_curve_is_linear_iron() -> None:
    iron = {**MATERIALS["iron"].model_dump(), "permeability": 700.0}
    linear = Geometry.model_validate({**KBMINI.model_dump(), "materials": {"iron": iron}})
    assert solved(with_iron(straight(700.0))) == pytest.approx(solved(linear), rel=1e-9)


def test_at_the_solution_h_follows_the_curve() -> None:
    """The residual, with ν of the curve at the local B, is 0: checked with a stiffness assembled anew."""
    geometry = with_iron(froehlich(1000.0, 1.2))
    model = magnet_model(geometry, COARSE)
    psi = model.magnetised()
    gradient = model.basis.interpolate(psi).grad
    size = np.hypot(gradient[0], gradient[1]) / np.asarray(model.basis.global_coordinates())[0]
    nu = model.at_points(model.reluctivity).copy()
    for curve, cells in model.curves:
        nu[cells.ravel()] = curve.reluctivity(size[cells.ravel()])[0]
    residual = ((model.assemble(nu) + model.axis) @ psi - model.magnet_source)[model.boundary[1]]
    assert np.linalg.norm(residual) < 1e-9 * np.linalg.norm(model.magnet_source)
    assert size[np.repeat(model.grid.part.reshape(-1, 1) == 0, size.shape[1], axis=1)].max() > 1.2


def test_saturation_weakens_the_field() -> None:
    """Iron that saturates early leaves less field; iron that does not is as good as linear."""
    fields = [solved(with_iron(froehlich(5000.0, saturation)))[0] for saturation in (0.3, 0.6, 50.0)]
    assert fields[0] < 0.8 * fields[1] < 0.8 * 0.9 * fields[2]
    assert fields[2] == pytest.approx(solved(KBMINI)[0], rel=1e-3)


def test_annealing_matters_little_to_the_field_and_more_to_the_inductance() -> None:
    """Operating states: annealed or not (Seifert2014)."""
    states = [
        solved(KBMINI.model_copy(update={"yoke_material": name})) for name in ("iron_annealed", "iron_not_annealed")
    ]
    assert 0.002 < states[0][0] / states[1][0] - 1 < 0.02
    assert 0.005 < states[0][1] / states[1][1] - 1 < 0.05


def test_the_inductance_is_that_of_a_small_current() -> None:
    """L = dλ/dI about the magnets' field, by solving the saturated magnet with a current of either sign."""
    geometry = with_iron(froehlich(1000.0, 1.2))
    model = magnet_model(geometry, COARSE)
    model.magnetised()
    expected = float(inductance(model, geometry.coil, np.zeros(1))[0])
    from components.fields.linkage import section_source

    linkages = []
    for current in (0.01, -0.01):
        other = magnet_model(geometry, COARSE)
        height, turns = 0.5 * geometry.coil.height, geometry.coil.turns
        turn = section_source(other, geometry.coil.radii, (-height, height))
        other.__dict__["magnet_source"] = other.magnet_source + current * turns * turn
        linkages.append(2 * np.pi * turns * float(turn @ newton(other, 60, 1e-12)))
    assert (linkages[0] - linkages[1]) / 0.02 == pytest.approx(expected, rel=1e-4)


def test_what_does_not_converge_is_an_error() -> None:
    model = magnet_model(with_iron(froehlich(1000.0, 1.2)), COARSE)
    with pytest.raises(SimulationError, match=r"did not converge in 1 steps .* check the B-H table"):
        model.magnetised(steps=1)


def test_the_skin_depth_goes_by_the_initial_permeability() -> None:
    """δ² π f µ = ρ; a B–H table tells µ at its beginning, a linear iron has it everywhere."""
    iron, saturating = MATERIALS["iron"], MATERIALS["iron_annealed"]
    assert skin_depth(iron, 1.0) ** 2 * math.pi * MU0 * 5000.0 == pytest.approx(IRON_RESISTIVITY)
    assert skin_depth(iron, 0.04) == pytest.approx(5 * skin_depth(iron, 1.0))
    assert skin_depth(saturating, 1.0) == pytest.approx(skin_depth(iron, 1.0), rel=0.01)
    assert skin_depth(MATERIALS["iron_not_annealed"], 1.0) == pytest.approx(5**0.5 * skin_depth(iron, 1.0), rel=0.01)
