"""The recorder: blocks of readings, and the truth and the log apart from them.

Instruments record *readings*; the twin may also record *truth* (the magnet's temperature, the true Bl), which is what a
simulation knows and a laboratory does not. The two are kept in separate places, so that a reduction that is handed the
readings cannot look at the truth. The *log* is beside the readings, for the record: what instruments were told
(`twin.command`), and readings that are not good.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from twin.times import NS

Label = str | int | float | bool
Kind = Literal["readings", "truth", "log"]
INTEGRATED = "integrated_s"
"""Label: for how long of its aperture each reading looked at what it reads (s), if less: its noise is of that time."""
LATE = "late_s"
"""Label of real readings: by how much they were later than the schedule says (s)."""
CHUNK = 4_000_000
"""Values in a file of readings that were moved to disk."""


def looked(labels: Mapping[str, Label], step: int) -> int:
    """For how long of a step (ns) a reading looks, by its labels: all of it, unless they say how long."""
    return round(float(labels[INTEGRATED]) * NS) if INTEGRATED in labels else step


@dataclass(frozen=True)
class Schedule:
    """When readings are taken: `repeats` bursts of `count` readings, all in integer nanoseconds.

    Parameters
    ----------
    start : start of the first reading's aperture (ns).
    step : from reading to reading within a burst (ns).
    count : readings in a burst.
    every : from burst to burst (ns).
    repeats : number of bursts.
    """

    start: int
    step: int
    count: int
    every: int = 0
    repeats: int = 1

    def __post_init__(self) -> None:
        if self.count < 1 or self.repeats < 1 or self.step < 1 or (self.repeats > 1 and self.every < 1):
            raise ValueError(f"a schedule needs positive counts and steps: {self}")

    def instants(self) -> NDArray[np.int64]:
        """Start of every reading (ns), shape (repeats, count); not to be written to."""
        return _instants(self)

    @property
    def end(self) -> int:
        """End of the last reading's step (ns)."""
        return self.start + self.every * (self.repeats - 1) + self.step * self.count

    @property
    def size(self) -> int:
        """Number of readings."""
        return self.count * self.repeats


@lru_cache(maxsize=4)
def _instants(schedule: Schedule) -> NDArray[np.int64]:
    """Kept as long as several instruments read on one schedule."""
    bursts = schedule.start + schedule.every * np.arange(schedule.repeats, dtype=np.int64)
    found: NDArray[np.int64] = bursts[:, None] + schedule.step * np.arange(schedule.count, dtype=np.int64)
    found.flags.writeable = False
    return found


@dataclass(frozen=True)
class Block:
    """Readings of one channel, with all that is needed to use them later.

    Parameters
    ----------
    channel : name of the instrument (for truth: ``component.port``).
    quantity : what is read, such as ``"voltage"``.
    unit : SI unit of `values`.
    schedule : when each reading starts.
    aperture : over which each reading averages (ns); 0 for an instantaneous reading.
    values : shape (bursts, readings).
    labels : such as ``{"phase": "weighing", "cycle": 0, "state": "on"}``.
    source : ``"simulated"`` or ``"real"``.
    """

    channel: str
    quantity: str
    unit: str
    schedule: Schedule
    aperture: int
    values: NDArray[np.float64]
    labels: Mapping[str, Label] = field(default_factory=lambda: MappingProxyType({}))
    source: Literal["simulated", "real"] = "simulated"

    def __post_init__(self) -> None:
        expected = (self.schedule.repeats, self.schedule.count)
        if self.values.shape != expected:
            raise ValueError(f"block {self.channel!r}: values have shape {self.values.shape}, the schedule {expected}")

    def times(self) -> NDArray[np.float64]:
        """Middle of each reading's aperture (s since the start of the run), shape (bursts, readings)."""
        return (self.schedule.instants() + 0.5 * self.aperture) / NS

    def has(self, **labels: Label) -> bool:
        """Whether the block carries all these labels with these values."""
        return all(self.labels.get(key) == value for key, value in labels.items())


class Blocks:
    """A sequence of blocks that can be filtered by channel and label."""

    def __init__(self, blocks: list[Block] | None = None) -> None:
        self._blocks = [] if blocks is None else blocks

    def __iter__(self) -> Iterator[Block]:
        return iter(self._blocks)

    def __len__(self) -> int:
        return len(self._blocks)

    def select(self, channel: str | None = None, **labels: Label) -> Blocks:
        """The blocks of a channel that carry these labels, in the order of recording."""
        return Blocks([b for b in self._blocks if (channel is None or b.channel == channel) and b.has(**labels)])

    def append(self, block: Block) -> None:
        """Add a block at the end."""
        self._blocks.append(block)

    def since(self, count: int) -> list[Block]:
        """The blocks after the first `count`."""
        return self._blocks[count:]

    @property
    def samples(self) -> int:
        """Number of readings in all blocks."""
        return sum(b.schedule.size for b in self._blocks)


class Recorder:
    """Collects blocks during a run; beyond a size their values move to disk.

    Parameters
    ----------
    spill_bytes : readings held in memory before values are moved to files.
    folder : where files go; a temporary folder by default, removed with the recorder.

    Attributes
    ----------
    keep : called with each block before it is kept here; a run store commits it.
    heard : called with each block of readings after that.
    """

    def __init__(self, spill_bytes: int = 256_000_000, folder: Path | None = None) -> None:
        self.readings = Blocks()
        self.truth = Blocks()
        self.log = Blocks()
        self.keep: Callable[[Kind, Block], None] | None = None
        self.heard: Callable[[Block], None] | None = None
        self._spill_bytes = spill_bytes
        self._folder = folder
        self._in_memory = 0
        self._files = 0
        self._chunk: np.memmap[Any, np.dtype[np.float64]] | None = None
        self._used = 0

    def record(self, block: Block) -> None:
        """Keep a block of readings."""
        if self.keep is not None:
            self.keep("readings", block)
        self.readings.append(self._spilled(block))
        if self.heard is not None:
            self.heard(block)

    def record_truth(self, block: Block) -> None:
        """Keep a block of what only a simulation knows."""
        if self.keep is not None:
            self.keep("truth", block)
        self.truth.append(self._spilled(block))

    def record_log(self, block: Block) -> None:
        """Keep a block for the record."""
        if self.keep is not None:
            self.keep("log", block)
        self.log.append(self._spilled(block))

    def _spilled(self, block: Block) -> Block:
        self._in_memory += block.values.nbytes
        if self._in_memory <= self._spill_bytes:
            return block
        self._in_memory -= block.values.nbytes
        size = block.values.size
        if self._chunk is None or self._used + size > len(self._chunk):  # few files: each one stays open
            path = self._spill_folder() / f"{self._files:06d}.bin"
            self._chunk = np.memmap(path, dtype=np.float64, mode="w+", shape=(max(CHUNK, size),))
            self._used, self._files = 0, self._files + 1
        place = self._chunk[self._used : self._used + size]
        place[:] = block.values.ravel()
        self._used += size
        return replace(block, values=place.reshape(block.values.shape))

    def _spill_folder(self) -> Path:
        if self._folder is None:
            import shutil
            import tempfile

            self._folder = Path(tempfile.mkdtemp(prefix="kibble-twin-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder
