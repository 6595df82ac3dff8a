"""Whether a reported uncertainty is true: the same campaign with many seeds, each with its own calibration errors.

Every seed draws other errors of certificates and data sheets, and other noise. If the budget is complete and its
statistics are right, the error over the reported standard uncertainty, ``z = (m − m_true)/u``, has mean 0 and standard
deviation 1. Refused runs count: a campaign that often refuses is of no use.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction import ReductionError
from scenarios.run.experiment import Experiment
from scenarios.run.result import Result

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """One seed: relative error and relative standard uncertainty of the mass; NaN if the reduction refused."""

    seed: int
    error: float
    u: float
    excluded: int = 0

    @property
    def z(self) -> float:
        """Error over standard uncertainty."""
        return self.error / self.u


@dataclass(frozen=True)
class Trueness:
    """What many seeds say of a reported uncertainty.

    Parameters
    ----------
    scores : one a seed.
    """

    scores: tuple[Score, ...]

    @property
    def z(self) -> Array:
        """Of the seeds that gave a mass."""
        values = np.array([score.z for score in self.scores])
        return values[np.isfinite(values)]

    @property
    def refused(self) -> int:
        """Seeds without a mass."""
        return len(self.scores) - len(self.z)

    @property
    def mean(self) -> float:
        """Mean of z."""
        return float(self.z.mean())

    @property
    def deviation(self) -> float:
        """Standard deviation of z."""
        return float(self.z.std(ddof=1))

    @property
    def u_mean(self) -> float:
        """Standard uncertainty of the mean for z of standard deviation 1; 1/√2 of it is that of the deviation."""
        return 1.0 / math.sqrt(len(self.z))


def scores(experiment: Experiment, seeds: Sequence[int], executor: Executor | None = None) -> Iterator[Score]:
    """Run the campaign with each seed.

    Parameters
    ----------
    executor : runs them side by side; None for one after the other here.
    """
    runs = [experiment.with_(seed=seed) for seed in seeds]
    yield from (executor.map(score, runs, chunksize=4) if executor is not None else map(score, runs))


def score(experiment: Experiment) -> Score:
    """One run."""
    seed = experiment.scenario.seed
    try:
        result: Result = experiment.run()
    except ReductionError:
        return Score(seed, math.nan, math.nan)
    return Score(
        seed, result.relative_error, result.mass.u_relative, sum(not item.skipped for item in result.mass.excluded)
    )
