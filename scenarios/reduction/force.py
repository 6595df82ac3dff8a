"""Current, Bl, force and mass of a run, for any values of the certificates.

The values v are numbers, or, to have many cases at once, arrays of shape (cases, 1) among them: then all that follows
has the cases in front of the shape that is stated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.voltmeter import bend
from scenarios.reduction.readout import Readout

Array = NDArray[np.float64]
VACUUM_PERMEABILITY = 1.25663706127e-6  # N/A², CODATA 2022


@dataclass(frozen=True, eq=False)
class Outcome:
    """What certificates make of a run.

    Parameters
    ----------
    mass : of each cycle (kg).
    current, bl, force : of each weighing (A, T·m, N); the force is the coil's, less that of the flexure.
    bl_parts : what each velocity group contributes to `bl`, shape (weighings, groups).
    gravity : at each weighing (m/s²).
    lift : weight less buoyancy and magnetic force, over m g, of each cycle.
    density : of the air at each weighing (kg/m³).
    """

    mass: Array
    current: Array
    bl: Array
    force: Array
    bl_parts: Array
    gravity: Array
    lift: Array
    density: Array

    @property
    def mean(self) -> float:
        """Plain mean over the cycles (kg), of a single case."""
        return float(self.mass.mean())


def evaluate(run: Readout, v: SimpleNamespace) -> Outcome:
    """The mass of each cycle.

    Mass on and off differ by ΔF = m g (1 − ρ/ρ_m) − V (χ B B'/µ0 + M B') + m_p g (1 − ρ/ρ_p), and each force stands for
    a load at the gravity of its own time, so that ΔF/g is what the scheme takes.
    """
    current = coil_current(run, v)
    scale = shown_over_true(run, v)
    raised: Array | float = 0.0
    factor = force_factor(run, v, current, scale)
    bl, parts = factor(raised)
    if np.any(v.support_compliance):  # the magnet sinks under the coil's force: z is that much higher
        raised = v.support_compliance * bl * current
        bl, parts = factor(raised)
    z = run.weighings.position / scale.mean(axis=-1, keepdims=True)
    depth = z + raised - v.magnetic_centre
    force = bl * current * (1.0 + v.beta * current**2) - v.reluctance_k * depth * current**2 - v.stiffness * z

    if np.any(v.yoke_inductance):  # what the yoke's flux is too large by pulls as the reluctance does
        steepness = np.where(
            v.yoke_inductance, v.reluctance_k / np.where(v.yoke_inductance, v.yoke_inductance, 1.0), 0.0
        )
        pull = v.reluctance_k * depth / np.sqrt(1.0 - steepness * depth**2) * current
        force = force - np.where(v.yoke_inductance, pull * _at_time_constant(run, v, run.lag), 0.0)
    force = force - v.after_effect_strength * run.elongation
    gravity = v.gravity + v.gravity_transfer + v.gravity_gradient * v.gravity_height + v.tide_scale * run.tide
    density = np.zeros(len(run.weighings.time)) + v.air * v.air_density * run.air.density(v)
    loaded = np.where(run.weighings.on, run.schemes.weights, 0.0)  # of what comes and goes with the mass
    parts_load = v.parts_mass * (1.0 - density / v.parts_density)
    lifted = run.by_cycle(run.schemes.weights * (force / gravity) - loaded * parts_load)
    swollen = 1.0 + v.mass_expansion * (0.0 if run.room is None else _above_reference(run, v))
    lift = run.by_cycle(loaded * (1.0 - swollen * (density / _of_mass(v) + magnetic(v) / gravity)))
    return Outcome(lifted / lift / (1.0 + v.external_flux), current, bl, force, parts, gravity, lift, density)


def _at_time_constant(run: Readout, v: SimpleNamespace, found: Array) -> Array:
    """What was computed at the yoke's certified time constant, and one larger by its uncertainty, at this one."""
    if len(found) == 1:
        return found[0]
    moved = (v.yoke_time_constant - run.time_scales[0]) / (run.time_scales[1] - run.time_scales[0])
    result: Array = found[0] + moved * (found[1] - found[0])
    return result


