"""Masses of a whole weighing range: what a balance finds at each, against class E2 and against Li2026's target.

Each scenario weighs one mass. Its uncertainty is put beside that of its parts, of the velocity phase and of the
weighing phase. Li2026's target is made of the velocity phase and of the resolution of the weighings; the references of
the weighing phase, the density of the weight, the air and gravity come on top.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from types import MappingProxyType

from components.test_mass import TestMass
from scenarios.reduction import MassResult
from scenarios.reduction.corrections import NEUTRAL, UNCORRECTED
from scenarios.reduction.quantities import QUANTITIES
from scenarios.run.experiment import Experiment
from scenarios.run.measured import reports_mass

KBMINI = ("kbmini_tmtp", "kbmini_500g", "kbmini_100g", "kbmini_10g", "kbmini_1g")
"""The shipped scenarios: 1 kg, 500 g, 100 g, 10 g, 1 g."""

E2_ERRORS = MappingProxyType(
    {1.0: 1.6e-6, 0.5: 0.8e-6, 0.2: 0.3e-6, 0.1: 0.16e-6, 0.05: 0.10e-6, 0.02: 0.08e-6, 0.01: 0.06e-6}
    | {0.005: 0.05e-6, 0.002: 0.04e-6, 0.001: 0.03e-6}
)
"""Maximum permissible error of class E2 (kg) by nominal mass (kg): OIML R 111-1:2004, table 1."""

CURRENT_RANGES = ((0.001, 0.012), (0.012, 0.120), (0.120, 1.0))
"""Masses (kg) of the three current ranges, with 100, 10 and 1 kΩ (Li2026)."""

VELOCITY_TARGET = 5e-8
"""Relative standard uncertainty of the velocity phase at any mass (Li2026)."""

_ROUNDING = 1.0 + 1e-9
_WEIGHING = frozenset(
    {"resistance", "resistance_drift", "resistance_temperature_coefficient", "resistance_power_coefficient"}
    | {"current_input_conductance", "beta", "reluctance_k", "magnetic_centre", "stiffness", "support_compliance"}
    | {"remanence"}
)
_BOTH = frozenset(name for name in QUANTITIES if name.startswith("reference_"))
_READ = ("weighing", "current calibration", "between cycles", "change in the run")
_WEIGHING_SHARES = (
    dict.fromkeys(_READ, 1.0)
    | {QUANTITIES[name].label: 1.0 for name in _WEIGHING}
    | {UNCORRECTED[name]: 1.0 for name, certificates in NEUTRAL.items() if certificates.keys() <= _WEIGHING}
    | {QUANTITIES[name].label: 0.5 for name in _BOTH}
)


def e2_uncertainty(mass: float) -> float:
    """Largest standard uncertainty (kg) with which a weight of class E2 may be calibrated.

    A third of the maximum permissible error, expanded with k = 2 (OIML R 111-1:2004, 5.2). Between the nominal values
    it is taken as that of the next lower one.

    Parameters
    ----------
    mass : (kg), from 1 g to 1 kg.

    Raises
    ------
    ValueError
        Outside the table.
    """
    below = [nominal for nominal in E2_ERRORS if nominal <= mass * _ROUNDING]
    if not below or mass > max(E2_ERRORS) * _ROUNDING:
        raise ValueError(f"the table of class E2 goes from 1 g to 1 kg here, not to {mass:g} kg")
    return E2_ERRORS[max(below)] / 6.0


def weighing_resolution(mass: float) -> float:
    """Absolute weighing resolution (kg, k = 1) of the current range that a mass is weighed in, as the target has it.

    Li2026 prints ranges and curve, not the figures. Here it is the largest with which class E2 is met at the lower end
    of the range, where it weighs most, beside the velocity phase.

    Raises
    ------
    ValueError
        Outside all ranges.
    """
    for low, high in CURRENT_RANGES:
        if low <= mass * _ROUNDING and mass <= high * _ROUNDING:
            return math.sqrt(e2_uncertainty(low) ** 2 - (VELOCITY_TARGET * low) ** 2)
    raise ValueError(f"no current range for {mass:g} kg; they go from 1 g to 1 kg")


def target(mass: float) -> float:
    """Li2026's target: velocity phase and weighing resolution together, relative standard uncertainty."""
    return math.hypot(VELOCITY_TARGET, weighing_resolution(mass) / mass)


