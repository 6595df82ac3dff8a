"""Electricity: the circuit, the voltmeters, the resistor and the voltage reference."""

from __future__ import annotations

import math

import numpy as np

from scenarios.studies.case import Array, Case
from scenarios.studies.effects import Effect

REVERSED = "0: reverses with the velocity"
STOOD = "0: reverses with the current"
SERVO = "0: the servo takes it out"


def _loading(case: Case) -> float:
    coil, meter, circuit = (case.parts[name] for name in ("coil", "induced_voltmeter", "circuit"))
    return -float((coil.resistance + circuit.lead_resistance) * meter.input_conductance)


def _shunted(case: Case) -> float:
    return -float(case.parts["resistor"].resistance * case.parts["current_voltmeter"].input_conductance)


# --- drifts of the voltmeters ----------------------------------------------------------------------------------------


def _thermal_emf(case: Case) -> float:
    drift = case.parts["circuit"].thermal_emf_drift
    return case.fitted(drift * case.reading_times / case.bl, offset_drifts=False)


def _zero_error(case: Case, meter: str) -> Array:
    """Of the reference as each calibration reads it (V): the zero is known when it was read, and between."""
    drift = float(case.parts[meter].offset_drift)
    known, at = case.times(meter, "zero"), case.calibration_times(meter)
    error: Array = drift * (at - np.interp(at, known, known)) / case.parts["voltage_reference"].voltage
    return error


def _age(case: Case, meter: str, at: Array) -> Array:
    """Of the gains that are held at times (s)."""
    age: Array = at - case.calibration_times(meter)[case.holding(meter, at)]
    return age


def _current_offset_drift(case: Case) -> float:
    """What the weighing scheme does not take for drift comes from the calibrations."""
    volts = case.parts["resistor"].resistance * case.weight / case.bl
    drift = float(case.parts["current_voltmeter"].offset_drift) * case.weighing_times / volts * case.weight
    error = _zero_error(case, "current_voltmeter")[case.holding("current_voltmeter", case.weighing_times)]
    return case.force_error(drift) - case.relative_error(error)


def _induced_offset_drift(case: Case) -> float:
    drift = case.parts["induced_voltmeter"].offset_drift
    error = case.carried(_zero_error(case, "induced_voltmeter")[case.holding("induced_voltmeter", case.group_times)])
    return case.fitted(drift * case.reading_times / case.bl, offset_drifts=False) - case.relative_error(error)


def _current_gain_drift(case: Case) -> float:
    age = _age(case, "current_voltmeter", case.weighing_times)
    return float(case.parts["current_voltmeter"].gain_drift) * case.relative_error(age)


def _induced_gain_drift(case: Case) -> float:
    age = case.carried(_age(case, "induced_voltmeter", case.group_times))
    return float(case.parts["induced_voltmeter"].gain_drift) * case.relative_error(age)


# --- their nonlinearity ---------------------------------------------------------------------------------------------


def _bent(case: Case, meter: str, volts: Array | float) -> Array | float:
    """What a voltmeter shows too much of voltages, beside its gain by the calibration."""
    part, reference = case.parts[meter], float(case.parts["voltage_reference"].voltage)
    cubic = 1.5 * math.sqrt(3.0) * part.nonlinearity
    error = [cubic * (v - v**3 / part.range**2) for v in (volts, reference)]
    return error[0] - error[1] / reference * volts


def _current_nonlinearity(case: Case) -> float:
    resistance = float(case.parts["resistor"].resistance)
    on, off = (_bent(case, "current_voltmeter", resistance * current) for current in case.currents)
    return float(on - off) * case.bl / (resistance * case.weight)


def _induced_nonlinearity(case: Case) -> float:
    return case.fitted(np.asarray(_bent(case, "induced_voltmeter", case.bl * case.velocities())) / case.bl)


# --- resistor --------------------------------------------------------------------------------------------------------


def _resistor_drift(case: Case) -> float:
    return float(case.parts["resistor"].drift) * case.relative_error(case.weighing_times)


def _warmth(case: Case, times: Array) -> Array:
    """The room above the reference temperature (K)."""
    room = case.parts["environment"]
    swing = room.temperature_swing * np.sin(2.0 * math.pi * times / room.swing_period)
    rise: Array = room.temperature - room.reference_temperature + room.temperature_drift * times + swing
    return rise


