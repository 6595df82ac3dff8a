"""How long a study will take: told from a few of its points, before the others are computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from scenarios.schema import ScenarioError
from scenarios.studies.journal import Row
from scenarios.studies.outputs import OUTPUTS
from scenarios.studies.study import Point, Study
from scenarios.studies.sweep import Pool, compute

ENOUGH = 5.0
"""Seconds after which no other point is timed."""
QUICK = 0.5
"""Seconds after which no more than the first, the last and the middle one are."""
LOOKED_AT = 32
"""Points whose campaigns are asked for their durations."""


def timed(study: Study, points: Sequence[Point]) -> Iterator[Row]:
    """The first point, the last, one in the middle and at the quarters, while that is quick; each is computed once."""
    last, took = len(points) - 1, 0.0
    for i, place in enumerate(dict.fromkeys((0, last, last // 2, last // 4, 3 * last // 4))):
        if place < 0 or took > (QUICK if i > 2 else ENOUGH):
            return
        (row,) = compute(study.base, study.outputs, [points[place]])
        took += row.seconds
        yield row


def seconds_a_point(study: Study, points: Sequence[Point], rows: Sequence[Row]) -> float:
    """That the points take on the mean, told from the rows of some of them.

    A run costs what its campaign lasts, about: where that is varied, the points that were not timed count by it. The
    first row pays for what is loaded once, and one that failed for less than a point: they count only alone.
    """
    known = [row for row in rows[1:] if not row.error] or list(rows)
    by_number = {point.number: point for point in points}
    spent = sum(row.seconds for row in known)
    weight = sum(_weight(study, by_number[row.number]) for row in known)
    some = np.random.default_rng(1).integers(len(points), size=LOOKED_AT)  # no comb, which may fit that of an axis
    return spent / weight * float(np.mean([_weight(study, points[i]) for i in some]))


def _weight(study: Study, point: Point) -> float:
    """What a point costs, in proportion."""
    if not any(OUTPUTS[name].source == "run" for name in study.outputs):
        return 1.0
    try:
        campaign: Any = study.base.with_(point.overrides).scenario.campaign
    except ScenarioError:
        return 1.0
    return float(getattr(campaign, "duration", 1.0))


def total(seconds: float, count: int, pool: Pool | None) -> float:
    """How long so many points take, side by side, with the start of the processes."""
    if pool is None or count <= 1:
        return seconds * count
    return pool.start + seconds * max(count / pool.workers, 1.0)
