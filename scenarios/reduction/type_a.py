"""Type A uncertainty of the mean over the cycles: what the readings say, against the scatter of the cycles."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.certificates import Certificates
from scenarios.reduction.corrections import applied
from scenarios.reduction.force import Outcome
from scenarios.reduction.quantities import BETWEEN, CHANGE
from scenarios.reduction.readout import Readout
from scenarios.reduction.robust import MANY
from scenarios.reduction.settings import Corrections
from scenarios.reduction.slow_noise import chance
from scenarios.reduction.velocity import VelocityFit
from scenarios.reduction.weighing import Difference

Array = NDArray[np.float64]
# Sensitivities (cycles, inputs), relative standard uncertainties (inputs,), their degrees of freedom (inputs,).
Source = tuple[Array, Array, Array]

BY_CHANCE = 0.005  # of the runs in which nothing changes, how many may look as if


@dataclass(frozen=True)
class TypeA:
    """Relative standard uncertainty of the mean: components and their degrees of freedom, by name."""

    components: dict[str, float]
    dofs: dict[str, float]

    @property
    def combined(self) -> float:
        """Root sum of squares."""
        return math.hypot(*self.components.values())

    @property
    def dof(self) -> float:
        """Effective degrees of freedom (Welch and Satterthwaite)."""
        spread = math.fsum(u**4 / self.dofs[name] for name, u in self.components.items())
        return self.combined**4 / spread if spread > 0 else math.inf


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
    (F, 97.5 %) something differs between the cycles that no reading within them shows, and the uncertainty is
    enlarged to the scatter (Birge ratio): component "between cycles". A step or a slow change that the scatter hardly
    shows, since most cycles agree, is sought apart: if the cycles before and after some time differ by more than
    chance, and but for that agree, those before may be the right ones, and how far the mean is from them is the
    component "change in the run".
    """
    n = len(masses)
    covariance = np.zeros((n, n))
    components, dofs = {}, {}
    for name, (sensitivity, u, dof) in sources.items():
        covariance += (sensitivity * u**2) @ sensitivity.T
        parts = sensitivity.mean(axis=0) ** 2 * u**2
        components[name] = math.sqrt(float(parts.sum()))
        spread = float(np.sum(parts**2 / dof))
        dofs[name] = components[name] ** 4 / spread if spread > 0 else math.inf
    if n == 1:
        return TypeA(components, dofs)

    variance = math.fsum(size**2 for size in components.values())
    deviations = masses / masses.mean() - 1
    centring = np.eye(n) - 1.0 / n
    expected = centring @ covariance @ centring
    trace = float(np.trace(expected))
    scatter = float(deviations @ deviations)
    excess = scatter / (n * (n - 1))
    if trace > 0:
        effective = trace**2 / float(np.sum(expected * expected))
        spread = math.fsum(size**4 / dofs[name] for name, size in components.items())
        stated = variance**2 / spread if spread > 0 else math.inf
        excess = max(variance * scatter / trace - variance, 0.0) if scatter > trace * chance(effective, stated) else 0.0
    if excess > 0:
        components[BETWEEN], dofs[BETWEEN] = math.sqrt(excess), n - 1.0
    change = _change(deviations, covariance, stated if trace > 0 else math.inf)
    if change**2 > excess:
        for parts, value in ((components, change), (dofs, n - 1.0)):
            parts.pop(BETWEEN, None)
            parts[CHANGE] = value
    return TypeA(components, dofs)


