"""The finite elements against exact solutions: uniform, 1/r, manufactured, sphere, bar magnet, coil in air."""

from __future__ import annotations

import math

import numpy as np
import pytest

from components.fields.catalogue import KBMINI
from components.fields.geometry import CoilSection
from components.fields.linkage import Line, Linkage, evaluation, inductance, section_source
from components.fields.magnetostatics import Mesh, Model, magnet_model
from components.fields.materials import MU0
from components.fields.mesh import Grid, lines, stretched
from twin.errors import SimulationError

ORDERS = pytest.mark.parametrize("order", [2, 3])


def model(r: np.ndarray, z: np.ndarray, nu: float | np.ndarray = 1 / MU0, order: int = 3) -> Model:
    shape = (len(r) - 1, len(z) - 1)
    part = np.full(shape, -1)
    return Model(Grid(r, z, part), np.broadcast_to(nu, shape).copy(), np.zeros(shape), order=order)


def open_air(radius: float, fine: float, far: float) -> Model:
    """A box around a source of this radius and height ±radius."""
    inner = lines({0.0: fine, radius: fine}, 4 * fine, 0.5)
    out = stretched(radius, fine, far, 1.4)
    r = np.concatenate([inner, out])
    return model(r, np.concatenate([-out[::-1], -inner[:0:-1], inner, out]))


# --- exact on any mesh -----------------------------------------------------------------------------------------------


@ORDERS
def test_a_uniform_field_is_exact(order: int) -> None:
    rng = np.random.default_rng(3)
    r = np.concatenate([[0.0], np.sort(rng.uniform(0.01, 1, 7))])
    found = model(r, np.sort(rng.uniform(-1, 1, 9)), order=order)
    psi = found.solve(np.zeros(found.basis.N), found.uniform(0.3))
    points = rng.uniform(0.02, 0.9, 50) * r[-1], rng.uniform(-0.5, 0.5, 50) * found.grid.z[-1]
    inside = np.clip(points[1], found.grid.z[0], found.grid.z[-1])
    assert evaluation(found, points[0], inside) @ psi == pytest.approx(0.15 * points[0] ** 2, rel=1e-10)


@pytest.mark.parametrize("order", [1, 3])
def test_an_ideal_gap_field_is_exact_and_linear_in_z(order: int) -> None:
    """ψ = −B r z between walls: no 1/r deviation, Bl the same everywhere."""
    found = model(np.linspace(0.1, 0.13, 4), np.linspace(-0.05, 0.05, 7), order=order)
    outer = found.projected(lambda r, z: 0.06 * z)
    psi = found.solve(np.zeros(found.basis.N), outer)
    coil = CoilSection(mean_radius=0.115, radial_width=0.011, height=0.02, turns=5)
    linkage = Linkage(found, psi, coil, 0.03)
    z = np.linspace(-0.03, 0.03, 11)
    assert linkage.bl(z) == pytest.approx(2 * math.pi * 5 * 0.06, rel=1e-12)
    assert linkage.flux(z) == pytest.approx(2 * math.pi * 5 * 0.06 * z, rel=1e-12, abs=1e-14)
    for radius in (0.102, 0.115, 0.128):
        assert Line(found, psi, radius, (-0.03, 0.03)).slope(0.0137) / radius == pytest.approx(0.06 / radius)


# --- convergence -----------------------------------------------------------------------------------------------------


@ORDERS
def test_the_error_falls_with_the_order_plus_one(order: int) -> None:
    """ψ = r² (1 − r)² sin πz with µ = 1 and the current that makes it."""

    def exact(r: np.ndarray, z: np.ndarray) -> np.ndarray:
        return r**2 * (1 - r) ** 2 * np.sin(np.pi * z)

    def current(r: np.ndarray, z: np.ndarray) -> np.ndarray:  # −∇·(∇ψ/r)
        return (6 - 8 * r + np.pi**2 * r * (1 - r) ** 2) * np.sin(np.pi * z)

    from skfem import Functional, LinearForm

    errors = []
    for cells in (5, 10):
        found = model(np.linspace(0, 1, cells + 1), np.linspace(0, 1, cells + 1), 1.0, order)
        psi = found.solve(LinearForm(lambda v, w: current(*w.x) * v).assemble(found.basis))
        square = Functional(lambda w: (w.psi - exact(*w.x)) ** 2)
        errors.append(math.sqrt(square.assemble(found.basis, psi=found.basis.interpolate(psi))))
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order + 1, abs=0.3)


