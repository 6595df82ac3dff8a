"""Sources of external flux: far-end, uniform at the magnet, and near-end, a permanent magnet or a motor (Ma2025).

They stand still in the room; heights count from the symmetry plane of the magnet at rest. Their field follows a
`Course` in time.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Discriminator, Field, Tag, model_validator

from components.fields.external import NearSource
from components.fields.materials import MU0
from twin.parameter import Parameters, parameter
from twin.piece import constant, exact_hertz, harmonics, ramp
from twin.signal import Constant, Elapsed, Signal
from twin.timeline import Timeline
from twin.times import to_ns

Array = NDArray[Any]
ANGLES = 256
"""Around the axis, in means over the azimuth: exact to rounding for a source half a radius away."""


class Course(Parameters):
    """How a source changes in time: ``schedule(t) (1 + drift t) + amplitude sin(2π f t + phase)``."""

    drift: float = parameter("1/s", 0.0, description="relative")
    amplitude: float = parameter("1", 0.0, description="of an alternating part, relative")
    frequency: float = parameter("Hz", 50.0, gt=0, description="of the alternating part")
    phase: float = parameter("rad", 0.0, description="of the alternating part")
    schedule: list[tuple[float, float]] = Field(
        default=[], description="pairs of time (s) and factor, joined by straight lines and held beyond; none: 1"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Course:
        times = [t for t, _ in self.schedule]
        if any(a >= b for a, b in pairwise(times)) or (times and times[0] < 0):
            raise ValueError("expected a schedule with growing times from 0 on")
        return self

    def factor(self, name: str) -> Signal:
        """The source's strength over that stated, without what alternates; `name` is for messages."""
        total = 1.0 + self.drift * Elapsed()
        return polyline(f"{name}.schedule", self.schedule) * total if self.schedule else total

    def wave(self, name: str) -> Signal:
        """What alternates of it."""
        if not self.amplitude:
            return Constant(0.0)
        wave = Timeline(f"{name}.alternating")
        turned = -1j * self.amplitude * complex(math.cos(self.phase), math.sin(self.phase))
        wave.follow(harmonics(0.0, {exact_hertz(self.frequency): turned}, 0))
        return wave

    def largest(self) -> list[tuple[float, float]]:
        """The factor of the schedule where its size was largest so far, as pairs of time (s) and factor."""
        if not self.schedule:
            return []
        found = [self.schedule[0]]
        for (t0, f0), (t1, f1) in pairwise(self.schedule):
            most = found[-1][1]
            if abs(f1) <= abs(most):
                continue
            from_here = math.copysign(abs(most), f1)  # after a change of sign it jumps, within a nanosecond
            t = t0 + (from_here - f0) / (f1 - f0) * (t1 - t0)
            if t > found[-1][0]:
                found.append((t, most))
            if from_here != most:
                found.append((t + 1e-9, from_here))
            found.append((t1, f1))
        return found


def polyline(name: str, points: list[tuple[float, float]]) -> Signal:
    """Straight lines between pairs of time (s) and value, held before and after."""
    if len({value for _, value in points}) == 1:
        return Constant(points[0][1])
    line = Timeline(name, points[0][1])
    instants = [to_ns(t) for t, _ in points]
    laws = [
        ramp(a, b, start, end) if a != b else constant(a, start, end)
        for (start, end), ((_, a), (_, b)) in zip(pairwise(instants), pairwise(points), strict=True)
    ]
    line.follow(*laws)
    return line


class Source(Parameters):
    """What every source has.

    Parameters
    ----------
    appears : ``always``, or ``moving``: only while what moves coil or magnet is energised, as a lifting motor.
    """

    azimuth: float = parameter("rad", 0.0, description="of its place; of a far one's horizontal field")
    appears: Literal["always", "moving"] = "always"
    course: Course = Course()


class FarEnd(Source):
    """A field that is uniform at the magnet, such as the Earth's."""

    kind: Literal["far"] = "far"
    vertical: float = parameter("T", 0.0, description="downward")
    horizontal: float = parameter("T", 0.0, description="toward the azimuth")


