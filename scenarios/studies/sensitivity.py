"""Which parameter matters: local derivatives, and Sobol's indices of the variance over the ranges of a study.

The axes of the study say which parameters vary and how: ranges and distributions. Derivatives are taken at their
medians. Indices are of the whole ranges: the first-order index is the share of an output's variance that goes with a
parameter alone, the total one the share that would stay if all others were known (Saltelli et al. 2010); SALib draws
the points and estimates both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.studies.axes import Axis, overrides_at
from scenarios.studies.journal import Row
from scenarios.studies.study import Point, Study
from twin.errors import InputError

Array = NDArray[np.float64]
STEP = 0.01
"""Of the share of an axis, to either side of its median, over which a derivative is taken."""


class SensitivityError(InputError):
    """A study that tells no sensitivities."""


@dataclass(frozen=True)
class Derivative:
    """How an output follows a parameter at the medians of all.

    Parameters
    ----------
    value : d(output)/d(parameter), in SI units.
    elasticity : the same relative, d ln(output)/d ln(parameter); NaN where either is 0.
    spread : |value| times the standard deviation of the parameter: what its spread makes of the output, to first order.
    """

    value: float
    elasticity: float
    spread: float


@dataclass(frozen=True)
class Index:
    """Sobol's indices of a parameter with the half widths of their 95 % intervals."""

    first: float
    first_half_width: float
    total: float
    total_half_width: float


def checked(study: Study) -> Study:
    """The study, if its axes are continuous and it has no variants.

    Raises
    ------
    SensitivityError
        Saying what it is that has no derivative.
    """
    if study.variants:
        raise SensitivityError(f"{study.place}: sensitivities are of one scenario; leave variants out, or set one")
    if not study.axes:
        raise SensitivityError(f"{study.place}: expected at least one axis")
    for each in study.axes:
        if not each.distribution:
            raise SensitivityError(f"{study.place}: axes.{each.name} is a list; give it a range or a distribution")
    return study


def median_points(study: Study) -> list[Point]:
    """The median of all axes, then for each axis a step down and up."""
    middle = np.full(len(study.axes), 0.5)
    shares = [middle]
    for i in range(len(study.axes)):
        for sign in (-1.0, 1.0):
            shares.append(middle + sign * STEP * (np.arange(len(middle)) == i))
    return [Point(number, overrides_at(study.axes, row)) for number, row in enumerate(shares)]


def derivatives(study: Study, rows: Sequence[Row]) -> Mapping[str, Mapping[str, Derivative]]:
    """Derivatives by output and axis, from the rows of `median_points`.

    Raises
    ------
    SensitivityError
        If one of the points failed.
    """
    _check(study, rows)
    found: dict[str, dict[str, Derivative]] = {name: {} for name in study.outputs}
    for i, each in enumerate(study.axes):
        low, middle, high = (float(each.at(share)[0]) for share in (0.5 - STEP, 0.5, 0.5 + STEP))
        deviation = _deviation(each)
        for name in study.outputs:
            centre, below, above = (rows[k].values[name] for k in (0, 2 * i + 1, 2 * i + 2))
            slope = (above - below) / (high - low)
            elasticity = slope * middle / centre if centre and middle else math.nan
            found[name][each.name] = Derivative(slope, elasticity, abs(slope) * deviation)
    return found


def _deviation(each: Axis) -> float:
    """Standard deviation of what an axis takes."""
    shares = (np.arange(4096) + 0.5) / 4096
    return float(np.std([float(each.at(float(share))[0]) for share in shares]))


def sobol_points(study: Study, samples: int, seed: int) -> tuple[Any, list[Point]]:
    """What SALib calls the problem, and its points.

    Parameters
    ----------
    samples : N, a power of 2; there are N (axes + 2) points.

    Raises
    ------
    SensitivityError
        If SALib is not installed.
    """
    try:
        from SALib.sample import sobol
    except ImportError:
        raise SensitivityError("indices need SALib: pip install 'kibble-twin[sensitivity]'") from None
    names = [each.name for each in study.axes]
    problem = {"num_vars": len(names), "names": names, "bounds": [[1e-9, 1.0 - 1e-9]] * len(names)}
    shares = sobol.sample(problem, samples, calc_second_order=False, seed=seed)
    return problem, [Point(number, overrides_at(study.axes, row)) for number, row in enumerate(shares)]


def indices(study: Study, problem: Any, rows: Sequence[Row], seed: int) -> Mapping[str, Mapping[str, Index]]:
    """Sobol's indices by output and axis, from the rows of `sobol_points`.

    Raises
    ------
    SensitivityError
        If one of the points failed, or an output does not vary.
    """
    from SALib.analyze import sobol

    _check(study, rows)
    found: dict[str, dict[str, Index]] = {}
    for name in study.outputs:
        values = np.array([row.values[name] for row in rows])
        if not np.ptp(values):
            raise SensitivityError(f"{study.name}: {name} is the same at all points, and has no variance to share out")
        scaled = (values - values.mean()) / values.std()
        made = sobol.analyze(problem, scaled, calc_second_order=False, conf_level=0.95, seed=seed)
        columns = zip(study.axes, made["S1"], made["S1_conf"], made["ST"], made["ST_conf"], strict=True)
        found[name] = {each.name: Index(*map(float, numbers)) for each, *numbers in columns}
    return found


def _check(study: Study, rows: Sequence[Row]) -> None:
    for row in rows:
        if row.error:
            raise SensitivityError(f"{study.name}: point {row.number + 1} failed: {row.error}")
        missing = [name for name in study.outputs if not math.isfinite(row.values[name])]
        if missing:
            raise SensitivityError(f"{study.name}: point {row.number + 1} has no {missing[0]}")


def in_order(rows: Sequence[Row]) -> list[Row]:
    """Rows by the numbers of their points."""
    return sorted((replace(row) for row in rows), key=lambda row: row.number)
