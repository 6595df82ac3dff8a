"""The thermal-magnetic analysis of Liu2025: periodic magnet temperature, its mean difference between the phases, the
bias.

It works on the *recorded truth*, or on a thermometer good enough, and has no part in the mass.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from scenarios.reduction.errors import ReductionError
from twin.parameter import Parameters

Array = NDArray[np.float64]
Windows = Sequence[tuple[float, float]] | Array

AMBIENT_ORDER = 6  # lowest order that Liu2025 and Li2026 use
SAMPLES_OF_A_SWING = 8192  # in a period, to find where it is largest
ALL_HARMONICS = 24  # of the period, that a periodic drift fit takes for no drift


class PeriodicSettings(Parameters):
    """How the periodic part of a temperature is found."""

    drift_order: int | None = Field(None, ge=0, le=15, description="order of the polynomial T_f; none: no polynomial")
    drift_fit: Literal["sequential", "joint", "periodic"] = Field(
        "sequential",
        description="polynomial first, then the sine (Liu2025); both in one least-squares fit; or the polynomial in "
        "one fit with the sine and all harmonics up to the 24th, for the power too",
    )
    periods: int | None = Field(None, ge=1, description="number of periods used; none: all whole ones")
    take: Literal["last", "first"] = Field("last", description="which of the periods, if not all are used")
    harmonics: list[int] | None = Field(
        None,
        min_length=1,
        description="orders of the sines in the fit, of the period's frequency; none: the campaign's",
    )
    average: Literal["fit", "remainder"] = Field(
        "fit", description="delta_t_m from the fitted sine (Liu2025) or from the remainder itself (Li2026)"
    )

    @property
    def polynomial_order(self) -> int | None:
        """The order of T_f that applies, None for no polynomial."""
        return self.drift_order


class ThermalSettings(PeriodicSettings):
    """How the periodic part of the magnet's temperature is found, in a campaign that weighs."""

    start: Literal["steady_state", "ambient"] = Field(
        "steady_state", description="initial temperatures: periodic steady state, or all at ambient"
    )
    drift_order: int | None = Field(
        None, ge=0, le=15, description="order of the polynomial T_f; none: 6 for a start at ambient, else no polynomial"
    )

    @property
    def polynomial_order(self) -> int | None:
        """The order of T_f that applies, None for no polynomial."""
        return AMBIENT_ORDER if self.drift_order is None and self.start == "ambient" else self.drift_order


@dataclass(frozen=True, eq=False)
class ThermalResult:
    """What the magnet's temperature does to the mass.

    Parameters
    ----------
    delta_t_f_K : peak-to-peak of the fitted sine, or of the sum of sines, δT_f.
    delta_t_m_K : mean over the velocity windows minus mean over the weighing windows, δT_m.
    delay_s : lag of the fitted temperature behind the fundamental of the heating power minus a quarter period, within
        half a period either way: 0 if the temperature peaks as the heating ends. None if nothing heats, or nothing
        warms. With several sines, of the first of them.
    epsilon : relative error of the mass, α_m δT_m.
    swing_gain, difference_gain : standard uncertainty of δT_f and δT_m for one of 1 in the amplitude of every sine and
        cosine that was fitted, independent of each other, as white noise of the readings makes it.
    phase_s : time after the start of a period at which the fitted sine, the first of several, is largest.
    remainder_peak_to_peak_K, misfit_rms_K : of the remainder, and of the remainder less the sine.
    drift_order, periods : used.
    times_s, remainder_K, fit_K : the periods used, for a picture.
    """

    delta_t_f_K: float
    delta_t_m_K: float
    delay_s: float | None
    epsilon: float
    swing_gain: float
    difference_gain: float
    phase_s: float
    remainder_peak_to_peak_K: float
    misfit_rms_K: float
    drift_order: int | None
    periods: int
    times_s: Array = field(repr=False)
    remainder_K: Array = field(repr=False)
    fit_K: Array = field(repr=False)


