"""What a gap survey finds: ΔB_r(z, θ) of an interfering magnet, its shape by sensor, its mean around, and γ (Ma2025).

Blocks, all of `fluxgate_1` … `fluxgate_6`, with the labels cycle and mounting: phase="zero", without the magnet;
phase="survey", at `height_m`; phase="removed", after it was taken away.

Fields count inward, γ relative to the magnet's surface field. The mean around makes the error of a mass, the largest
field does not. At the yoke's working point γ is by ``β = γ(µ_r)/γ(working) = µ_working/µ_r`` smaller.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scenarios.reduction import six_sensors
from scenarios.reduction.certificates import NONE, ONE, Estimate
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.findings import Curve, Findings, Line, Quantity
from scenarios.reduction.shape_function import ShapeFunction
from scenarios.reduction.six_sensors import Means
from twin.parameter import Parameters, parameter
from twin.recorder import Blocks

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scan:
    """One mounting: heights in order (m), ΔB by height and sensor, what stays after it is gone, shapes by sensor.

    Parameters
    ----------
    mean, u_mean : around (T), by height; what six sensors miss of it is in `u_missed` (T).
    u_gain : of the sensors, relative.
    slope : of the mean against height (T/m), from the shapes.
    """

    name: str
    heights: Array
    fields: Means
    remains: Means
    shapes: tuple[ShapeFunction, ...]
    mean: Array
    u_mean: Array
    u_missed: Array
    u_gain: Array
    slope: Array

    def of_shapes(self, z: Array) -> Array:
        """The mean of the six shapes (T)."""
        result: Array = np.mean([shape.at(z) for shape in self.shapes], axis=0)
        return result

    @property
    def nearest(self) -> int:
        """Index of the height with the largest field."""
        return int(np.abs(self.fields.values).max(axis=1).argmax())

    @property
    def both_sides(self) -> bool:
        """Whether heights lie evenly on either side of the symmetry plane."""
        return bool(np.allclose(self.heights, -self.heights[::-1], atol=1e-9))


class GapSurveyReduction(Parameters):
    """How readings of a gap survey become γ."""

    aliasing: bool = Field(True, description="free the mean of six sensors from the sixth harmonic")
    gap_field: float = parameter("T", 0.59, gt=0, source="Ma2025", description="B of the balance's magnet, for limits")
    target: float = Field(1e-8, gt=0, description="relative error of a mass that limits are stated for")

    def findings(self, readings: Blocks, certificates: Mapping[str, Estimate]) -> Findings:
        """Fields, shapes and γ of every mounting.

        Raises
        ------
        ReductionError
            If readings are missing or do not suffice.
        """
        names = list(dict.fromkeys(str(b.labels["mounting"]) for b in readings.select("fluxgate_1", phase="survey")))
        if not names:
            raise ReductionError("no block of channel 'fluxgate_1' with phase 'survey': no source was brought")
        scans = [self._scan(name, readings, certificates) for name in names]
        known = _Known.of(certificates)
        meaning = "γ as measured over γ at the working point, by the certificates of the yoke's permeability"
        beta = Quantity("beta_certified", known.beta.value, "1", "β", meaning, known.beta.u)
        found = [beta, *(quantity for scan in scans for quantity in _quantities(scan, known, self))]
        angles = six_sensors.azimuths(certificates)
        series = [Quantity("azimuth_rad", angles, "rad", "θ", "of the sensors")]
        curves = [*(_by_height(scan) for scan in scans), _around(scans, angles)]
        return Findings((*found, *series, *(q for scan in scans for q in _series(scan, known))), tuple(curves))

    def _scan(self, name: str, readings: Blocks, certificates: Mapping[str, Estimate]) -> Scan:
        told = readings.select("fluxgate_1", phase="survey", mounting=name)
        heights = np.sort([float(block.labels["height_m"]) for block in told])
        if len(heights) < 5:
            raise ReductionError(f"{len(heights)} heights of {name!r} do not determine a shape; it takes five")
        zero = six_sensors.means(readings, certificates, phase="zero", mounting=name)
        at = [
            six_sensors.means(readings, certificates, phase="survey", mounting=name, height_m=z)
            for z in heights.tolist()
        ]
        fields = Means(np.array([m.values for m in at]), np.array([m.u for m in at])) - zero
        remains = six_sensors.means(readings, certificates, phase="removed", mounting=name) - zero
        shapes = tuple(ShapeFunction.fit(heights, fields.values[:, k], fields.u[:, k]) for k in range(len(fields.u[0])))
        towards = (
            six_sensors.azimuths(certificates)[0] - certificates.get("interfering_magnet.azimuth", Estimate(0.0)).value
        )
        mean, u_missed = six_sensors.circumferential_mean(fields.values, towards)
        if not self.aliasing:
            mean = fields.values.mean(axis=1)
        u_gain = six_sensors.gains(certificates)[1]
        of_gain = u_gain * fields.values
        u_mean = np.sqrt((fields.u**2 + of_gain**2).sum(axis=1)) / fields.u.shape[1]
        step = 1e-4 * float(np.ptp(heights))
        ahead, behind = (np.mean([s.at(heights + d) for s in shapes], axis=0) for d in (step, -step))
        slope = (ahead - behind) / (2 * step)
        return Scan(name, heights, fields, remains, shapes, mean, u_mean, u_missed, u_gain, slope)


@dataclass(frozen=True)
class _Known:
    """What certificates say beside the sensors."""

    surface: Estimate
    beta: Estimate
    u_height: float
    u_radius: float

    @classmethod
    def of(cls, certificates: Mapping[str, Estimate]) -> _Known:
        surface = certificates.get("interfering_magnet.surface_field")
        if surface is None or surface.value == 0:
            raise ReductionError("γ needs the certificate interfering_magnet.surface_field")
        now, working = (certificates.get(f"external_flux.{key}permeability", ONE) for key in ("", "native_"))
        beta = working.value / now.value
        u_beta = beta * math.hypot(working.u / working.value, now.u / now.value)
        heights = [certificates.get(f"{part}.height_error", NONE).u for part in ("interfering_magnet", "sensor_ring")]
        radius = certificates.get("sensor_ring.radius", ONE)
        return cls(surface, Estimate(beta, u_beta), math.hypot(*heights), radius.u / radius.value)

    def field(self, value: float, u: float, slope: float) -> float:
        """Standard uncertainty of a field (T), with those of heights and of the sensors' radius."""
        return math.hypot(u, slope * self.u_height, value * self.u_radius)

    def sensor(self, scan: Scan, k: int) -> Array:
        """Standard uncertainties of the fields at a sensor (T), by height, with that of its gain."""
        values, step = scan.fields.values[:, k], 1e-4 * float(np.ptp(scan.heights))
        shape = scan.shapes[k]
        slopes = (shape.at(scan.heights + step) - shape.at(scan.heights - step)) / (2 * step)
        own = np.hypot(scan.fields.u[:, k], scan.u_gain[k] * values)
        return np.array(
            [self.field(*each) for each in zip(values.tolist(), own.tolist(), slopes.tolist(), strict=True)]
        )

    def mean(self, scan: Scan, k: int) -> float:
        """Standard uncertainty of the mean around (T) at one of the heights."""
        own = math.hypot(float(scan.u_mean[k]), float(scan.u_missed[k]))
        return self.field(float(scan.mean[k]), own, float(scan.slope[k]))


