"""What is true of the field in a gap that a probe measures: told beside the results, unknown to any reduction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from twin.signal import Constant

FINE = 100_001
"""Heights that the end of the uniform range is looked for at."""


def gap_truth(parts: Mapping[str, Any]) -> dict[str, float]:
    """Field (T) and slope (T/m, relative 1/m) at z = 0 and the mean radius, and b there, at the start of the run."""
    magnet, gap = parts.get("magnet"), parts.get("gap_field")
    if magnet is None or gap is None:
        return {}
    density, zero = _density(magnet, gap), np.zeros(1)
    factor = float(density.factor(0.0))
    value, slope = factor * float(density.shape.value(zero)[0]), factor * float(density.shape.slope(zero)[0])
    deviation = float(gap.deviation_at(zero)[0])
    return {
        "field_T": value,
        "slope_T_per_m": slope,
        "relative_slope_per_m": slope / value,
        "radial_slope_T_per_m": (deviation - 1.0) * value / gap.mean_radius,
        "deviation": deviation,
    }


def gap_series(parts: Mapping[str, Any], found: Mapping[str, Any], tolerance: float) -> dict[str, Any]:
    """Profile and deviation from 1/r at the heights that they were found at, and how far the field is uniform.

    Parameters
    ----------
    found : with ``position_m`` and ``radial_heights_m``, if there are any.
    tolerance : |B/B(0) − 1| of the uniform range; what lies beyond the heights read does not count.
    """
    magnet, gap = parts.get("magnet"), parts.get("gap_field")
    if magnet is None or gap is None:
        return {}
    shape = _density(magnet, gap).shape
    middle = float(shape.value(np.zeros(1))[0])
    heights = np.asarray(found["position_m"])
    length = 0.0
    for end in (heights[0], heights[-1]):
        z = np.linspace(0.0, end, FINE)
        beyond = np.abs(shape.value(z) / middle - 1.0) >= tolerance
        length += abs(float(z[beyond.argmax()] if beyond.any() else end))
    told = {"profile": shape.value(heights) / middle - 1.0, "uniform_range_m": length}
    if "radial_heights_m" in found:
        told["deviations"] = gap.deviation_at(np.asarray(found["radial_heights_m"]))
    return told


def _density(magnet: Any, gap: Any) -> Any:
    field = magnet.signals(**{port: Constant(0.0) for port in magnet.inputs})["field"]
    return gap.signals(field=field)["density"]