def thermal_analysis(
    times_s: ArrayLike,
    temperature_K: ArrayLike,
    power_W: ArrayLike,
    period_s: float,
    weighing_windows: Windows,
    velocity_windows: Windows,
    settings: PeriodicSettings | None = None,
    temperature_coefficient: float = 0.0,
    mass_on: ArrayLike | None = None,
    harmonics: Sequence[int] = (1,),
) -> ThermalResult:
    """Analyse a magnet temperature that follows a periodic heating.

    Parameters
    ----------
    times_s : ascending, at least one period long; even spacing is best. Periods start at times_s[0].
    temperature_K, power_W : magnet temperature and heating power at these times. A jump of the power between two
        samples is known to half a sample, and so is the delay.
    period_s : τ_c of the measurement.
    weighing_windows, velocity_windows : data windows (start, end) in s; those outside the periods used are not looked
        at.
    settings : defaults of `PeriodicSettings` if None.
    temperature_coefficient : α_m (1/K).
    mass_on : whether the mass is on, for each weighing window: the weighing mean is then that of the means on and off
        (Liu2025), as it is in the mass. None: all windows alike.
    harmonics : orders of the sines that are fitted, unless the settings say: (1,) for TMTP; (4, 2) for OMTP, whose
        periods are τ_c/4 and τ_c/2 (Liu2025: τ1 and 2 τ1).

    Raises
    ------
    ReductionError
        If the record is shorter than the periods asked for, holds numbers that are not finite, or has no window of
        either kind.

    Notes
    -----
    Liu2025 section "Processing": subtract a polynomial T_f over all periods, fit a sine of period τ_c to the remainder
    (and a constant, which drops out); δT_f = 2 amplitudes; δT_m = mean of the fit over the velocity windows minus that
    over the weighing windows. A sine over few periods is not orthogonal to a polynomial, so that the sequential fit
    loses some of it; the joint fit does not, but is not what the paper does. A polynomial still takes up some of what
    repeats and is no sine, which the periodic fit leaves alone. Li2026 averages the remainder itself.
    """
    settings = settings or PeriodicSettings()
    t, temperature, power = (np.asarray(x, dtype=float) for x in (times_s, temperature_K, power_W))
    _check(t, temperature, power, period_s)
    largest = float(np.abs(power).max())
    first, periods = _span(t, period_s, settings)
    last = first + periods * period_s
    used = (t >= first - 1e-9 * period_s) & (t < last - 1e-9 * period_s)
    periods_s = [period_s / harmonic for harmonic in settings.harmonics or harmonics]
    sines = np.column_stack([wave for own in periods_s for wave in _sines(t, own)])
    width = np.asarray(np.gradient(t[used]), dtype=np.float64)
    place, repeating = 2 * (t - first) / (last - first) - 1, sines
    if settings.drift_fit == "periodic":
        orders = {*range(1, ALL_HARMONICS + 1), *(settings.harmonics or harmonics)}
        repeating = np.column_stack([wave for order in sorted(orders) for wave in _sines(t, period_s / order)])
        power = power - _drift(place, power, repeating, used, width, settings)
    remainder = temperature - _drift(place, temperature, repeating, used, width, settings)
    waves = np.column_stack([sines, np.ones_like(t)])
    both = _least_squares(waves[used], np.column_stack([remainder, power])[used], width)
    fit = waves @ both[:, 0]
    constant = float(both[-1, 0])
    (a, b), (pa, pb) = both[:2].T.tolist()
    course = np.linspace(0.0, period_s, SAMPLES_OF_A_SWING, endpoint=False)
    swings = np.column_stack([wave for own in periods_s for wave in _sines(course, own)])
    swing = swings @ both[:-1, 0]
    # Below these there is rounding but no wave, whose phase would mean something.
    full = float(np.abs(remainder[used] - constant).max())
    warms = math.hypot(a, b) > max(1e-9 * full, 1e-13 * float(np.abs(temperature).max()))
    heats = math.hypot(pa, pb) > 1e-9 * largest

    weighings = _weighings(weighing_windows, mass_on)
    kinds = [("velocity", velocity_windows, 1.0), *((*one, -1.0 / len(weighings)) for one in weighings)]
    edges = [(_within(name, windows, first, last, 1e-9 * period_s), share) for name, windows, share in kinds]
    gains = sum(share * _means_of_waves(periods_s, own) for own, share in edges)
    if settings.average == "remainder":
        delta_t_m = sum(share * _mean_of_samples(t, remainder, own) for own, share in edges)
        lasting = (share**2 / float(np.diff(own).sum()) for own, share in edges)
        difference_gain = math.sqrt(0.5 * (last - first) * sum(lasting))
    else:
        delta_t_m, difference_gain = float(gains @ both[:-1, 0]), float(np.linalg.norm(gains))
    return ThermalResult(
        delta_t_f_K=2 * math.hypot(a, b) if len(periods_s) == 1 else float(np.ptp(swing)),
        delta_t_m_K=delta_t_m,
        delay_s=_delay((a, b), (pa, pb), periods_s[0]) if warms and heats else None,
        epsilon=temperature_coefficient * delta_t_m,
        swing_gain=float(np.linalg.norm(swings[swing.argmax()] - swings[swing.argmin()])),
        difference_gain=difference_gain,
        phase_s=(math.atan2(a, b) / math.tau * periods_s[0] - float(t[0])) % periods_s[0],
        remainder_peak_to_peak_K=float(np.ptp(remainder[used])),
        misfit_rms_K=float(np.sqrt(np.mean((remainder - fit)[used] ** 2))),
        drift_order=settings.polynomial_order,
        periods=periods,
        times_s=t[used],
        remainder_K=remainder[used],
        fit_K=fit[used],
    )


def _drift(
    u: Array, temperature: Array, sines: Array, used: NDArray[np.bool_], width: Array, settings: PeriodicSettings
) -> Array:
    """The polynomial T_f at places u, -1 to 1 over the periods used; none without an order.

    Parameters
    ----------
    sines : columns of the waves, which a joint or periodic fit finds beside the polynomial.
    used, width : the samples that are fitted, and their weights.
    """
    order = settings.polynomial_order
    if order is None:
        return np.zeros_like(u)
    basis: Array = np.asarray(np.polynomial.chebyshev.chebvander(u, order))
    columns = np.column_stack([basis, sines]) if settings.drift_fit != "sequential" else basis
    drift: Array = basis @ _least_squares(columns[used], temperature[used], width)[: order + 1]
    return drift


