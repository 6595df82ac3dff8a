"""What the laboratory knows about its own balance: the values on the certificates, not the deviations from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from components.after_effect import AfterEffect
from components.alignment import Alignment
from components.circuit import Circuit
from components.coil import Coil
from components.environment import Environment
from components.flexure import Flexure
from components.hysteresis import Hysteresis
from components.interferometer import Interferometer
from components.magnet import Magnet
from components.mass_exchanger import MassExchanger
from components.resistor import Resistor
from components.support import Support
from components.test_mass import TestMass
from components.voltage_reference import VoltageReference
from components.voltmeter import Voltmeter
from scenarios.reduction import Certificates, Estimate
from scenarios.schema import Scenario
from twin.component import Component
from twin.errors import WiringError
from twin.noise import LN_RATIO, TIME_CONSTANTS
from twin.times import NS

Kind = TypeVar("Kind", bound=Component)


def certificates(scenario: Scenario) -> Certificates:
    """The certificates of a scenario's balance: parameters as the laboratory believes them, with their uncertainties.

    Raises
    ------
    WiringError
        If a component that the reduction needs is missing or of another kind.
    """
    parts = scenario.components()

    def part(name: str, kind: type[Kind]) -> Kind:
        found = parts.get(name)
        if not isinstance(found, kind):
            raise WiringError(f"the reduction needs a {kind.__name__} called {name!r}", (name,))
        return found

    environment, interferometer = part("environment", Environment), part("interferometer", Interferometer)
    coil, flexure = part("coil", Coil), part("flexure", Flexure)
    reference = part("voltage_reference", VoltageReference)
    in_air = "interferometer.refractive_index" in scenario.balance.wiring
    return Certificates(
        **_resistor(part("resistor", Resistor)),
        **_reference(reference, _duration(scenario)),
        **_environment(environment),
        **_interferometer(interferometer, part("induced_voltmeter", Voltmeter)),
        current_input_conductance=_loading(scenario, part("current_voltmeter", Voltmeter)),
        **_mass(part("test_mass", TestMass), part("mass_exchanger", MassExchanger)),
        **_field(coil, part("magnet", Magnet)),
        **_optional(parts, coil),
        stiffness=_of(flexure, "stiffness"),
        wavelength=environment.wavelength if in_air and not environment.vacuum else None,
        reference_temperature=environment.reference_temperature,
        reference_pressure=reference.reference_pressure,
        vacuum=environment.vacuum,
        co2=environment.co2_fraction,
    )


def _of(part: Component, name: str) -> Estimate:
    """A parameter of a part as its certificate states it."""
    stated = part.uncertainties.get(name)
    value = float(getattr(part, name))
    if stated is None:
        return Estimate(value)
    return Estimate(value, part.standard_uncertainty(name), stated.dof or math.inf, stated.distribution)


def _unknown(part: Component, name: str, value: float = 0.0) -> Estimate:
    """A deviation of a part that nobody knows: only how large it may be."""
    stated = _of(part, name)
    return Estimate(value, stated.u, stated.dof, stated.distribution)


def _with(first: Estimate, *more: tuple[float, Estimate]) -> Estimate:
    """An estimate with further contributions to its uncertainty: sensitivity and source of each."""
    more = tuple((sensitivity, other) for sensitivity, other in more if other.u > 0)
    if not more:
        return first
    variances = [(first.u**2, first.dof), *((((c * x.u) ** 2), x.dof) for c, x in more)]
    total = math.fsum(variance for variance, _ in variances)
    spread = math.fsum(variance**2 / dof for variance, dof in variances)
    dof = total**2 / spread if spread > 0 else math.inf
    return Estimate(first.value, math.sqrt(total), dof, more[0][1].distribution if first.u == 0 else "normal")


def _resistor(resistor: Resistor) -> dict[str, Any]:
    return {
        "resistance": _with(_of(resistor, "resistance"), (resistor.resistance, _of(resistor, "gain"))),
        "resistance_drift": _of(resistor, "drift"),
        "resistance_temperature_coefficient": _of(resistor, "temperature_coefficient"),
        "resistance_power_coefficient": _of(resistor, "power_coefficient"),
    }


def _reference(reference: VoltageReference, duration_s: float) -> dict[str, Any]:
    more = (reference.voltage, _of(reference, "gain")), (1.0, _of(reference, "offset"))
    return {
        "reference_voltage": _with(_of(reference, "voltage"), *more),
        "reference_drift": _of(reference, "drift"),
        "reference_pressure_coefficient": _of(reference, "pressure_coefficient"),
        "reference_temperature_coefficient": _of(reference, "temperature_coefficient"),
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
    return float(campaign.period / NS * campaign.cycles)


def _environment(environment: Environment) -> dict[str, Any]:
    gravity = {f"gravity_{name}": _of(environment, f"gravity_{name}") for name in ("transfer", "gradient", "height")}
    station = {
        f"air_{name}": _unknown(environment, f"{name}_offset") for name in ("temperature", "pressure", "humidity")
    }
    equations = {
        "air_density": _unknown(environment, "air_density_error", 1.0),
        "refractive_index": _unknown(environment, "refractive_index_error"),
    }
    tide = tuple((c.amplitude, c.period, c.phase) for c in environment.tide)
    return {"gravity": _of(environment, "gravity"), **gravity, **station, **equations, "tide": tide}


def _interferometer(interferometer: Interferometer, voltmeter: Voltmeter) -> dict[str, Any]:
    names = "verticality_x", "verticality_y", "abbe_offset_x", "abbe_offset_y", "time_base_error"
    late, early = _of(voltmeter, "trigger_latency"), _of(interferometer, "trigger_latency")
    between = Estimate(late.value - early.value, late.u, late.dof, late.distribution)
    return {
        **{name: _of(interferometer, name) for name in names},
        "nonlinearity_period": 0.5 * interferometer.wavelength if interferometer.nonlinearity else None,
        "laser": _unknown(interferometer, "gain", 1.0),
        "trigger_latency": _with(between, (1.0, early)),
        "input_conductance": _of(voltmeter, "input_conductance"),
    }


def _loading(scenario: Scenario, voltmeter: Voltmeter) -> Estimate:
    """Input conductance of a voltmeter, if it is wired to know what it loads."""
    wired = f"{voltmeter.name}.source_resistance" in scenario.balance.wiring
    return _of(voltmeter, "input_conductance") if wired else Estimate(0.0)


def _mass(mass: TestMass, exchanger: MassExchanger) -> dict[str, Any]:
    return {
        "mass_density": _of(mass, "density"),
        "susceptibility": _of(mass, "susceptibility"),
        "magnetisation": _of(mass, "magnetisation"),
        "parts_mass": _of(exchanger, "parts_mass"),
        "parts_density": _of(exchanger, "parts_density"),
    }


def _field(coil: Coil, magnet: Magnet) -> dict[str, Any]:
    alpha = magnet.standard_uncertainty("temperature_coefficient")
    scale = magnet.alpha / magnet.temperature_coefficient if alpha and magnet.temperature_coefficient else 1.0
    expansion = Estimate(coil.bl_temperature_coefficient)
    doubts = (coil.radial_deviation, _of(coil, "expansion")), (coil.expansion, _of(coil, "radial_deviation"))
    return {
        "coil_resistance": _of(coil, "resistance"),
        "reluctance_k": _of(coil, "inductance_curvature"),
        "beta": _of(coil, "quadratic_current_coefficient"),
        "magnetic_centre": _of(coil, "symmetry_plane"),
        "coil_expansion": _with(expansion, *doubts),
        "temperature_coefficient": Estimate(magnet.alpha, abs(scale) * alpha),
        "stray_field": _of(magnet, "stray_field"),
        "stray_gradient": _of(magnet, "stray_gradient"),
    }


def _optional(parts: Mapping[str, Component], coil: Coil) -> dict[str, Any]:
    """Of the parts that a balance may lack."""
    known: dict[str, Any] = {}
    for part in parts.values():
        if isinstance(part, Support):
            known["support_compliance"] = _of(part, "compliance")
        elif isinstance(part, Hysteresis) and coil.yoke_inductance:
            known["remanence"] = _of(part, "share")
        elif isinstance(part, AfterEffect) and part.defect * part.stiffness:
            product = Estimate(part.defect * part.stiffness)
            doubts = (part.stiffness, _of(part, "defect")), (part.defect, _of(part, "stiffness"))
            known["after_effect_strength"] = _with(product, *doubts)
            known["after_effect_rest"] = part.rest
            known["after_effect_time_constants"] = tuple(part.time_constants)
            known["after_effect_weights"] = tuple(part.weights)
        elif isinstance(part, Circuit):
            known["leakage"] = _of(part, "leakage")
            known["lead_resistance"] = _of(part, "lead_resistance")
            known["coil_capacitance"] = _of(part, "capacitance")
            known["coil_inductance"] = _of(part, "inductance")
        elif isinstance(part, Alignment):
            axes = ("coil_tilt", "coil_offset", "drift", "roll")
            known |= {f"{name}_{axis}": _of(part, f"{name}_{axis}") for name in axes for axis in "xy"}
    return known
