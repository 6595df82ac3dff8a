"""The coil in the field: alignment, temperature, current effects, support and yoke."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from components.platinum import ICE_POINT, resistance, temperature
from scenarios.studies.case import Case
from scenarios.studies.catalogue.forces import FLAT
from scenarios.studies.effects import Effect

K = {"coil.inductance_curvature": 47900.0}
"""Of a coil of many turns (H/m²)."""
WARM: dict[str, Any] = {"thermal.start": "steady_state", "thermal.average": "remainder"}
ALPHA = {"magnet.temperature_coefficient": -1e-2}
EXPANDING = {"coil.expansion": 1.7e-5, "coil.radial_deviation": 1.0}

WAITING: dict[str, Any] = {
    # Sweeps whose windows open when the yoke has come to rest, after weighings whose windows open before.
    **{f"campaign.velocity.{key}": None for key in ("frequency", "harmonics", "cycles", "window")},
    "campaign.velocity.motion": "sweeps", "campaign.velocity.pairs": 4, "campaign.velocity.sweep_duration": 40.0,
    "campaign.velocity.acceleration_time": 5.0, "campaign.velocity.window_start": 20.0,
    "campaign.velocity.window_end": 35.0, "campaign.velocity.velocity": 3e-4, "campaign.velocity.reading_step": 1.0,
    "campaign.weighing.count": 6, "campaign.weighing.duration": 20.0, "campaign.weighing.ramp": 1.0,
    "campaign.weighing.exchange_time": 1.0, "campaign.weighing.current": "flat", "campaign.weighing.window_start": 1.5,
    "campaign.weighing.window_end": 11.5, "reduction.skip_weighings": 1,
}  # fmt: skip


def _coupling(case: Case) -> float:
    a = case.parts["alignment"]
    turned = a.coil_offset_y * a.roll_x - a.coil_offset_x * a.roll_y
    return float(0.5 * (a.coil_tilt_x * a.drift_x + a.coil_tilt_y * a.drift_y) + turned)


# --- temperature -----------------------------------------------------------------------------------------------------


def _magnet_temperature(case: Case) -> float:
    assert case.result.thermal is not None
    return case.result.thermal.epsilon


def _shown(sensor: Any, rise: float) -> float:
    """What a thermometer shows (K), by the resistance of its sensor."""
    t = sensor.reference_temperature - ICE_POINT + rise
    warmer = t + sensor.self_heating * sensor.excitation_current**2 * float(resistance(t, sensor.ice_resistance))
    ratio = 1.0 + (1.0 + sensor.alpha_error) * (float(resistance(warmer, 1.0)) - 1.0)
    found = rise + float(temperature((1.0 + sensor.ice_resistance_error) * ratio, 1.0)) - t
    return (1.0 + float(sensor.gain)) * found + float(sensor.offset)


def _gain(sensor: Any) -> float:
    """1 + g, what a thermometer shows of a change."""
    return 0.5 * (_shown(sensor, 1.0) - _shown(sensor, -1.0))


def _wrong_temperature(case: Case) -> float:
    """A thermometer that shows T (1 + g) + s takes out (1 + g)/(1 + α_m s) of what the temperature does."""
    sensor = case.parts["magnet_thermometer"]
    taken = _gain(sensor) / (1.0 + case.parts["magnet"].alpha * _shown(sensor, 0.0))
    return _magnet_temperature(case) * (1.0 - taken)


def _perfect(case: Case) -> float:
    """What even a perfect thermometer leaves: the velocity phase is longer than its windows."""
    return 4e-3 * abs(_magnet_temperature(case))


def _half_a_window(case: Case) -> float:
    """What the drift of the magnet's thermometer does in half a weighing."""
    return abs(case.parts["magnet"].alpha) * _creep(case, "magnet_thermometer") + _perfect(case)


def _creep(case: Case, name: str) -> float:
    """Drift of a thermometer in half a weighing (K)."""
    return 0.51 * float(np.ptp(case.windows[0, 0])) * float(case.parts[name].offset_drift)


