"""Inductance: a sine of current through the coil at rest, from frequency to frequency and from height to height.

The voltage across the coil and the one across the standard resistor are read together (Seifert2014).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from pydantic import model_validator

from components import motion
from components.coil import Coil
from components.roles import KeepingSource, Voltmeter, WeighingUnit
from components.yoke import Yoke
from scenarios.campaigns.bench import Bench
from twin.clock import Clock, Process
from twin.parameter import Parameters, parameter
from twin.piece import exact_hertz, harmonics
from twin.recorder import Label, Schedule
from twin.steps import Step
from twin.times import NS, to_ns

PER_CYCLE = 5
"""Readings a cycle, at least."""
GOLDEN = 0.618
"""Of a reading that a cycle lacks of a whole number of them."""


@dataclass(frozen=True, kw_only=True)
class InductanceBench(Bench):
    """The instruments."""

    campaign: ClassVar[str] = "an inductance"

    flexure: WeighingUnit
    current_source: KeepingSource
    current_voltmeter: Voltmeter
    induced_voltmeter: Voltmeter


class Inductance(Parameters):
    """The campaign: L(f) at one height, then L(z) at some frequencies."""

    amplitude: float = parameter("A", 5e-3, gt=0, description="of the current")
    voltage_from: float = parameter("Hz", 100.0, gt=0, description="from here on the current falls as 1/f")
    frequencies: list[float] = parameter(
        "Hz", [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10], description="of L(f), at the weighing position"
    )
    profile_frequencies: list[float] = parameter("Hz", [0.1], description="of L(z)", source="Seifert2014: about 0.1 Hz")
    travel: float = parameter("m", 40e-3, gt=0, description="of L(z), about the weighing position")
    points: int = parameter("1", 9, ge=4, le=1001, description="heights of L(z)")
    read_time: float = parameter("s", 20.0, gt=0, description="at each place, at least; whole cycles, at most `cycles`")
    least_cycles: int = parameter("1", 4, ge=2, description="that are read, at least")
    cycles: int = parameter("1", 400, ge=2, description="that are read, at most")
    settle: float = parameter("s", 30.0, gt=0, description="of the current, before; whole cycles, at least one")
    readings: int = parameter(
        "1", 20, ge=PER_CYCLE, le=1000, description="in a cycle, at most; apertures of 0.1 ms at least"
    )
    approach: float = parameter("s", 4.0, gt=0, description="to each height")

    @model_validator(mode="after")
    def _fits(self) -> Inductance:
        for f in (*self.frequencies, *self.profile_frequencies):
            if not 0 < f <= 1e4 / PER_CYCLE:
                raise ValueError(
                    f"expected frequencies above 0 and up to {1e4 / PER_CYCLE:g} Hz, which leave {PER_CYCLE} readings "
                    f"of 0.1 ms in a cycle, not {f:g} Hz"
                )
        if self.least_cycles > self.cycles:
            raise ValueError(f"expected least_cycles up to {self.cycles}, the most, not {self.least_cycles}")
        if not (self.frequencies or self.profile_frequencies):
            raise ValueError("expected a frequency, of L(f) or of L(z)")
        return self

    # --- times -------------------------------------------------------------------------------------------------------

    def _read_cycles(self, frequency: float) -> int:
        return max(self.least_cycles, min(math.ceil(self.read_time * frequency), self.cycles))

    def _settle_cycles(self, frequency: float) -> int:
        return max(1, math.ceil(self.settle * frequency))

    def _amplitude(self, frequency: float) -> float:
        """Of the current (A)."""
        return self.amplitude * min(1.0, self.voltage_from / frequency)

    def _step(self, frequency: float) -> int:
        """Of the readings (ns): at phases that do not come again, or the last digit would err alike in every cycle."""
        return math.ceil(NS / (frequency * (min(self.readings, 1e4 / frequency) - GOLDEN)))

    def _length(self, frequency: float) -> int:
        """At one place (ns): approach, settling, reading and a cycle more for readings that are late."""
        cycles = self._settle_cycles(frequency) + self._read_cycles(frequency) + 1
        return to_ns(self.approach) + math.ceil(cycles * NS / exact_hertz(frequency))

    @property
    def _places(self) -> list[tuple[float, float]]:
        """Height from the weighing position (m) and frequency (Hz), one after the other."""
        heights = np.linspace(-0.5 * self.travel, 0.5 * self.travel, self.points).tolist()
        return [(0.0, f) for f in self.frequencies] + [(z, f) for f in self.profile_frequencies for z in heights]

    @property
    def duration(self) -> int:
        """Of the campaign (ns)."""
        return sum(self._length(f) for _, f in self._places)

    def true_values(self, parts: Mapping[str, Any]) -> dict[str, float]:
        """Of a steady current: L at the weighing position, its slope and curvature."""
        coil = parts.get("coil")
        if coil is None:
            return {}
        depth = float(getattr(parts.get("flexure"), "weighing_position", 0.0)) - coil.symmetry_plane
        k = coil.inductance_curvature
        return {
            "inductance_dc_H": coil.inductance - k * depth**2,
            "gradient_dc_H_per_m": -2.0 * k * depth,
            "second_derivative_dc_H_per_m2": -2.0 * k,
        }

    def true_results(self, parts: Mapping[str, Any], found: Mapping[str, Any], settings: Any) -> dict[str, Any]:
        """L and R at the frequencies and heights that they were found at, with the yoke's lag, and the force."""
        coil, yoke = parts.get("coil"), parts.get("yoke")
        if not isinstance(coil, Coil):
            return {}

        def share(frequency: Any) -> Any:
            """Of the steady flux through the iron, and what lags."""
            f = np.asarray(frequency, dtype=float)
            return yoke.response(f) if isinstance(yoke, Yoke) else np.ones_like(f, dtype=complex)

        own, k = coil.yoke_inductance, coil.inductance_curvature

        def inductance(frequency: Any, height: Any) -> Any:
            z = np.asarray(height, dtype=float) - coil.symmetry_plane
            bent = k * z**2
            return coil.inductance - bent - (1.0 - share(frequency).real) * (own - bent if own else 0.0)

        centre, told = float(getattr(parts.get("flexure"), "weighing_position", 0.0)), dict[str, Any]()
        slope = -2.0 * k * (centre - coil.symmetry_plane)
        if "frequencies_Hz" in found:
            told["inductances_H"] = inductance(found["frequencies_Hz"], centre)
        if "positions_m" in found:
            told["inductance_profile_H"] = inductance(found["at_frequencies_Hz"], found["positions_m"])
            low, high = min(found["at_frequencies_Hz"]), max(found["at_frequencies_Hz"])
            at_low, at_high = (float(share(f).real) if own else 1.0 for f in (low, high))
            told |= {
                "inductance_H": inductance(low, centre),
                "gradient_H_per_m": slope * at_low,
                "second_derivative_H_per_m2": -2.0 * k * at_low,
            }
            if "underestimate" in found:
                bends = [-2.0 * k * (float(share(f).real) if own else 1.0) for f in found["profile_frequencies_Hz"]]
                told |= {"second_derivatives_H_per_m2": bends, "underestimate": at_low / at_high}
        if "loss_at_1Hz" in found:
            told["loss_at_1Hz"] = 1.0 - inductance(1.0, centre) / inductance(0.0, centre)
        if "force_N" in found:
            on, off = (slope - 2.0 * k * z for z in (settings.height_on, settings.height_off))
            force = 0.5 * settings.current**2 * ((1.0 + settings.current_mismatch) ** 2 * off - on)
            told["force_N"] = force
        return told

    # --- steps -------------------------------------------------------------------------------------------------------

    def steps(self, components: Mapping[str, Any], clock: Clock, weighing_position: float) -> list[Step]:
        """The campaign as steps, one for each height and frequency.

        Raises
        ------
        WiringError
            If an instrument is missing.
        """
        bench = InductanceBench.of(components)
        steps, here = [], 0.0
        for number, (z, f) in enumerate(self._places):
            phase = "frequency" if number < len(self.frequencies) else "profile"
            labels: dict[str, Label] = {
                "phase": phase,
                "cycle": number,
                "frequency_Hz": f,
                "height_m": weighing_position + z,
            }
            run = partial(self._measure, bench, clock, weighing_position + here, labels)
            steps.append(Step(f"{f:g} Hz at {1e3 * z:g} mm", self._length(f), run, phase, number))
            here = z
        return steps

    def _measure(self, bench: InductanceBench, clock: Clock, here: float, labels: Mapping[str, Label]) -> Process:
        """Go to a height, send the current, and read when it has settled."""
        frequency, height, start = float(labels["frequency_Hz"]), float(labels["height_m"]), clock.now
        bench.current_source.connect()
        sent = start + to_ns(self.approach)
        laws = motion.glide(here, height, start, sent)
        if laws:
            yield from bench.flexure.move(laws)
        yield clock.until(sent)
        hertz, end = exact_hertz(frequency), start + self._length(frequency)
        first = sent + math.ceil(self._settle_cycles(frequency) * NS / hertz)
        step = self._step(frequency)
        count = int(self._read_cycles(frequency) * NS / hertz) // step
        schedule = Schedule(first, step, count)
        yield clock.together(
            [
                bench.current_source.follow([harmonics(0.0, {hertz: -1j * self._amplitude(frequency)}, sent, end)]),
                bench.induced_voltmeter.read(schedule, labels),
                bench.current_voltmeter.read(schedule, labels),
            ]
        )
        bench.current_source.disconnect()
        yield clock.until(end)
