"""The effects that a balance can have, each with what theory says of it.

Signs: a reported mass is ``m = (Bl)_v ΔI/g``, so that what makes Bl too large in the velocity phase, or the current too
large in the weighing phase, makes the mass too large.
"""

from __future__ import annotations

import math
from typing import Any

from components.air import air_density
from components.gravity import tide
from components.refractive_index import refractive_index
from scenarios.run.result import Result
from scenarios.studies.effects import Effect

VACUUM_PERMEABILITY = 1.25663706127e-6  # N/A², CODATA 2022
AIR = {"environment.pressure": 101325.0}


def _parts(result: Result) -> dict[str, Any]:
    return dict(result.scenario.components())


def _weight(result: Result) -> float:
    """m g (N)."""
    return result.true.mass_kg * _parts(result)["environment"].gravity


def _currents(result: Result) -> tuple[float, float]:
    """Coil current with the mass on and off (A), to first order."""
    tare = _parts(result)["test_mass"].tare_fraction
    full = _weight(result) / result.true.bl_Tm
    return (1.0 - tare) * full, -tare * full


def _middle(result: Result, window: str) -> float:
    """Mean time of the weighing or velocity windows (s)."""
    campaign: Any = result.scenario.campaign
    return float(getattr(campaign, f"{window}_windows")().mean())


def _air(result: Result) -> tuple[float, float]:
    """Density (kg/m³) and refractive index of the air."""
    room = _parts(result)["environment"]
    state = room.temperature, room.pressure, room.humidity
    return float(air_density(*state)), float(refractive_index(*state))


def _buoyancy(r: Result) -> float:
    return -_air(r)[0] / _parts(r)["test_mass"].density


def _exchanger(r: Result) -> float:
    return float(_parts(r)["mass_exchanger"].parts_mass) / r.true.mass_kg


def _magnetic(r: Result) -> float:
    mass, magnet = _parts(r)["test_mass"], _parts(r)["magnet"]
    field, gradient = magnet.stray_field, magnet.stray_gradient
    force = (mass.susceptibility * field / VACUUM_PERMEABILITY + mass.magnetisation) * gradient
    return -float(force) / (mass.density * _parts(r)["environment"].gravity)


def _transfer(r: Result) -> float:
    room = _parts(r)["environment"]
    return float(room.gravity_transfer + room.gravity_gradient * room.gravity_height) / room.gravity


def _tide(r: Result) -> float:
    room, campaign = _parts(r)["environment"], r.scenario.campaign
    windows: Any = campaign.weighing_windows()  # type: ignore[attr-defined]
    return float(tide(windows.mean(axis=1), room.tide).mean()) / room.gravity


def _cosine(r: Result) -> float:
    laser = _parts(r)["interferometer"]
    return 1.0 / math.sqrt(1.0 - math.sin(laser.verticality_x) ** 2 - math.sin(laser.verticality_y) ** 2) - 1.0


def _abbe(r: Result) -> float:
    laser, path = _parts(r)["interferometer"], _parts(r)["alignment"]
    return -float(laser.abbe_offset_x * path.roll_y - laser.abbe_offset_y * path.roll_x)


def _coupling(r: Result) -> float:
    a = _parts(r)["alignment"]
    turned = a.coil_offset_y * a.roll_x - a.coil_offset_x * a.roll_y
    return float(a.coil_tilt_x * a.drift_x + a.coil_tilt_y * a.drift_y + turned)


def _quadratic(r: Result) -> float:
    on, off = _currents(r)
    beta = _parts(r)["coil"].quadratic_current_coefficient
    return -float(beta) * (on**3 - off**3) / (on - off)


def _reluctance(r: Result) -> float:
    on, off = _currents(r)
    coil, z = _parts(r)["coil"], _parts(r)["flexure"].weighing_position
    return float(coil.inductance_curvature * (z - coil.symmetry_plane)) * (on**2 - off**2) / _weight(r)


def _displacement(r: Result) -> float:
    """A coil that hangs higher by Δz when loaded: −k (z_on I_on² − z_off I_off²)."""
    on, off = _currents(r)
    step = _parts(r)["flexure"].compliance * _weight(r)
    return float(_parts(r)["coil"].inductance_curvature * step) * on**2 / _weight(r)


def _hinge(r: Result) -> float:
    hinge = _parts(r)["flexure"]
    return float(hinge.stiffness * hinge.compliance)


def _thermal(r: Result) -> float:
    assert r.thermal is not None
    return r.thermal.epsilon


def _loading(r: Result) -> float:
    coil, meter = _parts(r)["coil"], _parts(r)["induced_voltmeter"]
    return -float(coil.resistance * meter.input_conductance)


def _zero(r: Result) -> float:
    return 0.0


