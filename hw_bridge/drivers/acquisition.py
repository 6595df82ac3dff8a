"""One task of a card for all sensors at it: a card has one clock for its inputs, and reserves them for one task.

The task has the channels of all sensors that are open, and runs at the highest of their rates. It starts with the first
reading that is due and stops after the last one that is under way; in between it stays committed, so that it starts at
once. Who reads while it runs joins in. When a sample was taken follows from when the task was started, by the
computer's clock, and its number, by the card's; a reading that is asked for a little late is still there, since samples
are kept for `HISTORY`. The clock of a card that runs on for long may leave the computer's: beyond ``hardware.timing``
of whoever reads that is an error. So is all that goes wrong, for each of those who read.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Condition, Thread
from time import monotonic_ns
from typing import Any, NamedTuple

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
BUFFER = 10.0
"""What the card's library has room for (s), before samples are lost."""
STEADY = 10.0
"""The clocks are compared over so long (s): a look that came late is nobody's clock."""


def host_time() -> int:
    """By the computer's clock (ns); only differences matter."""
    return monotonic_ns()


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


class Burst(NamedTuple):
    """What was read.

    Parameters
    ----------
    samples : of each of the reader's channels (V), shape (channels, samples).
    edges : number of the first sample of each step, and of the one after the last.
    begun : when the first was taken, by the computer's clock (ns).
    """

    samples: Array
    edges: Edges
    begun: int


@dataclass(eq=False)
class _Window:
    reader: Reader
    first: int
    edges: Edges
    samples: Future[Array] = field(default_factory=Future)

    @property
    def end(self) -> int:
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
        self.windows: list[_Window] = []
        self._rows = {column.line: k for k, column in enumerate(columns)}
        self._chunks: deque[Array] = deque()
        self._base = self._total = 0
        self._behind: deque[float] = deque(maxlen=math.ceil(STEADY * rate / self.chunk))

    def serves(self, reader: Reader) -> bool:
        """Whether it has all that a sensor needs."""
        return set(reader.columns) <= set(self.columns) and self.rate >= (1.0 - SLACK) * reader.rate

    def open(self, reader: Reader, start: int, step: int, count: int) -> _Window:
        """Samples of `count` steps (ns) from `start` on (ns), or from the first that there is."""
        first = max(math.ceil((start - self.started) / NS * self.rate - TINY), self._base)
        try:
            edges = edges_of(step, count, self.rate)
        except ValueError as error:
            raise BridgeError(f"{reader.name}: {error}: raise settings.rate", reader.name) from None
        window = _Window(reader, first, edges)
        self.windows.append(window)
        self._settle()
        return window

    def begun(self, window: _Window) -> int:
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

    def forget(self, window: _Window) -> None:
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


