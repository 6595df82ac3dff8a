"""How much the inferred dimensions matter: ∂ ln(result)/∂ ln(dimension) of every figure."""

from __future__ import annotations

from components.fields.geometry import Geometry
from components.fields.magnetostatics import Mesh
from components.fields.profile import profile

_MESH = Mesh(corner=0.02, edge=0.3, gap=0.2, growth=0.6)  # differences need less than 1e-8
_STEP = 0.01


def influence(
    geometry: Geometry, tolerance: float = 1e-3, mesh: Mesh | None = None, *, cached: bool = True
) -> dict[str, dict[str, float]]:
    """Relative change of each figure per relative change of each inferred dimension.

    Parameters
    ----------
    geometry : the magnet; only lengths that are not 0 count, since those alone move the field.
    tolerance : of the uniform lengths.
    mesh, cached : as for `components.fields.profile.profile`.

    Returns
    -------
    dict
        By dimension, then by figure as `Profile.summary` names it. A change of 1 % that the magnet cannot take on one
        side is made on the other side alone.
    """
    mesh = mesh or _MESH

    def figures(dimension: str, factor: float) -> dict[str, float] | None:
        try:
            changed = geometry.with_dimensions({dimension: factor * geometry.value(dimension)})
        except ValueError:
            return None
        return profile(changed, mesh, cached=cached).summary(tolerance)

    here = profile(geometry, mesh, cached=cached).summary(tolerance)
    found: dict[str, dict[str, float]] = {}
    for dimension in sorted(geometry.inferred):
        if dimension in ("coil.fill", "coil.turns") or geometry.value(dimension) == 0:
            continue
        more, less = figures(dimension, 1 + _STEP), figures(dimension, 1 - _STEP)
        span = _STEP * ((more is not None) + (less is not None))
        if span:
            more, less = more or here, less or here
            found[dimension] = {key: (more[key] - less[key]) / (span * here[key]) for key in here if here[key]}
    return found