def _expansion(case: Case) -> float:
    """From what a perfect thermometer shows in the two phases."""
    b = case.parts["coil"].radial_deviation * case.parts["coil"].expansion
    blocks = case.result.readings.select("coil_thermometer")
    weighing, velocity = (
        np.array([block.values.mean() for block in blocks.select(phase=phase)]) for phase in ("weighing", "velocity")
    )
    warmer = case.carried(velocity) - weighing.reshape(case.weighing_times.shape)
    return float(b) * case.relative_error(warmer)


def _wrong_expansion(case: Case) -> float:
    gain = _gain(case.parts["coil_thermometer"])
    return (1.0 - gain) / gain * _expansion(case)  # the readings have the gain already


def _perfect_expansion(case: Case) -> float:
    return 4e-3 * abs(_expansion(case))


def _half_a_coil_window(case: Case) -> float:
    """What the drift of the coil's thermometer does in half a weighing."""
    return 1.7e-5 * _creep(case, "coil_thermometer") + _perfect_expansion(case)


# --- the current in the coil -----------------------------------------------------------------------------------------


def _quadratic(case: Case) -> float:
    on, off = case.currents
    beta = case.parts["coil"].quadratic_current_coefficient
    return -float(beta) * (on**3 - off**3) / (on - off)


def _reluctance(case: Case) -> float:
    """The currents that hold F = Bl I − k d I², taken for F/Bl."""
    steepness = 4.0 * float(case.parts["coil"].inductance_curvature) * case.distance / case.bl
    on, off = (2.0 * i / (1.0 + math.sqrt(1.0 - steepness * i)) for i in case.currents)
    return case.bl * (on - off) / case.weight - 1.0


def _displaced(case: Case, rise: float) -> float:
    """k Δz I_on² where a coil hangs higher by Δz (m) with the mass on."""
    return float(case.parts["coil"].inductance_curvature) * rise * case.currents[0] ** 2 / case.weight


def _compliant_hinge(case: Case) -> float:
    return _displaced(case, float(case.parts["flexure"].compliance) * case.weight)


def _compliant_support(case: Case) -> float:
    """The coil is at C F in the magnet: k C (F_on I_on² − F_off I_off²)."""
    k, compliance = case.parts["coil"].inductance_curvature, case.parts["support"].compliance
    (f_on, f_off), (i_on, i_off) = case.shares, case.currents
    return float(k * compliance) * (f_on * i_on**2 - f_off * i_off**2)


def _sloping_field(case: Case) -> float:
    slope, compliance = case.parts["magnet"].profile[0], case.parts["support"].compliance
    return -float(slope * compliance) * case.weight * sum(case.shares)


# --- the yoke --------------------------------------------------------------------------------------------------------


def _lag(case: Case) -> float:
    """What a reversal leaves in the window, of the change of current, with what the reversals before have left.

    The excess of the yoke is −(change of current) times this; off the plane by d it pulls with k d times the current.
    """
    yoke, weighing = case.parts["yoke"], case.campaign.weighing
    tau, weights = yoke.relaxation()
    after = np.array([weighing.window_start, weighing.window_end]) - weighing.ramp
    left = tau * -np.diff(np.exp(-after[:, None] / tau), axis=0)[0] / np.ptp(after)
    share = float(weights * (tau / weighing.ramp) * -np.expm1(-weighing.ramp / tau) @ left)
    on, off = case.currents
    k = float(case.parts["coil"].inductance_curvature)
    return -k * case.distance * share * (on + off) / case.bl


def _escaping(case: Case) -> float:
    """Flux that leaves the yoke in the first sweeps: −L_y Σ W_k e_k/T_k exp(−t/T_k) beside Bl v."""
    yoke, ramp = case.parts["yoke"], case.campaign.weighing.ramp
    start, end = (case.reading_times + half * case.schedule.step * 1e-9 for half in (-0.5, 0.5))
    flux = np.zeros_like(start)
    for tau, weight in zip(*yoke.relaxation(), strict=True):
        excess = -weight * case.last_current * tau / ramp * math.expm1(-ramp / tau)
        flux += excess * (np.exp(-end / tau) - np.exp(-start / tau))
    volts = float(case.parts["coil"].yoke_inductance) * flux / (end - start)
    return case.fitted(volts / case.bl)


