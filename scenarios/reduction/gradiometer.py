"""What a gradiometer tells: the profile of the field, its slope, where it is uniform, and how far it is from 1/r.

Blocks, all with the labels phase="sweep" and cycle, two bursts each: `induced_voltmeter`, voltage of the first coil;
`difference_voltmeter`, voltage of the second coil less the first; `encoder`, position at the edges of their apertures;
`inner_voltmeter` and `outer_voltmeter`, voltage of a coil further in and further out less that of one between, may be
absent. The voltmeters also with phase="zero", shorted, which may be absent.

Seifert2014: the ratio of difference and coil gives (dB/dz)/B, whatever the velocity does. With ``B/B(0) = exp P(z)``
and a separation s

    ``ln(1 + U_d/U_1) = P(z + s/2) − P(z − s/2) + ln(1 + mismatch)``,

which is linear in the coefficients of a polynomial P and exact for any s. An offset of the difference changes sign with
the velocity and is fitted beside. A coil sees the mean of B over its height h, about ``1 + (h²/24) B″/B`` of that in
the middle: P tells the curvature, and with it the field itself is found.
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
from scenarios.reduction.profile import LogProfile, order_notes, slope_quantities, uniform_quantity
from twin.parameter import Parameters, parameter
from twin.recorder import Block, Blocks
from twin.times import NS

Array = NDArray[np.float64]
GAUSS = np.polynomial.legendre.leggauss(3)
"""Places in a coil's height, −1 to 1, and weights of the mean over it: exact to the fifth order in z."""
ROUNDS = 2
"""In which the mean over the coils' height is taken off; each leaves (h/travel)² of what was left."""


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
        coils = _Coils.of(certificates)
        profile = self._profile(sweeps, coils)
        zero = certificates.get("encoder.offset", Estimate(0.0))
        field, radial = _field(sweeps, profile, coils, certificates), _radial(sweeps, profile, coils, certificates)
        if radial is not None:  # the profile is another one at another radius
            radius = _known(certificates, "radius")
            profile = profile.with_term(2, radial.coefficients[2] * radius.u / radius.value)
        relative, u_relative = profile.slope(0.0)
        u_relative = math.hypot(u_relative, profile.derivative(0.0, 2) * zero.u)
        first, last = float(sweeps.z.min()), float(sweeps.z.max())
        where = "at the radius stated of the first coil, from its velocity"
        quantities = [
            *slope_quantities(field, Estimate(relative, u_relative)),
            Quantity("field_T", field.value, "T", "B(0)", where, field.u),
            uniform_quantity(profile, self.tolerance, first, last),
            *_Rejection.of(sweeps).quantities(),
            *([] if radial is None else radial.quantities(self.off_plane)),
            *profile.quantities(first, last, self.points),
        ]
        notes = order_notes(profile, self.profile_order)
        return Findings(tuple(quantities), _curves(profile, sweeps, coils, self), notes)

    def _profile(self, sweeps: Sweeps, coils: _Coils) -> LogProfile:
        """P, with the uncertainty of its readings, of the separation and of the coils' equality."""
        separation, mismatch = coils.separation, coils.mismatch
        difference = sweeps.voltages["difference"]
        ratio = (np.log1p(difference / sweeps.coil) - math.log1p(mismatch.value)).ravel()
        above, below = (sweeps.z.ravel() + side * 0.5 * separation.value for side in (1.0, -1.0))
        beside = (1.0 / (sweeps.coil + difference)).ravel()
        profile = LogProfile.fit(above, below, ratio, self.profile_order, beside)
        for _ in range(ROUNDS if coils.height.value else 0):
            over = _over_height(profile, above, coils.height) - _over_height(profile, below, coils.height)
            profile = LogProfile.fit(above, below, ratio - over, self.profile_order, beside)
        return profile.with_scale(separation.u / separation.value).with_term(1, mismatch.u / separation.value)


@dataclass(frozen=True)
class _Coils:
    """What is known of the two coils: separation and height (m), mismatch of their turns."""

    separation: Estimate
    mismatch: Estimate
    height: Estimate

    @classmethod
    def of(cls, certificates: Mapping[str, Estimate]) -> _Coils:
        """Of the certificates."""
        separation = _known(certificates, "separation")
        if separation.value == 0.0:
            raise ReductionError("the coils of the gradiometer are at one height; it needs a separation")
        return cls(separation, _known(certificates, "mismatch"), _known(certificates, "height"))


def _over_height(profile: LogProfile, z: Array, height: Estimate) -> Array:
    """ln of the mean field over a coil's height over the field in its middle, of coils at heights z (m)."""
    middle = profile.at(z)
    places, weights = GAUSS
    means = [
        0.5 * w * np.exp(profile.at(z + 0.5 * height.value * x) - middle) for x, w in zip(places, weights, strict=True)
    ]
    return np.log(np.sum(means, axis=0))


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


