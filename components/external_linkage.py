"""λ_ext of a source as a function of the places of coil and magnet, by how the yoke lets it in (Ma2025).

A far field has ``λ = N B (−A + π r a z²)``, of two coefficients that are stated or of a geometry. A near source has its
own flux linkage without the yoke, over its shielding; or what a geometry makes of it, which hangs on where the magnet
is too: as a sum of Chebyshev polynomials of that.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.polynomial import Chebyshev
from numpy.typing import NDArray

from components.external_source import FarEnd, NearEnd
from twin.errors import SimulationError
from twin.field import Shape

if TYPE_CHECKING:
    from components.external_flux import ExternalFlux

Array = NDArray[Any]
DEGREE, MOST, ROUNDING = 24, 300, 1e-15
"""Of the polynomial through λ of a near source: the first degree tried, the last but one, and what may be left out."""


@dataclass(frozen=True)
class Term:
    """``T_order(z_magnet/reach) Λ(z)``, a part of λ_ext; Λ and its derivatives by z are in `shape`.

    Parameters
    ----------
    in_magnet : whether z is the coil's place in the magnet, not in the room.
    order : of the Chebyshev polynomial T.
    kept : whether it is what the yoke has retained.
    """

    shape: Shape
    in_magnet: bool
    order: int = 0
    kept: bool = False


def terms(part: ExternalFlux, name: str) -> list[Term]:
    """Those of a source at its full strength."""
    source = part.sources[name]
    published, appears = part.coupling == "published", source.appears == "moving"
    if isinstance(source, FarEnd):
        return [Term(of_far_field(part, source.vertical), in_magnet=appears or not published)]
    if part.geometry is not None and source.attenuation is None and source.shielding is None:
        computed = _computed(part, source)
        at_rest = _polynomial(part, sum(c * math.cos(0.5 * math.pi * k) for k, c in enumerate(computed)))
        kept = Term(at_rest, in_magnet=True, kept=True)
        if published:
            return [Term(at_rest, in_magnet=appears), kept]
        return [*(Term(_polynomial(part, linkage), True, order) for order, linkage in enumerate(computed)), kept]
    shape = of_near_source(part, source)
    return [Term(shape, in_magnet=appears and published), Term(shape, in_magnet=True, kept=True)]


def of_far_field(part: ExternalFlux, field: float) -> Shape:
    """λ = N B (−A + π r a z²) of a vertical field B, downward (T)."""
    area, slope = part.vertical_area, part.vertical_slope
    if part.geometry is not None:
        area, slope = _computed_far(part)
    else:
        field = field * part.native_permeability / part.permeability
    base, rate = -part.coil_turns * area * field, part.wire_length * slope * field
    return Shape(lambda z: rate * z, lambda z: base + 0.5 * rate * z * z, lambda z: np.full(np.shape(z), rate))


def of_near_source(part: ExternalFlux, source: NearEnd) -> Shape:
    """λ of a near source by the coil's place: that without the yoke, attenuated."""
    turns, radius = part.coil_turns, part.coil_radius
    share = turns / source.shield(radius) * part.native_permeability / part.permeability
    degree = DEGREE
    while True:
        linkage: Chebyshev = Chebyshev.interpolate(
            lambda z: share * source.free_linkage(z, radius), degree, [-2 * part.reach, 2 * part.reach]
        )
        size = np.abs(linkage.coef)
        if size[-4:].max() <= ROUNDING * size.max() or degree > MOST:
            return _polynomial(part, linkage)
        degree *= 2


def _polynomial(part: ExternalFlux, linkage: Any) -> Shape:
    """λ as a polynomial, with its derivatives."""
    first, second = linkage.deriv(), linkage.deriv(2)
    low, high = linkage.domain

    def within(function: Any) -> Callable[[Array], Array]:
        def value(z: Array) -> Array:
            if z.size and not (low <= z.min() and z.max() <= high):
                raise SimulationError(
                    f"{part.name}: external flux is asked for from {z.min():g} to {z.max():g} m, but known within "
                    f"{high:g} m; raise reach"
                )
            result: Array = function(z)
            return result

        return value

    return Shape(within(first), within(linkage), within(second))


def _computed(part: ExternalFlux, source: NearEnd) -> list[Chebyshev]:
    """Of each Chebyshev polynomial of the magnet's place, by the geometry."""
    from components.fields.external_table import near_table

    return near_table(part.magnet_geometry(), source.as_near_source(), part.reach)


def _computed_far(part: ExternalFlux) -> tuple[float, float]:
    """A (m²) and a (1/m), by the geometry."""
    from components.fields.external_table import far_coefficients

    return far_coefficients(part.magnet_geometry())
