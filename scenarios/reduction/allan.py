"""Allan deviation with error bars, and what it says about the uncertainty of a mean.

Readings whose noise is serially correlated have a mean that SD/√n does not describe: the flicker noise of a Zener
reference has a floor that no averaging passes (T. J. Witt, IEEE Trans. Instrum. Meas. 50, 445 (2001)). The Allan
deviation shows where averaging stops to help.

Source: W. J. Riley, Handbook of Frequency Stability Analysis, NIST SP 1065 (2008): overlapping Allan deviation
(5.2.4), equivalent degrees of freedom (5.4.1, table 5), noise identification by lag-1 autocorrelation (5.5.3).
Readings take the place of fractional frequencies: white FM there is white noise here, flicker FM flicker noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CONFIDENCE = 0.6826895  # of the error bars: one standard deviation of a normal distribution
TO_IDENTIFY = 30  # averages that the lag-1 autocorrelation needs to tell the noise
LEVELS_OFF = 5.0  # gain of twice the log-likelihood that flicker noise beside or in place of white noise needs
RISES = 20.0  # the same for a random walk, whose part in the mean is extrapolated far
STEPS = 8192  # differences that do for an average: of more readings not every overlap is taken
NONE = np.zeros(0)


@dataclass(frozen=True, eq=False)
class AllanDeviation:
    """Overlapping Allan deviation of equally spaced readings.

    Parameters
    ----------
    tau_s, deviation, low, high : averaging times (s), deviation and its 68 % interval (unit of the readings), shape
        (n,); empty for fewer than four readings.
    edf : equivalent degrees of freedom of the squared deviation.
    white : coefficient of white noise, deviation·√τ (unit·√s); None if there is no curve.
    floor : level of flicker noise (unit); None if the curve shows none.
    """

    tau_s: Array
    deviation: Array
    low: Array
    high: Array
    edf: Array
    white: float | None
    floor: float | None


@dataclass(frozen=True, eq=False)
class AllanCurve:
    """The Allan deviation of a channel of the run; see `AllanDeviation`."""

    channel: str
    quantity: str
    unit: str
    tau_s: Array
    deviation: Array
    low: Array
    high: Array
    white: float | None
    floor: float | None

    @classmethod
    def of(cls, channel: str, quantity: str, unit: str, found: AllanDeviation) -> AllanCurve:
        """Name what a deviation belongs to."""
        curve = found.tau_s, found.deviation, found.low, found.high
        return cls(channel, quantity, unit, *curve, found.white, found.floor)


@dataclass(frozen=True)
class MeanUncertainty:
    """Standard uncertainty of the mean of a record.

    Parameters
    ----------
    u : in the unit of the readings; `dof` are its degrees of freedom.
    tau_s : averaging time up to which averaging helped (s).
    white : whether the noise passes for white, so that u is SD/√n.
    """

    u: float
    dof: float
    tau_s: float
    white: bool


@dataclass(frozen=True, eq=False)
class _Curve:
    """Squared deviations (m,) at averaging factors, with degrees of freedom."""

    factors: NDArray[np.int64]
    variance: Array
    edf: Array


@dataclass(frozen=True, eq=False)
class _Levels:
    """Parts of the variance at one reading's spacing: proportional to 1/τ, constant, proportional to τ."""

    parts: Array
    covariance: Array


def allan_deviation(values: Array, spacing_s: float) -> AllanDeviation:
    """Overlapping Allan deviation at averaging factors 1, 2, 5, 10, … up to a quarter of the record.

    Parameters
    ----------
    values : readings at equal spacing, shape (n,); those that are missing are NaN.
    spacing_s : from reading to reading (s).

    Notes
    -----
    An average counts if at least half of its readings are there; pairs with one that does not are left out.
    """
    return mean_deviation([values], spacing_s)


def mean_deviation(records: Sequence[Array], spacing_s: float) -> AllanDeviation:
    """That of several records of the same noise, each uninterrupted: variances averaged by their degrees of freedom."""
    curve = _together([_curve(np.asarray(values, dtype=float)) for values in records])
    if not curve.factors.size:
        return AllanDeviation(NONE, NONE, NONE, NONE, NONE, None, None)
    deviation = np.sqrt(curve.variance)
    low, high = _interval(curve.edf)
    levels = _levels(curve)
    return AllanDeviation(
        tau_s=curve.factors.astype(float) * spacing_s,
        deviation=deviation,
        low=deviation * low,
        high=deviation * high,
        edf=curve.edf,
        white=math.sqrt(levels.parts[0] * spacing_s),
        floor=math.sqrt(levels.parts[1]) if levels.parts[1] > 0 else None,
    )


