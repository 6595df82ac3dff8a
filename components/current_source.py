"""The current source that drives the coil."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import PrivateAttr

from twin.clock import Process
from twin.component import Port
from twin.errors import SimulationError
from twin.instrument import Instrument
from twin.noise import NoiseFigures
from twin.parameter import parameter
from twin.piece import constant
from twin.signal import Signal
from twin.times import NS, Times, to_ns


class CurrentSource(Instrument):
    """Delivers what is demanded, through a relay: ``I = connected · ((1 + gain) (demand + set) + offset)``.

    Under a servo, gain and offset are taken out by the loop. `noise` is the fluctuation of the current that the servo
    leaves over; the coil's inertia does not follow it, a voltmeter across a resistor sees it.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"demand": Port("A")}
    outputs: ClassVar[Mapping[str, Port]] = {"current": Port("A"), "noise": Port("A")}

    gain: float = parameter("1", 0.0, neutral=0.0, gt=-1, lt=1)
    offset: float = parameter("A", 0.0, neutral=0.0)
    white_noise: float = parameter("A/Hz^0.5", 0.0, neutral=0.0, ge=0)
    flicker_noise: float = parameter("A/Hz^0.5", 0.0, neutral=0.0, ge=0, description="at 1 Hz, of a 1/f spectrum")
    noise_step: float = parameter("s", 0.1, gt=0, description="noise is held over steps of this length")
    limit: float = parameter(
        "A", 0.1, gt=0, description="largest current it can be set to", source="Keithley 6221: 105 mA"
    )

    _wanted: Signal | None = PrivateAttr(default=None)

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        wanted = inputs["demand"] + self.timeline("set")
        figures = NoiseFigures(white=self.white_noise, flicker=self.flicker_noise)
        self._wanted = wanted
        return {
            "current": self.timeline("connected") * ((1.0 + self.gain) * wanted + self.offset),
            "noise": self.noise_signal("noise", figures, self.noise_step),
        }

    def check(self, start: int, end: int) -> None:
        """Look at what was wanted between two instants (ns) that have passed.

        Raises
        ------
        SimulationError
            If it was more than the source's limit; nothing is clipped.
        """
        if self.bench.rehearsal or self._wanted is None:
            return
        largest = float(np.abs(self._wanted.at(Times(np.linspace(start, end, 5).astype(np.int64)))).max())
        if largest > self.limit:
            raise SimulationError(
                f"{self.name}: {largest * 1e3:.6g} mA is wanted at t = {start / NS} to {end / NS} s, "
                f"more than its limit of {self.limit * 1e3:.6g} mA; weigh less, or take another source"
            )

    def connect(self) -> None:
        """Close the output relay."""
        self.timeline("connected").follow(constant(1.0, self.clock.now))

    def disconnect(self) -> None:
        """Open the output relay."""
        self.timeline("connected").follow(constant(0.0, self.clock.now))

    def set(self, current: float, duration: float) -> Process:
        """Ramp the set current to `current` (A) within `duration` (s); the servo's demand comes on top of it.

        Raises
        ------
        ValueError
            Beyond the source's limit; nothing is clipped.
        """
        if not abs(current) <= self.limit:
            raise ValueError(f"{self.name}: {current} A is beyond its limit of {self.limit} A")
        end = self.clock.now + to_ns(duration)
        self.timeline("set").ramp_to(current, self.clock.now, end)
        yield self.clock.until(end)
