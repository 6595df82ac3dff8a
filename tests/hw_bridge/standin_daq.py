"""A stand-in for ``nidaqmx``: as much of its interface as the driver uses, in front of voltages that a test knows."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest


class AcquisitionType(enum.Enum):
    FINITE = 10178


class TerminalConfiguration(enum.Enum):
    RSE = 10083
    DIFF = 10106
    PSEUDO_DIFF = 12529


class LineGrouping(enum.Enum):
    CHAN_FOR_ALL_LINES = 1


class DaqError(Exception):
    """As the vendor's: not one of Python's own."""


class Card:
    """A card ``Dev1``.

    Attributes
    ----------
    volts : of each line, as a function of the number of samples.
    coerced : by how much the card changes the rate that it is asked for.
    largest : span that its channels have (V).
    gone : whether it has been pulled out.
    tasks : that have been opened and closed.
    sampling : the task that has the clock of its inputs.
    """

    def __init__(self, volts: Mapping[str, float]) -> None:
        self.volts: dict[str, Callable[[int], Any]] = {line: lambda n, v=v: v for line, v in volts.items()}
        self.coerced, self.largest, self.gone, self.short = 1.0, 10.0, False, False
        self.opened = self.closed = 0
        self.sampling: Task | None = None
        self.relays, self.stuck, self.written = 0, False, list[int]()

    def install(self, monkeypatch: pytest.MonkeyPatch) -> Card:
        """In the place of the library."""
        module: Any = ModuleType("nidaqmx")
        module.constants, module.system = ModuleType("nidaqmx.constants"), ModuleType("nidaqmx.system")
        module.constants.AcquisitionType = AcquisitionType
        module.constants.TerminalConfiguration = TerminalConfiguration
        module.constants.LineGrouping = LineGrouping
        module.system.Device = self._device
        module.Task = lambda: Task(self)
        for part in (module, module.constants, module.system):
            monkeypatch.setitem(__import__("sys").modules, part.__name__, part)
        return self

    def _device(self, name: str) -> Any:
        if name != "Dev1" or self.gone:
            raise DaqError("Device identifier is invalid.\n\nDevice Specified: " + name)
        return SimpleNamespace(product_type="USB-6281", serial_num=0x1A2B3C)


class Task:
    """Channels, a sample clock, and a read."""

    def __init__(self, card: Card) -> None:
        self._card, self._lines, self._running = card, list[str](), False
        self.ai_channels = SimpleNamespace(add_ai_voltage_chan=self._add)
        self.timing = SimpleNamespace(cfg_samp_clk_timing=self._clock, samp_clk_rate=0.0)
        self.di_channels = SimpleNamespace(add_di_chan=self._digital)
        self.do_channels = SimpleNamespace(add_do_chan=self._digital)
        self._digital_line = ""
        card.opened += 1

    def __enter__(self) -> Task:
        return self

    def __exit__(self, *_: object) -> None:
        self._card.closed += 1
        if self._card.sampling is self:
            self._card.sampling = None

    def _add(self, physical_channel: str, *, terminal_config: Any, min_val: float, max_val: float) -> Any:
        assert isinstance(terminal_config, TerminalConfiguration)
        device, _, line = physical_channel.partition("/")
        self._card._device(device)
        if line not in self._card.volts:
            raise DaqError(f"Physical channel specified does not exist: {line}")
        self._lines.append(line)
        most = min(max_val, self._card.largest)
        return SimpleNamespace(ai_max=most, ai_min=-most)

    def _clock(self, rate: float, *, sample_mode: Any, samps_per_chan: int) -> None:
        assert sample_mode is AcquisitionType.FINITE and samps_per_chan >= 2
        self.timing.samp_clk_rate = rate * self._card.coerced

    def _digital(self, lines: str, *, line_grouping: Any) -> None:
        assert line_grouping is LineGrouping.CHAN_FOR_ALL_LINES
        device, _, self._digital_line = lines.partition("/")
        self._card._device(device)

    def write(self, data: int, *, auto_start: bool) -> None:
        """To the relays."""
        assert auto_start and self._digital_line == "port0/line0:3"
        self._card.written.append(data)
        self._card.relays = self._card.relays if self._card.stuck else data

    def start(self) -> None:
        """Begin; a card has one clock for its inputs."""
        if self._card.sampling is not None:
            raise DaqError("The specified resource is reserved. Status Code: -50103")
        self._card.sampling, self._running = self, True

    def read(self, *, number_of_samples_per_channel: int = 1, timeout: float = 10.0) -> Any:
        """A list for one channel, lists for several; of digital lines, a word."""
        if self._digital_line:
            assert self._digital_line == "port1/line0:3"
            return self._card.relays
        assert self._running and timeout > 0
        self._card._device("Dev1")
        n = number_of_samples_per_channel - self._card.short
        rows = [np.clip(np.broadcast_to(self._card.volts[line](n), n), -10.2, 10.2).tolist() for line in self._lines]
        return rows if len(rows) > 1 else rows[0]