def coil_current(run: Readout, v: SimpleNamespace) -> Array:
    """Of each weighing (A): voltage over resistance, less what leaks past the coil.

    R (1 + drift t + a ΔT + c P), with the power P of this very current.
    """
    volts = run.weighings.voltage
    if np.any(v.current_nonlinearity) and v.current_range is not None:
        volts = volts - v.current_nonlinearity * bend(volts, v.current_range)
    if run.current is not None:
        volts = volts * np.where(v.calibrated, run.current.gain(v) * _straight(v, "current"), 1.0)
    relative = 1.0 + v.resistance_drift * run.weighings.time
    if run.room is not None:
        relative = relative + v.resistance_temperature_coefficient * _above_reference(run, v)
    if np.any(v.resistance_power_coefficient):
        relative = relative + v.resistance_power_coefficient * (volts * volts / v.resistance)
    # The voltmeter lies across the resistor and takes its share of the current.
    across = relative / (1.0 + v.resistance * v.current_input_conductance)
    coil = coil_resistance(v, None if run.coil is None else run.coil.weighing)
    current: Array = volts / (v.resistance * across * (1.0 + v.leakage * coil))
    return current


def _above_reference(run: Readout, v: SimpleNamespace) -> Array:
    """The air at each weighing above the reference temperature (K)."""
    warmer: Array = run.room - v.air_temperature - v.reference_temperature
    return warmer


def coil_resistance(v: SimpleNamespace, rise: Array | None) -> Array | float:
    """Of the coil (Ω), R (1 + a ΔT), where its temperature is read."""
    warm = 0.0 if rise is None else v.coil_resistance_temperature_coefficient * rise
    resistance: Array | float = v.coil_resistance * (1.0 + warm)
    return resistance


def shown_over_true(run: Readout, v: SimpleNamespace) -> Array:
    """Displacement that the interferometer shows over the true one along g, in each velocity group.

    n (λ) (cos φ + sin φ_x dx/dz + sin φ_y dy/dz + a_x dθ_y/dz − a_y dθ_x/dz), with the beam's verticality φ, cos² φ = 1
    − sin² φ_x − sin² φ_y, and the Abbe offsets a from the reflector to the coil's centre.
    """
    lean_x, lean_y = np.sin(v.verticality_x), np.sin(v.verticality_y)
    cosine = np.sqrt(1.0 - lean_x**2 - lean_y**2) + lean_x * v.drift_x + lean_y * v.drift_y
    cosine = cosine + (v.abbe_offset_x * v.roll_y - v.abbe_offset_y * v.roll_x)
    index = 1.0 + v.refraction * run.air.refractivity(v)
    scale: Array = index * (v.laser * cosine) * (1.0 + v.laser_drift * run.groups)
    return scale


def true_over_fitted(run: Readout, v: SimpleNamespace, scale: Array) -> Array:
    """Bl over what was fitted, of each velocity group at its own temperature; `scale` is that of the positions."""
    late = 1.0 + run.applied.delay_sensitivity * (delay(v) - run.applied.delay)
    stretch = v.voltmeter_time_base_error - run.applied.stretch
    late = late * (1.0 + run.applied.stretch_sensitivity * stretch)
    late = late * (1.0 + run.applied.curvature_sensitivity * (resonance(v) - run.applied.curvature))
    late = late * (1.0 + run.applied.skew_change * (v.skew - run.applied.skew))
    late = late * (1.0 + run.applied.periodic_change * (v.periodic - run.applied.periodic))
    late = late * (
        1.0
        + v.yoke_inductance * _at_time_constant(run, v, run.applied.lag_changes)
        - run.applied.lag * run.applied.lag_changes[0]
    )
    fitted, change, sensitivity = run.offset_drift
    late = late * (1.0 + change * (v.offset_drift - fitted))
    late = late * (1.0 - sensitivity * (v.thermal_emf_drift + v.induced_offset_drift))
    beside = v.mutual_beta * run.windings.heating / v.resistance**2  # λ of a winding that moves in a current's field
    late = late / (1.0 + 3.0 * beside)
    resistance = coil_resistance(v, None if run.coil is None else run.coil.group)
    group: Array = scale * (circuit(v, resistance) * (1.0 + v.time_base_error) / (1.0 + coupling(v)) * late)
    group = group * (1.0 + v.induced_nonlinearity * run.applied.bent)
    if run.induced is None:
        return group
    return group * np.where(v.calibrated, run.induced.gain(v) * _straight(v, "induced"), 1.0)


def _straight(v: SimpleNamespace, meter: str) -> Any:
    """What a voltmeter shows of the reference over what one without nonlinearity does."""
    size, full_scale = getattr(v, f"{meter}_nonlinearity"), getattr(v, f"{meter}_range")
    if full_scale is None or not np.any(size):
        return 1.0
    return 1.0 + size * bend(v.reference_voltage, full_scale) / v.reference_voltage


