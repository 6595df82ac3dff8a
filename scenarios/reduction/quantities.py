"""What the budget calls each certificate, and its unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Quantity(NamedTuple):
    """An input quantity of the budget."""

    label: str
    unit: str


BETWEEN, CHANGE = "between cycles", "change in the run"
"""Type A lines that only some runs have."""

QUANTITIES: Mapping[str, Quantity] = {
    "resistance": Quantity("resistor: resistance", "ohm"),
    "gravity": Quantity("gravity", "m/s^2"),
    "mass_density": Quantity("test mass: density", "kg/m^3"),
    "reference_voltage": Quantity("voltage reference: voltage", "V"),
    "mass_expansion": Quantity("test mass: expansion of its volume", "1/K"),
    "resistance_drift": Quantity("resistor: drift", "1/s"),
    "resistance_temperature_coefficient": Quantity("resistor: temperature coefficient", "1/K"),
    "resistance_power_coefficient": Quantity("resistor: power coefficient", "1/W"),
    "reference_drift": Quantity("voltage reference: drift", "1/s"),
    "reference_pressure_coefficient": Quantity("voltage reference: pressure coefficient", "1/Pa"),
    "reference_temperature_coefficient": Quantity("voltage reference: temperature coefficient", "1/K"),
    "reference_wander": Quantity("voltage reference: wander about its certificate", "1"),
    "current_nonlinearity": Quantity("current voltmeter: nonlinearity", "1"),
    "induced_nonlinearity": Quantity("induced voltmeter: nonlinearity", "1"),
    "leakage": Quantity("circuit: leakage across the coil", "S"),
    "input_conductance": Quantity("induced voltmeter: input conductance", "S"),
    "current_input_conductance": Quantity("current voltmeter: input conductance", "S"),
    "current_gain_drift": Quantity("current voltmeter: drift of the gain", "1/s"),
    "induced_gain_drift": Quantity("induced voltmeter: drift of the gain", "1/s"),
    "current_offset_drift": Quantity("current voltmeter: drift of the offset", "V/s"),
    "induced_offset_drift": Quantity("induced voltmeter: drift of the offset", "V/s"),
    "thermal_emf_drift": Quantity("circuit: drift of the thermal EMF", "V/s"),
    "lead_resistance": Quantity("circuit: resistance of the leads", "ohm"),
    "coil_resistance": Quantity("coil: resistance", "ohm"),
    "coil_resistance_temperature_coefficient": Quantity("coil: temperature coefficient of the resistance", "1/K"),
    "coil_capacitance": Quantity("circuit: capacitance across the coil", "F"),
    "coil_inductance": Quantity("circuit: inductance of the coil", "H"),
    "trigger_latency": Quantity("voltmeter: trigger latency after the interferometer's", "s"),
    "time_base_error": Quantity("interferometer: time base", "1"),
    "voltmeter_time_base_error": Quantity("induced voltmeter: time base", "1"),
    "gravity_transfer": Quantity("gravity: transfer from the gravimeter", "m/s^2"),
    "gravity_gradient": Quantity("gravity: vertical gradient", "1/s^2"),
    "gravity_height": Quantity("gravity: height of the mass", "m"),
    "tide_scale": Quantity("gravity: tide", "1"),
    "susceptibility": Quantity("test mass: susceptibility", "1"),
    "magnetisation": Quantity("test mass: magnetisation", "A/m"),
    "stray_field": Quantity("magnet: stray field at the pan", "T"),
    "stray_gradient": Quantity("magnet: gradient of the stray field at the pan", "T/m"),
    "parts_mass": Quantity("mass exchanger: mass of the parts on the pan", "kg"),
    "parts_density": Quantity("mass exchanger: density of these parts", "kg/m^3"),
    "stiffness": Quantity("flexure: stiffness", "N/m"),
    "after_effect_strength": Quantity("after-effect: relaxing stiffness", "N/m"),
    "support_compliance": Quantity("support: compliance", "m/N"),
    "air_density": Quantity("air density: CIPM-2007", "1"),
    "air_temperature": Quantity("air: thermometer", "K"),
    "air_pressure": Quantity("air: barometer", "Pa"),
    "air_humidity": Quantity("air: hygrometer", "1"),
    "co2": Quantity("air: carbon dioxide", "1"),
    "refractive_index": Quantity("refractive index: formula", "1"),
    "laser": Quantity("interferometer: wavelength", "1"),
    "laser_drift": Quantity("interferometer: drift of the laser", "1/s"),
    "verticality_x": Quantity("interferometer: verticality in x", "rad"),
    "verticality_y": Quantity("interferometer: verticality in y", "rad"),
    "abbe_offset_x": Quantity("interferometer: Abbe offset in x", "m"),
    "abbe_offset_y": Quantity("interferometer: Abbe offset in y", "m"),
    "coil_tilt_x": Quantity("coil: tilt in x", "rad"),
    "coil_tilt_y": Quantity("coil: tilt in y", "rad"),
    "coil_offset_x": Quantity("coil: offset in x", "m"),
    "coil_offset_y": Quantity("coil: offset in y", "m"),
    "drift_x": Quantity("coil: drift in x along its travel", "m/m"),
    "drift_y": Quantity("coil: drift in y along its travel", "m/m"),
    "roll_x": Quantity("coil: roll about x along its travel", "rad/m"),
    "roll_y": Quantity("coil: roll about y along its travel", "rad/m"),
    "reluctance_k": Quantity("coil: curvature of the inductance", "H/m^2"),
    "beta": Quantity("coil: quadratic current coefficient", "1/A^2"),
    "mutual_beta": Quantity("coil: quadratic coefficient between windings", "1/A^2"),
    "magnetic_centre": Quantity("magnet: symmetry plane", "m"),
    "temperature_coefficient": Quantity("magnet: temperature coefficient", "1/K"),
    "coil_expansion": Quantity("coil: thermal expansion", "1/K"),
    "remanence": Quantity("yoke: remanence", "1"),
    "yoke_inductance": Quantity("yoke: inductance of the coil that lags", "H"),
    "yoke_time_constant": Quantity("yoke: time constant of diffusion", "s"),
    "external_flux": Quantity("external flux: known sources", "1"),
}