def _quantities(scan: Scan, known: _Known, settings: GapSurveyReduction) -> list[Quantity]:
    """The numbers of one mounting."""
    gammas = _gammas(scan, known)
    found = [*gammas, _limit(scan, gammas[-1], settings), *_around_the_gap(scan, known), _remanence(scan)]
    return found + (_symmetries(scan, known) if scan.both_sides else [])


def _gammas(scan: Scan, known: _Known) -> list[Quantity]:
    """γ of the mean around and of the largest field at a sensor, each as measured and at the working point."""
    k = int(np.abs(scan.mean).argmax())
    j, i = np.unravel_index(int(np.abs(scan.fields.values).argmax()), scan.fields.values.shape)
    step, own = 1e-4 * float(np.ptp(scan.heights)), scan.shapes[i]
    steepness = float(own.at(scan.heights[j] + step) - own.at(scan.heights[j] - step)) / (2 * step)
    largest = float(scan.fields.values[j, i])
    u_largest = known.field(largest, float(scan.fields.u[j, i]), steepness)
    return [
        *_gamma(scan.name, "mean", float(scan.mean[k]), known.mean(scan, k), known, "largest mean around the gap"),
        *_gamma(scan.name, "max", largest, u_largest, known, "largest field at a sensor"),
    ]


