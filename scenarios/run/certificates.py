"""What the laboratory knows about its own balance: the values on the certificates, not the deviations from them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.after_effect import AfterEffect
from components.alignment import Alignment
from components.circuit import Circuit
from components.coil import Coil
from components.environment import Environment
from components.external_flux import ExternalFlux
from components.flexure import Flexure
from components.hysteresis import Hysteresis
from components.interferometer import Interferometer
from components.magnet import Magnet
from components.mass_exchanger import MassExchanger
from components.resistor import Resistor
from components.support import Support
from components.test_mass import TestMass
from components.thermometer import Thermometer
from components.voltage_reference import VoltageReference
from components.voltmeter import Voltmeter
from components.yoke import Yoke
from scenarios.reduction import Certificates, Estimate
from scenarios.run.stated import Stated, sized, with_doubts
from scenarios.schema import Scenario
from twin.noise import LN_RATIO, TIME_CONSTANTS
from twin.signal import Constant
from twin.times import NS

Array = NDArray[np.float64]


def certificates(scenario: Scenario) -> Certificates:
    """The certificates of a scenario's balance: parameters as the laboratory believes them, with their uncertainties.

    Raises
    ------
    WiringError
        If a component that the reduction needs is missing or of another kind, or if an uncertainty is stated that would
        reach the mass but no line of the budget.
    """
    known = Stated(scenario.sized)
    environment, interferometer = known.part("environment", Environment), known.part("interferometer", Interferometer)
    coil, flexure = known.part("coil", Coil), known.part("flexure", Flexure)
    reference, duration = known.part("voltage_reference", VoltageReference), _duration(scenario)
    in_air = "interferometer.refractive_index" in scenario.balance.wiring
    found = Certificates(
        **_resistor(known, known.part("resistor", Resistor)),
        **_reference(known, reference, duration),
        **_environment(known, environment),
        **_interferometer(known, interferometer, known.part("induced_voltmeter", Voltmeter), duration),
        **_linearity(known, "current"),
        **_linearity(known, "induced"),
        current_input_conductance=_loading(known, scenario, known.part("current_voltmeter", Voltmeter)),
        **_drifts(known, "current"),
        **_drifts(known, "induced"),
        **_mass(known, known.part("test_mass", TestMass), known.part("mass_exchanger", MassExchanger)),
        **_field(known, coil, known.part("magnet", Magnet)),
        **_optional(known, coil, _ramps(scenario, coil), getattr(scenario.campaign, "moves", "coil") == "magnet"),
        stiffness=known.of(flexure, "stiffness"),
        external_flux=_external_flux(known, scenario, coil, flexure.weighing_position),
        wavelength=environment.wavelength if in_air and not environment.vacuum else None,
        reference_temperature=environment.reference_temperature,
        reference_pressure=reference.reference_pressure,
        vacuum=environment.vacuum,
    )
    second = known.parts.get("second_coil")
    campaign: Any = scenario.campaign
    if campaign.in_series and isinstance(second, Coil):
        found = replace(found, **_in_series(known, coil, second))
    known.check()
    return found


def _resistor(known: Stated, resistor: Resistor) -> dict[str, Any]:
    gain = known.unknown(resistor, "gain", 1.0)
    resistance = sized(known.of(resistor, "resistance"), resistor.resistance * gain.value)
    return {
        "resistance": with_doubts(resistance, (resistor.resistance, gain)),
        "resistance_drift": known.of(resistor, "drift"),
        "resistance_temperature_coefficient": known.of(resistor, "temperature_coefficient"),
        "resistance_power_coefficient": known.of(resistor, "power_coefficient"),
    }


def _reference(known: Stated, reference: VoltageReference, duration_s: float) -> dict[str, Any]:
    gain, offset = known.unknown(reference, "gain", 1.0), known.unknown(reference, "offset")
    voltage = sized(known.of(reference, "voltage"), reference.voltage * gain.value + offset.value)
    return {
        "reference_voltage": with_doubts(voltage, (reference.voltage, gain), (1.0, offset)),
        "reference_drift": known.of(reference, "drift"),
        "reference_pressure_coefficient": known.of(reference, "pressure_coefficient"),
        "reference_temperature_coefficient": known.of(reference, "temperature_coefficient"),
        "reference_wander": Estimate(0.0, wander(reference.flicker_noise, duration_s) / reference.voltage),
    }


def wander(flicker: float, duration_s: float) -> float:
    """Standard deviation of the mean over a run of noise with the spectrum flicker²/f, down to 1.6e-7 Hz.

    The certificate is of a mean over longer times still. Noise is the sum of processes that `twin.noise` describes; the
    mean of one over T has the variance 2 σ² (τ/T)² (T/τ − 1 + exp(−T/τ)).
    """
    if flicker == 0.0:
        return 0.0
    x = duration_s / TIME_CONSTANTS
    # For short runs the bracket cancels: its series takes over.
    share = np.where(x > 1e-4, 2.0 / x**2 * (x + np.expm1(-x)), 1.0 - x / 3.0)
    return float(flicker * math.sqrt(LN_RATIO * share.sum()))


def _duration(scenario: Scenario) -> float:
    """Of the campaign (s)."""
    campaign: Any = scenario.campaign
    return float(campaign.duration / NS)


def _environment(known: Stated, environment: Environment) -> dict[str, Any]:
    names = "gravity", "gravity_transfer", "gravity_gradient", "gravity_height", "tide_scale"
    station = {
        f"air_{name}": known.unknown(environment, f"{name}_offset") for name in ("temperature", "pressure", "humidity")
    }
    equations = {
        "air_density": known.unknown(environment, "air_density_error", 1.0),
        "refractive_index": known.unknown(environment, "refractive_index_error"),
    }
    tide = tuple((c.amplitude, c.period, c.phase) for c in environment.tide)
    gravity = {name: known.of(environment, name) for name in names}
    return {**gravity, **station, **equations, "tide": tide, "co2": known.of(environment, "co2_fraction")}


def _interferometer(
    known: Stated, interferometer: Interferometer, voltmeter: Voltmeter, duration_s: float
) -> dict[str, Any]:
    """The scale may have drifted since the start: by half the run on the mean."""
    names = "verticality_x", "verticality_y", "abbe_offset_x", "abbe_offset_y", "time_base_error"
    late, early = known.of(voltmeter, "trigger_latency"), known.of(interferometer, "trigger_latency")
    between = replace(late, value=late.value - early.value)
    creep, drift = known.unknown(interferometer, "gain_drift"), known.of(interferometer, "laser_drift")
    return {
        **{name: known.of(interferometer, name) for name in names},
        "dead_path": interferometer.dead_path,
        "nonlinearity_period": 0.5 * interferometer.wavelength if interferometer.nonlinearity else None,
        "voltmeter_time_base_error": known.of(voltmeter, "time_base_error"),
        "laser": with_doubts(known.unknown(interferometer, "gain", 1.0), (0.5 * duration_s, creep)),
        "laser_drift": replace(drift, value=drift.value + creep.value),
        "trigger_latency": with_doubts(between, (1.0, early)),
        "input_conductance": known.of(voltmeter, "input_conductance"),
    }


def _linearity(known: Stated, meter: str) -> dict[str, Any]:
    """Of a voltmeter."""
    voltmeter = known.part(f"{meter}_voltmeter", Voltmeter)
    return {f"{meter}_nonlinearity": known.of(voltmeter, "nonlinearity"), f"{meter}_range": voltmeter.range}


def _loading(known: Stated, scenario: Scenario, voltmeter: Voltmeter) -> Estimate:
    """Input conductance of a voltmeter, if it is wired to know what it loads."""
    wired = f"{voltmeter.name}.source_resistance" in scenario.balance.wiring
    return known.of(voltmeter, "input_conductance") if wired else Estimate(0.0)


def _drifts(known: Stated, meter: str) -> dict[str, Any]:
    """Of a voltmeter since its last calibration and its last zero: nobody knows them."""
    voltmeter = known.part(f"{meter}_voltmeter", Voltmeter)
    return {f"{meter}_{name}": known.unknown(voltmeter, name) for name in ("gain_drift", "offset_drift")}


def _mass(known: Stated, mass: TestMass, exchanger: MassExchanger) -> dict[str, Any]:
    return {
        "mass_density": known.of(mass, "density"),
        "mass_expansion": known.of(mass, "expansion"),
        "susceptibility": known.of(mass, "susceptibility"),
        "magnetisation": known.of(mass, "magnetisation"),
        "parts_mass": known.of(exchanger, "parts_mass"),
        "parts_density": known.of(exchanger, "parts_density"),
    }


def _field(known: Stated, coil: Coil, magnet: Magnet) -> dict[str, Any]:
    """Coefficients of temperature are as uncertain as the scales of the thermometers that they are multiplied with."""
    alpha = known.u(magnet, "temperature_coefficient")
    scale = magnet.alpha / magnet.temperature_coefficient if alpha and magnet.temperature_coefficient else 1.0
    expansion, own = Estimate(coil.bl_temperature_coefficient), Estimate(magnet.alpha, abs(scale) * alpha)
    expansion, own = _shown(known, "coil", expansion), _shown(known, "magnet", own)
    doubts = (coil.radial_deviation, known.of(coil, "expansion")), (coil.expansion, known.of(coil, "radial_deviation"))
    warmth = {"magnet": magnet.alpha, "coil": coil.bl_temperature_coefficient}
    scales = {
        name: [
            (coefficient, known.of(thermometer, error))
            for error in ("gain", "alpha_error")
            if isinstance(thermometer := known.parts.get(f"{name}_thermometer"), Thermometer)
        ]
        for name, coefficient in warmth.items()
    }
    return {
        "coil_resistance": known.of(coil, "resistance"),
        "coil_resistance_temperature_coefficient": known.of(coil, "resistance_temperature_coefficient"),
        "reluctance_k": known.of(coil, "inductance_curvature"),
        "beta": known.of(coil, "quadratic_current_coefficient"),
        "mutual_beta": known.of(coil, "mutual_quadratic_coefficient"),
        "magnetic_centre": known.of(coil, "symmetry_plane"),
        "coil_expansion": with_doubts(expansion, *doubts, *scales["coil"]),
        "temperature_coefficient": with_doubts(own, *scales["magnet"]),
        "stray_field": known.of(magnet, "stray_field"),
        "stray_gradient": known.of(magnet, "stray_gradient"),
    }


DEVIATIONS = "gain", "offset", "ice_resistance_error", "alpha_error", "self_heating"
"""Of a thermometer, which its certificate may state."""


def _shown(known: Stated, name: str, coefficient: Estimate) -> Estimate:
    """A coefficient of temperature for what a thermometer shows, s + g T by its certificate, in place of T.

    1 + α (T_shown − s)/g is 1 + α/(g − α s) T_shown but for a constant factor, which both phases have.
    """
    thermometer = known.parts.get(f"{name}_thermometer")
    if not isinstance(thermometer, Thermometer) or not thermometer.certified:
        return coefficient
    sensor = known.as_certified(thermometer, DEVIATIONS)
    gain = 0.5 * (sensor.shows(1.0) - sensor.shows(-1.0))
    return sized(coefficient, coefficient.value / (gain - coefficient.value * sensor.shows(0.0)))


def _in_series(known: Stated, coil: Coil, second: Coil) -> dict[str, Any]:
    """Of two windings that one current flows through, as if they were one."""
    k, beta = known.of(coil, "inductance_curvature"), known.of(coil, "quadratic_current_coefficient")
    resistance, between = known.of(coil, "resistance"), coil.mutual_quadratic_coefficient
    curvature = k.value + second.inductance_curvature + 2.0 * coil.mutual_curvature
    bend = beta.value + 3.0 * between
    # F of two equal currents has β + 3 β_M; λ of two opposite ones 3 (β − β_M).
    return {
        "coil_resistance": sized(resistance, resistance.value + second.resistance),
        "reluctance_k": sized(k, curvature),
        "beta": sized(beta, bend),
        "mutual_beta": sized(beta, beta.value - between),
        "current_goes_on": True,
    }


def _external_flux(known: Stated, scenario: Scenario, coil: Coil, position: float) -> Estimate:
    """The relative error of the mass by the sources that are stated, as they are at the start of the run."""
    flux, magnet = known.parts.get("external_flux"), known.part("magnet", Magnet)
    if not isinstance(flux, ExternalFlux) or not flux.sources:
        return Estimate(0.0)
    field = magnet.signals(**{port: Constant(0.0) for port in magnet.inputs})["field"]
    bl = float(field.at(Constant(position))(0.0)) * coil.winding_factor * coil.share
    moves = getattr(scenario.campaign, "moves", "coil") == "magnet"
    size = flux.epsilon(bl, position, magnet_moves=moves)

    def doubt(name: str) -> float:
        moved = flux.model_copy(update={name: getattr(flux, name) + known.u(flux, name)}).fresh()
        return moved.epsilon(bl, position, magnet_moves=moves) - size

    return Estimate(size, math.hypot(*(doubt(name) for name in flux.uncertainties)))


def _ramps(scenario: Scenario, coil: Coil) -> Array:
    """When the current is ramped (s), shape (ramps, 2); none if no flux lags behind it, or no scheme tells."""
    campaign: Any = scenario.campaign
    lags = coil.yoke_inductance and "coil.yoke" in scenario.balance.wiring
    ramps: Array = campaign.ramps if lags else np.zeros((0, 2))
    return ramps


def _optional(known: Stated, coil: Coil, ramps: Array, hinge_rests: bool) -> dict[str, Any]:
    """Of the parts that a balance may lack.

    Parameters
    ----------
    ramps : of the current, if the yoke lags behind it.
    hinge_rests : whether the coil never moves, so that nothing of the hinge relaxes, and positions are not its own.
    """
    found: dict[str, Any] = {}
    for part in known.parts.values():
        if isinstance(part, Support):
            found["support_compliance"] = known.of(part, "compliance")
        elif isinstance(part, Hysteresis) and coil.yoke_inductance:
            found["remanence"] = known.of(part, "share")
        elif isinstance(part, Yoke) and len(ramps):
            tau = known.of(part, "time_constant")
            times, weights = part.relaxation()
            faster = part.time_constant / (1.0 + part.gap_reluctance)
            found["yoke_inductance"] = known.of(coil, "yoke_inductance")
            found["yoke_time_constant"] = with_doubts(tau, (faster, known.of(part, "gap_reluctance")))
            found["yoke_modes"] = tuple(zip((times / tau.value).tolist(), weights.tolist(), strict=True))
            found["ramps"] = tuple((begin, end) for begin, end in ramps.tolist())
        elif isinstance(part, AfterEffect) and (part.defect or known.u(part, "defect")) and part.stiffness:
            product = Estimate(part.defect * part.stiffness)
            doubts = (part.stiffness, known.of(part, "defect")), (part.defect, known.of(part, "stiffness"))
            found["after_effect_strength"] = with_doubts(product, *doubts)
            if hinge_rests:
                continue
            found["after_effect_rest"] = part.rest
            found["after_effect_time_constants"] = tuple(part.time_constants)
            found["after_effect_weights"] = tuple(part.weights)
        elif isinstance(part, Circuit):
            found["leakage"] = known.of(part, "leakage")
            found["thermal_emf_drift"] = known.unknown(part, "thermal_emf_drift")
            found["lead_resistance"] = known.of(part, "lead_resistance")
            found["coil_capacitance"] = known.of(part, "capacitance")
            found["coil_inductance"] = known.of(part, "inductance")
        elif isinstance(part, Alignment):
            axes = ("coil_tilt", "coil_offset", "drift", "roll")
            found |= {f"{name}_{axis}": known.of(part, f"{name}_{axis}") for name in axes for axis in "xy"}
    return found