class NearEnd(Source, NearSource):
    """A disc magnet near the yoke, V or H, with what the yoke lets into the gap of it.

    Its coupling is one of `attenuation`, the largest field in the gap's symmetry plane over that at the source's own
    surface, as Ma2025 states γ_max for a place; `shielding`, the field without the yoke over that in the gap, wherever
    the source is; or that of the yoke's geometry, where the part names one.
    """

    kind: Literal["near"] = "near"
    surface_field: float = parameter("T", 0.336, gt=0, source="Ma2025", description="that γ is relative to")
    attenuation: float | None = parameter("1", None, gt=0, description="γ_max, at this place")
    shielding: float | None = parameter("1", None, gt=0, description="of the yoke, for this kind of source")
    carried: bool = Field(default=False, description="by a motion stage, up and down from its place")
    retained: float = parameter(
        "1", 0.0, ge=0, le=1, description="share of the largest field let in so far that stays when it is gone"
    )

    @model_validator(mode="after")
    def _coupled_once(self) -> NearEnd:
        if self.attenuation is not None and self.shielding is not None:
            raise ValueError("expected attenuation or shielding, not both")
        return self

    @property
    def moment(self) -> float:
        """Its magnetic moment (A·m²), along z or away from the axis."""
        return self.remanence / MU0 * math.pi * self.radius**2 * self.height

    def free_linkage(self, z: Array, radius: float) -> Array:
        """Flux upward through a loop of one turn around the axis at heights z (m), without the yoke (Wb)."""
        cosine, dz = np.cos(_AROUND), (np.asarray(z) - self.z)[..., None]
        distance = np.sqrt(radius**2 + self.r**2 - 2 * radius * self.r * cosine + dz**2)
        along = radius - self.r * cosine if self.direction == "vertical" else -dz * cosine
        potential = 1e-7 * self.moment * along / distance**3
        result: Array = 2 * math.pi * radius * potential.mean(axis=-1)
        return result

    def free_field(self, angle: Array | float, z: Array | float, radius: float) -> tuple[Array, Array]:
        """B without the yoke (T), inward and downward, at azimuths (rad) and heights (m) of a circle about the axis."""
        around = np.asarray(angle) - self.azimuth
        place = radius * np.cos(around) - self.r, radius * np.sin(around), np.asarray(z) - self.z
        moment = (0.0, self.moment) if self.direction == "vertical" else (self.moment, 0.0)
        return dipole_field(moment, around, place)

    def as_near_source(self) -> NearSource:
        """What the geometry's field follows from."""
        return NearSource.model_validate({key: getattr(self, key) for key in NearSource.model_fields})

    def shield(self, radius: float) -> float:
        """The field without the yoke over that in the gap.

        Raises
        ------
        ValueError
            If neither `attenuation` nor `shielding` says so, or the former is stated where nothing is let in.
        """
        if self.attenuation is None:
            if self.shielding is None:
                raise ValueError("a near source needs its attenuation or shielding, or a geometry to compute it from")
            return self.shielding
        peak = float(np.abs(self.free_field(_AROUND, 0.0, radius)[0]).max())
        if self.moment and peak < 1e-12 * 1e-7 * abs(self.moment) / radius**3:
            raise ValueError(
                "its radial field vanishes in the symmetry plane, so that there is no attenuation; state the shielding"
            )
        return peak / (self.attenuation * self.surface_field) if self.moment else 1.0


def dipole_field(
    moment: tuple[float, float], azimuth: Array | float, away: tuple[Any, Any, Any]
) -> tuple[Array, Array]:
    """B of a dipole (T), inward and downward, as seen from an axis.

    Parameters
    ----------
    moment : toward azimuth 0, and upward (A·m²).
    azimuth : of the place about the axis (rad).
    away : from the dipole to the place: toward azimuth 0, across, and upward (m).
    """
    x, y, z = away
    square = x**2 + y**2 + z**2
    along, own = 3e-7 * (moment[0] * x + moment[1] * z) / square**2.5, 1e-7 / square**1.5
    cosine, sine = np.cos(azimuth), np.sin(azimuth)
    return own * moment[0] * cosine - along * (x * cosine + y * sine), own * moment[1] - along * z


def _kind_of(value: Any) -> Any:
    return value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)


AnySource = Annotated[Annotated[FarEnd, Tag("far")] | Annotated[NearEnd, Tag("near")], Discriminator(_kind_of)]
"""One of the two, told apart by the key ``kind``."""

_AROUND = 2 * np.pi * np.arange(ANGLES) / ANGLES


def field_limit(attenuation: float, gap_field: float, epsilon: float) -> float:
    """The largest external field (T) for an error of at most `epsilon`: ``B_e ≤ (B/γ) ε`` (Ma2025).

    Parameters
    ----------
    attenuation : γ, relative to the field that is limited; the largest around the gap is on the safe side, the mean is
        what acts.
    gap_field : B of the magnet (T).
    """
    return gap_field / attenuation * epsilon