@dataclass(frozen=True)
class Point:
    """One mass; what has no unit is relative to it, and standard uncertainties have k = 1.

    Parameters
    ----------
    scenario : that was run.
    mass_kg : nominal.
    error : m/m_true − 1.
    u, type_a, type_b : combined, and of each type.
    velocity, weighing, resolution : parts of u; see `velocity_part`, `weighing_part` and `resolution`.
    e2, target : what class E2 allows, and Li2026's target for velocity part and weighing resolution together.
    """

    scenario: str
    mass_kg: float
    error: float
    u: float
    type_a: float
    type_b: float
    velocity: float
    weighing: float
    resolution: float
    e2: float
    target: float

    @property
    def targeted(self) -> float:
        """Velocity part and weighing resolution together: what the target speaks of."""
        return math.hypot(self.velocity, self.resolution)


def velocity_part(mass: MassResult) -> float:
    """What the velocity phase adds to u: the relative standard uncertainty of Bl.

    Scatter and calibration of the induced voltage, wavelength, refractive index and alignment of the interferometer,
    the alignment of the coil, the way of Bl from the velocity to the weighing phase, and the voltage reference once.
    """
    return mass.u_bl_Tm / abs(mass.bl_Tm)


def weighing_part(mass: MassResult) -> float:
    """What the weighing phase adds to u, in finding the force that the current stands for.

    Scatter of the weighings and of the cycles, calibration of the voltmeter, resistor, what acts on the coil with
    current, and the voltage reference once. That serves both phases and counts twice in the mass, so that the two parts
    are correlated: the root of the sum of their squares is less than both together. What the weight itself needs, its
    density, gravity and the air, is in neither.
    """
    return math.hypot(*(_WEIGHING_SHARES.get(line.label, 0.0) * line.contribution for line in mass.budget.lines))


def resolution(mass: MassResult) -> float:
    """What the scatter of the weighings and of the cycles and the calibration of the voltmeter add to u (Type A)."""
    return math.hypot(*(mass.type_a.get(name, 0.0) for name in _READ))


def nominal_mass(experiment: Experiment) -> float:
    """The mass (kg) that a scenario weighs.

    Raises
    ------
    ValueError
        If it has no test mass, or reports no mass.
    """
    if not reports_mass(experiment.scenario):
        raise ValueError("its campaign reports no mass")
    part = experiment.scenario.sized.get("test_mass")
    if not isinstance(part, TestMass):
        raise ValueError("it has no test mass")
    return part.mass


def weigh(experiment: Experiment) -> Point:
    """Run one scenario.

    Raises
    ------
    ValueError
        If its mass is outside the ranges.
    """
    nominal = nominal_mass(experiment)
    allowed, aim = e2_uncertainty(nominal) / nominal, target(nominal)
    result = experiment.run()
    mass = result.mass
    return Point(
        scenario=result.scenario.name,
        mass_kg=nominal,
        error=result.relative_error,
        u=mass.u_relative,
        type_a=mass.u_type_a,
        type_b=mass.u_type_b,
        velocity=velocity_part(mass),
        weighing=weighing_part(mass),
        resolution=resolution(mass),
        e2=allowed,
        target=aim,
    )


def points(experiments: Iterable[Experiment]) -> Iterator[Point]:
    """The points, one by one."""
    yield from map(weigh, experiments)


COLUMNS = tuple(field.name for field in fields(Point))


def table(found: Iterable[Point]) -> str:
    """The points as CSV, with a heading."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for point in found:
        writer.writerow([_figure(getattr(point, name)) for name in COLUMNS])
    return text.getvalue()


def _figure(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"
