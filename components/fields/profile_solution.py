"""The finite-element solution behind a `components.fields.profile.Profile`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.fields.geometry import Geometry
from components.fields.linkage import Line, Linkage, inductance
from components.fields.magnetostatics import Mesh, Model, magnet_model
from components.fields.profile import Profile

Array = NDArray[Any]

_POSITIONS = 13  # of the coil for L(z); it is a smooth, nearly even function
_MOST_KNOTS = 4000  # on each side: of a metre, at a quarter of a millimetre
_STRAY_TO = 3.0  # outer radii above the upper face


def compute(geometry: Geometry, mesh: Mesh | None, knots: float) -> Profile:
    """Solve a magnet and tabulate what a `Profile` holds, Bl with knots at most `knots` apart (m)."""
    model = magnet_model(geometry, mesh)
    psi = model.magnetised()
    width, half = geometry.gap[1] - geometry.gap[0], 0.5 * geometry.gap_height
    reach = max(0.5 * (geometry.gap_height - geometry.coil.height), 0.05 * geometry.gap_height)
    step = max(min(knots, width / 40), half / _MOST_KNOTS)
    z, gap_z = _even(reach, step), _even(half, step)
    linkage = Linkage(model, psi, geometry.coil, reach)
    at_gap = Line(model, psi, geometry.gap_radius, (-half, half))
    at_coil = Line(model, psi, geometry.coil.mean_radius, (-half, half))
    warmed = Line(model, model.warmed(), geometry.gap_radius, (-half, half))
    top = 0.5 * geometry.height
    stray_z = top + _STRAY_TO * geometry.outer_radius * np.linspace(0, 1, 241) ** 2
    disc = 0.05 * geometry.outer_radius
    stray = Line(model, psi, disc, (stray_z[0], stray_z[-1])).mean(stray_z)
    return Profile(
        z=z,
        bl=linkage.bl(z),
        flux_at_zero=float(linkage.flux(0.0)),
        gap_z=gap_z,
        gap=_mended(at_gap.slope, gap_z) / geometry.gap_radius,
        at_coil=_mended(at_coil.slope, gap_z) / geometry.coil.mean_radius,
        deviation=deviation(model, psi, geometry, gap_z),
        inductance=_chebyshev(model, geometry, reach),
        reach=reach,
        stray_z=stray_z,
        stray=2 * stray / disc**2,
        temperature_coefficient=float(warmed.slope(0.0) / at_gap.slope(0.0)),
        current=0.0,
        turns=geometry.coil.turns,
        gap_radius=geometry.gap_radius,
        gap_width=width,
    )


def deviation(model: Model, psi: Array, geometry: Geometry, z: Array) -> Array:
    """``b = 1 + (r/B) ∂B/∂r`` at the coil's mean radius (Seifert2014): 0 for an ideal 1/r field.

    ``r B = −∂ψ/∂z``, so ``b = r ∂(r B)/∂r/(r B)``; the derivative is a fourth-order difference over 0.4 gap widths, or
    less if a pole face is nearer than that.
    """
    r = geometry.coil.mean_radius
    room = min(r - geometry.gap[0], geometry.gap[1] - r)
    step = min(0.1 * (geometry.gap[1] - geometry.gap[0]), 0.45 * room)
    span = (float(z[0]), float(z[-1]))
    flux = [_mended(Line(model, psi, r + i * step, span).slope, z) for i in (-2, -1, 0, 1, 2)]
    return r * (flux[0] - 8 * flux[1] + 8 * flux[3] - flux[4]) / (12 * step) / flux[2]


def _mended(slope: Any, z: Array) -> Array:
    """A derivative of ψ, which jumps a little between cells: the mean of both sides."""
    tiny = 1e-9 * float(z[-1] - z[0])
    inside = np.clip(z, z[0] + tiny, z[-1] - tiny)
    return 0.5 * (slope(inside - tiny) + slope(inside + tiny))


def _even(reach: float, step: float) -> Array:
    """Positions from −reach to reach, 0 among them, at most `step` apart."""
    half = int(np.ceil(reach / step - 1e-9))
    return reach * np.arange(-half, half + 1) / half


def _chebyshev(model: Model, geometry: Geometry, reach: float) -> Array:
    """Chebyshev coefficients of L(z) over ±reach, from L at as many Chebyshev points."""
    x = np.cos(np.pi * (np.arange(_POSITIONS) + 0.5) / _POSITIONS)
    return np.polynomial.chebyshev.chebfit(x, inductance(model, geometry.coil, reach * x), _POSITIONS - 1)