EFFECTS: tuple[Effect, ...] = (
    # --- the mass and what acts on it --------------------------------------------------------------------------------
    Effect("air buoyancy", AIR, _buoyancy, "−ρ_a/ρ_m", ("buoyancy",), {"reduction.corrections.refractive_index": True}),
    Effect(
        "parts of the exchanger on the pan", {"mass_exchanger.parts_mass": 1e-4}, _exchanger, "m_p/m",
        ("exchanger_parts",),
    ),
    Effect(
        "susceptibility of the mass", {"test_mass.susceptibility": 4e-3, "magnet.stray_field": 1e-3,
                                       "magnet.stray_gradient": 1e-2},
        _magnetic, "−χ B B'/(µ0 ρ g)", ("magnetic_force",),
    ),
    Effect(
        "magnetisation of the mass", {"test_mass.magnetisation": 2.0, "magnet.stray_field": 1e-3,
                                      "magnet.stray_gradient": 1e-2},
        _magnetic, "−M B'/(ρ g)", ("magnetic_force",),
    ),
    Effect(
        "gravity transfer and gradient", {"environment.gravity_transfer": 2e-5, "environment.gravity_gradient": -3.086e-6,
                                          "environment.gravity_height": 1.2},
        _transfer, "(δg + ∂g/∂z h)/g", ("gravity_transfer",),
    ),
    Effect(
        "tide", {"environment.tide": [{"amplitude": 1e-6, "period": 44714.0, "phase": 0.3}]}, _tide, "δg(t)/g", ("tide",),
    ),
    # --- the length ---------------------------------------------------------------------------------------------------
    Effect("refractive index of the air", AIR, lambda r: 1.0 / _air(r)[1] - 1.0, "1/n − 1", ("refractive_index",)),
    Effect("wavelength of the laser", {"interferometer.gain": 1e-6}, lambda r: -1e-6, "−δλ/λ"),
    Effect("verticality of the beam", {"interferometer.verticality_x": 2e-3}, _cosine, "1/cos φ − 1", ("laser_alignment",)),
    Effect(
        "Abbe error", {"interferometer.abbe_offset_x": 1e-3, "alignment.roll_y": 5e-2}, _abbe, "−d ∂θ/∂z",
        ("laser_alignment",),
    ),
    Effect("drift of the laser", {"interferometer.laser_drift": 1e-9}, lambda r: -1e-9 * _middle(r, "velocity"), "−δ t"),
    # --- the coil in the field ----------------------------------------------------------------------------------------
    Effect(
        "horizontal force and sideways motion", {"alignment.coil_tilt_x": 1e-3, "alignment.drift_x": 2e-2}, _coupling,
        "F_x v_x/(F_z v_z)", ("alignment",),
    ),
    Effect(
        "torque and rotation", {"alignment.coil_offset_y": 1e-3, "alignment.roll_x": 2e-2}, _coupling,
        "Γ_x ω_x/(F_z v_z)", ("alignment",),
    ),
    Effect("quadratic current effect", {"coil.quadratic_current_coefficient": -0.1}, _quadratic, "−β I²",
           ("quadratic_current",)),
    Effect(
        "reluctance force at unequal currents", {"coil.inductance_curvature": 47900.0, "flexure.weighing_position": 1e-4,
                                                 "test_mass.tare_fraction": 0.4},
        _reluctance, "k z (I_on² − I_off²)/(m g)", ("reluctance",),
    ),
    Effect(
        "reluctance force at a displaced coil", {"coil.inductance_curvature": 47900.0, "flexure.compliance": 1e-6,
                                                 "magnet.profile": []},
        _displacement, "k Δz I²/(m g)", ("reluctance",),
    ),
    Effect(
        "weakly magnetic parts", {"coil.parts": [{"susceptibility": -1e-2, "area": 5e-5, "radius": 0.055}],
                                  "coil.gap_area": 5e-4, "coil.gap_radius": 0.055},
        _zero, "0: both phases alike",
    ),
    Effect(
        "stiffness of the hinge", {"flexure.stiffness": 10.0, "flexure.compliance": 1e-6, "magnet.profile": []}, _hinge,
        "K Δz/(m g)", ("stiffness",),
    ),
    # --- electricity --------------------------------------------------------------------------------------------------
    Effect("leakage across the coil", {"circuit.leakage": 1e-9}, _zero, "0: both phases alike"),
    Effect("input impedance of the voltmeter", {"induced_voltmeter.input_conductance": 1e-10}, _loading, "−R_c/R_in",
           ("input_impedance",)),
    Effect("thermal EMF of the leads", {"circuit.thermal_emf": 1e-6}, _zero, "0: reverses with the velocity"),
    Effect("thermal EMF of the resistor", {"resistor.offset": 1e-6}, _zero, "0: reverses with the current"),
    Effect("gain of the voltmeters", {"current_voltmeter.gain": 2e-6, "induced_voltmeter.gain": 1e-6}, lambda r: 3e-6,
           "δ_I + δ_U", ("voltmeter_calibration",)),
    Effect("offset of the voltmeters", {"current_voltmeter.offset": 1e-6, "induced_voltmeter.offset": 1e-6}, _zero,
           "0: read and reversed"),
    Effect("drift of the resistor", {"resistor.drift": 1e-9}, lambda r: 1e-9 * _middle(r, "weighing"), "δ t",
           ("resistor_drift",)),
    Effect("temperature of the resistor", {"resistor.temperature_coefficient": 1e-6, "environment.temperature": 300.15},
           lambda r: 2e-6, "a ΔT", ("resistor_temperature",)),
    Effect("power in the resistor", {"resistor.power_coefficient": 1e-3},
           lambda r: 1e-3 * _currents(r)[0] ** 2 * _parts(r)["resistor"].resistance, "c R I²", ("resistor_power",)),
    Effect("deviation of the reference", {"voltage_reference.gain": 1e-6}, lambda r: -2e-6, "−2 δ"),
    Effect("pressure at the reference", {"voltage_reference.pressure_coefficient": 1e-9, "environment.pressure": 1.0e5},
           lambda r: -2e-9 * (1.0e5 - 101325.0), "−2 b (p − p0)", ("reference_environment",)),
    Effect("drift of the reference", {"voltage_reference.drift": 1e-9},
           lambda r: -1e-9 * (_middle(r, "weighing") + _middle(r, "velocity")), "−2 δ t", ("reference_environment",)),
    Effect("time base", {"induced_voltmeter.time_base_error": 1e-6, "interferometer.time_base_error": 1e-6},
           lambda r: -1e-6, "−δ", ("time_base",)),
)  # fmt: skip
"""One effect each, with sizes that stand out of rounding and stay linear."""
