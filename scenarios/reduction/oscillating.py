"""Bl from an oscillation: voltage and position fitted together, with profile, aperture and the delay between the two.

The mean voltage over an aperture times the aperture is the change of flux linkage between its edges, as in
`scenarios.reduction.velocity`: polynomial Bl(z) and aperture are exact for any motion, there and here, so that neither
the sinc of an aperture nor b2 a²/4 of a curved field has to be corrected. There the delay of the voltage behind the
positions is what the certificates say. Here it is fitted: in an oscillation it makes a voltage in quadrature, like the
acceleration, which can be told from Bl. The voltage then belongs to where the coil was at t − τ, which follows from the
measured positions and the motion's own harmonics, by iteration to all orders of τ.

A coil that resonates with its circuit adds ``−κ d²v/dt²`` to v. In a sine that is in phase with v, and only the
frequency tells it from Bl; in a motion of several harmonics it has a shape of its own, and is fitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.errors import ReductionError

Array = NDArray[np.float64]
ITERATIONS = 30
CYCLES_FOR_SCATTER = 8
"""From here on the scatter between cycles gives the uncertainty."""
PER_CYCLE = 5
"""So many readings a cycle are needed to tell voltage, velocity and their delay."""
MOST_HARMONICS = 25
SETTLED = 1e-13
"""Change of the delay, in cycles, below which it is found."""
ENOUGH = 0.02
"""Velocity of a higher harmonic, relative to the first, with which a motion counts as one of several."""
SIGNIFICANT = 5.0
"""Standard deviations of an amplitude, from which on a harmonic belongs to the motion."""


@dataclass(frozen=True, eq=False)
class OscillationFit:
    """Bl of one oscillation.

    Parameters
    ----------
    frequency : of the motion (Hz). amplitude : half of its travel (m). aperture : of the voltages (s).
    bl, u_bl : Bl at `z`, in phase with the velocity, and its standard uncertainty (T·m).
    coefficients, u_coefficients : of Bl(z) = Σ c_k (z − z_0)^k (T·m/m^k); c_0 is `bl`.
    delay, u_delay : of the voltage behind the positions (s), positive if it lags.
    curvature, u_curvature : κ (s²); None for a motion of one harmonic, whose `bl` is Bl (1 + κ ω²).
    offset : of the voltage (V).
    naive : first harmonic of the voltage over that of the velocity, as read (T·m).
    sinc : what the aperture leaves of that voltage, sin(π f A)/(π f A).
    residual_rms : of the voltage (V).
    periodic, u_periodic : amplitude of the interferometer's periodic error (m); 0 if it was not fitted.
    u_offset, u_residual_rms : standard uncertainties of these (V).
    """

    frequency: float
    amplitude: float
    aperture: float
    bl: float
    u_bl: float
    coefficients: Array
    u_coefficients: Array
    delay: float
    u_delay: float
    offset: float
    naive: float
    sinc: float
    residual_rms: float
    periodic: float = 0.0
    curvature: float | None = None
    u_curvature: float = 0.0
    u_offset: float = 0.0
    u_residual_rms: float = 0.0
    u_periodic: float = 0.0


def fit_oscillation(
    voltage: Array,
    position: Array,
    aperture: float,
    frequency: float,
    z0: float = 0.0,
    order: int = 2,
    period: float | None = None,
) -> OscillationFit:
    """Fit Bl(z), the delay and the voltmeter's offset to one burst of readings of an oscillation.

    Parameters
    ----------
    voltage : mean over each aperture (V), shape (n,), contiguous.
    position : at the edges of the apertures (m), shape (n + 1,).
    aperture : (s).
    frequency : of the motion, known (Hz).
    z0 : where Bl is wanted (m).
    order : of the polynomial Bl(z).
    period : of the interferometer's periodic error (m), half its wavelength, to be fitted; None for none.

    Raises
    ------
    ReductionError
        If the readings are too few, not finite, less than two cycles, or do not oscillate.

    Notes
    -----
    The equations are weighted with the motion's own harmonics where least squares would take the measured positions
    (instrumental variables): noise of the interferometer, which is in the regressors, does not attenuate Bl.
    """
    n = len(voltage)
    cycles = n * aperture * frequency
    _check(voltage, position, cycles, order, n)
    t = np.asarray(np.arange(n + 1) * aperture, dtype=float)
    top = int(min(MOST_HARMONICS, max(1, n / cycles // 3)))
    motion = _Harmonics.of(t, position, frequency, top)
    half = 0.5 * float(np.ptp(motion.at(t)))
    if half == 0.0:
        raise ReductionError(f"the coil does not move at {frequency:g} Hz; Bl needs a motion")
    found = _solution(voltage, position, t, motion, _Model(aperture, z0, half, order, period))
    solution, delay, residual, bent = found.unknowns, found.delay, found.residual, motion.several
    scale = half ** -np.arange(order + 1.0)
    u = _uncertainties(found.weights, residual, frequency * aperture)
    first, speed_first = _first_harmonics(t, voltage, position, aperture, frequency)
    periodic = u_periodic = 0.0
    if period is not None:
        sine, cosine = (solution[-2:] * aperture / abs(float(solution[0]))).tolist()
        periodic = float(np.hypot(sine, cosine))
        u_periodic = float(np.hypot(*u[-2:])) * aperture / abs(float(solution[0])) / np.sqrt(2.0)
    rest = float(np.sqrt(residual @ residual / max(n - len(solution), 1)))
    return OscillationFit(
        frequency=frequency,
        amplitude=half,
        aperture=aperture,
        bl=float(solution[0]),
        u_bl=float(u[0]),
        coefficients=solution[: order + 1] * scale,
        u_coefficients=u[: order + 1] * scale,
        delay=delay,
        u_delay=float(u[order + 1] / abs(solution[0])),
        offset=float(solution[order + 2 + bent]),
        naive=float(abs(first) / abs(speed_first)),
        sinc=float(np.sinc(frequency * aperture)),
        u_offset=float(u[order + 2 + bent]),
        residual_rms=rest,
        u_residual_rms=rest / float(np.sqrt(2.0 * max(n - len(solution), 1))),
        periodic=periodic,
        u_periodic=float(u_periodic),
        curvature=-float(solution[order + 2] / solution[0]) if bent else None,
        u_curvature=float(u[order + 2] / abs(solution[0])) if bent else 0.0,
    )


class _Model(NamedTuple):
    """What the columns of the model are made of; see `fit_oscillation`. `half` of the travel scales positions."""

    aperture: float
    z0: float
    half: float
    order: int
    period: float | None


class _Solution(NamedTuple):
    """The unknowns, how each follows from the voltages (unknowns, n), the delay (s) and what is left of the voltage."""

    unknowns: Array
    weights: Array
    delay: float
    residual: Array


def _solution(voltage: Array, position: Array, t: Array, motion: _Harmonics, model: _Model) -> _Solution:
    """The linear fit, repeated until the delay with which it is made stays."""
    delay = 0.0
    for _ in range(ITERATIONS):
        smooth, acceleration = motion.at(t - delay), motion.acceleration(t - delay)
        beside = [np.diff(motion.velocity(t - delay)) / model.aperture]
        if motion.several:
            beside.append(np.diff(acceleration) / model.aperture)
        columns = _columns(position + smooth - motion.at(t), beside, model)
        rows = _columns(smooth, beside, model)
        weights = _inverse(rows @ columns.T, model.order, motion.frequency) @ rows
        unknowns = weights @ voltage
        unknowns = unknowns + weights @ (voltage - unknowns @ columns)
        step = -float(unknowns[model.order + 1] / unknowns[0])
        delay += step
        if abs(step) * motion.frequency < SETTLED:
            return _Solution(unknowns, weights, delay, voltage - unknowns @ columns)
        if not abs(delay) * motion.frequency < 0.2:
            break
    raise ReductionError(
        f"the voltage at {motion.frequency:g} Hz is not that of the motion, delayed by less than a fifth of a cycle; "
        "check which readings belong together"
    )


def _check(voltage: Array, position: Array, cycles: float, order: int, n: int) -> None:
    if len(position) != n + 1:
        raise ReductionError(f"{n} voltages need {n + 1} positions at their edges, not {len(position)}")
    if not (np.isfinite(voltage).all() and np.isfinite(position).all()):
        raise ReductionError("readings of the oscillation are not finite throughout; repeat it")
    if cycles < 2.0:
        raise ReductionError(f"{cycles:.3g} cycles were read; an oscillation needs at least two")
    if n < PER_CYCLE * cycles:
        raise ReductionError(
            f"{n / cycles:.3g} readings a cycle are too few to tell the delay; read at least {PER_CYCLE} in each"
        )
    if n < 4 * (order + 5):
        raise ReductionError(f"{n} readings cannot determine a profile of order {order}; record more")


@dataclass(frozen=True, eq=False)
class _Harmonics:
    """A mean and the harmonics `orders` of a frequency, complex amplitudes of exp(2πi k f t)."""

    frequency: float
    mean: float
    orders: NDArray[np.intp]
    amplitudes: NDArray[np.complex128]

    @classmethod
    def of(cls, t: Array, values: Array, frequency: float, top: int) -> _Harmonics:
        """By least squares, from regular readings; harmonics that the residuals make as well are left out."""
        angle = 2 * np.pi * frequency * t
        matrix = np.ones((2 * top + 1, len(t)))
        wave = np.exp(1j * angle)
        turning = wave.copy()
        for k in range(top):
            matrix[2 * k + 1], matrix[2 * k + 2] = turning.real, -turning.imag
            turning = turning * wave
        found = np.linalg.solve(matrix @ matrix.T, matrix @ values)
        rest = values - found @ matrix
        amplitudes = found[1::2] + 1j * found[2::2]
        kept = np.abs(amplitudes) > SIGNIFICANT * np.sqrt(2.0 * float(rest @ rest)) / len(t)
        kept[0] = True
        orders = np.nonzero(kept)[0]
        return cls(frequency, float(found[0]), orders + 1, amplitudes[orders])

    def at(self, t: Array) -> Array:
        return self.mean + self._sum(t, self.amplitudes)

    def velocity(self, t: Array) -> Array:
        return self._sum(t, 2j * np.pi * self.frequency * self.orders * self.amplitudes)

    def acceleration(self, t: Array) -> Array:
        return self._sum(t, -((2 * np.pi * self.frequency * self.orders) ** 2) * self.amplitudes)

    @property
    def several(self) -> bool:
        """Whether higher harmonics make a part of the velocity from which something can be told."""
        sizes = np.abs(self.orders * self.amplitudes)
        return bool(np.any(sizes[1:] > ENOUGH * sizes[0]))

    def _sum(self, t: Array, amplitudes: NDArray[np.complex128]) -> Array:
        angle = 2 * np.pi * self.frequency * t
        total = np.zeros(len(t))
        for order, amplitude in zip(self.orders, amplitudes, strict=True):
            total += amplitude.real * np.cos(order * angle) - amplitude.imag * np.sin(order * angle)
        return total


def _columns(z: Array, beside: list[Array], model: _Model) -> Array:
    """The model of the voltage, a row for each unknown: Bl's coefficients, `beside` them, offset, periodic error.

    Beside are the mean acceleration, whose factor is −Bl times the delay, and that of its second derivative, −Bl κ.

    Row k is the mean velocity times ``(x2^(k+1) − x1^(k+1))/((k + 1)(x2 − x1))``, x = (z − z0)/half, from a recurrence
    that does not cancel.
    """
    x = (z - model.z0) / model.half
    v = np.diff(z) / model.aperture
    powers = [np.ones(len(v))]
    total, product = x[:-1] + x[1:], x[:-1] * x[1:]
    for k in range(1, model.order + 1):
        powers.append(powers[-1] * total - (product * powers[-2] if k > 1 else 0.0))
    rows = [v * power / (k + 1) for k, power in enumerate(powers)]
    rows += [*beside, np.ones(len(v))]
    if model.period is not None:
        phase = 2 * np.pi / model.period * z
        rows += [np.diff(np.sin(phase)), np.diff(np.cos(phase))]
    return np.array(rows)


def _inverse(normal: Array, order: int, frequency: float) -> Array:
    """Inverse of the normal matrix, scaled to unit diagonal."""
    scale = np.sqrt(np.abs(np.diag(normal)))
    scaled = normal / np.outer(scale, scale)
    if not np.all(np.isfinite(scaled)) or np.linalg.cond(scaled) > 1e11:
        raise ReductionError(
            f"readings at {frequency:g} Hz do not determine a profile of order {order} and the periodic error: lower "
            "reduction.profile_order, set reduction.periodic_error=false, or choose a frequency whose cycles are not "
            "read at the same few phases"
        )
    inverse: Array = np.linalg.inv(scaled) / np.outer(scale, scale)
    return inverse


def _uncertainties(weights: Array, residual: Array, cycles_per_reading: float) -> Array:
    """Standard uncertainties of the unknowns: from the pulls of whole cycles, or of white residuals if they are few."""
    n = len(residual)
    whole = int(n * cycles_per_reading)
    if whole < CYCLES_FOR_SCATTER:
        variance = residual @ residual / max(n - len(weights), 1)
        return np.sqrt(variance * (weights**2).sum(axis=1))
    starts = np.floor(np.arange(whole) / cycles_per_reading).astype(np.intp)
    pulls = np.add.reduceat(weights * residual, starts, axis=1)
    return np.sqrt((pulls**2).sum(axis=1) * whole / max(whole - len(weights), 1))


def _first_harmonics(
    t: Array, voltage: Array, position: Array, aperture: float, frequency: float
) -> tuple[complex, complex]:
    """First harmonics of voltage and velocity over whole cycles: what a fit of one sine to each gives."""
    fitted = (
        _Harmonics.of(t[:-1] + 0.5 * aperture, voltage, frequency, 1),
        _Harmonics.of(t[:-1], position[:-1], frequency, 1),
    )
    return complex(fitted[0].amplitudes[0]), complex(fitted[1].amplitudes[0] * 2j * np.pi * frequency)
