"""How the thermal-magnetic error of a scenario scales: logarithmic derivatives by one of its parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping

from scenarios.run.experiment import Experiment
from scenarios.studies.outputs import evaluate

STEP = 1.02
"""To either side, as a factor."""


def exponents(experiment: Experiment, path: str, value: float, names: tuple[str, ...]) -> Mapping[str, float]:
    """d ln |output| / d ln parameter, from 2 % to either side; NaN where an output is zero or changes its sign.

    Parameters
    ----------
    path, value : of the parameter, and the value it has, not 0.
    names : of `scenarios.studies.outputs.OUTPUTS`.
    """
    above, below = (evaluate(experiment.with_({path: value * factor}), names) for factor in (STEP, 1.0 / STEP))

    def slope(name: str) -> float:
        ratio = above[name] / below[name] if below[name] else math.nan
        return math.log(ratio) / (2.0 * math.log(STEP)) if ratio > 0 else math.nan

    return {name: slope(name) for name in names}