def mean_uncertainty(values: Array, spacing_s: float) -> MeanUncertainty:
    """Standard uncertainty of the mean of a record, with regard to serial correlation.

    Parameters
    ----------
    values : readings at equal spacing, shape (n,); those that are missing are NaN.
    spacing_s : from reading to reading (s).

    Notes
    -----
    u² is the Allan variance at τ = T, the length of the record: half the mean square of the difference between the
    means of this record and of the next. For white noise that is SD²/n; for flicker noise it is the floor², where the
    deviation of the mean from a mean over a longer time S is floor·√(ln(S/T)/(2 ln 2)), which is the floor itself for
    S = 4 T.

    A record cannot hold two averages of its own length, so that the Allan variance is carried on from shorter ones:
    W/τ, W/τ + F, F, W/τ + R τ or R τ is fitted to the curve, with weights from its degrees of freedom. White noise
    alone, and with it SD/√n, stands until another is more likely by a good deal (twice the gain of the log-likelihood
    exceeds `LEVELS_OFF`, or `RISES`): the few longest averages often seem to level off by chance. That makes u right
    on average (rms over many records) within 15 % for white noise, flicker noise and mixtures, from 100 readings on.
    """
    values = np.asarray(values, dtype=float)
    good = values[np.isfinite(values)]
    n = len(good)
    if n < 2:
        return MeanUncertainty(0.0, math.inf, n * spacing_s, True)
    white = MeanUncertainty(float(np.std(good, ddof=1)) / math.sqrt(n), n - 1.0, len(values) * spacing_s, True)
    curve = _curve(values)
    if not curve.factors.size or white.u == 0:
        return white
    levels = _levels(curve)
    if not levels.parts[1:].any():
        return white
    n = len(values)
    weights = np.array([1 / n, 1.0, n])
    variance, spread = float(weights @ levels.parts), float(weights @ levels.covariance @ weights)
    w, f, r = levels.parts
    corner = w / f if f else math.sqrt(w / r)
    return MeanUncertainty(
        u=math.sqrt(variance),
        dof=min(max(2 * variance**2 / spread, 1.0), len(good) - 1.0),
        tau_s=min(max(corner, 1.0), n) * spacing_s,
        white=False,
    )


