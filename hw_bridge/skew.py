"""Time stamps of channels: a step of a current is looked for in what several meters read at once.

A meter that integrates shows the step within an aperture as a share of it, so that its time is found to far less than
that. It is compared between channels, which is their skew, and with the moment at which the source was told, which
also has the way to the source in it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from hw_bridge.drivers.playing import Playing
from twin.clock import Clock, Process
from twin.recorder import LATE, Block, Schedule
from twin.times import NS, to_ns

APERTURE, READINGS, REPEATS = 0.02, 30, 4
"""Of each look: aperture of a reading (s), readings, steps up and down."""
LEAD = 0.1
"""Until the first reading (s)."""
SEEN = 10.0
"""A step is one that is so many times the scatter."""


@dataclass
class Edges:
    """When channels have seen the steps of a source.

    Parameters
    ----------
    told : when the source was told (s): its middle, for each step.
    uncertain : half of the time that telling took (s).
    seen : when each channel has seen it (s); not a number where it has not.
    """

    told: list[float] = field(default_factory=list)
    uncertain: list[float] = field(default_factory=list)
    seen: dict[str, list[float]] = field(default_factory=dict)

    def delay(self, channel: str) -> tuple[float, float]:
        """By how much a channel is behind the source, and its standard uncertainty (s)."""
        return _mean(np.array(self.seen[channel]) - np.array(self.told), max(self.uncertain) / math.sqrt(3.0))

    def skews(self) -> dict[tuple[str, str], tuple[float, float]]:
        """By how much the second of two channels is behind the first, and its standard uncertainty (s)."""
        pairs = combinations(self.seen, 2)
        return {(a, b): _mean(np.array(self.seen[b]) - np.array(self.seen[a]), 0.0) for a, b in pairs}


def look(clock: Clock, source: Playing, level: float, meters: Mapping[str, Any]) -> Process:
    """Step a current (A) up and down while all meters read; returns the `Edges`."""
    found = Edges(seen={name: [] for name in meters})
    for k in range(REPEATS):
        schedule = Schedule(clock.now + to_ns(LEAD), to_ns(APERTURE), READINGS)

        def step(schedule: Schedule = schedule, current: float = level * (1 - k % 2)) -> Process:
            yield clock.until((schedule.start + schedule.end) // 2)
            before = clock.now
            yield from source.set(current, 0.0)
            found.told.append(0.5 * (before + clock.now) / NS)
            found.uncertain.append(0.5 * (clock.now - before) / NS)

        def read(name: str, schedule: Schedule = schedule) -> Process:
            block = yield from meters[name].read(schedule, {"phase": "commissioning"})
            found.seen[name].append(edge(block))

        yield clock.together([step(), *(read(name) for name in meters)])
    return found


def edge(block: Block) -> float:
    """When a signal steps from one level to another (s), by the time stamps of a block; not a number if it does not."""
    values, step = block.values.ravel(), block.schedule.step / NS
    quarter = len(values) // 4
    before, after = values[:quarter], values[-quarter:]
    low, high = float(before.mean()), float(after.mean())
    scatter = math.hypot(float(before.std(ddof=1)), float(after.std(ddof=1)))
    if not abs(high - low) > SEEN * scatter:
        return math.nan
    start = block.schedule.start / NS + float(block.labels.get(LATE, 0.0))
    return start + step * float(np.sum((high - values) / (high - low)))


def _mean(values: np.ndarray[Any, Any], u_common: float) -> tuple[float, float]:
    there = values[np.isfinite(values)]
    if len(there) < 2:
        return math.nan, math.nan
    return float(there.mean()), math.hypot(float(there.std(ddof=1)) / math.sqrt(len(there)), u_common)


def milliseconds(values: Sequence[float]) -> str:
    """A time and its standard uncertainty."""
    value, u = values
    return "no step was seen" if math.isnan(value) else f"{1e3 * value:+.2f} ms ± {1e3 * u:.2g} ms"
