"""Geometry and materials: what is refused, what scales, what a hash tells apart."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from components.fields.catalogue import CATALOGUE, KBMINI, NIST4_THERMAL
from components.fields.geometry import Geometry, Part
from components.fields.materials import MATERIALS, MU0, Material, froehlich

EACH = pytest.mark.parametrize("name", sorted(CATALOGUE))


@EACH
def test_parts_do_not_overlap_and_fill_the_yoke(name: str) -> None:
    """Yoke, rings and cavities together are the solid of revolution that the outside describes."""
    geometry = CATALOGUE[name]
    parts = geometry.parts()
    assert len({part.name for part in parts}) == len(parts)
    for index, part in enumerate(parts):
        assert not any(part.overlaps(other, 0.0) for other in parts[:index])
    half, ring = 0.5 * geometry.gap_height, geometry.ring_height
    bore, chamber, gap = geometry.bore, geometry.chamber, geometry.gap
    solid = math.pi * geometry.height * (geometry.outer_radius**2 - bore**2)
    air = 2 * half * (gap[1] ** 2 - gap[0] ** 2)
    air += 2 * ring * (chamber**2 - geometry.ring[1] ** 2 + geometry.ring[0] ** 2 - bore**2)
    rings = 2 * geometry.compensation_height * ((gap[0] + geometry.compensation_width) ** 2 - gap[0] ** 2)
    assert sum(part.volume for part in parts) == pytest.approx(solid - math.pi * (air - rings), rel=1e-12)


def test_mass_of_nist4() -> None:
    """865 kg were inferred with the coil, 91 kg of it rings (Seifert2014)."""
    coil = 2 * math.pi * 0.2175 * 0.013 * 0.034 * MATERIALS["copper"].density
    assert NIST4_THERMAL.mass() + coil == pytest.approx(865, rel=0.005)
    rings = [part for part in NIST4_THERMAL.parts() if part.group == "magnet"]
    assert sum(part.volume for part in rings) * MATERIALS["SmCo"].density == pytest.approx(91, rel=0.01)


@EACH
def test_rings_are_opposed(name: str) -> None:
    assert sum(part.magnetised for part in CATALOGUE[name].parts()) == 0


@EACH
def test_inferred_dimensions_are_named_and_their_origin_is_told(name: str) -> None:
    geometry = CATALOGUE[name]
    assert geometry.inferred
    assert geometry.source
    for dimension in geometry.inferred:
        assert math.isfinite(geometry.value(dimension))


@EACH
@settings(max_examples=10)
@given(p=st.floats(0.01, 100))
def test_scaling_multiplies_every_length(name: str, p: float) -> None:
    geometry = CATALOGUE[name]
    scaled = geometry.scaled(p)
    assert scaled.mass() == pytest.approx(p**3 * geometry.mass(), rel=1e-12)
    assert scaled.coil.mean_radius == pytest.approx(p * geometry.coil.mean_radius)
    assert scaled.cap_thickness == pytest.approx(p * geometry.cap_thickness)
    assert (scaled.coil.turns, scaled.coil.fill) == (geometry.coil.turns, geometry.coil.fill)
    assert scaled.scaled(1 / p).value("gap.1") == pytest.approx(geometry.gap[1])


def test_extra_parts_scale_too() -> None:
    shim = Part(name="shim", material="iron", r=(0.08, 0.09), z=(0.0, 0.01))
    geometry = Geometry.model_validate({**KBMINI.model_dump(), "extra": (shim,)})
    assert geometry.scaled(2.0).extra[0].r == (0.16, 0.18)
    assert geometry.scaled(2.0).extra[0].z == (0.0, 0.02)


@pytest.mark.parametrize("p", [0.0, -1.0, math.nan, math.inf])
def test_a_scale_is_a_positive_number(p: float) -> None:
    with pytest.raises(ValueError, match="scale p: expected a number greater than 0"):
        KBMINI.scaled(p)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ring.1": 0.062}, "parts 'outer yoke' and 'upper ring' overlap: r 60 to 75 mm, .*r 10 to 62 mm"),
        ({"coil.radial_width": 0.02}, "the coil is outside the gap: r 45.25 to 65.25 mm"),
        ({"coil.mean_radius": 0.070}, "the coil is outside the gap"),
        ({"coil.height": 0.05}, "the coil is outside the gap.*height 50 mm, in a gap of .*height 40 mm"),
        ({"coil.height": 0.035, "coil.radial_width": 0.0121}, "the coil is outside the gap.*49.3 to 60 mm"),
        ({"gap.0": 0.061}, "gap: expected two growing radii"),
        ({"gap.1": 0.080}, "chamber_radius: expected 80 mm"),
        ({"height": 0.080}, "height: 80 mm leaves no cap"),
        ({"bore": 0.050}, "bore: 50 mm leaves nothing"),
        ({"ring.0": 0.046}, "ring: expected two growing radii"),
        ({"compensation_height": 0.0}, "expected both or neither"),
        ({"compensation_height": 0.02}, "meet in the middle"),
        ({"compensation_width": 0.012}, "overlap"),
        ({"chamber_radius": "6 kg"}, "chamber_radius: expected a quantity in m, not '6 kg'"),
        ({"outer_radius": -0.1}, "outer_radius: "),
        ({"wheels": 4}, "unknown dimension 'wheels'"),
        ({"gap.2": 1}, "unknown dimension 'gap.2'"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        KBMINI.with_dimensions(changes)
    assert "\n" not in str(error.value)


@given(
    dimension=st.sampled_from(["gap.0", "gap.1", "ring.0", "ring.1", "ring_height", "height", "bore", "coil.height"]),
    factor=st.floats(0.2, 5.0),
)
def test_a_geometry_is_sound_or_refused(dimension: str, factor: float) -> None:
    """No value makes a magnet whose parts overlap or whose coil is in the iron."""
    try:
        geometry = KBMINI.with_dimensions({dimension: factor * KBMINI.value(dimension)})
    except ValueError:
        return
    parts = (*geometry.parts(), geometry.coil_part)
    for index, part in enumerate(parts):
        assert part.volume > 0
        assert not any(part.overlaps(other, 1e-9) for other in parts[:index])
    assert geometry.gap[0] <= geometry.coil_part.r[0] < geometry.coil_part.r[1] <= geometry.gap[1]


def test_dimensions_change_together_and_may_have_units() -> None:
    changed = KBMINI.with_dimensions({"gap.0": "50 mm", "gap.1": 0.061, "chamber_radius": "6.1 cm", "coil.turns": 100})
    assert changed.gap == (0.05, 0.061)
    assert changed.chamber == pytest.approx(0.061)
    assert changed.coil.turns == 100
    assert changed.ring == KBMINI.ring


def test_unknown_material_and_zero_permeability_are_refused() -> None:
    with pytest.raises(ValidationError, match="unknown material 'cheese'; known: "):
        Geometry.model_validate({**KBMINI.model_dump(), "yoke_material": "cheese"})
    iron = {**MATERIALS["iron"].model_dump(), "permeability": 0.0}
    with pytest.raises(ValidationError, match="permeability"):
        Geometry.model_validate({**KBMINI.model_dump(), "materials": {"iron": iron}})


def test_the_digest_tells_physics_apart_and_nothing_else() -> None:
    same = Geometry.model_validate(
        {**KBMINI.model_dump(), "name": "other", "source": "", "inferred": (), "weighing_current": None}
    )
    assert same.digest() == KBMINI.digest()
    weaker = {**MATERIALS["NdFeB"].model_dump(), "remanence": 1.2}
    others = [
        KBMINI.with_dimensions({"coil.turns": 7001}),
        KBMINI.with_dimensions({"ring.1": 0.0451}),
        KBMINI.scaled(1.0001),
        Geometry.model_validate({**KBMINI.model_dump(), "materials": {"NdFeB": weaker}}),
        Geometry.model_validate({**KBMINI.model_dump(), "yoke_material": "steel_1010"}),
    ]
    assert len({KBMINI.digest(), *(other.digest() for other in others)}) == 6


# --- materials -------------------------------------------------------------------------------------------------------


def test_every_material_has_a_source() -> None:
    for name, material in MATERIALS.items():
        assert material.name == name
        assert material.source


def test_kbminis_magnets_have_the_printed_coercivity() -> None:
    """Li2026: about 1000 kA/m."""
    assert MATERIALS["NdFeB"].coercivity == pytest.approx(1e6)


@pytest.mark.parametrize(
    ("bh", "message"),
    [
        (((0, 0), (1, 1)), "at least 3 rows"),
        (((1, 0), (2, 1), (3, 2)), r"the first \(0, 0\)"),
        (((0, 0), (2, 1), (1, 2)), "in which H and B grow"),
        (((0, 0), (2, 1), (3, 1)), "in which H and B grow"),
        (((0, 0), (2, 1), (1e7, 1.1)), "nowhere less steep than vacuum"),
    ],
)
def test_a_bh_table_must_be_possible(bh: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Material(name="x", conductivity=1, density=1, heat_capacity=1, bh=bh)


def test_froehlichs_curve_starts_and_ends_as_asked() -> None:
    table = froehlich(800.0, 2.0)
    (h, b), (far_h, far_b) = table[1], table[-1]
    assert b / (MU0 * h) == pytest.approx(800, rel=0.02)
    assert far_b - MU0 * far_h == pytest.approx(2.0, rel=1e-3)


def test_a_material_is_changed_like_a_dimension() -> None:
    changed = KBMINI.with_dimensions({"yoke_material": "iron_annealed", "ring_material": "SmCo", "ring_height": 0.019})
    assert (changed.yoke_material, changed.ring_material, changed.ring_height) == ("iron_annealed", "SmCo", 0.019)
    assert changed.digest() != KBMINI.with_dimensions({"ring_height": 0.019}).digest()
    with pytest.raises(ValueError, match="unknown material 'cheese'"):
        KBMINI.with_dimensions({"yoke_material": "cheese"})
    with pytest.raises(ValueError, match="ring_material: expected a permanent magnet"):
        KBMINI.with_dimensions({"ring_material": "iron"})
    with pytest.raises(ValueError, match="inferred: 'yoke_material' is no dimension"):
        Geometry.model_validate({**KBMINI.model_dump(), "inferred": ["yoke_material"]})
