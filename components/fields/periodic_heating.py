"""Temperatures under a heating that repeats, by exact steps: for studies that try many sizes and schedules.

A run of a whole balance asks the engine for the same temperatures. Here the coil's power is given, and nothing else
happens: the temperature of the room is constant, and so is the coil's resistance, unless `with_warm_coil` lets it grow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import factorial
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from components.fields.reduced_basis import ThermalModes

Array = NDArray[np.float64]
SERIES = 20
SAME = 1e-9
"""Times (s) that differ by less than about this are one: a schedule's pieces are few lengths, many times over."""
MOST_ROUNDS = 200


@dataclass(frozen=True, eq=False)
class PeriodicPower:
    """A power that is a polynomial in time on each piece of a period, and repeats.

    Parameters
    ----------
    edges : of the pieces (s), from 0 to the period, ascending, shape (n + 1,).
    coefficients : of powers 0, 1, 2 … of the time since the start of the piece (W, W/s, W/s² …), shape (n, orders).

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
        if self.coefficients.ndim != 2 or len(self.coefficients) != len(self.edges) - 1:
            raise ValueError(
                f"a periodic power of {len(self.edges) - 1} pieces needs coefficients of shape "
                f"({len(self.edges) - 1}, orders), not {self.coefficients.shape}"
            )

    @classmethod
    def blocks(cls, durations: Sequence[float], powers: Sequence[float]) -> Self:
        """Constant powers (W) one after another, for these durations (s)."""
        coefficients = np.array(powers, dtype=float)[:, None]
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
        return float(self._energies(np.diff(self.edges)).sum() / self.period)

    def _energies(self, since: Array, piece: Any = slice(None)) -> Array:
        """Heat (J) since the start of pieces."""
        orders = np.arange(1, self.coefficients.shape[1] + 1)
        energies: Array = (self.coefficients[piece] * since[:, None] ** orders / orders).sum(axis=1)
        return energies

    def at(self, times: ArrayLike) -> Array:
        """The power (W) at any times (s)."""
        piece, since = place(self.edges, np.asarray(times, dtype=float))
        power: Array = np.zeros_like(since)
        for column in self.coefficients.T[::-1]:
            power = power * since + column[piece]
        return power

    def means(self, edges: ArrayLike) -> Array:
        """Mean power (W) between ascending times (s) within a period, shape (n,) for n + 1 times."""
        at = np.asarray(edges, dtype=float)
        before = np.concatenate([[0.0], np.cumsum(self._energies(np.diff(self.edges)))])
        piece = np.clip(np.searchsorted(self.edges, at, side="right") - 1, 0, len(self.coefficients) - 1)
        energy = before[piece] + self._energies(at - self.edges[piece], piece)
        mean: Array = np.diff(energy) / np.diff(at)
        return mean


def place(edges: Array, times: Array) -> tuple[NDArray[np.intp], Array]:
    """The piece of a period that each time is in, and how long it has lasted (s)."""
    within = np.mod(times, edges[-1])
    piece = np.searchsorted(edges[1:-1], within, side="right")
    return piece, within - edges[piece]


class PeriodicResponse:
    """What a forcing that repeats, a polynomial in time on each piece of a period, makes of some modes.

    All that does not depend on the forcing is found once, for those who try many.

    Parameters
    ----------
    rates : decay rates of the modes (1/s), shape (n,).
    edges : of the pieces (s), from 0 to the period, shape (pieces + 1,).
    times : at which the modes are wanted (s), shape (m,).
    orders : how many powers of time a forcing has on a piece, at most; 1 if it is constant there.
    """

    def __init__(self, rates: Array, edges: Array, times: Array, orders: int) -> None:
        self.rates, self.edges = rates, edges
        self._piece, since = place(edges, times)
        of_pieces, of_times = _answers(rates, (np.diff(edges), since), orders)
        (self._kept, self._gained), (self._left, self._driven) = of_pieces, of_times
        self._left_of_all: list[tuple[int, Array]] = []  # composed in pairs, fours, eights; see `at_edges`
        kept, step = self._kept.copy(), 1
        while step < len(kept):
            self._left_of_all.append((step, kept[step:].copy()))
            kept[step:] *= kept[:-step].copy()
            step *= 2
        whole = rates * edges[-1]
        with np.errstate(divide="ignore"):
            self._again = np.where(whole > 0, -1.0 / np.expm1(-whole), 0.0)
        self._at_edges = np.exp(-np.multiply.outer(edges[:-1], rates))

    def modes(self, coefficients: Array, gain: Array) -> Array:
        """The modes at the times in the periodic steady state, shape (m, n).

        Parameters
        ----------
        coefficients : of powers 0, 1, 2 … of the time since the start of each piece, shape (pieces, orders).
        gain : of the forcing to the modes, shape (n,).

        Raises
        ------
        ValueError
            If what is forced does not decay.
        """
        start = self.at_edges(coefficients, gain)[self._piece]
        forced = np.einsum("kmn,mk->mn", self._driven[: coefficients.shape[1]], coefficients[self._piece])
        found: Array = self._left * start + forced * gain
        return found

    def at_edges(self, coefficients: Array, gain: Array) -> Array:
        """The modes at the start of each piece, shape (pieces, n); see `modes`."""
        rest: Array = np.einsum("kpn,pk->pn", self._gained[: coefficients.shape[1]], coefficients) * gain
        for step, kept in self._left_of_all:  # what is left of all that came before
            rest[step:] += kept * rest[:-step]
        if np.any((self._again == 0) & (rest[-1] != 0)):
            raise ValueError(
                "heat that finds no way out has no periodic steady state; expected a film coefficient above 0"
            )
        starts: Array = rest[-1] * self._again * self._at_edges
        starts[1:] += rest[:-1]
        return starts


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
    within, again = np.unique(np.mod(t, power.period), return_inverse=True)
    response = PeriodicResponse(modes.rates, power.edges, within, power.coefficients.shape[1])
    rises: Array = (modes.outputs @ response.modes(power.coefficients, modes.power).T)[:, again]
    if start is not None:
        steady = response.at_edges(power.coefficients, modes.power)[0]
        decay = np.exp(-np.multiply.outer(modes.rates, t))
        rises += modes.outputs @ (decay * (start * modes.even - steady)[:, None])
    return rises


def _answers(rates: Array, durations: Sequence[Array], orders: int) -> list[tuple[Array, Array]]:
    """What is left of modes after some times (s), and `_driven` there: shapes (m, n) and (orders, m, n).

    Parameters
    ----------
    durations : several rows of times, each answered for itself.
    """
    few = [np.unique(np.round(t / SAME), return_index=True, return_inverse=True)[1:] for t in durations]
    t = np.concatenate([t[first] for t, (first, _) in zip(durations, few, strict=True)])[:, None]
    x = t * rates
    left, driven = np.exp(-x), _driven(x, t, orders)
    begins = np.cumsum([0, *(len(first) for first, _ in few)])
    places = [begin + which for begin, (_, which) in zip(begins, few, strict=False)]
    return [(left[place], driven[:, place]) for place in places]


def _driven(x: Array, t: Array, orders: int) -> Array:
    """``∫ exp(−rate (t − s)) s^k ds`` from 0 to t for x = rate t and k below `orders`: k! t^(k+1) φ_(k+1)(−x).

    The first axis is k.
    """
    found = np.empty((orders, *x.shape))
    far = x > 1.0
    found[:, far], found[:, ~far] = _upward(x[far], orders), _downward(x[~far], orders)
    for k in range(orders):
        found[k] *= factorial(k) * t ** (k + 1)
    return found


def _upward(x: Array, orders: int) -> list[Array]:
    """φ_(k+1)(−x) = (1/k! − φ_k(−x))/x, which loses no digits where x is large."""
    found = [-np.expm1(-x) / x]
    for k in range(1, orders):
        found.append((1.0 / factorial(k) - found[-1]) / x)
    return found


def _downward(x: Array, orders: int) -> list[Array]:
    """The same from the series of the highest down, where x is small."""
    top = np.zeros_like(x)
    for m in range(SERIES - orders, -1, -1):
        np.subtract(1.0 / factorial(m + orders), np.multiply(x, top, out=top), out=top)
    found = [top]
    for k in range(orders - 1, 0, -1):
        found.append(1.0 / factorial(k) - x * found[-1])
    return found[::-1]