def _field(sweeps: Sweeps, profile: LogProfile, coils: _Coils, certificates: Mapping[str, Estimate]) -> Estimate:
    """B(0) (T): ``U_1 = N 2π R B v`` with the mean of B over the coil's height, both directions together.

    A coil of any radius sees the same r B of a field that falls as 1/r: divided by the radius that is stated of it,
    this is the field there, wherever the coil is.
    """
    turns, radius = _known(certificates, "turns"), _known(certificates, "radius")
    gains = [certificates.get(f"{part}.gain", Estimate(0.0)) for part in ("induced_voltmeter", "encoder")]
    z = sweeps.z - 0.5 * coils.separation.value
    expected = sweeps.velocity * np.exp(profile.at(z) + _over_height(profile, z, coils.height))
    signs = np.sign(sweeps.velocity.mean(axis=1, keepdims=True))
    total = float((signs * expected).sum())
    flux = float((signs * sweeps.coil).sum()) / total
    each = (signs * sweeps.coil).sum(axis=1) / (signs * expected).sum(axis=1)
    scatter = float(np.std(each, ddof=1)) / math.sqrt(len(each)) if len(each) > 1 else 0.0
    value = flux / (turns.value * 2.0 * math.pi * radius.value) * (1.0 + gains[1].value) / (1.0 + gains[0].value)
    u_height = _u_over_height(profile, coils.height)
    u = math.hypot(scatter / flux, turns.u / turns.value, gains[0].u, gains[1].u, u_height)
    return Estimate(value, abs(value) * u)


def _u_over_height(profile: LogProfile, height: Estimate) -> float:
    """Relative uncertainty of what the mean over the height takes off, (h²/24) P″, by P″ and by h."""
    _, u_curvature = profile.curvature(0.0)
    share = float(_over_height(profile, np.zeros(1), height)[0])
    by_height = 2.0 * share * height.u / height.value if height.value else 0.0
    return math.hypot(height.value**2 / 24.0 * u_curvature, by_height)


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


def _radial(sweeps: Sweeps, profile: LogProfile, coils: _Coils, certificates: Mapping[str, Estimate]) -> _Radial | None:
    """b(z), by radial coils: of ``r B`` between the outer and the inner one, relative to the one between.

    That one's voltage is the first coil's, seen from half a separation above. A parabola b(z) is fitted.
    """
    if "inner" not in sweeps.voltages or "outer" not in sweeps.voltages:
        return None
    inner, outer = (_known(certificates, "radial_separation", f"{n}_coils") for n in ("inner", "outer"))
    radius, turns = _known(certificates, "radius"), _known(certificates, "turns")
    middle = _known(certificates, "turns", "inner_coils").value / turns.value * sweeps.coil
    below, own = sweeps.z - 0.5 * coils.separation.value, _known(certificates, "height", "inner_coils")
    seen = profile.at(below) + _over_height(profile, below, coils.height)
    middle = middle * np.exp(profile.at(sweeps.z) + _over_height(profile, sweeps.z, own) - seen)
    doubts = [_known(certificates, "mismatch", f"{n}_coils") for n in ("inner", "outer")]
    ratio = (sweeps.voltages["outer"] - sweeps.voltages["inner"]) / middle - (doubts[1].value - doubts[0].value)
    distance = outer.value - inner.value
    if distance == 0.0:
        raise ReductionError("the outer and the inner coil have one radius; they need a distance")
    lever = radius.value / distance
    # Sweeps up and down together are free of offsets, which change sign.
    b = lever * 0.5 * (ratio[0::2].mean(axis=0) + ratio[1::2, ::-1].mean(axis=0))
    z = sweeps.z[0::2].mean(axis=0)
    design = np.stack([np.ones_like(z), z, z**2 + own.value**2 / 12.0], axis=1)  # averaged over the coils' height
    found, *_ = np.linalg.lstsq(design, b, rcond=None)
    rest = b - design @ found
    covariance = np.linalg.inv(design.T @ design) * float(rest @ rest) / (len(z) - 3)
    scale = math.hypot(math.hypot(inner.u, outer.u) / distance, radius.u / radius.value)
    return _Radial(found, covariance, lever * math.hypot(doubts[0].u, doubts[1].u), scale)


def _curves(profile: LogProfile, sweeps: Sweeps, coils: _Coils, settings: GradiometerReduction) -> tuple[Curve, ...]:
    separation, mismatch = coils.separation.value, coils.mismatch.value
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
