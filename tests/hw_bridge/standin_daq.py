"""A stand-in for ``nidaqmx``: as much of its interface as the driver uses, in front of voltages that a test knows."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from threading import Semaphore
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from twin.times import NS


class AcquisitionType(enum.Enum):
    CONTINUOUS = 10123


class TaskMode(enum.Enum):
    TASK_COMMIT = 3


class TerminalConfiguration(enum.Enum):
    RSE = 10083
    DIFF = 10106
    PSEUDO_DIFF = 12529


class LineGrouping(enum.Enum):
    CHAN_FOR_ALL_LINES = 1


class DaqError(Exception):
    """As the vendor's: not one of Python's own."""

    def __init__(self, message: str, error_code: int) -> None:
        super().__init__(message)
        self.error_code = error_code


class Card:
    """A card ``Dev1``.

    Time is the card's own: it passes while somebody waits for samples, and is what the driver takes for the computer's.

    Attributes
    ----------
    volts : of each line, as a function of the numbers of the samples since the task was started.
    now : what time it is (ns).
    coerced : by how much the card changes the rate that it is asked for.
    pace : by how much its clock is fast.
    largest : span that its channels have (V).
    unipolar : whether they read no negative voltages.
    gone : whether it has been pulled out.
    lost : whether samples are no longer there when they are asked for.
    gate : if there is one, each look at the samples waits for it.
    opened, closed, started : tasks.
    made : channels of each task, and the rate that it was asked for.
    reserved : the task that has the clock of its inputs.
    """

    def __init__(self, volts: Mapping[str, float]) -> None:
        self.volts: dict[str, Callable[[Any], Any]] = {line: lambda n, v=v: v for line, v in volts.items()}
        self.coerced, self.pace, self.largest = 1.0, 1.0, 10.0
        self.gone = self.short = self.lost = self.unipolar = False
        self.opened = self.closed = self.started = 0
        self.now = NS
        self.gate: Semaphore | None = None
        self.made = list[tuple[dict[str, str], float]]()
        self.reserved: Task | None = None
        self.relays, self.stuck, self.written = 0, False, list[int]()

    def install(self, monkeypatch: pytest.MonkeyPatch) -> Card:
        """In the place of the library and of the computer's clock."""
        module: Any = ModuleType("nidaqmx")
        module.constants, module.system = ModuleType("nidaqmx.constants"), ModuleType("nidaqmx.system")
        module.stream_readers = ModuleType("nidaqmx.stream_readers")
        module.constants.AcquisitionType = AcquisitionType
        module.constants.TaskMode = TaskMode
        module.constants.TerminalConfiguration = TerminalConfiguration
        module.constants.LineGrouping = LineGrouping
        module.system.Device = self.device
        module.stream_readers.AnalogMultiChannelReader = lambda stream: SimpleNamespace(read_many_sample=stream.take)
        module.Task = lambda: Task(self)
        for part in (module, module.constants, module.system, module.stream_readers):
            monkeypatch.setitem(__import__("sys").modules, part.__name__, part)
        for place in ("acquisition", "daq"):
            monkeypatch.setattr(f"hw_bridge.drivers.{place}.host_time", lambda: self.now)
        monkeypatch.setattr("hw_bridge.drivers.acquisition._CARDS", {})
        return self

    def device(self, name: str) -> Any:
        """What is there by that name."""
        if name != "Dev1" or self.gone:
            raise DaqError("Device identifier is invalid.\n\nDevice Specified: " + name, -200220)
        return SimpleNamespace(product_type="USB-6281", serial_num=0x1A2B3C)


class Task:
    """Channels, a sample clock, and a read."""

    def __init__(self, card: Card) -> None:
        self._card, self._lines, self._running, self._given, self._began = card, dict[str, str](), False, 0, 0
        self.ai_channels = SimpleNamespace(add_ai_voltage_chan=self._add)
        self.timing = SimpleNamespace(cfg_samp_clk_timing=self._clock, samp_clk_rate=0.0)
        self.di_channels = SimpleNamespace(add_di_chan=self._digital)
        self.do_channels = SimpleNamespace(add_do_chan=self._digital)
        self.in_stream = SimpleNamespace(take=self._take)
        self._digital_line = ""
        self._closed = self._committed = False
        card.opened += 1

    def __enter__(self) -> Task:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back what it has; once."""
        assert not self._closed
        self._card.closed, self._closed, self._running = self._card.closed + 1, True, False
        if self._card.reserved is self:
            self._card.reserved = None

    def _add(self, physical_channel: str, *, terminal_config: Any, min_val: float, max_val: float) -> Any:
        assert isinstance(terminal_config, TerminalConfiguration) and not self._running
        device, _, line = physical_channel.partition("/")
        self._card.device(device)
        if line not in self._card.volts:
            raise DaqError(f"Physical channel specified does not exist: {line}", -200170)
        if line in self._lines:
            raise DaqError(f"Specified channel cannot be added to the task: {line} is in it", -200489)
        self._lines[line] = terminal_config.name
        most = min(max_val, self._card.largest)
        return SimpleNamespace(ai_max=most, ai_min=0.0 if self._card.unipolar else -most)

    def _clock(self, rate: float, *, sample_mode: Any, samps_per_chan: int) -> None:
        assert sample_mode is AcquisitionType.CONTINUOUS and samps_per_chan >= max(2, 5 * rate)
        self.timing.samp_clk_rate = rate * self._card.coerced
        self._card.made.append((dict(self._lines), rate))

    def _digital(self, lines: str, *, line_grouping: Any) -> None:
        assert line_grouping is LineGrouping.CHAN_FOR_ALL_LINES
        device, _, self._digital_line = lines.partition("/")
        self._card.device(device)

    def write(self, data: int, *, auto_start: bool) -> None:
        """To the relays."""
        assert auto_start and self._digital_line == "port0/line0:3"
        self._card.written.append(data)
        self._card.relays = self._card.relays if self._card.stuck else data

    def read(self) -> int:
        """A word of digital lines."""
        assert self._digital_line == "port1/line0:3"
        return self._card.relays

    def control(self, action: Any) -> None:
        """Reserve the clock of the inputs, which is one, until it is closed."""
        assert action is TaskMode.TASK_COMMIT and not self._closed
        self._reserve()
        self._committed = True

    def _reserve(self) -> None:
        if self._card.reserved not in (None, self):
            raise DaqError("The specified resource is reserved. Status Code: -50103", -50103)
        self._card.reserved = self

    def start(self) -> None:
        """Begin."""
        assert not self._running and not self._closed
        self._card.device("Dev1")
        self._reserve()
        self._running, self._given, self._began = True, 0, self._card.now
        self._card.started += 1

    def stop(self) -> None:
        """End; it may begin again."""
        assert self._running and not self._closed
        self._running = False
        if not self._committed:
            self._card.reserved = None

    def _take(self, data: Any, *, number_of_samples_per_channel: int, timeout: float) -> int:
        """Fill an array with the next samples, once they are there."""
        n, card = number_of_samples_per_channel, self._card
        assert self._running and timeout > 0 and data.shape == (len(self._lines), n)
        if card.gate is not None:
            assert card.gate.acquire(timeout=10.0)
        card.device("Dev1")
        if card.lost:
            raise DaqError("The application is not able to keep up with the hardware acquisition.", -200279)
        for row, line in zip(data, self._lines, strict=True):
            row[:] = np.clip(card.volts[line](np.arange(self._given, self._given + n)), -10.2, 10.2)
        self._given += n
        there = self._began + round(self._given / self.timing.samp_clk_rate / card.pace * NS)
        card.now = max(card.now, there)
        return n - card.short
