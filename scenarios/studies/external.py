"""What an external source lets into a magnet's gap, and how strong it may be (Ma2025): of ``fields --external``."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from components.angular_distribution import AngularDistribution
from components.external_flux import AZIMUTHS, ExternalFlux
from components.external_source import NearEnd, field_limit
from components.fields import around
from components.fields import external as coupled
from components.fields.geometry import Geometry

KINDS = {"far_vertical": "T", "far_horizontal": "T", "near_vertical": "m", "near_horizontal": "m"}
"""Of a source, one of which is given: a uniform field, or the height of Ma2025's disc magnet, V or H."""
BESIDE = {"r": "m", "attenuation": "1", "shielding": "1", "gap_field": "T"}
"""What may be said of a near source."""
NOTHING = 1e-18
"""γ below this is rounding."""
TARGET = 1e-8
"""Relative error of the mass that a limit is stated for."""


def external(geometry: Geometry, given: Mapping[str, float], gap_field: float) -> dict[str, float | None]:
    """The figures of one source.

    Parameters
    ----------
    given : one of `KINDS`; of a near source also `BESIDE`.
    gap_field : of the magnet, where `given` has none (T).

    Raises
    ------
    ValueError
        If the yoke is in its way, or nothing is let in of what is said to be attenuated.
    """
    kind = next(key for key in KINDS if key in given)
    if kind == "far_vertical":
        return {"slope_T_per_m": coupled.far_vertical_slope(geometry, given[kind])}
    if kind == "far_horizontal":
        return _far_horizontal(geometry, given[kind])
    source = NearEnd(
        direction="vertical" if kind == "near_vertical" else "horizontal",
        z=given[kind],
        r=given.get("r", 0.0),
        attenuation=given.get("attenuation"),
        shielding=given.get("shielding"),
    )
    return _near(geometry, source, given.get("gap_field", gap_field))


def _far_horizontal(geometry: Geometry, field: float) -> dict[str, float | None]:
    """Of a uniform horizontal field (T): its potential goes as cos θ, by finite elements."""
    theta = 2 * np.pi * np.arange(AZIMUTHS) / AZIMUTHS
    inward = -field * around.horizontal_coupling(geometry) * np.cos(theta)
    peak = AngularDistribution.of(inward, geometry.coil.mean_radius).peak
    return {"mean_T": float(inward.mean()), "peak_T": peak, "attenuation": abs(field) / peak if peak else None}


def _near(geometry: Geometry, source: NearEnd, gap_field: float) -> dict[str, float | None]:
    """Of a disc magnet, in the symmetry plane: its mean around and γ, of the peak where the coupling is stated.

    Without one the mean is by finite elements of a closed yoke, and γ that of the mean. No limit where none is let in.
    """
    known: dict[str, float | None] = {}
    if source.attenuation is None and source.shielding is None:
        mean = float(coupled.near_source(geometry, source.as_near_source()).gap_field(0.0))
        gamma = abs(mean) / source.surface_field
    else:
        coil = geometry.coil
        part = ExternalFlux(turns=coil.turns, radius=coil.mean_radius, sources={"near": source})
        let_in = part.distribution("near")
        mean, gamma = let_in.mean, let_in.peak / source.surface_field
        known = {"peak_T": let_in.peak, "shielding": source.shield(coil.mean_radius)}
    limit = field_limit(gamma, gap_field, TARGET) if gamma > NOTHING else None
    return {"mean_T": mean, **known, "gamma": gamma, "limit_T": limit}
