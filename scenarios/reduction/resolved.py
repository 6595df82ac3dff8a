"""What is said of a quantity that a measurement does not tell from zero."""

from __future__ import annotations

import math

import numpy as np

from scenarios.reduction.findings import Quantity

CONFIDENCE = 0.95
RESOLVED = 2.0
"""Standard uncertainties from zero on, from which a value counts as seen."""


def not_resolved(*quantities: Quantity) -> tuple[str, ...]:
    """A sentence for those that are not seen: what their size is below, at a level of confidence of 95 %."""
    found = []
    for quantity in quantities:
        value, u = float(np.asarray(quantity.value)), float(np.asarray(quantity.u))
        if u > 0 and abs(value) < RESOLVED * u:
            unit = "" if quantity.unit == "1" else f" {quantity.unit}"
            bound = f"|{quantity.symbol}| < {limit(value, u):.2g}{unit}"
            found.append(f"{quantity.symbol} is not resolved: {bound} ({100 * CONFIDENCE:g} %).")
    return tuple(found)


def limit(value: float, u: float) -> float:
    """The size that a quantity is below with 95 % probability, of a normal distribution about its value."""
    low, high = 0.0, abs(value) + 5.0 * u
    for _ in range(60):
        middle = 0.5 * (low + high)
        inside = 0.5 * (math.erf((middle - value) / u / math.sqrt(2)) + math.erf((middle + value) / u / math.sqrt(2)))
        low, high = (middle, high) if inside < CONFIDENCE else (low, middle)
    return high
