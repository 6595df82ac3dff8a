"""How a correction is switched off: what it rests on takes its neutral value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from scenarios.reduction.certificates import Certificates
from scenarios.reduction.settings import Corrections

# A correction and the certificates that are neutral without it. What `SHARES`
# lists are no certificates, but shares, 1 or 0: of the air's density, the voltmeters' calibration, its course between
# calibrations, the air's refraction and the fits of the drift of the voltages' offset, of the interferometer's periodic
# error and of the skew between voltages and positions.
NEUTRAL: Mapping[str, Mapping[str, float]] = {
    "temperature": {"temperature_coefficient": 0.0},
    "reluctance": {"reluctance_k": 0.0},
    "quadratic_current": {"beta": 0.0, "mutual_beta": 0.0},
    "buoyancy": {"air": 0.0},
    "voltmeter_calibration": {"calibrated": 0.0},
    "voltmeter_drift": {"between": 0.0},
    "offset_drift": {"offset_drift": 0.0},
    "voltmeter_linearity": {"current_nonlinearity": 0.0, "induced_nonlinearity": 0.0},
    "mass_expansion": {"mass_expansion": 0.0},
    "resistor_drift": {"resistance_drift": 0.0},
    "resistor_temperature": {"resistance_temperature_coefficient": 0.0},
    "resistor_power": {"resistance_power_coefficient": 0.0},
    "reference_environment": {
        "reference_drift": 0.0,
        "reference_pressure_coefficient": 0.0,
        "reference_temperature_coefficient": 0.0,
    },
    "input_impedance": {"input_conductance": 0.0, "current_input_conductance": 0.0},
    "leakage": {"leakage": 0.0},
    "time_base": {"time_base_error": 0.0, "voltmeter_time_base_error": 0.0},
    "trigger_latency": {"trigger_latency": 0.0, "coil_capacitance": 0.0, "coil_inductance": 0.0, "skew": 0.0},
    "refractive_index": {"refraction": 0.0, "refractive_index": 0.0},
    "nonlinearity": {"periodic": 0.0},
    "laser_alignment": {"verticality_x": 0.0, "verticality_y": 0.0, "abbe_offset_x": 0.0, "abbe_offset_y": 0.0},
    "laser_drift": {"laser_drift": 0.0},
    "alignment": {"coil_tilt_x": 0.0, "coil_tilt_y": 0.0, "coil_offset_x": 0.0, "coil_offset_y": 0.0},
    "coil_expansion": {"coil_expansion": 0.0},
    "yoke": {"remanence": 0.0},
    "yoke_lag": {"yoke_inductance": 0.0},
    "external_flux": {"external_flux": 0.0},
    "support_compliance": {"support_compliance": 0.0},
    "stiffness": {"stiffness": 0.0},
    "after_effect": {"after_effect_strength": 0.0},
    "gravity_transfer": {"gravity_transfer": 0.0, "gravity_gradient": 0.0},
    "tide": {"tide_scale": 0.0},
    "magnetic_force": {"susceptibility": 0.0, "magnetisation": 0.0},
    "exchanger_parts": {"parts_mass": 0.0},
}
SHARES = ("air", "calibrated", "between", "offset_drift", "refraction", "periodic", "skew")

UNCORRECTED: Mapping[str, str] = {
    name: f"{name.replace('_', ' ')}, not corrected" for name in NEUTRAL if name != "temperature"
} | {"temperature": "magnet temperature, not corrected"}


def believed(certificates: Certificates) -> SimpleNamespace:
    """All values of the certificates, with every correction on."""
    return SimpleNamespace(**certificates.values(), **dict.fromkeys(SHARES, 1.0))


def without(values: SimpleNamespace, *names: str) -> SimpleNamespace:
    """The values with some corrections off."""
    changed = dict(vars(values))
    for name in names:
        changed.update(NEUTRAL[name])
    return SimpleNamespace(**changed)


def shifted(values: SimpleNamespace, **steps: float) -> SimpleNamespace:
    """The values with some of them moved by a step."""
    changed: dict[str, Any] = dict(vars(values))
    for name, step in steps.items():
        changed[name] += step
    return SimpleNamespace(**changed)


def together(cases: Sequence[SimpleNamespace]) -> SimpleNamespace:
    """Values of many cases: where they differ, arrays of shape (cases, 1)."""
    columns = {name: [vars(case)[name] for case in cases] for name in vars(cases[0])}
    return SimpleNamespace(
        **{name: column[0] if len(set(column)) == 1 else np.array(column)[:, None] for name, column in columns.items()}
    )


def off(on: Corrections) -> list[str]:
    """The corrections that are switched off."""
    return [name for name in NEUTRAL if not getattr(on, name)]


def applied(certificates: Certificates, on: Corrections) -> SimpleNamespace:
    """The values with which the mass is computed."""
    return without(believed(certificates), *off(on))
