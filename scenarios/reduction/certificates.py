"""What a laboratory believes about its references and its balance, and how sure it is."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from itertools import chain, pairwise
from typing import Any

from components.air import RELATIVE_UNCERTAINTY
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.quantities import QUANTITIES


@dataclass(frozen=True)
class Estimate:
    """A believed value, its standard uncertainty in the same unit, and what is known of that.

    Parameters
    ----------
    value, u : in the unit of the quantity.
    dof : degrees of freedom of `u`.
    distribution : that `u` is the standard deviation of, for the budget.
    """

    value: float
    u: float = 0.0
    dof: float = math.inf
    distribution: str = "normal"


Known = Estimate | float

NONE, ONE = Estimate(0.0), Estimate(1.0)
STEEL = Estimate(8000.0)  # kg/m³
CIPM = Estimate(1.0, RELATIVE_UNCERTAINTY)
CIDDOR = Estimate(0.0, 1e-8)  # of the index of laboratory air, from the equation alone


@dataclass(frozen=True)
class Certificates:
    """Values and uncertainties of everything the mass depends on; nothing here is known to a simulation's truth.

    A number in place of an `Estimate` is a value without uncertainty. The defaults are neutral: an effect that no
    certificate speaks of is not there. Times t count from the start of the run, ΔT from `reference_temperature`.

    Parameters
    ----------
    resistance, resistance_drift, resistance_temperature_coefficient, resistance_power_coefficient : of the standard
        resistor, R (1 + drift t + a ΔT + c P): Ω, 1/s, 1/K, 1/W.
    reference_voltage, reference_drift, reference_pressure_coefficient, reference_temperature_coefficient : of the
        voltage reference, U (1 + drift t + b (p − p0) + a ΔT): V, 1/s, 1/Pa, 1/K. The voltage is not needed without
        voltmeter calibration.
    reference_wander : relative, of the mean over the run about the certificate: 1/f noise. Its value is 0.
    reference_temperature, reference_pressure : at which both are certified (K, Pa).
    leakage, input_conductance, current_input_conductance : across the coil, into the voltmeter of the induced voltage,
        and into that of the current, across the resistor (S).
    current_gain_drift, induced_gain_drift, current_offset_drift, induced_offset_drift : of the voltmeters (1/s, V/s);
        they act where one calibration or zero has to serve, as where there is no second one.
    thermal_emf_drift : of the measuring circuit (V/s); it acts where no velocity group tells it.
    lead_resistance, coil_resistance, coil_capacitance, coil_inductance : of the measuring circuit (Ω, Ω, F, H); the
        inductance as it acts on the voltage across the capacitance.
    coil_resistance_temperature_coefficient : of the coil, about the thermometer's reference (1/K).
    trigger_latency : of the voltmeter of the induced voltage, less the interferometer's (s).
    time_base_error : of the interferometer, whose steps are longer than stated by it.
    voltmeter_time_base_error : of the voltmeter of the induced voltage. At constant velocity longer apertures do not
        change a mean, but those of an oscillation begin later and later.
    gravity, gravity_transfer, gravity_gradient, gravity_height : g + transfer + gradient · height (m/s², m/s², 1/s²,
        m).
    tide, tide_scale : constituents (amplitude m/s², period s, phase rad), a sum of cosines, and a factor on it.
    mass_density, mass_expansion : of the test mass at `reference_temperature` (kg/m³), not needed in vacuum, and
        relative growth of its volume with the temperature of the air (1/K).
    current_nonlinearity, induced_nonlinearity : largest error of either voltmeter within its range, over the range, of
        the cubic that is zero at both ends of the range; `current_range`, `induced_range` : these (V), None if unknown.
    susceptibility, magnetisation, stray_field, stray_gradient : of the mass (1, A/m), and at the pan (T, T/m).
    parts_mass, parts_density : of what is put on the pan with the mass (kg, kg/m³).
    stiffness : of the flexure (N/m), if the coil hangs at different heights with the mass on and off.
    support_compliance : of the magnet's support (m/N).
    after_effect_strength, after_effect_time_constants, after_effect_weights : of the flexure's after-effect: the
        stiffness that relaxes (N/m), how fast (s), and shares of it (1), equal ones if not stated.
    after_effect_rest : z of the coil before the run (m); None if it was where it was first weighed.
    air_density : factor on the CIPM-2007 density.
    air_temperature, air_pressure, air_humidity : what the station's sensors show too much (K, Pa, 1).
    co2 : mole fraction of carbon dioxide.
    wavelength : in vacuum (m), by which positions were read in air; None if they need no refractive index.
    refractive_index : error of the index from the formula.
    nonlinearity_period : of the interferometer's periodic error (m), half its wavelength; None if it has none.
    dead_path : of the interferometer (m): of the position that a coil at rest shows, it is what the air changes.
    laser, laser_drift : position shown over true, for the wavelength in vacuum, L (1 + drift t): 1, 1/s.
    verticality_x, verticality_y, abbe_offset_x, abbe_offset_y : of the beam (rad, m).
    coil_tilt_x, coil_tilt_y, coil_offset_x, coil_offset_y : of the coil in the field (rad, m).
    drift_x, drift_y, roll_x, roll_y : of the coil along its travel (m/m, rad/m).
    reluctance_k : k of the coil's self-inductance L = L0 − k z² (H/m²).
    beta : quadratic current coefficient of (Bl)_w (1/A²).
    mutual_beta : of Bl of a winding that moves beside the current I of another, or with its own, Bl (1 + 3 β_M I²)
        (1/A²).
    current_goes_on : whether the current of the last weighing flows on while the coil moves, against itself; that Bl,
        and so the current, is another one where the sweeps begin is left out.
    magnetic_centre : z of the magnet's symmetry plane (m).
    temperature_coefficient : α_m of the gap's flux density (1/K), about the thermometer's reference.
    coil_expansion : relative change of Bl with the coil's temperature (1/K), b κ of Seifert2014.
    remanence : of the yoke: the current that would leave the same flux, over the last current.
    yoke_inductance : L_y, the part of the coil's inductance whose flux the iron lets in slowly (H).
    yoke_time_constant, yoke_modes : τ1 of diffusion into it (s), and of each mode the time constant over τ1 and weight.
    ramps : begin and end (s) of each ramp of the current, in order; a straight line to the current that is read before
        the next one, or to none.
    external_flux : relative error of a mass by sources of flux beside the magnet, (ΔB_v − ΔB_w)/B (Ma2025).
    nominal_mass : of the test mass (kg), for reports only.
    vacuum : no air, no buoyancy.
    """

    resistance: Known
    gravity: Known
    mass_density: Known | None = None
    reference_voltage: Known | None = None

    resistance_drift: Known = NONE
    resistance_temperature_coefficient: Known = NONE
    resistance_power_coefficient: Known = NONE
    reference_drift: Known = NONE
    reference_pressure_coefficient: Known = NONE
    reference_temperature_coefficient: Known = NONE
    reference_wander: Known = NONE
    reference_temperature: float = 298.15
    reference_pressure: float = 101325.0

    leakage: Known = NONE
    input_conductance: Known = NONE
    current_input_conductance: Known = NONE
    current_gain_drift: Known = NONE
    induced_gain_drift: Known = NONE
    current_offset_drift: Known = NONE
    induced_offset_drift: Known = NONE
    thermal_emf_drift: Known = NONE
    lead_resistance: Known = NONE
    coil_resistance: Known = NONE
    coil_resistance_temperature_coefficient: Known = NONE
    coil_capacitance: Known = NONE
    coil_inductance: Known = NONE
    trigger_latency: Known = NONE
    time_base_error: Known = NONE
    voltmeter_time_base_error: Known = NONE

    gravity_transfer: Known = NONE
    gravity_gradient: Known = NONE
    gravity_height: Known = NONE
    tide: tuple[tuple[float, float, float], ...] = ()
    tide_scale: Known = ONE

    current_nonlinearity: Known = NONE
    induced_nonlinearity: Known = NONE
    current_range: float | None = None
    induced_range: float | None = None

    mass_expansion: Known = NONE
    susceptibility: Known = NONE
    magnetisation: Known = NONE
    stray_field: Known = NONE
    stray_gradient: Known = NONE
    parts_mass: Known = NONE
    parts_density: Known = STEEL
    stiffness: Known = NONE
    support_compliance: Known = NONE
    after_effect_strength: Known = NONE
    after_effect_time_constants: tuple[float, ...] = ()
    after_effect_weights: tuple[float, ...] = ()
    after_effect_rest: float | None = None

    air_density: Known = CIPM
    air_temperature: Known = NONE
    air_pressure: Known = NONE
    air_humidity: Known = NONE
    co2: Known = Estimate(400e-6)

    wavelength: float | None = None
    refractive_index: Known = CIDDOR
    nonlinearity_period: float | None = None
    dead_path: float = 0.0
    laser: Known = ONE
    laser_drift: Known = NONE
    verticality_x: Known = NONE
    verticality_y: Known = NONE
    abbe_offset_x: Known = NONE
    abbe_offset_y: Known = NONE
    coil_tilt_x: Known = NONE
    coil_tilt_y: Known = NONE
    coil_offset_x: Known = NONE
    coil_offset_y: Known = NONE
    drift_x: Known = NONE
    drift_y: Known = NONE
    roll_x: Known = NONE
    roll_y: Known = NONE

    reluctance_k: Known = NONE
    beta: Known = NONE
    mutual_beta: Known = NONE
    current_goes_on: bool = False
    magnetic_centre: Known = NONE
    temperature_coefficient: Known = NONE
    coil_expansion: Known = NONE
    remanence: Known = NONE
    yoke_inductance: Known = NONE
    yoke_time_constant: Known = ONE
    yoke_modes: tuple[tuple[float, float], ...] = ((1.0, 1.0),)
    ramps: tuple[tuple[float, float], ...] = ()
    external_flux: Known = NONE

    nominal_mass: float | None = None
    vacuum: bool = False

    def __post_init__(self) -> None:
        for name in QUANTITIES:
            given = getattr(self, name)
            if given is not None and not isinstance(given, Estimate):
                object.__setattr__(self, name, Estimate(float(given)))
        for name, value in self.values().items():
            _check(name, value)
        for name, estimate in self.estimates().items():
            if not (math.isfinite(estimate.u) and estimate.u >= 0):
                raise ReductionError(
                    f"the uncertainty of certificate {name!r} cannot be negative or endless: {estimate.u}"
                )
            if not estimate.dof > 0:
                raise ReductionError(f"certificate {name!r} needs degrees of freedom above 0, not {estimate.dof}")

    def estimates(self) -> dict[str, Estimate]:
        """Those of the certificates that have a value and an uncertainty, by name."""
        found = {name: getattr(self, name) for name in QUANTITIES}
        return {name: estimate for name, estimate in found.items() if estimate is not None}

    def values(self) -> dict[str, Any]:
        """All values by name, without their uncertainties."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: x.value if isinstance(x, Estimate) else x for name, x in found.items()}


POSITIVE = frozenset(
    {"resistance", "gravity", "mass_density", "parts_density", "reference_voltage", "nominal_mass", "wavelength"}
    | {"reference_temperature", "laser", "nonlinearity_period", "yoke_time_constant", "current_range", "induced_range"}
)


def _check(name: str, value: Any) -> None:
    """Refuse what no certificate can say."""
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, tuple):
        if name == "after_effect_time_constants" and not all(0 < tau < math.inf for tau in value):
            raise ReductionError(f"certificate {name!r} must hold positive times, not {value}")
        if name == "ramps" and not all(a <= b for a, b in pairwise(chain.from_iterable(value))):
            raise ReductionError("certificate 'ramps' must hold begin and end of each ramp, in ascending order")
        return
    if not math.isfinite(value):
        raise ReductionError(f"certificate {name!r} must be a finite number, not {value}")
    if name in POSITIVE and value <= 0:
        raise ReductionError(f"certificate {name!r} must be positive, not {value}")
