"""Profiles: smooth, consistent, scaled as they must, and the same from the cache."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from components.fields import cache
from components.fields import profile as module
from components.fields.catalogue import CATALOGUE, KBMINI
from components.fields.geometry import Geometry
from components.fields.influence import influence, slopes, varied
from components.fields.linkage import Line, inductance
from components.fields.magnetostatics import Mesh, magnet_model
from components.fields.materials import MATERIALS, MU0, froehlich
from components.fields.profile import Profile, profile
from twin.errors import SimulationError

COARSE = Mesh(corner=0.02, edge=0.3, gap=0.2, growth=0.6)


@lru_cache(maxsize=8)
def coarse(geometry_name: str, scale: float = 1.0) -> Profile:
    return profile(CATALOGUE[geometry_name].scaled(scale), COARSE, cached=False)


@lru_cache(maxsize=1)
def fine() -> Profile:
    return profile(KBMINI, cached=False)


# --- smooth and consistent -------------------------------------------------------------------------------------------


PLAIN = {"compensation_width": 0.0, "compensation_height": 0.0}


@pytest.mark.parametrize("changes", [{}, PLAIN, {"compensation_height": 3.5e-3}], ids=["as it is", "plain", "lower"])
def test_bl_is_smooth(changes: dict[str, float]) -> None:
    """Over ±2 mm no more than 1e-8 from a polynomial, of other magnets as well."""
    x = np.linspace(-1, 1, 4001)
    bl = (profile(KBMINI.with_dimensions(changes), cached=False) if changes else fine()).bl_at(2e-3 * x)
    smooth = np.polynomial.chebyshev.chebval(x, np.polynomial.chebyshev.chebfit(x, bl, 8))
    assert np.abs(bl / smooth - 1).max() <= 1e-8


def test_knots_are_close() -> None:
    assert np.diff(fine().z).max() <= 0.25e-3 * (1 + 1e-9)
    assert fine().z[len(fine().z) // 2] == 0.0


def test_bl_is_the_derivative_of_the_flux() -> None:
    z, step = np.linspace(-4e-3, 4e-3, 31), 1e-4
    ahead = [fine().flux(z + i * step) for i in (-2, -1, 1, 2)]
    slope = (ahead[0] - 8 * ahead[1] + 8 * ahead[2] - ahead[3]) / (12 * step)
    assert slope == pytest.approx(fine().bl_at(z), rel=1e-9)
    assert fine().flux(0.0) == pytest.approx(0.0, abs=1e-9)


def test_a_symmetric_magnet_has_a_symmetric_profile() -> None:
    z = np.linspace(0, 5e-3, 21)
    assert fine().bl_at(z) == pytest.approx(fine().bl_at(-z), rel=1e-9)
    assert fine().inductance_at(z) == pytest.approx(fine().inductance_at(-z), rel=1e-9)
    assert fine().gap == pytest.approx(fine().gap[::-1], rel=1e-7)


def test_inductance_between_its_points() -> None:
    """The polynomial against a solution at positions it was not fitted at."""
    z = np.array([-3.3e-3, 0.0, 1.7e-3, 4.9e-3])
    exact = inductance(magnet_model(KBMINI, COARSE), KBMINI.coil, z)
    assert coarse("kbmini").inductance_at(z) == pytest.approx(exact, rel=1e-7)


def test_the_current_effect() -> None:
    """``α = −k z/Bl`` near the middle, odd; the reluctance force pulls to the symmetry plane."""
    found = fine()
    assert found.current_coefficient(0.2e-3) == pytest.approx(-found.k * 0.2e-3 / found.bl_at(0.0), rel=1e-3)
    assert found.current_coefficient(-1e-3) == pytest.approx(-found.current_coefficient(1e-3), rel=1e-6)
    assert found.inductance_at(3e-3, 1) < 0 < found.inductance_at(-3e-3, 1)
    slope = found.current_coefficient(np.array([1e-5, -1e-5])) @ [1, -1] / 2e-5
    assert found.current_effect_slope == pytest.approx(slope * found.weighing_current, rel=1e-5)


def test_without_a_stated_current_half_a_kilogram_is_carried() -> None:
    found = coarse("bipm")
    assert found.weighing_current * found.bl_at(0.0) == pytest.approx(0.5 * 9.80665)
    stated = profile(CATALOGUE["bipm"].model_copy(update={"weighing_current": 7e-3}), COARSE)
    assert stated.weighing_current == 7e-3


def test_the_magnetic_height_is_that_of_li2021s_formula() -> None:
    """550 H/m², 1057 turns, 125 mm, 13 mm: 155 mm."""
    printed = replace(coarse("bipm"), inductance=np.array([3.0, 0.0, 0.0]), reach=1.0)
    with_k = replace(printed, inductance=np.array([3.0 - 550 / 2, 0.0, -550 / 2]))
    assert with_k.k == pytest.approx(550)
    assert with_k.magnetic_height == pytest.approx(0.155, abs=0.001)


# --- scaling ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.25, 2.0])
def test_scaling(p: float) -> None:
    """All lengths times p: B as before, Bl and L times p, k over p, lengths times p."""
    one, other = coarse("small_magnet"), coarse("small_magnet", p)
    one = replace(one, current=0.0)
    expected = {
        "gap_field_T": 1,
        "bl_Tm": p,
        "uniform_length_m": p,
        "uniform_length_at_coil_m": p,
        "current_effect_slope_per_m": p**-3,
        "k_H_per_m2": 1 / p,
        "l0_H": p,
        "magnetic_height_m": p,
        "temperature_coefficient_per_K": 1,
    }
    ratio = {key: value / one.summary()[key] for key, value in other.summary().items()}
    assert ratio == pytest.approx(expected, rel=1e-6)


# --- the gap ---------------------------------------------------------------------------------------------------------


def test_the_uniform_length_ends_where_the_field_does() -> None:
    found = fine()
    z = np.linspace(-1, 1, 2001)
    for tolerance in (1e-3, 1e-2):
        for name, at_coil in ((found.gap, False), (found.at_coil, True)):
            half = 0.5 * found.uniform_length(tolerance, at_coil=at_coil)
            field = np.interp(half * z, found.gap_z, name)
            middle = field[len(z) // 2]
            assert np.abs(field[1:-1] / middle - 1).max() < tolerance * 1.01
            assert abs(field[0] / middle - 1) == pytest.approx(tolerance, rel=0.02)


def test_a_field_that_does_not_leave_the_tolerance_is_uniform_over_the_gap() -> None:
    assert coarse("bipm").uniform_length(0.9) == pytest.approx(82e-3)


@pytest.mark.parametrize("tolerance", [0.0, 1.0, -1e-3, np.nan])
def test_a_tolerance_is_a_fraction(tolerance: float) -> None:
    with pytest.raises(ValueError, match="tolerance: expected a number between 0 and 1"):
        fine().uniform_length(tolerance)


def test_bl_is_the_mean_field_times_the_wire() -> None:
    """With a thin coil at the mean radius: Bl = B · 2πrN."""
    thin = KBMINI.with_dimensions(
        {"coil.mean_radius": KBMINI.gap_radius, "coil.radial_width": 1e-4, "coil.height": 1e-4}
    )
    found = profile(thin, COARSE, cached=False)
    wire = 2 * np.pi * KBMINI.gap_radius * KBMINI.coil.turns
    assert found.bl_at(0.0) == pytest.approx(found.gap_field * wire, rel=1e-6)


def test_deviation_from_1_over_r() -> None:
    """``b = 1 + d ln B/d ln r`` from B at two radii; it grows away from the symmetry plane (Seifert2014)."""
    model = magnet_model(KBMINI, Mesh())
    psi = model.magnetised()
    radii = KBMINI.coil.mean_radius + np.array([-1e-4, 1e-4])
    grown = []
    for z in (0.0, 10e-3):
        field = [float(Line(model, psi, r, (-0.02, 0.02)).slope(z)) / r for r in radii]
        b = 1 + np.log(field[1] / field[0]) / np.log(radii[1] / radii[0])
        assert np.interp(z, fine().gap_z, fine().deviation) == pytest.approx(b, rel=2e-3)
        grown.append(abs(b))
    assert grown[1] > 5 * grown[0]


def test_the_temperature_coefficient_is_the_magnets() -> None:
    """Exactly for linear iron; for saturated iron that of two solutions with a changed remanence."""
    assert fine().temperature_coefficient == pytest.approx(-1e-3, rel=1e-9)
    mesh = Mesh(order=2, corner=0.03, edge=0.4, gap=0.25, growth=0.8)
    iron = {**MATERIALS["iron"].model_dump(), "name": "own", "bh": froehlich(1000.0, 1.2)}

    def solved(warmer: float) -> Profile:
        ring = MATERIALS["NdFeB"].model_dump()
        ring["remanence"] *= 1 - 1e-3 * warmer
        tree = {**KBMINI.model_dump(), "yoke_material": "own", "materials": {"own": iron, "NdFeB": ring}}
        return profile(Geometry.model_validate(tree), mesh, cached=False)

    warm, cold = solved(0.5).gap_field, solved(-0.5).gap_field
    here = solved(0.0)
    assert here.temperature_coefficient == pytest.approx((warm - cold) / here.gap_field, rel=1e-3)
    assert abs(here.temperature_coefficient / 1e-3 + 1) > 0.01  # saturated iron changes it


def test_the_stray_field_falls_off() -> None:
    found = fine()
    z = np.array([0.10, 0.15, 0.25])
    assert np.all(np.diff(np.abs(found.stray_field(z))) < 0)
    step = 1e-4
    slope = (found.stray_field(z + step) - found.stray_field(z - step)) / (2 * step)
    assert found.stray_field(z, 1) == pytest.approx(slope, rel=1e-3)
    with pytest.raises(SimulationError, match=r"expected heights from 67\.5 to"):
        found.stray_field(0.0)


def test_the_force_on_a_weight() -> None:
    """Seifert2014: ``χ V/(2µ0) ∂B²/∂z + M V ∂B/∂z``; iron is pulled toward the larger field."""
    found, z = fine(), 0.12
    volume, chi, magnetisation, ambient = 1.25e-4, 3e-3, 0.2, -45e-6
    b, slope = float(found.stray_field(z)), float(found.stray_field(z, 1))
    expected = chi * volume / MU0 * (b + ambient) * slope + magnetisation * volume * slope
    force = found.force_on_mass(z, volume, chi, magnetisation, ambient)
    assert force == pytest.approx(expected, rel=1e-12)
    assert found.force_on_mass(z, volume, chi) < 0


# --- the cache -------------------------------------------------------------------------------------------------------


@pytest.fixture
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KIBBLE_TWIN_CACHE", str(tmp_path))
    cache.forget()


@pytest.mark.usefixtures("empty_cache")
def test_the_second_time_nothing_is_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, and once it has forgotten, from the disk."""
    geometry = KBMINI.scaled(0.7)
    first = profile(geometry, COARSE)
    monkeypatch.setattr("components.fields.profile_solution.compute", None)
    for _ in range(2):
        second = profile(geometry, COARSE)
        for field in fields(Profile):
            assert np.array_equal(getattr(first, field.name), getattr(second, field.name)), field.name
        assert first.summary() == second.summary()
        cache.forget()


