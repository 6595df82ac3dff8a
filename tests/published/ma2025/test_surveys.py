"""Ma2025: field around the magnet while its motor lifts it, and what an interfering magnet couples into the gap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import scenarios
from components.external_flux import ExternalFlux
from components.external_source import NearEnd
from components.interfering_magnet import Mounted, Mounting
from components.sensor_ring import SensorRing
from tests.published.values import published
from twin.signal import Constant


@pytest.fixture(scope="module")
def around() -> Any:
    """As shipped, with fewer readings."""
    return scenarios.load("tsinghua_environment_survey").with_({"campaign.cycles": 2}).run().findings


@pytest.fixture(scope="module")
def gap() -> Any:
    brief = {"campaign.read_time": 2.0, "campaign.zero_time": 4.0}
    return scenarios.load("tsinghua_gap_survey").with_(brief).run().findings


def test_fluxgates_that_stand_still(around: Any) -> None:
    """The Earth's vertical field, which the yoke distorts: the distortion is carried up with the magnet."""
    published()["ma2025.survey.static_change"].check(around["radial_static_change_T"].value)


@pytest.mark.parametrize("name", ["radial_moving", "vertical_moving"])
def test_fluxgates_that_move_along(around: Any, name: str) -> None:
    published()["ma2025.survey.co_moving_change"].check(around[f"{name}_largest_change_T"].value)


@pytest.mark.parametrize("name", ["radial_static", "radial_moving", "vertical_static", "vertical_moving"])
def test_no_step_when_the_motor_switches(around: Any, name: str) -> None:
    steps = around[f"{name}_motor_steps_T"]
    assert np.abs(np.asarray(steps.value) / np.asarray(steps.u)).max() < 4.5
    assert np.asarray(steps.u).max() < 2e-9  # it would be seen


def test_symmetries_of_an_interfering_magnet(gap: Any) -> None:
    """V beside: 0 at z = 0; H beside: largest there; V on the axis: even all around; H on the axis: no mean at all."""
    for key, expected in (
        ("v_beside_mean_at_0_T", 0.0),
        ("h_beside_peak_height_m", 0.0),
        ("h_axis_mean_where_largest_T", 0.0),
    ):
        assert abs(gap[key].value - expected) < 4 * float(gap[key].u)
    assert gap["v_beside_even_T"].value < 0.02 * gap["v_beside_odd_T"].value
    assert gap["h_beside_odd_T"].value < 0.02 * gap["h_beside_even_T"].value
    assert gap["v_axis_uniformity_T"].value < 1e-3 * abs(gap["v_axis_mean_where_largest_T"].value)
    assert gap["h_axis_half_wave_T"].value < 1e-3 * gap["h_axis_uniformity_T"].value


def test_the_yoke_remembers(gap: Any) -> None:
    """After it is removed along the axis the field does not return to zero."""
    remanent = gap["v_axis_remanent_T"]
    assert abs(remanent.value) > 20 * float(remanent.u)
    beside = gap["v_beside_remanent_T"]
    assert abs(beside.value) < 4 * float(beside.u)


def test_gamma_is_ten_times_that_at_work(gap: Any) -> None:
    """As the certificates tell, and as two surveys of one magnet do."""
    scan = {"mounting": "h_beside", "heights": [-0.05, -0.025, 0.0, 0.025, 0.05]}
    brief = {"campaign.read_time": 2.0, "campaign.zero_time": 4.0, "campaign.scans": [scan]}
    initial, working = (
        scenarios.load("tsinghua_gap_survey").ideal().with_({**brief, "balance.external_flux.permeability": mu}).run()
        for mu in (1e3, 1e4)
    )
    row, key = published()["ma2025.survey.beta_initial"], "h_beside_gamma_max"
    row.check(initial.findings[key].value / working.findings[key].value)
    row.check(gap["beta_certified"].value)


@pytest.mark.parametrize(
    ("place", "mounting"),
    [
        ("V_r160_z-90", {"direction": "vertical", "r": 0.160, "shielding": 237.0, "shielding_around": 99.0}),
        ("H_r160_z0", {"direction": "horizontal", "r": 0.160, "shielding": 963.0, "shielding_around": 401.0}),
        ("V_r0_z-140", {"direction": "vertical", "shielding": 89.6}),
        ("H_r0_z-140", {"direction": "horizontal", "shielding": 28.4}),
    ],
)
def test_shieldings_of_the_scenario_are_those_of_the_table(place: str, mounting: dict[str, Any]) -> None:
    """Ma2025's interfering magnet of its simulations, 50 mm from the yoke: its peak over its surface field is γ_max."""
    how, z = Mounting.model_validate(mounting), {"V_r160_z-90": -0.09, "H_r160_z0": 0.0}.get(place, -0.14)
    source = NearEnd(direction=how.direction, r=how.r, z=0.0, shielding=how.shielding)
    still = Constant(0.0)
    mounted = Mounted(source, how.shielding_around, still, still, still, still)
    angles = 2 * np.pi * np.arange(72) / 72
    peak = max(abs(float(mounted.let_in(a, np.array([-z]), 85e-3)[0])) for a in angles)
    limit = 0.59 / (peak / source.surface_field) * 1e-8
    published()[f"ma2025.limit.{place}"].check(limit)


def test_the_sensors_are_where_they_were() -> None:
    assert SensorRing().radius == 0.160
    assert ExternalFlux().yoke_radius == 0.110
