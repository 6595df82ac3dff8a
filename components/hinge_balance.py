"""The periodic motion of a driven oscillator, by harmonic balance: a Fourier series, and so a closed form.

The displacement is ``z = Re Σ_n c_n exp(i n ω t)``, n = 0 … N. In each harmonic the linear part of the equation of
motion balances what the drive and the nonlinear terms give; Newton's method solves all at once, and N doubles until the
last harmonics are rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.oscillator import Oscillator
from twin.errors import SimulationError
from twin.piece import Piece, harmonics

Array = NDArray[Any]
MOST = 256
"""Harmonics beyond which no motion is followed."""
ROUNDING = 1e-16
"""Relative size of harmonics that are rounding."""
ITERATIONS = 50


@dataclass(frozen=True, eq=False)
class Periodic:
    """A periodic motion under a periodic current.

    Parameters
    ----------
    oscillator : what moves.
    frequency : of the motion (Hz).
    drive : complex amplitudes of the current by harmonic (A); ``-1j a`` is a sine.
    displacement : complex amplitudes c_0 … c_N (m); c_0 is real.
    """

    oscillator: Oscillator
    frequency: Fraction
    drive: Mapping[int, complex]
    displacement: Array

    @property
    def omega(self) -> float:
        """Angular frequency (rad/s)."""
        return 2.0 * np.pi * float(self.frequency)

    def at(self, phase: Array) -> tuple[Array, Array]:
        """Displacement (m) and velocity (m/s) at phases in cycles."""
        n = np.arange(len(self.displacement))
        waves = np.exp(2j * np.pi * np.multiply.outer(phase, n))
        return (waves @ self.displacement).real, (waves @ (1j * n * self.omega * self.displacement)).real

    def circuit(self, phase: float) -> Array:
        """States of the coil's circuit at a phase in cycles, shape (k,)."""
        omega = self.omega * np.arange(len(self.displacement))
        states = self.oscillator.back_action.states(omega[1:]) * (1j * omega * self.displacement)[1:, None]
        result: Array = (np.exp(2j * np.pi * phase * np.arange(1, len(omega))) @ states).real
        return result

    def current(self, phase: Array) -> Array:
        """The current (A) at phases in cycles."""
        total: Array = np.zeros(np.shape(phase))
        for n, amplitude in self.drive.items():
            total = total + (amplitude * np.exp(2j * np.pi * n * np.asarray(phase))).real
        return total

    def piece(self, centre: float, start: int, end: int | None = None, *, origin: int | None = None) -> Piece:
        """The position about `centre` (m) as a closed form; phases count from `origin` (ns), by default `start`."""
        size = np.abs(self.displacement).max(initial=0.0)
        amplitudes = {
            n * self.frequency: complex(c)
            for n, c in enumerate(self.displacement)
            if n > 0 and abs(c) > ROUNDING * size
        }
        return harmonics(centre + float(self.displacement[0].real), amplitudes, start, end, origin=origin)

    def response(self, orders: tuple[int, ...]) -> Array:
        """How the displacement's amplitudes follow those of the drive: the derivative of the balance.

        Returns
        -------
        Array
            Columns for the in-phase (cosine) and the quadrature (−sine) amplitude of each order, in turn; rows for the
            amplitudes of `displacement`, complex, shape (N + 1, 2 len(orders)), in m/A.
        """
        top = len(self.displacement) - 1
        grid = _grid(top)
        z, _ = self.at(np.arange(grid.points) / grid.points)
        jacobian = _jacobian(self.oscillator, grid, self.omega, z, self.current(np.arange(grid.points) / grid.points))
        sensitivity, _ = self.oscillator.drive(z)
        phase = 2.0 * np.pi * np.arange(grid.points) / grid.points
        waves = np.stack([f(n * phase) for n in orders for f in (np.cos, lambda x: -np.sin(x))], axis=1)
        real = np.linalg.solve(jacobian, grid.analysis @ (sensitivity[:, None] * waves))
        return _complex(real)