@pytest.mark.usefixtures("empty_cache")
def test_another_process_solves_nothing_either() -> None:
    code = (
        "import components.fields.profile_solution as solution; solution.compute = None\n"
        "from components.fields.catalogue import KBMINI\n"
        "from components.fields.magnetostatics import Mesh\n"
        "from components.fields.profile import profile\n"
        "mesh = Mesh(corner=0.02, edge=0.3, gap=0.2, growth=0.6)\n"
        "print(repr(float(profile(KBMINI.scaled(0.7), mesh).bl_at(0.0))))"
    )
    other = [sys.executable, "-c", code]
    assert subprocess.run(other, capture_output=True, check=False).returncode != 0  # nothing is kept yet
    here = float(profile(KBMINI.scaled(0.7), COARSE).bl_at(0.0))
    assert float(subprocess.run(other, capture_output=True, check=True, text=True).stdout) == here


@pytest.mark.usefixtures("empty_cache")
def test_another_mesh_or_geometry_is_another_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    geometry = KBMINI.scaled(0.6)
    profile(geometry, COARSE)
    solved = []
    monkeypatch.setattr("components.fields.profile_solution.compute", lambda *a: solved.append(a) or fine())
    profile(geometry, replace(COARSE, corner=0.03))
    profile(geometry.with_dimensions({"coil.turns": 10}), COARSE)
    monkeypatch.setattr(module, "_VERSION", "another solver")
    profile(geometry, COARSE)
    assert len(solved) == 3


