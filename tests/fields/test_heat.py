"""Conduction of heat in a magnet: exact solutions, convergence, conservation, reciprocity, what meets the room."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.fields.catalogue import BIPM, CATALOGUE, KBMINI, NIST4_THERMAL
from components.fields.geometry import Geometry
from components.fields.heat import Cells, HeatModel, _reached_from_outside, assemble, cells_of, heat_model

EACH = pytest.mark.parametrize("name", sorted(CATALOGUE))
K, RHO_C, H = 3.0, 2e6, 12.0


def body(r: Any, z: Any, conductivity: Any = K, heated: Any = True) -> HeatModel:
    """A solid body on these grid lines; `conductivity` and `heated` by cell."""
    shape = (len(z) - 1, len(r) - 1)
    some = np.ones(shape, dtype=bool)
    return assemble(
        Cells(
            r=np.asarray(r, dtype=float),
            z=np.asarray(z, dtype=float),
            conductivity=np.broadcast_to(conductivity, shape),
            capacity=np.full(shape, RHO_C),
            room=~some,
            magnet=some,
            coil=some & heated,
        )
    )


def only_faces(model: HeatModel) -> HeatModel:
    """The model with a film on its faces below and above, and an insulated side."""
    film = np.zeros_like(model.film)
    for row, dz in ((0, model.z[1] - model.z[0]), (-1, model.z[-1] - model.z[-2])):
        film[row] = model.capacity[row] / (0.5 * dz * RHO_C)
    return replace(model, film=film)


def only_side(model: HeatModel) -> HeatModel:
    """The model with a film on its outer side, and insulated faces."""
    film = np.zeros_like(model.film)
    dz = np.diff(model.z)
    film[:-1, -1] += np.pi * model.r[-1] * dz
    film[1:, -1] += np.pi * model.r[-1] * dz
    return replace(model, film=film)


steps = st.lists(st.floats(0.2, 3.0), min_size=2, max_size=7).map(lambda x: np.cumsum([0.0, *x]) / np.sum(x))

# --- exact solutions -------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=30)
@given(steps, steps)
def test_slab_with_a_heat_source(u: Any, w: Any) -> None:
    """q (L²/4 − z²)/(2k) + q L/(2h), at every node of any grid."""
    length, radius = 0.04, 0.07
    z = length * (w - 0.5)
    model = only_faces(body(radius * u, z))
    q = 1.0 / (np.pi * radius**2 * length)
    (found,) = model.solve(0.0, H, (model.heating,))
    exact = q * (length**2 / 4 - z**2) / (2 * K) + q * length / (2 * H)
    assert found == pytest.approx(np.broadcast_to(exact[:, None], found.shape), rel=1e-11)


@settings(deadline=None, max_examples=30)
@given(steps, steps)
def test_cylinder_with_a_heat_source(u: Any, w: Any) -> None:
    """q (R² − r²)/(4k) + q R/(2h), at every node of any grid, the axis included."""
    radius, height = 0.05, 0.03
    r = radius * u
    model = only_side(body(r, height * w))
    q = 1.0 / (np.pi * radius**2 * height)
    (found,) = model.solve(0.0, H, (model.heating,))
    exact = q * (radius**2 - r**2) / (4 * K) + q * radius / (2 * H)
    assert found == pytest.approx(np.broadcast_to(exact, found.shape), rel=1e-11)


@settings(deadline=None, max_examples=30)
@given(steps, steps)
def test_cylinder_shells_about_a_heated_core(u: Any, w: Any) -> None:
    """P/(2π k L) ln(R/r) in each of two shells of different conductivity, exact at the nodes."""
    core, middle, outer, height = 0.01, 0.03, 0.05, 0.02
    r = np.concatenate([[0.0, core], core + (middle - core) * u[1:], middle + (outer - middle) * u[1:]])
    centre = 0.5 * (r[1:] + r[:-1])
    model = only_side(body(r, height * w, np.where(centre < middle, K, 7 * K), centre < core))
    (found,) = model.solve(0.0, H, (model.heating,))
    film = 1 / (H * 2 * np.pi * outer * height)
    out = film + np.log(outer / np.maximum(r, middle)) / (2 * np.pi * 7 * K * height)
    exact = out + np.log(middle / np.clip(r, core, middle)) / (2 * np.pi * K * height)
    assert found[:, 1:] == pytest.approx(np.broadcast_to(exact[1:], found[:, 1:].shape), rel=1e-11)


def test_error_of_a_changing_temperature_is_of_second_order() -> None:
    """An evenly heated slab at p² s: q/(s ρc) (1 − cosh κz/(cosh κL/2 + (kκ/h) sinh κL/2)), κ² = s ρc/k."""
    length, radius, rate = 0.1, 0.07, 1e-2
    kappa = np.sqrt(rate * RHO_C / K)
    q = 1.0 / (np.pi * radius**2 * length)
    edge = np.cosh(kappa * length / 2) + K * kappa / H * np.sinh(kappa * length / 2)
    exact = q / (rate * RHO_C) * (1 - 2 / (kappa * length) * np.sinh(kappa * length / 2) / edge)
    errors = []
    for n in (20, 40, 80):
        model = only_faces(body(radius * np.linspace(0, 1, 3), length * np.linspace(-0.5, 0.5, n + 1)))
        (found,) = model.solve(rate, H, (model.heating,))
        errors.append(abs(float((model.magnet * found).sum()) - exact) / exact)
    assert errors[0] < 0.1
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.1)
    assert np.log2(errors[1] / errors[2]) == pytest.approx(2.0, abs=0.03)


# --- laws that hold on any grid --------------------------------------------------------------------------------------


@lru_cache(maxsize=len(CATALOGUE))
def coarse(name: str) -> HeatModel:
    return heat_model(CATALOGUE[name], 0.3)


@EACH
def test_conduction_keeps_heat_and_moves_none_between_equals(name: str) -> None:
    model = coarse(name)
    x = np.random.default_rng(1).normal(size=model.capacity.shape)
    flow = model.conduct(x)
    assert abs(flow.sum()) < 1e-12 * np.abs(flow).sum()
    assert np.all(model.conduct(np.full_like(x, 3.0)) == 0.0)


@EACH
def test_in_the_steady_state_all_heat_leaves_through_the_film(name: str) -> None:
    model = coarse(name)
    (x,) = model.solve(0.0, H, (model.heating,))
    assert model.heating.sum() == pytest.approx(1.0, rel=1e-13)
    assert (H * model.film * x).sum() == pytest.approx(1.0, rel=1e-8)
    assert model.conduct(x) + H * model.film * x == pytest.approx(model.heating, abs=1e-8)


@EACH
def test_heat_warms_and_nothing_is_warmer_than_the_coil(name: str) -> None:
    model = coarse(name)
    (x,) = model.solve(1e-4, H, (model.heating,))
    assert np.all(x[model.inside] > 0)
    assert model.heating.ravel()[np.argmax(x)] > 0
    assert np.all(x[~model.inside] == 0)


@EACH
@pytest.mark.parametrize("rate", [0.0, 1e-3, 1e-3j])
def test_reciprocity(name: str, rate: complex) -> None:
    """Heat in the coil warms the magnets as heat in the magnets warms the coil."""
    model = coarse(name)
    there, back = model.solve(rate, H, (model.heating, model.magnet))
    assert (model.magnet * there).sum() == pytest.approx((model.coil * back).sum(), rel=1e-9)


@EACH
def test_heat_capacity_and_means_are_those_of_the_parts(name: str) -> None:
    geometry, model = CATALOGUE[name], coarse(name)
    parts = [*geometry.parts(), geometry.coil_part]
    share = [1.0] * (len(parts) - 1) + [geometry.coil.fill]
    solid = sum(
        s * p.volume * geometry.material(p.material).volumetric_heat_capacity for s, p in zip(share, parts, strict=True)
    )
    yoke = np.pi * (geometry.outer_radius**2 - geometry.bore**2) * geometry.height
    air = yoke - sum(p.volume for p in parts)
    if geometry.ring[0] > geometry.bore > 0:  # what lies between bore and ring is open to the bore
        air -= 2 * geometry.ring_height * np.pi * (geometry.ring[0] ** 2 - geometry.bore**2)
    exact = solid + air * geometry.material("air").volumetric_heat_capacity
    assert model.capacity.sum() == pytest.approx(exact, rel=1e-12)
    assert model.magnet.sum() == pytest.approx(1.0, rel=1e-13)
    height = np.broadcast_to(model.z[:, None], model.capacity.shape)
    assert (model.coil * height).sum() == pytest.approx(0.0, abs=1e-9)
    assert (model.magnet * height).sum() == pytest.approx(0.0, abs=1e-9)


@EACH
def test_temperatures_are_the_same_above_and_below(name: str) -> None:
    model = coarse(name)
    (x,) = model.solve(1e-4, H, (model.heating,))
    assert x == pytest.approx(x[::-1], rel=1e-7, abs=1e-12)


# --- the room --------------------------------------------------------------------------------------------------------


def test_outside_and_bore_have_the_film() -> None:
    g = NIST4_THERMAL
    ends = 2 * np.pi * (g.outer_radius**2 - g.bore**2)
    sides = 2 * np.pi * (g.outer_radius + g.bore) * g.height
    assert coarse("nist4_thermal").film.sum() == pytest.approx(ends + sides, rel=1e-12)
    assert not coarse("nist4_thermal").inside[:, coarse("nist4_thermal").r < g.bore * 0.999].any()


def test_a_chamber_that_is_open_to_the_bore_belongs_to_the_room() -> None:
    """NIST-4's magnetic set leaves 3 mm between bore and ring: their walls and ends have the film too."""
    g = CATALOGUE["nist4"]
    ends = 2 * np.pi * (g.outer_radius**2 - g.bore**2)
    walls = 2 * np.pi * (g.bore * (g.height - 2 * g.ring_height) + g.ring[0] * 2 * g.ring_height)
    slots = 4 * np.pi * (g.ring[0] ** 2 - g.bore**2)
    side = 2 * np.pi * g.outer_radius * g.height
    assert heat_model(g, 0.3).film.sum() == pytest.approx(ends + walls + slots + side, rel=1e-12)


