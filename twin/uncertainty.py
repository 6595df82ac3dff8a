"""Type B uncertainties of parameters: what a certificate or data sheet says about them, and the errors drawn from it.

A parameter's value is what the laboratory believes. Its uncertainty is stated beside it; once a run the true value is
drawn from the stated distribution, so that a simulated laboratory is wrong as often, and by as much, as it says
(JCGM 100:2008, 4.3).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any, Literal

from pydantic import Field, model_validator

from twin.parameter import Parameters, difference_to_si, to_si

Distribution = Literal["normal", "rectangular", "triangular"]
_HALF_WIDTHS = {"rectangular": math.sqrt(3), "triangular": math.sqrt(6)}


class Uncertainty(Parameters):
    """How far the true value of a parameter may lie from the stated one.

    Parameters
    ----------
    size : in the unit of the parameter, or relative to its value. For a normal distribution it is the standard
        uncertainty, or the expanded one if a `confidence` or a `coverage_factor` is stated; for the bounded
        distributions it is the half-width.
    relative : whether `size` is relative.
    confidence : level of confidence that `size` is stated for: of 99 % it is 2.576 standard uncertainties, and with
        few degrees of freedom Student's t of them.
    coverage_factor : k that `size` is stated for.
    dof : degrees of freedom of the statement, 1 or more; None for many.
    """

    size: float = Field(ge=0)
    relative: bool = False
    distribution: Distribution = "normal"
    confidence: float | None = Field(None, gt=0, lt=1)
    coverage_factor: float | None = Field(None, gt=0)
    dof: float | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _expanded_in_one_way(self) -> Uncertainty:
        expanded = [name for name in ("confidence", "coverage_factor") if getattr(self, name) is not None]
        if expanded and self.distribution != "normal":
            raise ValueError(
                f"expected no {expanded[0]} beside a {self.distribution} distribution: its size is a bound"
            )
        if len(expanded) > 1:
            raise ValueError("expected either a confidence or a coverage_factor, not both")
        return self

    def standard(self, value: float) -> float:
        """Standard uncertainty of a parameter of this value, in its unit."""
        divisor = self.coverage_factor or _HALF_WIDTHS.get(self.distribution, 1.0)
        if self.confidence is not None:
            divisor = _quantile(0.5 + 0.5 * self.confidence, self.dof)
        return self.size / divisor * (abs(value) if self.relative else 1.0)


def _quantile(probability: float, dof: float | None) -> float:
    """Of Student's t (JCGM 100:2008, G.3.2), for many degrees of freedom of the normal distribution."""
    if dof is None:
        return NormalDist().inv_cdf(probability)
    from scipy.special import stdtrit

    return float(stdtrit(dof, probability))


def read_uncertainty(given: Any, unit: str) -> Any:
    """What a scenario file says about the uncertainty of a parameter in `unit`, as fields of `Uncertainty`.

    A number is absolute, in SI. A text in the parameter's own unit is absolute; a ratio (``0.1 ppm``) of a parameter
    that has a unit is relative to its value.

    Raises
    ------
    ValueError
        For a text that is neither.
    """
    if isinstance(given, Uncertainty):
        return given
    fields = dict(given) if isinstance(given, Mapping) else {"size": given}
    size = fields.get("size")
    if isinstance(size, str):
        try:
            fields["size"] = difference_to_si(size, unit)
        except ValueError as error:
            if unit == "1":
                raise
            try:
                fields |= {"size": to_si(size, "1"), "relative": True}
            except ValueError:
                raise ValueError(f"{error}, or a ratio such as '1 ppm'") from None
    return fields