def _resistor_temperature(case: Case) -> float:
    warmth = _warmth(case, case.weighing_times)
    return float(case.parts["resistor"].temperature_coefficient) * case.relative_error(warmth)


def _resistor_power(case: Case) -> float:
    resistor, (on, off) = case.parts["resistor"], case.currents
    return float(resistor.power_coefficient * resistor.resistance) * (on**3 - off**3) / (on - off)


# --- voltage reference -----------------------------------------------------------------------------------------------


def _calibrated(case: Case, current: Array, induced: Array) -> float:
    """Bias by a reference that is higher than believed by so much, relative, in the calibrations of the cycles."""
    return -case.relative_error(case.calibrated(current, induced))


def _reference_offset(case: Case) -> float:
    reference = case.parts["voltage_reference"]
    return -2.0 * float(reference.offset / reference.voltage)


def _reference_drift(case: Case) -> float:
    drift = case.parts["voltage_reference"].drift
    return _calibrated(case, *(drift * case.calibration_times(m) for m in ("current_voltmeter", "induced_voltmeter")))


def _reference_pressure(case: Case) -> float:
    room, reference = case.parts["environment"], case.parts["voltage_reference"]
    times = (case.calibration_times(m) for m in ("current_voltmeter", "induced_voltmeter"))
    pressures = (room.pressure + room.pressure_drift * t - reference.reference_pressure for t in times)
    return _calibrated(case, *(reference.pressure_coefficient * p for p in pressures))