def test_without_bore_the_chamber_is_closed() -> None:
    g = BIPM
    assert g.bore == 0 < g.ring[0]
    assert coarse("bipm").inside.all()
    outside = 2 * np.pi * g.outer_radius * (g.outer_radius + g.height)
    assert coarse("bipm").film.sum() == pytest.approx(outside, rel=1e-12)


@pytest.mark.parametrize("upward", [True, False])
def test_what_a_winding_channel_reaches_is_the_room(upward: bool) -> None:
    """Around corners, but neither into a closed chamber nor across the axis, on the left."""
    rows = ("#####", "#...#", "#.#.#", ".##.#", ".##.#", "###.#")
    open_ = np.array([list(row) for row in rows]) == "."
    closed = np.zeros_like(open_)
    closed[3:5, 0] = True
    order = slice(None, None, 1 if upward else -1)
    assert np.array_equal(_reached_from_outside(open_[order]), (open_ & ~closed)[order])


def test_gap_and_chamber_are_air_that_conducts() -> None:
    cells = cells_of(KBMINI, 0.3)
    r, z = 0.5 * (cells.r[1:] + cells.r[:-1]), 0.5 * (cells.z[1:] + cells.z[:-1])
    for place in ((0.0595, 0.0), (0.0545, 0.019), (0.052, 0.03)):
        assert cells.conductivity[np.abs(z - place[1]).argmin(), np.abs(r - place[0]).argmin()] == 0.026


