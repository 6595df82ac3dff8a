"""Several objectives at once: the Pareto front of a study, the scenarios of which none is better in everything.

The first generation is Sobol's points over the axes, in every variant. Each later one moves every member toward the
front of its variant and by the difference of two others (differential evolution, Storn and Price 1997); of parents and
children the best stay: those that keep the limits, in front, and far from their neighbours (NSGA-II, Deb et al. 2002).
The front is then taken of all points that were ever computed. The same study asks for the same points in the same
order, so that an interrupted search goes on from what its journal holds.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.studies.axes import overrides_at
from scenarios.studies.journal import Row
from scenarios.studies.study import Point, Study
from scenarios.studies.sweep import Pool
from twin.errors import InputError

Array = NDArray[np.float64]
POPULATION = 32
"""Members of a variant, unless the study samples so many points."""
GENERATIONS = 20
STEP, CROSSING = 0.6, 0.9
"""F and CR of differential evolution."""
DIGITS = 9
"""Of an objective; what is the same to so many is as good, or rounding would put points in front."""
_EDGE = 1e-9


class OptimiseError(InputError):
    """A study that has nothing to optimise."""


@dataclass(frozen=True, eq=False)
class Member:
    """A point with its place on the axes.

    Parameters
    ----------
    shares : of the axes, shape (axes,).
    costs : by objective, to be small; infinite if the point failed.
    excess : sum over the limits; 0 if all are kept.
    """

    point: Point
    variant: str
    generation: int
    shares: Array
    row: Row
    costs: Array
    excess: float


@dataclass(eq=False)
class Optimiser:
    """The search: `ask` for points, `tell` their rows.

    Parameters
    ----------
    study : with objectives.
    population : members of each variant; a power of 2.
    """

    study: Study
    population: int
    members: list[Member] = field(default_factory=list)
    """All that were ever computed."""
    _alive: dict[str, list[Member]] = field(default_factory=dict)
    _asked: list[tuple[str, Array, Point]] = field(default_factory=list)
    _generation: int = 0

    def __post_init__(self) -> None:
        if not self.study.objectives:
            raise OptimiseError(
                f"{self.study.place}: expected objectives, such as objectives: [magnet_mass, '|epsilon|']"
            )
        if not self.study.axes:
            raise OptimiseError(f"{self.study.place}: expected at least one axis")
        if self.population < 4 or self.population.bit_count() != 1:
            raise OptimiseError(f"expected a power of 2, 4 at least, for the population, not {self.population}")

    def ask(self) -> list[Point]:
        """The points of the next generation."""
        variants = self.study.variants or {"": {}}
        self._asked = []
        for place, (name, own) in enumerate(variants.items()):
            rng = np.random.default_rng([self.study.sampling.seed, self._generation, place])
            for shares in self._children(name, rng):
                number = len(self.members) + len(self._asked)
                self._asked.append((name, shares, Point(number, {**own, **overrides_at(self.study.axes, shares)})))
        return [point for _, _, point in self._asked]

    def _children(self, variant: str, rng: np.random.Generator) -> Array:
        axes = len(self.study.axes)
        if variant not in self._alive:
            from scipy.stats import qmc

            word = "rng" if "rng" in inspect.signature(qmc.Sobol).parameters else "seed"
            first: Array = qmc.Sobol(axes, **{word: rng}).random(self.population)
            return np.clip(first, _EDGE, 1 - _EDGE)
        alive = self._alive[variant]
        x = np.array([member.shares for member in alive])
        leading = np.flatnonzero(ranks(alive) == 0)
        n = len(x)
        ahead = x[rng.choice(leading, n)]
        others = np.array([rng.permutation(np.delete(np.arange(n), i))[:2] for i in range(n)])
        moved = x + STEP * (ahead - x) + STEP * (x[others[:, 0]] - x[others[:, 1]])
        crossed = rng.random((n, axes)) < CROSSING
        crossed[np.arange(n), rng.integers(axes, size=n)] = True
        return _reflected(np.where(crossed, moved, x))

    def tell(self, rows: Sequence[Row]) -> None:
        """What the points of the last generation have come to, in any order."""
        by_number = {row.number: row for row in rows}
        fresh: dict[str, list[Member]] = {}
        for variant, shares, point in self._asked:
            row = by_number[point.number]
            made = Member(point, variant, self._generation, shares, row, *self._judged(row))
            fresh.setdefault(variant, []).append(made)
            self.members.append(made)
        for variant, members in fresh.items():
            self._alive[variant] = best([*self._alive.get(variant, []), *members], self.population)
        self._generation += 1

    def _judged(self, row: Row) -> tuple[Array, float]:
        if row.error or any(not math.isfinite(row.values.get(name, math.nan)) for name in self.study.wanted):
            return np.full(len(self.study.objectives), np.inf), math.inf
        costs = np.array([float(f"{goal.cost(row.values):.{DIGITS}g}") for goal in self.study.objectives])
        return costs, math.fsum(limit.excess(row.values) for limit in self.study.constraints)

    @property
    def front(self) -> list[Member]:
        """Of all members that keep the limits, those of which none is better in everything; by the first objective."""
        kept = [member for member in self.members if member.excess == 0.0]
        if not kept:
            return []
        leading = [member for member, rank in zip(kept, ranks(kept), strict=True) if rank == 0]
        unique = {tuple(member.costs.tolist()): member for member in reversed(leading)}
        return [unique[costs] for costs in sorted(unique)]


def _reflected(shares: Array) -> Array:
    """Shares beyond an end of the axes, as far inside."""
    folded = np.abs(np.mod(shares + 1.0, 2.0) - 1.0)
    return np.clip(folded, _EDGE, 1 - _EDGE)


def ranks(members: Sequence[Member]) -> NDArray[np.int64]:
    """In which front each is: 0 for what nothing beats. Who breaks the limits less comes first."""
    costs = np.array([member.costs for member in members])
    excess = np.array([member.excess for member in members])
    no_worse = (costs[:, None] <= costs[None]).all(axis=2)
    better = no_worse & (costs[:, None] < costs[None]).any(axis=2)
    alike = (excess[:, None] == 0) & (excess[None] == 0)
    beats = np.where(alike, better, excess[:, None] < excess[None])
    found = np.full(len(members), -1, dtype=np.int64)
    front = 0
    while (found < 0).any():
        left = found < 0
        unbeaten = left & ~(beats & left[:, None]).any(axis=0)
        found[unbeaten] = front
        front += 1
    return found


def best(members: Sequence[Member], count: int) -> list[Member]:
    """So many members: front by front, of the last one those that are farthest from their neighbours."""
    rank, found = ranks(members), list[int]()
    for front in range(int(rank.max()) + 1):
        own = np.flatnonzero(rank == front)
        if len(found) + len(own) > count:
            apart = crowding(np.array([members[i].costs for i in own.tolist()]))
            own = own[np.argsort(-apart, kind="stable")]
        found.extend(own.tolist())
        if len(found) >= count:
            break
    return [members[i] for i in sorted(found[:count])]


def crowding(costs: Array) -> Array:
    """How far each is from its neighbours along the front: infinite at the ends (Deb et al. 2002)."""
    apart = np.zeros(len(costs))
    for column in costs.T:
        order = np.argsort(column, kind="stable")
        span = column[order[-1]] - column[order[0]]
        apart[order[[0, -1]]] = np.inf
        if np.isfinite(span) and span > 0:
            apart[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / span
    return apart


# --- workers that stay for all generations ---------------------------------------------------------------------------


class Lasting(Executor):
    """An executor for several sweeps: it is shut down by `close`, and made anew when its workers have died."""

    def __init__(self, make: Callable[[], Executor]) -> None:
        self._make, self._own = make, make()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self._own.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing: the next generation needs it."""

    def again(self) -> Executor:
        """This one, with living workers."""
        try:
            self._own.submit(int).result()
        except BrokenExecutor:
            self._own = self._make()
        return self

    def close(self) -> None:
        """End the workers."""
        self._own.shutdown(wait=False)


def lasting(pool: Pool) -> tuple[Pool, Lasting]:
    """A pool whose workers stay."""
    executor = Lasting(pool.make)
    return replace(pool, make=executor.again), executor