def test_a_stated_current_is_not_part_of_what_is_solved() -> None:
    one, other = (KBMINI.model_copy(update={"weighing_current": current}) for current in (3.5e-3, 7e-3))
    assert profile(other, COARSE).current_effect_slope == pytest.approx(2 * profile(one, COARSE).current_effect_slope)


def test_outside_the_profile_is_an_error() -> None:
    with pytest.raises(SimulationError, match=r"coil at z = 6 mm, outside the computed profile \(±5 mm\)"):
        fine().bl_at(np.array([0.0, -6e-3]))


# --- influence -------------------------------------------------------------------------------------------------------


def test_influence_of_the_inferred_dimensions() -> None:
    mesh = Mesh(order=2, corner=0.03, edge=0.4, gap=0.25, growth=0.8)
    found = influence(KBMINI, mesh=mesh, cached=False)
    assert set(found) == {"bore", "chamber_radius", "coil.radial_width", "yoke.permeability"}
    assert 0 < found["yoke.permeability"]["gap_field_T"] < 0.05
    assert abs(found["coil.radial_width"]["bl_Tm"]) < 0.01  # Bl hardly knows the width that was assumed
    here, more = (
        profile(KBMINI.with_dimensions({"coil.radial_width": f * 6.7e-3}), mesh, cached=False) for f in (1.0, 1.03)
    )
    expected = (more.k / here.k - 1) / 0.03
    assert found["coil.radial_width"]["k_H_per_m2"] == pytest.approx(expected, rel=0.1)


def test_influence_of_a_bore_that_is_not_printed() -> None:
    """Of a dimension that is 0 the change is relative to the outer radius; a small bore takes hardly any flux away."""
    bipm = CATALOGUE["bipm"]
    ((factor, bored),) = varied(bipm, "bore")
    assert bored.bore == pytest.approx((factor - 1) * bipm.outer_radius)
    mesh = Mesh(order=2, corner=0.03, edge=0.4, gap=0.25, growth=0.8)
    found = slopes(bipm, {"bore": [(factor, bored)]}, lambda g: profile(g, mesh, cached=False).summary())
    whole, holed = (profile(g, mesh, cached=False).gap_field for g in (bipm, bored))
    assert found["bore"]["gap_field_T"] == pytest.approx((holed / whole - 1) / (factor - 1), rel=1e-9)
    assert abs(found["bore"]["gap_field_T"]) < 1e-2
