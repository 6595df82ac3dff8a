"""Readings as series in time, and as few points of them as a picture can show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.recorder import Block
from twin.times import NS

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Series:
    """Times (s) and values."""

    times: Array
    values: Array

    def __len__(self) -> int:
        return len(self.times)


def series(blocks: Iterable[Block], points: int | None = None, *, apart: bool = False) -> Series:
    """The readings of some blocks, in order of time.

    Parameters
    ----------
    points : that the picture can show; of longer series the extremes remain. None: all of them.
    apart : put something that is not a number between the blocks, so that no line joins them.
    """
    found = sorted(blocks, key=lambda block: block.schedule.start)
    if not found:
        return Series(np.zeros(0), np.zeros(0))
    total = sum(block.values.size for block in found)
    parts = []
    for block in found:
        values = np.ravel(block.values)
        share = values.size if points is None else max(6, points * values.size // total)
        kept = extremes(values, share)
        parts.append((_times(block, kept), values[kept]))
        if apart:
            parts.append((np.array([block.schedule.end / NS]), np.array([np.nan])))
    times, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Series(times, values)


def _times(block: Block, kept: NDArray[np.int64]) -> Array:
    """Middle of the apertures of some of a block's readings (s), without building all."""
    s = block.schedule
    burst, reading = np.divmod(kept, s.count)
    times: Array = (s.start + s.every * burst + s.step * reading + 0.5 * block.aperture) / NS
    return times


def extremes(values: Array, points: int) -> NDArray[np.int64]:
    """Indices of at most about `points` values that look the same when drawn.

    Of each of equal stretches the lowest and the highest value stay, and one that is not a number if there is any, so
    that a gap stays a gap; so do the first and the last value.
    """
    count = len(values)
    if count <= max(points, 4):
        return np.arange(count)
    stretches = max((points - 2) // 3, 1)
    width = -(-count // stretches)
    padded = np.full(-(-count // width) * width, np.nan)
    padded[:count] = values
    table = padded.reshape(-1, width)
    starts = np.arange(len(table)) * width
    gap = np.isnan(table)
    gap.ravel()[count:] = False
    low = starts + np.argmin(np.where(np.isnan(table), np.inf, table), axis=1)
    high = starts + np.argmax(np.where(np.isnan(table), -np.inf, table), axis=1)
    gaps = (starts + np.argmax(gap, axis=1))[gap.any(axis=1)]
    found: NDArray[np.int64] = np.unique(np.concatenate([low, high, gaps, [0, count - 1]]))
    return found


def means(blocks: Iterable[Block]) -> Series:
    """The mean of each block that has a reading, in order of time."""
    found = sorted(blocks, key=lambda block: block.schedule.start)
    rows = []
    for block in found:
        good = np.isfinite(block.values)
        if np.any(good):
            s = block.schedule
            middle = (s.start + s.end) / 2 / NS
            rows.append((middle, float(block.values[good].mean())))
    columns = np.array(rows, dtype=float).reshape(-1, 2)
    return Series(columns[:, 0], columns[:, 1])


def spans(blocks: Iterable[Block]) -> list[tuple[float, float]]:
    """Start and end of each block (s), those that overlap or adjoin joined."""
    edges = sorted((block.schedule.start / NS, block.schedule.end / NS) for block in blocks)
    joined: list[tuple[float, float]] = []
    for start, end in edges:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
