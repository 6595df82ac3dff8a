"""What a guided Hall probe tells of the field in the gap, and what its guide makes uncertain.

Blocks: `hall_probe`, field, and `encoder`, position, read together at each place, with the labels phase="profile" or
"radial", cycle, place, and shift_m, of the cross slide outward. Those of phase "radial" may be absent.

In a field that falls as 1/r a probe that walks outward by w along the way reads ``−(1 − b) w B/r`` as a slope, with
``b = 1 + (r/B) ∂B/∂r``. A certificate of the guide corrects for the walk that it states; what it leaves unknown is in
the uncertainty, and is most of it (Seifert2014).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scenarios.reduction.certificates import Estimate
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.findings import Curve, Findings, Line, Quantity
from scenarios.reduction.profile import LogProfile, uniform_range
from twin.parameter import Parameters
from twin.recorder import Blocks

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Places:
    """Where the probe was and what it read there: a place each. `cycle`, height (m), shift (m), field and u (T)."""

    cycle: Array
    z: Array
    shift: Array
    field: Array
    u: Array


@dataclass(frozen=True)
class Radial:
    """b at a height, ∂B/∂r (T/m), and what is unknown of both."""

    height: float
    b: float
    u_b: float
    slope: float
    u_slope: float


class HallProbeReduction(Parameters):
    """How readings of a Hall probe become a profile."""

    profile_order: int = Field(4, ge=1, le=12, description="of the polynomial ln B(z)/B(0)")
    tolerance: float = Field(1e-4, gt=0, lt=0.1, description="|ΔB/B| of the uniform range")
    points: int = Field(41, ge=5, le=1001, description="at which the profile is given")
    centring: bool = Field(True, description="correct for the sideways walk that the guide's certificate states")

    def findings(self, readings: Blocks, certificates: Mapping[str, Estimate]) -> Findings:
        """The profile and what follows from it.

        Raises
        ------
        ReductionError
            If readings or certificates are missing or do not suffice.
        """
        if "hall_probe.radius" not in certificates:
            raise ReductionError("the certificates have no hall_probe.radius")
        known = _Guide.of(certificates)
        places = _read(readings, "profile")
        if places is None:
            raise ReductionError("no block of channel 'hall_probe' with phase 'profile': nothing was read")
        across = _across(_read(readings, "radial"), known)
        fall = 1.0 - (across[0].b if across else 0.0)  # −∂ln B/∂ln r
        walked = known.walked(places.z) if self.centring else np.zeros_like(places.z)
        values = np.log(places.field) + fall * np.log1p(walked / known.radius.value)
        step = certificates.get("hall_probe.resolution", Estimate(0.0)).value / math.sqrt(12.0)
        raw = LogProfile.fit(
            places.z,
            np.zeros_like(places.z),
            values,
            self.profile_order,
            beside=np.ones_like(places.z),
            least=step / float(places.field.mean()),
        )
        sideways = fall / known.radius.value
        profile = raw.with_term(1, sideways * known.walk.u).with_term(2, sideways * known.bow.u)
        level = values - raw.at(places.z)
        field = math.exp(float(level.mean()))
        gain = certificates.get("hall_probe.gain", Estimate(0.0))
        u_field = field * math.sqrt(
            float(np.var(level)) / len(level) + (sideways * known.centring.u) ** 2 + gain.u**2 + (step / field) ** 2
        )
        relative, u_relative = profile.slope(0.0)
        _, u_readings = raw.slope(0.0)
        first, last = float(places.z.min()), float(places.z.max())
        uniform, u_uniform, ends = uniform_range(profile, self.tolerance, first, last)
        within = f"about z = 0, with |B/B(0) − 1| < {self.tolerance:g}" + (
            "" if ends else "; at least: all that was read"
        )
        quantities = [
            Quantity(
                "slope_T_per_m",
                field * relative,
                "T/m",
                "dB/dz",
                "slope of the field at z = 0",
                math.hypot(field * u_relative, relative * u_field),
            ),
            Quantity("relative_slope_per_m", relative, "1/m", "(dB/dz)/B", "the same, relative", u_relative),
            Quantity("field_T", field, "T", "B(0)", "where the probe is", u_field),
            Quantity(
                "uncertainty_readings_T_per_m",
                field * u_readings,
                "T/m",
                "u1",
                "of the slope, from noise and resolution",
            ),
            Quantity(
                "uncertainty_centring_T_per_m",
                field * sideways * known.walk.u,
                "T/m",
                "u2",
                "of the slope, from the walk",
            ),
            Quantity(
                "centring_T_per_m",
                0.0 - field * sideways * known.walk.value,
                "T/m",
                "δ",
                "what the walk that the certificate states looks like",
                field * sideways * known.walk.u,
            ),
            Quantity("uniform_range_m", uniform, "m", "Δz", within, u_uniform),
            *_radial_quantities(across),
            *profile.quantities(first, last, self.points),
        ]
        notes = () if raw.suffices else (f"A profile of order {self.profile_order} leaves more than noise; raise it.",)
        return Findings(tuple(quantities), (_curve(profile, raw, places, values - float(level.mean()), self),), notes)


@dataclass(frozen=True)
class _Guide:
    """What the certificates say of where the probe is."""

    radius: Estimate
    centring: Estimate
    walk: Estimate
    bow: Estimate
    shift: Estimate

    @classmethod
    def of(cls, certificates: Mapping[str, Estimate]) -> _Guide:
        nothing = Estimate(0.0)
        names = ("guide.centring", "guide.walk_x", "guide.bow_x", "guide.shift_error")
        found = [certificates.get(name, nothing) for name in names]
        radius, (centring, *others) = certificates["hall_probe.radius"], found
        both = math.hypot(radius.u, centring.u)
        return cls(Estimate(radius.value + centring.value, both), Estimate(centring.value, both), *others)

    def walked(self, z: Array) -> Array:
        """How far outward the probe is at a height (m), by the certificate, from where it is at z = 0."""
        return self.walk.value * z + self.bow.value * z**2

    def radii(self, places: Places) -> Array:
        """From the axis (m)."""
        moved = (1.0 + self.shift.value) * places.shift
        return self.radius.value + self.walked(places.z) + moved


def _read(readings: Blocks, phase: str) -> Places | None:
    rows = []
    positions = {
        (block.labels.get("cycle"), block.labels.get("place"), block.schedule.start): float(block.values.mean())
        for block in readings.select("encoder", phase=phase)
    }
    for block in readings.select("hall_probe", phase=phase):
        key = block.labels.get("cycle"), block.labels.get("place"), block.schedule.start
        if key not in positions:
            raise ReductionError(f"the encoder was not read with the Hall probe at place {key[1]} of cycle {key[0]}")
        shift, values = block.labels.get("shift_m", 0.0), block.values.ravel()
        if not isinstance(shift, int | float) or not (np.isfinite(values).all() and values.min() > 0):
            raise ReductionError("readings of the Hall probe are not positive numbers throughout; repeat them")
        u = float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0
        rows.append((float(key[0] or 0), positions[key], float(shift), float(values.mean()), u))
    return Places(*np.array(rows).T) if rows else None


def _across(places: Places | None, known: _Guide) -> list[Radial]:
    """b from the field at some radii: ``b − 1 = d ln B/d ln r``, by least squares, that nearest to z = 0 first."""
    if places is None:
        return []
    radii, found = known.radii(places), []
    for cycle in np.unique(places.cycle):
        own = places.cycle == cycle
        r, field, u = radii[own], places.field[own], places.u[own]
        x = np.log(r / r.mean())
        x = x - x.mean()
        weights = x / (x @ x)
        exponent = float(weights @ np.log(field))
        noise = math.sqrt(float((weights * u / field) ** 2 @ np.ones_like(u)))
        if len(r) > 2:
            rest = np.log(field) - np.log(field).mean() - exponent * x
            noise = max(noise, math.sqrt(float(rest @ rest) / (len(r) - 2) / float(x @ x)))
        # ln r of a radius that is wrong by δ is stretched by δ/r, and so is that of shifts by their relative error
        scale = math.hypot(known.radius.u / known.radius.value, known.shift.u)
        mean = float(field.mean())
        height, middle = float(places.z[own].mean()), float(r.mean())
        u_b = math.hypot(noise, exponent * scale)
        slope = exponent * mean / middle
        u_slope = mean / middle * math.hypot(noise, exponent * known.shift.u)
        found.append(Radial(height, 1.0 + exponent, u_b, slope, u_slope))
    return sorted(found, key=lambda radial: abs(radial.height))


def _radial_quantities(across: list[Radial]) -> list[Quantity]:
    if not across:
        return []
    table = np.array([(a.height, a.b, a.u_b) for a in across]).T
    first = across[0]
    return [
        Quantity("radial_slope_T_per_m", first.slope, "T/m", "∂B/∂r", "across the gap", first.u_slope),
        Quantity("deviation", first.b, "1", "b", "1 + (r/B) ∂B/∂r there: 0 for a field that falls as 1/r", first.u_b),
        Quantity("radial_heights_m", table[0], "m", "z", "heights at which the probe went across"),
        Quantity("deviations", table[1], "1", "b(z)", "deviation from 1/r at these heights", table[2]),
    ]


def _curve(profile: LogProfile, raw: LogProfile, places: Places, values: Array, settings: HallProbeReduction) -> Curve:
    z = np.linspace(float(places.z.min()), float(places.z.max()), settings.points)
    deviation, u = profile.relative(z)
    return Curve(
        "profile",
        "The field along the gap by the Hall probe. The bars hold what is not known of the guide's walk, the points "
        "scatter by noise and resolution.",
        ("z", "mm"),
        ("B/B(0) − 1", "10⁻⁶"),
        (
            Line("readings", places.z * 1e3, np.expm1(values) * 1e6, points=True),
            Line("profile", z * 1e3, deviation * 1e6, u * 1e6),
        ),
    )
