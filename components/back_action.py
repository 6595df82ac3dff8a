"""The balance's own coil, closed through its circuit, and how that acts back on what moves it.

The EMF ``Bl v`` drives a current i through the coil's resistance and inductance into what lies across its terminals, a
conductance (leakage, meter) and a capacitance (coil, leads) at the voltage U,

    L di/dt = Bl v − R i − U,    C dU/dt = i − G U,

and the current pushes the coil back with ``Bl i``. What the motion so loses, ``Bl v i``, is ``R i² + G U²`` and what L
and C take up. Where L and C act far faster than anything moves it is a damping by ``Bl² G/(1 + R G)`` and a mass of
``Bl² (C − L G²)/(1 + R G)²``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
FAST = 2e4
"""Rate (1/s) from which on a circuit follows the motion at once, by its first two orders in time."""


@dataclass(frozen=True)
class CoilCircuit:
    """What is closed around a coil that moves.

    Parameters
    ----------
    bl : of the coil (T·m).
    resistance, inductance : R (Ω), L (H) of the coil; 0 H for an inductance that is left out.
    conductance, capacitance : G (S), C (F) across its terminals.
    """

    bl: float
    resistance: float
    inductance: float
    conductance: float
    capacitance: float

    @property
    def conducts(self) -> bool:
        """Whether a current can flow at all."""
        return bool(self.bl and (self.conductance or self.capacitance))

    def admittance(self, omega: Array) -> Array:
        """Current over EMF at angular frequencies in rad/s (S)."""
        s = 1j * np.asarray(omega)
        across = self.conductance + s * self.capacitance
        result: Array = across / (1.0 + across * (self.resistance + s * self.inductance))
        return result

    def on(self, mass: float) -> BackAction:
        """What it does to a mass (kg) that the coil moves with."""
        states = self._states
        a, b, c, d, e = self._at_once() if states is None else states
        scale = self.bl**2 / mass
        return BackAction(a, b, scale * c, scale * d, scale * e)

    def _at_once(self) -> tuple[Array, Array, Array, float, float]:
        g, loading, nothing = self.conductance, 1.0 + self.resistance * self.conductance, np.zeros(0)
        mass = (self.capacitance - self.inductance * g * g) / loading**2
        return np.zeros((0, 0)), nothing, nothing, g / loading, mass

    @property
    def _states(self) -> tuple[Array, Array, Array, float, float] | None:
        """``w' = A w + b e``, ``i = c w + d e``, of the EMF e; None if all is fast."""
        r, ind, g, cap = self.resistance, self.inductance, self.conductance, self.capacitance
        if ind and cap:
            a, b, c, d = np.array([[-r / ind, -1.0 / ind], [1.0 / cap, -g / cap]]), [1.0 / ind, 0.0], [1.0, 0.0], 0.0
        elif ind and g:
            a, b, c, d = np.array([[-(r + 1.0 / g) / ind]]), [1.0 / ind], [1.0], 0.0
        elif cap and r:
            a, b, c, d = np.array([[-(1.0 / r + g) / cap]]), [1.0 / (r * cap)], [-1.0 / r], 1.0 / r
        else:
            return None
        if np.abs(np.linalg.eigvals(a)).min() > FAST:
            return None
        return a, np.array(b), np.array(c), d, 0.0


@dataclass(frozen=True, eq=False)
class BackAction:
    """A deceleration that follows the velocity: ``w' = A w + b v``, ``c w + d v + e v'`` (m/s²).

    Parameters
    ----------
    a, b, c : of the states of the circuit, shape (k, k), (k,), (k,). d : damping rate (1/s). e : mass, relative.
    """

    a: Array
    b: Array
    c: Array
    d: float
    e: float

    @property
    def size(self) -> int:
        """Number of states."""
        return len(self.b)

    def states(self, omega: Array) -> Array:
        """Amplitudes of the states over that of the velocity at angular frequencies (rad/s), shape (..., k)."""
        shifted = 1j * np.asarray(omega)[..., None, None] * np.eye(self.size) - self.a
        return np.linalg.solve(shifted, np.broadcast_to(self.b[:, None], (*np.shape(omega), self.size, 1)))[..., 0]

    def response(self, omega: Array) -> Array:
        """Deceleration over velocity at angular frequencies in rad/s (1/s)."""
        result: Array = self.states(omega) @ self.c + self.d + 1j * np.asarray(omega) * self.e
        return result

    def at_rest(self, states: Array, t: Array) -> Array:
        """The states a time (s) after the coil has stopped, shape (..., k)."""
        rates, vectors = self._modes
        result: Array = ((np.linalg.solve(vectors, states) * np.exp(np.multiply.outer(t, rates))) @ vectors.T).real
        return result

    @cached_property
    def _modes(self) -> tuple[Array, Array]:
        rates, vectors = np.linalg.eig(self.a) if self.size else (np.zeros(0), np.zeros((0, 0)))
        return rates, vectors

    def followers(self, once: Array) -> tuple[Array, Array]:
        """How the states at nodes follow from those at the start and from the velocities at the nodes.

        Parameters
        ----------
        once : integration from the start to the nodes, from values there, shape (n, n).

        Returns
        -------
        tuple of Array
            Of shape (k, n, k) and (k, n, n).
        """
        k, n = self.size, len(once)
        system = np.eye(k * n) - np.kron(self.a, once)
        start = np.kron(np.eye(k), np.ones((n, 1)))
        driven = np.kron(self.b[:, None], once)
        solved = np.linalg.solve(system, np.concatenate([start, driven], axis=1))
        return solved[:, :k].reshape(k, n, k), solved[:, k:].reshape(k, n, n)


NONE = BackAction(np.zeros((0, 0)), np.zeros(0), np.zeros(0), 0.0, 0.0)
"""Of a coil whose circuit is open."""