def _gamma(name: str, key: str, field: float, u: float, known: _Known, meaning: str) -> list[Quantity]:
    """Of a field (T), with its standard uncertainty."""
    surface, beta = known.surface, known.beta
    gamma = abs(field) / surface.value
    u_gamma = math.hypot(u / surface.value, gamma * surface.u / surface.value)
    at_work = gamma / beta.value
    u_at_work = math.hypot(u_gamma / beta.value, at_work * beta.u / beta.value)
    symbol, said = f"γ_{key}", f"{name}: {meaning}, over the surface field"
    return [
        Quantity(f"{name}_gamma_{key}", gamma, "1", symbol, said, u_gamma),
        Quantity(f"{name}_gamma_{key}_working", at_work, "1", f"{symbol}/β", "at the working point", u_at_work),
    ]


def _limit(scan: Scan, gamma: Quantity, settings: GapSurveyReduction) -> Quantity:
    """The surface field that makes the error of a mass that is asked for, by γ_max at the working point."""
    at_most, u = float(gamma.value), float(gamma.u or 0.0)
    limit = settings.gap_field / at_most * settings.target
    meaning = f"{scan.name}: surface field for an error of {settings.target:g} at the working point, by γ_max"
    return Quantity(f"{scan.name}_limit_T", limit, "T", "B_e", meaning, limit * u / at_most)


def _around_the_gap(scan: Scan, known: _Known) -> list[Quantity]:
    """How the field lies around the gap at the height where it is largest."""
    name, around = scan.name, scan.fields.values[scan.nearest]
    # The gains of six sensors differ by chance, and make a spread of an even field.
    noise = float(np.sqrt((scan.fields.u[scan.nearest] ** 2 + (scan.u_gain * around) ** 2).mean()))
    half_wave = around[:3] + around[3:]
    return [
        Quantity(
            f"{name}_uniformity_T", float(np.std(around)), "T", "s_θ", f"{name}: spread around, where largest", noise
        ),
        Quantity(
            f"{name}_half_wave_T",
            float(np.sqrt((half_wave**2).mean())),
            "T",
            "h",
            f"{name}: rms sum of opposite sensors, where the field is largest; 0 if half-wave symmetric",
            math.sqrt(2.0) * noise,
        ),
        Quantity(
            f"{name}_mean_where_largest_T",
            float(scan.mean[scan.nearest]),
            "T",
            "ΔB̄",
            f"{name}: mean around, where the field is largest",
            known.mean(scan, scan.nearest),
        ),
    ]


def _remanence(scan: Scan) -> Quantity:
    """What the yoke keeps."""
    u = float(np.sqrt((scan.remains.u**2).sum())) / scan.remains.values.size
    meaning = f"{scan.name}: mean around after the magnet is taken away"
    return Quantity(f"{scan.name}_remanent_T", float(scan.remains.values.mean()), "T", "ΔB̄_r", meaning, u)


def _symmetries(scan: Scan, known: _Known) -> list[Quantity]:
    """Of the mean around against the magnet's height."""
    name, mean = scan.name, scan.mean
    even, odd = 0.5 * (mean + mean[::-1]), 0.5 * (mean - mean[::-1])
    u = np.hypot(scan.u_mean, scan.slope * known.u_height)
    u_part = float(np.sqrt((0.5 * u**2 + scan.u_missed**2).mean()))  # what six sensors miss is as even or odd itself
    found = [
        Quantity(
            f"{name}_even_T", float(np.sqrt((even**2).mean())), "T", "ΔB̄₊", f"{name}: even part of the mean", u_part
        ),
        Quantity(f"{name}_odd_T", float(np.sqrt((odd**2).mean())), "T", "ΔB̄₋", f"{name}: odd part, rms", u_part),
    ]
    middle = len(mean) // 2
    if len(mean) % 2:
        u_middle = math.hypot(u[middle], scan.u_missed[middle])
        found.append(
            Quantity(f"{name}_mean_at_0_T", float(mean[middle]), "T", "ΔB̄(0)", f"{name}: mean at z = 0", u_middle)
        )
    return [*found, _peak(scan, known)]


