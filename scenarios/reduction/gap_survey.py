"""What the gap survey finds: the field let into the gap by azimuth and height of the source, its mean, and γ (Ma2025).

Blocks: `gap_fluxgates`, field, with the labels sensor and azimuth (rad); phase="zero" without the source, and
phase="survey" with the label height_m.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scenarios.reduction.around import rings
from scenarios.reduction.certificates import Estimate
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.findings import Curve, Findings, Line, Quantity
from twin.parameter import Parameters, parameter
from twin.recorder import Block, Blocks

Array = NDArray[np.float64]
RING = "gap_fluxgates"


class Shape(NamedTuple):
    """``(a + b x + c x²)/(1 + x²)^(5/2)`` with x = (z − centre)/width, as of a dipole that passes; and what is left."""

    centre: float
    width: float
    factors: Array
    residual_rms: float

    def at(self, z: Array) -> Array:
        """Its values at heights z (m)."""
        result: Array = _columns(z, self.centre, self.width) @ self.factors
        return result


class GapSurveyReduction(Parameters):
    """How readings become fields and attenuations."""

    surface_field: float = parameter(
        "T", 0.26, gt=0, source="Ma2025: 260 mT", description="of the source at its surface, that γ is relative to"
    )
    gap_field: float = parameter("T", 0.59, gt=0, source="Ma2025", description="B of the balance's magnet, for limits")
    target: float = Field(1e-8, gt=0, description="relative error of a mass that the field's limit is stated for")
    smallest_width: float = parameter("m", 0.02, gt=0, description="of the shape fitted to each fluxgate")
    largest_width: float = parameter("m", 0.5, gt=0, description="as above")

    def findings(self, readings: Blocks, certificates: Mapping[str, Estimate]) -> Findings:
        """Take off the zeros, fit each fluxgate, and average around.

        Raises
        ------
        ReductionError
            If readings are missing or do not suffice.
        """
        azimuth, sensors = rings(readings.select(RING))[RING]
        rows = [_course(k, blocks) for k, blocks in sensors.items()]
        z = rows[0][0]
        if any(not np.array_equal(row[0], z) for row in rows) or len(z) < 5:
            raise ReductionError(f"{RING}: not all fluxgates were read at the same five heights or more")
        field, u = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
        shapes = [self._shape(z, row) for row in field]
        quantities = self._quantities(z, azimuth, field, u, shapes)
        return Findings(quantities, _curves(z, azimuth, field, u, shapes))

    def _shape(self, z: Array, field: Array) -> Shape:
        """By least squares; linear but for the width, the centre being where the numerator says."""
        from scipy.optimize import minimize_scalar

        def solved(log_width: float) -> Shape:
            width, centre = math.exp(log_width), 0.5 * float(z[0] + z[-1])
            matrix = _columns(z, centre, width)
            factors = np.linalg.lstsq(matrix, field, rcond=None)[0]
            return Shape(
                centre, width, np.asarray(factors, float), float(np.sqrt(np.mean((field - matrix @ factors) ** 2)))
            )

        ends = math.log(self.smallest_width), math.log(self.largest_width)
        starts = np.linspace(*ends, 25)
        best = int(np.argmin([solved(w).residual_rms for w in starts]))
        bracket = float(starts[max(best - 1, 0)]), float(starts[min(best + 1, 24)])
        found = minimize_scalar(lambda w: solved(w).residual_rms, bounds=bracket, method="bounded")
        return solved(float(found.x))

    def _quantities(
        self, z: Array, azimuth: Array, field: Array, u: Array, shapes: list[Shape]
    ) -> tuple[Quantity, ...]:
        mean = field.mean(axis=0)
        u_mean = np.hypot(np.sqrt((u**2).sum(axis=0)) / len(field), sampling(field))
        sensor, place = divmod(int(np.argmax(np.abs(field))), field.shape[1])
        most = int(np.argmax(np.abs(mean)))
        peak, u_peak = float(field[sensor, place]), float(u[sensor, place])
        gamma, gamma_mean = abs(peak) / self.surface_field, abs(float(mean[most])) / self.surface_field
        limit, u_gamma = self.gap_field / gamma * self.target if gamma else math.inf, u_peak / self.surface_field
        return (
            Quantity("largest_field_T", peak, "T", "ΔB_r", "largest field anywhere in the gap, inward", u_peak),
            Quantity("largest_field_at_m", float(z[place]), "m", "z", "height of the stage there"),
            Quantity("largest_field_azimuth_rad", float(azimuth[sensor]), "rad", "θ", "azimuth there"),
            Quantity("largest_mean_T", float(mean[most]), "T", "ΔB̄", "largest mean around", float(u_mean[most])),
            Quantity("largest_mean_at_m", float(z[most]), "m", "z", "height of the stage there"),
            Quantity("gamma_max", gamma, "1", "γ_max", "largest field over that at the source's surface", u_gamma),
            Quantity(
                "gamma_mean",
                gamma_mean,
                "1",
                "γ_mean",
                "largest mean over it",
                float(u_mean[most]) / self.surface_field,
            ),
            Quantity(
                "limit_T", limit, "T", "B_e", f"surface field for {self.target:g}, by γ_max", limit * u_gamma / gamma
            ),
            Quantity("heights_m", z, "m", "z", "of the stage"),
            Quantity("mean_T", mean, "T", "ΔB̄(z)", "mean around at these heights", u_mean),
            Quantity("azimuths_rad", azimuth, "rad", "θ", "of the fluxgates"),
            Quantity("widths_m", np.array([s.width for s in shapes]), "m", "d", "of the shape fitted to each fluxgate"),
            Quantity(
                "residual_rms_T", np.array([s.residual_rms for s in shapes]), "T", "r", "what these fits leave, rms"
            ),
        )


def sampling(field: Array) -> Array:
    """Standard uncertainty (T) of the mean around, by what few fluxgates cannot see between them.

    Harmonics of the azimuth that are a multiple of the number of fluxgates look like a mean. Six see the amplitudes h_1
    to h_3; as these fall, the sixth is about ``h_3 (h_3/h_1)^(3/2)``, which is taken as the half-width of a rectangular
    distribution.

    Parameters
    ----------
    field : shape (fluxgates, heights).
    """
    count = len(field)
    highest = count // 2
    if highest < 2:
        return np.zeros(field.shape[1])
    amplitude = 2 * np.abs(np.fft.rfft(field, axis=0)) / count
    last = amplitude[highest] * (0.5 if count % 2 == 0 else 1.0)
    decay = np.minimum(last / np.maximum(amplitude[1], 1e-300), 1.0) ** (1.0 / (highest - 1))
    result: Array = last * decay ** (count - highest) / math.sqrt(3)
    return result


def _columns(z: Array, centre: float, width: float) -> Array:
    x = (z - centre) / width
    return np.stack([np.ones_like(x), x, x**2], axis=1) / ((1.0 + x**2) ** 2.5)[:, None]


def _course(sensor: int, blocks: list[Block]) -> tuple[Array, Array, Array]:
    """Heights (m), field less the zero (T) and its standard uncertainty, of a fluxgate."""
    zeros = [b for b in blocks if b.labels.get("phase") == "zero"]
    survey = [(float(b.labels["height_m"]), b) for b in blocks if "height_m" in b.labels]
    if not zeros or not survey:
        raise ReductionError(f"{RING}: fluxgate {sensor} was not read both without the source and with it")
    zero, u_zero = _mean(np.concatenate([b.values.ravel() for b in zeros]))
    survey.sort(key=lambda pair: pair[0])
    means = [_mean(b.values.ravel()) for _, b in survey]
    return (
        np.array([z for z, _ in survey]),
        np.array([value for value, _ in means]) - zero,
        np.hypot(np.array([u for _, u in means]), u_zero),
    )


def _mean(values: Array) -> tuple[float, float]:
    u = float(values.std(ddof=1)) / math.sqrt(values.size) if values.size > 1 else 0.0
    return float(values.mean()), u


def _curves(z: Array, azimuth: Array, field: Array, u: Array, shapes: list[Shape]) -> tuple[Curve, ...]:
    fine = np.linspace(float(z[0]), float(z[-1]), 300)
    lines = []
    for angle, row, spread, shape in zip(azimuth, field, u, shapes, strict=True):
        lines.append(Line(f"{math.degrees(angle):.0f}°", z * 1e3, row * 1e6, spread * 1e6, points=True))
        lines.append(Line(f"{math.degrees(angle):.0f}°, fitted", fine * 1e3, shape.at(fine) * 1e6))
    mean = np.mean([shape.at(fine) for shape in shapes], axis=0)
    axis = ("height of the stage", "mm")
    return (
        Curve("gap_field", "Field let into the gap, by the height of the source.", axis, ("ΔB_r", "µT"), tuple(lines)),
        Curve(
            "mean_field",
            "Its mean around the gap, which alone acts on a mass.",
            axis,
            ("ΔB̄", "µT"),
            (
                Line("mean of the fluxgates", z * 1e3, field.mean(axis=0) * 1e6, None, points=True),
                Line("mean of the fits", fine * 1e3, mean * 1e6),
            ),
        ),
    )
