"""Bl from a velocity group: voltages over apertures against the positions at their edges.

The mean voltage over an aperture times the aperture *is* the change of flux linkage between the positions at its edges.
With Bl(z) a polynomial this is exact for any motion, so that there is no aperture (sinc) bias and no differentiation.

Model: Ū A = Σ c_k [(z − z_w)^(k+1)/(k+1)] between the edges + (U0 + U0' t) A, with a linear drift of Bl in time
from four sweeps on, and with differences of sin and cos(2π z/period), the interferometer's periodic error times
−Bl. Sweeps that repeat, as oscillations do, meet the error at the same places each time, so that no averaging takes
it out. A skew adds Bl times the acceleration. The model is linear in all unknowns.

A drift of the offset, as that of a thermal EMF, is confused with Bl if sweeps up are earlier than those down. With
n sweeps up and down in turn r² of their time and sense is 3/(n² − 1) for an even n, 0 for an odd one, and the fit
of the drift makes the variance of Bl larger by 1/(1 − r²). One up and one down, r² = 1, do not tell it. A bend of
Bl in time, of a magnet that warms, would be taken for such a drift by 2/n²: up to 256 sweeps it is fitted, too.

The equations are weighted with the *smoothed* velocity of each sweep (instrumental variables) where least squares
would take the measured one: the same estimate for noise-free data, as precise to a few per cent, and free of the
attenuation by 2 σ_z²/Δz² that noise of the interferometer, which is in the regressor too, causes in least squares.

Uncertainty: each sweep's pull on Bl(z_w) is the sum of its weighted residuals. From 16 sweeps on the scatter of the
pulls of neighbouring pairs (one up, one down, so that a slow offset cancels as it does in the result) gives u, from
8 on that of single sweeps: noise may be correlated within them in any way. Below, the residuals are taken as white.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.errors import ReductionError
from scenarios.reduction.fringes import check_fringes
from scenarios.reduction.smooth_courses import SMOOTH_ORDER, smooth_courses
from scenarios.reduction.velocity_equations import Beside, Part, chunks_of, parts, within_sweep

Array = NDArray[np.float64]

SINGULAR = 1e12  # condition of normal equations of unit diagonal: refinement makes up for the rounding of less
REFINEMENTS, REFINED = 3, 1e-4  # at most so many; one that changes no more than this share is the last
SWEEPS_FOR_SCATTER = 8  # from here on the scatter between sweeps gives the uncertainty
SWEEPS_FOR_PAIRS = 16  # from here on the scatter between pairs of neighbouring sweeps
SWEEPS_FOR_DRIFT = 4  # from here on Bl may drift linearly within the group
SWEEPS_FOR_BEND = 256  # up to here a bend of Bl's course is told from a drift of the offset; of more, 2/n² of it is
MOST_CONFUSED = 0.8  # r² of time and sense of the sweeps: beyond, a drift of the offset looks like Bl


class OffsetDrift(NamedTuple):
    """A linear drift of the offset in a velocity group, thermal EMF above all, and what it does to Bl.

    Parameters
    ----------
    fitted : the drift (V/s); None if it was not fitted.
    change : relative change of Bl by that fit.
    sensitivity : relative change of Bl by a drift (s/V); 0 if it was fitted.
    """

    fitted: float | None = None
    change: float = 0.0
    sensitivity: float = 0.0

    @property
    def share(self) -> float:
        """1 if it was fitted, 0 if not."""
        return float(self.fitted is not None)


NO_DRIFT = OffsetDrift()


@dataclass(frozen=True, eq=False)
class VelocityFit:
    """Bl of one velocity group.

    Parameters
    ----------
    bl, u_bl : Bl at `z` and `time` and its standard uncertainty (T·m); `dof` are its degrees of freedom.
    time : mean time of the sweeps (s).
    z : position that `bl` belongs to (m); `mean_z` is the mean position of the data.
    coefficients : of Bl(z) = Σ c_k (z − z_w)^k (T·m/m^k), at `time`; c_0 is `bl`.
    drift : of Bl within the group (T·m/s); 0 if there are too few sweeps to tell.
    offset : of the voltmeter with its leads, at `time` (V).
    residual_rms : of the voltage (V).
    sweeps : Bl of each sweep at `z` with the common shape and offset (T·m); their mean is `bl`.
    serial_correlation : lag-one autocorrelation of `sweeps`. Near −1 the offset moves, well above 0 Bl itself does.
    number : readings used.
    periodic : A_s, A_c of the interferometer's periodic error A_s sin(2π z/period) + A_c cos(2π z/period) (m); zeros if
        it was not fitted.
    skew, u_skew : by which the voltages belong to later positions (s); None if it was not fitted.
    offset_drift : of the offset, and what it does to `bl`.
    parts : of `bl`, relative, that each of the voltages makes which were named beside.
    """

    bl: float
    u_bl: float
    dof: float
    time: float
    z: float
    mean_z: float
    coefficients: Array
    drift: float
    offset: float
    residual_rms: float
    serial_correlation: float
    number: int
    sweeps: Array = field(repr=False)
    periodic: tuple[float, float] = (0.0, 0.0)
    skew: float | None = None
    u_skew: float = 0.0
    offset_drift: OffsetDrift = NO_DRIFT
    parts: tuple[float, ...] = ()

    def profile(self, z: Array) -> Array:
        """Bl (T·m) at positions z (m), at the mean time of the group."""
        powers = (np.asarray(z, dtype=float) - self.z)[..., None] ** np.arange(len(self.coefficients))
        bl: Array = powers @ self.coefficients
        return bl


def fit_velocity(
    voltage: Array,
    position: Array,
    aperture: float,
    times: Array,
    z_w: float,
    order: int = 2,
    period: float | None = None,
    shown: Array | None = None,
    acceleration: Array | None = None,
    offset_drifts: bool = True,
    named: tuple[Array, ...] = (),
) -> VelocityFit:
    """Fit Bl(z) and the voltmeter's offset to the sweeps of one velocity group, see the module.

    Parameters
    ----------
    voltage : mean over each aperture (V), shape (sweeps, n).
    position : at the edges of the apertures (m), shape (sweeps, n + 1).
    aperture : (s).
    times : middle of each sweep (s), shape (sweeps,).
    z_w : the weighing position, where Bl is wanted (m).
    order : of the polynomial Bl(z).
    period : of the interferometer's periodic error (m), half its wavelength, to be fitted; None for none.
    shown : positions that this error belongs to (m), if the others have been moved to the time of the voltages.
    acceleration : mean over each aperture, without noise (m/s²), shape (sweeps, n); with it the skew between voltages
        and positions is fitted, in first order.
    offset_drifts : whether a linear drift of the offset is fitted, if the order of the sweeps tells it from Bl.
    named : parts of `voltage` (V) of which is asked what they make of Bl; the fit is linear in the voltages.

    Raises
    ------
    ReductionError
        If the coil stands still, moves one way only, never comes near `z_w`, or the readings are too few or not finite.
    """
    sweeps, n = voltage.shape
    time, spread = float(times.mean()), max(float(np.ptp(times)), 1e-300)
    centre, half = _checked(voltage, position, z_w)
    phase = None if period is None else 2 * np.pi / period * ((position if shown is None else shown) - centre)
    if phase is not None:
        check_fringes(phase, order)
    tau = (times - time) / spread
    drifts = int(sweeps >= SWEEPS_FOR_DRIFT)
    beside = Beside(tau, tau**2 - float(np.mean(tau**2)), drifts, None, acceleration, phase)
    if offset_drifts and voltage.size > order + 2 + beside.unknowns and _tells_offset_drift(position, times):
        drifts += SWEEPS_FOR_PAIRS <= sweeps <= SWEEPS_FOR_BEND
        beside = beside._replace(pace=aperture / spread, drifts=drifts)
    unknowns, creeps = order + 1 + beside.unknowns, beside.pace is not None
    if voltage.size <= unknowns:
        raise ReductionError(
            f"velocity data: {voltage.size} readings cannot determine {unknowns} unknowns; record more"
        )
    equations = parts(voltage, position, aperture, (centre, half), order, beside)
    solution, estimator, left = _solved(equations, order)
    to_powers = _shift(order, (z_w - centre) / half, half)
    coefficients = to_powers @ solution[: order + 1]
    bl = float(coefficients[0])
    skewed = slice(order + 1 + drifts, order + 1 + drifts + (acceleration is not None))
    gains = np.vstack([to_powers[0] @ estimator[: order + 1], estimator[skewed]])
    variance = sum(float(r @ r) for _, _, r in left) / (voltage.size - unknowns)
    (pull, *_), u, dof = _pulls(gains, left, n, variance, drifts + creeps)
    skew, u_skew = None, 0.0
    if acceleration is not None:
        skew, u_skew = float(solution[skewed][0]) / bl, float(u[1]) / abs(bl)
    return VelocityFit(
        bl=bl,
        u_bl=float(u[0]),
        dof=dof,
        time=time,
        z=float(z_w),
        mean_z=float(position.mean()),
        coefficients=coefficients,
        drift=float(solution[order + 1] / spread) if drifts else 0.0,
        offset=float(solution[-1]),
        residual_rms=float(np.sqrt(variance)),
        serial_correlation=_lag_one(pull),
        number=int(voltage.size),
        sweeps=bl + sweeps * pull,
        periodic=(0.0, 0.0)
        if period is None
        else _from_zero(-solution[-3:-1] * aperture / bl, 2 * np.pi / period * centre),
        skew=skew,
        u_skew=u_skew,
        offset_drift=_fitted(bl, gains[0], solution, estimator, skewed.stop, spread)
        if creeps
        else OffsetDrift(sensitivity=_part(bl, gains[0], left, (within_sweep(n, aperture) + (times - time)).T)),
        parts=tuple(_part(bl, gains[0], left, part) for part in named),
    )


def _tells_offset_drift(position: Array, times: Array) -> bool:
    """Whether the senses of the sweeps, up and down, tell a drift of the offset from Bl."""
    sense, time = np.sign(position[:, -1] - position[:, 0]), times - times.mean()
    sense -= sense.mean()
    return len(times) > 2 and float(sense @ time) ** 2 <= MOST_CONFUSED * float(sense @ sense) * float(time @ time)


def _part(bl: float, gain: Array, left: list[Part], voltage: Array) -> float:
    """Which part of Bl a voltage makes, relative, of shape (sweeps, n); `gain` makes Bl of the equations."""
    readings = (np.ravel(voltage[chunk].T) for chunk in chunks_of(*voltage.shape))
    return sum(float(gain @ (rows @ some)) for (_, rows, _), some in zip(left, readings, strict=True)) / bl


def _fitted(bl: float, gain: Array, solution: Array, estimator: Array, place: int, scale: float) -> OffsetDrift:
    """The drift of the offset, the unknown at `place` in units of V per `scale` seconds, and what it took out of Bl."""
    part = float(gain[place] / estimator[place, place] * solution[place])
    return OffsetDrift(float(solution[place]) / scale, part / (bl - part))


def _solved(parts: Iterable[Part], order: int) -> tuple[Array, Array, list[Part]]:
    """Solution, inverse of the normal equations, and the parts with residuals in place of readings.

    The first part's solution, of parts that are in the processor's cache, is refined with all: what rounding does to
    normal equations then counts for what is left only. If that was much, since the first tells little, once more, from
    the readings: what is left of a wrong solution has the rounding of that.
    """
    left: list[Part] = []
    readings: list[Array] = []
    for columns, rows, data in parts:
        product = rows @ columns.T
        if not left:
            normal, estimator, right = product, _inverse(product), np.zeros(len(rows))
            start = right if estimator is None else estimator @ (rows @ data)
        else:
            normal = normal + product
        residual = data - start @ columns
        right = right + rows @ residual
        left.append((columns, rows, residual))
        readings.append(data)
    if len(left) > 1:
        estimator = _inverse(normal)
    if estimator is None:
        raise ReductionError(
            f"velocity data do not determine a profile of order {order}: "
            "lower reduction.profile_order, or record more readings in each sweep"
        )
    weights = np.sqrt(np.abs(np.diag(normal)))
    for _ in range(REFINEMENTS):
        correction = estimator @ right
        start = start + correction
        small = np.linalg.norm(weights * correction) <= REFINED * np.linalg.norm(weights * start)
        for (columns, _, residual), data in zip(left, readings, strict=True):
            if small:
                residual -= correction @ columns
            else:
                np.subtract(data, start @ columns, out=residual)
        if small:
            break
        right = np.sum([rows @ residual for _, rows, residual in left], axis=0)
    return start, estimator, left


def _checked(voltage: Array, position: Array, z_w: float) -> tuple[float, float]:
    """Middle and half of the range of positions, if the data will do."""
    sweeps, n = voltage.shape
    if position.shape != (sweeps, n + 1):
        raise ReductionError(
            f"velocity data: {sweeps} sweeps of {n} voltages need {n + 1} positions each, not shape {position.shape}"
        )
    if not np.all(np.isfinite(voltage)):
        raise ReductionError("velocity data: the voltage is not finite throughout; exclude the sweep or repeat it")
    low, high = float(position.min()), float(position.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ReductionError("velocity data: the position is not finite throughout; exclude the sweep or repeat it")
    centre, half = 0.5 * (low + high), 0.5 * (high - low)
    if half == 0:
        raise ReductionError("velocity data: the coil does not move; Bl needs sweeps through the weighing position")
    if abs(z_w - centre) > 2 * half:
        raise ReductionError(
            f"velocity data: the sweeps from {low:.6g} m to {high:.6g} m do not reach the weighing position {z_w:.6g} m"
        )
    upward = np.count_nonzero(position[:, 1:] > position[:, :-1]) / voltage.size
    if not 0.05 <= upward <= 0.95:
        raise ReductionError(
            "velocity data: the coil moves one way only; record sweeps up and down, "
            "so that the voltmeter's offset can be told from Bl"
        )
    return centre, half


def _inverse(normal: Array) -> Array | None:
    """Inverse of normal equations, scaled to unit diagonal, None if they do not determine all unknowns."""
    scale = np.sqrt(np.abs(np.diag(normal)))
    units = np.outer(scale, scale)
    with np.errstate(all="ignore"):
        scaled = normal / units
    try:
        inverse = np.linalg.inv(scaled)
    except np.linalg.LinAlgError:
        return None
    condition = np.linalg.norm(scaled) * np.linalg.norm(inverse)
    return inverse / units if condition < SINGULAR else None


def _shift(order: int, x_w: float, half: float) -> Array:
    """Matrix from the fitted unknowns to the coefficients of (z − z_w)^k.

    The rows of the model belong to (k + 1) x^k with x = (z − centre)/half; x^k is expanded about x_w.
    """
    matrix = np.zeros((order + 1, order + 1))
    for k in range(order + 1):
        binomial = 1.0
        for j in range(k + 1):
            matrix[j, k] = (k + 1) * binomial * x_w ** (k - j) / half**j
            binomial *= (k - j) / (j + 1)
    return matrix


def _from_zero(amplitudes: Array, phase: float) -> tuple[float, float]:
    """Amplitudes of sin φ and cos φ, in place of those of sin(φ − phase) and cos(φ − phase)."""
    sine, cosine = (float(amplitude) for amplitude in amplitudes)
    c, s = float(np.cos(phase)), float(np.sin(phase))
    return sine * c + cosine * s, cosine * c - sine * s


def _pulls(gains: Array, left: list[Part], n: int, variance: float, drifts: int) -> tuple[Array, Array, float]:
    """What each sweep pulls on unknowns, `gains` times the equations, with their uncertainties and degrees of freedom.

    Shapes: gains (wanted, unknowns), pulls (wanted, sweeps), uncertainties (wanted,).
    """
    weights = [gains @ rows for _, rows, _ in left]
    weighted = [(w * r).reshape(len(gains), n, -1) for w, (_, _, r) in zip(weights, left, strict=True)]
    pulls = np.hstack([part.sum(axis=1) for part in weighted])
    if pulls.shape[1] >= SWEEPS_FOR_SCATTER:
        return pulls, *_scatter(pulls, drifts)
    u = np.sqrt(variance * sum(np.einsum("ij,ij->i", w, w) for w in weights))
    return pulls, u, float(pulls.shape[1] * n - gains.shape[1])


def _scatter(pulls: Array, drifts: int) -> tuple[Array, float]:
    """Standard uncertainties of the sums of what each sweep pulls, from the scatter, and their degrees of freedom.

    A smooth course of Bl through many sweeps is that of the magnet's temperature, whose mean is in the result, and no
    noise. The unknowns that live between sweeps (Bl, its drift, and for single sweeps the offset) are paid for.
    """
    if pulls.shape[1] >= SWEEPS_FOR_PAIRS:
        clusters = np.add.reduceat(pulls, np.arange(0, pulls.shape[1], 2), axis=1)
        basis = smooth_courses(clusters.shape[1])
        clusters = clusters - clusters @ basis @ basis.T
        spent = 1 + max(SMOOTH_ORDER, drifts)
    else:
        clusters, spent = pulls, 2 + drifts
    count = clusters.shape[1]
    return np.sqrt((clusters**2).sum(axis=1) * count / (count - spent)), float(count - spent)


def _lag_one(values: Array) -> float:
    power = float(values @ values)
    return float(values[:-1] @ values[1:]) / power if power > 0 else 0.0
