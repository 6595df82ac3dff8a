"""Coil, magnet and yoke: each effect alone against its analytic bias.

ε = m/m_true − 1 = (Bl)_v/(Bl)_w − 1. Up is positive, k the curvature of the inductance, d the distance of the coil from
the symmetry plane, e the excess of the yoke's magnetisation over the steady state.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import scenarios
from scenarios.run.result import Result
from tests.campaigns.runs import HALF_CURRENT, LUMPED, alone

KBMINI, NIST4 = "kbmini_tmtp", "nist4_tmtp"
CURRENT = HALF_CURRENT[KBMINI]
CLOSED = 1e-12
WITH_YOKE = {"yoke.drive": "coil.yoke_drive", "coil.yoke": "yoke.current"}
WITH_HYSTERESIS = {
    "hysteresis.current": "current_source.current",
    "coil.remanence": "hysteresis.remanence",
    "coil.yoke": None,  # no lag beside it
}


def bias(name: str, effects: dict[str, Any], corrections: dict[str, bool] | None = None, **more: Any) -> float:
    return alone(name, effects, corrections, **more).relative_error


# --- parts and expansion ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HALF_CURRENT)
def test_weakly_magnetic_parts_bias_both_phases_and_not_the_mass(name: str) -> None:
    """Copper of a tenth of the gap's area: 1e-6 in each phase (Li2021)."""
    copper = {"susceptibility": -1e-5, "area": 40e-6, "radius": 0.05}
    effects = {"coil.parts": [copper], "coil.gap_area": 400e-6, "coil.gap_radius": 0.05}
    plain, result = alone(name, {}), alone(name, effects)
    assert abs(result.relative_error) < CLOSED
    assert result.mass.bl_Tm / plain.mass.bl_Tm - 1 == pytest.approx(1e-6, rel=1e-4)
    assert mean_current(result) / mean_current(plain) - 1 == pytest.approx(-1e-6, rel=1e-4)


def mean_current(result: Result) -> float:
    """Size of the voltage across the resistor while weighing."""
    blocks = [b for b in result.readings if b.channel == "current_voltmeter" and b.labels["phase"] == "weighing"]
    return float(np.mean([abs(b.values.mean()) for b in blocks]))


@pytest.mark.parametrize("b", [1.0, -0.5])
def test_a_coil_that_is_warmer_while_weighing_is_larger(b: float) -> None:
    """ε = b κ (T_v − T_w) of the coil, which the network calls its magnet here; it cools in the velocity phase."""
    experiment = scenarios.load(NIST4).ideal()
    result = experiment.with_(
        {
            "campaign.cycles": 2,
            "balance.thermal_mass": LUMPED | {"magnet": ["coil"]},
            "balance.coil.expansion": 1.7e-5,
            "balance.coil.radial_deviation": b,
            "thermal.average": "remainder",
            "reduction.drift_order": 0,
            "reduction.corrections.coil_expansion": False,
        }
    ).run()
    assert result.thermal is not None
    assert result.thermal.delta_t_m_K < -5e-4
    assert result.relative_error == pytest.approx(b * 1.7e-5 * result.thermal.delta_t_m_K, rel=0.01)


# --- yoke ------------------------------------------------------------------------------------------------------------

K, DEPTH, BL = 3280.0, 1e-3, 695.9
RAMP, WINDOW = 1.0, (1.5, 11.5)


def yoke_lag(tare_fraction: float, time_constant: float = 1.0, *, corrected: bool = False) -> float:
    """With short windows right after the reversal; the first weighing, which comes from zero, left out."""
    effects = {
        "coil.inductance": 10.0,
        "coil.yoke_inductance": 10.0,
        "coil.inductance_curvature": K,
        "flexure.weighing_position": DEPTH,
        "magnet.profile": [],
        "test_mass.tare_fraction": tare_fraction,
        "yoke": {"time_constant": time_constant, "modes": 3},
        "wiring": WITH_YOKE,
    }
    weighing = {"count": 6, "ramp": RAMP, "exchange_time": RAMP, "window_start": WINDOW[0], "window_end": WINDOW[1]}
    paths = {f"campaign__weighing__{key}": value for key, value in weighing.items()}
    on = {"reluctance": True, "yoke_lag": corrected}
    return bias(NIST4, effects, on, reduction__skip_weighings=1, **paths)