ELECTRICITY: tuple[Effect, ...] = (
    # --- circuit and source ------------------------------------------------------------------------------------------
    Effect("leakage across the coil", {"circuit.leakage": 1e-9}, 0.0, "0: both phases alike"),
    Effect("thermal EMF of the leads", {"circuit.thermal_emf": 1e-6}, 0.0, REVERSED),
    Effect("drift of the thermal EMF", {"circuit.thermal_emf_drift": 1e-6}, _thermal_emf, "−Ė T/(4 U), T: up and down",
           ("offset_drift",)),
    Effect("lead and contact resistance", {"circuit.lead_resistance": 100.0}, 0.0, "0: carries no current"),
    Effect("input impedance of the induced voltage's meter", {"induced_voltmeter.input_conductance": 1e-10,
                                                             "circuit.lead_resistance": 100.0},
           _loading, "−(R_c + R_l)/R_in", ("input_impedance",)),
    Effect("input impedance of the current's meter", {"current_voltmeter.input_conductance": 1e-10}, _shunted,
           "−R/R_in", ("input_impedance",)),
    Effect("bias current of the induced voltage's meter", {"induced_voltmeter.bias_current": 1e-9}, 0.0, REVERSED),
    Effect("bias current of the current's meter", {"current_voltmeter.bias_current": 1e-9}, 0.0, STOOD),
    Effect("gain of the current source", {"current_source.gain": 1e-4}, 0.0, SERVO),
    Effect("offset of the current source", {"current_source.offset": 1e-6}, 0.0, SERVO),
    Effect("temperature of the current source", {"current_source.temperature_coefficient": 1e-5,
                                                 "environment.temperature": 300.15}, 0.0, SERVO),
    # --- voltmeters --------------------------------------------------------------------------------------------------
    Effect("gain of the current's meter", {"current_voltmeter.gain": 2e-6}, 2e-6, "δ", ("voltmeter_calibration",)),
    Effect("gain of the induced voltage's meter", {"induced_voltmeter.gain": 1e-6}, 1e-6, "δ",
           ("voltmeter_calibration",)),
    Effect("drift of the gain of the current's meter", {"current_voltmeter.gain_drift": 1e-9}, _current_gain_drift,
           "δ (t_w − t_I)", ("voltmeter_drift",)),
    Effect("drift of the gain of the induced voltage's meter", {"induced_voltmeter.gain_drift": 1e-9},
           _induced_gain_drift, "δ (t_v − t_U)", ("voltmeter_drift",)),
    Effect("offset of the current's meter", {"current_voltmeter.offset": 1e-6}, 0.0, STOOD),
    Effect("offset of the induced voltage's meter", {"induced_voltmeter.offset": 1e-6}, 0.0, REVERSED),
    Effect("drift of the offset of the current's meter", {"current_voltmeter.offset_drift": 1e-6},
           _current_offset_drift, "−u̇ (t_I − t_0)/U_ref, t_0: of the last zero", ("voltmeter_drift",)),
    Effect("drift of the offset of the induced voltage's meter", {"induced_voltmeter.offset_drift": 1e-6},
           _induced_offset_drift, "−u̇ (T/(4 U) + (t_U − t_0)/U_ref)", ("offset_drift", "voltmeter_drift")),
    Effect("offset and drift with auto-zero", {"induced_voltmeter.offset": 1e-6, "induced_voltmeter.offset_drift": 1e-6,
                                               "induced_voltmeter.auto_zero": True,
                                               "current_voltmeter.offset": 1e-6, "current_voltmeter.offset_drift": 1e-6,
                                               "current_voltmeter.auto_zero": True}, 0.0, "0: taken off each reading"),
    # --- resistor ----------------------------------------------------------------------------------------------------
    Effect("nonlinearity of the current's meter", {"current_voltmeter.nonlinearity": 1e-6,
                                                   "test_mass.tare_fraction": 0.4}, _current_nonlinearity,
           "(p(V_on) − p(V_off))/(V_on − V_off) − p(U_ref)/U_ref, p = δ 3√3/2 (V − V³/V_r²)", ("voltmeter_linearity",)),
    Effect("nonlinearity of the induced voltage's meter", {"induced_voltmeter.nonlinearity": 1e-6},
           _induced_nonlinearity, "p(U)/U − p(U_ref)/U_ref, in the fit of Bl", ("voltmeter_linearity",)),
    Effect("deviation of the resistor", {"resistor.gain": 1e-6}, 1e-6, "δ", certified=("resistor.gain",)),
    Effect("thermal EMF of the resistor", {"resistor.offset": 1e-6}, 0.0, STOOD),
    Effect("drift of the resistor", {"resistor.drift": 1e-9}, _resistor_drift, "δ t_w", ("resistor_drift",)),
    Effect("temperature of the resistor", {"resistor.temperature_coefficient": 1e-6, "environment.temperature": 300.15},
           _resistor_temperature, "a ΔT", ("resistor_temperature",)),
    Effect("resistor in a warming room", {"resistor.temperature_coefficient": 1e-6,
                                          "environment.temperature_drift": 1e-3},
           _resistor_temperature, "a Ṫ t_w", ("resistor_temperature",)),
    Effect("resistor in a room whose temperature swings", {"resistor.temperature_coefficient": 1e-6,
                                                           "environment.temperature_swing": 5.0},
           _resistor_temperature, "a ΔT(t_w)", ("resistor_temperature",)),
    Effect("power in the resistor", {"resistor.power_coefficient": 1e-3}, _resistor_power, "c R I²",
           ("resistor_power",)),
    # --- voltage reference -------------------------------------------------------------------------------------------
    Effect("deviation of the reference", {"voltage_reference.gain": 1e-6}, -2e-6, "−2 δ",
           certified=("voltage_reference.gain",)),
    Effect("offset of the reference", {"voltage_reference.offset": 1e-5},
           _reference_offset, "−2 u/U_ref", certified=("voltage_reference.offset",)),
    Effect("drift of the reference", {"voltage_reference.drift": 1e-9}, _reference_drift,
           "−2 δ t_w: gains are carried to it", ("reference_environment",)),
    Effect("temperature of the reference", {"voltage_reference.temperature_coefficient": 1e-7,
                                            "environment.temperature": 300.15}, -4e-7, "−2 a ΔT",
           ("reference_environment",)),
    Effect("pressure at the reference", {"voltage_reference.pressure_coefficient": 1e-9, "environment.pressure": 1.0e5},
           _reference_pressure, "−2 b (p − p_0)", ("reference_environment",)),
    Effect("reference as the pressure drifts", {"voltage_reference.pressure_coefficient": 1e-9,
                                                "environment.pressure": 101325.0, "environment.pressure_drift": 0.5},
           _reference_pressure, "−2 b ṗ t_w: gains are carried to it", ("reference_environment",)),
)  # fmt: skip
