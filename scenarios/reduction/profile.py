"""A field profile ``B(z)/B(0) = exp P(z)`` with a polynomial P, its uncertainty, and where it is uniform."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scenarios.reduction.certificates import Estimate
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.findings import Quantity

Array = NDArray[np.float64]
TWO_ORDERS = 10.0
"""By how much two more orders lower χ², per order and relative to its share, if the order does not suffice."""


@dataclass(frozen=True, eq=False)
class LogProfile:
    """P(z) = Σ c_k (z/scale)^k, k = 1, 2, …

    Parameters
    ----------
    coefficients, covariance : c_k and theirs, shape (order,) and (order, order).
    scale : length (m).
    suffices : whether two more orders would leave no less.
    """

    coefficients: Array
    covariance: Array
    scale: float
    suffices: bool = True

    @classmethod
    def fit(
        cls,
        above: Array,
        below: Array,
        values: Array,
        order: int,
        beside: Array | None = None,
        least: float = 0.0,
    ) -> LogProfile:
        """From ``P(above) − P(below)``, by least squares; the covariance from the scatter.

        Parameters
        ----------
        above, below : heights (m), shape (n,).
        values : shape (n,).
        beside : a further column of the model, whose factor is of no interest.
        least : standard deviation of a value that the scatter is not taken to be below.

        Raises
        ------
        ReductionError
            If the readings are too few for the order.
        """
        scale = float(max(np.abs(above).max(), np.abs(below).max()))
        if len(values) < 4 * (order + 3) or scale == 0.0:
            raise ReductionError(f"{len(values)} readings cannot determine a profile of order {order}; record more")

        def solve(order: int) -> tuple[Array, Array, float]:
            columns = [(above / scale) ** k - (below / scale) ** k for k in range(1, order + 1)]
            columns += [] if beside is None else [beside]
            matrix = np.stack(columns, axis=1)
            sizes = np.sqrt((matrix**2).sum(axis=0))
            normal = (matrix / sizes).T @ (matrix / sizes)
            if np.linalg.cond(normal) > 1e12:
                raise ReductionError(f"the heights do not determine a profile of order {order}; lower it")
            inverse = np.linalg.inv(normal) / np.outer(sizes, sizes)
            found = inverse @ (matrix.T @ values)
            rest = values - matrix @ found
            return found, inverse, float(rest @ rest)

        found, inverse, chi = solve(order)
        free = len(values) - len(found)
        covariance = inverse * max(chi / free, least**2)
        more = solve(order + 2)[2] if len(values) >= 4 * (order + 5) else chi
        gain = (chi - more) / 2.0 / max(more / (free - 2), 1e-300)
        noise = chi > 1e-24 * float(values @ values)
        return cls(found[:order], covariance[:order, :order], scale, not (noise and gain > TWO_ORDERS))

    def with_scale(self, u: float) -> LogProfile:
        """With a relative uncertainty of all coefficients together."""
        return replace(self, covariance=self.covariance + u**2 * np.outer(self.coefficients, self.coefficients))

    def with_term(self, order: int, u: float) -> LogProfile:
        """With a further uncertainty of the term z^order (1/m^order), if the profile has one."""
        if order > len(self.coefficients):
            return self
        covariance = self.covariance.copy()
        covariance[order - 1, order - 1] += (u * self.scale**order) ** 2
        return replace(self, covariance=covariance)

    def powers(self, z: ArrayLike) -> Array:
        """What P is of its coefficients at heights (m), shape (…, order)."""
        x = np.asarray(z, dtype=float) / self.scale
        return np.stack([x**k for k in range(1, len(self.coefficients) + 1)], axis=-1)

    def at(self, z: ArrayLike) -> Array:
        """ln B(z)/B(0)."""
        return np.asarray(self.powers(z) @ self.coefficients)

    def difference(self, above: Array, below: Array) -> Array:
        """P(above) − P(below)."""
        return self.at(above) - self.at(below)

    def relative(self, z: Array) -> tuple[Array, Array]:
        """B(z)/B(0) − 1 and its standard uncertainty."""
        rows = self.powers(z)
        value: Array = rows @ self.coefficients
        variance: Array = ((rows @ self.covariance) * rows).sum(axis=-1)
        return np.expm1(value), np.exp(value) * np.sqrt(np.maximum(variance, 0.0))

    def derivative(self, z: float, order: int = 1) -> float:
        """Of P (1/m, 1/m², …)."""
        polynomial = np.polynomial.Polynomial([0.0, *self.coefficients]).deriv(order)
        return float(polynomial(z / self.scale)) / self.scale**order

    def slope(self, z: float) -> tuple[float, float]:
        """(dB/dz)/B (1/m) and its standard uncertainty."""
        return self._derived(z, 1)

    def curvature(self, z: float) -> tuple[float, float]:
        """P″ (1/m²), which is (d²B/dz²)/B − ((dB/dz)/B)², and its standard uncertainty."""
        return self._derived(z, 2)

    def _derived(self, z: float, times: int) -> tuple[float, float]:
        x = z / self.scale
        powers = range(1, len(self.coefficients) + 1)
        row = np.array([math.perm(k, times) * x ** max(k - times, 0) for k in powers]) / self.scale**times
        return float(row @ self.coefficients), math.sqrt(max(float(row @ self.covariance @ row), 0.0))

    def quantities(self, first: float, last: float, points: int) -> list[Quantity]:
        """The profile as series between two heights (m)."""
        z = np.linspace(first, last, points)
        value, u = self.relative(z)
        return [
            Quantity("position_m", z, "m", "z", "heights of the profile"),
            Quantity("profile", value, "1", "B/B(0) − 1", "profile of the field", u),
        ]


def slope_quantities(field: Estimate, relative: Estimate) -> list[Quantity]:
    """The slope of the field in the middle.

    Parameters
    ----------
    field : B(0) (T).
    relative : (dB/dz)/B there (1/m).
    """
    u = math.hypot(field.value * relative.u, relative.value * field.u)
    slope = field.value * relative.value
    return [
        Quantity("slope_T_per_m", slope, "T/m", "dB/dz", "slope of the field at z = 0", u),
        Quantity("relative_slope_per_m", relative.value, "1/m", "(dB/dz)/B", "the same, relative", relative.u),
    ]


def uniform_quantity(profile: LogProfile, tolerance: float, first: float, last: float) -> Quantity:
    """Within how far the field is uniform, of what was read between two heights (m)."""
    length, u, ends = uniform_range(profile, tolerance, first, last)
    within = f"about z = 0, with |B/B(0) − 1| < {tolerance:g}"
    return Quantity("uniform_range_m", length, "m", "Δz", within + ("" if ends else "; at least: all that was read"), u)


def order_notes(profile: LogProfile, order: int) -> tuple[str, ...]:
    """Whether the order suffices."""
    return () if profile.suffices else (f"A profile of order {order} leaves more than noise; raise it.",)


def uniform_range(profile: LogProfile, tolerance: float, first: float, last: float) -> tuple[float, float, bool]:
    """Length about z = 0 within which |B/B(0) − 1| < tolerance (m), its uncertainty, and whether it ends on both sides.

    Only what lies between two heights was read.
    """
    length, both = 0.0, True
    gradient = np.zeros(len(profile.coefficients))  # of the length, by the coefficients
    for end in (first, last):
        z = np.linspace(0.0, end, 4001)
        deviation = np.abs(profile.relative(z)[0])
        beyond = np.flatnonzero(deviation >= tolerance)
        if not len(beyond):
            length, both = length + abs(end), False
            continue
        k = int(beyond[0])
        share = (tolerance - deviation[k - 1]) / (deviation[k] - deviation[k - 1])
        edge = float(z[k - 1] + share * (z[k] - z[k - 1]))
        length += abs(edge)
        if slope := profile.derivative(edge):
            gradient -= math.copysign(1.0, edge) * profile.powers(edge) / slope
    return length, math.sqrt(max(float(gradient @ profile.covariance @ gradient), 0.0)), both
