"""Run the points of a study, here or on any `concurrent.futures.Executor`.

Points travel in batches, a few ahead of the workers, so that a study of any size needs no more memory than its results.
A point that fails is a row with its error. Where a whole batch is lost, as its process died, its points are run again
one by one, and the one that kills its process alone is a row with an error, too.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from dataclasses import dataclass, replace
from itertools import islice

from scenarios.run.experiment import Experiment
from scenarios.schema import ScenarioError
from scenarios.studies.executors import ClusterError
from scenarios.studies.journal import DIED, Row
from scenarios.studies.outputs import evaluate
from scenarios.studies.study import Point, Study
from twin.errors import TwinError

BATCH_SECONDS = 0.5
"""What a batch of points should take."""
LARGEST = 64
AHEAD = 2
"""Batches under way for each worker."""
_GONE = ("CommClosedError", "ClosedClientError", "CancelledError", "FutureCancelledError")


@dataclass
class Pool:
    """Workers.

    Parameters
    ----------
    make : gives an executor, and another one when that has broken.
    workers : how many points it runs at a time.
    start : how long it takes until they compute (s), about.
    """

    make: Callable[[], Executor]
    workers: int
    start: float = 0.0


def compute(base: Experiment, outputs: Sequence[str], points: Sequence[Point]) -> list[Row]:
    """Some points of a study, one after the other."""
    return [_computed(base, outputs, point) for point in points]


def key(base: Experiment, point: Point) -> str:
    """What a point is known by; see `Row`."""
    try:
        return base.with_(point.overrides).scenario.hash
    except ScenarioError:
        return _key_of_values(base, point)


def _key_of_values(base: Experiment, point: Point) -> str:
    text = json.dumps([base.scenario.hash, point.overrides], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _computed(base: Experiment, outputs: Sequence[str], point: Point) -> Row:
    begin, known = time.perf_counter(), ""
    try:
        experiment = base.with_(point.overrides)
        known = experiment.scenario.hash
        values, error = evaluate(experiment, outputs), ""
    except TwinError as wrong:
        values, error = {}, str(wrong)
    except Exception as wrong:  # of one point of many; the row says which, so that it can be run alone
        values, error = {}, f"internal error: {type(wrong).__name__}: {wrong}"
    return Row(point.number, known or _key_of_values(base, point), values, error, time.perf_counter() - begin)


def pending(study: Study, known: dict[str, Row]) -> Iterator[Point | Row]:
    """The points that have not finished, and in the place of the others their rows."""
    for point in study.points():
        found = known.get(key(study.base, point)) if known else None
        yield point if found is None or not found.holds(study.outputs) else replace(found, number=point.number)


def rows(study: Study, points: Iterable[Point], pool: Pool | None, seconds: float) -> Iterator[Row]:
    """The rows of some points, as they finish.

    Parameters
    ----------
    pool : None to run them here, one after the other.
    seconds : that a point takes, about.

    Raises
    ------
    ClusterError
        If the workers are gone for good.
    """
    if pool is None:
        for point in points:
            yield _computed(study.base, study.outputs, point)
        return
    yield from _Driver(study, points, pool, seconds).rows()


class _Driver:
    """Keeps an executor busy."""

    def __init__(self, study: Study, points: Iterable[Point], pool: Pool, seconds: float) -> None:
        self.study, self.pool = study, pool
        self.size = max(1, min(LARGEST, int(BATCH_SECONDS / max(seconds, 1e-6))))
        self._points = iter(points)
        self._alone: deque[Point] = deque()
        self._under_way: dict[Future[list[Row]], tuple[list[Point], bool]] = {}

    def rows(self) -> Iterator[Row]:
        executor = self.pool.make()
        try:
            while self._fill(executor) or self._under_way:
                done, _ = wait(self._under_way, return_when=FIRST_COMPLETED)
                broken = False
                for future in done:
                    batch, alone = self._under_way.pop(future)
                    try:
                        yield from future.result()
                    except (Exception, CancelledError) as error:
                        broken |= isinstance(error, BrokenExecutor)
                        yield from self._lost(batch, error, alone=alone)
                if broken:
                    for batch, _ in self._under_way.values():
                        self._alone.extend(batch)
                    self._under_way.clear()
                    executor.shutdown(wait=False)
                    executor = self.pool.make()
        finally:
            for future in self._under_way:
                future.cancel()
            executor.shutdown(wait=False)

    def _fill(self, executor: Executor) -> bool:
        """Submit what there is to do, points under suspicion one at a time; whether anything is under way."""
        while len(self._under_way) < (1 if self._alone else AHEAD * self.pool.workers):
            alone = bool(self._alone)
            batch = [self._alone.popleft()] if alone else list(islice(self._points, self.size))
            if not batch:
                break
            try:
                future = executor.submit(compute, self.study.base, self.study.outputs, batch)
            except BrokenExecutor:  # since the last look at it; what is under way will say so
                self._alone.extend(batch)
                break
            except RuntimeError as error:
                raise _gone(error) from error
            self._under_way[future] = batch, alone
        return bool(self._under_way)

    def _lost(self, batch: list[Point], error: BaseException, *, alone: bool) -> Iterator[Row]:
        """A batch that came to nothing: its points again one by one; one that was alone is given up."""
        if type(error).__name__ in _GONE:
            raise _gone(error) from error
        if not alone:
            self._alone.extend(batch)
            return
        (point,) = batch
        yield Row(point.number, key(self.study.base, point), {}, f"{DIED} ({type(error).__name__})")


def _gone(error: BaseException) -> ClusterError:
    return ClusterError(
        f"the workers are gone ({type(error).__name__}); what has finished is kept: go on with --resume"
    )