def _remanence(case: Case) -> float:
    k, share = case.parts["coil"].inductance_curvature, case.parts["hysteresis"].share
    return -float(k * share) * case.distance * case.last_current / case.bl


WRONG = partial(
    Effect,
    bias=_wrong_temperature,
    formula="α_m (α_m s − g) (T_v − T_w), zero s, gain 1 + g",
    more=WARM,
    bound=_perfect,
)
WRONG_COIL = partial(
    Effect, bias=_wrong_expansion, formula="−g b κ (T_cv − T_cw), gain 1 + g", more=WARM, bound=_perfect_expansion
)
NEAR = {"kind": "near", "direction": "vertical", "z": -0.14, "shielding": 92.0}
DRIFTING = {"kind": "far", "vertical": 48e-6, "course": {"drift": 1e-3}}
OFF_CENTRE = {"flexure.weighing_position": 1e-3}
ALIGNED = partial(Effect, bias=_coupling, corrections=("alignment",))

COIL: tuple[Effect, ...] = (
    ALIGNED("tilt and sideways motion in x", {"alignment.coil_tilt_x": 1e-3, "alignment.drift_x": 2e-2},
            formula="F_x v_x/(F_z v_z)"),
    ALIGNED("tilt and sideways motion in y", {"alignment.coil_tilt_y": 1e-3, "alignment.drift_y": 2e-2},
            formula="F_y v_y/(F_z v_z)"),
    ALIGNED("torque and rotation about x", {"alignment.coil_offset_y": 1e-3, "alignment.roll_x": 2e-2},
            formula="Γ_x ω_x/(F_z v_z)"),
    ALIGNED("torque and rotation about y", {"alignment.coil_offset_x": 1e-3, "alignment.roll_y": 2e-2},
            formula="Γ_y ω_y/(F_z v_z)"),
    Effect("temperature of the magnet", ALPHA, _magnet_temperature, "α_m (T_v − T_w)", ("temperature",), WARM),
    WRONG("gain of the magnet's thermometer", {**ALPHA, "magnet_thermometer.gain": 0.5},
          certified=("magnet_thermometer.gain",)),
    WRONG("zero of the magnet's thermometer", {**ALPHA, "magnet_thermometer.offset": 10.0},
          certified=("magnet_thermometer.offset",)),
    WRONG("R_0 of the magnet's thermometer", {**ALPHA, "magnet_thermometer.ice_resistance_error": 0.05},
          certified=("magnet_thermometer.ice_resistance_error",)),
    WRONG("α of the magnet's thermometer", {**ALPHA, "magnet_thermometer.alpha_error": 0.05},
          certified=("magnet_thermometer.alpha_error",)),
    WRONG("self-heating of the magnet's thermometer", {**ALPHA, "magnet_thermometer.self_heating": 1e5},
          certified=("magnet_thermometer.self_heating",)),
    Effect("drift of the magnet's thermometer", {**ALPHA, "magnet_thermometer.offset_drift": 1e-8,
                                                 "magnet_thermometer.gain_drift": 1e-9}, 0.0,
           "0 to half a window: Bl is carried to t_w", (), WARM, _half_a_window),
    Effect("thermal expansion of the coil", EXPANDING, _expansion, "b κ (T_cv − T_cw)", ("coil_expansion",), WARM),
    WRONG_COIL("gain of the coil's thermometer", {**EXPANDING, "coil_thermometer.gain": 0.5},
               certified=("coil_thermometer.gain",)),
    WRONG_COIL("R_0 of the coil's thermometer", {**EXPANDING, "coil_thermometer.ice_resistance_error": 0.05},
               certified=("coil_thermometer.ice_resistance_error",)),
    WRONG_COIL("α of the coil's thermometer", {**EXPANDING, "coil_thermometer.alpha_error": 0.05},
               certified=("coil_thermometer.alpha_error",)),
    Effect("zero and self-heating of the coil's thermometer", {**EXPANDING, "coil_thermometer.offset": 0.1,
                                                               "coil_thermometer.self_heating": 1e3}, 0.0,
           "0: both phases alike", (), WARM, _perfect_expansion),
    Effect("drift of the coil's thermometer", {**EXPANDING, "coil_thermometer.offset_drift": 1e-8,
                                               "coil_thermometer.gain_drift": 1e-9}, 0.0,
           "0 to half a window: Bl is carried to t_w", (), WARM, _half_a_coil_window),
    Effect("temperature of the coil's resistance", {"coil.resistance_temperature_coefficient": 3.93e-3}, 0.0,
           "0: carries no signal", (), WARM),
    Effect("quadratic current effect", {"coil.quadratic_current_coefficient": -0.1}, _quadratic, "−β I²",
           ("quadratic_current",)),
    Effect("reluctance force at unequal currents", {**K, "flexure.weighing_position": 1e-4,
                                                    "test_mass.tare_fraction": 0.4, **FLAT},
           _reluctance, "k d (I_on² − I_off²)/(m g)", ("reluctance",)),
    Effect("reluctance force at equal currents", {**K, "flexure.weighing_position": 1e-3, **FLAT}, _reluctance,
           "2 (k d I/Bl)²", ("reluctance",)),
    Effect("reluctance force at a displaced coil", {**K, "flexure.compliance": 1e-6, **FLAT}, _compliant_hinge,
           "k Δz I²/(m g)", ("reluctance",)),
    Effect("a displaced coil in a sloping field", {"flexure.compliance": 1e-5, **FLAT, "magnet.profile": [0.5]}, 0.0,
           "0: Bl(z) is known"),
    Effect("compliance of the support in a sloping field", {"support.compliance": 2e-7, "test_mass.tare_fraction": 0.4,
                                                            "magnet.profile": [0.5]},
           _sloping_field, "−Bl'/Bl C (F_on + F_off)", ("support_compliance",)),
    Effect("compliance of the support and reluctance", {"support.compliance": 1e-7, **K, **FLAT}, _compliant_support,
           "k C I²", ("reluctance", "support_compliance")),
    Effect("weakly magnetic parts", {"coil.parts": [{"susceptibility": -1e-2, "area": 5e-5, "radius": 0.055}],
                                     "coil.gap_area": 5e-4, "coil.gap_radius": 0.055},
           0.0, "0: both phases alike"),
    Effect("static external flux", {"external_flux.sources": {"near": NEAR}, **OFF_CENTRE}, 0.0,
           "0: both phases alike, if the coil moves"),
    Effect("external flux that drifts", {"external_flux.sources": {"far": DRIFTING}}, 0.0,
           "0: a voltage in sweeps up and down", (), {}, 1e-9),
    Effect("lag of the yoke after a reversal", {"coil.inductance_curvature": 4790.0, "coil.inductance": 10.0,
                                                "coil.yoke_inductance": 10.0, "yoke.time_constant": 1.0,
                                                "yoke.modes": 1, "flexure.weighing_position": 1e-3,
                                                "test_mass.tare_fraction": 0.4, **FLAT},
           _lag, "−k d s (I_on + I_off)/Bl", ("yoke_lag",), WAITING),
    Effect("flux that leaves the yoke in the first sweeps", {"coil.inductance": 0.05, "coil.yoke_inductance": 0.05},
           _escaping, "−L_y dI_y/dt, in the fit of Bl v", ("yoke_lag",)),
    Effect("flux that leaves a yoke behind a gap", {"coil.inductance": 0.05, "coil.yoke_inductance": 0.05,
                                                    "yoke.gap_reluctance": 0.5},
           _escaping, "−L_y dI_y/dt, in the fit of Bl v", ("yoke_lag",)),
    Effect("remanence of the yoke", {"coil.inductance_curvature": 1000.0, "coil.inductance": 1e3,
                                     "coil.yoke_inductance": 1e3, "hysteresis.share": 0.1, "wiring.coil.yoke": None,
                                     "flexure.weighing_position": 5e-4, **FLAT},
           _remanence, "−k d ρ I/Bl", ("yoke",)),
)  # fmt: skip