def steady(oscillator: Oscillator, frequency: Fraction, drive: Mapping[int, complex]) -> Periodic:
    """The periodic motion that a periodic current drives.

    Parameters
    ----------
    oscillator : what is driven.
    frequency : of the fundamental (Hz).
    drive : complex amplitudes of the current by harmonic, from 1 on (A): ``I = Re Σ a_n exp(2πi n f t)``.

    Raises
    ------
    SimulationError
        If no periodic motion is found: the drive is too strong for what is nonlinear of the hinge.
    """
    highest = max(drive, default=0)
    top = max(16, 2 * highest)
    omega = 2.0 * np.pi * float(frequency)
    if oscillator.linear:
        found = np.zeros(highest + 1, dtype=complex)
        for n, amplitude in drive.items():
            found[n] = amplitude * oscillator.gain / oscillator.impedance(np.array([n * omega]))[0]
        return Periodic(oscillator, frequency, dict(drive), found)
    coefficients = np.zeros(2 * top + 1)
    while True:
        coefficients = _balanced(oscillator, frequency, drive, coefficients, top)
        size = np.abs(_complex(coefficients[:, None])[:, 0])
        if size[-max(top // 8, 2) :].max() <= ROUNDING * size.max():
            return Periodic(oscillator, frequency, dict(drive), _complex(coefficients[:, None])[:, 0])
        top *= 2
        if top > MOST:
            raise _not_found(frequency, f"its harmonics do not end within {MOST}")
        coefficients = np.concatenate([coefficients, np.zeros(2 * top + 1 - len(coefficients))])


def _balanced(
    oscillator: Oscillator, frequency: Fraction, drive: Mapping[int, complex], start: Array, top: int
) -> Array:
    """Newton's method on the real amplitudes c_0, Re c_1, Im c_1, …"""
    grid, omega = _grid(top), 2.0 * np.pi * float(frequency)
    phase = np.arange(grid.points) / grid.points
    current = Periodic(oscillator, frequency, drive, np.zeros(1)).current(phase)
    linear = _linear(oscillator, omega, top)
    found, last = start, np.inf
    for _ in range(ITERATIONS):
        z = grid.synthesis @ found
        bent, _ = oscillator.bending(z)
        driven, _ = oscillator.drive(z)
        residual = _apply(linear, found) + grid.analysis @ (bent - driven * current)
        step = np.linalg.solve(_jacobian(oscillator, grid, omega, z, current), residual)
        found = found - step
        change, size = float(np.abs(step).max()), float(np.abs(found).max())
        if not np.isfinite(change):
            break
        if change <= 4.0 * ROUNDING * size or (change <= 1e-12 * size and change >= 0.5 * last):
            return found
        last = change
    raise _not_found(frequency, "Newton's method does not converge")


def _not_found(frequency: Fraction, why: str) -> SimulationError:
    return SimulationError(f"no periodic motion of the hinge at {float(frequency):g} Hz is found: {why}; drive it less")


@dataclass(frozen=True, eq=False)
class _Grid:
    """A cycle sampled so densely that products of three series of `top` harmonics are exact in all of them."""

    points: int
    synthesis: Array
    analysis: Array


@lru_cache(maxsize=16)
def _grid(top: int) -> _Grid:
    points = 4 * top + 32
    phase = 2.0 * np.pi * np.arange(points) / points
    synthesis = np.empty((points, 2 * top + 1))
    synthesis[:, 0] = 1.0
    angles = np.multiply.outer(phase, np.arange(1, top + 1))
    synthesis[:, 1::2], synthesis[:, 2::2] = np.cos(angles), -np.sin(angles)
    analysis = synthesis.T * (2.0 / points)
    analysis[0] *= 0.5
    return _Grid(points, synthesis, analysis)


def _linear(oscillator: Oscillator, omega: float, top: int) -> Array:
    """Impedance of each harmonic, c_0's first, shape (top + 1,)."""
    return oscillator.impedance(omega * np.arange(top + 1))


def _apply(linear: Array, real: Array) -> Array:
    """The linear part on real amplitudes."""
    result = np.empty(real.shape)
    product = linear * _complex(real[:, None])[:, 0]
    result[0], result[1::2], result[2::2] = product[0].real, product[1:].real, product[1:].imag
    return result


def _jacobian(oscillator: Oscillator, grid: _Grid, omega: float, z: Array, current: Array) -> Array:
    """Derivative of the balance with respect to the real amplitudes."""
    slope = oscillator.bending(z)[1] - oscillator.drive(z)[1] * current
    matrix: Array = grid.analysis @ (slope[:, None] * grid.synthesis)
    linear = _linear(oscillator, omega, (matrix.shape[0] - 1) // 2)
    index = np.arange(1, matrix.shape[0], 2)
    matrix[0, 0] += linear[0].real
    matrix[index, index] += linear[1:].real
    matrix[index + 1, index + 1] += linear[1:].real
    matrix[index, index + 1] -= linear[1:].imag
    matrix[index + 1, index] += linear[1:].imag
    return matrix


def _complex(real: Array) -> Array:
    """Columns of real amplitudes (2N + 1, m) as complex ones (N + 1, m)."""
    result = np.empty(((len(real) + 1) // 2, real.shape[1]), dtype=complex)
    result[0], result[1:] = real[0], real[1::2] + 1j * real[2::2]
    return result
