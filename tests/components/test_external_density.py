"""What sources do at a place: in the gap with the mean that the coil's flux linkage has, and beside the yoke."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.external_density import densities
from components.external_flux import ExternalFlux
from components.flux_density import FluxDensity
from tests.components.test_external_flux import ALL, BESIDE, EARTH, MOTOR, ON_AXIS, flux, mean_field, signal
from twin.errors import SimulationError
from twin.signal import Constant, Signal

GAP, BESIDE_IT = 85e-3, 160e-3
ANGLES = 2 * np.pi * np.arange(72) / 72


def density(part: ExternalFlux, where: str, z_magnet: Signal | float = 0.0, energised: float = 1.0) -> FluxDensity:
    made = part.signals(magnet_position=signal(z_magnet), energised=Constant(energised), stage=Constant(0.0))
    found: FluxDensity = made[f"{where}_density"]
    return found


def around(found: FluxDensity, radius: float, z: float, axis: Any = "radial") -> np.ndarray:
    return np.array([float(found.at(radius, a, Constant(z), axis)(0.0)) for a in ANGLES])


# --- in the gap ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("z", [0.0, 4e-3])
def test_its_mean_in_the_gap_is_that_of_the_linkage(name: str, z: float) -> None:
    part = flux(**{name: ALL[name]})
    assert around(density(part, "gap"), GAP, z).mean() == pytest.approx(mean_field(part, name, z), rel=1e-6, abs=1e-15)


@pytest.mark.parametrize("name", ALL)
def test_around_it_is_the_distribution(name: str) -> None:
    part = flux(**{name: ALL[name]})
    assert around(density(part, "gap"), GAP, 0.0) == pytest.approx(
        part.distribution(name).at(ANGLES), rel=1e-3, abs=1e-13
    )


def test_the_yoke_keeps_a_share_in_the_gap() -> None:
    course = {"schedule": [(0.0, 0.0), (10.0, 1.0), (20.0, 0.0)]}
    found = density(flux(s={**ON_AXIS, "course": course, "retained": 0.2}), "gap").at(GAP, 0.3, Constant(0.0), "radial")
    full = mean_field(flux(s=ON_AXIS), "s")
    assert found(np.array([10.0, 25.0])) == pytest.approx([full, 0.2 * full], rel=1e-6)


def test_a_source_without_coupling_is_not_known_in_the_gap() -> None:
    part = ExternalFlux(geometry="tsinghua", sources={"s": {**ON_AXIS, "attenuation": None}})
    inputs = {"magnet_position": Constant(0.0), "energised": Constant(1.0), "stage": Constant(0.0)}
    probe = densities(part, inputs)["gap_density"].at(GAP, 0.0, Constant(0.0), "radial")
    with pytest.raises(SimulationError, match="in the gap is not known: a near source needs its attenuation"):
        probe(0.0)


# --- beside the yoke -------------------------------------------------------------------------------------------------


def test_far_away_the_yoke_is_not_seen() -> None:
    part = flux(earth={**EARTH, "azimuth": 0.4})
    found = density(part, "outside")
    assert around(found, 5.0, 0.3) == pytest.approx(-28e-6 * np.cos(ANGLES - 0.4), abs=2e-9)
    assert around(found, 5.0, 0.3, "vertical") == pytest.approx(np.full(72, -48e-6), abs=2e-9)


def test_a_uniform_field_changes_for_sensors_at_rest_and_not_for_those_that_move_along() -> None:
    part, change = flux(earth=EARTH), []
    for carried in (0.0, 1.0):
        ends = [around(density(part, "outside", z), BESIDE_IT, carried * z) for z in (-5e-3, 5e-3)]
        change.append(ends[1] - ends[0])
    assert change[0] == pytest.approx(np.full(72, change[0][0]), rel=1e-9)  # of the vertical field alone
    assert -4e-6 < change[0][0] < -2.5e-6
    assert np.abs(change[1]).max() == 0.0


def test_near_it_is_the_source_and_what_its_field_induces() -> None:
    """A source as far away as it is weak looks like a uniform field; the yoke then answers alike."""
    far_off = {**BESIDE, "r": 60.0, "z": 0.0, "azimuth": 0.0, "remanence": 1e3}
    part = flux(s=far_off)
    source: Any = part.sources["s"]
    uniform = -float(source.free_field(0.0, 0.0, 0.0)[0])
    same = flux(s={"kind": "far", "horizontal": uniform})
    found, expected = (around(density(p, "outside"), BESIDE_IT, 0.02) for p in (part, same))
    assert found == pytest.approx(expected, abs=0.02 * abs(uniform))
    assert np.abs(found).max() > 1.4 * abs(uniform)


def test_the_magnets_own_leakage_goes_with_the_inverse_permeability_and_moves_along() -> None:
    working, initial = (flux(more={"leakage_multipoles": [40e-6], "permeability": mu}) for mu in (1e4, 1e3))
    own, more = (around(density(p, "outside"), BESIDE_IT, 0.01) for p in (working, initial))
    assert more == pytest.approx(10 * own, rel=1e-12)
    assert around(density(working, "outside", 3e-3), BESIDE_IT, 0.013) == pytest.approx(own, rel=1e-12)
    assert "magnet_position" not in working.neutral_inputs()
    assert working.ideal().leakage_multipoles == []


def test_a_motor_is_seen_while_it_is_switched_on() -> None:
    part = flux(motor=MOTOR)
    on, off = (around(density(part, "outside", energised=e), BESIDE_IT, 0.0) for e in (1.0, 0.0))
    assert np.abs(off).max() == 0.0
    assert np.abs(on).max() > 1e-7


def test_too_near_the_yoke_is_an_error() -> None:
    with pytest.raises(SimulationError, match=r"is known from 0.143 m from its axis on, not at 0.12 m"):
        around(density(flux(earth=EARTH), "outside"), 0.12, 0.0)
