"""Instruments: components with operations in time.

An operation is a generator that yields events of the clock: ``block = yield from voltmeter.read(schedule)``. In
simulation it yields time; in the bridge it yields an event that a worker thread completes. Laws that an operation sets
(a ramp, a motion) live on timelines that the engine keeps for the instrument.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr

from twin.clock import Clock
from twin.component import Component
from twin.errors import ComponentError
from twin.fault import READING_FAULTS, disturbed
from twin.noise import NoiseFigures, NoiseSource, Streams
from twin.noise_signal import NoiseSignal
from twin.piece import Piece
from twin.recorder import Block, Label, Recorder, Schedule
from twin.signal import Constant, Signal
from twin.timeline import Timeline
from twin.times import to_ns

Array = NDArray[np.float64]


@dataclass
class Bench:
    """What the engine lends an instrument: the clock, the recorder and the noise streams of the run.

    In a rehearsal, operations take their time and set their laws, but nothing is read. Readings of a campaign follow
    its steps; where they are `concurrent`, any may begin while others are under way.

    Attributes
    ----------
    told : called with the instrument, the timeline and the laws, whenever one is told to follow others.
    """

    clock: Clock
    recorder: Recorder
    streams: Streams
    rehearsal: bool = False
    concurrent: bool = False
    told: Callable[[str, str, tuple[Piece, ...]], None] | None = None


class Instrument(Component):
    """A component that the engine binds to the clock."""

    _bench: Bench | None = PrivateAttr(default=None)
    _timelines: dict[str, Timeline] = PrivateAttr(default_factory=dict)
    _noise: dict[str, NoiseSource] = PrivateAttr(default_factory=dict)
    _noise_signals: dict[str, NoiseSignal] = PrivateAttr(default_factory=dict)
    _resumed_noise: dict[str, Any] = PrivateAttr(default_factory=dict)
    _last_shown: dict[str, float] = PrivateAttr(default_factory=dict)

    @property
    def bench(self) -> Bench:
        """The bench, once the twin is assembled."""
        bench = self._bench
        if bench is None:
            raise ComponentError(f"{self.name} has no clock yet: build a twin.twin.Twin with it first")
        return bench

    def attach(self, bench: Bench) -> None:
        """Bind to a clock; called by the twin when it is assembled."""
        self._bench = bench

    @property
    def clock(self) -> Clock:
        """The run's clock."""
        return self.bench.clock

    def timeline(self, port: str, initial: float = 0.0) -> Timeline:
        """The timeline of this instrument called `port`, made at the first call."""
        if port not in self._timelines:
            self._timelines[port] = Timeline(f"{self.name}.{port}", initial)
            self._timelines[port].told = lambda laws: self._told(port, laws)
        return self._timelines[port]

    def _told(self, port: str, laws: tuple[Piece, ...]) -> None:
        if self._bench is not None and self._bench.told is not None:
            self._bench.told(self.name, port, laws)

    def noise(self, channel: str, figures: NoiseFigures) -> NoiseSource:
        """The noise source of a channel, keyed by this instrument's name, made at the first call."""
        source = self._noise.get(channel)
        if source is None:
            source = self._noise[channel] = NoiseSource(figures, self.bench.streams, f"{self.name}.{channel}")
            if channel in self._resumed_noise:
                source.restore(self._resumed_noise[channel])
        return source

    def noise_signal(self, channel: str, figures: NoiseFigures, step: float) -> Signal:
        """Noise that this part adds to an output, held over steps of `step` seconds; zero if it has none."""
        if figures.quiet:
            return Constant(0.0)
        if channel not in self._noise_signals:
            self._noise_signals[channel] = NoiseSignal(
                self.noise(channel, figures), to_ns(step), gapless=self.bench.concurrent
            )
        return self._noise_signals[channel]

    def forget_before(self, instant: int) -> None:
        """Drop the history before `instant` (ns) of everything this instrument holds."""
        for timeline in self._timelines.values():
            timeline.track.forget_before(instant)
        for signal in self._noise_signals.values():
            signal.forget_before(instant)

    def state(self) -> dict[str, Any]:
        """Laws and noise as plain data, for a checkpoint."""
        noise = {**self._resumed_noise, **{channel: source.state() for channel, source in self._noise.items()}}
        return {
            "timelines": {port: line.track.state() for port, line in self._timelines.items()},
            "noise": noise,
            "noise_signals": {channel: signal.state() for channel, signal in self._noise_signals.items()},
            "last_shown": dict(self._last_shown),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a checkpoint."""
        for port, track in state["timelines"].items():
            self.timeline(port).track.restore(track)
        self._resumed_noise = dict(state["noise"])
        self._last_shown = dict(state["last_shown"])
        for channel, source in self._noise.items():
            source.restore(state["noise"][channel])
        for channel, signal in self._noise_signals.items():
            signal.restore(state["noise_signals"][channel])

    def record(
        self,
        signal: Signal,
        schedule: Schedule,
        quantity: str,
        unit: str,
        *,
        aperture: int,
        disturb: Any = None,
        labels: Mapping[str, Label],
        shift: NDArray[np.int64] | None = None,
        read_aperture: int | None = None,
    ) -> Block:
        """Read a signal on a schedule that has passed, disturb the values, and record the block.

        Parameters
        ----------
        aperture : of each reading (ns), as the block says.
        disturb : from the true values (bursts, readings) and the schedule's instants to what the instrument shows.
        shift : by which the true instants are later than the schedule's (ns), to be broadcast to (bursts, readings).
        read_aperture : the true aperture (ns), if it is another.
        """
        instants, bench = schedule.instants(), self.bench
        if bench.rehearsal:
            return Block(self.name, quantity, unit, schedule, aperture, np.full(instants.shape, np.nan), dict(labels))
        true_instants = instants if shift is None else instants + shift
        values = signal.means(true_instants, aperture if read_aperture is None else read_aperture)
        if disturb is not None:
            values = disturb(values, instants)
        if faults := tuple(f for f in self._planned_faults if f.kind in READING_FAULTS):
            values = disturbed(values, instants, faults, self._last_shown.get(quantity))
            self._last_shown[quantity] = float(values.flat[-1])
        block = Block(self.name, quantity, unit, schedule, aperture, values, dict(labels))
        bench.recorder.record(block)
        return block
