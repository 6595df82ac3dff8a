"""External flux: what the yoke lets in, and what a moving magnet makes of it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from components.fields.catalogue import TSINGHUA
from components.fields.external import ExternalFlux, NearSource, far_vertical, near_source, permeability_changed
from components.fields.geometry import Geometry
from components.fields.magnetostatics import Mesh
from components.fields.materials import MU0

COARSE = Mesh(order=2, corner=0.03, edge=0.4, gap=0.25, growth=0.8, boundary=12.0)
FIELD = 48e-6


def source(direction: str, r: float, z: float) -> NearSource:
    """Ma2025's interfering magnet: 30 mm in diameter, 10 mm high."""
    return NearSource.model_validate({"direction": direction, "r": r, "z": z})


def coupled(direction: str, r: float, z: float) -> float:
    """The mean field it couples into the gap's symmetry plane (T)."""
    return float(near_source(TSINGHUA, source(direction, r, z), COARSE).gap_field(0.0))


@pytest.fixture(scope="module")
def far() -> ExternalFlux:
    return far_vertical(TSINGHUA, FIELD, COARSE)


@pytest.fixture(scope="module")
def near() -> ExternalFlux:
    return near_source(TSINGHUA, source("vertical", 0.0, -0.15), COARSE)


# --- uniform ---------------------------------------------------------------------------------------------------------


def test_the_coupled_field_is_odd_and_linear(far: ExternalFlux) -> None:
    """Ma2025 eq. 10: ``a z``, 0 in the symmetry plane."""
    z = np.linspace(-5e-3, 5e-3, 11)
    assert far.gap_field(z) == pytest.approx(far.slope() * z, rel=0.02, abs=1e-14)
    assert far.slope() > 0


def test_it_is_proportional_to_the_field(far: ExternalFlux) -> None:
    assert far_vertical(TSINGHUA, -3 * FIELD, COARSE).slope() == pytest.approx(-3 * far.slope(), rel=1e-9)


def test_it_is_inversely_proportional_to_the_permeability(far: ExternalFlux) -> None:
    """Ma2025: about ten times as much with the yoke's initial permeability."""
    initial = far_vertical(permeability_changed(TSINGHUA, 1000.0), FIELD, COARSE)
    assert initial.slope() / far.slope() == pytest.approx(10, rel=0.05)


def test_without_iron_the_field_is_uniform() -> None:
    empty = far_vertical(permeability_changed(TSINGHUA, 1.0), FIELD, COARSE)
    coil = TSINGHUA.coil
    area = math.pi * (coil.mean_radius**2 + coil.radial_width**2 / 12)
    for z_coil, z_magnet in ((0.0, 0.0), (0.01, -0.004)):
        assert empty.flux(z_coil, z_magnet) == pytest.approx(-FIELD * area * coil.turns, rel=1e-9)
    assert empty.gap_field(0.01) == pytest.approx(0.0, abs=1e-9 * FIELD)


def test_a_moving_magnet_sees_of_a_field_what_is_not_uniform(near: ExternalFlux) -> None:
    """ε is what the source would change if it moved instead, the other way; and less, the more uniform its field is.

    On the axis of a disc of radius a, B goes as (z² + a²)^(−3/2), and so nearly does the linkage: relative to it, ε Bl
    is 3 z/(z² + a²).
    """
    step, bl, wide = 1e-3, 400.0, {"direction": "vertical", "radius": 0.3, "height": 0.02}

    def flux(z: float) -> float:
        return near_source(TSINGHUA, source("vertical", 0.0, -0.15 + z), COARSE).flux(0.0, 0.0)

    assert near.error(bl, 0.0, 0.0, step) == pytest.approx((flux(step) - flux(-step)) / (2 * step) / bl, rel=1e-3)
    for z in (0.3, 1.2):
        found = near_source(TSINGHUA, NearSource.model_validate({**wide, "z": -z}), COARSE)
        share = abs(found.error(bl, 0.0, 0.0, step) * bl / found.flux(0.0, 0.0))
        assert share == pytest.approx(3 * z / (z**2 + 0.3**2), rel=0.05)


def test_a_uniform_field_is_the_limit_of_far_sources(far: ExternalFlux) -> None:
    """Per field at the magnet, a disc far away couples into the gap as a uniform field does, and makes no error."""
    z = 3.0
    disc = NearSource.model_validate({"direction": "vertical", "z": -z, "radius": 0.3, "height": 0.02})
    found = near_source(TSINGHUA, disc, replace(COARSE, boundary=60.0))
    moment = disc.remanence * math.pi * disc.radius**2 * disc.height  # times 1/µ0
    field = moment / (2 * math.pi * z**3)
    downward = -field
    slope = far.slope() * downward / FIELD
    step = 2e-3
    bent = float(found.gap_field(step) - found.gap_field(-step)) / (2 * step)
    assert bent == pytest.approx(slope, rel=0.1)
    assert far.error(400.0, 1e-3, 1e-3) == 0.0


# --- near ------------------------------------------------------------------------------------------------------------


