"""Weakly magnetic parts: force and voltage change by the same, and the Lorentz force on the coil does not."""

from __future__ import annotations

from functools import lru_cache

import pytest

from components.fields.catalogue import BIPM, KBMINI
from components.fields.linkage import inductance
from components.fields.magnetostatics import Mesh, magnet_model
from components.fields.materials import MU0
from components.fields.weakly_magnetic import Effect, WeakPart, effect

CHI = -1e-5
COARSE = Mesh(order=2, corner=0.03, edge=0.4, gap=0.25, growth=0.8)
PLACES = {
    "wire": (0.125, 0.0, 200e-6, 10e-3, 0.0),
    "wire, coil lifted": (0.125, 8e-3, 200e-6, 10e-3, 8e-3),
    "above the coil": (0.1225, 17.5e-3, 50e-6, None, 0.0),
    "beside the ring": (0.115, 50e-3, 50e-6, None, 0.0),
    "above the magnet": (0.08, 0.13, 1e-4, None, 0.0),
}


@lru_cache(maxsize=16)
def found(place: str, chi: float = CHI) -> Effect:
    r, z, area, width, coil_z = PLACES[place]
    return effect(BIPM, WeakPart(r, z, area, chi, width), COARSE, coil_z)


@pytest.mark.parametrize("place", PLACES)
def test_force_and_voltage_change_by_the_same(place: str) -> None:
    """On any mesh; 1e-9 of the change, though it is itself 1e-6 or less."""
    change = found(place)
    assert change.force_relative == pytest.approx(change.velocity_relative, rel=1e-9, abs=0)
    assert change.force_relative != 0


def test_a_part_in_the_gap_is_as_the_formula_says() -> None:
    """``−χ A_i r_a/(A_a r_i)``, A_a from the inductance (Li2021); a few per cent, since the part is not the gap."""
    model = magnet_model(BIPM, COARSE)
    low, mid, high = inductance(model, BIPM.coil, [-8e-3, 0.0, 8e-3])
    k = -(low - 2 * mid + high) / 2 / 8e-3**2
    area = 2 * 3.14159265 * MU0 * 1057**2 * 0.125 / k
    assert found("wire").force_relative == pytest.approx(-CHI * 200e-6 / area, rel=0.04)
    assert found("above the coil").force_relative == pytest.approx(-CHI * 50e-6 / area * 125 / 122.5, rel=0.06)


def test_the_paradox() -> None:
    """The Lorentz force on a diamagnetic coil falls by 7e-6 while the force rises: it is not the force (Li2021)."""
    change = found("wire")
    assert change.lorentz_relative == pytest.approx(-7e-6, rel=0.05)
    assert change.force_relative > 0
    assert change.lorentz_relative < 0
    beside = found("above the coil")  # where no wire is, the coil's own field is nearly all there is to it
    assert beside.lorentz_relative == pytest.approx(beside.force_relative, rel=0.05)


def test_the_field_beside_the_coil_rises_by_a_seventh() -> None:
    """Li2021: a coil as high as an eighth of the gap; what leaves it goes through the other seven, and does the same
    to a current there as the coil's own force: both are the share of the gap that the part takes."""
    change = found("wire")
    assert change.beside_relative / -change.lorentz_relative == pytest.approx(1 / 7, rel=0.03)
    assert change.beside_relative == pytest.approx(change.force_relative, rel=0.03)
    lifted = found("wire, coil lifted")
    assert lifted.beside_relative == pytest.approx(change.beside_relative, rel=0.03)


def test_the_change_is_linear_in_the_susceptibility() -> None:
    assert found("wire", 2e-4).force_relative == pytest.approx(-20 * found("wire").force_relative, rel=1e-9)
    assert found("wire", 0.0).force_relative == 0.0


def test_two_meshes_agree() -> None:
    r, z, area, width, _ = PLACES["wire"]
    fine = effect(BIPM, WeakPart(r, z, area, CHI, width))
    assert found("wire").force_relative == pytest.approx(fine.force_relative, rel=1e-3)


def test_a_square_section_is_the_default() -> None:
    assert WeakPart(0.1, 0.0, 4e-6, CHI).section.r == pytest.approx((0.099, 0.101))
    assert WeakPart(0.1, 0.0, 4e-6, CHI).section.z == pytest.approx((-0.001, 0.001))
    flat = WeakPart(0.1, 0.01, 4e-6, CHI, 4e-3).section
    assert (flat.r, flat.z) == (pytest.approx((0.098, 0.102)), pytest.approx((0.0095, 0.0105)))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((0.0, 0.0, 1e-6, CHI), "r, area and width greater than 0"),
        ((0.1, 0.0, 0.0, CHI), "r, area and width greater than 0"),
        ((0.1, float("nan"), 1e-6, CHI), "greater than 0"),
        ((0.1, 0.0, 1e-6, CHI, -1.0), "greater than 0"),
        ((0.1, 0.0, 1e-6, CHI, 0.2), "reaches across the axis"),
        ((0.1, 0.0, 1e-6, 0.2), "at most 0.1"),
        ((0.1, 0.0, 1e-6, float("nan")), "at most 0.1"),
    ],
)
def test_what_is_no_weak_part_is_refused(values: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WeakPart(*values)


@pytest.mark.parametrize(
    ("r", "z", "message"),
    [
        (0.0485, 0.0, "overlaps 'inner yoke'; it must be in the air"),
        (0.030, 0.030, "overlaps 'upper ring'"),
        (0.100, 0.0, "too far away"),
        (0.010, 0.500, "too far away"),
    ],
)
def test_a_part_must_be_in_the_air_around(r: float, z: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        effect(KBMINI, WeakPart(r, z, 1e-6, CHI))


def test_a_coil_in_the_iron_is_refused() -> None:
    with pytest.raises(ValueError, match="'coil' overlaps 'upper compensation ring'"):
        effect(
            KBMINI.with_dimensions({"coil.mean_radius": 52.6e-3, "coil.radial_width": 7e-3, "coil.height": 31e-3}),
            WeakPart(0.054, 0.03, 1e-6, CHI),
            coil_z=5e-3,
        )


def test_saturated_iron_keeps_the_symmetry() -> None:
    geometry = KBMINI.model_copy(update={"yoke_material": "steel_1010"})
    change = effect(geometry, WeakPart(0.05525, 0.0, 6.7e-3 * 30e-3, CHI, 6.7e-3), COARSE)
    assert change.force_relative == pytest.approx(change.velocity_relative, rel=1e-9)
