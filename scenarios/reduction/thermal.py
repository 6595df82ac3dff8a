"""The thermal-magnetic analysis of Liu2025: periodic magnet temperature, its mean difference between the phases, the
bias.

It works on the *recorded truth*, or on a thermometer good enough, and has no part in the mass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from scenarios.reduction.errors import ReductionError
from twin.angles import sine_cosine
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
    span = _Span.of(t, period_s, settings, tuple(settings.harmonics or harmonics))
    heat = power - span.drift(power, settings) if settings.drift_fit == "periodic" else power
    remainder = temperature - span.drift(temperature, settings)
    waves = np.column_stack([span.sines, np.ones_like(t)])
    both = _least_squares(waves[span.used], np.column_stack([remainder, heat])[span.used], span.width)
    fit, amplitudes = waves @ both[:, 0], both[:-1, 0]
    (a, b), (pa, pb) = both[:2].T.tolist()
    # Below these there is rounding but no wave, whose phase would mean something.
    full = float(np.abs(remainder[span.used] - both[-1, 0]).max())
    warms = math.hypot(a, b) > max(1e-9 * full, 1e-13 * float(np.abs(temperature).max()))
    heats = math.hypot(pa, pb) > 1e-9 * float(np.abs(power).max())
    swing, swing_gain = span.swing(amplitudes)
    windows = _windows(span, weighing_windows, velocity_windows, mass_on)
    gains = np.sum([share * _means_of_waves(span.periods_s, own) for own, share in windows], axis=0)
    delta_t_m, difference_gain = float(gains @ amplitudes), float(np.linalg.norm(gains))
    if settings.average == "remainder":
        delta_t_m, difference_gain = _difference(span, remainder, windows)
    return ThermalResult(
        delta_t_f_K=2 * math.hypot(a, b) if len(span.periods_s) == 1 else swing,
        delta_t_m_K=delta_t_m,
        delay_s=_delay((a, b), (pa, pb), span.periods_s[0]) if warms and heats else None,
        epsilon=temperature_coefficient * delta_t_m,
        swing_gain=swing_gain,
        difference_gain=difference_gain,
        phase_s=(math.atan2(a, b) / math.tau * span.periods_s[0] - float(t[0])) % span.periods_s[0],
        remainder_peak_to_peak_K=float(np.ptp(remainder[span.used])),
        misfit_rms_K=float(np.sqrt(np.mean((remainder - fit)[span.used] ** 2))),
        drift_order=settings.polynomial_order,
        periods=span.periods,
        times_s=t[span.used],
        remainder_K=remainder[span.used],
        fit_K=fit[span.used],
    )


@dataclass(frozen=True, eq=False)
class _Span:
    """The periods that are used of a record, and the sines that are fitted to them.

    Parameters
    ----------
    t : all times (s). period : τ_c (s).
    first, last : start and end of what is used (s), `periods` of them.
    used, width : the samples there, and the time that each stands for (s).
    periods_s : of the sines that are fitted (s); `sines` are their columns, shape (n, 2 sines).
    repeating : the columns that a joint or periodic fit of the drift finds beside the polynomial.
    """

    t: Array
    period: float
    first: float
    last: float
    periods: int
    used: slice
    width: Array
    periods_s: list[float]
    sines: Array
    repeating: Array

    @classmethod
    def of(cls, t: Array, period: float, settings: PeriodicSettings, harmonics: tuple[int, ...]) -> _Span:
        """Of a record, as the settings have it."""
        first, periods = _span(t, period, settings)
        last = first + periods * period
        used = slice(*np.searchsorted(t, np.array([first, last]) - 1e-9 * period).tolist())
        periods_s = [period / harmonic for harmonic in harmonics]
        sines = repeating = np.column_stack([wave for own in periods_s for wave in _sines(t, own)])
        if settings.drift_fit == "periodic":
            orders = sorted({*range(1, ALL_HARMONICS + 1), *harmonics})
            repeating = np.column_stack([wave for order in orders for wave in _sines(t, period / order)])
        width = np.asarray(np.gradient(t[used]), dtype=np.float64)
        return cls(t, period, first, last, periods, used, width, periods_s, sines, repeating)

    def drift(self, values: Array, settings: PeriodicSettings) -> Array:
        """The polynomial T_f of some values."""
        place = 2 * (self.t - self.first) / (self.last - self.first) - 1
        return _drift(place, values, self.repeating, self.used, self.width, settings)

    def swing(self, amplitudes: Array) -> tuple[float, float]:
        """The sines' sum from peak to peak, and what one of 1 in every amplitude makes of it, at random."""
        course = np.linspace(0.0, self.period, SAMPLES_OF_A_SWING, endpoint=False)
        waves = np.column_stack([wave for own in self.periods_s for wave in _sines(course, own)])
        found = waves @ amplitudes
        return float(np.ptp(found)), float(np.linalg.norm(waves[found.argmax()] - waves[found.argmin()]))


