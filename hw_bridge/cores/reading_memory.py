"""The reading memory of a 3458A."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from hw_bridge.cores.reading_format import BYTES, FORMATS

Array = NDArray[np.float64]
OFF, LIFO, FIFO, CONT = range(4)


class ReadingMemory:
    """Readings in the order in which they were taken; a full one keeps the oldest (FIFO) or the newest (LIFO).

    Attributes
    ----------
    size : bytes.
    mode : off, LIFO or FIFO.
    format : in which readings are stored, which says how many there is room for.
    """

    size = 20_480

    def __init__(self) -> None:
        self.mode = OFF
        self.format = FORMATS["SREAL"]
        self._last_mode = FIFO
        self._readings: deque[float] = deque()

    @property
    def count(self) -> int:
        """Readings that are stored."""
        return len(self._readings)

    @property
    def room(self) -> int:
        """Readings that there is room for in all."""
        return self.size // BYTES[self.format]

    @property
    def is_full(self) -> bool:
        """Whether a FIFO takes no more; a LIFO always does."""
        return self.mode == FIFO and self.count >= self.room

    def turn(self, mode: int) -> None:
        """Off; on and empty, LIFO or FIFO; or on again as it was (CONT)."""
        if mode in (LIFO, FIFO):
            self._readings.clear()
            self._last_mode = mode
        self.mode = self._last_mode if mode == CONT else mode

    def reformat(self, kind: int) -> None:
        """Store readings in another format from now on; what is there is lost."""
        self.format = kind
        self._readings.clear()

    def store(self, values: Array) -> None:
        """Add readings, oldest first."""
        if self.format == FORMATS["SREAL"]:
            values = values.astype(np.float32).astype(np.float64)
        if self.mode == FIFO:
            self._readings.extend(values[: max(self.room - self.count, 0)].tolist())
            return
        self._readings.extend(values[-self.room :].tolist())
        while self.count > self.room:
            self._readings.popleft()

    def take(self) -> float:
        """Remove a reading: the oldest (FIFO) or the newest (LIFO)."""
        return self._readings.pop() if self.mode == LIFO else self._readings.popleft()

    def recall(self, first: int, count: int) -> Array | None:
        """`count` readings from the one that is `first` before the newest, newest first; None if there are not so
        many."""
        if first + count > self.count:
            return None
        newest_first = list(self._readings)[::-1]
        return np.array(newest_first[first : first + count])
