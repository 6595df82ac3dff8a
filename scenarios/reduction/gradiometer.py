"""What a gradiometer tells: the profile of the field, its slope, where it is uniform, and how far it is from 1/r.

Blocks, all with the labels phase="sweep" and cycle, two bursts each: `induced_voltmeter`, voltage of the first coil;
`difference_voltmeter`, voltage of the second coil less the first; `encoder`, position at the edges of their apertures;
`inner_voltmeter` and `outer_voltmeter`, voltage of a coil further in and further out less that of one between, may be
absent. The voltmeters also with phase="zero", shorted, which may be absent.

Seifert2014: the ratio of difference and coil gives (dB/dz)/B, whatever the velocity does. With ``B/B(0) = exp P(z)``
and a separation s

    ``ln(1 + U_d/U_1) = P(z + s/2) − P(z − s/2) + ln(1 + mismatch)``,

which is linear in the coefficients of a polynomial P and exact for any s. An offset of the difference changes sign with
the velocity and is fitted beside.
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
from twin.parameter import Parameters, parameter
from twin.recorder import Block, Blocks
from twin.times import NS

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sweeps:
    """Readings of all sweeps, a row each: heights (m) and velocities (m/s) of the former, voltages by meter (V)."""

    z: Array
    velocity: Array
    voltages: Mapping[str, Array]

    @property
    def coil(self) -> Array:
        """Voltage of the first coil."""
        return self.voltages["induced"]


class GradiometerReduction(Parameters):
    """How readings of a gradiometer become a profile."""

    profile_order: int = Field(4, ge=1, le=12, description="of the polynomial ln B(z)/B(0)")
    tolerance: float = Field(1e-4, gt=0, lt=0.1, description="|ΔB/B| of the uniform range")
    points: int = Field(41, ge=5, le=1001, description="at which the profile is given")
    off_plane: float = parameter(
        "m", 22e-3, gt=0, source="Seifert2014", description="height at which the deviation from 1/r is given once more"
    )

    def findings(self, readings: Blocks, certificates: Mapping[str, Estimate]) -> Findings:
        """The profile and what follows from it.

        Raises
        ------
        ReductionError
            If readings or certificates are missing or do not suffice.
        """
        sweeps = _read(readings)
        separation, mismatch = _known(certificates, "separation"), _known(certificates, "mismatch")
        if separation.value == 0.0:
            raise ReductionError("the coils of the gradiometer are at one height; it needs a separation")
        profile = self._profile(sweeps, separation, mismatch)
        zero = certificates.get("encoder.offset", Estimate(0.0))
        field, radial = _field(sweeps, profile, certificates), _radial(sweeps, profile, separation, certificates)
        if radial is not None:  # the profile is another one at another radius
            radius = _known(certificates, "radius")
            profile = profile.with_term(2, radial.coefficients[2] * radius.u / radius.value)
        relative, u_relative = profile.slope(0.0)
        bend = profile.derivative(0.0, 2) * zero.u
        u_relative = math.hypot(u_relative, bend)
        slope = field.value * relative
        u_slope = math.hypot(field.value * u_relative, relative * field.u)
        first, last = float(sweeps.z.min()), float(sweeps.z.max())
        uniform, u_uniform, ends = uniform_range(profile, self.tolerance, first, last)
        rejection = _Rejection.of(sweeps)
        quantities = [
            Quantity("slope_T_per_m", slope, "T/m", "dB/dz", "slope of the field at z = 0", u_slope),
            Quantity("relative_slope_per_m", relative, "1/m", "(dB/dz)/B", "the same, relative", u_relative),
            Quantity(
                "field_T",
                field.value,
                "T",
                "B(0)",
                "at the radius stated of the first coil, from its velocity",
                field.u,
            ),
            Quantity(
                "uniform_range_m",
                uniform,
                "m",
                "Δz",
                f"about z = 0, with |B/B(0) − 1| < {self.tolerance:g}"
                + ("" if ends else "; at least: all that was read"),
                u_uniform,
            ),
            *rejection.quantities(),
            *([] if radial is None else radial.quantities(self.off_plane)),
            *profile.quantities(first, last, self.points),
        ]
        notes = (
            () if profile.suffices else (f"A profile of order {self.profile_order} leaves more than noise; raise it.",)
        )
        return Findings(tuple(quantities), _curves(profile, sweeps, separation.value, mismatch.value, self), notes)

    def _profile(self, sweeps: Sweeps, separation: Estimate, mismatch: Estimate) -> LogProfile:
        """P, with the uncertainty of its readings, of the separation and of the coils' equality."""
        difference = sweeps.voltages["difference"]
        ratio = np.log1p(difference / sweeps.coil) - math.log1p(mismatch.value)
        half = 0.5 * separation.value
        profile = LogProfile.fit(
            sweeps.z.ravel() + half,
            sweeps.z.ravel() - half,
            ratio.ravel(),
            self.profile_order,
            beside=(1.0 / (sweeps.coil + difference)).ravel(),
        )
        return profile.with_scale(separation.u / separation.value).with_term(1, mismatch.u / separation.value)