def test_a_source_in_the_room_does_not_cancel(near: ExternalFlux) -> None:
    """ε is minus the co-translation derivative of λ_ext, here from both partial derivatives one by one."""
    step, bl = 1e-3, 400.0
    by_coil = (near.flux(step, 0.0) - near.flux(-step, 0.0)) / (2 * step)
    by_magnet = (near.flux(0.0, step) - near.flux(0.0, -step)) / (2 * step)
    error = near.error(bl, 0.0, 0.0, step)
    assert error == pytest.approx(-(by_coil + by_magnet) / bl, rel=0.01)
    assert abs(error) > 1e-9


def test_the_force_sees_the_derivative_by_the_coil(near: ExternalFlux) -> None:
    step, wire = 1e-4, 2 * math.pi * TSINGHUA.coil.mean_radius * TSINGHUA.coil.turns
    by_coil = (near.flux(step, 0.0) - near.flux(-step, 0.0)) / (2 * step)
    assert near.gap_field(0.0) * wire == pytest.approx(by_coil, rel=1e-4)


def test_sources_below_and_above_act_oppositely(near: ExternalFlux) -> None:
    """The mirror image turns B_z over to B_z and z to −z: λ stays, its derivative changes sign."""
    above = near_source(TSINGHUA, source("vertical", 0.0, 0.15), COARSE)
    assert above.flux(2e-3, 0.0) == pytest.approx(near.flux(-2e-3, 0.0), rel=1e-6)
    assert above.gap_field(1e-3) == pytest.approx(-near.gap_field(-1e-3), rel=1e-5)


def test_it_falls_with_the_distance(near: ExternalFlux) -> None:
    farther = near_source(TSINGHUA, source("vertical", 0.0, -0.25), COARSE)
    assert abs(farther.gap_field(0.0)) < 0.5 * abs(near.gap_field(0.0))


@pytest.mark.parametrize(("direction", "r"), [("vertical", 0.0), ("vertical", 0.25), ("horizontal", 0.25)])
def test_without_iron_it_is_a_dipole(direction: str, r: float) -> None:
    """Its mean flux through the coil, by reciprocity that of the coil's field at the dipole: m·B per ampere.

    On the axis and beside it; 0.5 % for the sizes of magnet and coil.
    """
    from scipy.special import ellipe, ellipk

    z, a = -0.4, TSINGHUA.coil.mean_radius
    magnet = source(direction, r, z)
    mesh = replace(COARSE, boundary=100.0)
    found = near_source(permeability_changed(TSINGHUA, 1.0), magnet, mesh).flux(0.0, 0.0)
    moment = magnet.remanence / MU0 * math.pi * magnet.radius**2 * magnet.height
    m = 4 * a * r / ((a + r) ** 2 + z**2)  # field of a loop (Smythe)
    root, far = math.hypot(a + r, z), (a - r) ** 2 + z**2
    if direction == "vertical":
        field = (ellipk(m) + (a**2 - r**2 - z**2) / far * ellipe(m)) / root
    else:
        field = z / r / root * (-ellipk(m) + (a**2 + r**2 + z**2) / far * ellipe(m))
    assert found == pytest.approx(moment * MU0 / (2 * math.pi) * field * TSINGHUA.coil.turns, rel=0.005)


# --- what Ma2025 finds of near sources, sec. IV ----------------------------------------------------------------------


def test_vertical_beside_the_magnet_is_antisymmetric_in_its_height() -> None:
    assert coupled("vertical", 0.175, 0.04) == pytest.approx(-coupled("vertical", 0.175, -0.04), rel=1e-6)
    assert abs(coupled("vertical", 0.175, 0.0)) < 1e-6 * abs(coupled("vertical", 0.175, 0.04))


def test_horizontal_beside_the_magnet_is_symmetric_and_largest_in_the_middle() -> None:
    middle = coupled("horizontal", 0.175, 0.0)
    assert coupled("horizontal", 0.175, 0.05) == pytest.approx(coupled("horizontal", 0.175, -0.05), rel=1e-6)
    assert abs(middle) > abs(coupled("horizontal", 0.175, 0.05)) > abs(coupled("horizontal", 0.175, 0.15))


def test_horizontal_on_the_axis_is_nothing() -> None:
    assert coupled("horizontal", 0.0, -0.14) == pytest.approx(0.0, abs=1e-20)


@pytest.mark.parametrize("r", [0.0, 0.009, 0.02, 0.175])
def test_the_azimuthal_mean_keeps_the_moment(r: float) -> None:
    """``∫ 2πr ⟨B_m⟩ dr`` is the remanence times the disc's area."""
    magnet = source("vertical", r, -0.2)
    edges = magnet.section(0.0).r
    x = np.linspace(*edges, 200_001)[1:-1]
    integral = float(np.mean(2 * math.pi * x * magnet.mean_remanence(x)) * (edges[1] - edges[0]))
    assert integral == pytest.approx(magnet.remanence * math.pi * 0.015**2, rel=1e-4)


def test_a_source_in_the_iron_is_refused() -> None:
    meets = near_source(TSINGHUA, source("vertical", 0.0, -0.096), COARSE)
    assert math.isfinite(meets.flux(0.0, 0.0))
    with pytest.raises(ValueError, match="the source meets 'lower cap'"):
        meets.flux(0.0, -0.01)


def test_the_iron_alone_is_changed() -> None:
    changed = permeability_changed(TSINGHUA, 1234.0)
    assert isinstance(changed, Geometry)
    assert changed.material(changed.yoke_material).permeability == 1234.0
    assert changed.parts()[0].r == TSINGHUA.parts()[0].r