def group_bl(run: Readout, v: SimpleNamespace, current: Array) -> Array:
    """Bl of each velocity group at the weighing position and its own temperature (T·m), without the yoke's memory."""
    scale = shown_over_true(run, v)
    bl: Array = run.coefficients[0, :, 0] * true_over_fitted(run, v, scale)
    depth = run.z_w / scale.mean(axis=-1, keepdims=True) - v.magnetic_centre
    return bl + v.reluctance_k * v.remanence * depth * _last_current(run, current)


def coupling(v: SimpleNamespace) -> Any:
    """What tilts and offsets of the coil add to dλ/dz, relative: the voltage also has Σ of the other forces' work.

    A coil that leans by θ in a radial field has the horizontal force ½ θ F_z.
    """
    drifts = 0.5 * (v.coil_tilt_x * v.drift_x + v.coil_tilt_y * v.drift_y)
    rolls = v.coil_offset_y * v.roll_x - v.coil_offset_x * v.roll_y
    return drifts + rolls


def circuit(v: SimpleNamespace, resistance: Array | float) -> Array | float:
    """Induced over shown voltage: the divider of the coil (its resistance in Ω), leads, leakage and voltmeter."""
    load = (resistance + v.lead_resistance) * v.input_conductance
    return (1.0 + load) * (1.0 + v.leakage * resistance)


def delay(v: SimpleNamespace) -> Any:
    """By which a voltage belongs to later positions than it was asked for at (s)."""
    return v.trigger_latency - v.coil_resistance * v.coil_capacitance / (1.0 + v.leakage * v.coil_resistance)


def resonance(v: SimpleNamespace) -> Any:
    """Share of the acceleration in a position that has been moved by `delay` (s²): ½ τ² − L C.

    The voltage behind resistance, inductance and capacitance of the coil is EMF − τ EMF' + (τ² − L C) EMF'', of which a
    pure delay τ = R C has ½ τ². A leakage divides τ and L C by 1 + G R. Without an inductance the delay is all.
    """
    loading = 1.0 + v.leakage * v.coil_resistance
    lag = v.coil_resistance * v.coil_capacitance / loading
    return np.where(v.coil_inductance, 0.5 * lag**2 - v.coil_inductance * v.coil_capacitance / loading, 0.0)[()]


def force_factor(
    run: Readout, v: SimpleNamespace, current: Array, scale: Array
) -> Callable[[Array | float], tuple[Array, Array]]:
    """Bl at the time and place of each weighing (T·m), without the current's own effect, and the groups' parts in it.

    As a function of how much higher (m) the coil stands in the magnet than its position says.

    (Bl)_w = (Bl)_v (1 + α T_w)/(1 + α T_v) (1 + b κ T_cw)/(1 + b κ T_cv), and what the last current left in the yoke
    (−k d r I_last in the velocity phase) put back.
    """
    group = true_over_fitted(run, v, scale)
    weighing = np.ones(1)
    for warmth, coefficient in ((run.magnet, v.temperature_coefficient), (run.coil, v.coil_expansion)):
        if warmth is not None:
            group = group / (1.0 + coefficient * warmth.group)
            weighing = weighing * (1.0 + coefficient * warmth.weighing)
    mean, mixing = scale.mean(axis=-1, keepdims=True), run.mixing * weighing[..., None]

    def factor(raised: Array | float) -> tuple[Array, Array]:
        z = (run.weighings.position + raised * mean - run.z_w)[..., None, :]
        profile = run.coefficients[-1] + 0.0 * z
        for coefficient in run.coefficients[-2::-1]:
            profile = profile * z + coefficient
        parts = mixing * np.swapaxes(profile, -1, -2) * group[..., None, :]
        if np.any(v.remanence):
            depth = run.weighings.position / mean + raised - v.magnetic_centre
            left = (v.reluctance_k * v.remanence * depth)[..., None] * _last_current(run, current)[..., None, :]
            parts = parts + mixing * left
        return parts.sum(axis=-1), parts

    return factor


def _last_current(run: Readout, current: Array) -> Array:
    """Of the last weighing before each velocity group (A), 0 if there was none."""
    return np.where(run.last < 0, 0.0, current[..., run.last])


def magnetic(v: SimpleNamespace) -> Any:
    """Upward force on a kilogram in the stray field (N/kg): (χ B B'/µ0 + M B')/ρ_m  (Seifert2014)."""
    pull = v.stray_gradient * (v.susceptibility * v.stray_field / VACUUM_PERMEABILITY + v.magnetisation)
    return pull / _of_mass(v)


def _of_mass(v: SimpleNamespace) -> Any:
    """Density of the test mass (kg/m³), endless if nobody knows it."""
    return math.inf if v.mass_density is None else v.mass_density