def _read(readings: Blocks) -> Sweeps:
    """All sweeps, with the meters' zeros taken off."""
    voltages: dict[str, list[Array]] = {}
    z, velocity = [], []
    edges = {block.labels.get("cycle"): block for block in readings.select("encoder", phase="sweep")}
    for name in ("induced", "difference", "inner", "outer"):
        zeros = [block.values.mean() for block in readings.select(f"{name}_voltmeter", phase="zero")]
        zero = float(np.mean(zeros)) if zeros else 0.0
        for block in readings.select(f"{name}_voltmeter", phase="sweep"):
            voltages.setdefault(name, []).append(block.values - zero)
            if name == "induced":
                position = _edges(edges.get(block.labels.get("cycle")), block)
                z.append(0.5 * (position[:, 1:] + position[:, :-1]))
                velocity.append(np.diff(position, axis=1) / (block.aperture / NS))
    for name in ("induced", "difference"):
        if name not in voltages:
            raise ReductionError(f"no block of channel '{name}_voltmeter' with phase 'sweep': nothing was moved")
    shapes = {name: [values.shape for values in blocks] for name, blocks in voltages.items()}
    for name, shape in shapes.items():
        if shape != shapes["induced"]:
            raise ReductionError(f"'{name}_voltmeter' was not read together with 'induced_voltmeter' in every sweep")
    joined = {name: np.concatenate(blocks) for name, blocks in voltages.items()}
    if not all(np.isfinite(values).all() for values in (*joined.values(), *z)):
        raise ReductionError("readings of the sweeps are not finite throughout; repeat them")
    if not np.all(joined["induced"]):
        raise ReductionError("the first coil shows no voltage; the former does not move")
    return Sweeps(np.concatenate(z), np.concatenate(velocity), joined)


def _edges(positions: Block | None, voltages: Block) -> Array:
    apart = (
        positions is None
        or positions.schedule.start != voltages.schedule.start
        or positions.values.shape != (voltages.values.shape[0], voltages.values.shape[1] + 1)
    )
    if positions is None or apart:
        raise ReductionError("the encoder is not read at the edges of the voltages' apertures")
    return positions.values


def _known(certificates: Mapping[str, Estimate], name: str, part: str = "gradiometer") -> Estimate:
    found = certificates.get(f"{part}.{name}")
    if found is None:
        raise ReductionError(f"the certificates have no {part}.{name}")
    return found


def _field(sweeps: Sweeps, profile: LogProfile, certificates: Mapping[str, Estimate]) -> Estimate:
    """B(0) (T): ``U_1 = N 2π R B v``, both directions together.

    A coil of any radius sees the same r B of a field that falls as 1/r: divided by the radius that is stated of it,
    this is the field there, wherever the coil is.
    """
    turns, radius = _known(certificates, "turns"), _known(certificates, "radius")
    gains = [certificates.get(f"{part}.gain", Estimate(0.0)) for part in ("induced_voltmeter", "encoder")]
    height = -0.5 * _known(certificates, "separation").value
    expected = sweeps.velocity * np.exp(profile.at(sweeps.z + height))
    signs = np.sign(sweeps.velocity.mean(axis=1, keepdims=True))
    total = float((signs * expected).sum())
    flux = float((signs * sweeps.coil).sum()) / total
    each = (signs * sweeps.coil).sum(axis=1) / (signs * expected).sum(axis=1)
    scatter = float(np.std(each, ddof=1)) / math.sqrt(len(each)) if len(each) > 1 else 0.0
    value = flux / (turns.value * 2.0 * math.pi * radius.value) * (1.0 + gains[1].value) / (1.0 + gains[0].value)
    u = math.sqrt((scatter / flux) ** 2 + (turns.u / turns.value) ** 2 + gains[0].u ** 2 + gains[1].u ** 2)
    return Estimate(value, abs(value) * u)


@dataclass(frozen=True)
class _Rejection:
    """Fluctuations of one coil and of the difference about a smooth course (V, rms), and how many count."""

    coil: float
    difference: float
    count: int

    @classmethod
    def of(cls, sweeps: Sweeps) -> _Rejection:
        x = np.linspace(-1.0, 1.0, sweeps.z.shape[1])
        basis = np.polynomial.chebyshev.chebvander(x, 5)
        q, _ = np.linalg.qr(basis)

        def rms(values: Array) -> float:
            rest = values - (values @ q) @ q.T
            return float(np.sqrt((rest**2).sum() / (rest.size - rest.shape[0] * 6)))

        return cls(rms(sweeps.coil), rms(sweeps.voltages["difference"]), sweeps.z.size)

    def quantities(self) -> list[Quantity]:
        factor = self.coil / self.difference if self.difference else math.inf
        own = 1.0 / math.sqrt(2.0 * self.count)
        one, other = self.coil, self.difference
        return [
            Quantity("noise_coil_V", one, "V", "σ1", "noise of one coil's readings, from vibration", own * one),
            Quantity("noise_difference_V", other, "V", "σd", "noise of the difference's readings", own * other),
            Quantity(
                "common_mode_rejection",
                factor,
                "1",
                "σ1/σd",
                "how much less noise the difference has",
                factor / math.sqrt(self.count),
            ),
        ]