def _weighings(windows: Windows, mass_on: ArrayLike | None) -> list[tuple[str, Windows]]:
    """The weighing windows by what they are; all alike if it is not known whether the mass was on."""
    if mass_on is None:
        return [("weighing", windows)]
    on, every = np.asarray(mass_on, dtype=bool), np.asarray(windows, dtype=float)
    return [("mass-on weighing", every[on]), ("mass-off weighing", every[~on])]


def _within(kind: str, windows: Windows, first: float, last: float, slack: float) -> Array:
    """The windows that lie within the periods used; there has to be one."""
    edges = np.asarray(windows, dtype=float).reshape(-1, 2)
    inside = (edges[:, 0] >= first - slack) & (edges[:, 1] <= last + slack)
    edges = edges[inside & (edges[:, 1] > edges[:, 0])]
    if not len(edges):
        raise ReductionError(
            f"thermal analysis: no {kind} window lies within the periods used, {first:g} s to {last:g} s"
        )
    return edges


def _check(t: Array, temperature: Array, power: Array, period: float) -> None:
    if t.ndim != 1 or temperature.shape != t.shape or power.shape != t.shape or len(t) < 4:
        raise ReductionError(
            "thermal analysis: times, temperature and power must be one-dimensional and equally long, at least 4, "
            f"not {t.shape}, {temperature.shape}, {power.shape}"
        )
    for name, values in (("times", t), ("temperature", temperature), ("power", power)):
        if not np.all(np.isfinite(values)):
            raise ReductionError(f"thermal analysis: the {name} are not finite throughout")
    if np.any(np.diff(t) <= 0):
        raise ReductionError("thermal analysis: the times must ascend")
    if not (math.isfinite(period) and period > 0):
        raise ReductionError(f"thermal analysis: the period must be positive, not {period}")


def _span(t: Array, period: float, settings: PeriodicSettings) -> tuple[float, int]:
    """Start and number of the periods used. The last sample stands for the step that it begins."""
    whole = int((t[-1] - t[0] + (t[-1] - t[-2])) / period + 1e-9)
    periods = settings.periods or whole
    if whole < max(periods, 1):
        raise ReductionError(
            f"thermal analysis: the record holds {whole} whole periods of {period:g} s and {max(periods, 1)} are needed"
        )
    skip = whole - periods if settings.take == "last" else 0
    return float(t[0]) + skip * period, periods


def _sines(t: Array, period: float) -> tuple[Array, Array]:
    angle = math.tau * np.mod(t, period) / period
    return np.sin(angle), np.cos(angle)


def _least_squares(design: Array, data: Array, width: Array) -> Array:
    """Least squares weighted with the time that each sample stands for; `data` may have several columns.

    Normal equations with one step of refinement: the bases are near orthogonal, and a record has many samples.
    """
    weighted = design * width[:, None]
    normal = weighted.T @ design
    if len(design) < design.shape[1] or np.linalg.cond(normal) > 1e12:
        raise ReductionError(
            "thermal analysis: too few samples for the order of the polynomial; lower thermal.drift_order"
        )
    solution = np.linalg.solve(normal, weighted.T @ data)
    return solution + np.linalg.solve(normal, weighted.T @ (data - design @ solution))


def _means_of_waves(periods: Sequence[float], edges: Array) -> Array:
    """Means of sin ωt and cos ωt for each period over all windows together, exact, shape (2 periods,)."""
    half, found = 0.5 * (edges[:, 1] - edges[:, 0]), []
    for period in periods:
        omega, middle = math.tau / period, np.mod(edges.mean(axis=1), period)
        means = 2 * np.sin(omega * half) / omega * np.stack([np.sin(omega * middle), np.cos(omega * middle)])
        found.append(means.sum(axis=1) / (2 * half.sum()))
    return np.concatenate(found)


def _mean_of_samples(t: Array, values: Array, edges: Array) -> float:
    """Mean of the line through the samples over all windows together, exact; past the last sample it goes on level."""
    running = np.concatenate([[0.0], np.cumsum(0.5 * np.diff(t) * (values[1:] + values[:-1]))])
    before = np.clip(np.searchsorted(t, edges, side="right") - 1, 0, len(t) - 1)
    rest = edges - t[before]
    until = running[before] + 0.5 * rest * (values[before] + np.interp(edges, t, values))
    return float((until[:, 1] - until[:, 0]).sum() / (edges[:, 1] - edges[:, 0]).sum())


def _delay(temperature: tuple[float, float], power: tuple[float, float], period: float) -> float:
    """Lag of one sine (sin and cos parts) behind the other minus a quarter period, within (−τ/2, τ/2]."""
    lag = (math.atan2(power[1], power[0]) - math.atan2(temperature[1], temperature[0])) / math.tau - 0.25
    lag -= math.ceil(lag - 0.5)
    return lag * period