def _change(deviations: Array, covariance: Array, dof: float) -> float:
    """Mean of the cycles before the most significant change from their overall mean, 0 if there is none.

    Parameters
    ----------
    deviations : of each cycle from the mean of all, relative, in order of time.
    covariance : of the cycles, relative.
    dof : degrees of freedom of `covariance`.
    """
    from scipy.special import stdtrit

    n = len(deviations)
    first = np.tri(n - 1, n) / np.arange(1, n)[:, None]
    contrasts = (1.0 - np.tri(n - 1, n)) / np.arange(n - 1, 0, -1)[:, None] - first
    u = np.sqrt(np.einsum("ij,jk,ik->i", contrasts, covariance, contrasts))
    bound = float(stdtrit(min(dof, MANY), 1.0 - 0.5 * BY_CHANCE / (n - 1)))
    significance = np.abs(contrasts @ deviations) / np.where(u > 0, u, np.inf)
    at = int(significance.argmax())
    before, after = deviations[: at + 1], deviations[at + 1 :]
    left = float(np.sum((before - before.mean()) ** 2) + np.sum((after - after.mean()) ** 2))
    expected = float(np.trace(covariance)) * (n - 2) / n
    found = significance[at] > bound and left <= expected * (chance(n - 2, dof) if n > 2 else 1.0)
    return abs(float(first[at] @ deviations)) if found else 0.0


def pooled(u: Array, dof: Array) -> tuple[Array, Array]:
    """Uncertainties of the cycles' differences with one variance for all, and what of its degrees of freedom each has.

    A cycle has few weighings and tells their scatter badly; all together tell it well. They are left as they are if the
    scatters differ by more than chance (Bartlett's test, 99.9 %), or if there is none.
    """
    total, count = float(dof.sum()), len(u)
    if count < 2 or not np.all(u > 0):
        return u, dof
    mean = float(dof @ u**2) / total
    statistic = total * math.log(mean) - float(dof @ np.log(u**2))
    statistic /= 1.0 + (float(np.sum(1.0 / dof)) - 1.0 / total) / (3.0 * (count - 1))
    if statistic > (count - 1) * chance(count - 1, z=3.0902):
        return u, dof
    return np.full(count, math.sqrt(mean)), np.full(count, total / count)


def sources(
    run: Readout,
    certificates: Certificates,
    on: Corrections,
    fits: tuple[VelocityFit, ...],
    outcome: Outcome,
    differences: list[Difference],
) -> dict[str, Source]:
    """The inputs of `type_a`: the relative sensitivity of each cycle's mass to each thing that was read.

    `differences` are what the scheme made of the masses that the single weighings stand for.
    """
    weights, lifted = run.schemes.weights, np.array([difference.value for difference in differences])
    push = weights / outcome.gravity * outcome.current
    by_group = run.by_cycle(push * outcome.bl_parts.T).T / lifted[:, None]
    u, dof = pooled(np.array([d.u for d in differences]), np.array([d.dof for d in differences]))
    found: dict[str, Source] = {
        "weighing": (np.eye(len(lifted)), u / np.abs(lifted), dof),
        "velocity": (
            by_group,
            np.array([fit.u_bl / abs(fit.bl) for fit in fits]),
            np.array([fit.dof for fit in fits]),
        ),
    }
    if on.voltmeter_calibration and run.current is not None:
        loads = weights * outcome.force / outcome.gravity
        by_weighing = run.by_cycle(loads * run.current.sensitivities(between=on.voltmeter_drift).T).T
        shown = run.current.shown
        found["current calibration"] = (by_weighing / lifted[:, None], shown.u, shown.dof)
    if on.voltmeter_calibration and run.induced is not None:
        shown = run.induced.shown
        by_reading = run.induced.sensitivities(between=on.voltmeter_drift)
        found["induced calibration"] = (by_group @ by_reading, shown.u, shown.dof)
    values = applied(certificates, on)
    for name, warmth, coefficient in (
        ("magnet thermometer", run.magnet, values.temperature_coefficient),
        ("coil thermometer", run.coil, values.coil_expansion),
    ):
        if warmth is not None and coefficient:
            u = np.abs(coefficient / (1 + coefficient * warmth.group)) * warmth.u_group
            found[name] = (by_group, u, np.full(len(u), math.inf))
    return found