class Acquisition:
    """What is sampled at a card; called by the threads of its sensors.

    Parameters
    ----------
    card : its name, such as ``Dev1``.
    """

    def __init__(self, card: str) -> None:
        self.card = card
        self._readers: list[Reader] = []
        self._changed = Condition()
        self._stream: Stream | None = None
        self._task: Any = None
        self._made: tuple[tuple[Column, ...], float] = (), 0.0
        """Channels and rate of the task."""

    @property
    def rate(self) -> float:
        """The highest of those asked for (Hz); 0: nobody is there."""
        return max((reader.rate for reader in tuple(self._readers)), default=0.0)

    def enter(self, reader: Reader) -> None:
        """A sensor is there from now on.

        Raises
        ------
        BridgeError
            If another one has a channel of it otherwise.
        """
        with self._changed:
            there = {its.line: (its, other.name) for other in self._readers for its in other.columns}
            for mine in reader.columns:
                its, owner = there.get(mine.line, (mine, ""))
                if its != mine:
                    raise BridgeError(
                        f"{reader.name}: {self.card}/{mine.line} is {its} for {owner}, and cannot be {mine} too",
                        reader.name,
                    )
            self._readers.append(reader)

    def leave(self, reader: Reader, patience: float) -> None:
        """A sensor is there no more; the last one closes the task, within `patience` (s)."""
        with self._changed:
            self._readers.remove(reader)
            if self._readers:
                return
            if self._stream is not None:
                self._stream.fail(WireError(f"{self.card}: closed"))
            if not self._changed.wait_for(lambda: self._stream is None, patience):
                raise WireError(f"{self.card}: its task does not end; it is closed when it does")
            self._close()

    def take(self, daq: Any, reader: Reader, start: int, step: int, count: int, patience: float) -> Burst:
        """Sample `count` steps (ns) from `start` on, by the computer's clock (ns).

        Parameters
        ----------
        daq : the library ``nidaqmx``.
        patience : beyond the time that it takes (s).

        Raises
        ------
        BridgeError
            And whatever the library raises.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._stream is None or self._stream.serves(reader), patience):
                raise WireError(
                    f"{self.card}: a task without the channels of this sensor has been read for more than "
                    f"{patience:g} s; connect to all sensors of a card before one of them is read"
                )
            stream = self._stream or self._begin(daq)
            window = stream.open(reader, start, step, count)
        try:
            samples = window.samples.result(patience + step * count / NS)
        except TimeoutError:
            raise WireError(f"{self.card}: no samples in time") from None
        finally:
            with self._changed:
                stream.forget(window)
        return Burst(samples, window.edges, stream.begun(window))

    # --- the task ----------------------------------------------------------------------------------------------------

    def _begin(self, daq: Any) -> Stream:
        wanted = tuple(dict.fromkeys(column for reader in self._readers for column in reader.columns)), self.rate
        if self._task is None or self._made != wanted:
            self._close()
            self._configure(daq, *wanted)
        try:
            reads = daq.stream_readers.AnalogMultiChannelReader(self._task.in_stream)
            rate, started = float(self._task.timing.samp_clk_rate), host_time()
            self._task.start()
        except Exception:
            self._close()
            raise
        self._stream = Stream(self._made[0], rate, started)
        Thread(target=self._pump, args=(reads, self._stream), name=f"card {self.card}", daemon=True).start()
        return self._stream

    def _configure(self, daq: Any, columns: tuple[Column, ...], rate: float) -> None:
        constants, task = daq.constants, daq.Task()
        try:
            for column in columns:
                channel = task.ai_channels.add_ai_voltage_chan(
                    f"{self.card}/{column.line}",
                    terminal_config=constants.TerminalConfiguration[column.wires],
                    min_val=-column.span,
                    max_val=column.span,
                )
                least = (1.0 - SLACK) * column.span
                if not channel.ai_max >= least or channel.ai_min > -least:
                    raise BridgeError(
                        f"{self._whose(column)}: the card's span is {channel.ai_min:g} V to {channel.ai_max:g} V"
                    )
            task.timing.cfg_samp_clk_timing(
                rate, sample_mode=constants.AcquisitionType.CONTINUOUS, samps_per_chan=max(2, round(BUFFER * rate))
            )
            if abs(task.timing.samp_clk_rate / rate - 1.0) > SLACK:
                fastest = max(self._readers, key=lambda reader: reader.rate).name
                raise BridgeError(
                    f"{fastest}: the card samples at {task.timing.samp_clk_rate:g} Hz, not {rate:g} Hz", fastest
                )
            task.control(constants.TaskMode.TASK_COMMIT)
        except BaseException:
            task.close()
            raise
        self._task, self._made = task, (columns, rate)

    def _whose(self, column: Column) -> str:
        names = [reader.name for reader in self._readers if column in reader.columns]
        return f"{' and '.join(names)}: {self.card}/{column.line}"

    def _close(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.close()

    def _pump(self, reads: Any, stream: Stream) -> None:
        """Bring samples as long as somebody reads, then stop the task."""
        try:
            while True:
                with self._changed:
                    if not stream.windows:
                        self._task.stop()
                        if not self._readers:
                            self._close()
                        self._ended()
                        return
                chunk = np.empty((len(stream.columns), stream.chunk))
                found = reads.read_many_sample(
                    chunk, number_of_samples_per_channel=stream.chunk, timeout=BUFFER + stream.chunk / stream.rate
                )
                if found != stream.chunk:
                    raise WireError(f"{self.card}: {stream.chunk} samples were asked for, {found} came")
                with self._changed:
                    stream.arrived(chunk, host_time())
        except Exception as error:  # whatever it is, those who read hear of it
            with self._changed:
                stream.fail(error)
                with suppress(Exception):
                    self._close()
                self._ended()

    def _ended(self) -> None:
        self._stream = None
        self._changed.notify_all()


_CARDS: dict[str, Acquisition] = {}


def acquisition(card: str) -> Acquisition:
    """The one of a card in this process; its name may be in capitals or not."""
    return _CARDS.setdefault(card.lower(), Acquisition(card))
