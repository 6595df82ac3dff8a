"""Which current makes a hinge move at constant velocity: harmonics added step by step (Li2026).

A sine current makes a sine velocity. Odd harmonics flatten it, a second harmonic takes out the tilt that a quadratic
stiffness gives it. For each set of harmonics the amplitudes and phases are found for which the velocity deviates least,
in the mean of squares, from ±v̄ in windows in the middle of the half cycles, at the same v̄ and within the current
limit. That σ is all that is sought: the share of the whole cycle that is flat is reported, and may fall as harmonics
are added. The motion is the periodic one of the nonlinear hinge (`components.hinge_balance`); for a linear one a single
step of the iteration is exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.hinge_balance import Periodic, steady
from components.oscillator import Oscillator
from twin.errors import InputError, SimulationError
from twin.piece import exact_hertz, sines

Array = NDArray[np.float64]
ORDERS = (1, 3, 5, 7, 9, 2)
"""Harmonics in the order in which they are added."""
FLAT = 0.05
"""|Δv/v| of what counts as flat."""
POINTS = 4096
"""Phases of a cycle at which velocity and current are looked at."""
IN_WINDOW = 200
"""Phases of a window at which the velocity is looked at."""
PRINTED = (1.0, 1.0, 0.6, 0.36, 0.14), (0.0, -0.8, -2.3, -3.8, -5.3), (1, 3, 5, 7, 9)
"""Li2026: relative amplitudes, phases (rad) and orders of KBmini's drive; its fundamental is at 1 Hz."""
ITERATIONS = 40
NOTHING = 1e-12
"""Relative amplitude of a harmonic that is rounding."""


class OutOfReachError(InputError):
    """The velocity that is asked for cannot be reached."""


class _InfeasibleError(Exception):
    """No drive within the limit has the velocity."""


@dataclass(frozen=True)
class Task:
    """What a drive is to do.

    Parameters
    ----------
    velocity : v̄, of the coil in the windows (m/s).
    limit : of the current (A).
    frequency : of the motion (Hz).
    window : length of the windows, in the middle of the half cycles (s).
    """

    velocity: float = 3e-4
    limit: float = 6e-4
    frequency: float = 1.0
    window: float = 0.3

    def __post_init__(self) -> None:
        if not (self.velocity > 0 and self.limit > 0 and self.frequency > 0):
            raise ValueError("velocity, limit and frequency have to be greater than 0")
        if not 0 < self.window * self.frequency < 0.5:
            raise ValueError(f"a window of {self.window:g} s does not fit in half a cycle at {self.frequency:g} Hz")


@dataclass(frozen=True)
class Flatness:
    """How flat a velocity is.

    Parameters
    ----------
    velocity : v̄, mean speed in the windows (m/s).
    sigma : standard deviation of the speed in the windows over v̄, which `steps` minimises.
    fraction : of the cycle, in which the speed is within 5 % of v̄; of what lies outside of the windows too.
    peak : of the current (A).
    """

    velocity: float
    sigma: float
    fraction: float
    peak: float


@dataclass(frozen=True)
class Step:
    """The best drive with some harmonics.

    Parameters
    ----------
    motion : the drive and what the hinge makes of it; the velocity's fundamental is a sine.
    flatness : of it.
    improvement : sigma of the sine alone over that of this drive.
    limited : whether the current limit holds it back.
    """

    motion: Periodic
    flatness: Flatness
    improvement: float
    limited: bool

    def harmonics(self) -> dict[int, tuple[float, float]]:
        """Amplitude (A) and phase (rad, sine convention) of each; the first has phase 0, others are in (−π, π]."""
        drive = self.motion.drive
        first, largest = _phase(drive[1]), max(map(abs, drive.values()))
        return {
            n: (abs(a), _wrapped(_phase(a) - n * first)) if abs(a) > NOTHING * largest else (0.0, 0.0)
            for n, a in sorted(drive.items())
        }


def _wrapped(phase: float) -> float:
    """The same phase in (−π, π]."""
    return math.pi - (math.pi - phase) % (2 * math.pi)


def _phase(amplitude: complex) -> float:
    """Of a sine, from the amplitude of exp(iωt)."""
    return float(np.angle(1j * amplitude))


