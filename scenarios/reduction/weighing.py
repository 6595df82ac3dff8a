"""The difference between mass on and mass off, freed of drift.

Every scheme is linear in the readings. A `Comparison` holds its weights once, so that the same difference can be taken
of forces with and without a correction, and its uncertainty follows from one formula.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.errors import ReductionError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Difference:
    """Mass on minus mass off of one cycle.

    Parameters
    ----------
    value, u : the difference and its standard uncertainty, in the unit of the readings.
    dof : effective degrees of freedom of `u`.
    residuals : what the scheme leaves, in the unit of the readings: per weighing (polynomial), per comparison (ABA,
        ABBA).
    times : that the residuals belong to (s).
    number : weighings that enter.
    """

    value: float
    u: float
    dof: float
    residuals: Array
    times: Array
    number: int


@dataclass(frozen=True, eq=False)
class Comparison:
    """A linear scheme for given times and states.

    Parameters
    ----------
    weights : difference = weights · readings, shape (weighings,).
    residual_matrix : residuals = residual_matrix · readings, zero for readings without noise.
    times : that the residuals belong to (s).
    number : weighings that enter.
    """

    weights: Array
    residual_matrix: Array
    times: Array
    number: int

    def difference(self, readings: Array) -> Difference:
        """Apply the scheme.

        The residuals estimate the variance σ² of one weighing, taken as white between weighings:
        E|D x|² = σ² tr(DᵀD). Comparisons that share a weighing are thereby not counted as independent. The effective
        degrees of freedom are those of a quadratic form, tr(A)²/tr(A²) with A = DᵀD.
        """
        residuals = self.residual_matrix @ readings
        form = self.residual_matrix.T @ self.residual_matrix
        trace = float(np.trace(form))
        sigma = np.sqrt(residuals @ residuals / trace)
        return Difference(
            value=float(self.weights @ readings),
            u=float(sigma * np.sqrt(self.weights @ self.weights)),
            dof=trace**2 / float(np.sum(form * form)),
            residuals=residuals,
            times=self.times,
            number=self.number,
        )


def compare(
    scheme: str,
    times: Array,
    on: NDArray[np.bool_],
    drift_order: int = 1,
) -> Comparison:
    """The scheme `"polynomial"`, `"aba"` or `"abba"` for weighings at `times` (s, ascending) with the mass on or off.

    Raises
    ------
    ReductionError
        If there are too few weighings for the scheme; the message says how many are needed.
    """
    if not (np.any(on) and not np.all(on)):
        state = "off" if np.any(on) else "on"
        raise ReductionError(f"there is no weighing with state {state!r}; the difference needs both states")
    if scheme == "aba":
        return aba(times, on)
    if scheme == "abba":
        return abba(times, on)
    return polynomial(times, on, drift_order)


def polynomial(times: Array, on: NDArray[np.bool_], order: int) -> Comparison:
    """Least squares: the difference between the states plus one polynomial drift through the cycle."""
    needed = order + 3
    if len(times) < needed:
        raise ReductionError(
            f"a cycle has {len(times)} weighings; the polynomial scheme of order {order} "
            f"needs at least {needed}: record more, or lower reduction.drift_order"
        )
    weights, hat = _least_squares(times, on, order)
    if weights is None:
        raise ReductionError(
            f"a drift of order {order} cannot be told from the difference between on and off: "
            "lower reduction.drift_order, or alternate the states more often"
        )
    return Comparison(weights, np.eye(len(times)) - hat, times, len(times))


def aba(times: Array, on: NDArray[np.bool_]) -> Comparison:
    """Each interior weighing against its neighbours of the other state, interpolated to its time."""
    rows, centres = [], []
    for j in range(len(times)):
        others = np.flatnonzero(on != on[j])
        before, after = others[others < j], others[others > j]
        if not (before.size and after.size):
            continue
        a, b = before[-1], after[0]
        share = (times[j] - times[a]) / (times[b] - times[a])
        row = np.zeros(len(times))
        row[j], row[a], row[b] = 1.0, share - 1.0, -share
        rows.append(row if on[j] else -row)
        centres.append(times[j])
    if len(rows) < 2:
        raise ReductionError(f"a cycle has {len(times)} weighings; the ABA scheme needs at least 4, on and off in turn")
    return _mean_of(np.array(rows), np.array(centres))


def abba(times: Array, on: NDArray[np.bool_]) -> Comparison:
    """Groups of four, each freed of its own linear drift.

    In the order A B B A at equal intervals the weights are (1, −1, −1, 1)/2; for any other order or spacing they are
    the shortest ones that a constant and a linear drift do not pass. Weighings that do not fill a group are left out.
    With one group only, its own residual gives the uncertainty.
    """
    rows, centres = [], []
    last: tuple[slice, Array] | None = None
    for first in range(0, len(times) - 3, 4):
        group = slice(first, first + 4)
        weights, hat = _least_squares(times[group], on[group], 1)
        if weights is None:
            continue
        row = np.zeros(len(times))
        row[group] = weights
        rows.append(row)
        centres.append(times[group].mean())
        last = group, hat
    if last is None:
        raise ReductionError(
            f"a cycle has {len(times)} weighings; the ABBA scheme needs at least one group of 4 with both states, "
            "such as on, off, off, on"
        )
    if len(rows) > 1:
        return _mean_of(np.array(rows), np.array(centres))
    group, hat = last
    residual_matrix = np.zeros((4, len(times)))
    residual_matrix[:, group] = np.eye(4) - hat
    return Comparison(rows[0], residual_matrix, times[group], 4)


def _mean_of(rows: Array, centres: Array) -> Comparison:
    """The mean of comparisons, with their deviations from it as residuals."""
    weights = rows.mean(axis=0)
    return Comparison(weights, rows - weights, centres, int(np.count_nonzero(rows.any(axis=0))))


def _least_squares(times: Array, on: NDArray[np.bool_], order: int) -> tuple[Array | None, Array]:
    """Weights of the on-off difference beside a drift, None if not to be told apart; and the hat matrix."""
    tau = times - times.mean()
    tau = tau / max(float(np.abs(tau).max()), 1e-300)
    state = np.where(on, 0.5, -0.5)
    design = np.column_stack([state, np.polynomial.chebyshev.chebvander(tau, order)])
    q, r = np.linalg.qr(design)
    diagonal = np.abs(np.diag(r))
    if len(diagonal) < design.shape[1] or diagonal.min() < 1e-10 * diagonal.max():
        return None, q @ q.T
    return np.linalg.solve(r, q.T)[0], q @ q.T
