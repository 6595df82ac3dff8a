"""The magnet: one profile in three notations, materials, temperature, size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from components.coil import Coil
from components.fields.named import named_geometry
from components.fields.profile import profile
from components.magnet import MATERIALS, Magnet
from tests.components.bench import path
from twin.errors import SimulationError
from twin.fault import PlannedFault
from twin.field import Field
from twin.piece import ramp
from twin.signal import Constant, Signal
from twin.times import NS

CUBIC = Magnet(bl=700.0, profile=[0.3, -20.0, 500.0])
Z = np.linspace(-0.02, 0.02, 6)
VALUES = 700.0 * (1 + 0.3 * Z - 20.0 * Z**2 + 500.0 * Z**3)
TABLE = [(float(z), float(bl)) for z, bl in zip(Z, VALUES, strict=True)]
WITHIN = st.floats(-0.02, 0.02)


def field(magnet: Magnet, rise: Signal | float = 0.0) -> Field:
    return magnet.signals(temperature_rise=Constant(rise) if isinstance(rise, float) else rise)["field"]


def bl(magnet: Magnet, z: float, rise: Signal | float = 0.0) -> float:
    return float(field(magnet, rise).at(Constant(z))(0.0))


def flux(magnet: Magnet, z: float) -> float:
    return float(field(magnet).integral(Constant(z))(0.0))


def of_file(folder: Path, **parameters: Any) -> Magnet:
    file = folder / "profile.csv"
    file.write_text("# z (m), Bl (T·m)\n" + "\n".join(f"{z!r},{bl!r}" for z, bl in TABLE), encoding="utf-8")
    return Magnet(profile_file=file, **parameters)


# --- the profile -----------------------------------------------------------------------------------------------------


def test_polynomial_table_and_file_give_the_same_field(tmp_path: Path) -> None:
    """Six points of a cubic: the spline is that cubic."""
    for other in (Magnet(table=TABLE), of_file(tmp_path)):
        for z in np.linspace(-0.02, 0.02, 13):
            assert bl(other, z) == pytest.approx(bl(CUBIC, z), rel=1e-13)
            assert flux(other, z) == pytest.approx(flux(CUBIC, z), rel=1e-12, abs=1e-13)


def test_the_polynomial_is_what_its_coefficients_say() -> None:
    assert bl(CUBIC, 0.0) == 700.0
    assert bl(CUBIC, 0.01) == pytest.approx(700.0 * (1 + 0.003 - 0.002 + 0.0005), rel=1e-15)
    assert bl(Magnet(bl=700.0), 0.3) == 700.0


@pytest.mark.parametrize("magnet", [CUBIC, Magnet(table=TABLE)], ids=["polynomial", "table"])
def test_the_flux_is_the_integral_of_the_field_and_its_slope_the_derivative(magnet: Magnet) -> None:
    x, w = np.polynomial.legendre.leggauss(6)
    for z in (-0.018, 0.004, 0.015):
        exact = 0.5 * z * sum(b * bl(magnet, 0.5 * z * (a + 1)) for a, b in zip(x, w, strict=True))
        assert flux(magnet, z) == pytest.approx(exact, rel=1e-11)
        ahead, behind = bl(magnet, z + 1e-3) - bl(magnet, z - 1e-3), bl(magnet, z + 5e-4) - bl(magnet, z - 5e-4)
        numerical = (8 * behind - ahead) / 6e-3  # of fourth order: exact for a cubic
        assert float(field(magnet).shape.slope(np.array(z))) == pytest.approx(numerical, rel=1e-9)
    assert flux(magnet, 0.0) == 0.0


def test_bl_beside_a_table_is_refused(tmp_path: Path) -> None:
    """Which of the two holds would be a guess; a bl that another file gave must not rescale a table."""
    with pytest.raises(ValidationError, match="not both; set one of them to null"):
        Magnet(bl=350.0, table=TABLE)
    with pytest.raises(ValidationError, match="not both; set one of them to null"):
        of_file(tmp_path, bl=350.0)


def test_a_profile_that_makes_bl_vanish_is_an_error_not_a_mass() -> None:
    magnet = Magnet(bl=1400.0, profile=[0.0, -8.34]).named("magnet")
    assert bl(magnet, 0.01) > 0
    with pytest.raises(SimulationError, match="magnet: the profile makes Bl vanish"):
        bl(magnet, 1.0)


@pytest.mark.parametrize("z", [-0.0201, 0.0201])
def test_leaving_the_table_is_an_error_that_says_where(z: float) -> None:
    magnet = Magnet(table=TABLE).named("magnet")
    with pytest.raises(SimulationError, match=r"magnet: the coil leaves the table of Bl: .*-0.02 to 0.02 m"):
        bl(magnet, z)
    with pytest.raises(SimulationError, match="leaves the table"):
        flux(magnet, z)
    assert bl(magnet, 0.02) == pytest.approx(VALUES[-1], rel=1e-14)  # its ends belong to it


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "expected bl, a table, a profile_file or a geometry"),
        ({"geometry": "kbmini", "bl": 1.0}, "not both"),
        ({"geometry": "kbmini", "profile": [0.1]}, "expected one of"),
        ({"geometry": "kbmimi"}, "expected a magnet"),
        ({"geometry": "kbmini", "dimensions": {"bore": "-1 mm"}}, "bore"),
        ({"bl": 1.0, "dimensions": {"bore": "1 mm"}}, "there is none"),
        ({"bl": 1.0, "size": 2.0}, "there is none"),
        ({"bl": 1.0, "profile": [0.1], "table": TABLE}, "expected one of"),
        ({"profile": [0.1], "profile_file": "a.csv", "bl": 1.0}, "expected one of"),
        ({"table": TABLE[:3]}, "at least four pairs"),
        ({"table": [*TABLE, TABLE[-1]]}, "rising z"),
        ({"bl": -1.0}, "greater than 0"),
        ({"bl": 1.0, "material": "AlNiCo"}, "SmCo"),
    ],
)
def test_a_magnet_without_one_clear_profile_is_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Magnet(**parameters)


def test_a_table_need_not_hold_the_symmetry_plane() -> None:
    beside = [(z + 0.03, value) for z, value in TABLE]
    assert bl(Magnet(table=beside), 0.03) == pytest.approx(700.0, rel=1e-13)


@pytest.mark.parametrize("text", ["", "0,1\n1,2\n", "a,b\n" * 5, "0\n1\n2\n3\n4\n", "0,1\n1,2\n1,3\n2,4\n"])
def test_a_file_that_is_no_table_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SimulationError, match=r"bad\.csv is no table of z"):
        bl(Magnet(profile_file=file), 0.0)
    with pytest.raises(SimulationError, match=r"none\.csv is no table of z"):
        bl(Magnet(profile_file=tmp_path / "none.csv"), 0.0)


# --- material and temperature ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("material", "field_T", "alpha"),
    [("SmCo", 0.45, -3e-4), ("NdFeB", 0.59, -1e-3), ("SmCoGd", 0.45, -1e-5), ("SmCo-shunt", 0.45, -1e-6)],
)
def test_a_material_sets_field_and_temperature_coefficient(material: Any, field_T: float, alpha: float) -> None:
    """Liu2025, sec. 2."""
    magnet = Magnet(bl=450.0, native_material="SmCo", material=material)
    assert bl(magnet, 0.0) == pytest.approx(1000.0 * field_T, rel=1e-15)
    assert magnet.alpha == alpha
    assert bl(magnet, 0.0, 2.0) == pytest.approx(1000.0 * field_T * (1 + 2 * alpha), rel=1e-15)
    assert set(MATERIALS) == {"SmCo", "NdFeB", "SmCoGd", "SmCo-shunt"}


def test_the_native_material_is_what_bl_holds_for() -> None:
    native = Magnet(bl=1400.0, native_material="NdFeB")
    assert (bl(native, 0.0), native.alpha) == (1400.0, -1e-3)
    other = Magnet(bl=1400.0, native_material="NdFeB", material="SmCo")
    assert bl(other, 0.0) == pytest.approx(1400.0 * 0.45 / 0.59, rel=1e-15)
    assert other.alpha == -3e-4


@pytest.mark.parametrize("alpha", [-5.8e-4, 0.0])
def test_an_explicit_coefficient_wins_and_leaves_the_field_of_the_material(alpha: float) -> None:
    magnet = Magnet(bl=450.0, material="NdFeB", temperature_coefficient=alpha)
    assert magnet.alpha == alpha
    assert bl(magnet, 0.0, 3.0) == pytest.approx(590.0 * (1 + 3 * alpha), rel=1e-15)


def test_the_field_follows_the_temperature_in_time_everywhere_alike() -> None:
    warming = path(ramp(0.0, 10.0, 0, 10 * NS))
    at = field(CUBIC.model_copy(update={"temperature_coefficient": -1e-3}), warming).at(Constant(0.01))
    t = np.array([0.0, 2.5, 10.0])
    assert at(t) == pytest.approx(bl(CUBIC, 0.01) * (1 - 1e-3 * t), rel=1e-14)


def test_without_coefficient_the_temperature_has_no_influence() -> None:
    assert CUBIC.neutral_inputs() == frozenset()
    ideal = CUBIC.ideal()
    assert ideal.alpha == 0.0
    assert ideal.neutral_inputs() == {"temperature_rise"}
    assert bl(ideal, 0.01, 50.0) == bl(CUBIC, 0.01)


# --- iron and stray field --------------------------------------------------------------------------------------------


def test_iron_nearby_changes_the_field_while_it_is_there() -> None:
    magnet = CUBIC.model_copy().named("magnet")
    magnet.plan_faults([PlannedFault("iron", 2 * NS, 5 * NS, 1e-4)])
    made = field(magnet)
    t = np.array([1.0, 2.0, 4.9, 5.0])
    there = np.array([0.0, 1.0, 1.0, 0.0])
    for of in (made.at, made.integral):
        before = float(of(Constant(0.01))(0.0))
        assert of(Constant(0.01))(t) / before - 1 == pytest.approx(1e-4 * there, rel=1e-9, abs=1e-15)
    # Where the flux is counted from, the jump induces nothing.
    assert np.all(made.integral(Constant(0.0))(t) == 0.0)


def test_the_stray_field_at_the_mass_is_an_output() -> None:
    made = Magnet(bl=700.0, stray_field=45e-6, stray_gradient=-3e-4).signals(temperature_rise=Constant(0.0))
    assert made["stray_field"](0.0) == 45e-6
    assert made["stray_gradient"](0.0) == -3e-4
    ideal = Magnet(bl=700.0, stray_field=45e-6, stray_gradient=-3e-4).ideal()
    assert (ideal.stray_field, ideal.stray_gradient) == (0.0, 0.0)
    half = Magnet(bl=700.0, stray_field=45e-6, stray_gradient=-3e-4).scaled(0.5)
    assert (half.stray_field, half.stray_gradient) == (45e-6, -6e-4)


# --- size ------------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.floats(0.05, 3.0), WITHIN)
def test_scaling_stretches_the_profile(p: float, z: float) -> None:
    """Bl(z) → p Bl(z/p), for every notation."""
    for magnet in (CUBIC, Magnet(table=TABLE)):
        inside = min(max(p * z, -0.02 * p), 0.02 * p)
        assert bl(magnet.scaled(p), inside) == pytest.approx(p * bl(magnet, z), rel=1e-12)


def test_scaling_reads_the_file_and_keeps_material_and_coefficient(tmp_path: Path) -> None:
    magnet = of_file(tmp_path, material="NdFeB", diameter=0.6, mass=850.0)
    small = magnet.scaled(0.5)
    assert bl(small, 0.005) == pytest.approx(0.5 * bl(magnet, 0.01), rel=1e-13)
    assert small.alpha == -1e-3
    assert small.diameter == 0.3
    assert small.mass == pytest.approx(850.0 / 8)


def test_a_magnet_of_a_geometry_has_the_field_that_was_computed() -> None:
    """Bl and flux of the profile; twice as large in all dimensions the field is the same at twice the distance."""
    computed = profile(named_geometry("small_magnet"))
    magnet = Magnet(geometry="small_magnet").named("magnet")
    z = np.linspace(-3e-3, 3e-3, 11)
    for size in (1.0, 2.0):
        shape = magnet.scaled(size)._shape()
        assert shape.value(size * z) == pytest.approx(size * computed.bl_at(z), rel=1e-14)
        flux = computed.flux(z) - computed.flux_at_zero
        assert shape.integral(size * z) == pytest.approx(size**2 * flux, rel=1e-12, abs=1e-15)
        slope = (shape.value(size * z + 1e-7) - shape.value(size * z - 1e-7)) / 2e-7
        assert shape.slope(size * z) == pytest.approx(slope, rel=1e-6, abs=1e-3)
    assert magnet.alpha == computed.temperature_coefficient
    assert magnet.model_copy(update={"temperature_coefficient": -1e-5}).alpha == -1e-5
    assert magnet.model_copy(update={"material": "SmCo"}).alpha == -3e-4
    same = Magnet(geometry="small_magnet", material="NdFeB").named("magnet")  # of which its rings are
    assert np.array_equal(field(same).at(Constant(0.0))(0.0), field(magnet).at(Constant(0.0))(0.0))
    with pytest.raises(SimulationError, match="leaves the table of Bl"):
        magnet._shape().value(np.array([computed.reach * 1.01]))


def test_a_coil_of_a_geometry_knows_its_inductance() -> None:
    """What is stated stays; the rest is that of the profile."""
    computed = profile(named_geometry("small_magnet"))
    coil = Coil(resistance=1.0, geometry="small_magnet", gap_radius=0.02)
    assert coil.inductance == float(computed.inductance_at(0.0))
    assert coil.inductance_curvature == computed.k
    assert (coil.gap_radius, coil.gap_area) == (0.02, computed.gap_width * computed.magnetic_height)
    with pytest.raises(ValueError, match="there is none"):
        Coil(resistance=1.0, dimensions={"bore": 0.01})
    with pytest.raises(ValueError, match="expected a magnet"):
        Coil(resistance=1.0, geometry="none")
