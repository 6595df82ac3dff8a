"""Uncertainty of the mean over cycles: Type A from the readings, Type B from certificates and uncorrected effects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.air import RELATIVE_UNCERTAINTY
from scenarios.reduction.force import Gains, WeighingModel
from scenarios.reduction.settings import Certificates, Corrections
from scenarios.reduction.velocity import VelocityFit
from scenarios.reduction.weighing import Comparison, Difference

Array = NDArray[np.float64]
# Sensitivities (cycles, inputs), relative standard uncertainties (inputs,), their degrees of freedom (inputs,).
Source = tuple[Array, Array, Array]

UNCORRECTED = {
    "temperature": "magnet temperature",
    "reluctance": "reluctance, not corrected",
    "quadratic_current": "quadratic current, not corrected",
    "buoyancy": "buoyancy, not corrected",
    "voltmeter_calibration": "voltmeter gains, not corrected",
    "resistor_drift": "resistor drift, not corrected",
}


@dataclass(frozen=True)
class TypeA:
    """Relative standard uncertainty of the mean: components by name, and degrees of freedom."""

    components: dict[str, float]
    dof: float

    @property
    def combined(self) -> float:
        """Root sum of squares."""
        return math.hypot(*self.components.values())


def type_a(masses: Array, sources: dict[str, Source]) -> TypeA:
    """Type A uncertainty of the mean of the cycles' masses.

    Parameters
    ----------
    masses : of each cycle (kg).
    sources : by name. An input that serves two cycles, such as the Bl of the velocity group between them, correlates
        them.

    Notes
    -----
    What the readings within the cycles say is propagated to the mean, with the correlations. The scatter of the cycles
    is then compared with what it should be. It has few degrees of freedom, so that taking the larger of the two would
    overstate the uncertainty of a run that behaves; only if the scatter exceeds its expectation by more than chance
    (χ², 97.5 %) something differs between the cycles that no reading within them shows, and the uncertainty is
    enlarged to the scatter (Birge ratio): component "between cycles".
    """
    n = len(masses)
    share = np.full(n, 1.0 / n)
    covariance = np.zeros((n, n))
    components, spread = {}, 0.0
    for name, (sensitivity, u, dof) in sources.items():
        covariance += (sensitivity * u**2) @ sensitivity.T
        parts = (share @ sensitivity) ** 2 * u**2
        components[name] = math.sqrt(float(parts.sum()))
        spread += float(np.sum(parts**2 / dof))
    variance = math.fsum(size**2 for size in components.values())
    combined_dof = variance**2 / spread if spread > 0 else math.inf
    if n == 1:
        return TypeA(components, combined_dof)

    deviations = masses / masses.mean() - 1
    centring = np.eye(n) - 1.0 / n
    expected = centring @ covariance @ centring
    trace = float(np.trace(expected))
    scatter = float(deviations @ deviations)
    if trace > 0:
        effective = trace**2 / float(np.sum(expected * expected))
        if scatter > trace * _chance(effective):
            components["between cycles"] = math.sqrt(max(variance * scatter / trace - variance, 0.0))
            combined_dof = float(n - 1)
    else:
        components["between cycles"] = math.sqrt(scatter / (n * (n - 1)))
        combined_dof = float(n - 1)
    return TypeA(components, combined_dof)


def _chance(dof: float) -> float:
    """97.5 % quantile of χ²/dof (Wilson and Hilferty)."""
    a = 2.0 / (9.0 * dof)
    return (1.0 - a + 1.959964 * math.sqrt(a)) ** 3


def sources(
    model: WeighingModel,
    on: Corrections,
    fits: Sequence[VelocityFit],
    schemes: Sequence[Comparison],
    members: Sequence[NDArray[np.int64]],
    differences: Sequence[Difference],
) -> dict[str, Source]:
    """The inputs of `type_a`: the relative sensitivity of each cycle's mass to each thing that was read.

    `members` are the indices of each cycle's weighings, `schemes` and `differences` what was made of them.
    """
    force = model.force(on)
    push = model.bl_parts(on) * (model.current(on))[:, None]  # force by velocity group
    lifted = np.array([difference.value for difference in differences])
    pairs = list(zip(schemes, members, strict=True))
    by_group = np.array([scheme.weights @ push[own] for scheme, own in pairs]) / lifted[:, None]
    found: dict[str, Source] = {
        "weighing": (
            np.eye(len(lifted)),
            np.array([difference.u for difference in differences]) / np.abs(lifted),
            np.array([difference.dof for difference in differences]),
        ),
        "velocity": (
            by_group,
            np.array([fit.u_bl / abs(fit.bl) for fit in fits]),
            np.array([fit.dof for fit in fits]),
        ),
    }
    if on.voltmeter_calibration and model.current_gains is not None:
        gains = model.current_gains
        shares = _indicator(gains)
        sensitivity = np.array([(scheme.weights * force[own]) @ shares[own] for scheme, own in pairs]) / lifted[:, None]
        found["current calibration"] = (sensitivity, gains.u, gains.dof)
    if on.voltmeter_calibration and model.induced_gains is not None:
        gains = model.induced_gains
        found["induced calibration"] = (by_group @ _indicator(gains), gains.u, gains.dof)
    return found


def _indicator(gains: Gains) -> Array:
    """Which calibration serves which target: ones and zeros, shape (targets, calibrations)."""
    return (gains.source[:, None] == np.arange(len(gains.u))).astype(float)


def type_b(certificates: Certificates, on: Corrections, air: Array, changes: dict[str, float]) -> dict[str, float]:
    """Relative Type B components of the mass by name.

    Parameters
    ----------
    air : density of the air in each cycle (kg/m³).
    changes : relative change of the mass that each correction makes or would make; what is not corrected enters with
        its size.
    """
    c = certificates
    components = {
        "resistance": c.u_resistance,
        "gravity": c.u_gravity,
        "interferometer": c.u_interferometer,
    }
    if on.voltmeter_calibration:
        components["reference voltage"] = 2 * c.u_reference  # the same reference calibrates current and induced voltage
    if on.buoyancy and c.mass_density is not None:
        lift = float(air.mean()) / c.mass_density
        components["mass density"] = lift / (1 - lift) * c.u_mass_density / c.mass_density
        components["air density"] = lift / (1 - lift) * RELATIVE_UNCERTAINTY
    for name, size in changes.items():
        if not getattr(on, name) and size != 0:
            components[UNCORRECTED[name]] = abs(size)
    return components
