"""What changed while the first readings of a run were taken.

What is wrong later is told by what was read before. In the first weighing of each state, and in the first calibration
of each voltmeter, the first readings are all there is: a step in them tells that those after it are wrong, and with
them the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.errors import ReductionError
from scenarios.reduction.faulty import faulty, noise_of_mean
from scenarios.reduction.robust import EFFICIENCY, limit, spread
from scenarios.reduction.smooth_courses import smooth_courses
from twin.recorder import Block

Array = NDArray[np.float64]

DRIFT = 2  # order of the polynomial in time that is no step
FEWEST = 20  # readings in which a step can be told from noise
SECOND_DIFFERENCES = 18 / 35  # of white noise: they follow each other, and tell less of it than as many readings
SMALLEST_STEP = 6e-8  # relative: six times what 1/f noise of a Zener, Allan deviation 5e-9, makes of a step so fitted
SMALLEST_JUMP = 1e-8  # m: below, a coil that is held has crept


class Change(NamedTuple):
    """The most significant step in a row of readings, beside a drift.

    Parameters
    ----------
    size : in the unit of the readings.
    significance : size over its standard uncertainty.
    at : number of the first reading after it.
    dof : degrees of freedom of that uncertainty.
    """

    size: float
    significance: float
    at: int
    dof: float


def largest_step(values: Array) -> Change | None:
    """The step that explains most of a row of readings, shape (n,), beside a drift; None if they show no noise.

    A drift is a parabola, as of a magnet that warms. The step functions h_k are freed of it, and so are the readings;
    then the size is ``h_k r/(h_k h_k)``. The noise is taken to be white, as large as most second differences say, of
    readings or of means over some if these say more, as where noise lasts for longer than a reading. What is slower
    still has to stay below what counts as a step.
    """
    n = len(values)
    noise = noise_of_mean(values) if n >= FEWEST else 0.0
    if noise == 0.0:
        return None
    sigma = max(_white(values, m) for m in (1, 2, 4, 8) if n >= FEWEST * m) or noise * np.sqrt(n)
    drift = smooth_courses(n, DRIFT)
    left = values - values.mean()
    left = left - drift @ (drift.T @ left)
    overlap = -np.cumsum(left)[:-1]
    with_drift = drift.sum(axis=0) - np.cumsum(drift, axis=0)[:-1]  # over the readings from k on
    norm = n - np.arange(1, n) - np.sum(with_drift**2, axis=1)
    significance = np.abs(overlap) / (sigma * np.sqrt(np.maximum(norm, 1e-12)))
    significance[norm < 0.5] = 0.0
    at = int(significance.argmax())
    dof = SECOND_DIFFERENCES * EFFICIENCY * (n - 2)
    return Change(float(overlap[at] / norm[at]), float(significance[at]), at + 1, dof)


def _white(values: Array, m: int) -> float:
    """Standard deviation of a reading with white noise, by the second differences of means over m."""
    means = values[: len(values) // m * m].reshape(-1, m).mean(axis=1)
    return float(spread(np.diff(means, 2)) * np.sqrt(m / 6.0))


def largest_jump(values: Array) -> Change | None:
    """The largest change from one reading to the next, shape (n,), against what they usually change by.

    For noise that is slower than the readings, as of a coil on shaking ground; None if they hardly change.
    """
    changes = np.diff(values)
    usual = spread(changes) if len(values) >= FEWEST else 0.0
    if usual == 0.0:
        return None
    at = int(np.abs(changes).argmax())
    return Change(float(changes[at]), float(np.abs(changes[at]) / usual), at + 1, EFFICIENCY * (len(changes) - 1))


def check_beginning(blocks: Iterable[Block], threshold: float) -> None:
    """Refuse a run in which something stepped while it was read for the first time.

    Raises
    ------
    ReductionError
        Naming what stepped, by how much and when.
    """
    first: dict[tuple[str, str, str], Block] = {}
    for block in blocks:
        phase = str(block.labels.get("phase", ""))
        if phase in ("weighing", "calibration"):
            key = block.channel, phase, str(block.labels.get("state", ""))
            if key not in first or block.schedule.start < first[key].schedule.start:
                first[key] = block
    for (channel, phase, _), block in first.items():
        if channel in ("current_voltmeter", "induced_voltmeter"):
            smallest = SMALLEST_STEP * float(np.nanmax(np.abs(block.values), initial=0.0))
            _check(block, largest_step, threshold, smallest, "V")
        elif channel == "interferometer" and phase == "weighing":
            _check(block, largest_jump, threshold, SMALLEST_JUMP, "m")


def _check(block: Block, find: Callable[[Array], Change | None], threshold: float, smallest: float, unit: str) -> None:
    values = block.values.ravel()
    found = faulty(values)
    good = np.flatnonzero(np.isfinite(values) if found is None else found.good)
    step = find(values[good])
    if step is None or step.significance < limit(threshold, step.dof) or abs(step.size) < smallest:
        return
    when = float(block.times().ravel()[good[step.at]])
    raise ReductionError(
        f"{block.channel}: its first readings with phase {block.labels.get('phase')!r} step by {step.size:+.2g} {unit} "
        f"at {when:.4g} s; what changed then changed for all that follows, and little before it tells what was right: "
        "repeat the run, or leave out weighings at the start with reduction.skip_weighings if the balance was settling"
    )
