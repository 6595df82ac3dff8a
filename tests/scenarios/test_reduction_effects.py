"""Each effect alone: its analytic bias uncorrected, nothing left corrected; and drifts of tare and Bl."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from components.air import air_density
from scenarios.reduction import ReductionError, reduce
from scenarios.reduction.corrections import UNCORRECTED
from scenarios.reduction.interpolation import interpolation
from tests.scenarios.test_reduction_run import (
    AIR,
    CURRENT,
    CYCLE,
    MID_WEIGHING,
    SCHEMES,
    Run,
    by_phase,
    error,
    settings,
)
from twin.recorder import Blocks

UNCOMPENSATED = settings({"temperature": False})
EFFECTS = {
    "temperature": (Run(alpha=-1e-3, rise=by_phase(1e-3, 3e-3)), -2e-6),
    "reluctance": (Run(bl=(1400.0,), k=500.0, z_on=2e-5, z_off=-3e-5), 500.0 * 5e-5 * CURRENT**2 / 9.80),
    "quadratic_current": (Run(beta=-0.5), 0.5 * CURRENT**2),
    "buoyancy": (Run(air=AIR), -float(air_density(*AIR)) / 8000.0),
    "voltmeter_calibration": (Run(gain_current=1 + 3e-6, gain_induced=1 + 2e-6), 5e-6),
    "resistor_drift": (Run(drift=1e-9, cycles=1), 1e-9 * MID_WEIGHING),
}


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_effect_gives_its_bias_uncorrected_and_none_corrected(effect: str, scheme: str) -> None:
    run, bias = EFFECTS[effect]
    assert error(run, settings({effect: False}, weighing_scheme=scheme)) == pytest.approx(bias, rel=1e-3)
    assert abs(error(run, settings({effect: True}, weighing_scheme=scheme))) < 1e-12


@pytest.mark.parametrize("effect", EFFECTS)
def test_a_correction_reports_its_size_and_its_absence_enters_the_budget(effect: str) -> None:
    run, bias = EFFECTS[effect]
    on = reduce(run.blocks(), run.certificates(), settings({effect: True}))
    off = reduce(run.blocks(), run.certificates(), settings({effect: False}))
    name = UNCORRECTED[effect]
    assert on.corrections[effect] == pytest.approx(-bias, rel=1e-3)
    assert effect not in off.corrections
    assert off.type_b[name] == pytest.approx(abs(bias), rel=1e-3)
    assert off.u_relative >= abs(bias) * 0.999
    assert name not in on.type_b
    assert on.mass_kg == pytest.approx(off.mass_kg * (1 + on.corrections[effect]), rel=1e-12)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_more_bl_in_weighing_than_in_velocity_makes_the_mass_too_small(scheme: str) -> None:
    run = Run(alpha=1.0, rise=by_phase(1e-6, 0.0))
    assert error(run, settings({"temperature": False}, weighing_scheme=scheme)) == pytest.approx(-1e-6, rel=1e-4)


def test_reluctance_counts_from_the_symmetry_plane() -> None:
    run = Run(bl=(1400.0,), k=500.0, z_on=5e-5, z_off=5e-5, tare_share=0.4)
    right = abs(error(run))
    assert right < 1e-12
    wrong = error(run, magnetic_centre=1e-4)
    currents = [(1 - tare) * 9.80 / 1400.0 for tare in (0.4, 1.4)]
    assert wrong == pytest.approx(500 * 1e-4 * (currents[0] ** 2 - currents[1] ** 2) / 9.80, rel=1e-3)


def test_a_displacement_on_a_slope_is_followed_by_the_profile() -> None:
    run = Run(z_on=5e-5, z_off=-2e-5, tare_share=0.3)
    assert abs(error(run)) < 1e-13
    with pytest.raises(ReductionError, match="profile of order 0 does not follow the field"):
        error(run, settings(profile_order=0))
    level = dataclasses.replace(run, bl=(1400.0,))
    assert abs(error(level, settings(profile_order=0))) < 1e-13


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("order", ["alternating", "abba"])
def test_a_linear_drift_of_the_tare_cancels(scheme: str, order: str) -> None:
    run = Run(tare_drift=lambda t: 1e-3 * t / CYCLE, order=order)
    assert abs(error(run, settings(weighing_scheme=scheme))) < 1e-13


def test_a_linear_drift_of_bl_is_interpolated_even_past_the_ends() -> None:
    run = Run(alpha=-1e-3, rise=lambda t: 1e-2 * t / CYCLE)
    assert abs(error(run, UNCOMPENSATED)) < 1e-12
    alone = dataclasses.replace(run, cycles=1)  # one group holds throughout
    result = reduce(alone.blocks(), alone.certificates(), UNCOMPENSATED)
    apart = result.velocity[0].time - result.cycles[0].time_s
    assert result.mass_kg - 1 == pytest.approx(-1e-5 * apart / CYCLE, rel=1e-3)


def test_a_polynomial_bl_drift_takes_its_order() -> None:
    run = Run(cycles=5, alpha=-1e-3, rise=lambda t: 1e-3 * (t / CYCLE) ** 2)
    sweeps = np.arange(run.sweeps) / run.sweeps / 2  # in cycles
    within = -1e-6 * sweeps.var()  # what Bl curves within a group stays
    alone = {"temperature": False, "offset_drift": False}  # a drift of the offset would take a little of it
    chosen = settings(alone, bl_interpolation="polynomial", bl_drift_order=2)
    assert error(run, chosen) == pytest.approx(within, rel=1e-3)
    assert abs(error(run, UNCOMPENSATED) - within) > abs(within)
    assert abs(error(Run(cycles=5), settings(bl_interpolation="polynomial", bl_drift_order=0))) < 1e-14


def test_thermometer_readings_of_the_velocity_phase_are_averaged_and_those_of_the_weighing_interpolated() -> None:
    run = Run(alpha=-1e-3, rise=lambda t: 5e-3 * np.sin(2 * np.pi * t / CYCLE), sweeps=200, weighings=16)
    off, on = error(run, UNCOMPENSATED), error(run)
    assert abs(off) > 1e-6
    assert abs(on) < 1e-2 * abs(off)


def test_weights_of_the_linear_interpolation() -> None:
    weights = interpolation(np.array([-1.0, 0.0, 1.5, 2.0, 3.0, 6.0]), np.array([0.0, 2.0, 4.0]), settings())
    expected = [[1.5, -0.5, 0], [1, 0, 0], [0.25, 0.75, 0], [0, 1, 0], [0, 0.5, 0.5], [0, -1, 2]]
    assert weights == pytest.approx(np.array(expected))


def test_each_cycle_has_its_own_calibration_where_gains_do_not_drift_between_them() -> None:
    held = settings({"voltmeter_drift": False})
    blocks = Blocks()
    for block in Run(cycles=4).blocks():
        gain = 1 + 1e-5 * int(block.labels["cycle"]) if block.quantity == "voltage" else 1.0
        blocks.append(dataclasses.replace(block, values=gain * block.values))
    assert reduce(blocks, Run().certificates(), held).mass_kg == pytest.approx(1.0, rel=1e-13)
    # a cycle without one takes the nearest, here that of the cycle before
    left = Blocks([b for b in blocks if not b.has(phase="calibration", cycle=3)])
    third = reduce(left, Run().certificates(), held).cycles[3]
    assert third.mass_kg - 1 == pytest.approx(1.5e-5, rel=1e-2)


def test_bl_is_fitted_at_the_mean_weighing_position() -> None:
    run = Run(z_on=5e-5, z_off=-2e-5)
    assert [fit.z for fit in reduce(run.blocks(), run.certificates()).velocity] == pytest.approx([1.5e-5] * 3)