def sphere(cells: int) -> float:
    """B at the centre of a sphere of µ_r = 50 in a uniform field of 1 T; the boundary at 8 radii."""
    inner = np.linspace(0, 1.2, cells + 1)
    r = np.concatenate([inner, stretched(1.2, 1.2 / cells, 8.0, 1.3)])
    z = np.concatenate([-r[:0:-1], r])
    centre_r, centre_z = 0.5 * (r[1:] + r[:-1]), 0.5 * (z[1:] + z[:-1])
    inside = centre_r[:, None] ** 2 + centre_z**2 < 1
    found = model(r, z, np.where(inside, 1 / (50 * MU0), 1 / MU0), order=2)
    psi = found.solve(np.zeros(found.basis.N), found.uniform(1.0))
    return float(Line(found, psi, 0.3, (-0.5, 0.5)).mean(0.0)) * 2 / 0.3**2


def test_a_sphere_in_a_uniform_field() -> None:
    """``B = 3µ_r/(µ_r + 2)`` inside; the sphere is one of steps, which get finer."""
    exact = 3 * 50 / 52
    errors = [abs(sphere(cells) / exact - 1) for cells in (8, 32)]
    assert errors[1] < 0.02
    assert errors[1] < 0.5 * errors[0]


# --- sources in air --------------------------------------------------------------------------------------------------


def test_a_bar_magnet_on_its_axis() -> None:
    """A cylinder with µ_r = 1: exactly that of its two charged faces, with the far boundary out of sight."""
    radius, half = 1.0, 0.5
    inner = lines({0.0: 0.05, radius: 0.02, 1.5: 0.2}, 0.25, 0.4)
    out = stretched(1.5, 0.2, 120.0, 1.4)
    r = np.concatenate([inner, out])
    up = np.concatenate([lines({0.0: 0.2, half: 0.02, 1.5: 0.2}, 0.25, 0.4), out])
    found = model(r, np.concatenate([-up[:0:-1], up]))
    centre_r, centre_z = 0.5 * (r[1:] + r[:-1]), 0.5 * (found.grid.z[1:] + found.grid.z[:-1])
    found.remanence[np.ix_(centre_r < radius, np.abs(centre_z) < half)] = 1.2
    psi = found.magnetised()
    z = np.array([-0.2, 0.0, 0.3, 0.8, 1.4, 3.0])
    disc = 0.1

    def faces(z: np.ndarray) -> np.ndarray:
        return 0.6 * ((z + half) / np.hypot(radius, z + half) - (z - half) / np.hypot(radius, z - half))

    bend = (faces(z + 1e-3) - 2 * faces(z) + faces(z - 1e-3)) / 1e-6  # the mean over a disc is B − ρ²/8 B''
    field = 2 * Line(found, psi, disc, (-4, 4)).mean(z) / disc**2
    assert field == pytest.approx(faces(z) - disc**2 / 8 * bend, rel=1e-4, abs=1e-5)


def test_a_coil_in_air() -> None:
    """On the axis the field of its current is that of rings; L of a slender ring is the handbook's."""
    found = open_air(1.5, 0.02, 30.0)
    mean, width = 1.0, 0.1
    source = section_source(found, (mean - width / 2, mean + width / 2), (-width / 2, width / 2))
    psi = found.solve(source)
    z, disc = np.array([0.0, 0.5, 1.0]), 0.05
    field = 2 * Line(found, psi, disc, (-1, 1.1)).mean(z) / disc**2
    assert field == pytest.approx(MU0 / 2 / (1 + z**2) ** 1.5, rel=3e-3)
    coil = CoilSection(mean_radius=mean, radial_width=width, height=width, turns=10)
    wire = 0.2235 * 2 * width  # mean distance of a square from itself
    handbook = MU0 * mean * (math.log(8 * mean / wire) - 2) * 100
    assert inductance(found, coil, np.zeros(1))[0] == pytest.approx(handbook, rel=3e-3)


