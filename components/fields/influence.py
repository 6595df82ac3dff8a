"""How much the inferred dimensions matter: ∂ ln(result)/∂ ln(dimension) of every figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from components.fields.external import permeability_changed
from components.fields.geometry import Geometry
from components.fields.magnetostatics import Mesh
from components.fields.profile import profile

_MESH = Mesh(corner=0.02, edge=0.3, gap=0.2, growth=0.6)  # differences need less than 1e-8
STEP = 0.01
PERMEABILITY = "yoke.permeability"


def influence(
    geometry: Geometry, tolerance: float = 1e-3, mesh: Mesh | None = None, *, cached: bool = True
) -> dict[str, dict[str, float]]:
    """Relative change of each figure per relative change of each inferred dimension.

    Parameters
    ----------
    geometry : the magnet. Of a dimension that is 0, such as a bore that no paper prints, the change is relative to the
        outer radius. The coil's fill is of heat alone, and its turns are a whole number: Bl goes with N, L and k with
        N². Iron that is linear counts as a dimension too, ``yoke.permeability``.
    tolerance : of the uniform lengths.
    mesh, cached : as for `components.fields.profile.profile`.

    Returns
    -------
    dict
        By dimension, then by figure as `Profile.summary` names it. A change of 1 % that the magnet cannot take on one
        side is made on the other side alone.
    """
    mesh = mesh or _MESH

    def figures(changed: Geometry) -> dict[str, float]:
        return profile(changed, mesh, cached=cached).summary(tolerance)

    sides = {name: varied(geometry, name) for name in sorted(geometry.inferred - {"coil.fill", "coil.turns"})}
    iron = geometry.material(geometry.yoke_material)
    if not iron.bh:
        steps = (1 + STEP, 1 - STEP)
        sides[PERMEABILITY] = [(f, permeability_changed(geometry, f * iron.permeability)) for f in steps]
    return slopes(geometry, sides, figures)


def varied(geometry: Geometry, dimension: str) -> list[tuple[float, Geometry]]:
    """The geometry with a dimension 1 % larger and smaller, where the magnet can take it, each with its factor.

    A dimension that is 0 grows by 1 % of the outer radius.
    """
    value = geometry.value(dimension)
    scale, found = value or geometry.outer_radius, []
    for step in (STEP, -STEP) if value else (STEP,):
        try:
            found.append((1 + step, geometry.with_dimensions({dimension: value + step * scale})))
        except ValueError:
            continue
    return found


def slopes(
    geometry: Geometry,
    sides: Mapping[str, Sequence[tuple[float, Geometry]]],
    figures: Callable[[Geometry], dict[str, float]],
) -> dict[str, dict[str, float]]:
    """Relative change of each figure per relative change, by name, then by figure; one-sided where one side is."""
    here = figures(geometry)
    found: dict[str, dict[str, float]] = {}
    for name, changed in sides.items():
        if changed:
            ends = [(factor, figures(other)) for factor, other in changed]
            (high, more), (low, less) = (*ends, (1.0, here))[:2]
            found[name] = {key: (more[key] - less[key]) / ((high - low) * here[key]) for key in here if here[key]}
    return found
