"""Temperatures under a heating that repeats, by exact steps: for studies that try many sizes and schedules.

A run of a whole balance asks the engine for the same temperatures. Here the coil's power is given, and nothing else
happens: the temperature of the room is constant, and so is the coil's resistance, unless `with_warm_coil` lets it grow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import factorial
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from components.fields.reduced_basis import ThermalModes

Array = NDArray[np.float64]
SERIES = 20
MOST_ROUNDS = 200


@dataclass(frozen=True, eq=False)
class PeriodicPower:
    """A power that is quadratic in time on each piece of a period, and repeats.

    Parameters
    ----------
    edges : of the pieces (s), from 0 to the period, ascending, shape (n + 1,).
    coefficients : of powers 0, 1 and 2 of the time since the start of the piece (W, W/s, W/s²), shape (n, 3).

    Raises
    ------
    ValueError
        If the edges do not ascend from 0, or the shapes do not agree.
    """

    edges: Array
    coefficients: Array

    def __post_init__(self) -> None:
        if self.edges.ndim != 1 or len(self.edges) < 2 or self.edges[0] != 0 or np.any(np.diff(self.edges) <= 0):
            raise ValueError("a periodic power needs edges that ascend from 0")
        if self.coefficients.shape != (len(self.edges) - 1, 3):
            raise ValueError(
                f"a periodic power of {len(self.edges) - 1} pieces needs coefficients of shape "
                f"({len(self.edges) - 1}, 3), not {self.coefficients.shape}"
            )

    @classmethod
    def blocks(cls, durations: Sequence[float], powers: Sequence[float]) -> Self:
        """Constant powers (W) one after another, for these durations (s)."""
        coefficients = np.zeros((len(powers), 3))
        coefficients[:, 0] = powers
        return cls(np.concatenate([[0.0], np.cumsum(durations)]), coefficients)

    @classmethod
    def of_current(cls, times: ArrayLike, currents: ArrayLike, resistance: float) -> Self:
        """The heat of a current (A) that is linear between the given times (s), in a resistance (ohm)."""
        t, current = np.asarray(times, dtype=float), np.asarray(currents, dtype=float)
        slope = np.diff(current) / np.diff(t)
        return cls(t, resistance * np.stack([current[:-1] ** 2, 2 * current[:-1] * slope, slope**2], axis=1))

    @property
    def period(self) -> float:
        """τ_c (s)."""
        return float(self.edges[-1])

    @property
    def mean(self) -> float:
        """Of a period (W)."""
        length = np.diff(self.edges)
        return float((self.coefficients * length[:, None] ** np.arange(1, 4) / np.arange(1, 4)).sum() / self.period)

    def at(self, times: ArrayLike) -> Array:
        """The power (W) at any times (s)."""
        piece, since = self._place(np.asarray(times, dtype=float))
        c = self.coefficients[piece]
        return c[..., 0] + since * (c[..., 1] + since * c[..., 2])

    def _place(self, times: Array) -> tuple[NDArray[np.intp], Array]:
        """The piece that each time is in, and how long it has lasted (s)."""
        within = np.mod(times, self.period)
        piece = np.searchsorted(self.edges[1:-1], within, side="right")
        return piece, within - self.edges[piece]


def with_warm_coil(
    modes: ThermalModes, edges: ArrayLike, power: Callable[[Array], Array], coefficient: float
) -> PeriodicPower:
    """What a current that repeats heats in the periodic steady state if the coil's resistance grows as it warms.

    ``P(t) (1 + a T_coil(t))``, as a quadratic through three Gauss points of each piece, by fixed-point iteration.

    Parameters
    ----------
    modes : of the size and the film coefficient; the second of their outputs is the coil.
    edges : of the pieces (s), from 0 to the period; short ones, for power and temperature to be quadratic in each.
    power : at the reference temperature (W), as a function of times (s), smooth within each piece.
    coefficient : a, of the resistance (1/K).

    Raises
    ------
    ValueError
        If it does not settle: the coil runs away.
    """
    ends = np.asarray(edges, dtype=float)
    nodes = 0.5 * (1.0 + np.array([-np.sqrt(0.6), 0.0, np.sqrt(0.6)]))
    length = np.diff(ends)
    times = ends[:-1, None] + length[:, None] * nodes
    quadratic = np.linalg.inv(np.vander(nodes, increasing=True)).T
    scale = length[:, None] ** -np.arange(3.0)
    cold = power(times)
    heat, before = cold, np.inf
    for _ in range(MOST_ROUNDS):
        found = PeriodicPower(ends, (heat @ quadratic) * scale)
        warm = cold * (1.0 + coefficient * temperatures(modes, found, times.ravel())[1].reshape(times.shape))
        change, heat = float(np.abs(warm - heat).max()), warm
        if change <= 1e-13 * float(np.abs(cold).max()):
            return found
        if change >= before:
            break
        before = change
    raise ValueError("the coil's resistance grows faster than its heat gets away: there is no periodic steady state")


def temperatures(modes: ThermalModes, power: PeriodicPower, times: ArrayLike, *, start: float | None = None) -> Array:
    """Temperature rises above a room that stays as it is.

    Parameters
    ----------
    modes : of the size and the film coefficient.
    power : that heats the coil.
    times : since the start of a period (s), shape (m,).
    start : even temperature rise at time 0 (K); None for the periodic steady state.

    Returns
    -------
    The outputs of `modes` (K), shape (outputs, m).

    Raises
    ------
    ValueError
        If a steady state is asked for where the mean power finds no way out.
    """
    t = np.asarray(times, dtype=float)
    at_edges = _steady(modes, power)
    within, again = np.unique(np.mod(t, power.period), return_inverse=True)
    piece, since = power._place(within)
    x = np.multiply.outer(modes.rates, since)
    q = np.exp(-x) * at_edges.T[:, piece]
    for order in range(3):
        c = power.coefficients[piece, order]
        if np.any(c):
            q += modes.power[:, None] * c * _driven(x, since, order)
    rises: Array = (modes.outputs @ q)[:, again]
    if start is not None:
        rises += modes.outputs @ (
            np.exp(-np.multiply.outer(modes.rates, t)) * (start * modes.even - at_edges[0])[:, None]
        )
    return rises


def _steady(modes: ThermalModes, power: PeriodicPower) -> Array:
    """The modes at the start of each piece in the periodic steady state, shape (pieces, modes)."""
    length = np.diff(power.edges)
    x = np.multiply.outer(length, modes.rates)
    gained = (
        sum(power.coefficients[:, order, None] * _driven(x, length[:, None], order) for order in range(3)) * modes.power
    )
    kept = np.exp(-x)
    rest = np.zeros_like(gained)
    for k in range(len(length) - 1):
        rest[k + 1] = kept[k] * rest[k] + gained[k]
    end, whole = kept[-1] * rest[-1] + gained[-1], modes.rates * power.period
    if np.any((whole == 0) & (end != 0)):
        raise ValueError("heat that finds no way out has no periodic steady state; expected a film coefficient above 0")
    first = np.divide(end, -np.expm1(-whole), out=np.zeros_like(end), where=whole > 0)
    return rest + first * np.exp(-np.multiply.outer(power.edges[:-1], modes.rates))


def _driven(x: Array, t: Array, order: int) -> Array:
    """``∫ exp(−rate (t − s)) s^order ds`` from 0 to t for x = rate t: order! t^(order+1) φ_(order+1)(−x).

    By its series where x is small, else by the recursion φ_(k+1)(−x) = (1/k! − φ_k(−x))/x, which then loses no digits.
    """
    safe = np.where(x > 0, x, 1.0)
    phi = np.where(x > 0, -np.expm1(-safe) / safe, 1.0)
    for k in range(1, order + 1):
        large = (1.0 / factorial(k) - phi) / safe
        small = np.zeros_like(x)
        for m in range(SERIES - 1, -1, -1):
            small = 1.0 / factorial(m + k + 1) - np.minimum(x, 1.0) * small
        phi = np.where(x > 1.0, large, small)
    return factorial(order) * t ** (order + 1) * phi
