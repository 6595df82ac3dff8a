"""Time stamps of channels: a step of a current, or a small motion, is looked for in what all instruments read at once.

What an instrument reads either goes from one level to another, as a voltage across a resistor when the current steps
or a position when the coil moves, or it comes and goes, as the voltage that is induced by the motion. Both have a
middle in time: of the change, weighted by how fast it is. For a position it is the same as for the voltage of its
motion, and an instrument that integrates shows it to far less than an aperture. It is compared between channels, which
is their skew, and with the moment at which the source was told, which also has the way to the source in it.

Two channels can be compared if something real that acts reaches both of them through what is real.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import networkx as nx
import numpy as np

from hw_bridge.drivers.driver import Driver
from twin.clock import Clock, Process
from twin.graph import Graph
from twin.recorder import LATE, Block, Recorder, Schedule
from twin.times import NS, to_ns

APERTURE, READINGS, REPEATS = 0.02, 30, 4
"""Of each look: aperture of a reading (s), readings, changes to and fro."""
LEAD = 0.1
"""Until the first reading (s)."""
MOTION = 0.2
"""How long a motion takes (s)."""
SEEN = 10.0
"""A change is one that is so many times the scatter."""
PEAK = 1.5
"""Of a glide: largest over mean velocity."""
Pair = tuple[str, str]
Change = Callable[[int], Process]


@dataclass
class Edges:
    """When channels have seen changes.

    Parameters
    ----------
    told : when what acts was told (s): the middle of each change.
    uncertain : half of the time that telling took (s).
    seen : when each channel has seen it (s); not a number where it has not.
    """

    told: list[float] = field(default_factory=list)
    uncertain: list[float] = field(default_factory=list)
    seen: dict[str, list[float]] = field(default_factory=dict)

    def delay(self, channel: str) -> tuple[float, float]:
        """By how much a channel is behind what acts, and its standard uncertainty (s)."""
        return _mean(np.array(self.seen[channel]) - np.array(self.told), max(self.uncertain) / math.sqrt(3.0))

    def skews(self) -> dict[Pair, tuple[float, float]]:
        """By how much the second of two channels is behind the first, and its standard uncertainty (s)."""
        pairs = combinations(self.seen, 2)
        return {(a, b): _mean(np.array(self.seen[b]) - np.array(self.seen[a]), 0.0) for a, b in pairs}


def readers(drivers: Mapping[str, Driver]) -> list[str]:
    """Real instruments that read something."""
    return [name for name, driver in drivers.items() if driver.operated and hasattr(driver, "read")]


def reached(graph: Graph, drivers: Mapping[str, Driver], actor: str) -> list[str]:
    """Real instruments that read something of what a source or a stage does, through real parts."""
    real = nx.DiGraph(graph.as_networkx(neutral=False).subgraph(drivers))
    return [name for name in readers(drivers) if name != actor and nx.has_path(real, actor, name)]


def apart(graph: Graph, drivers: Mapping[str, Driver], compared: Sequence[str]) -> Iterator[tuple[Pair, str]]:
    """Pairs of real instruments that nothing has compared, and why.

    Parameters
    ----------
    compared : what has acted while all that it reaches were read.
    """
    actors = {name: set(reached(graph, drivers, name)) for name, driver in drivers.items() if driver.acts}
    for pair in combinations(readers(drivers), 2):
        common = [name for name, seen in actors.items() if seen.issuperset(pair)]
        if not common:
            yield pair, "nothing real that acts reaches both"
        elif not set(common) & set(compared):
            yield pair, f"{common[0]}, which reaches both, has not acted"


def look(
    clock: Clock, recorder: Recorder, change: Change, instruments: Mapping[str, Any], lasts: float = 0.0
) -> Process:
    """Change something to and fro while all instruments read; returns the `Edges`.

    Parameters
    ----------
    change : the operation that makes the change of a number.
    instruments : by name; each has ``read(schedule, labels)``.
    lasts : how long a change takes (s).
    """
    found = Edges()
    for k in range(REPEATS):
        schedule = Schedule(clock.now + to_ns(LEAD), to_ns(APERTURE), READINGS)

        def act(number: int = k, schedule: Schedule = schedule) -> Process:
            yield clock.until((schedule.start + schedule.end - to_ns(lasts)) // 2)
            before = clock.now
            yield from change(number)
            telling = 0.0 if lasts else (clock.now - before) / NS
            found.told.append(before / NS + 0.5 * max(lasts, telling))
            found.uncertain.append(0.5 * telling)

        def read(name: str, schedule: Schedule = schedule) -> Process:
            count = len(recorder.readings)
            yield from instruments[name].read(schedule, {"phase": "commissioning"})
            blocks = [block for block in recorder.readings.since(count) if block.channel == name]
            for block in blocks:
                channel = name if len(blocks) == 1 else f"{name} {block.quantity}"
                found.seen.setdefault(channel, []).append(middle(block))

        yield clock.together([act(), *(read(name) for name in instruments)])
    found.seen = dict(sorted(found.seen.items()))
    return found


def distance(span: float, fastest: float | None) -> float:
    """How far a stage is to move to and fro (m): so much of what it may, and no faster than it may (m/s)."""
    return span if fastest is None else min(span, 0.9 * fastest * MOTION / PEAK)


def middle(block: Block) -> float:
    """When what a block reads has changed (s), by its time stamps; not a number if it has not."""
    values, step = block.values.ravel(), block.schedule.step / NS
    quarter = len(values) // 4
    before, after = values[:quarter], values[-quarter:]
    low, high = float(before.mean()), float(after.mean())
    scatter = math.hypot(float(before.std(ddof=1)), float(after.std(ddof=1)))
    start = block.schedule.start / NS + float(block.labels.get(LATE, 0.0))
    if abs(high - low) > SEEN * scatter:
        return start + step * float(np.sum((high - values) / (high - low)))
    pulse = values - 0.5 * (low + high)
    if abs(pulse.sum()) > SEEN * scatter * math.sqrt(len(values)):
        return start + step * (float(np.sum(np.arange(len(values)) * pulse) / pulse.sum()) + 0.5)
    return math.nan


def _mean(values: np.ndarray[Any, Any], u_common: float) -> tuple[float, float]:
    there = values[np.isfinite(values)]
    if len(there) < 2:
        return math.nan, math.nan
    return float(there.mean()), math.hypot(float(there.std(ddof=1)) / math.sqrt(len(there)), u_common)


def milliseconds(values: Sequence[float]) -> str:
    """A time and its standard uncertainty."""
    value, u = values
    return "no change was seen" if math.isnan(value) else f"{1e3 * value:+.2f} ms ± {1e3 * u:.2g} ms"
