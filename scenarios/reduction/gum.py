"""An uncertainty budget by the GUM (JCGM 100:2008): independent inputs, propagated and combined with GTC.

A cause that acts at several places is one input with one sensitivity, so that all inputs are independent. GTC
(Measurement Standards Laboratory of New Zealand) carries the components (JCGM 100:2008, 5.1.2), the effective degrees
of freedom (Welch and Satterthwaite, G.4.1) and the coverage factor (G.3). It is imported when a budget is made: that
takes half a second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from scenarios.reduction.errors import ReductionError

Kind = Literal["A", "B"]


@dataclass(frozen=True)
class Input:
    """An input quantity of a budget.

    Parameters
    ----------
    label : what it is.
    kind : "A" if statistics evaluated it, "B" if other knowledge did.
    value : its estimate, None if only its uncertainty matters.
    unit : of value and uncertainty.
    u : standard uncertainty, zero or more.
    sensitivity : of the mass (kg per unit).
    dof : degrees of freedom of u, at least 1; `math.inf` if u is known well.
    distribution : that u stands for, for the reader.
    note : where the figure is from, or what it covers.
    """

    label: str
    kind: Kind
    value: float | None
    unit: str
    u: float
    sensitivity: float
    dof: float = math.inf
    distribution: str = "normal"
    note: str = ""


@dataclass(frozen=True)
class BudgetLine:
    """An input with its part in the uncertainty of the mass.

    Parameters
    ----------
    contribution : relative standard uncertainty of the mass, |sensitivity| u/mass, zero or more.
    label, kind, value, unit, u, sensitivity, dof, distribution, note : see `Input`.
    """

    label: str
    kind: Kind
    value: float | None
    unit: str
    u: float
    sensitivity: float
    contribution: float
    dof: float
    distribution: str
    note: str

    @property
    def u_mass(self) -> float:
        """Standard uncertainty of the mass (kg) by this input alone."""
        return abs(self.sensitivity) * self.u


@dataclass(frozen=True)
class Budget:
    """The lines of a budget and what they come to.

    Parameters
    ----------
    lines : in the order given; inputs without uncertainty are kept, for a reader wants to see that they were thought
        of.
    u_relative : combined relative standard uncertainty of the mass.
    dof : its effective degrees of freedom.
    coverage_factor : k of the expanded uncertainty.
    confidence : level that k was found for, None if k was chosen.
    """

    lines: tuple[BudgetLine, ...]
    u_relative: float
    dof: float
    coverage_factor: float
    confidence: float | None

    @property
    def type_a(self) -> float:
        """Relative standard uncertainty by the inputs of type A."""
        return self._part("A")

    @property
    def type_b(self) -> float:
        """Relative standard uncertainty by the inputs of type B."""
        return self._part("B")

    @property
    def expanded(self) -> float:
        """Relative expanded uncertainty."""
        return self.coverage_factor * self.u_relative

    @property
    def u_mass(self) -> float:
        """Combined standard uncertainty (kg)."""
        return math.hypot(*(line.u_mass for line in self.lines))

    def by_contribution(self) -> tuple[BudgetLine, ...]:
        """The lines, largest contribution first."""
        return tuple(sorted(self.lines, key=lambda line: -line.contribution))

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, texts and lists for JSON; infinite degrees of freedom are None."""
        lines = [{**asdict(line), "dof": _finite(line.dof)} for line in self.lines]
        totals = {"u_relative": self.u_relative, "type_a": self.type_a, "type_b": self.type_b}
        k = {"coverage_factor": self.coverage_factor, "confidence": self.confidence}
        return {**totals, "dof": _finite(self.dof), **k, "lines": lines}

    def _part(self, kind: Kind) -> float:
        return math.hypot(*(line.contribution for line in self.lines if line.kind == kind))


def combine(
    inputs: Sequence[Input], mass: float, coverage_factor: float | None = None, confidence: float | None = None
) -> Budget:
    """Combine independent inputs.

    Parameters
    ----------
    inputs : of the budget.
    mass : the result that the contributions are relative to (kg), not zero.
    coverage_factor : k as chosen; 1 if neither it nor `confidence` is given.
    confidence : level, in place of k: then k is that of Student's t with the effective degrees of freedom, interpolated
        where they are no integer (G.4.1, note).

    Raises
    ------
    ReductionError
        If an uncertainty is negative or not finite, degrees of freedom are below 1, the mass is zero, or k and a level
        are both given.
    """
    if coverage_factor is not None and confidence is not None:
        raise ReductionError("give a coverage factor or a level of confidence, not both")
    if not (math.isfinite(mass) and mass != 0):
        raise ReductionError(f"a budget needs a mass that is finite and not zero, not {mass}")
    for line in inputs:
        if not (math.isfinite(line.u) and line.u >= 0 and math.isfinite(line.sensitivity)):
            raise ReductionError(f"budget line {line.label!r}: u = {line.u} with sensitivity {line.sensitivity}")
        if not line.dof >= 1:
            raise ReductionError(f"budget line {line.label!r} has {line.dof} degrees of freedom; at least 1 is needed")

    from GTC import component, dof, ureal
    from GTC.reporting import k_factor

    scale = abs(mass)  # components of order 1e-9 kg to the fourth power would be lost
    causes = [ureal(0.0, abs(line.sensitivity) * line.u / scale, line.dof, label=line.label) for line in inputs]
    total = sum(causes, start=ureal(0.0, 0.0))
    lines = tuple(
        BudgetLine(**{**vars(line), "contribution": abs(float(component(total, cause)))})
        for line, cause in zip(inputs, causes, strict=True)
    )
    effective = float(dof(total)) if total.u > 0 else math.inf
    if confidence is not None:
        coverage_factor = float(k_factor(effective, 100 * confidence))
    k = 1.0 if coverage_factor is None else coverage_factor
    return Budget(lines, float(total.u), effective, k, confidence)


def _finite(dof: float) -> float | None:
    return dof if math.isfinite(dof) else None
