"""What a laboratory chooses: which effects it corrects, and how recorded blocks become a mass."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from twin.parameter import Parameters, parameter


class Corrections(Parameters):
    """Which known effects are corrected. One that is known, of known size and not corrected enters the budget."""

    temperature: bool = Field(True, description="magnet temperature between the phases, from the thermometer")
    reluctance: bool = Field(True, description="force -k z I^2 of the coil in the yoke")
    quadratic_current: bool = Field(True, description="(Bl)_w = (Bl)_v (1 + beta I^2)")
    external_flux: bool = Field(
        False, description="flux of known sources beside the magnet; else its size is in the budget (Ma2025)"
    )
    buoyancy: bool = Field(True, description="air buoyancy of the mass, CIPM-2007")
    mass_expansion: bool = Field(True, description="volume of the mass at the temperature of the air, in its buoyancy")
    voltmeter_linearity: bool = Field(True, description="errors of the voltmeters between zero and the ends of a range")
    voltmeter_calibration: bool = Field(True, description="voltmeter gains from the readings of the voltage reference")
    voltmeter_drift: bool = Field(
        True, description="drift of the voltmeters' gains and zeros, on the line between their calibrations"
    )
    offset_drift: bool = Field(
        True, description="drift of the induced voltage's offset, of thermal EMF and voltmeter, fitted with Bl"
    )
    resistor_drift: bool = Field(True, description="drift of the standard resistor since the start of the run")
    resistor_temperature: bool = Field(True, description="temperature coefficient of the standard resistor")
    resistor_power: bool = Field(True, description="heating of the standard resistor by its current")
    reference_environment: bool = Field(
        True, description="drift, pressure and temperature coefficient of the voltage reference"
    )
    input_impedance: bool = Field(True, description="load of the voltmeters on coil and leads, and on the resistor")
    leakage: bool = Field(True, description="leakage across the coil, in both phases")
    time_base: bool = Field(
        True, description="time bases of the interferometer and of the voltmeter of the induced voltage"
    )
    trigger_latency: bool = Field(True, description="delay between the readings of voltage and position")
    refractive_index: bool = Field(True, description="of the air in the interferometer")
    nonlinearity: bool = Field(True, description="periodic error of the interferometer, fitted with Bl")
    laser_alignment: bool = Field(True, description="cosine and Abbe errors of the interferometer")
    laser_drift: bool = Field(True, description="drift of the laser since the start of the run")
    alignment: bool = Field(True, description="tilt and offset of the coil that drifts and rolls along its travel")
    coil_expansion: bool = Field(True, description="thermal expansion of the coil between the phases")
    yoke: bool = Field(True, description="flux that the weighing currents leave in the yoke")
    yoke_lag: bool = Field(True, description="flux that enters and leaves the yoke slowly after the current was ramped")
    support_compliance: bool = Field(True, description="magnet lowered by the force of the coil")
    stiffness: bool = Field(True, description="force of the flexure, at different heights with the mass on and off")
    after_effect: bool = Field(True, description="force of the hinge that relaxes, from where the coil has been")
    gravity_transfer: bool = Field(True, description="gravity at the mass, not at the gravimeter: transfer and height")
    tide: bool = Field(True, description="tidal gravity")
    magnetic_force: bool = Field(True, description="force on the mass in the stray field of the magnet")
    exchanger_parts: bool = Field(True, description="weight of the exchanger's parts that rest on the pan")


class ReductionSettings(Parameters):
    """How recorded blocks become a mass."""

    weighing_scheme: Literal["polynomial", "aba", "abba"] = Field(
        "polynomial", description="how the difference on - off is freed of drift, within each cycle"
    )
    drift_order: int = Field(1, ge=0, le=9, description="order of the drift removed by the polynomial scheme")
    skip_weighings: int = Field(0, ge=0, description="weighings dropped at the start of each cycle")
    skip_sweeps: int = Field(
        0, ge=0, description="sweeps dropped at the start of each velocity phase, while the coil's flux leaves the yoke"
    )
    profile_order: int = Field(2, ge=0, le=16, description="order of the polynomial Bl(z) fitted to a velocity group")
    highest_profile_order: int = Field(
        0,
        ge=0,
        le=16,
        description="up to which the order is raised while that changes Bl by more than noise explains; 16 by default "
        "if the magnet's profile is a table or follows from a geometry",
    )
    bl_interpolation: Literal["linear", "polynomial"] = Field(
        "linear", description="Bl between velocity groups: line between neighbours, or one polynomial through the run"
    )
    bl_drift_order: int = Field(1, ge=0, le=9, description="order of that polynomial")
    corrections: Corrections = Corrections()
    outlier_threshold: float = Field(
        6.0, gt=0, description="standard deviations of the good majority beyond which data are left out"
    )
    least_share: float = Field(0.5, gt=0, le=1, description="share of good readings that a weighing needs")
    most_excluded: float = Field(
        0.5,
        ge=0,
        lt=1,
        description="share of weighings, of a group's sweeps or of cycles that may be left out; beyond, the run is "
        "refused, or the group left out",
    )
    coverage_factor: float = parameter("1", 1.0, gt=0, description="k of the expanded uncertainty")
    confidence: float | None = Field(
        None, gt=0, lt=1, description="level of the expanded uncertainty: k from the degrees of freedom, in its place"
    )

    @model_validator(mode="after")
    def _expanded_in_one_way(self) -> Self:
        if self.confidence is not None and self.coverage_factor != 1.0:
            raise ValueError("expected either a coverage_factor or a confidence, which k follows from, not both")
        return self
