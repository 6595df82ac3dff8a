"""Which single readings are faulty: no number, beyond the sensor's range, zero or stuck where noise forbids it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

STUCK = 8  # equal readings in a row that betray a meter that hardly ever repeats one
REPEATS = 0.1  # share of readings equal to the one before, up to which a meter counts as one that hardly repeats
TELLING = 16  # readings that do not repeat, from which on they tell how the meter is
FEWEST = 2  # different readings, the first of the row among them, before a row of equal ones that never ends
SETTLED = 1e-3  # the last step over the usual ones, below which a course has come to rest
LONG = 40  # readings of a part that tells by itself how the meter is, or of such a row
ROUNDING = 1e-12  # relative size of what may be the rounding of computed readings
FAR = 10.0  # a zero is faulty if it is so many typical steps of its neighbours away


@dataclass(frozen=True, eq=False)
class Faulty:
    """Faulty readings by what is wrong with them: masks of shape (n,), and those that are good."""

    kinds: dict[str, Mask]
    good: Mask

    @property
    def counts(self) -> dict[str, int]:
        """Number of readings by what is wrong."""
        counts = {wrong: int(np.count_nonzero(mask)) for wrong, mask in self.kinds.items()}
        return {wrong: number for wrong, number in counts.items() if number}

    def split(self, ends: NDArray[np.int64]) -> list[Faulty | None]:
        """The same for each part of the readings; None for a part without fault."""
        goods = np.split(self.good, ends)
        kinds = {wrong: np.split(mask, ends) for wrong, mask in self.kinds.items()}
        return [
            None if good.all() else Faulty({wrong: masks[i] for wrong, masks in kinds.items()}, good)
            for i, good in enumerate(goods)
        ]


def faulty(
    values: Array, limits: tuple[float, float] | None = None, zeros: bool = True, stuck: bool | None = None
) -> Faulty | None:
    """What is wrong with readings in order of time, shape (n,); None if nothing is.

    Parameters
    ----------
    limits : the sensor's range; if all readings are beyond, they are left as they are, for who uses them to refuse.
    zeros : whether to look for zeros among readings that are far from it.
    stuck : whether to look for readings that repeat the one before; the first of a row is good. If None, they are
        looked for where the others hardly repeat.
    """
    kinds: dict[str, Mask] = {}
    finite = np.isfinite(values)
    if not finite.all():
        kinds["are no numbers"] = ~finite
    if limits is not None:
        beyond = finite & ((values < limits[0]) | (values > limits[1]))
        if beyond.any() and (finite & ~beyond).any():
            kinds["are beyond the sensor's range"] = beyond
    if zeros and not values.all():
        found = _zeros(values)
        if found.any() and not kinds.get("are beyond the sensor's range", ~found)[found].all():
            kinds["are zero"] = found
    if stuck is not False:
        found = _stuck(values)
        if found.any() and (stuck or _hardly_repeats(values, found)):
            kinds["repeat the one before"] = found
    if not kinds:
        return None
    good = ~np.logical_or.reduce(list(kinds.values()))
    return Faulty(kinds, good)


def _zeros(values: Array) -> Mask:
    """Exact zeros whose neighbours, the last and the next reading that is not zero, are far from it.

    Far is `FAR` times what the readings usually change by, and what they change by there.
    """
    found = values == 0.0
    others = values[~found & np.isfinite(values)]
    if len(others) < 3:
        return np.zeros(len(values), dtype=bool)
    steps = np.abs(np.diff(others))
    at = np.flatnonzero(found)
    place = np.searchsorted(np.flatnonzero(~found & np.isfinite(values)), at)
    before, after = np.maximum(place - 1, 0), np.minimum(place, len(others) - 1)
    nearest = np.minimum(np.abs(others[before]), np.abs(others[after]))
    there = np.maximum(steps[np.maximum(before - 1, 0)], steps[np.minimum(after, len(steps) - 1)])
    found[at[nearest <= FAR * np.maximum(there, np.median(steps))]] = False
    return found


def _stuck(values: Array) -> Mask:
    """Readings in a long row of equal ones, but for the first of the row."""
    found = np.zeros(len(values), dtype=bool)
    equal = values[1:] == values[:-1]
    if np.count_nonzero(equal) < min(STUCK, len(values)) - 1:
        return found
    edges = np.flatnonzero(np.diff(np.concatenate([[False], equal, [False]]).astype(np.int8)))
    rows = edges.reshape(-1, 2)  # readings start … end are equal
    for start, end in rows[rows[:, 1] - rows[:, 0] + 1 >= min(STUCK, max(len(values), 4))]:
        found[start + 1 : end + 1] = True
    return found


def _hardly_repeats(values: Array, found: Mask) -> bool:
    """Whether the readings that are not in a row of equal ones tell that such a row is not the meter's way.

    Many of them do by their noise. Few of them do, or those whose noise a swing hides, if none repeats and one long row
    goes on from there to the end, unless they had come closer and closer to it: a course that has settled.
    """
    others = np.flatnonzero(~found)
    if len(others) >= TELLING and repeats_betray([values[others]]):
        return True
    if len(others) < FEWEST or len(values) - 1 - others[-1] < LONG or len(np.unique(values[others])) < len(others):
        return False
    steps = np.abs(np.diff(values[others]))
    return bool(steps[-1] > SETTLED * np.median(steps))


def repeats_betray(parts: Sequence[Array]) -> bool:
    """Whether equal readings in a row betray a meter that is stuck: it is noisy, and hardly repeats one otherwise.

    Without noise, or with a resolution as coarse as it, equal readings are what is to be expected. One long part with
    noise tells enough, even if the meter was stuck in most of the others.
    """
    shares, noisy = [], []
    for values in parts:
        if len(values) >= 4:
            shares.append(np.count_nonzero(values[1:] == values[:-1]) / (len(values) - 1))
            noisy.append(noise_of_mean(values) > 0)
            if len(values) >= LONG and shares[-1] < REPEATS and noisy[-1]:
                return True
    return bool(shares) and float(np.median(shares)) < REPEATS and float(np.median(noisy)) > 0.5


def noise_of_mean(values: Array) -> float:
    """Standard uncertainty of a mean of readings with white noise, from second differences; 0 for a smooth course.

    Second differences of a smooth course follow their predecessors (correlation +1), those of white noise (−2/3) or of
    a random walk (−1/2) oppose them.
    """
    with np.errstate(invalid="ignore"):
        bends = np.diff(values, 2)
    bends = bends[np.isfinite(bends)]
    if len(bends) < 3:
        return 0.0
    power = float(bends @ bends)
    if float(bends[1:] @ bends[:-1]) >= 0 or power == 0:
        return 0.0
    noise = float(np.sqrt(power / (6 * len(bends)) / len(values)))
    return noise if noise > ROUNDING * float(np.nanmax(np.abs(values))) else 0.0
