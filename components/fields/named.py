"""A magnet by its name, with dimensions that differ from the catalogue's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from components.fields.catalogue import CATALOGUE
from components.fields.geometry import Geometry


def named_geometry(
    name: str, dimensions: Mapping[str, float | str] | None = None, purpose: Literal["field", "heat"] = "field"
) -> Geometry:
    """The geometry of a magnet.

    Parameters
    ----------
    name : in the catalogue.
    dimensions : those that differ, as in `Geometry.with_dimensions`.
    purpose : where the catalogue has a set of its own for heat, as for NIST-4, that is taken for ``"heat"``.

    Raises
    ------
    ValueError
        If there is no such magnet or dimension, or the parts do not fit together.
    """
    if name not in CATALOGUE:
        raise ValueError(f"expected a magnet ({', '.join(CATALOGUE)}), not {name!r}")
    geometry = CATALOGUE[name]
    if purpose == "heat":
        geometry = CATALOGUE.get(f"{name}_thermal", geometry)
    return geometry.with_dimensions(dimensions) if dimensions else geometry
