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
        beta = Quantity("beta", known.beta.value, "1", "β", "γ as measured over γ at the working point", known.beta.u)
        found = [beta, *(quantity for scan in scans for quantity in _quantities(scan, known, self))]
        angles = six_sensors.azimuths(certificates)
        series = [Quantity("azimuth_rad", angles, "rad", "θ", "of the sensors")]
        curves = [*(_by_height(scan) for scan in scans), _around(scans, angles)]
        return Findings((*found, *series, *(q for scan in scans for q in _series(scan))), tuple(curves))

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
        of_gain = six_sensors.gains(certificates)[1] * fields.values
        u_mean = np.sqrt((fields.u**2 + of_gain**2).sum(axis=1)) / fields.u.shape[1]
        step = 1e-4 * float(np.ptp(heights))
        ahead, behind = (np.mean([s.at(heights + d) for s in shapes], axis=0) for d in (step, -step))
        return Scan(name, heights, fields, remains, shapes, mean, u_mean, u_missed, (ahead - behind) / (2 * step))


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


def _quantities(scan: Scan, known: _Known, settings: GapSurveyReduction) -> list[Quantity]:
    """The numbers of one mounting, γ_max last of the γ."""
    name, surface = scan.name, known.surface
    k = int(np.abs(scan.mean).argmax())
    j, i = np.unravel_index(int(np.abs(scan.fields.values).argmax()), scan.fields.values.shape)
    largest = float(scan.fields.values[j, i])
    around = scan.fields.values[scan.nearest]
    noise = float(np.sqrt((scan.fields.u[scan.nearest] ** 2).mean()))
    half_wave = around[:3] + around[3:]
    u_remains = float(np.sqrt((scan.remains.u**2).sum())) / len(around)

    step = 1e-4 * float(np.ptp(scan.heights))
    own = scan.shapes[i]
    steepness = float(own.at(scan.heights[j] + step) - own.at(scan.heights[j] - step)) / (2 * step)
    u_mean = known.field(scan.mean[k], math.hypot(scan.u_mean[k], scan.u_missed[k]), scan.slope[k])
    u_largest = known.field(largest, float(scan.fields.u[j, i]), steepness)
    found = []
    for key, value, u, symbol, meaning in (
        ("gamma_mean", scan.mean[k], u_mean, "γ_mean", "largest mean around the gap, over the surface field"),
        ("gamma_max", largest, u_largest, "γ_max", "largest field at a sensor, over the surface field"),
    ):
        gamma = abs(float(value)) / surface.value
        u_gamma = math.hypot(u / surface.value, gamma * surface.u / surface.value)
        at_work = math.hypot(u_gamma / known.beta.value, gamma / known.beta.value * known.beta.u / known.beta.value)
        found.append(Quantity(f"{name}_{key}", gamma, "1", symbol, f"{name}: {meaning}", u_gamma))
        found.append(
            Quantity(
                f"{name}_{key}_working", gamma / known.beta.value, "1", f"{symbol}/β", "at the working point", at_work
            )
        )
    at_most = gamma / known.beta.value  # γ_max at the working point
    limit = settings.gap_field / at_most * settings.target
    found += [
        Quantity(
            f"{name}_limit_T",
            limit,
            "T",
            "B_e",
            f"{name}: surface field for an error of {settings.target:g} at the working point, by γ_max",
            limit * at_work / at_most,
        ),
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
            known.field(
                scan.mean[scan.nearest],
                math.hypot(scan.u_mean[scan.nearest], scan.u_missed[scan.nearest]),
                scan.slope[scan.nearest],
            ),
        ),
        Quantity(
            f"{name}_remanent_T",
            float(scan.remains.values.mean()),
            "T",
            "ΔB̄_r",
            f"{name}: mean around after the magnet is taken away",
            u_remains,
        ),
    ]
    return found + (_symmetries(scan, known) if scan.both_sides else [])


def _symmetries(scan: Scan, known: _Known) -> list[Quantity]:
    """Of the mean around against the magnet's height."""
    name, mean = scan.name, scan.mean
    even, odd = 0.5 * (mean + mean[::-1]), 0.5 * (mean - mean[::-1])
    u = np.hypot(scan.u_mean, scan.slope * known.u_height)
    u_part = float(np.sqrt((0.5 * u**2).mean()))
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
    z = np.linspace(scan.heights[0], scan.heights[-1], 20001)
    fitted = np.abs(scan.of_shapes(z))
    highest, u_highest = float(z[fitted.argmax()]), None
    step = 0.01 * float(np.ptp(scan.heights))
    behind, here, ahead = (float(scan.of_shapes(np.array([highest + d]))[0]) for d in (-step, 0.0, step))
    if curvature := (ahead - 2 * here + behind) / step**2:
        u_slope = math.sqrt(sum(shape.u_slope(highest) ** 2 for shape in scan.shapes)) / len(scan.shapes)
        u_highest = math.hypot(u_slope / curvature, known.u_height)
    found.append(
        Quantity(f"{name}_peak_height_m", highest, "m", "z_max", f"{name}: where the mean is largest", u_highest)
    )
    return found


def _series(scan: Scan) -> list[Quantity]:
    """Fields by height, shapes by sensor."""
    name, shapes = scan.name, scan.shapes
    coefficients = np.array([shape.coefficients for shape in shapes])
    u = np.sqrt([np.diag(shape.covariance) for shape in shapes])
    u_all = np.hypot(scan.u_mean, scan.u_missed)
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
                scan.fields.u[:, k],
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
            f"{name}_shape_residual_T", np.array([s.residual for s in shapes]), "T", "r", f"{name}: what the fit leaves"
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