def flatness(motion: Periodic, window: float) -> Flatness:
    """How flat a motion's velocity is; its half cycles are those of its fundamental.

    Parameters
    ----------
    window : in the middle of the half cycles (s).
    """
    phase = np.arange(POINTS) / POINTS
    velocity = motion.at(phase)[1]
    top = -float(np.angle(1j * motion.displacement[1])) / (2 * math.pi)
    at, sign = _windows(top, window * float(motion.frequency))
    speed = motion.at(at)[1] * sign
    mean = float(speed.mean())
    return Flatness(
        velocity=mean,
        sigma=float(speed.std()) / mean,
        fraction=float(np.mean(np.abs(np.abs(velocity) - mean) < FLAT * mean)),
        peak=float(np.abs(motion.current(phase)).max()),
    )


def _windows(top: float, width: float) -> tuple[Array, Array]:
    """Phases (cycles) in the windows about `top` and half a cycle later, and which way the coil moves there."""
    offsets = width * ((np.arange(IN_WINDOW) + 0.5) / IN_WINDOW - 0.5)
    return np.concatenate([top + offsets, top + 0.5 + offsets]), np.repeat([1.0, -1.0], IN_WINDOW)


def scaled_to(oscillator: Oscillator, drive: Mapping[int, complex], task: Task) -> Periodic:
    """A given drive, scaled to the velocity of the task.

    Raises
    ------
    OutOfReachError
        If it cannot be.
    SimulationError
        If no periodic motion is found.
    """
    frequency = exact_hertz(task.frequency)
    factor = task.velocity / flatness(steady(oscillator.ideal(), frequency, drive), task.window).velocity
    for _ in range(ITERATIONS):
        motion = steady(oscillator, frequency, {n: factor * a for n, a in drive.items()})
        ratio = task.velocity / flatness(motion, task.window).velocity
        if abs(ratio - 1.0) < 1e-12:
            return motion
        factor *= ratio
    raise OutOfReachError(f"the drive cannot be scaled to {task.velocity * 1e3:g} mm/s; ask for a lower velocity")


def printed(oscillator: Oscillator, task: Task) -> Flatness:
    """How flat the drive that Li2026 prints makes this hinge move, scaled to the velocity of the task."""
    return flatness(scaled_to(oscillator, sines(*PRINTED), task), task.window)


def steps(oscillator: Oscillator, task: Task, orders: Sequence[int] = ORDERS) -> list[Step]:
    """The best drives as harmonics are added one by one.

    Parameters
    ----------
    orders : in the order of being added, 1 first.

    Raises
    ------
    OutOfReachError
        If the velocity is not reached within the limit, or no motion of this velocity is found.
    """
    found: list[Step] = []
    drive: dict[int, complex] = {}
    for count in range(1, len(orders) + 1):
        chosen = tuple(orders[:count])
        try:
            motion, limited = _best(oscillator, task, chosen, drive)
        except SimulationError as error:
            raise OutOfReachError(f"a velocity of {task.velocity * 1e3:g} mm/s is not reached: {error}") from None
        drive = dict(motion.drive)
        how = flatness(motion, task.window)
        first = found[0].flatness.sigma if found else how.sigma
        found.append(Step(motion, how, first / how.sigma, limited))
    return found


