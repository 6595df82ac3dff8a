"""What is true of the field in a gap that a probe measures: told beside the results, unknown to any reduction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from twin.signal import Constant


def gap_truth(parts: Mapping[str, Any]) -> dict[str, float]:
    """Field (T) and slope (T/m, relative 1/m) at z = 0 and the mean radius, and b there, at the start of the run."""
    magnet, gap = parts.get("magnet"), parts.get("gap_field")
    if magnet is None or gap is None:
        return {}
    field = magnet.signals(**{port: Constant(0.0) for port in magnet.inputs})["field"]
    density = gap.signals(field=field)["density"]
    factor, zero = float(density.factor(0.0)), np.zeros(1)
    value, slope = factor * float(density.shape.value(zero)[0]), factor * float(density.shape.slope(zero)[0])
    return {
        "field_T": value,
        "slope_T_per_m": slope,
        "relative_slope_per_m": slope / value,
        "deviation": float(gap.deviation_at(zero)[0]),
    }
