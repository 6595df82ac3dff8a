"""The velocity groups of a run: their fits, the delay of their voltages, and noise that outlasts a pair of sweeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.applied import Applied
from scenarios.reduction.certificates import Certificates, Estimate
from scenarios.reduction.corrections import applied, believed
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.force import curvature as curvature_of
from scenarios.reduction.force import delay as delay_of
from scenarios.reduction.recording import Recording, Sweeps
from scenarios.reduction.repeated_motion import repeated_motion
from scenarios.reduction.settings import ReductionSettings
from scenarios.reduction.slow_noise import slow_variance
from scenarios.reduction.velocity import SMOOTH_ORDER, VelocityFit, fit_velocity, smooth_courses
from twin.angles import sine_cosine

Array = NDArray[np.float64]
ROUNDING = 1e-14  # of Bl
SWEEPS_TO_TELL = 512  # what a delay, the fit of the periodic error and a higher order of the profile do
FEWEST_TO_TELL = 32  # of one group
UNCHANGED = 1e-12  # relative: a computed run, without noise


def fit_groups(
    recording: Recording, certificates: Certificates, settings: ReductionSettings
) -> tuple[tuple[VelocityFit, ...], Applied]:
    """Fit Bl(z) to each group, at the mean weighing position.

    Positions are moved by the delay of the voltages and what the coil's inductance adds to it, and the interferometer's
    periodic error is fitted. What each does to Bl is a property of the motion, and seen in the first sweeps.
    """
    z_w = float(recording.weighings.position.mean())
    values = applied(certificates, settings.corrections)
    delay, curvature = delay_of(values), curvature_of(values)
    period = certificates.nonlinearity_period
    chosen = period if settings.corrections.nonlinearity else None
    order = _profile_order(recording.sweeps, lambda s, n: _fit(s, delay, curvature, z_w, n, period), settings)
    fits = with_slow_noise(tuple(_fitted(sweeps, delay, curvature, z_w, order, chosen) for sweeps in recording.sweeps))
    some = recording.sweeps[0].kept(slice(SWEEPS_TO_TELL))

    def bl(by: float = 0.0, bend: float = 0.0, fitted: float | None = None) -> float:
        return _fit(some, delay + by, curvature + bend, z_w, order, fitted).bl

    known = certificates.estimates()
    step = max(abs(delay_of(believed(certificates))), known["trigger_latency"].u)
    step = max(step, known["coil_resistance"].value * known["coil_capacitance"].u)
    sensitivity = _slope(bl(0.5 * step), bl(-0.5 * step), step) if step > 0 else 0.0
    bend = max(abs(curvature_of(believed(certificates))), _doubt(known["coil_inductance"], known["coil_capacitance"]))
    bending = _slope(bl(bend=0.5 * bend), bl(bend=-0.5 * bend), bend) if bend > 0 else 0.0
    change = bl(fitted=period) / bl() - 1.0 if period is not None else 0.0
    return fits, Applied(delay, sensitivity, curvature, bending, float(chosen is not None), change)


def _profile_order(
    groups: tuple[Sweeps, ...], fit: Callable[[Sweeps, int], VelocityFit], settings: ReductionSettings
) -> int:
    """The order of the polynomial Bl(z): that of the settings, or more if it leaves something of the profile.

    Two orders more change Bl at the weighing position, in the mean over the groups, by no more than three times what
    the noise explains.
    """
    some = [group.kept(slice(max(SWEEPS_TO_TELL // len(groups), FEWEST_TO_TELL))) for group in groups]

    def fitted(order: int) -> tuple[Array, Array]:
        fits = [fit(sweeps, order) for sweeps in some]
        return np.array([fit.bl for fit in fits]), np.array([fit.u_bl for fit in fits])

    order = settings.profile_order
    if order + 2 > settings.highest_profile_order:
        return order
    bl, u = fitted(order)
    while order + 2 <= settings.highest_profile_order:
        try:
            higher, u_higher = fitted(order + 2)
        except ReductionError:  # too few readings for so many unknowns
            break
        change = abs(float((higher / bl - 1.0).mean()))
        noise = float(np.sqrt(np.sum(np.maximum(u_higher**2 - u**2, 0.0) / bl**2))) / len(some)
        if change <= max(3.0 * noise, UNCHANGED):
            break
        order, bl, u = order + 2, higher, u_higher
    return order


def _slope(more: float, less: float, step: float) -> float:
    """Relative change over a step; none if it is rounding."""
    change = more / less - 1.0
    return change / step if abs(change) > ROUNDING else 0.0


def _doubt(first: Estimate, second: Estimate) -> float:
    """By how much the product of two estimates may be off."""
    return abs(first.value) * second.u + abs(second.value) * first.u


def _fitted(
    sweeps: Sweeps, delay: float, curvature: float, z_w: float, order: int, period: float | None
) -> VelocityFit:
    """The fit of a group; an error names the cycle."""
    try:
        return _fit(sweeps, delay, curvature, z_w, order, period)
    except ReductionError as error:
        raise ReductionError(f"cycle {sweeps.cycle}: {error}") from None


def _fit(sweeps: Sweeps, delay: float, curvature: float, z_w: float, order: int, period: float | None) -> VelocityFit:
    position = sweeps.position
    if delay or curvature:
        position = delayed(position, sweeps.time, sweeps.aperture, delay, curvature)
    if period is None:
        return fit_velocity(sweeps.voltage, position, sweeps.aperture, sweeps.time, z_w, order)
    few = slice(0, SWEEPS_TO_TELL)
    first = fit_velocity(sweeps.voltage[few], position[few], sweeps.aperture, sweeps.time[few], z_w, order, period)
    position = without_periodic_error(position, first.periodic, period)  # what is left of it is small, and linear
    fit = fit_velocity(sweeps.voltage, position, sweeps.aperture, sweeps.time, z_w, order, period)
    sine, cosine = np.add(first.periodic, fit.periodic)
    return replace(fit, periodic=(float(sine), float(cosine)))


def without_periodic_error(position: Array, periodic: tuple[float, float], period: float) -> Array:
    """Positions (m) less the interferometer's periodic error, `VelocityFit.periodic`.

    The error e belongs to the true position p and the interferometer shows s = p + e(p), so that e is sought at s − e.
    """
    sine, cosine = sine_cosine(2 * np.pi / period * position)
    a, b = periodic
    error = a * sine + b * cosine
    error -= 2 * np.pi / period * error * (a * cosine - b * sine)
    return position - error


def delayed(position: Array, time: Array, step: float, delay: float, curvature: float) -> Array:
    """Positions (sweeps, n), read every `step` s, a short `delay` later: ``z + delay · ż + curvature · z̈``.

    The derivatives are those of the motion that the sweeps repeat. To the rest the delay is applied by differences.
    """
    repeated = repeated_motion(position, time, step)
    edge: Literal[1, 2] = 2 if position.shape[1] > 2 else 1
    slope: Array = np.gradient(position - repeated.position, step, axis=1, edge_order=edge)
    return position + delay * (slope + repeated.velocity) + curvature * repeated.acceleration


def with_slow_noise(fits: tuple[VelocityFit, ...]) -> tuple[VelocityFit, ...]:
    """The fits, with larger uncertainties if Bl shows noise that outlasts a pair of sweeps.

    Neighbouring sweeps make pairs, in which a slow offset cancels. A smooth course of Bl through a group is that of the
    magnet's temperature, and no noise.
    """
    count = min(len(fit.sweeps) for fit in fits) // 2
    if count <= SMOOTH_ORDER or not all(fit.u_bl > 0 for fit in fits):
        return fits
    pairs = np.stack([fit.sweeps[: 2 * count].reshape(count, 2).mean(axis=1) for fit in fits])
    basis = smooth_courses(count)
    slow, dof = slow_variance(pairs - pairs @ basis @ basis.T, SMOOTH_ORDER)
    if slow == 0:
        return fits
    return tuple(replace(fit, u_bl=float(np.hypot(fit.u_bl, np.sqrt(slow))), dof=min(fit.dof, dof)) for fit in fits)
