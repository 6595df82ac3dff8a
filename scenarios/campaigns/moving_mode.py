"""Moving mode: the velocity phase alone, with a prescribed motion of any shape, amplitude and frequency.

The voltmeter reads its zero and the reference; then the coil moves at one frequency after the other, and voltage and
position are read without gaps. What Bl seems to be at each frequency shows the coil's resonance with the circuit, the
meter's load, its aperture, its delay behind the interferometer, the interferometer's periodic error and vibration.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import model_validator

from components import motion
from components.roles import EnvironmentStation, Interferometer, Voltmeter, WeighingUnit
from scenarios.campaigns.bench import Bench
from scenarios.campaigns.phases import calibration, contiguous
from twin.clock import Clock, Process
from twin.parameter import Parameters, parameter
from twin.piece import Piece, exact_hertz, harmonics, sines
from twin.recorder import Label, Schedule
from twin.signal import Constant
from twin.steps import Step
from twin.times import NS, to_ns


class Shape(Parameters):
    """How the coil moves within a cycle.

    `sine`: one harmonic of the displacement. `multi_harmonic`: displacements ``Σ a_k sin(2π n_k f t + φ_k)``, the
    `relative` amplitudes a_k scaled so that the first one is the amplitude; without them a velocity that is flat in the
    middle of the half cycles (`components.motion.flat_top`). `trapezoid`: constant velocity up and down, with constant
    acceleration between, whose share of a half cycle is `ramp` at either end.
    """

    kind: Literal["sine", "multi_harmonic", "trapezoid"] = "sine"
    orders: list[int] = parameter("1", [1, 3, 5, 7, 9], description="harmonics n_k, 1 first", source="Li2026")
    relative: list[float] = parameter("1", [], description="amplitudes a_k; none: a flat velocity")
    phases: list[float] = parameter("rad", [], description="φ_k; none: 0")
    flat: float = parameter("1", 0.6, gt=0, lt=1, description="share of the half cycle that is flat", source="Li2026")
    ramp: float = parameter("1", 0.1, gt=0, lt=0.5, description="share of a half cycle at either end of a sweep")

    @model_validator(mode="after")
    def _fits(self) -> Shape:
        if self.kind == "multi_harmonic":
            if not self.relative:
                motion.flat_top(tuple(self.orders), self.flat)
            elif len(self.relative) != len(self.orders) or len(self.phases) not in (0, len(self.orders)):
                raise ValueError(f"expected an amplitude and a phase for each of the harmonics {self.orders}")
            if self.orders[:1] != [1] or (self.relative and self.relative[0] == 0.0):
                raise ValueError(f"expected the harmonic 1 first, of an amplitude that is not 0, not {self.orders}")
        return self


@dataclass(frozen=True, kw_only=True)
class MovingBench(Bench):
    """The instruments of moving mode."""

    campaign: ClassVar[str] = "moving mode"

    flexure: WeighingUnit
    induced_voltmeter: Voltmeter
    interferometer: Interferometer
    environment: EnvironmentStation | None = None


class MovingMode(Parameters):
    """The campaign: a calibration of the voltmeter, then a stretch of motion at each frequency."""

    frequencies: list[float] = parameter("Hz", [0.5, 1.0, 2.0, 4.0, 8.0], description="one after the other")
    amplitude: float | None = parameter("m", None, gt=0, description="of the displacement's first harmonic")
    velocity: float | None = parameter(
        "m/s",
        None,
        gt=0,
        description="in place of an amplitude, at every frequency: of a flat part, or else of the first harmonic",
    )
    shape: Shape = Shape()
    read_time: float = parameter("s", 20.0, gt=0, description="read at each frequency, at least; whole cycles")
    approach: float = parameter("s", 1.0, gt=0, description="to the start of each motion, and back; not read")
    reading_step: float = parameter(
        "s", 0.01, ge=1e-4, description="aperture of a voltage reading; they are contiguous"
    )
    calibration: float = parameter("s", 10.0, gt=0, description="zero and reference of the voltmeter, at the start")
    calibration_step: float = parameter("s", 0.2, ge=1e-4, description="aperture of these readings")

    @model_validator(mode="after")
    def _fits(self) -> MovingMode:
        if (self.amplitude is None) == (self.velocity is None):
            raise ValueError("expected an amplitude or a velocity, and not both")
        fewest = max(5, 3 * max(self.shape.orders)) if self.shape.kind == "multi_harmonic" else 5
        if not all(f > 0 for f in self.frequencies):
            raise ValueError("expected frequencies greater than 0")
        for f in self.frequencies:
            if not 0 < f * self.reading_step * fewest < 1 + 1e-9:
                raise ValueError(
                    f"expected at least {fewest} readings in each cycle, three in that of the highest harmonic, not "
                    f"{1 / (f * self.reading_step):.3g} at {f:g} Hz"
                )
        if not self.frequencies or self.calibration_step > self.calibration / 4:
            raise ValueError("expected a frequency, and four calibration steps within the calibration")
        return self

    # --- times -------------------------------------------------------------------------------------------------------

    def _cycles(self, frequency: float) -> int:
        """Whole cycles of at least the time to read; at least two."""
        return max(2, math.ceil(to_ns(self.read_time) * exact_hertz(frequency) / NS))

    def _moving(self, frequency: float) -> int:
        """How long is read at a frequency (ns)."""
        return math.ceil(self._cycles(frequency) * NS / exact_hertz(frequency))

    def _edge(self, frequency: float) -> int:
        """One more cycle at either end of the motion, in which delayed readings end (ns)."""
        return math.ceil(NS / exact_hertz(frequency))

    def _length(self, frequency: float) -> int:
        return self._moving(frequency) + 2 * self._edge(frequency) + 2 * to_ns(self.approach)

    @property
    def duration(self) -> int:
        """Of the campaign (ns)."""
        return to_ns(self.calibration) + sum(self._length(f) for f in self.frequencies)

    # --- motion ------------------------------------------------------------------------------------------------------

    def _amplitude(self, frequency: float) -> float:
        if self.amplitude is not None:
            return self.amplitude
        assert self.velocity is not None
        return self.velocity / (2 * np.pi * frequency)

    def laws(self, centre: float, frequency: float, start: int) -> list[Piece]:
        """The motion about `centre` (m) at a frequency (Hz) from `start` (ns) on."""
        s, hertz, size = self.shape, exact_hertz(frequency), self._amplitude(frequency)
        cycles = self._cycles(frequency) + 2
        end = start + self._moving(frequency) + 2 * self._edge(frequency)
        if s.kind == "trapezoid":
            half = 0.5 / frequency
            speed = self.velocity or 2 * np.pi * frequency * size / _first_of_trapezoid(s.ramp)
            return motion.sweeps(centre, speed, half, s.ramp * half, start, cycles)
        if s.kind == "sine":
            return [harmonics(centre, {hertz: -1j * size}, start, end)]
        if not s.relative:
            flat = motion.flat_top(tuple(s.orders), s.flat)
            speed = self.velocity or 2 * np.pi * frequency * size / flat[0]
            return motion.oscillation(centre, speed, frequency, tuple(s.orders), s.flat, start, cycles)
        phases = s.phases or [0.0] * len(s.orders)
        told = sines([size * a / s.relative[0] for a in s.relative], phases, s.orders)
        return [harmonics(centre, {n * hertz: a for n, a in told.items()}, start, end)]

    def true_values(self, parts: Mapping[str, Any]) -> dict[str, float]:
        """Bl where the coil is while weighing, of the parts as they are at the start (T·m)."""
        coil, magnet = parts.get("coil"), parts.get("magnet")
        if coil is None or magnet is None:
            return {}
        still = {port: Constant(0.0) for port in coil.inputs}
        centre = Constant(float(getattr(parts.get("flexure"), "weighing_position", 0.0)))
        field = magnet.signals(**{port: Constant(0.0) for port in magnet.inputs})["field"]
        return {"bl_Tm": float(coil.signals(**{**still, "field": field, "position": centre})["bl"](0.0))}

    def true_results(self, parts: Mapping[str, Any], found: Mapping[str, Any], settings: Any) -> dict[str, Any]:
        """Slope and curvature of ln Bl there, by the magnet's profile, and the interferometer's periodic error."""
        told, magnet, laser = dict[str, Any](), parts.get("magnet"), parts.get("interferometer")
        if magnet is not None:
            field = magnet.signals(**{port: Constant(0.0) for port in magnet.inputs})["field"]
            z, step = float(getattr(parts.get("flexure"), "weighing_position", 0.0)), 1e-4
            bl, (below, _, above) = (
                field.shape.value(np.array([z]))[0],
                field.shape.slope(z + step * np.arange(-1.0, 2.0)),
            )
            told["profile_1_per_m1"] = 0.5 * (below + above) / bl
            told["profile_2_per_m2"] = 0.5 * (above - below) / (2.0 * step) / bl
        if laser is not None:
            told["periodic_error_m"] = [laser.nonlinearity] * len(found["frequencies_Hz"])
        return {key: value for key, value in told.items() if key in found}

    # --- steps -------------------------------------------------------------------------------------------------------

    def steps(self, components: Mapping[str, Any], clock: Clock, weighing_position: float) -> list[Step]:
        """The campaign as steps: the calibration, then one for each frequency.

        Raises
        ------
        WiringError
            If an instrument is missing.
        """
        run = _Run(self, MovingBench.of(components), clock, weighing_position)
        first = Step("zero and reference", to_ns(self.calibration), run.calibrate, "calibration")
        moves = [
            Step(f"motion at {f:g} Hz", self._length(f), partial(run.move, k, f), "velocity", k)
            for k, f in enumerate(self.frequencies)
        ]
        return [first, *moves]


class _Run:
    """The operations of moving mode on a bench."""

    def __init__(self, campaign: MovingMode, bench: MovingBench, clock: Clock, centre: float) -> None:
        self.campaign, self.bench, self.clock, self.centre = campaign, bench, clock, centre

    def calibrate(self) -> Process:
        """Read the voltmeter's zero and the reference."""
        start = self.clock.now
        end = start + to_ns(self.campaign.calibration)
        window = contiguous(start, end, self.campaign.calibration_step)
        yield from calibration(self.bench.induced_voltmeter, window, {"phase": "calibration", "cycle": 0})
        yield self.clock.until(end)

    def move(self, cycle: int, frequency: float) -> Process:
        """Go where the motion starts, move and read, and come back."""
        c, b, start = self.campaign, self.bench, self.clock.now
        moving = start + to_ns(c.approach)
        laws = c.laws(self.centre, frequency, moving)
        first = float(laws[0].values_at(moving)[0].real)
        last = laws[-1].end
        assert last is not None
        there = motion.glide(self.centre, first, start, moving)
        end = start + c._length(frequency)
        back = motion.glide(float(laws[-1].values_at(last)[0].real), self.centre, last, end)
        labels: dict[str, Label] = {"phase": "velocity", "cycle": cycle, "frequency_Hz": frequency}
        step = to_ns(c.reading_step)
        schedule = Schedule(moving + c._edge(frequency), step, c._moving(frequency) // step)
        edges = Schedule(schedule.start, step, schedule.count + 1)
        operations = [
            b.flexure.move([*there, *laws, *back]),
            b.induced_voltmeter.read(schedule, labels),
            b.interferometer.read(edges, labels, instantaneous=True),
        ]
        if b.environment is not None:
            operations.append(b.environment.read(Schedule(schedule.start, schedule.end - schedule.start, 1), labels))
        yield self.clock.together(operations)
        yield self.clock.until(end)


def _first_of_trapezoid(ramp: float) -> float:
    """First harmonic of a trapezoid of height 1 whose flanks take `ramp` of a half cycle each."""
    return float(4.0 / np.pi * np.sinc(ramp))
