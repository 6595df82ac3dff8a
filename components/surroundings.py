"""Flux densities of external sources where sensors are: in the gap, through the yoke, and in the room around it.

In the room a source is what it is without the magnet, and far fields magnetise the magnet besides: a body of soft iron
about as high as wide becomes the dipole ``m = 3 V B/µ0``, which moves with it. What near sources induce in it, and what
leaks of the magnet's own field, is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from components.external_source import FarEnd, NearEnd, Source, dipole_field
from components.fields.materials import MU0
from twin.signal import Constant, Function, Signal, add

if TYPE_CHECKING:
    from components.external_flux import ExternalFlux

Array = NDArray[Any]
Axis = Literal["radial", "vertical"]
"""Of a sensor: inward, or downward."""


class Surroundings:
    """Where and when the sources of an external flux are, for whoever measures them.

    Parameters
    ----------
    flux : sources, and how the yoke lets them in.
    inputs : of that part.
    """

    def __init__(self, flux: ExternalFlux, inputs: Mapping[str, Signal]) -> None:
        self.flux, self.inputs = flux, inputs

    def in_gap(self, azimuth: float, z: float, radius: float) -> Signal:
        """B_r let into the gap (T), inward, at a place of the magnet; the magnet is where it rests."""
        flux = self.flux
        total: list[Signal | float] = []
        for name, source in flux.sources.items():
            if isinstance(source, FarEnd):
                total.append(self._strength(name, source) * float(flux.distribution(name, z).at(azimuth)))
                continue
            let_in = flux.native_permeability / flux.permeability / source.shield(flux.coil_radius)
            field = self._near(source, azimuth, radius, Constant(z) - self._carried(source), "radial")
            total.append(self._strength(name, source) * (let_in * field))
        return add(*total, 0.0)

    def in_room(self, azimuth: float, z: Signal, radius: float, axis: Axis) -> Signal:
        """B (T), inward or downward, at a place of the room that may move up and down."""
        total: list[Signal | float] = []
        for name, source in self.flux.sources.items():
            strength = self._strength(name, source)
            if isinstance(source, FarEnd):
                total.append(strength * self._far(source, azimuth, z, radius, axis))
            else:
                total.append(strength * self._near(source, azimuth, radius, z - self._carried(source), axis))
        return add(*total, 0.0)

    def _strength(self, name: str, source: Source) -> Signal:
        told = f"{self.flux.name}.{name}"
        energised = self.inputs["energised"] if source.appears == "moving" else 1.0
        return (source.course.factor(told) + source.course.wave(told)) * energised

    def _carried(self, source: NearEnd) -> Signal | float:
        return self.inputs["stage"] if source.carried else 0.0

    def _near(self, source: NearEnd, azimuth: float, radius: float, z: Signal, axis: Axis) -> Signal:
        which = 0 if axis == "radial" else 1
        return Function(lambda at: source.free_field(azimuth, at, radius)[which], z)

    def _far(self, source: FarEnd, azimuth: float, z: Signal, radius: float, axis: Axis) -> Signal:
        which, around = (0 if axis == "radial" else 1), azimuth - source.azimuth
        own = (-source.horizontal * float(np.cos(around)), source.vertical)[which]
        moment = (
            3 * self.flux.yoke_volume / MU0 * source.horizontal,
            -3 * self.flux.yoke_volume / MU0 * source.vertical,
        )
        if not any(moment):
            return Constant(own)
        x, y = radius * float(np.cos(around)), radius * float(np.sin(around))
        induced = Function(
            lambda at: dipole_field(moment, around, (x, y, at))[which], z - self.inputs["magnet_position"]
        )
        return own + induced