@dataclass(frozen=True, eq=False)
class _Radial:
    """b(z) = Σ c_k z^k, k to 2, with the covariance of the fit, and what is common (1) and relative to it."""

    coefficients: Array
    covariance: Array
    common: float
    scale: float

    def at(self, height: float) -> tuple[float, float]:
        """b and its standard uncertainty."""
        row = height ** np.arange(3.0)
        value = float(row @ self.coefficients)
        return value, math.sqrt(float(row @ self.covariance @ row) + self.common**2 + (self.scale * value) ** 2)

    def quantities(self, height: float) -> list[Quantity]:
        """b in the symmetry plane and at a height (m)."""
        middle, off, there = self.at(0.0), self.at(height), f"{1e3 * height:g} mm"
        meaning = "1 + (r/B) ∂B/∂r at z = 0: 0 for a field that falls as 1/r"
        found = [
            Quantity("deviation", middle[0], "1", "b(0)", meaning, middle[1]),
            Quantity("deviation_off_plane", off[0], "1", f"b({there})", f"the same {there} above", off[1]),
        ]
        if middle[0]:
            growth = off[0] / middle[0]
            u = math.hypot(off[1], growth * middle[1]) / abs(middle[0])
            found.append(Quantity("deviation_growth", growth, "1", f"b({there})/b(0)", "how much it grows", u))
        return found


def _radial(
    sweeps: Sweeps, profile: LogProfile, separation: Estimate, certificates: Mapping[str, Estimate]
) -> _Radial | None:
    """b(z), by radial coils: of ``r B`` between the outer and the inner one, relative to the one between.

    That one's voltage is the first coil's, seen from half a separation above. A parabola b(z) is fitted.
    """
    if "inner" not in sweeps.voltages or "outer" not in sweeps.voltages:
        return None
    inner, outer = (_known(certificates, "radial_separation", f"{n}_coils") for n in ("inner", "outer"))
    radius, turns = _known(certificates, "radius"), _known(certificates, "turns")
    middle = _known(certificates, "turns", "inner_coils").value / turns.value * sweeps.coil
    middle = middle * np.exp(profile.at(sweeps.z) - profile.at(sweeps.z - 0.5 * separation.value))
    doubts = [_known(certificates, "mismatch", f"{n}_coils") for n in ("inner", "outer")]
    ratio = (sweeps.voltages["outer"] - sweeps.voltages["inner"]) / middle - (doubts[1].value - doubts[0].value)
    distance = outer.value - inner.value
    if distance == 0.0:
        raise ReductionError("the outer and the inner coil have one radius; they need a distance")
    lever = radius.value / distance
    # Sweeps up and down together are free of offsets, which change sign.
    b = lever * 0.5 * (ratio[0::2].mean(axis=0) + ratio[1::2, ::-1].mean(axis=0))
    z = sweeps.z[0::2].mean(axis=0)
    height = _known(certificates, "height", "inner_coils").value
    design = np.stack([np.ones_like(z), z, z**2 + height**2 / 12.0], axis=1)  # averaged over the coils' height
    found, *_ = np.linalg.lstsq(design, b, rcond=None)
    rest = b - design @ found
    covariance = np.linalg.inv(design.T @ design) * float(rest @ rest) / (len(z) - 3)
    scale = math.hypot(math.hypot(inner.u, outer.u) / distance, radius.u / radius.value)
    return _Radial(found, covariance, lever * math.hypot(doubts[0].u, doubts[1].u), scale)


def _curves(
    profile: LogProfile, sweeps: Sweeps, separation: float, mismatch: float, settings: GradiometerReduction
) -> tuple[Curve, ...]:
    z = np.linspace(float(sweeps.z.min()), float(sweeps.z.max()), settings.points)
    deviation, u = profile.relative(z)
    ratio = np.log1p(sweeps.voltages["difference"] / sweeps.coil) - math.log1p(mismatch)
    # The offset of the difference changes sign from sweep to sweep.
    both = 0.5 * (ratio[0::2].mean(axis=0) + ratio[1::2, ::-1].mean(axis=0)) / separation
    heights = sweeps.z[0::2].mean(axis=0)
    every = max(1, len(heights) // 80)
    count = len(heights) // every * every
    thin = [values[:count].reshape(-1, every).mean(axis=1) for values in (heights, both)]
    slopes = profile.difference(z + 0.5 * separation, z - 0.5 * separation) / separation
    return (
        Curve(
            "profile",
            "The field along the gap, integrated from the ratio of the gradiometer's voltages.",
            ("z", "mm"),
            ("B/B(0) − 1", "10⁻⁶"),
            (Line("profile", z * 1e3, deviation * 1e6, u * 1e6),),
        ),
        Curve(
            "slope",
            "What the gradiometer reads: the difference of the two coils over the voltage of one, by their separation.",
            ("z", "mm"),
            ("(dB/dz)/B", "10⁻³/m"),
            (
                Line("readings, up and down together", thin[0] * 1e3, thin[1] * 1e3, points=True),
                Line("fitted", z * 1e3, slopes * 1e3),
            ),
        ),
    )
