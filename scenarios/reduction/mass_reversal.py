"""The magnetisation of a test mass, from weighing it upright and upside down.

The magnetisation M of a mass turns over with it, and so does its force ``V M ∂B/∂z`` in the stray field; what the field
induces does not. Half of the difference is the effect of M, and the mean is free of it. Blocks as of TMTP, with the
labels of `scenarios.reduction.turns`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.certificates import Certificates, Estimate
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.findings import Curve, Findings, Line, Quantity
from scenarios.reduction.quantities import QUANTITIES
from scenarios.reduction.resolved import not_resolved
from scenarios.reduction.settings import ReductionSettings
from scenarios.reduction.turns import Turns
from twin.recorder import Blocks

Array = NDArray[np.float64]
TURNS_OVER = QUANTITIES["magnetisation"].label


class MassReversalReduction(ReductionSettings):
    """How readings of a mass either way up become its magnetisation, and a mass without it."""

    weighs: ClassVar[bool] = True

    def findings(self, readings: Blocks, certificates: Certificates) -> Findings:
        """The mean of the ways up, and half of their difference; the certified magnetisation is not used.

        Raises
        ------
        ReductionError
            If readings are missing, or the mass was never turned over.
        """
        without = replace(certificates, magnetisation=Estimate(0.0))
        turns = Turns.of(readings, without, self)
        down = turns.upside_down
        if down.all() or not down.any():
            raise ReductionError("expected turns of both ways up, by the label 'upside_down' of the blocks")
        upright, reversed_ = ~down / np.count_nonzero(~down), down / np.count_nonzero(down)
        estimator = np.stack([0.5 * (upright + reversed_), 0.5 * (upright - reversed_)])
        masses, mean = turns.masses, float(turns.masses @ estimator[0])
        u_mean, u_half = turns.spread(estimator, lambda label: TURNS_OVER not in label)
        half = float((masses / mean - 1.0) @ estimator[1])
        v = certificates.values()
        per_magnetisation = -v["stray_gradient"] / (v["mass_density"] * v["gravity"])
        known = certificates.estimates()["stray_gradient"]
        moment = half / per_magnetisation if per_magnetisation else math.nan
        u_moment = (
            math.hypot(u_half / per_magnetisation, moment * known.u / known.value) if per_magnetisation else math.nan
        )
        quantities = (
            Quantity("mass_kg", mean, "kg", "m", "mean of both ways up, free of the magnetisation", u_mean * mean),
            Quantity("effect_relative", half, "1", "δ", "of the magnetisation on the upright mass", float(u_half)),
            Quantity("magnetisation_A_per_m", moment, "A/m", "M", "upright, up positive", u_moment),
            Quantity("upside_down", down.astype(float), "1", "↓", "which way up: 1 is upside down"),
            Quantity("masses_kg", masses, "kg", "m_k", "of each turn", turns.u_scatter * masses),
        )
        return Findings(quantities, (_picture(turns, mean),), not_resolved(quantities[2], quantities[1]))


def _picture(turns: Turns, mean: float) -> Curve:
    """The masses of the turns, by the way up."""
    number = np.arange(1.0, len(turns.results) + 1.0)
    relative = (turns.masses / mean - 1.0) * 1e9
    u = turns.u_scatter * 1e9
    ways = (("upright", ~turns.upside_down), ("upside down", turns.upside_down))
    return Curve(
        "reversal",
        "The mass in each turn relative to the mean of both ways up, with Type A standard uncertainties.",
        ("turn", "1"),
        ("m/m̄ − 1", "10⁻⁹"),
        tuple(Line(name, number[own], relative[own], u[own], points=True) for name, own in ways),
    )
