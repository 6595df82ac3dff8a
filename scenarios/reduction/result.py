"""The result of a reduction."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.velocity import VelocityFit


@dataclass(frozen=True, eq=False)
class CycleResult:
    """One cycle.

    Parameters
    ----------
    time_s : mean time of its weighings.
    mass_kg, u_mass_kg : mass and its Type A uncertainty from the readings of this cycle's weighings.
    bl_Tm : mean Bl at its weighings.
    air_density : (kg/m³); 0 in vacuum or without buoyancy correction.
    number : weighings used.
    residual_times_s, residuals_kg : what the weighing scheme leaves, as mass.
    """

    cycle: int
    time_s: float
    mass_kg: float
    u_mass_kg: float
    bl_Tm: float
    air_density: float
    number: int
    residual_times_s: NDArray[np.float64] = field(repr=False)
    residuals_kg: NDArray[np.float64] = field(repr=False)


@dataclass(frozen=True)
class Excluded:
    """A weighing that was left out, and why."""

    cycle: int
    weighing: int
    reason: str


@dataclass(frozen=True, eq=False)
class MassResult:
    """The mass of a run.

    Parameters
    ----------
    mass_kg, u_mass_kg : mean over the cycles and its combined standard uncertainty (k = 1).
    type_a, type_b : relative standard uncertainties of the mass by name.
    dof : effective degrees of freedom of the Type A part.
    coverage_factor : k of `expanded_u_kg`.
    bl_Tm, u_bl_Tm : mean Bl at the weighings and its combined standard uncertainty.
    corrections : relative change of the mass by each correction that was applied.
    cycles : in order of time.
    velocity : the fits of the velocity groups, before any correction.
    excluded : weighings left out.
    nominal_mass_kg : from the certificates, for reports.
    """

    mass_kg: float
    u_mass_kg: float
    type_a: dict[str, float]
    type_b: dict[str, float]
    dof: float
    coverage_factor: float
    bl_Tm: float
    u_bl_Tm: float
    corrections: dict[str, float]
    cycles: tuple[CycleResult, ...] = field(repr=False)
    velocity: tuple[VelocityFit, ...] = field(repr=False)
    excluded: tuple[Excluded, ...] = ()
    nominal_mass_kg: float | None = None

    @property
    def u_relative(self) -> float:
        """Combined relative standard uncertainty (k = 1)."""
        return self.u_mass_kg / abs(self.mass_kg)

    @property
    def expanded_u_kg(self) -> float:
        """Expanded uncertainty with `coverage_factor`."""
        return self.coverage_factor * self.u_mass_kg

    @property
    def u_type_a(self) -> float:
        """Relative Type A uncertainty."""
        return math.hypot(*self.type_a.values())

    @property
    def u_type_b(self) -> float:
        """Relative Type B uncertainty."""
        return math.hypot(*self.type_b.values())
