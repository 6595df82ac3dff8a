"""Where the thermal-magnetic error reaches a limit: how small a magnet may be, or whatever else is varied.

ε goes through zero where the delay of the magnet's temperature does (Liu2025, fig. 3), so that |ε| may reach a limit
several times. All crossings in a range are found: ε − limit and ε + limit are looked at on a grid, and where they come
close to zero without crossing it, at their nearest point too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.run.experiment import Experiment
from scenarios.studies.thermal import thermal

Array = NDArray[np.float64]
POINTS = 17
"""Of the grid on which a range is looked at first."""
CLEAR = 0.8
"""Share of its distance from zero that a parabola's lowest point may have, if the point is to be looked for."""
TOLERANCE = 1e-12
"""Relative, of a root."""
SCALE = "balance.scale"
SCALE_RANGE = 0.2, 1.2
"""In which a magnet's size is looked for, unless something else is said."""


@dataclass(frozen=True)
class Root:
    """Where |ε| is the limit.

    Parameters
    ----------
    value : of the parameter, in its SI unit.
    u : numerical uncertainty of it: what twice as many pieces of the period and samples, and the search, change.
    slope : dε/d(parameter).
    diameter_mm, mass_kg : of the magnet there; None if the balance does not state them.
    """

    value: float
    u: float
    slope: float
    diameter_mm: float | None
    mass_kg: float | None


@dataclass(frozen=True)
class Boundary:
    """All crossings of a limit in a range.

    Parameters
    ----------
    path, low, high : what is varied, and between which values.
    limit : of |ε|.
    roots : ascending.
    within : stretches of the range with |ε| ≤ limit, ascending.
    course : what was evaluated on the way, pairs of the parameter and ε, ascending.
    """

    path: str
    low: float
    high: float
    limit: float
    roots: tuple[Root, ...]
    within: tuple[tuple[float, float], ...]
    course: tuple[tuple[float, float], ...]

    @property
    def smallest(self) -> Root | None:
        """The root above which the limit is kept up to the end of the range; None if it is kept, or broken, all
        through."""
        if not self.within or self.within[-1][1] < self.high or self.within[-1][0] <= self.low:
            return None
        return self.roots[-1]

    @property
    def verdict(self) -> str:
        """In words, where the limit is kept."""
        if not self.roots:
            kept = "kept" if self.within else "exceeded"
            return f"{kept} all through"
        return "kept in " + ", ".join(f"{a:.6g} … {b:.6g}" for a, b in self.within) if self.within else "exceeded"


class Search:
    """The thermal-magnetic error of a scenario as a function of one of its parameters.

    Parameters
    ----------
    experiment : the scenario.
    path : of the parameter that is varied.
    """

    def __init__(self, experiment: Experiment, path: str) -> None:
        self.experiment, self.path = experiment, path
        self._known: dict[float, float] = {}

    def at(self, value: float) -> Experiment:
        """The scenario with this value."""
        return self.experiment.with_({self.path: value})

    def epsilon(self, value: float) -> float:
        """Relative error of the mass, without noise."""
        if value not in self._known:
            self._known[value] = thermal(self.at(value)).epsilon
        return self._known[value]

    def boundary(self, limit: float, low: float, high: float, points: int = POINTS) -> Boundary:
        """All values between two with |ε| = limit.

        Parameters
        ----------
        points : of the grid that is looked at first.

        Raises
        ------
        ValueError
            If limit or range cannot be.
        SimulationError
            If the error cannot be evaluated somewhere in the range.
        """
        if not (limit > 0 and math.isfinite(limit)):
            raise ValueError(f"expected a limit greater than 0, not {limit:g}")
        if not (low < high and math.isfinite(low) and math.isfinite(high)):
            raise ValueError(f"expected a range that ascends, not {low:g} to {high:g}")
        found = self.crossings(limit, low, high, points)
        kept = tuple(self._within(limit, [low, *found, high]))
        made = tuple(self._root(value, low, high) for value in found)
        course = tuple((x, self.epsilon(x)) for x in sorted(self._known))
        return Boundary(self.path, low, high, limit, made, kept, course)

    def crossings(self, limit: float, low: float, high: float, points: int = POINTS) -> list[float]:
        """The values of `boundary` alone, ascending."""
        grid = np.geomspace(low, high, points) if low > 0 else np.linspace(low, high, points)
        grid[[0, -1]] = low, high
        return sorted({root for sign in (1.0, -1.0) for root in roots(self._above(limit, sign), grid)})

    def smallest(self, limit: float, low: float, high: float, points: int = POINTS) -> float | None:
        """The value of `Boundary.smallest` alone, without what its uncertainty would cost."""
        found = self.crossings(limit, low, high, points)
        kept = list(self._within(limit, [low, *found, high]))
        return found[-1] if kept and kept[-1][1] == high and kept[-1][0] > low else None

    def _above(self, limit: float, sign: float) -> Callable[[float], float]:
        """Where ε exceeds the limit of this sign. A power law over many decades becomes a line, and takes few steps."""
        return lambda value: math.asinh(self.epsilon(value) / limit) - sign * math.asinh(1.0)

    def _within(self, limit: float, edges: list[float]) -> Iterator[tuple[float, float]]:
        """Stretches between edges with |ε| ≤ limit; those that adjoin are one. What has been evaluated there tells."""
        kept = []
        for a, b in pairwise(edges):
            inside = [x for x in self._known if a < x < b]
            somewhere = min(inside, key=lambda x: abs(x - 0.5 * (a + b)), default=0.5 * (a + b))
            if b > a and abs(self.epsilon(somewhere)) <= limit:
                kept.append((a, b))
        return _joined(kept)

    def _root(self, value: float, low: float, high: float) -> Root:
        step = 1e-4 * (abs(value) or high - low)
        slope = (self.epsilon(value + step) - self.epsilon(value)) / step
        there = self.at(value)
        change = abs(thermal(there, fineness=2).epsilon - self.epsilon(value))
        u = (change / abs(slope) if slope else math.inf) + 4 * TOLERANCE * abs(value)
        magnet: Any = there.scenario.sized["magnet"]
        diameter = None if magnet.diameter is None else 1e3 * magnet.diameter
        return Root(value, u, slope, diameter, magnet.mass)