def _windows(
    span: _Span, weighing_windows: Windows, velocity_windows: Windows, mass_on: ArrayLike | None
) -> list[tuple[Array, float]]:
    """The windows within the periods used, by kind, each with its share of δT_m."""
    weighings = _weighings(weighing_windows, mass_on)
    kinds = [("velocity", velocity_windows, 1.0), *((*one, -1.0 / len(weighings)) for one in weighings)]
    slack = 1e-9 * span.period
    return [(_within(name, windows, span.first, span.last, slack), share) for name, windows, share in kinds]


def _difference(span: _Span, remainder: Array, windows: list[tuple[Array, float]]) -> tuple[float, float]:
    """δT_m of the remainder itself, and what white noise makes of it, for one of 1 in the amplitude of every sine."""
    until, lengths = _integral(span.t, remainder), [float(np.diff(own).sum()) for own, _ in windows]
    sums = [float(np.diff(until(own)).sum()) for own, _ in windows]
    difference = sum(share * sum_ / length for (_, share), sum_, length in zip(windows, sums, lengths, strict=True))
    lasting = (share**2 / length for (_, share), length in zip(windows, lengths, strict=True))
    return difference, math.sqrt(0.5 * (span.last - span.first) * sum(lasting))


def _drift(u: Array, temperature: Array, sines: Array, used: slice, width: Array, settings: PeriodicSettings) -> Array:
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
    """Start and number of the periods used. The last sample stands for the step it begins; half of that may lack."""
    step = t[-1] - t[-2]
    whole = int((t[-1] - t[0] + 1.5 * step) / period)
    periods = settings.periods or whole
    if whole < max(periods, 1):
        raise ReductionError(
            f"thermal analysis: the record holds {whole} whole periods of {period:g} s and {max(periods, 1)} are needed"
        )
    skip = whole - periods if settings.take == "last" else 0
    return float(t[0]) + skip * period, periods


def _sines(t: Array, period: float) -> tuple[Array, Array]:
    return sine_cosine(math.tau / period * np.mod(t, period))


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
    (start, end), found = edges.T, []
    half = 0.5 * (end - start)
    for period in periods:
        omega, middle = math.tau / period, np.mod(0.5 * (start + end), period)
        means = 2 * sine_cosine(omega * half)[0] / omega * np.stack(sine_cosine(omega * middle))
        found.append(means.sum(axis=1) / (2 * half.sum()))
    return np.concatenate(found)


def _integral(t: Array, values: Array) -> Callable[[Array], Array]:
    """Of the line through samples, from the first of them to any times, exact; past the last one it goes on level."""
    step = np.diff(t)
    running = np.concatenate([[0.0], np.cumsum(0.5 * step * (values[1:] + values[:-1]))])
    slope = np.append(np.diff(values) / step, 0.0)

    def until(times: Array) -> Array:
        before = np.maximum(np.searchsorted(t, times, side="right") - 1, 0)
        rest = times - t[before]
        found: Array = running[before] + rest * (values[before] + 0.5 * slope[before] * rest)
        return found

    return until


def _delay(temperature: tuple[float, float], power: tuple[float, float], period: float) -> float:
    """Lag of one sine (sin and cos parts) behind the other minus a quarter period, within (−τ/2, τ/2]."""
    lag = (math.atan2(power[1], power[0]) - math.atan2(temperature[1], temperature[0])) / math.tau - 0.25
    lag -= math.ceil(lag - 0.5)
    return lag * period