def _peak(scan: Scan, known: _Known) -> Quantity:
    """Where the mean is largest, by the shapes; a spline through the means tells how far that is a matter of model."""
    from scipy.interpolate import CubicSpline

    z = np.linspace(scan.heights[0], scan.heights[-1], 20001)
    fitted = np.abs(scan.of_shapes(z))
    highest, u_highest = float(z[fitted.argmax()]), None
    beside = np.abs(z - highest) < 0.2 * float(np.ptp(scan.heights))
    splined = np.abs(CubicSpline(scan.heights, scan.mean)(z[beside]))
    apart = float(z[beside][splined.argmax()]) - highest
    step = 0.01 * float(np.ptp(scan.heights))
    behind, here, ahead = (float(scan.of_shapes(np.array([highest + d]))[0]) for d in (-step, 0.0, step))
    if curvature := (ahead - 2 * here + behind) / step**2:
        u_slope = math.sqrt(sum(shape.u_slope(highest) ** 2 for shape in scan.shapes)) / len(scan.shapes)
        u_highest = math.hypot(u_slope / curvature, known.u_height, apart / math.sqrt(3.0))
    meaning = f"{scan.name}: where the mean is largest"
    return Quantity(f"{scan.name}_peak_height_m", highest, "m", "z_max", meaning, u_highest)


def _series(scan: Scan, known: _Known) -> list[Quantity]:
    """Fields by height, shapes by sensor."""
    name, shapes = scan.name, scan.shapes
    coefficients = np.array([shape.coefficients for shape in shapes])
    u = np.sqrt([np.diag(shape.covariance) for shape in shapes])
    u_all = np.array([known.mean(scan, k) for k in range(len(scan.heights))])
    u_left = np.sqrt((scan.fields.u**2).mean(axis=0) / (2.0 * max(len(scan.heights) - coefficients.shape[1], 1)))
    return [
        Quantity(f"{name}_height_m", scan.heights, "m", "z", f"{name}: heights of the magnet"),
        Quantity(f"{name}_mean_T", scan.mean, "T", "ΔB̄", f"{name}: mean around", u_all),
        *(
            Quantity(
                f"{name}_field_{k + 1}_T",
                scan.fields.values[:, k],
                "T",
                f"ΔB_{k + 1}",
                f"{name}: at sensor {k + 1}",
                known.sensor(scan, k),
            )
            for k in range(scan.fields.values.shape[1])
        ),
        Quantity(
            f"{name}_shape_width_m", np.array([s.width for s in shapes]), "m", "d", f"{name}: width, by sensor", u[:, 3]
        ),
        *(
            Quantity(f"{name}_shape_{k}_T", coefficients[:, k], "T", f"c{k}", f"{name}: shape, by u^{k}", u[:, k])
            for k in range(3)
        ),
        Quantity(
            f"{name}_shape_residual_T",
            np.array([s.residual for s in shapes]),
            "T",
            "r",
            f"{name}: what the fit leaves",
            u_left,
        ),
    ]


def _by_height(scan: Scan) -> Curve:
    """Mean and largest sensor against the magnet's height."""
    z, micro = np.linspace(scan.heights[0], scan.heights[-1], 300), 1e6
    _, i = np.unravel_index(int(np.abs(scan.fields.values).argmax()), scan.fields.values.shape)
    u = np.hypot(scan.u_mean, scan.u_missed)
    lines = (
        Line("mean around", scan.heights * 1e3, scan.mean * micro, u * micro, points=True),
        Line("mean of six shapes", z * 1e3, scan.of_shapes(z) * micro),
        Line(f"sensor {i + 1}", scan.heights * 1e3, scan.fields.values[:, i] * micro, points=True),
        Line(f"its shape, d = {scan.shapes[i].width * 1e3:.0f} mm", z * 1e3, scan.shapes[i].at(z) * micro),
    )
    caption = f"{scan.name}: what the magnet couples into the gap, by its height."
    return Curve(scan.name, caption, ("height of the magnet", "mm"), ("ΔB_r", "µT"), lines)


def _around(scans: list[Scan], angles: Array) -> Curve:
    """All sensors, for each mounting at the height where the field is largest."""
    theta = np.degrees(np.mod(angles, 2 * np.pi))
    lines = tuple(
        Line(f"{s.name}, z = {s.heights[s.nearest] * 1e3:g} mm", theta, s.fields.values[s.nearest] * 1e6, points=True)
        for s in scans
    )
    caption = "The field around the gap, for each mounting at the height where it is largest."
    return Curve("around", caption, ("azimuth", "°"), ("ΔB_r", "µT"), lines)