def test_the_section_need_not_follow_the_mesh() -> None:
    """A section's mean is linear: halves of it sum up, wherever they are cut."""
    found = open_air(1.5, 0.1, 5.0)
    whole = section_source(found, (0.31, 0.77), (-0.23, 0.4))
    cut = [section_source(found, (0.31, 0.77), z) for z in ((-0.23, 0.111), (0.111, 0.4))]
    assert (0.341 * cut[0] + 0.289 * cut[1]) / 0.63 == pytest.approx(whole, abs=1e-15)
    psi = np.random.default_rng(1).normal(size=found.basis.N)
    coil = CoilSection(mean_radius=0.54, radial_width=0.46, height=0.63, turns=1)
    flux = Linkage(found, psi, coil, 0.5).flux(0.085)
    assert flux == pytest.approx(2 * math.pi * float(whole @ psi), rel=1e-12)


def test_mutual_inductance_is_symmetric() -> None:
    found = open_air(1.5, 0.1, 5.0)
    a, b = section_source(found, (0.3, 0.5), (-0.2, 0.4)), section_source(found, (0.9, 1.4), (0.3, 0.7))
    assert a @ found.solve(b) == pytest.approx(b @ found.solve(a), rel=1e-12)


# --- a magnet --------------------------------------------------------------------------------------------------------


def kbmini_bl(mesh: Mesh) -> float:
    found = magnet_model(KBMINI, mesh)
    return float(Linkage(found, found.magnetised(), KBMINI.coil, 0.0).bl(0.0))


COARSE = Mesh(corner=0.02, edge=0.3, gap=0.2, growth=0.6)


def test_the_mesh_is_fine_enough() -> None:
    fine = kbmini_bl(Mesh(corner=0.002, edge=0.2, gap=0.1, growth=0.35))
    assert kbmini_bl(Mesh()) == pytest.approx(fine, rel=2e-5)
    assert kbmini_bl(COARSE) == pytest.approx(fine, rel=5e-5)


def test_the_outer_boundary_is_far_enough() -> None:
    near, far = (kbmini_bl(Mesh(corner=0.02, edge=0.3, gap=0.2, growth=0.6, boundary=b)) for b in (7.0, 14.0))
    assert near == pytest.approx(far, rel=1e-8)


def test_two_orders_agree() -> None:
    quadratic = kbmini_bl(Mesh(order=2, corner=0.005, edge=0.2, gap=0.1, growth=0.4))
    assert quadratic == pytest.approx(kbmini_bl(Mesh()), rel=5e-5)


def test_replaced_by_air_the_magnets_are_silent() -> None:
    silent = magnet_model(KBMINI, COARSE, magnets=False)
    assert not silent.remanence.any()
    assert not silent.magnetised().any()
    assert np.sum(silent.reluctivity == 1 / MU0) > np.sum(magnet_model(KBMINI, COARSE).reluctivity == 1 / MU0)


def test_the_flux_is_closed() -> None:
    """Through a disc that reaches to the outer boundary no flux goes; through the inner yoke all that crosses it."""
    found = magnet_model(KBMINI, COARSE)
    psi = found.magnetised()
    edge = found.grid.r[-1]
    z = np.linspace(-0.05, 0.05, 5)
    assert Line(found, psi, float(edge), (-0.05, 0.05)).mean(z) == pytest.approx(0.0, abs=1e-15)
    line = Line(found, psi, KBMINI.gap_radius, (-0.05, 0.05))
    assert line.mean(0.01) == pytest.approx(-line.mean(-0.01), rel=1e-9)


def test_singular_equations_are_an_error() -> None:
    broken = model(np.linspace(0, 1, 4), np.linspace(0, 1, 4), nu=0.0, order=1)
    with pytest.raises(SimulationError, match="the equations of the grid are singular"):
        broken.solve(np.zeros(broken.basis.N))