def _joined(stretches: list[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Stretches that adjoin as one."""
    open_: tuple[float, float] | None = None
    for a, b in stretches:
        if open_ is not None and open_[1] == a:
            open_ = open_[0], b
            continue
        if open_ is not None:
            yield open_
        open_ = a, b
    if open_ is not None:
        yield open_


def roots(function: Callable[[float], float], grid: Array) -> list[float]:
    """All roots of a function that is smooth between the points of a grid, to `TOLERANCE`, ascending.

    Between three points of which the middle one is nearest to zero without a change of sign, the nearest point is
    looked for, unless the parabola through them stays clear of zero: two roots between neighbours of the grid are then
    found, too.
    """
    from scipy.optimize import brentq, minimize_scalar

    points = {float(x): function(float(x)) for x in grid}
    ordered = sorted(points)
    for a, b, c in zip(ordered, ordered[1:], ordered[2:], strict=False):
        sign = math.copysign(1.0, points[b])
        left, middle, right = (sign * points[x] for x in (a, b, c))
        if 0 < middle <= min(left, right) and _lowest((a, b, c), (left, middle, right)) < CLEAR * middle:
            nearest = minimize_scalar(
                partial(_signed, function, sign), bounds=(a, c), method="bounded", options={"xatol": 1e-6 * (c - a)}
            )
            points[float(nearest.x)] = function(float(nearest.x))
    found = []
    for a, b in pairwise(sorted(points)):
        if points[a] == 0.0:
            found.append(a)
        elif points[a] * points[b] < 0:
            found.append(float(brentq(function, a, b, xtol=TOLERANCE * max(abs(a), abs(b)), rtol=4 * TOLERANCE)))
    last = max(points)
    return [*found, last] if points[last] == 0.0 else found


def _lowest(places: tuple[float, float, float], values: tuple[float, float, float]) -> float:
    """The lowest value of the parabola through three points, the middle one of which is the lowest."""
    (a, b, c), (left, middle, right) = places, values
    slope_left, slope_right = (middle - left) / (b - a), (right - middle) / (c - b)
    bend = (slope_right - slope_left) / (c - a)
    slope = slope_left + bend * (b - a)
    return middle - slope**2 / (4.0 * bend) if bend > 0 else middle


def _signed(function: Callable[[float], float], sign: float, x: float) -> float:
    return sign * function(x)


@dataclass(frozen=True)
class Entry:
    """A line of the size table.

    Parameters
    ----------
    scheme, material : as Liu2025 has them.
    boundary : found here; of a scheme that is a share of another, where that reaches the limit over the share.
    band : smallest sizes for film coefficients of 5 and 20 W/(m² K); None where not asked for.
    """

    scheme: str
    material: str
    boundary: Boundary
    band: tuple[float | None, float | None] | None

    @property
    def id(self) -> str:
        """Of the published row, if there is one."""
        return f"liu2025.boundary.{self.scheme}.{self.material.lower()}"

    @property
    def name(self) -> str:
        """Of the scheme, for a reader."""
        share = SHARES.get(self.scheme)
        return self.scheme.replace("_", " ") if share is None else f"a share of {share:g} of OMTP"

    @cached_property
    def size(self) -> Root | None:
        """The smallest magnet that keeps the limit, as do all that are larger."""
        return self.boundary.smallest


SHARES = {"power_regulated_10": 0.1, "power_regulated_100": 0.01}
"""Of OMTP's δT_m, which Liu2025 takes for what the power-regulated scheme leaves."""
SCHEMES = {"tmtp": "nist4_tmtp", "omtp": "nist4_omtp", "power_regulated": "nist4_power_regulated"} | dict.fromkeys(
    SHARES, "nist4_omtp"
)
MATERIALS = ("SmCo", "NdFeB")
FILMS = (5.0, 20.0)
REASONS = {
    "tmtp": "film coefficient and dimensions are not printed; at small sizes ε is a cancellation that moves with them",
    "omtp": "the power repeats in weighing and velocity blocks: what is left of the printed drive is less than printed",
    "power_regulated": "the paper takes a share of OMTP's δT_m; here it is what gain and unequal resistances leave",
} | dict.fromkeys(SHARES, "the paper's way for the power-regulated scheme; as OMTP")
"""What a size depends on, and why it may differ from the paper's own; see `Entry.id` for where that would stand."""


def table_entry(case: tuple[str, str], limit: float, low: float, high: float, points: int = POINTS) -> Entry:
    """One line of a size table as Liu2025 has one.

    Parameters
    ----------
    case : scheme and material.
    limit, low, high, points : see `Search.boundary`.
    """
    from scenarios.run.experiment import load

    scheme, material = case
    base = load(SCHEMES[scheme]).with_({"balance.magnet.material": material})
    band = None
    if scheme == "tmtp":
        others = [base.with_({"balance.thermal_mass.film_coefficient": h}) for h in FILMS]
        lowest, highest = (Search(other, SCALE).smallest(limit, low, high, points) for other in others)
        band = lowest, highest
    own = limit / SHARES.get(scheme, 1.0)
    return Entry(scheme, material, Search(base, SCALE).boundary(own, low, high, points), band)