def _best(
    oscillator: Oscillator, task: Task, orders: tuple[int, ...], start: Mapping[int, complex]
) -> tuple[Periodic, bool]:
    """Gauss and Newton's method: the motion is linearised about the last drive until the drive stays."""
    frequency = exact_hertz(task.frequency)
    phase, sign = _windows(0.25, task.window * task.frequency)
    x = np.array([part for n in orders for part in _parts(start.get(n, 0.0))])
    last = math.inf
    for _ in range(ITERATIONS):
        motion = steady(oscillator, frequency, _drive(orders, x))
        response = motion.response(orders) * task.limit
        n = np.arange(len(response))
        waves = 1j * n * motion.omega * np.exp(2j * np.pi * np.multiply.outer(phase, n)) / task.velocity
        slope = (waves @ response).real * sign[:, None]
        wanted = 1.0 - motion.at(phase)[1] * sign / task.velocity + slope @ (x / task.limit)
        # Equal means; and the fundamental of the velocity a sine, so that the windows are in the middle of its halves.
        sine = response[1].imag / np.abs(response[1]).max()
        offset = sine @ (x / task.limit) - motion.displacement[1].imag / np.abs(response[1]).max()
        exact = np.stack([slope.mean(axis=0), sine]), np.array([wanted.mean(), offset])
        try:
            new, limited = _flattest(slope, wanted, exact, orders)
        except _InfeasibleError:
            sine = flatness(steady(oscillator.ideal(), frequency, {1: complex(task.limit)}), task.window).velocity
            raise SimulationError(
                f"a sine at the limit of {task.limit * 1e3:g} mA makes {sine * 1e3:.3g} mm/s at {task.frequency:g} Hz; "
                "ask for less, or raise the limit"
            ) from None
        step, x = float(np.abs(new * task.limit - x).max()), new * task.limit
        if oscillator.linear or step <= 1e-12 * task.limit or (step >= 0.5 * last and step <= 1e-9 * task.limit):
            return steady(oscillator, frequency, _drive(orders, x)), limited
        last = step
    raise SimulationError(
        f"no drive with the harmonics {', '.join(map(str, orders))} is found: the iteration does not settle; "
        "ask for a lower velocity"
    )


def _parts(amplitude: complex) -> tuple[float, float]:
    return float(np.real(amplitude)), float(np.imag(amplitude))


def _drive(orders: Sequence[int], x: Array) -> dict[int, complex]:
    return {n: complex(x[2 * k], x[2 * k + 1]) for k, n in enumerate(orders)}


def _flattest(slope: Array, wanted: Array, exact: tuple[Array, Array], orders: Sequence[int]) -> tuple[Array, bool]:
    """Least squares for ``slope x = wanted``, with some equations exact and |current| ≤ 1 at all phases.

    The limit is imposed at phases at which it is exceeded, more and more of them until it is nowhere.
    """
    grid = 2.0 * np.pi * np.arange(POINTS) / POINTS
    current = np.stack([f(n * grid) for n in orders for f in (np.cos, lambda a: -np.sin(a))], axis=1)
    bounds: list[int] = []
    while True:
        rows = current[bounds]
        x = _constrained(slope, wanted, exact, np.concatenate([rows, -rows]))
        size = np.abs(current @ x)
        peaks = np.nonzero((size >= np.roll(size, 1)) & (size >= np.roll(size, -1)) & (size > 1.0 + 1e-9))[0]
        fresh = [int(k) for k in peaks if int(k) not in bounds]
        if not fresh:
            return x, bool(bounds)
        bounds += fresh


def _constrained(a: Array, b: Array, exact: tuple[Array, Array], bounded: Array) -> Array:
    """Least squares for ``a x = b`` with exact equations and ``bounded x ≤ 1``.

    The equations are eliminated; what remains is the least distance problem of Lawson and Hanson, *Solving Least
    Squares Problems*, ch. 23: with ``w = R y − Qᵀ r`` the shortest w that ``C w ≥ d``.

    Raises
    ------
    _InfeasibleError
        If nothing fulfils them all.
    """
    from scipy.optimize import nnls

    rows, values = exact
    x0 = np.linalg.lstsq(rows, values, rcond=None)[0]
    basis = np.linalg.svd(rows)[2][len(rows) :].T
    q, r = np.linalg.qr(a @ basis)
    rest = q.T @ (b - a @ x0)
    if len(bounded) == 0:
        return np.asarray(x0 + basis @ np.linalg.solve(r, rest))
    c = -np.linalg.solve(r.T, (bounded @ basis).T).T
    d = bounded @ x0 - 1.0 - c @ rest
    system = np.concatenate([c.T, d[None, :]])
    target = np.zeros(len(system))
    target[-1] = 1.0
    weights, _ = nnls(system, target)
    residual: Array = system @ weights - target
    if -residual[-1] < 1e-9:
        raise _InfeasibleError
    w = -residual[:-1] / residual[-1]
    return np.asarray(x0 + basis @ np.linalg.solve(r, w + rest))
