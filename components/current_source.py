"""The current source that drives the coil."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from pydantic import PrivateAttr

from twin.clock import Process
from twin.component import Port
from twin.errors import SimulationError
from twin.gated import Gated
from twin.instrument import Instrument
from twin.noise import NoiseFigures
from twin.parameter import parameter
from twin.piece import Piece, constant, extremes
from twin.signal import Signal
from twin.timeline import Timeline
from twin.times import NS, Times, stretch, to_ns


class CurrentSource(Instrument):
    """Delivers what is demanded, through a relay: ``I = connected · ((1 + gain + a ΔT) (demand + set) + offset)``.

    A coarse stage sets the current in steps, a fine stage beside it fills the steps (Li2026: ±20 mA and ±2 µA), so that
    together they deliver any current of the coarse range; `check` refuses what they cannot deliver.

    Under a servo, gain, offset and temperature coefficient a are taken out by the loop. `noise` is the fluctuation of
    the current that the servo leaves over, and what a real servo adds of its own (`servo_noise`); the coil's inertia
    does not follow it, a voltmeter across a resistor sees it. `following` says whether it follows the demand, 1 or 0:
    that of a servo whose loop can be opened. What it has to drive is the load with its leads (`load_resistance`), the
    standard resistor (`standard_resistance`) and what else is stated (`series_resistance`).
    """

    inputs: ClassVar[Mapping[str, Port]] = {
        "demand": Port("A"),
        "temperature_rise": Port("K", default=0.0),
        "load_resistance": Port("ohm", default=0.0),
        "standard_resistance": Port("ohm", default=0.0),
        "following": Port("1", default=1.0),
        "servo_noise": Port("A", default=0.0),
    }
    outputs: ClassVar[Mapping[str, Port]] = {"current": Port("A"), "noise": Port("A")}
    depends: ClassVar[Mapping[str, frozenset[str]]] = {
        "current": frozenset({"demand", "temperature_rise", "following"}),
        "noise": frozenset({"servo_noise"}),
    }

    gain: float = parameter("1", 0.0, neutral=0.0, gt=-1, lt=1)
    offset: float = parameter("A", 0.0, neutral=0.0)
    temperature_coefficient: float = parameter("1/K", 0.0, neutral=0.0, description="a, of the gain")
    white_noise: float = parameter("A/Hz^0.5", 0.0, neutral=0.0, ge=0)
    flicker_noise: float = parameter("A/Hz^0.5", 0.0, neutral=0.0, ge=0, description="at 1 Hz, of a 1/f spectrum")
    noise_step: float = parameter("s", 0.1, gt=0, description="noise is held over steps of this length")
    limit: float = parameter(
        "A", 0.1, gt=0, description="largest current it can be set to", source="Keithley 6221: 105 mA"
    )
    coarse_range: float = parameter("A", 20e-3, gt=0, description="of the coarse stage", source="Li2026: ±20 mA")
    coarse_resolution: float = parameter(
        "A", 1e-6, ge=0, description="steps of the coarse stage", source="Keithley 6221, 20 mA range"
    )
    fine_range: float = parameter("A", 2e-6, ge=0, description="of the fine stage", source="Li2026: ±2 µA")
    compliance_voltage: float | None = parameter(
        "V", None, gt=0, description="largest voltage across its load; none: not checked"
    )
    series_resistance: float = parameter(
        "ohm", 0.0, ge=0, description="of the load, beside what is wired of it: leads and contacts"
    )

    _wanted: Signal | None = PrivateAttr(default=None)
    _load_resistance: Signal | None = PrivateAttr(default=None)

    def neutral_inputs(self) -> frozenset[str]:
        loads = dict.fromkeys(("load_resistance", "standard_resistance"), self.compliance_voltage)
        effects = {"temperature_rise": self.temperature_coefficient, **loads}
        return frozenset(port for port, parameter_ in effects.items() if not parameter_)

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        demand, following = inputs["demand"], inputs["following"]
        wanted = (Gated(following, demand) if isinstance(following, Timeline) else demand) + self.timeline("set")
        factor = 1.0 + self.gain + self.temperature_coefficient * inputs["temperature_rise"]
        figures = NoiseFigures(white=self.white_noise, flicker=self.flicker_noise)
        self._wanted = wanted
        self._load_resistance = inputs["load_resistance"] + inputs["standard_resistance"] + self.series_resistance
        return {
            "current": self.timeline("connected") * (factor * wanted + self.offset),
            "noise": self.noise_signal("noise", figures, self.noise_step) + inputs["servo_noise"],
        }

    def check(self, start: int, end: int) -> None:
        """Look at what was wanted between two instants (ns) that have passed, to 0.1 % of the time from them.

        Raises
        ------
        SimulationError
            If it was more than the source's limit, more than its stages deliver or more than its compliance voltage
            drives through the load; nothing is clipped.
        """
        if self.bench.rehearsal or self._wanted is None or self._load_resistance is None:
            return
        times = stretch(start, end)
        currents = abs(self._wanted.at(times))
        largest, when = float(currents.max()), f"at t = {start / NS} to {end / NS} s"
        if largest > self.limit:
            raise SimulationError(
                f"{self.name}: {_milli(largest)} mA is wanted {when}, "
                f"more than its limit of {_milli(self.limit)} mA; weigh less, or take another source"
            )
        if largest > self.coarse_range:
            raise SimulationError(
                f"{self.name}: {_milli(largest)} mA is wanted {when}, "
                f"more than its coarse_range of {_milli(self.coarse_range)} mA; weigh less, or take a larger range"
            )
        if self.fine_range < 0.5 * self.coarse_resolution:
            raise SimulationError(
                f"{self.name}: its fine_range of {self.fine_range:.6g} A cannot fill the steps of "
                f"{self.coarse_resolution:.6g} A of the coarse stage; it needs half a step, "
                f"{0.5 * self.coarse_resolution:.6g} A: take a finer coarse stage, or a larger fine one"
            )
        if self.compliance_voltage is None:
            return
        voltage = float((currents * self._load_resistance.at(times)).max())
        if voltage > self.compliance_voltage:
            raise SimulationError(
                f"{self.name}: {_milli(largest)} mA through its load takes {voltage:.6g} V {when}, "
                f"more than its compliance_voltage of {self.compliance_voltage:.6g} V; weigh less, or lower the "
                "resistance of the load"
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

    def follow(self, laws: Sequence[Piece]) -> Process:
        """Let the set current follow closed forms (A); ends when they end.

        Raises
        ------
        ValueError
            Beyond the source's limit; nothing is clipped.
        """
        largest = max(abs(extreme) for law in laws for extreme in extremes(law))
        if not largest <= self.limit:
            raise ValueError(f"{self.name}: {largest} A is beyond its limit of {self.limit} A")
        self.timeline("set").follow(*laws)
        yield self.clock.until(laws[-1].end if laws[-1].end is not None else self.clock.now)

    def keep(self, name: str, current: float | None = None) -> None:
        """Keep a current (A) under a name: that which it is asked for now, if none is given."""
        if current is None:
            current = 0.0 if self._wanted is None else float(self._wanted.at(Times(np.array([self.clock.now])))[0])
        self.timeline(f"kept_{name}").follow(constant(current, self.clock.now))

    def kept(self, name: str) -> float:
        """The current that was last kept under a name (A); 0 if none was."""
        track = self.timeline(f"kept_{name}").track
        return float(track.pieces[track.index(self.clock.now)].values_at(self.clock.now)[0].real)


def _milli(amperes: float) -> str:
    return f"{amperes * 1e3:.6g}"
