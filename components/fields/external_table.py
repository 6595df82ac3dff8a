"""External flux of a geometry as polynomials of the positions of coil and magnet, kept on disk."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.polynomial import Chebyshev

from components.fields import cache
from components.fields.external import NearSource, far_vertical, near_source
from components.fields.geometry import Geometry

_VERSION = "external 1"  # of the solver and of what is kept; raise it when a result changes
_ALONG, _PLACES = 12, 5  # coefficients in the coil's place in the magnet, and in the magnet's in the room


def near_table(geometry: Geometry, source: NearSource, reach: float, mesh: Any = None) -> list[Chebyshev]:
    """λ_ext of a near source: ``Σ_j T_j(z_magnet/reach) Λ_j(z_coil − z_magnet)``, of one winding (Wb).

    Parameters
    ----------
    reach : largest distance of coil and magnet from their places at rest (m); the coil stays within half the gap.
    mesh : `components.fields.magnetostatics.Mesh`; by default fine.

    Raises
    ------
    ValueError
        If the source meets iron.
    """
    along = min(reach, 0.5 * geometry.gap_height)
    told = (_VERSION, geometry.digest(), source.model_dump_json(), repr((reach, _ALONG, _PLACES)))
    name = cache.key(*told, "" if mesh is None else json.dumps(asdict(mesh)))
    found = cache.load(name)
    if found is None:
        u, places = (np.cos(np.pi * (np.arange(n) + 0.5) / n) for n in (_ALONG, _PLACES))
        flux = near_source(geometry, source, mesh)
        values = np.array([[flux.flux(along * a + reach * b, reach * b) for b in places] for a in u])
        basis = (np.polynomial.chebyshev.chebvander(x, len(x) - 1) for x in (u, places))
        first, second = (np.linalg.inv(matrix) for matrix in basis)
        found = {"coefficients": first @ values @ second.T}
        cache.save(name, found)
    return [Chebyshev(column, domain=[-along, along]) for column in found["coefficients"].T]


def far_coefficients(geometry: Geometry, mesh: Any = None) -> tuple[float, float]:
    """Of a vertical far field B, downward: −λ of a turn in the symmetry plane over B (m²), and ∂γ/∂z (1/m)."""
    name = cache.key(_VERSION, geometry.digest(), "far", "" if mesh is None else json.dumps(asdict(mesh)))
    found = cache.load(name)
    if found is None:
        flux = far_vertical(geometry, 1.0, mesh)
        found = {"far": np.array([-flux.flux(0.0, 0.0) / geometry.coil.turns, flux.slope()])}
        cache.save(name, found)
    area, slope = found["far"].tolist()
    return area, slope
