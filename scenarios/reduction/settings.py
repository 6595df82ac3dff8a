"""What a laboratory chooses (settings) and what it believes (certificates)."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Literal

from pydantic import Field

from scenarios.reduction.errors import ReductionError
from twin.parameter import Parameters, parameter


class Corrections(Parameters):
    """Which known effects are corrected. One that is known, of known size and not corrected enters the budget."""

    temperature: bool = Field(False, description="magnet temperature between the phases, from the thermometer")
    reluctance: bool = Field(True, description="force -k z I^2 of the coil in the yoke")
    quadratic_current: bool = Field(True, description="(Bl)_w = (Bl)_v (1 + beta I^2)")
    buoyancy: bool = Field(True, description="air buoyancy of the mass, CIPM-2007")
    voltmeter_calibration: bool = Field(True, description="voltmeter gains from the readings of the voltage reference")
    resistor_drift: bool = Field(True, description="drift of the standard resistor since the start of the run")


class ReductionSettings(Parameters):
    """How recorded blocks become a mass."""

    weighing_scheme: Literal["polynomial", "aba", "abba"] = Field(
        "polynomial", description="how the difference on - off is freed of drift, within each cycle"
    )
    drift_order: int = Field(1, ge=0, le=9, description="order of the drift removed by the polynomial scheme")
    skip_weighings: int = Field(0, ge=0, description="weighings dropped at the start of each cycle")
    profile_order: int = Field(2, ge=0, le=8, description="order of the polynomial Bl(z) fitted to a velocity group")
    bl_interpolation: Literal["linear", "polynomial"] = Field(
        "linear", description="Bl between velocity groups: line between neighbours, or one polynomial through the run"
    )
    bl_drift_order: int = Field(1, ge=0, le=9, description="order of that polynomial")
    corrections: Corrections = Corrections()
    coverage_factor: float = parameter("1", 1.0, gt=0, description="k of the expanded uncertainty")


@dataclass(frozen=True)
class Certificates:
    """What the laboratory believes about its references; nothing here is known to a simulation's truth.

    Parameters
    ----------
    resistance : of the standard resistor at the start of the run (Ω).
    gravity : local gravitational acceleration at the mass (m/s²).
    mass_density : of the test mass (kg/m³); not needed in vacuum.
    reference_voltage : of the voltage reference (V); not needed without voltmeter calibration.
    resistance_drift : relative drift of the resistance (1/s).
    u_resistance, u_reference, u_gravity, u_interferometer : relative standard uncertainties.
    u_mass_density : standard uncertainty (kg/m³).
    reluctance_k : k of the coil's self-inductance L = L0 − k z² (H/m²).
    beta : quadratic current coefficient of (Bl)_w (1/A²).
    temperature_coefficient : α_m of the gap's flux density (1/K), about the thermometer's reference.
    magnetic_centre : z of the magnet's symmetry plane (m).
    nominal_mass : of the test mass (kg), for reports only.
    vacuum : no air, no buoyancy.
    """

    resistance: float
    gravity: float
    mass_density: float | None = None
    reference_voltage: float | None = None
    resistance_drift: float = 0.0
    u_resistance: float = 0.0
    u_reference: float = 0.0
    u_gravity: float = 0.0
    u_mass_density: float = 0.0
    u_interferometer: float = 0.0
    reluctance_k: float = 0.0
    beta: float = 0.0
    temperature_coefficient: float = 0.0
    magnetic_centre: float = 0.0
    nominal_mass: float | None = None
    vacuum: bool = False

    def __post_init__(self) -> None:
        positive = {"resistance", "gravity", "mass_density", "reference_voltage", "nominal_mass"}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None:
                continue
            if not math.isfinite(value):
                raise ReductionError(f"certificate {field.name!r} must be a finite number, not {value}")
            if field.name in positive and value <= 0:
                raise ReductionError(f"certificate {field.name!r} must be positive, not {value}")
            if field.name.startswith("u_") and value < 0:
                raise ReductionError(f"certificate {field.name!r} is an uncertainty and cannot be negative: {value}")
