"""A picture of a magnet and its field, from above the axis outward, with lengths in millimetres."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.fields import cache
from components.fields.geometry import Geometry, Part
from components.fields.linkage import evaluation
from components.fields.magnetostatics import Mesh, magnet_model

Array = NDArray[Any]

_VERSION = "field lines 1"  # raise it when they change
_MESH = Mesh(corner=0.02, edge=0.3, gap=0.2, growth=0.6)
"""A profile keeps tables, and no solution to draw lines from. Lines need 1e-3 where a profile needs 1e-8, and take a
tenth of its time."""
_COLOURS = {"yoke": "#999999", "magnet": "#56B4E9", "coil": "#D55E00"}  # Okabe and Ito: told apart by all eyes
_OTHER = "#F0E442"
_MARGIN = 1.15  # of the outer radius and half height


def draw(geometry: Geometry, path: Path, *, field: bool = True) -> None:
    """Save a picture of a geometry: parts, field lines, and B in the gap.

    Parameters
    ----------
    geometry : the magnet.
    path : of the picture; its suffix says the format (png, svg, pdf).
    field : False draws the parts alone, without solving.

    Raises
    ------
    ValueError
        If matplotlib does not know the format.
    """
    from matplotlib.figure import Figure

    check_format(path)
    figure = Figure(figsize=(11, 6) if field else (6, 6), layout="constrained")
    axes = figure.subplots(1, 2 if field else 1, squeeze=False)[0]
    _parts(axes[0], geometry)
    if field:
        _field(axes[0], axes[1], geometry)
    figure.suptitle(f"{geometry.name}: cross-section, z = 0 in the symmetry plane")
    figure.savefig(path, dpi=150)


def check_format(path: Path) -> None:
    """Refuse a name whose suffix is no format of matplotlib's.

    Raises
    ------
    ValueError
        Naming the formats there are.
    """
    from matplotlib.backend_bases import FigureCanvasBase

    known = FigureCanvasBase.get_supported_filetypes()
    if path.suffix.removeprefix(".").lower() not in known:
        raise ValueError(f"{path}: expected a picture format as suffix ({', '.join(sorted(known))})")


def _parts(axes: Any, geometry: Geometry) -> None:
    """Rectangles of all parts, with a key."""
    from matplotlib.patches import Patch, Rectangle

    seen: dict[str, Any] = {}
    for part in (*geometry.parts(), geometry.coil_part):
        colour = _COLOURS.get(part.group, _OTHER)
        size = (1e3 * (part.r[1] - part.r[0]), 1e3 * (part.z[1] - part.z[0]))
        corner = (1e3 * part.r[0], 1e3 * part.z[0])
        axes.add_patch(Rectangle(corner, *size, facecolor=colour, edgecolor="black", linewidth=0.6))
        seen[f"{part.group} ({part.material})"] = Patch(facecolor=colour, edgecolor="black")
        if part.magnetised:
            _arrow(axes, part)
    axes.legend(seen.values(), seen.keys(), loc="upper right", fontsize="small")
    axes.set(xlabel="r / mm", ylabel="z / mm", aspect="equal")
    axes.set_xlim(0, 1e3 * _MARGIN * geometry.outer_radius)
    half = 0.5e3 * _MARGIN * geometry.height
    axes.set_ylim(-half, half)


def _arrow(axes: Any, part: Part) -> None:
    """The direction of magnetisation."""
    r, z = 500 * (part.r[0] + part.r[1]), 500 * (part.z[0] + part.z[1])
    half = 350 * (part.z[1] - part.z[0]) * part.magnetised
    axes.annotate("", (r, z + half), (r, z - half), arrowprops={"arrowstyle": "-|>", "color": "black"})


def _field(section: Any, profile: Any, geometry: Geometry) -> None:
    """Lines of equal flux in the section; B along z at the mean radii of gap and coil beside it."""
    half = 0.5 * _MARGIN * geometry.height
    r, z = np.linspace(0, _MARGIN * geometry.outer_radius, 160), np.linspace(-half, half, 240)
    name = cache.key(_VERSION, geometry.digest(), json.dumps(asdict(_MESH)))
    flux = cache.kept(name, lambda: _flux(geometry, r, z), lambda found: {"flux": found}, lambda arrays: arrays["flux"])
    section.contour(1e3 * r, 1e3 * z, flux, levels=32, colors="#0072B2", linewidths=0.6)
    from components.fields.profile import profile as solve

    found = solve(geometry)
    for name, values, style in (("gap", found.gap, "-"), ("coil", found.at_coil, "--")):
        radius = geometry.gap_radius if name == "gap" else geometry.coil.mean_radius
        colour = "#0072B2" if name == "gap" else "#D55E00"
        label = f"at the mean radius of the {name}, {1e3 * radius:g} mm"
        profile.plot(1e3 * found.gap_z, values, style, color=colour, label=label)
    profile.set(xlabel="z / mm", ylabel="radial flux density, inward / T")
    profile.grid(alpha=0.3)
    profile.legend(fontsize="small")


def _flux(geometry: Geometry, r: Array, z: Array) -> Array:
    """Flux through the discs that points bound (Wb), shape (z, r)."""
    model = magnet_model(geometry, _MESH)
    values = evaluation(model, np.repeat(r, len(z)), np.tile(z, len(r))) @ model.magnetised()
    flux: Array = 2 * math.pi * values.reshape(len(r), len(z)).T
    return flux
