"""The result of a reduction."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.allan import AllanCurve
from scenarios.reduction.gum import Budget, Input, combine
from scenarios.reduction.quantities import BETWEEN, CHANGE
from scenarios.reduction.velocity import VelocityFit

if TYPE_CHECKING:
    from scenarios.reduction.course import BlCourse


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


What = Literal["weighing", "sweep", "velocity group", "reading", "environment", "cycle"]


@dataclass(frozen=True)
class Excluded:
    """Data that were left out, and why.

    Parameters
    ----------
    cycle, what, number : the number is that of the weighing, sweep or reading within its cycle.
    reason : in words.
    skipped : whether the settings said so, whatever the data showed; else they were found faulty.
    """

    cycle: int
    what: What
    number: int | None
    reason: str
    skipped: bool = False


@dataclass(frozen=True, eq=False)
class MassResult:
    """The mass of a run.

    Parameters
    ----------
    mass_kg, u_mass_kg : mean over the cycles and its combined standard uncertainty (k = 1).
    inputs : of the budget: Type A from the readings, Type B from the certificates and from effects left uncorrected.
    coverage_factor, confidence : the k asked for; or the level of confidence, with k from the degrees of freedom.
    bl_Tm, u_bl_Tm : mean Bl at the weighings and its combined standard uncertainty.
    corrections : relative change of the mass by each correction that was applied.
    cycles : in order of time.
    velocity : the fits of the velocity groups, before any correction.
    bl_groups : Bl of the velocity groups after their corrections, and between them.
    excluded : what was left out.
    nominal_mass_kg : from the certificates, for reports.
    winding_ratio : Bl of winding 2 over that of winding 1, from their exchange of roles; 1 with one winding.
    idle : Type B labels of what could change a mass and does not change this one.
    notes : what a reader should know of corrections that could not be made, or only just, a sentence or two each.
    """

    mass_kg: float
    u_mass_kg: float
    inputs: tuple[Input, ...] = field(repr=False)
    coverage_factor: float
    confidence: float | None
    bl_Tm: float
    u_bl_Tm: float
    corrections: dict[str, float]
    cycles: tuple[CycleResult, ...] = field(repr=False)
    velocity: tuple[VelocityFit, ...] = field(repr=False)
    bl_groups: BlCourse = field(repr=False)
    excluded: tuple[Excluded, ...] = ()
    nominal_mass_kg: float | None = None
    winding_ratio: float = 1.0
    idle: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    _curves: Callable[[], tuple[AllanCurve, ...]] = field(repr=False, default=tuple)

    @cached_property
    def budget(self) -> Budget:
        """The uncertainty budget, combined when it is first looked at."""
        if self.confidence is not None:
            return combine(self.inputs, self.mass_kg, confidence=self.confidence)
        return combine(self.inputs, self.mass_kg, coverage_factor=self.coverage_factor)

    @cached_property
    def allan(self) -> tuple[AllanCurve, ...]:
        """Allan deviations of Bl, of the weighings, of the calibrations and of the thermometer."""
        return self._curves()

    @property
    def type_a(self) -> dict[str, float]:
        """Relative Type A uncertainties of the mass by name."""
        return self._relative("A")

    @property
    def type_b(self) -> dict[str, float]:
        """Relative Type B uncertainties of the mass by name."""
        return self._relative("B")

    def _relative(self, kind: str) -> dict[str, float]:
        mass = abs(self.mass_kg)
        return {line.label: abs(line.sensitivity * line.u) / mass for line in self.inputs if line.kind == kind}

    @property
    def with_zeros(self) -> dict[str, dict[str, float]]:
        """`type_a` and `type_b` with zeros for what this run does not have, so that every scheme has the same keys."""
        return {
            "type_a": dict.fromkeys((BETWEEN, CHANGE), 0.0) | self.type_a,
            "type_b": dict.fromkeys(self.idle, 0.0) | self.type_b,
        }

    @property
    def dof(self) -> float:
        """Effective degrees of freedom of the combined uncertainty (Welch and Satterthwaite)."""
        spread = math.fsum((line.sensitivity * line.u) ** 4 / line.dof for line in self.inputs)
        return self.u_mass_kg**4 / spread if spread > 0 else math.inf

    @property
    def u_relative(self) -> float:
        """Combined relative standard uncertainty (k = 1)."""
        return self.u_mass_kg / abs(self.mass_kg)

    @property
    def expanded_u_kg(self) -> float:
        """Expanded uncertainty, k times the combined one."""
        k = self.coverage_factor if self.confidence is None else self.budget.coverage_factor
        return k * self.u_mass_kg

    @property
    def u_type_a(self) -> float:
        """Relative Type A uncertainty."""
        return math.hypot(*self.type_a.values())

    @property
    def u_type_b(self) -> float:
        """Relative Type B uncertainty."""
        return math.hypot(*self.type_b.values())
