"""The reference model of co-simulation, built from engine components through the public API.

A chain of five heat capacities is warmed by ``R I²`` of a coil current that ramps 45 s, holds 90 s and ramps back
45 s, sign alternating, through every other hour; in the hours between, a 1 Hz oscillator (Q = 100) is driven at
0.95 Hz. A voltmeter reads ``R_std I + Bl (1 + α T) v`` once a second. The same model has been written for mosaik
(`peer_mosaik.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import PrivateAttr

from twin.clock import Process
from twin.component import Component, LinearComponent, Port, StateSpace
from twin.instrument import Instrument
from twin.noise import NoiseFigures
from twin.piece import Piece, constant, exact_hertz, harmonics, ramp
from twin.recorder import Blocks, Schedule
from twin.signal import Signal
from twin.steps import Step
from twin.times import NS
from twin.twin import Twin

HOUR = 3600 * NS
RAMP, HOLD, WEIGHINGS = 45 * NS, 90 * NS, 20
I_MAX, R_COIL, R_STD = 0.012, 450.0, 100.0  # A, Ω, Ω
HEAT_CAPACITY = (24.0, 180.0, 1500.0, 6000.0, 24000.0)  # J/K
CONDUCTANCE = (2.0, 1.5, 2.0, 6.0)  # W/K, node i to i + 1
TO_AMBIENT = 3.05  # W/K, last node
OMEGA_0, ZETA = 2 * math.pi, 0.005  # rad/s
F_DRIVE, A_DRIVE = 0.95, 4.0e-3  # Hz, m/s²
BL, ALPHA = 400.0, -3.0e-4  # T·m, 1/K
SIGMA = 2.0e-8  # V rms of a reading


class Source(Instrument):
    """Current and drive, hour by hour."""

    outputs: ClassVar[Mapping[str, Port]] = {"current": Port("A"), "drive": Port("m/s^2")}

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        return {port: self.timeline(port) for port in self.outputs}

    def weigh(self) -> None:
        """The current of a weighing hour; no drive."""
        t = self.clock.now
        laws: list[Piece] = []
        for k in range(WEIGHINGS):
            level = I_MAX if k % 2 == 0 else -I_MAX
            laws += [
                ramp(0.0, level, t, t + RAMP),
                constant(level, t + RAMP, t + RAMP + HOLD),
                ramp(level, 0.0, t + RAMP + HOLD, t + 2 * RAMP + HOLD),
            ]
            t += 2 * RAMP + HOLD
        self.timeline("current").follow(*laws)
        self.timeline("drive").follow(constant(0.0, self.clock.now))

    def swing(self) -> None:
        """The drive of a velocity hour."""
        self.timeline("drive").follow(harmonics(0.0, {exact_hertz(F_DRIVE): -1j * A_DRIVE}, self.clock.now))


class Heater(Component):
    """The coil's ohmic power."""

    inputs: ClassVar[Mapping[str, Port]] = {"current": Port("A")}
    outputs: ClassVar[Mapping[str, Port]] = {"power": Port("W")}

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        return {"power": R_COIL * (inputs["current"] * inputs["current"])}


class Chain(LinearComponent):
    """Five heat capacities in a row."""

    inputs: ClassVar[Mapping[str, Port]] = {"power": Port("W")}
    outputs: ClassVar[Mapping[str, Port]] = {f"t{k}": Port("K") for k in range(5)}

    def state_space(self) -> StateSpace:
        k = np.zeros((5, 5), dtype=np.longdouble)
        for i, g in enumerate(CONDUCTANCE):
            k[[i, i + 1], [i, i + 1]] += np.longdouble(g)
            k[[i, i + 1], [i + 1, i]] -= np.longdouble(g)
        k[4, 4] += np.longdouble(TO_AMBIENT)
        capacity = np.array(HEAT_CAPACITY)
        b = np.zeros((5, 1))
        b[0, 0] = 1 / capacity[0]
        return StateSpace(-k / capacity[:, None], b, np.eye(5), np.zeros((5, 1)), np.zeros(5))


class Oscillator(LinearComponent):
    """A driven, damped oscillator."""

    inputs: ClassVar[Mapping[str, Port]] = {"drive": Port("m/s^2")}
    outputs: ClassVar[Mapping[str, Port]] = {"x": Port("m"), "v": Port("m/s")}

    def state_space(self) -> StateSpace:
        a = np.array([[0.0, 1.0], [-(OMEGA_0**2), -2 * ZETA * OMEGA_0]])
        return StateSpace(a, np.array([[0.0], [1.0]]), np.eye(2), np.zeros((2, 1)), np.zeros(2))


class Meter(Instrument):
    """Reads the voltage, and logs temperatures and position beside it."""

    inputs: ClassVar[Mapping[str, Port]] = {
        "current": Port("A"),
        "x": Port("m"),
        "v": Port("m/s"),
        **{f"t{k}": Port("K") for k in range(5)},
    }
    outputs: ClassVar[Mapping[str, Port]] = {"voltage": Port("V")}

    _wired: dict[str, Signal] = PrivateAttr(default_factory=dict)

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        voltage = R_STD * inputs["current"] + BL * (1.0 + ALPHA * inputs["t4"]) * inputs["v"]
        self._wired = {**{f"t{k}": inputs[f"t{k}"] for k in range(5)}, "x": inputs["x"], "voltage": voltage}
        return {"voltage": voltage}

    def read(self, schedule: Schedule) -> Process:
        """One block of each, an instantaneous reading at every instant; and the voltage with noise."""
        yield self.clock.until(schedule.end - schedule.step)
        for quantity, signal in self._wired.items():
            unit = {"x": "m", "voltage": "V"}.get(quantity, "K")
            self.record(signal, schedule, quantity, unit, aperture=0, labels={})
        second = NS
        source = self.noise("reading", NoiseFigures(white=SIGMA * math.sqrt(2.0)))
        self.record(
            self._wired["voltage"],
            schedule,
            "reading",
            "V",
            aperture=0,
            disturb=lambda values, at: values + source.sample(at.ravel() - second, second).reshape(values.shape),
            labels={},
        )


def build(hours: int, seed: int = 20240) -> tuple[Twin, list[Step]]:
    """The twin and its steps: one for each hour, weighing and velocity in turn."""
    source, meter = Source(), Meter()
    components: dict[str, Component] = {
        "source": source,
        "heater": Heater(),
        "chain": Chain(),
        "oscillator": Oscillator(),
        "meter": meter,
    }
    wiring = {
        "heater.current": "source.current",
        "chain.power": "heater.power",
        "oscillator.drive": "source.drive",
        "meter.current": "source.current",
        "meter.x": "oscillator.x",
        "meter.v": "oscillator.v",
        **{f"meter.t{k}": f"chain.t{k}" for k in range(5)},
    }
    twin = Twin(components, wiring, seed=seed)

    def hour(weighing: bool) -> Process:
        start = twin.clock.now
        if weighing:
            source.weigh()
        else:
            source.swing()
        yield from meter.read(Schedule(start + NS, NS, 3600))
        yield twin.clock.until(start + HOUR)

    steps = [Step(f"hour {k + 1}", HOUR, lambda k=k: hour(k % 2 == 0)) for k in range(hours)]
    return twin, steps


def run(hours: int = 8) -> Blocks:
    """Run the model and return its readings."""
    twin, steps = build(hours)
    twin.run(steps)
    return twin.recorder.readings
