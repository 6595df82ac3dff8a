"""One task of a card for all sensors at it: a card has one clock for its inputs, and reserves them for one task.

The task has the channels of all sensors that are open, and runs at the highest of their rates. It starts with the first
reading that is due and stops after the last one that is under way; in between it stays committed, so that it starts at
once. Who reads while it runs joins in: what it has sampled is in its stream (`hw_bridge.drivers.card_stream`). All that
goes wrong is an error for each of those who read; the task is then given back.
"""

from __future__ import annotations

from contextlib import suppress
from threading import Condition, Thread
from time import monotonic_ns
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw_bridge.drivers.card_stream import SLACK, Column, Reader, Stream
from hw_bridge.drivers.steps import Edges
from hw_bridge.drivers.wire import WireError
from hw_bridge.errors import BridgeError
from twin.times import NS

Array = NDArray[np.float64]
BUFFER = 10.0
"""What the card's library has room for (s), before samples are lost."""


def host_time() -> int:
    """By the computer's clock (ns); only differences matter."""
    return monotonic_ns()


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

    @property
    def columns(self) -> tuple[Column, ...]:
        """All channels that are read."""
        return tuple(dict.fromkeys(column for reader in tuple(self._readers) for column in reader.columns))

    @property
    def flow(self) -> float:
        """Samples of all channels (1/s), of the task that runs or of the one that is needed."""
        stream = self._stream
        return max(self.rate * len(self.columns), stream.rate * len(stream.columns) if stream else 0.0)

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
        wanted = self.columns, self.rate
        if self._task is None or self._made != wanted:
            self._close()
            self._configure(daq, *wanted)
        try:
            reads = daq.stream_readers.AnalogMultiChannelReader(self._task.in_stream)
            stream = Stream(self._made[0], float(self._task.timing.samp_clk_rate), host_time())
            self._task.start()
            Thread(target=self._pump, args=(reads, stream), name=f"card {self.card}", daemon=True).start()
        except Exception:  # whatever it is, also that no thread is left: nobody would stop it
            with suppress(Exception):
                self._close()
            raise
        self._stream = stream
        return stream

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
