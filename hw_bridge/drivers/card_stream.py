"""What a card has sampled since its task was started, and the windows of those who read.

When a sample was taken follows from when the task was started, by the computer's clock, and its number, by the card's;
a reading that is asked for a little late is still there, since samples are kept for `HISTORY`. The clock of a card that
runs on for long may leave the computer's: beyond ``hardware.timing`` of whoever reads that is an error.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hw_bridge.drivers.steps import TINY, Edges, edges_of
from hw_bridge.drivers.wire import WireError
from hw_bridge.errors import BridgeError
from twin.times import NS

Array = NDArray[np.float64]
SLACK = 0.01
"""By how much a card may round what it is set to."""
HISTORY = 1.0
"""For how long samples are kept (s)."""
CHUNK = 0.02
"""From one look at the card to the next (s)."""
STEADY = 10.0
"""The clocks are compared over so long (s): a look that came late is nobody's clock."""


@dataclass(frozen=True)
class Column:
    """A channel of a task.

    Parameters
    ----------
    line : such as ``ai0``, in small letters.
    wires : its terminal configuration, as the library has it.
    span : that it has to read, both ways (V).
    """

    line: str
    wires: str
    span: float

    def __str__(self) -> str:
        return f"{self.wires} up to {self.span:g} V"


@dataclass(frozen=True, eq=False)
class Reader:
    """A sensor at a card.

    Parameters
    ----------
    name : for messages.
    columns : its channels, in the order in which it gets them.
    rate : of samples that it needs at least (Hz).
    timing : within which it has to know when a sample was taken (s).
    """

    name: str
    columns: tuple[Column, ...]
    rate: float
    timing: float


@dataclass(eq=False)
class Window:
    """What somebody reads.

    Parameters
    ----------
    reader : who it is.
    first : number of its first sample.
    edges : see `hw_bridge.drivers.steps`.
    samples : of each of the reader's channels (V), shape (channels, samples), when they are there.
    """

    reader: Reader
    first: int
    edges: Edges
    samples: Future[Array] = field(default_factory=Future)

    @property
    def end(self) -> int:
        """Number of the sample after its last."""
        return self.first + int(self.edges[-1])


class Stream:
    """The samples of a task since it was started.

    Parameters
    ----------
    columns : in the order of the task.
    rate : at which the card takes them, by its own account (Hz).
    started : by the computer's clock (ns).
    """

    def __init__(self, columns: Sequence[Column], rate: float, started: int) -> None:
        self.columns, self.rate, self.started = tuple(columns), rate, started
        self.chunk = max(1, round(CHUNK * rate))
        self.windows: list[Window] = []
        self._rows = {column.line: k for k, column in enumerate(columns)}
        self._chunks: deque[Array] = deque()
        self._base = self._total = 0
        self._behind: deque[float] = deque(maxlen=math.ceil(STEADY * rate / self.chunk))

    def serves(self, reader: Reader) -> bool:
        """Whether it has all that a sensor needs."""
        return set(reader.columns) <= set(self.columns) and self.rate >= (1.0 - SLACK) * reader.rate

    def open(self, reader: Reader, start: int, step: int, count: int) -> Window:
        """Samples of `count` steps (ns) from `start` on (ns), or from the first that there is."""
        first = max(math.ceil((start - self.started) / NS * self.rate - TINY), self._base)
        try:
            edges = edges_of(step, count, self.rate)
        except ValueError as error:
            raise BridgeError(f"{reader.name}: {error}: raise settings.rate", reader.name) from None
        window = Window(reader, first, edges)
        self.windows.append(window)
        self._settle()
        return window

    def begun(self, window: Window) -> int:
        """When its first sample was taken, by the computer's clock (ns)."""
        return self.started + round(window.first / self.rate * NS)

    def arrived(self, chunk: Array, now: int) -> None:
        """Samples, shape (columns, samples), that were there at `now` (ns)."""
        self._chunks.append(chunk)
        self._total += chunk.shape[1]
        self._behind.append((now - self.started) / NS - self._total / self.rate)
        self._settle()
        kept = min([self._total - math.ceil(HISTORY * self.rate), *(window.first for window in self.windows)])
        while self._base + self._chunks[0].shape[1] <= kept:
            self._base += self._chunks.popleft().shape[1]

    def fail(self, error: Exception) -> None:
        """Nothing more comes: tell it to all."""
        for window in self.windows:
            window.samples.set_exception(error)
        self.windows.clear()

    def forget(self, window: Window) -> None:
        """Nobody waits for it any more."""
        if window in self.windows:
            self.windows.remove(window)

    def _settle(self) -> None:
        for window in [window for window in self.windows if window.end <= self._total]:
            self.windows.remove(window)
            apart = min(self._behind)
            if abs(apart) > window.reader.timing and len(self._behind) == self._behind.maxlen:
                window.samples.set_exception(
                    WireError(
                        f"the card's clock and the computer's are {1e3 * apart:.3g} ms apart after "
                        f"{self._total / self.rate:.3g} s, and hardware.timing is {1e3 * window.reader.timing:g} ms: "
                        "have breaks between the readings at this card"
                    )
                )
                continue
            held = np.concatenate(list(self._chunks), axis=1)[:, window.first - self._base : window.end - self._base]
            window.samples.set_result(held[[self._rows[column.line] for column in window.reader.columns]])
