"""What sources beside a magnet do at a place: in its gap, as the yoke lets them in, and beside the yoke (Ma2025).

In the gap the field of a near source is that without the yoke over its shielding. Beside the yoke it is the source's
own field, and that of the moments which its field at the middle of the yoke induces in it (`components.multipoles`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from components.external_source import FarEnd, NearEnd, Source, polyline
from components.flux_density import Contribution, FluxDensity, Law
from components.interfering_magnet import Mounted
from components.multipoles import DEGREES, density
from twin.errors import SimulationError
from twin.signal import Constant, Signal

if TYPE_CHECKING:
    from components.external_flux import ExternalFlux

Array = NDArray[Any]
_ROOM = Constant(0.0)


def interfering(inputs: Mapping[str, Any]) -> tuple[Mounted, ...]:
    """The magnets that a stage may bring; none if nothing is wired."""
    given = inputs.get("interfering")
    return given if isinstance(given, tuple) else ()


def densities(part: ExternalFlux, inputs: Mapping[str, Any]) -> dict[str, FluxDensity]:
    """`gap_density` and `outside_density` of all sources of a part."""
    z_magnet: Signal = inputs["magnet_position"]
    gap, outside = [], []
    for name, source in part.sources.items():
        energised = inputs["energised"] if source.appears == "moving" else 1.0
        steady = source.course.factor(f"{part.name}.{name}") * energised
        factor = inside = steady + source.course.wave(f"{part.name}.{name}") * energised
        if isinstance(source, NearEnd) and source.retained and source.course.schedule:
            largest = polyline(f"{part.name}.{name}.largest", source.course.largest())
            inside = factor + source.retained * (largest - steady)
        place = inputs["stage"] if isinstance(source, NearEnd) and source.carried else _ROOM
        gap.append(Contribution(_let_in(part, source), inside, z_magnet, place))
        outside.append(Contribution(_beside(part, source), factor, z_magnet, place))
    if part.is_measured(inputs):
        far = FarEnd(vertical=part.ambient_gain)
        gap.append(Contribution(_let_in(part, far), inputs["ambient"], z_magnet, _ROOM))
        outside.append(Contribution(_beside(part, far), inputs["ambient"], z_magnet, _ROOM))
    for mounted in interfering(inputs):
        kept, law = mounted.source.retained, _carried(part, mounted)
        gap.append(Contribution(law, (1.0 - kept) * mounted.present, z_magnet, mounted.height))
        outside.append(Contribution(_beside(part, mounted.source), mounted.present, z_magnet, mounted.height))
        if kept:
            gap.append(Contribution(law, kept * mounted.most, z_magnet, mounted.strongest + z_magnet))
    if part.leakage_multipoles:
        weaker = part.native_permeability / part.permeability
        own = [weaker * c for c in part.leakage_multipoles]
        outside.append(Contribution(_multipoles(part, own, "even"), 1.0, z_magnet, z_magnet))
    return {"gap_density": FluxDensity(gap), "outside_density": FluxDensity(outside)}


def _let_in(part: ExternalFlux, source: Source) -> Law:
    """Into the gap: its radial component."""
    weaker, coil = part.native_permeability / part.permeability, part.coil_radius

    def far(radius: float, azimuth: float, in_magnet: Array, _: Array) -> tuple[Array, Array]:
        assert isinstance(source, FarEnd)
        mean = part.far_density(source.vertical, in_magnet)
        sideways = part.horizontal_attenuation * weaker * source.horizontal * np.cos(azimuth - source.azimuth)
        return (mean - sideways) * coil / radius, _unknown(in_magnet)

    def near(radius: float, azimuth: float, in_magnet: Array, above: Array) -> tuple[Array, Array]:
        assert isinstance(source, NearEnd)
        free = source.free_field(azimuth, above, radius)[0]
        try:
            shielding = source.shield(coil)
        except ValueError as error:
            raise SimulationError(
                f"{part.name}: what a source does at a place in the gap is not known: {error}"
            ) from None
        return free * weaker / shielding, _unknown(in_magnet)

    return far if isinstance(source, FarEnd) else near


def _carried(part: ExternalFlux, mounted: Mounted) -> Law:
    """Into the gap, of a magnet that a stage brought."""
    weaker = part.native_permeability / part.permeability

    def law(radius: float, azimuth: float, in_magnet: Array, above: Array) -> tuple[Array, Array]:
        return weaker * mounted.let_in(azimuth, above, radius), _unknown(in_magnet)

    return law


def _unknown(height: Array) -> Array:
    return np.full(np.shape(height), np.nan)


def _beside(part: ExternalFlux, source: Source) -> Law:
    """Beside the yoke."""

    def law(radius: float, azimuth: float, in_magnet: Array, above: Array) -> tuple[Array, Array]:
        around = np.cos(azimuth - source.azimuth)
        horizontal: Any
        upward: Any
        own: tuple[Any, Any]
        if isinstance(source, FarEnd):
            horizontal, upward = source.horizontal, -source.vertical
            own = -horizontal * around, upward
        else:
            assert isinstance(source, NearEnd)
            inward, downward = source.free_field(source.azimuth, above - in_magnet, 0.0)  # in the middle of the yoke
            horizontal, upward = -inward, -downward
            inward, downward = source.free_field(azimuth, above, radius)
            own = inward, -downward
        _beyond(part, radius)
        sizes = part.vertical_multipoles, part.horizontal_multipoles
        by_upward, by_horizontal = (
            density(dict(zip(DEGREES["odd"], c, strict=False)), order, radius, in_magnet, part.yoke_radius)
            for order, c in enumerate(sizes)
        )
        induced = [upward * a + horizontal * around * b for a, b in zip(by_upward, by_horizontal, strict=True)]
        return own[0] - induced[0], own[1] + induced[1]

    return law


def _multipoles(part: ExternalFlux, coefficients: Sequence[float], parity: str) -> Law:
    def law(radius: float, azimuth: float, in_magnet: Array, _: Array) -> tuple[Array, Array]:
        found = dict(zip(DEGREES[parity], coefficients, strict=False))
        outward, upward = density(found, 0, radius, in_magnet, part.yoke_radius)
        return -outward, upward

    return law


def _beyond(part: ExternalFlux, radius: float) -> None:
    if radius < 1.3 * part.yoke_radius:
        raise SimulationError(
            f"{part.name}: the field beside the yoke is known from {1.3 * part.yoke_radius:.3g} m from its axis on, "
            f"not at {radius:g} m"
        )
