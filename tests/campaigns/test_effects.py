"""Effects in whole campaigns, and how they go with mass, scheme and balance; `tests.studies` has each one alone.

Signs follow from the reported ``m = U ΔI/(g v)`` with ``U = (Bl)_v v`` and ``m g = (Bl)_w ΔI``: ε = (Bl)_v/(Bl)_w − 1.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import scenarios
from components.air import air_density
from scenarios.reduction import ReductionSettings, reduce
from scenarios.run.certificates import certificates
from scenarios.run.result import Result
from tests.campaigns.runs import HALF_CURRENT, G, alone

KBMINI = "kbmini_tmtp"
CURRENT = HALF_CURRENT[KBMINI]
CLOSED = 1e-12
# Balances whose velocity phase has to be whole, because the heat is.
WHOLE: dict[str, dict[str, Any]] = {
    "kbmini_tmtp": {"campaign.velocity.reading_step": 0.1},
    "tsinghua_tmtp": {},
    "nist4_tmtp": {},
}


def thermal(name: str, correct: bool, **more: Any) -> Result:
    """Two whole cycles with α_m = −1e-3/K alone, averaged as it is: no sine fitted."""
    paths = {key.replace("__", "."): value for key, value in more.items()}
    return (
        scenarios.load(name)
        .ideal()
        .with_(
            {
                "campaign.cycles": 2,
                "balance.magnet.temperature_coefficient": -1e-3,
                "thermal.average": "remainder",
                "reduction.corrections.temperature": correct,
                **WHOLE[name],
                **paths,
            }
        )
        .run()
    )


def both(effects: dict[str, Any], correction: str, bias: float, rel: float = 1e-2) -> None:
    """The bias without correction, and under 1 % of it with."""
    assert alone(KBMINI, effects, {correction: False}).relative_error == pytest.approx(bias, rel=rel)
    assert abs(alone(KBMINI, effects, {correction: True}).relative_error) < 0.01 * abs(bias)


# --- (Bl)_w and (Bl)_v differ ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WHOLE)
def test_temperature_coefficient(name: str) -> None:
    """ε = α_m (T_v − T_w), with the temperatures that the truth has in the windows."""
    off, on = thermal(name, False), thermal(name, True)
    assert off.thermal is not None
    assert off.thermal.delta_t_m_K > 0  # the heat arrives late: the magnet is warmer in the velocity phase
    assert off.thermal.epsilon == pytest.approx(-1e-3 * off.thermal.delta_t_m_K, rel=1e-12)
    assert off.relative_error == pytest.approx(off.thermal.epsilon, rel=0.01)
    assert abs(on.relative_error) < 0.01 * abs(off.thermal.epsilon)


def test_temperature_coefficient_without_any_drift_removal() -> None:
    """The plain mean of the weighings makes it exact but for the change of temperature within a window."""
    bend = {"reduction__corrections__offset_drift": False}  # or it takes 0.1 % of what Bl bends within a group
    result = thermal("nist4_tmtp", False, reduction__drift_order=0, **bend)
    assert result.thermal is not None
    assert result.relative_error == pytest.approx(result.thermal.epsilon, rel=1e-4)


def test_the_windows_mean_what_they_say() -> None:
    """δT_m from the recorded truth by hand: velocity minus weighing."""
    result = thermal("nist4_tmtp", False)
    (block,) = {b.channel: b for b in result.truth if b.channel == "thermal_mass.magnet_temperature_rise"}.values()
    blocks = [b for b in result.truth if b.channel == block.channel]
    t = np.concatenate([b.times().ravel() for b in blocks])
    rise = np.concatenate([b.values.ravel() for b in blocks])
    cycle = np.mod(t, 7200.0)
    weighing = (cycle < 3600) & (np.mod(cycle, 180) >= 75) & (np.mod(cycle, 180) < 135)
    velocity = (cycle >= 3600) & (np.mod(cycle, 90) >= 15) & (np.mod(cycle, 90) < 75)
    by_hand = rise[velocity].mean() - rise[weighing].mean()
    assert result.thermal is not None
    assert result.thermal.delta_t_m_K == pytest.approx(by_hand, rel=2e-3)


def test_ndfeb_counts_once() -> None:
    """(P (0.45/0.59)², −1e-3/K) and (P, −5.8e-4/K) give equal ε within 1 % (test 4 of the reference)."""
    size = {"campaign.cycles": 2, "balance.scale": 11 / 30}
    ideal = scenarios.load("nist4_tmtp").ideal().with_(size)
    strong = ideal.with_({"balance.magnet.material": "NdFeB", "balance.magnet.temperature_coefficient": None}).run()
    equivalent = ideal.with_({"balance.magnet.temperature_coefficient": -5.8e-4}).run()
    assert strong.thermal is not None
    assert equivalent.thermal is not None
    assert strong.thermal.epsilon == pytest.approx(equivalent.thermal.epsilon, rel=0.01)
    assert strong.relative_error == pytest.approx(equivalent.relative_error, rel=0.01)
    assert strong.thermal.delta_t_m_K == pytest.approx(equivalent.thermal.delta_t_m_K * (0.45 / 0.59) ** 2, rel=1e-3)
    assert strong.true.bl_Tm == pytest.approx(equivalent.true.bl_Tm * 0.59 / 0.45, rel=1e-5)


@pytest.mark.parametrize("scheme", ["polynomial", "aba", "abba"])
@pytest.mark.parametrize("name", HALF_CURRENT)
def test_a_larger_factor_in_the_weighing_makes_the_mass_too_small(name: str, scheme: str) -> None:
    """(Bl)_w = (Bl)_v (1 + 1e-6), by a quadratic current effect β I² = 1e-6: −1e-6 (test 3 of the reference)."""
    effect = {"coil.quadratic_current_coefficient": 1e-6 / HALF_CURRENT[name] ** 2}
    result = alone(name, effect, {"quadratic_current": False}, reduction__weighing_scheme=scheme)
    assert result.relative_error == pytest.approx(-1e-6, rel=1e-5)
    corrected = alone(name, effect, {"quadratic_current": True}, reduction__weighing_scheme=scheme)
    assert abs(corrected.relative_error) < CLOSED


def test_quadratic_current_effect_goes_with_the_square_of_the_mass() -> None:
    for mass in (1.0, 0.5, 0.1):
        both(
            {"coil.quadratic_current_coefficient": -0.05, "test_mass.mass": mass},
            "quadratic_current",
            0.05 * (mass * CURRENT) ** 2,
        )


# --- reluctance ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compliance", [1e-7, -1e-7])
@pytest.mark.parametrize("position", [0.0, 1e-4])
def test_a_displacement_between_the_states_leaves_its_reluctance_force(compliance: float, position: float) -> None:
    """ε = k I Δz/(2 Bl) with Δz = z_on − z_off."""
    k, dz = 47900.0, compliance * G
    effects = {
        "coil.inductance_curvature": k,
        "flexure.compliance": compliance,
        "flexure.weighing_position": position,
        "magnet.profile": [],
    }
    both(effects, "reluctance", k * CURRENT * dz / (2 * 1400.0))


def test_the_linear_current_effect_cancels_at_equal_positions_to_its_second_order() -> None:
    """α I = 1.2e-4 of the force goes; what stays is 2 (α I)²."""
    z, k = 1e-3, 47900.0
    effects = {"coil.inductance_curvature": k, "flexure.weighing_position": z, "magnet.profile": []}
    alpha = k * z / 1400.0
    both(effects, "reluctance", 2 * (alpha * CURRENT) ** 2)


def test_there_is_no_reluctance_force_in_the_symmetry_plane() -> None:
    effects = {"coil.inductance_curvature": 47900.0, "flexure.weighing_position": 1e-3, "coil.symmetry_plane": 1e-3}
    assert abs(alone(KBMINI, effects, {"reluctance": False}).relative_error) < CLOSED


# --- air and gravity -------------------------------------------------------------------------------------------------


def test_buoyancy() -> None:
    """ε = −ρ_air/ρ; CIPM-2007 gives 1.184 kg/m³ for dry air and 1.177 kg/m³ at 50 % at 25 °C and 101 325 Pa."""
    for humidity, density in ((0.0, 1.184), (0.5, 1.177)):
        effects = {"environment.pressure": 101325.0, "environment.humidity": humidity, "test_mass.density": 7950.0}
        both(effects, "buoyancy", -density / 7950.0, rel=1e-3)
        off = alone(KBMINI, effects, {"buoyancy": False})
        assert off.relative_error == pytest.approx(-float(air_density(298.15, 101325.0, humidity)) / 7950.0, rel=1e-9)


def again(result: Result, **changes: float) -> float:
    """Relative error if the laboratory believes in other certificates."""
    believed = dataclasses.replace(certificates(result.scenario), **changes)
    mass = reduce(result.readings, believed, result.scenario.section("reduction", ReductionSettings))
    return mass.mass_kg / result.true.mass_kg - 1


def test_what_the_certificates_say_wrongly() -> None:
    """m = U ΔI/(g v) with ΔI = ΔU/R: too much g or R makes the mass too small, too much reference voltage too large."""
    result = alone(KBMINI, {})
    assert abs(again(result)) < CLOSED
    assert again(result, gravity=G * (1 + 1e-6)) == pytest.approx(-1e-6, rel=1e-5)
    assert again(result, resistance=1000.001) == pytest.approx(-1e-6, rel=1e-5)
    assert again(result, reference_voltage=10.00001) == pytest.approx(2e-6, rel=1e-5)


# --- electrical references -------------------------------------------------------------------------------------------


def test_the_gains_of_both_voltmeters_add() -> None:
    both({"current_voltmeter.gain": 3e-6, "induced_voltmeter.gain": -1e-6}, "voltmeter_calibration", 2e-6, rel=1e-5)


def test_a_wrong_reference_spoils_both_calibrations() -> None:
    """U_ref higher than its certificate: both voltages come out too small."""
    effects = {"voltage_reference.gain": 1e-6}
    assert abs(alone(KBMINI, effects, {"voltmeter_calibration": False}).relative_error) < CLOSED
    assert alone(KBMINI, effects).relative_error == pytest.approx(-2e-6, rel=1e-5)


@pytest.mark.parametrize("part", ["current_voltmeter", "induced_voltmeter", "resistor"])
def test_offsets_drop_out_of_differences(part: str) -> None:
    result = alone(KBMINI, {f"{part}.offset": 1e-5}, {"voltmeter_calibration": False})
    assert abs(result.relative_error) < CLOSED
