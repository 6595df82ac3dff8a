"""The integrating voltmeter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr, model_validator

from components.fed import told
from components.measuring import Disturb, MeasuringInstrument
from twin.clock import Process
from twin.component import Port
from twin.errors import SimulationError
from twin.noise import NoiseFigures, quantise
from twin.parameter import Parameters, parameter
from twin.recorder import Label, Schedule, looked
from twin.signal import Constant, Signal
from twin.times import NS, middles, stretch, to_ns

Array = NDArray[np.float64]
TERMINALS = "terminals"
"""Label of readings of anything but the input: the channel."""
OVERRANGE = 1.2
"""A meter of N½ digits counts to 120 % of its range."""


def bend(volts: Array, full_scale: float) -> Array:
    """What a nonlinearity of 1 adds to voltages (V) on a range (V): 3√3/2 (x − x³) of it, with x their share of it."""
    share = volts / full_scale
    bent: Array = (1.5 * math.sqrt(3.0) * full_scale) * (share - share**3)
    return bent


class _Pair(Parameters):
    """Two parameters that may be given as a mapping or, shorter, as a list in their order."""

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, given: Any) -> Any:
        if isinstance(given, list | tuple) and len(given) == len(cls.model_fields):
            return dict(zip(cls.model_fields, given, strict=True))
        return given


class Digits(_Pair):
    """How many digits the meter shows from an aperture on."""

    aperture: float = parameter("s", ge=0, description="shortest with which it shows them")
    digits: float = parameter("1", ge=1, le=12, description="such as 8.5")


class RmsNoise(_Pair):
    """White noise of one reading."""

    aperture: float = parameter("s", gt=0)
    rms: float = parameter("V", gt=0)


class Voltmeter(MeasuringInstrument):
    """Shows the mean over the aperture with gain, offset, drift and noise, rounded to its digits.

    *Loading*: at the channel ``input`` a source of resistance R_s gives ``V/(1 + R_s input_conductance) +
    bias_current R_s``.

    *Digits*: N½ digits are N full ones and an overrange to 120 %, so that a reading has steps of ``range/10^N``: 100 nV
    for 8½ digits on the 10 V range, 10 nV on the 1 V range. What a meter sends beyond its digits is stated as
    `resolution`.

    *Nonlinearity*: a converter that is right at zero and at both ends of its range is off between them by
    ``nonlinearity · range · p(V/range)`` with the cubic ``p(x) = 3√3/2 (x − x³)``, which is 1 at x = 1/√3. An even part
    would reverse with neither current nor velocity, and cancel.

    *Auto-zero*: the meter subtracts from each reading one of its own zero of the same aperture. Offset, its drift and
    noise slower than a reading vanish, white noise grows by √2. The time that this takes is not modelled: readings keep
    their schedule.

    *Timing*: reading k of a burst starts at ``trigger + trigger_latency + jitter + k step (1 + time_base_error)`` and
    averages over ``step (1 + time_base_error)``, to whole nanoseconds; the block tells the nominal times. What of the
    last reading lies past the schedule follows the laws that hold at its end.
    """

    reading: ClassVar[str] = "V"
    inputs: ClassVar[Mapping[str, Port]] = {
        "input": Port("V"),
        "reference": Port("V"),
        "source_resistance": Port("ohm", default=0.0),
    }
    outputs: ClassVar[Mapping[str, Port]] = {"conductance": Port("S"), "voltage": Port("V")}
    depends: ClassVar[Mapping[str, frozenset[str]]] = {"conductance": frozenset(), "voltage": frozenset({"input"})}

    range: float | None = parameter("V", None, gt=0, description="a reading beyond 120 % of it is an error")
    digits: list[Digits] = Field(
        [], description="by aperture, rising: least aperture and digits", json_schema_extra={"neutral": []}
    )
    noise_table: list[RmsNoise] = Field(
        [],
        description="white noise of a reading by aperture, rising, beside white_noise; log-log between, ∝ 1/√T beyond",
        json_schema_extra={"neutral": []},
    )
    nonlinearity: float = parameter(
        "1",
        0.0,
        neutral=0.0,
        gt=-1e-2,
        lt=1e-2,
        description="largest error within the range, over the range; 3458A: 0.05 ppm, its transfer accuracy",
    )
    auto_zero: bool = Field(False, description="subtract a zero reading from each reading")
    input_conductance: float = parameter("S", 0.0, neutral=0.0, ge=0, description="loads the source at the input")
    bias_current: float = parameter("A", 0.0, neutral=0.0, description="out of the input, through the source")
    trigger_latency: float = parameter("s", 0.0, neutral=0.0, ge=0, le=1, description="from trigger to first reading")
    trigger_jitter: float = parameter(
        "s", 0.0, neutral=0.0, ge=0, le=1, description="standard deviation of a burst's latency"
    )
    time_base_error: float = parameter(
        "1", 0.0, neutral=0.0, gt=-0.1, lt=0.1, description="relative; a slow clock stretches step and aperture: > 0"
    )

    _wired: dict[str, Signal] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _tables_in_order(self) -> Self:
        for name in ("digits", "noise_table"):
            apertures = [row.aperture for row in getattr(self, name)]
            if apertures != sorted(set(apertures)):
                raise ValueError(f"expected rising apertures in {name}, not {apertures} s")
        if self.digits and self.range is None:
            raise ValueError("expected a range beside digits: they are digits of the range")
        if self.nonlinearity and self.range is None:
            raise ValueError("expected a range beside nonlinearity: it is a share of the range")
        if self.digits and self.resolution:
            raise ValueError("expected either digits or resolution, not both")
        return self

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        self._wired = inputs
        voltage = self.measured("voltage", inputs["input"])
        return {"conductance": Constant(self.input_conductance), "voltage": voltage}

    def read(
        self,
        schedule: Schedule,
        labels: Mapping[str, Label],
        *,
        channel: Literal["input", "reference", "short", "reversed"] = "input",
    ) -> Process:
        """Read on the schedule; each reading averages over a whole step. Returns the block.

        Parameters
        ----------
        channel : ``"input"``, the voltage ``"reference"``, the ``"reversed"`` reference, or a ``"short"``
            that shows the meter's own zero.
        """
        yield self.clock.until(schedule.end)
        return self.record(
            self._signal(channel),
            schedule,
            "voltage",
            "V",
            aperture=schedule.step,
            disturb=self._disturb(channel, looked(labels, schedule.step)),
            labels=labels if channel == "input" else {**labels, TERMINALS: channel},
            shift=self._shift(schedule),
            read_aperture=round(schedule.step * (1.0 + self.time_base_error)) if self.time_base_error else None,
        )

    def _signal(self, channel: str) -> Signal:
        if channel == "short":
            return Constant(0.0)
        return -self._wired["reference"] if channel == "reversed" else self._wired[channel]

    # --- what it shows -----------------------------------------------------------------------------------------------

    @property
    def full_scale(self) -> float | None:
        """The range that it is on (V)."""
        return self.range

    @property
    def zeroing(self) -> bool:
        """Whether it subtracts a zero reading from each reading."""
        return self.auto_zero

    def step_of(self, aperture: float) -> float:
        """The step of the last digit (V) at an aperture (s); 0 for none.

        Raises
        ------
        SimulationError
            For an aperture below all that digits are stated for.
        """
        if not self.digits:
            return self.resolution
        assert self.full_scale is not None
        shown = [row.digits for row in self.digits if row.aperture <= aperture]
        if not shown:
            least = self.digits[0].aperture
            raise SimulationError(
                f"{self.name}: a reading over {aperture:g} s is shorter than the {least:g} s from which its digits are "
                "stated; read longer, or state the digits of shorter readings"
            )
        return self.full_scale / 10 ** math.floor(shown[-1])

    def rms_of(self, aperture: float) -> float:
        """White noise (V) of a reading over an aperture (s) by `noise_table`; 0 without one."""
        if not self.noise_table:
            return 0.0
        apertures = np.array([row.aperture for row in self.noise_table])
        rms = np.array([row.rms for row in self.noise_table])
        nearest = float(np.clip(aperture, apertures[0], apertures[-1]))
        stated = math.exp(np.interp(math.log(nearest), np.log(apertures), np.log(rms)))
        return stated * math.sqrt(nearest / aperture)

    def error(self, quantity: str, shown: Array, instants: NDArray[np.int64], aperture: int) -> Array:
        show = self._disturb("input", aperture, f"{told(quantity)} ")
        return show(shown[None, :], instants[None, :])[0] - shown

    def _disturb(self, channel: str, aperture: int, beside: str = "") -> Disturb:
        """From the true values to what is shown, for readings over `aperture` (ns), with a noise `beside` its own."""
        seconds = aperture / NS
        step, rms = self.step_of(seconds), self.rms_of(seconds)
        if self.zeroing:
            figures, rms = NoiseFigures(white=math.sqrt(2.0) * self.white_noise), math.sqrt(2.0) * rms
            show = self.shown(f"{beside}reading", aperture, figures=figures, offset=0.0, resolution=0.0)
        else:
            show = self.shown(f"{beside}reading", aperture, resolution=0.0)

        def disturb(values: Array, instants: NDArray[np.int64]) -> Array:
            if channel == "input":
                values = self._loaded(values, instants, aperture)
            self._check_range(values, instants)
            if self.nonlinearity:
                assert self.full_scale is not None
                values = values + self.nonlinearity * bend(values, self.full_scale)
            result = show(values, instants)
            if rms:
                noise = self.noise(f"{beside}table", NoiseFigures(white=1.0)).sample(instants.ravel(), aperture)
                result = result + rms * math.sqrt(2.0 * seconds) * noise.reshape(values.shape)
            return quantise(result, step) if step else result

        return disturb

    def _loaded(self, values: Array, instants: NDArray[np.int64], aperture: int) -> Array:
        """The voltages as the meter's input leaves them; the source's resistance is that in the middle of a burst."""
        if not (self.input_conductance or self.bias_current):
            return values
        source = self._wired["source_resistance"]
        if len(instants) == 1:  # from where the voltage has been looked at, on both sides of the middle
            nodes = source.at(stretch(int(instants[0, 0]), int(instants[0, -1]) + aperture))
            resistance = nodes[len(nodes) // 2 - 1 : len(nodes) // 2 + 1].mean()
        else:
            resistance = source.at(middles(instants, aperture))
        return values / (1.0 + resistance * self.input_conductance) + self.bias_current * resistance

    def _check_range(self, values: Array, instants: NDArray[np.int64]) -> None:
        if self.range is None:
            return
        largest = int(np.abs(values).argmax())
        if abs(values.flat[largest]) > OVERRANGE * self.range:
            raise SimulationError(
                f"{self.name}: {values.flat[largest]:.6g} V at t = {instants.flat[largest] / NS} s is beyond 120 % of "
                f"its range of {self.range:g} V; take a larger range"
            )

    # --- when it reads -----------------------------------------------------------------------------------------------

    def _shift(self, schedule: Schedule) -> NDArray[np.int64] | None:
        """How much later than the schedule the readings start (ns), shape (bursts, 1) or (bursts, readings)."""
        if self.bench.rehearsal or not (self.trigger_latency or self.trigger_jitter or self.time_base_error):
            return None
        shift = np.full((schedule.repeats, 1), to_ns(self.trigger_latency), dtype=np.int64)
        if self.trigger_jitter:
            shift = shift + self._jitter(schedule)[:, None]
        if self.time_base_error:
            elapsed = schedule.step * np.arange(schedule.count, dtype=np.int64)
            shift = shift + np.rint(elapsed * self.time_base_error).astype(np.int64)
        return shift

    def _jitter(self, schedule: Schedule) -> NDArray[np.int64]:
        """Of each burst's trigger (ns): white noise of a source, which a checkpoint keeps, taken for 1 ns at a time."""
        figures = NoiseFigures(white=self.trigger_jitter * math.sqrt(2.0 / NS))
        triggers = schedule.start + schedule.every * np.arange(schedule.repeats, dtype=np.int64)
        return np.rint(self.noise("jitter", figures).sample(triggers, 1) * NS).astype(np.int64)
