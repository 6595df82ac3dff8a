"""The interfering magnet: a small permanent magnet that is put near the yoke, and taken away again (Ma2025)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from components.external_source import NearEnd
from components.motion import glide
from twin.clock import Process
from twin.component import Port
from twin.errors import SimulationError
from twin.instrument import Instrument
from twin.parameter import Parameters, parameter
from twin.piece import constant
from twin.signal import Signal
from twin.times import to_ns

Array = NDArray[Any]


class Mounting(Parameters):
    """How it is mounted on its stage, and what the yoke makes of it there.

    Parameters
    ----------
    direction : of its magnetisation: V or H in Ma2025.
    """

    direction: Literal["vertical", "horizontal"]
    r: float = parameter("m", 0.0, ge=0, description="of its centre from the axis of the yoke")
    shielding: float = parameter("1", gt=0, description="field without the yoke over that in the gap, of the mean")
    shielding_around: float | None = parameter(
        "1",
        None,
        gt=0,
        description="that of the first harmonic around the gap; the m-th one's is m times as large; none: all the same",
    )
    retained: float = parameter(
        "1", 0.0, ge=0, le=1, description="share of the largest field let in so far that the yoke keeps"
    )


@dataclass(frozen=True, eq=False)
class Mounted:
    """A source in one of its mountings.

    Parameters
    ----------
    source : as it is at height 0.
    around : `Mounting.shielding_around`.
    height : where it is (m).
    present : 1 while it is there, 0 while it is away.
    strongest : height where it was when it let most in so far (m).
    most : 1 once it was there.
    """

    source: NearEnd
    around: float | None
    height: Signal
    present: Signal
    strongest: Signal
    most: Signal

    def let_in(self, azimuth: float, above: Array, radius: float) -> Array:
        """What the yoke lets into the gap, inward (T), at an azimuth (rad) and heights above the source's place (m).

        Harmonics around the gap are shielded in proportion to their order, as finite elements have it: what comes in on
        one side has less far to go in the iron to where it comes out.
        """
        source, heights = self.source, np.asarray(above)
        shielding = source.shield(radius)
        if self.around is None:
            return source.free_field(azimuth, heights, radius)[0] / shielding
        spectrum = np.fft.rfft(source.free_field(_AROUND, heights[..., None], radius)[0]) / len(_AROUND)
        spectrum = 2.0 * spectrum[..., : len(_AROUND) // 3]
        order = np.arange(spectrum.shape[-1])
        weights = np.exp(1j * order * azimuth) / np.where(order == 0, 2.0 * shielding, order * self.around)
        result: Array = (spectrum @ weights).real
        return result


class InterferingMagnet(Instrument):
    """A magnetised ring on a stage that sets its height, in one of several mountings at a time.

    Its moment follows from its surface field, ``B_r = 2 B_s √(R² + h²)/h`` for a disc of radius R and height h, less
    what its bore takes. How it comes and goes is a ramp of its strength; nothing is read meanwhile. What the yoke keeps
    is of the height, among those where it rested, that let most into the gap.
    """

    inputs: ClassVar[Mapping[str, Port]] = {}
    outputs: ClassVar[Mapping[str, Port]] = {"sources": Port("A*m^2", kind="field")}

    surface_field: float = parameter("T", 0.260, source="Ma2025: SmCo", description="in the middle of its face")
    inner_radius: float = parameter("m", 2e-3, ge=0, source="Ma2025: 4 mm, taken for the diameter")
    outer_radius: float = parameter("m", 12.5e-3, gt=0, source="Ma2025: 25 mm, taken for the diameter")
    height: float = parameter("m", 7.5e-3, gt=0, source="Ma2025")
    azimuth: float = parameter("rad", 0.0, description="of its place, or of its direction if on the axis")
    height_error: float = parameter("m", 0.0, neutral=0.0, description="by how much it is higher than it should be")
    mountings: dict[str, Mounting] = Field(default={}, description="by name")

    @model_validator(mode="after")
    def _ring(self) -> InterferingMagnet:
        if not self.inner_radius < self.outer_radius:
            raise ValueError(f"expected inner_radius below outer_radius, {self.outer_radius:g} m")
        return self

    @property
    def remanence(self) -> float:
        """That of a disc without a bore that has the same moment (T)."""
        full = 2.0 * self.surface_field * math.hypot(self.outer_radius, self.height) / self.height
        return full * (1.0 - (self.inner_radius / self.outer_radius) ** 2)

    def source(self, mounting: str) -> NearEnd:
        """The source at height 0, as it is mounted.

        Raises
        ------
        SimulationError
            If there is no such mounting.
        """
        if mounting not in self.mountings:
            raise SimulationError(f"{self.name}: no mounting {mounting!r}; there are {', '.join(self.mountings)}")
        how = self.mountings[mounting]
        return NearEnd(
            direction=how.direction,
            r=how.r,
            z=self.height_error,
            azimuth=self.azimuth,
            radius=self.outer_radius,
            height=self.height,
            remanence=self.remanence,
            surface_field=self.surface_field,
            shielding=how.shielding,
            retained=how.retained,
        )

    def signals(self, **inputs: Signal) -> dict[str, Any]:
        return {
            "sources": tuple(
                Mounted(self.source(name), how.shielding_around, *(self.timeline(f"{kind}.{name}") for kind in _LINES))
                for name, how in self.mountings.items()
            )
        }

    # --- operations --------------------------------------------------------------------------------------------------

    def place(self, mounting: str, z: float, duration: float) -> Process:
        """Bring it to a height (m), from another one or from away, within `duration` (s).

        Raises
        ------
        SimulationError
            If there is no such mounting, or it is still there in another one.
        """
        source = self.source(mounting)
        if others := [name for name in self.mountings if name != mounting and self._now(f"present.{name}")]:
            raise SimulationError(f"{self.name}: it is still mounted as {others[0]!r}; take it away first")
        start, end = self.clock.now, self.clock.now + to_ns(duration)
        height = self.timeline(f"height.{mounting}")
        if self._now(f"present.{mounting}"):
            height.follow(*(glide(self._now(f"height.{mounting}"), z, start, end) or [constant(z, start)]))
        else:
            height.follow(constant(z, start))
            self.timeline(f"present.{mounting}").ramp_to(1.0, start, end)
        before = self._now(f"strongest.{mounting}")
        if not self._now(f"most.{mounting}") or self._lets_in(source, z) > self._lets_in(source, before):
            self.timeline(f"strongest.{mounting}").follow(constant(z, end))
            self.timeline(f"most.{mounting}").follow(constant(1.0, end))
        yield self.clock.until(end)

    def remove(self, mounting: str, duration: float) -> Process:
        """Take it away within `duration` (s)."""
        end = self.clock.now + to_ns(duration)
        self.timeline(f"present.{mounting}").ramp_to(0.0, self.clock.now, end)
        yield self.clock.until(end)

    def _now(self, line: str) -> float:
        return float(self.timeline(line)(np.int64(self.clock.now)))

    @staticmethod
    def _lets_in(source: NearEnd, z: float) -> float:
        """Size of its field within the yoke: what is let in goes with it."""
        around = np.linspace(0.0, 2 * math.pi, 25)
        return float(np.abs(source.free_field(around, -z, _CIRCLE)[0]).max())


_AROUND = 2 * np.pi * np.arange(96) / 96
_LINES = "height", "present", "strongest", "most"
_CIRCLE = 50e-3  # m, around the axis: where strengths are compared