# --- geometry --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.25, 1.5])
def test_scaling_with_size(p: float) -> None:
    """Heat capacities as p³, conductances as p, surfaces as p²."""
    small, model = heat_model(NIST4_THERMAL.scaled(p), 0.3), coarse("nist4_thermal")
    assert small.capacity == pytest.approx(p**3 * model.capacity, rel=1e-10)
    assert small.radial == pytest.approx(p * model.radial, rel=1e-9)
    assert small.axial == pytest.approx(p * model.axial, rel=1e-9)
    assert small.film == pytest.approx(p**2 * model.film, rel=1e-10)
    hertz, h = 1 / 3600, 8.0
    scaled, given_ = model.response(hertz, p, h), small.response(hertz, 1.0, h)
    assert (model.magnet * scaled).sum() == pytest.approx((small.magnet * given_).sum(), rel=1e-8)


def test_the_fill_of_the_coil_is_its_share_of_copper() -> None:
    def coil(fill: float) -> float:
        model = heat_model(KBMINI.with_dimensions({"coil.fill": fill}), 0.3)
        return float(model.capacity.sum())

    copper = KBMINI.coil_part.volume * 8960 * 385
    assert coil(0.9) - coil(0.4) == pytest.approx(0.5 * copper, rel=1e-9)


def test_extra_parts_outside_take_no_part() -> None:
    shield = {"name": "shield", "material": "iron", "r": (0.1, 0.11), "z": (-0.1, 0.1)}
    with_shield = Geometry.model_validate({**KBMINI.model_dump(), "extra": (shield,)})
    assert heat_model(with_shield, 0.3).digest() == coarse("kbmini").digest()


def test_refining_the_grid_converges() -> None:
    """Amplitude of the magnets' temperature at 2 h, where it is smallest: 0.3 % on the default grid."""
    found = []
    for refinement in (0.5, 1.0, 2.0):
        model = heat_model(NIST4_THERMAL, refinement)
        found.append(abs((model.magnet * model.response(1 / 7200, 1.0, 10.0)).sum()))
    first, second = (abs(a / found[-1] - 1) for a in found[:-1])
    assert second < 5e-3
    assert second < 0.4 * first


# --- sensors and errors ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [(0.02, 0.03), (0.075, 0.0), (0.0123, -0.0675)])
def test_a_sensor_reads_between_the_grid_lines(place: tuple[float, float]) -> None:
    model = coarse("kbmini")
    weights = model.sensor(*place)
    assert (weights * model.r).sum() == pytest.approx(place[0], rel=1e-12)
    assert (weights * model.z[:, None]).sum() == pytest.approx(place[1], rel=1e-12, abs=1e-15)
    assert weights.sum() == pytest.approx(1.0, rel=1e-13)
    assert weights.min() >= 0


@pytest.mark.parametrize("place", [(0.08, 0.0), (0.02, 0.07), (0.005, 0.0)])
def test_a_sensor_outside_is_refused(place: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="is not in the magnet"):
        coarse("kbmini").sensor(*place)


@pytest.mark.parametrize("missing", ["coil", "magnet"])
def test_a_model_needs_coil_and_magnet(missing: str) -> None:
    cells = cells_of(KBMINI, 0.3)
    with pytest.raises(ValueError, match=f"needs a {missing}"):
        assemble(cells._replace(**{missing: np.zeros_like(cells.room)}))
