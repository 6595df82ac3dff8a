"""β from known masses: what of the mass differences grows with the square of the current (Li2021, Li2026).

``(Bl)_w = (Bl)_v (1 + β I²)`` makes a mass that is reported without correction too small by β I². The warmth of the
magnet does the same where it is not corrected, since the heat goes with I². Masses that are known show it: their
relative differences against I² lie on a line. Blocks as of TMTP, with the labels of `scenarios.reduction.turns`.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scenarios.reduction.certificates import Certificates
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.findings import Curve, Findings, Line, Quantity
from scenarios.reduction.quantities import QUANTITIES
from scenarios.reduction.resolved import not_resolved
from scenarios.reduction.settings import ReductionSettings
from scenarios.reduction.turns import Turns, corrected
from twin.parameter import parameter
from twin.recorder import Blocks

Array = NDArray[np.float64]
SOUGHT = {QUANTITIES["beta"].label, QUANTITIES["mutual_beta"].label}


class MassSeriesReduction(ReductionSettings):
    """How readings of known masses become β; the correction of the quadratic current effect is always off."""

    weighs: ClassVar[bool] = True

    through_origin: bool = Field(
        False, description="a line through the origin; else what all masses have in common is left out"
    )
    known_mass_uncertainty: float = parameter(
        "1", 0.0, ge=0, description="standard uncertainty of the known masses, relative, each by itself"
    )

    def findings(self, readings: Blocks, certificates: Certificates) -> Findings:
        """The masses, their differences from what is known, and the line.

        Raises
        ------
        ReductionError
            If readings are missing, or masses are not known, or all alike.
        """
        off = self.corrections.model_copy(update={"quadratic_current": False})
        turns = Turns.of(readings, certificates, self.model_copy(update={"corrections": off}))
        if not np.isfinite(turns.known).all() or len(set(turns.known.tolist())) < 2:
            raise ReductionError(f"expected at least two known masses that differ, not {turns.known.tolist()} kg")
        gravity = certificates.values()["gravity"]
        squared = (0.5 * turns.known * gravity / turns.bl) ** 2
        relative = turns.masses / turns.known - 1.0
        u_single = np.hypot(turns.u_scatter, self.known_mass_uncertainty)
        estimator = line_through(squared, u_single, self.through_origin)
        own = np.sqrt((estimator**2 * self.known_mass_uncertainty**2).sum(axis=1))
        u = np.hypot(turns.spread(estimator, lambda label: corrected(label) and label not in SOUGHT), own)
        line = estimator @ relative
        quantities, pictures = (
            _quantities(turns, relative, u_single, squared, line, u),
            (_picture(squared, relative, u_single, line),),
        )
        return Findings(quantities, pictures, not_resolved(quantities[0], quantities[3]))


def line_through(squared: Array, u: Array, through_origin: bool) -> Array:
    """Weighted least squares for ``m/m_known − 1 = c − β I²``: from relative differences to β and c, shape (2, n)."""
    sigma = u if u.all() else np.ones_like(u)
    scale = squared.max()
    columns = np.stack([-squared / scale, np.ones_like(squared)], axis=1)[:, : 1 if through_origin else 2]
    found = np.zeros((2, len(squared)))
    found[: columns.shape[1]] = np.linalg.pinv(columns / sigma[:, None]) / sigma
    found[0] /= scale
    return found


def _quantities(
    turns: Turns, relative: Array, u_single: Array, squared: Array, line: Array, u: Array
) -> tuple[Quantity, ...]:
    beta, common = line
    largest = int(np.argmax(turns.known))
    per_kg2 = squared[largest] / turns.known[largest] ** 2
    left = relative - common + beta * squared
    u_current = np.sqrt(squared) * np.array([result.u_bl_Tm / result.bl_Tm for result in turns.results])
    return (
        Quantity("beta_per_A2", beta, "1/A^2", "β", "of (Bl)_w = (Bl)_v (1 + β I²), and what else goes with I²", u[0]),
        Quantity(
            "slope_per_kg2", -beta * per_kg2, "1/kg^2", "Δm/m³", "of the relative difference against m²", u[0] * per_kg2
        ),
        Quantity("common_relative", common, "1", "c", "difference that all masses have in common", u[1]),
        Quantity(
            "bias_relative",
            -beta * squared[largest],
            "1",
            "−β I²",
            "of the largest mass, if it is not corrected",
            u[0] * squared[largest],
        ),
        Quantity("known_masses_kg", turns.known, "kg", "m", "as certified"),
        Quantity("currents_A", np.sqrt(squared), "A", "I", "half of the difference between mass on and off", u_current),
        Quantity("differences_kg", relative * turns.known, "kg", "Δm", "found less known", u_single * turns.known),
        Quantity("differences_relative", relative, "1", "Δm/m", "found less known, relative", u_single),
        Quantity("residuals_relative", left, "1", "r", "what the line leaves", u_single),
    )


def _picture(squared: Array, relative: Array, u: Array, line: Array) -> Curve:
    """Δm/m against I², with the line."""
    x = np.array([0.0, 1.05 * squared.max()])
    return Curve(
        "differences",
        "What was found less what is known of each mass, relative, against the square of the current; the slope is −β. "
        "Bars are Type A standard uncertainties.",
        ("I²", "mA^2"),
        ("Δm/m", "10⁻⁹"),
        (
            Line("known masses", squared * 1e6, relative * 1e9, u * 1e9, points=True),
            Line("c − β I²", x * 1e6, (line[1] - line[0] * x) * 1e9),
        ),
    )
