"""The velocity groups of a run: their fits, the delay of their voltages, and noise that outlasts a pair of sweeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.voltmeter import bend
from scenarios.reduction.applied import Applied
from scenarios.reduction.certificates import Certificates, Estimate
from scenarios.reduction.corrections import applied, believed
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.force import delay as delay_of
from scenarios.reduction.force import resonance
from scenarios.reduction.recording import Recording, Sweeps
from scenarios.reduction.settings import ReductionSettings
from scenarios.reduction.slow_noise import slow_variance
from scenarios.reduction.smooth_courses import SMOOTH_ORDER, smooth_courses
from scenarios.reduction.velocity import VelocityFit, fit_velocity
from twin.angles import sine_cosine

Array = NDArray[np.float64]
ROUNDING = 1e-14  # of Bl
SWEEPS_TO_TELL = 512  # what a delay, the fit of the periodic error and a higher order of the profile do
FEWEST_TO_TELL = 32  # of one group
BENT = 1e-3  # a nonlinearity; the fit is linear in the voltages
UNCHANGED = 1e-12  # relative: a computed run, without noise
ITERATIONS = 20
SETTLED = 2e-4  # change of the skew, of an aperture, or of the periodic error (rad), that is small, and linear
PERIODIC = 1e-3  # change of the periodic error that is small, where positions are moved
PARABOLA = 2  # order of Bl(z) about a symmetry plane
CERTAIN = 6.0  # times its uncertainty: no chance
SMALL = 1e-9  # relative: of no concern
MOST_SKEW = 0.05  # of a window


def fit_groups(
    recording: Recording, certificates: Certificates, settings: ReductionSettings
) -> tuple[tuple[VelocityFit, ...], Applied]:
    """Fit Bl(z) to each group, at the mean weighing position.

    Positions are moved to the time of the voltages, and the interferometer's periodic error is fitted. By how much they
    are moved is fitted too where the coil is accelerated in the windows, as in an oscillation; at constant velocity
    nothing tells it, it hardly matters, and the certificates have it. What each does to Bl is a property of the motion,
    and seen in the first sweeps.
    """
    on, period = settings.corrections, certificates.nonlinearity_period
    values = applied(certificates, on)
    few = [sweeps.first(SWEEPS_TO_TELL) for sweeps in recording.sweeps]
    told = all(sweeps.motion.accelerated for sweeps in few)  # within windows, by more than positions scatter
    how = _Model(
        z_w=float(recording.weighings.position.mean()),
        order=settings.profile_order,
        delay=delay_of(values),
        stretch=values.voltmeter_time_base_error,
        bend=resonance(values),
        skewed=told and on.trigger_latency,
        period=period if on.nonlinearity else None,
        offset_drifts=on.offset_drift,
    )
    how = replace(how, order=_profile_order(recording.sweeps, replace(how, period=period), settings))
    fits: list[VelocityFit] = []
    for group in zip(few, recording.sweeps, strict=True):
        fits.append(_fitted(*group, how, near=fits[-1] if fits else None))
    done = replace(_applied(few[0], how, certificates, told), lag=values.yoke_inductance)
    if all(sweeps.lags for sweeps in recording.sweeps):
        done = replace(done, lag_changes=-np.array([fit.parts for fit in fits]).T)
    return with_slow_noise(tuple(fits)), done


def _applied(some: Sweeps, how: _Model, certificates: Certificates, told: bool) -> Applied:
    """What was done to the positions, and what it does to Bl; `told` is whether the motion tells the delay."""
    known, right, bare = certificates.estimates(), believed(certificates), replace(how, period=None)

    fitted = cache(lambda model: model.fit(some, some))

    def bl(**changes: Any) -> float:
        return float(fitted(replace(bare, **changes)).bl)

    def slope(name: str, value: float, size: float) -> float:
        """Relative change of Bl for one more of a parameter, from half a `size` more and less; none by rounding."""
        change = bl(**{name: value + 0.5 * size}) / bl(**{name: value - 0.5 * size}) - 1.0 if size > 0 else 0.0
        return change / size if abs(change) > ROUNDING else 0.0

    late_by = known["voltmeter_time_base_error"]
    late = known["coil_resistance"].value * known["coil_capacitance"].u
    late = 0.0 if told else max(abs(delay_of(right)), known["trigger_latency"].u, late)
    bent = max(abs(resonance(right)), _doubt(known["coil_inductance"], known["coil_capacitance"]))
    period = certificates.nonlinearity_period
    return Applied(
        delay=how.delay,
        delay_sensitivity=slope("delay", how.delay, late),
        stretch=how.stretch,
        stretch_sensitivity=slope("stretch", how.stretch, max(abs(late_by.value), late_by.u)),
        curvature=how.bend,
        curvature_sensitivity=slope("bend", how.bend, bent),
        skew=float(how.skewed),
        skew_change=bl(skewed=True) / bl(skewed=False, delay=0.0) - 1.0 if told else 0.0,
        periodic=float(how.period is not None),
        periodic_change=bl(period=period) / bl() - 1.0 if period is not None else 0.0,
        periodic_cost=_cost(fitted(replace(bare, period=how.period)), fitted(bare)),
        bent=_bent(some, bare, certificates),
    )


def _cost(fit: VelocityFit, without: VelocityFit) -> float:
    """By what an unknown more makes the uncertainty of Bl larger; 1 if that is of no concern."""
    return fit.u_bl / without.u_bl if fit.u_bl > SMALL * abs(fit.bl) and without.u_bl > 0 else 1.0


def _bent(some: Sweeps, how: _Model, certificates: Certificates) -> float:
    """Relative change of Bl by taking a nonlinearity of 1 of the voltmeter out of the voltages."""
    stated, full_scale = certificates.estimates()["induced_nonlinearity"], certificates.induced_range
    if full_scale is None or not (stated.value or stated.u):
        return 0.0
    straight = replace(some, voltage=some.voltage - BENT * bend(some.voltage, full_scale))
    return float(how.fit(straight, straight).bl / how.fit(some, some).bl - 1.0) / BENT


@dataclass(frozen=True)
class _Model:
    """How a group is fitted.

    Parameters
    ----------
    z_w : where Bl is wanted (m). order : of Bl(z).
    delay : by which voltages belong to later positions (s), where it is not fitted, and where the fit begins.
    stretch : by which apertures are longer than stated, and begin later along a sweep, relative.
    bend : share of the acceleration in the positions beside (s²).
    skewed : whether the delay is fitted.
    period : of the interferometer's periodic error, if that is fitted (m).
    offset_drifts : whether a drift of the voltages' offset is fitted.
    """

    z_w: float
    order: int
    delay: float
    stretch: float
    bend: float
    skewed: bool
    period: float | None
    offset_drifts: bool

    def fit(self, few: Sweeps, sweeps: Sweeps, near: VelocityFit | None = None) -> VelocityFit:
        """The fit of a group: delay and periodic error from its first, few sweeps, and what is left, small, from all.

        Both may be those of a group `near`, if positions are hardly moved, and what is left is small.

        Raises
        ------
        ReductionError
            If the readings do not determine Bl, or belong to no delay.
        """
        close, most = SETTLED * sweeps.aperture, MOST_SKEW * sweeps.voltage.shape[1] * sweeps.aperture
        if near is not None and self.period is not None and few is not sweeps:
            delay, periodic = self.delay if near.skew is None else near.skew, near.periodic
            if abs(delay) <= close:
                fit = self._around(few, sweeps, delay, periodic)
                left = 2 * np.pi * np.subtract(fit.periodic, periodic) / self.period
                if (fit.skew is None or abs(fit.skew - delay) <= close) and np.hypot(*left) <= SETTLED:
                    return fit
        delay, periodic = self.delay, (0.0, 0.0)
        if self.skewed or self.period is not None:
            for _ in range(ITERATIONS):
                fit = self._fit(few, few, delay, periodic)
                step = fit.skew or 0.0
                delay, periodic = delay + step, _sum(periodic, fit.periodic)
                stays = abs(delay) <= close or np.hypot(*fit.periodic) <= PERIODIC * np.hypot(*periodic)
                if (abs(step) <= close and stays) or abs(delay) > most:
                    break
            if self.skewed and abs(delay) > most:
                raise ReductionError(
                    f"the voltages belong to positions {delay * 1e3:+.3g} ms later than those read with them; more "
                    f"than {most * 1e3:.3g} ms, {MOST_SKEW:.0%} of a window, are refused, as what the coil does "
                    "between windows is not known: read both at the same time"
                )
            if self.skewed and not abs(step) <= close:
                raise ReductionError(
                    f"the delay of voltages behind positions does not settle: at {delay * 1e3:+.3g} ms it still "
                    f"changes by {step * 1e3:+.2g} ms, as the motion does not tell it from the field's profile and the "
                    "interferometer's periodic error; take another reading_step or velocity"
                )
        return self._around(few, sweeps, delay, periodic)

    def _around(self, few: Sweeps, sweeps: Sweeps, delay: float, periodic: tuple[float, float]) -> VelocityFit:
        """With what is left of this delay and this periodic error fitted, and added."""
        fit = self._fit(few, sweeps, delay, periodic)
        skew = None if fit.skew is None else delay + fit.skew
        return replace(fit, skew=skew, periodic=_sum(periodic, fit.periodic))

    def _fit(self, few: Sweeps, sweeps: Sweeps, delay: float, periodic: tuple[float, float]) -> VelocityFit:
        """With the positions freed of this periodic error, and moved by this delay along the motion of the few."""
        shown, acceleration = sweeps, None
        if self.period is not None and any(periodic):
            shown = replace(sweeps, position=without_periodic_error(sweeps.position, periodic, self.period))
        position = shown.position
        if delay or self.stretch or self.bend or self.skewed:
            later: Any = delay
            if self.stretch:
                later = delay + self.stretch * sweeps.aperture * np.arange(position.shape[1])
            far = bool(np.any(np.abs(later) > SETTLED * sweeps.aperture))  # then noise moves positions, too
            motion = (shown if far else few).motion.over(position)
            position = motion.moved(position, later, self.bend)
            acceleration = motion.mean_acceleration(later) if self.skewed else None
        return fit_velocity(
            sweeps.voltage,
            position,
            sweeps.aperture * (1.0 + self.stretch),
            sweeps.time,
            self.z_w,
            self.order,
            self.period,
            shown=shown.position,
            acceleration=acceleration,
            offset_drifts=self.offset_drifts,
            named=sweeps.lags,
        )


def _profile_order(groups: tuple[Sweeps, ...], how: _Model, settings: ReductionSettings) -> int:
    """The order of the polynomial Bl(z): that of the settings, or more if it leaves something of the profile.

    Two orders more change Bl at the weighing position, in the mean over the groups, by no more than three times what
    the noise explains.
    """
    some = [group.kept(slice(max(SWEEPS_TO_TELL // len(groups), FEWEST_TO_TELL))) for group in groups]

    def fitted(order: int) -> tuple[Array, Array]:
        fits = [replace(how, order=order).fit(sweeps, sweeps) for sweeps in some]
        return np.array([fit.bl for fit in fits]), np.array([fit.u_bl for fit in fits])

    order = settings.profile_order
    if order + 2 > settings.highest_profile_order:
        if order < PARABOLA:
            _check_low_order(order, fitted)
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


def _check_low_order(order: int, fitted: Callable[[int], tuple[Array, Array]]) -> None:
    """Refuse an order of Bl(z) that is less than a magnet's parabola needs, if readings tell that it is.

    Raises
    ------
    ReductionError
        If two orders more change Bl, in the mean over the groups, by far more than noise.
    """
    try:
        (bl, _), (higher, u) = fitted(order), fitted(order + 2)
    except ReductionError:  # too few readings to tell
        return
    change = float((higher / bl - 1.0).mean())
    noise = float(np.sqrt(np.sum((u / bl) ** 2))) / len(bl)
    if abs(change) > max(CERTAIN * noise, SMALL):
        raise ReductionError(
            f"a profile of order {order} does not follow the field along the coil's way: two orders more change Bl by "
            f"{change:+.2g}, relative; raise reduction.profile_order"
        )


def _doubt(first: Estimate, second: Estimate) -> float:
    """By how much the product of two estimates may be off."""
    return abs(first.value) * second.u + abs(second.value) * first.u


def _fitted(few: Sweeps, sweeps: Sweeps, how: _Model, near: VelocityFit | None) -> VelocityFit:
    """The fit of a group, and what one with the drift of the offset would change; an error names the cycle."""
    try:
        fit = how.fit(few, sweeps, near)
        if how.offset_drifts:
            return fit
        change = replace(how, offset_drifts=True).fit(few, sweeps).bl / fit.bl - 1.0
        return replace(fit, offset_drift=fit.offset_drift._replace(change=change))
    except ReductionError as error:
        raise ReductionError(f"cycle {sweeps.cycle + 1}: {error}") from None


def _sum(first: tuple[float, float], second: tuple[float, float]) -> tuple[float, float]:
    return first[0] + second[0], first[1] + second[1]


def without_periodic_error(position: Array, periodic: tuple[float, float], period: float) -> Array:
    """Positions (m) less the interferometer's periodic error, `VelocityFit.periodic`.

    The error e belongs to the true position p and the interferometer shows s = p + e(p), so that e is sought at s − e.
    """
    size, wave = float(np.hypot(*periodic)), 2 * np.pi / period
    sine, cosine = sine_cosine(wave * position + np.arctan2(*periodic[::-1]))
    return position - size * sine * (1.0 - wave * size * cosine)


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