@pytest.mark.parametrize("tare_fraction", [0.4, 0.7])
def test_the_lag_of_the_yoke_biases_a_weighing_with_unequal_currents(tare_fraction: float) -> None:
    """ε = −k d S (I_on − |I_off|)/Bl: S is what is left of a reversal in the window, as a share of I_on + |I_off|."""
    odd = np.array([1.0, 3.0, 5.0])
    weights = 8 / (np.pi * odd) ** 2
    weights[-1] = 1 - weights[:-1].sum()
    tau = 1.0 / odd**2
    after = np.array(WINDOW) - RAMP
    window = tau * -np.diff(np.exp(-after[:, None] / tau), axis=0)[0] / np.ptp(after)
    left = float(weights * (tau / RAMP) * -np.expm1(-RAMP / tau) @ window)
    asymmetry = 2 * HALF_CURRENT[NIST4] * ((1 - tare_fraction) - tare_fraction)
    expected = -K * DEPTH * left * asymmetry / BL
    assert yoke_lag(tare_fraction) == pytest.approx(expected, rel=0.01)
    assert abs(yoke_lag(tare_fraction, corrected=True)) < 0.01 * abs(expected)


def test_the_lag_of_the_yoke_cancels_between_equal_currents() -> None:
    """To the second order of α I, as the reluctance force itself."""
    assert abs(yoke_lag(0.5)) < (K * DEPTH * HALF_CURRENT[NIST4] / BL) ** 2


@pytest.mark.parametrize("position", [1e-4, -1e-4])
def test_what_stays_in_the_yoke_biases_the_velocity_phase_off_the_symmetry_plane(position: float) -> None:
    """ε = −k d r/Bl with r = ρ I of the last weighing."""
    k, share = 47900.0, 0.01
    effects = {
        "coil.inductance": 19.2,
        "coil.yoke_inductance": 19.2,
        "coil.inductance_curvature": k,
        "flexure.weighing_position": position,
        "magnet.profile": [],
        "hysteresis": {"share": share},
        "wiring": WITH_HYSTERESIS,
    }
    assert bias(KBMINI, effects, {"yoke": False}) == pytest.approx(-k * position * share * CURRENT / 1400.0, rel=0.01)


def test_what_stays_in_the_yoke_is_without_consequence_in_the_symmetry_plane() -> None:
    effects = {
        "coil.inductance": 19.2,
        "coil.yoke_inductance": 19.2,
        "coil.inductance_curvature": 47900.0,
        "magnet.profile": [],
        "hysteresis": {"share": 0.01},
        "wiring": WITH_HYSTERESIS,
    }
    assert abs(bias(KBMINI, effects, {"yoke": False})) < CLOSED


# --- iron ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1e-6, -2e-5])
def test_iron_that_comes_near_between_the_phases(size: float) -> None:
    """(Bl)_v = (Bl)_w (1 + size): ε = size."""
    fault = {"component": "magnet", "fault": "iron", "time": 1800.0 - 1e-3, "size": size}
    assert bias(KBMINI, {}, campaign__cycles=1, faults={"iron": fault}) == pytest.approx(size, rel=1e-4)


def test_without_the_first_sweeps_the_lag_of_the_yoke_is_gone() -> None:
    """What the weighing current leaves in the yoke decays with τ = 1.5 s: after 20 s e⁻¹³ of a step is left."""
    effects = {"coil.inductance": 19.2, "coil.yoke_inductance": 17.3, "yoke.time_constant": 1.5}
    paths = {"reduction__outlier_threshold": 1e9, "reduction__corrections__yoke_lag": False}
    at_once = alone("kbmini_tmtp", effects, **paths)
    later = alone("kbmini_tmtp", effects, reduction__skip_sweeps=40, **paths)
    assert abs(at_once.relative_error) > 1e-5
    assert abs(later.relative_error) < 1e-4 * abs(at_once.relative_error)


def test_a_leakage_across_a_coil_that_is_warmer_while_weighing() -> None:
    """ε = G R a (T_w − T_v): the coil's share of the current goes with its resistance; its thermometer tells that."""
    leaking = {
        "balance.circuit.leakage": 1e-7,
        "balance.coil.resistance_temperature_coefficient": 3.93e-3,
        "campaign.cycles": 2,
        "reduction.corrections.leakage": False,
    }
    experiment = scenarios.load("kbmini_tmtp").ideal().with_(leaking)
    uncorrected = experiment.run().relative_error
    assert uncorrected > 1e-8
    corrected = experiment.with_({"reduction.corrections.leakage": True}).run().relative_error
    assert abs(corrected) < 1e-2 * uncorrected