def _curve(values: Array) -> _Curve:
    """The overlapping Allan variance (NIST SP 1065, equation 11) from cumulative sums."""
    n = len(values)
    factors = [m for e in range(12) for m in (10**e, 2 * 10**e, 5 * 10**e) if m <= n // 4]
    there = np.isfinite(values)
    number = int(np.count_nonzero(there))
    if number < 4 or not factors:
        return _Curve(NONE.astype(np.int64), NONE, NONE)
    values = values - values[np.argmax(there)]  # a constant becomes exactly zero
    if number < n:
        values[~there] = 0.0
        values[there] -= values.sum() / number
    else:
        values -= values.sum() / n
    total = np.concatenate([[0.0], np.cumsum(values)])
    count = np.concatenate([[0.0], np.cumsum(there)]) if number < n else None
    kept, variances, edfs, alpha = [], [], [], 0
    for m in factors:
        stride = max(1, min(m // 5, n // STEPS))
        while m % stride:
            stride -= 1
        averages = _averages(total, count, m, stride)
        lag = m // stride
        steps = averages[lag:] - averages[:-lag]
        share = 1.0
        if count is not None:
            possible = len(steps)
            steps = steps[np.isfinite(steps)]
            share = len(steps) / possible
        if not len(steps):
            continue
        if m == 1 or n // m >= TO_IDENTIFY:
            alpha = _exponent(averages[::lag][:STEPS])
        kept.append(m)
        variances.append(0.5 * float(steps @ steps) / len(steps))
        edfs.append(max(share * _edf(alpha, n + 1, m), 1.0))
    return _Curve(np.array(kept, dtype=np.int64), np.array(variances), np.array(edfs))


def _together(curves: Sequence[_Curve]) -> _Curve:
    """The mean of curves; their degrees of freedom add up."""
    if len(curves) == 1:
        return curves[0]
    joined = [np.concatenate(column) for column in zip(*((c.factors, c.variance, c.edf) for c in curves), strict=True)]
    factors, place = np.unique(joined[0], return_inverse=True)
    edf = np.bincount(place, joined[2], len(factors)).astype(float)
    return _Curve(factors, np.bincount(place, joined[1] * joined[2], len(factors)) / edf, edf)


def _averages(total: Array, count: Array | None, m: int, stride: int) -> Array:
    """Means of m readings in a row, each `stride` readings after the one before; NaN if most of them are missing."""
    ends = total[m::stride]
    sums = ends - total[: len(total) - m : stride]
    if count is None:
        sums /= m
        return sums
    number = count[m::stride] - count[: len(total) - m : stride]
    return np.divide(sums, number, out=np.full(len(sums), np.nan), where=2 * number >= m)


def _exponent(averages: Array) -> int:
    """Exponent 0, −1 or −2 of the noise's spectrum S(f) ∝ f^α, from the lag-1 autocorrelation (NIST SP 1065, 5.5.3).

    Noise bluer than white counts as white, whose degrees of freedom are fewer.
    """
    z = averages[np.isfinite(averages)]
    for differenced in range(2):
        if len(z) < 3:
            return 0
        z = z - z.mean()
        power = float(z @ z)
        r = float(z[:-1] @ z[1:]) / power if power else 0.0
        delta = r / (1 + r)
        if delta < 0.25:
            return min(max(round(-2 * (delta + differenced)), -2), 0)
        z = np.diff(z)
    return -2


def _edf(alpha: int, points: int, m: int) -> float:
    """Equivalent degrees of freedom (NIST SP 1065, table 5) for `points` = n + 1 sums of n readings."""
    N = points
    if alpha == 0:
        return (3 * (N - 1) / (2 * m) - 2 * (N - 2) / N) * 4 * m**2 / (4 * m**2 + 5)
    if alpha == -1:
        return 2 * (N - 2) ** 2 / (2.3 * N - 4.9) if m == 1 else 5 * N**2 / (4 * m * (N + 3 * m))
    return (N - 2) / m * ((N - 1) ** 2 - 3 * m * (N - 1) + 4 * m**2) / (N - 3) ** 2


def _interval(edf: Array) -> tuple[Array, Array]:
    """Factors from a deviation to the ends of its interval, from χ² (NIST SP 1065, equation 45)."""
    from scipy.special import gammaincinv

    tail = 0.5 * (1 - CONFIDENCE)
    return np.sqrt(edf / (2 * gammaincinv(edf / 2, 1 - tail))), np.sqrt(edf / (2 * gammaincinv(edf / 2, tail)))


def _levels(curve: _Curve) -> _Levels:
    """White noise alone, or what is likelier by far."""
    m = curve.factors.astype(float)
    if not curve.variance.all():
        return _Levels(np.array([float(curve.variance[0]), 0.0, 0.0]), np.zeros((3, 3)))
    terms = np.array([1 / m, np.ones_like(m), m])
    best, deviance = _fit(curve, terms, [0])
    for chosen, needed in (([0, 1], LEVELS_OFF), ([1], LEVELS_OFF), ([0, 2], RISES), ([2], RISES)):
        if deviance <= needed:
            continue
        levels, left = _fit(curve, terms, chosen)
        if deviance - left > needed:
            best, deviance = levels, left
    return best


def _fit(curve: _Curve, terms: Array, chosen: list[int]) -> tuple[_Levels, float]:
    """Parts of the curve by maximum likelihood for variances distributed as χ², and minus twice its logarithm.

    The weights of least squares are those of the fitted curve; those of the curve itself would favour what is low by
    chance. The deviance is infinite if a part would be negative.
    """
    design = terms[chosen]
    parts, covariance = np.zeros(3), np.zeros((3, 3))
    model = curve.variance
    for _ in range(6):
        weighted = design * (curve.edf / (2 * model**2))
        normal, right = weighted @ design.T, weighted @ curve.variance
        scale = np.sqrt(np.diag(normal))
        normal /= np.outer(scale, scale)
        if np.linalg.det(normal) < 1e-9:
            return _Levels(parts, covariance), math.inf
        found = np.linalg.solve(normal, right / scale) / scale
        if np.any(found <= 0):
            return _Levels(parts, covariance), math.inf
        model = found @ design
    ratio = curve.variance / model
    parts[chosen] = found
    covariance[np.ix_(chosen, chosen)] = np.linalg.inv(normal) / np.outer(scale, scale)
    return _Levels(parts, covariance), float(np.sum(curve.edf * (ratio - np.log(ratio) - 1)))
