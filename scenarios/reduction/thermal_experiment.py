"""What the thermal experiment finds: how the magnet's temperature follows the heating, period by period.

Blocks, all with the labels phase="weighing" or "velocity", state="on" or "off", cycle, scheme ("tmtp", "omtp",
"power_regulated") and part ("ramp up", "hold", "ramp down"), read without gaps through at least two periods:
`magnet_thermometer`, temperature_rise; `current_voltmeter`, voltage across the standard resistor, and
`induced_voltmeter`, voltage across the winding, at the same times; `second_current_voltmeter` and
`second_induced_voltmeter` of a second winding, which may be absent.

In a run with real instruments a block begins a little late, and says of each channel by how much that was read later
still (`late_s`). Periods are then not alike. Times are as recorded; the sines have the mean period, and each period by
itself its own length.

A reading is a mean over its aperture a. Of a wave of period τ it loses (π a/τ)²/6, 4e-5 for 5 s in 960 s, which is not
put back. The mean of a product is more than the product of the means where current and voltage change within a reading,
by a²/12 of the product of their slopes: that is put back, since it is most of what a regulated power seems to vary by.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scenarios.reduction.certificates import Estimate
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.findings import Curve, Findings, Line, Quantity
from scenarios.reduction.thermal import PeriodicSettings, ThermalResult, thermal_analysis
from twin.recorder import LATE, Block, Blocks
from twin.times import NS

Array = NDArray[np.float64]

ORDERS = (6, 7, 8, 9)
"""Of the polynomial T_f (Liu2025)."""
ONE_SIGMA = 0.5 * (1.0 + math.erf(math.sqrt(0.5)))
"""Share of a normal distribution below one standard deviation above its mean."""
SEEN = 2.0
"""Times its uncertainty is a swing that is seen."""
UNEVEN = 0.01
"""Of the mean period: by so much a period may begin late, and the last be short."""
TOGETHER = 0.01
"""Of a reading: by so much two channels may be apart that are read together."""
PERIODIC = 1.1
"""What is not periodic in the remainder may exceed that of the best order by this factor."""
HARMONICS = {"tmtp": (1,), "omtp": (4, 2), "power_regulated": (4, 2)}
"""Of the period, that are fitted (Liu2025)."""
WINDINGS = (
    ("current_voltmeter", "induced_voltmeter", "resistor.resistance"),
    ("second_current_voltmeter", "second_induced_voltmeter", "second_resistor.resistance"),
)
HEAT = ("current_voltmeter.gain", "induced_voltmeter.gain", "resistor.resistance")
"""What the heat is measured with."""
SCALES = ("magnet_thermometer.gain", "magnet_thermometer.ice_resistance_error", "magnet_thermometer.alpha_error")
"""Relative errors of a temperature difference."""


class ThermalReduction(PeriodicSettings):
    """How readings of the thermal experiment become δT_f, its delay and δT_m."""

    drift_order: int | None = Field(
        None, ge=0, le=15, description="order of the polynomial T_f; none: the lowest of 6 to 9 that suffices (Liu2025)"
    )
    drift_fit: Literal["sequential", "joint", "periodic"] = Field(
        "periodic",
        description="polynomial first (Liu2025); in one least-squares fit with the sines; or with all harmonics",
    )

    def findings(self, readings: Blocks, certificates: Mapping[str, Estimate]) -> Findings:
        """Subtract the drift, fit the scheme's sines, and average over the data windows.

        Raises
        ------
        ReductionError
            If readings are missing, or hold fewer than two periods.
        """
        record = Record.of(readings, certificates)
        orders = ORDERS if self.drift_order is None else (self.drift_order,)
        tried = {order: record.analysed(self, order) for order in orders}
        rest = {order: _aperiodic(found) for order, found in tried.items()}
        order = min(o for o in orders if rest[o] <= PERIODIC * min(rest.values()))
        alone = record.each_period(tried[order], self)
        scale = math.hypot(*(certificates[key].u for key in SCALES if key in certificates))
        least = record.noise(tried[order])
        values = _evaluated(tried[order], list(tried.values()), alone, least, scale)
        alpha = certificates.get("magnet.temperature_coefficient", Estimate(math.nan))
        quantities = _quantities(values, alone, alpha, order, record, least, scale)
        return Findings(quantities, _curves(record, tried[order]))


@dataclass(frozen=True, eq=False)
class Record:
    """What was read, in order of time.

    Parameters
    ----------
    times, temperature, power : of each reading (s, K, W), shape (n,).
    edges : starts of the whole periods and the end of the last (s), shape (periods + 1,).
    windows : data windows (start, end) (s) by phase.
    on : whether the mass would be on, for each weighing window.
    harmonics : of the period.
    two : whether two windings were heated.
    heated : which readings are in a hold, with current.
    u_power : of the heat, relative, by the certificates of its instruments.
    """

    times: Array
    temperature: Array
    power: Array
    edges: Array
    windows: Mapping[str, Array]
    on: NDArray[np.bool_]
    harmonics: tuple[int, ...]
    two: bool
    heated: NDArray[np.bool_]
    u_power: float

    @classmethod
    def of(cls, readings: Blocks, certificates: Mapping[str, Estimate]) -> Record:
        """Collect what was recorded."""
        thermometer = _blocks(readings, "magnet_thermometer")
        times = np.concatenate([_times(block) for block in thermometer])
        lengths = [block.values.size for block in thermometer]
        power = np.zeros_like(times)
        for current, voltage, resistor in WINDINGS:
            if current == WINDINGS[0][0] or len(readings.select(current)):
                amperes = _joined(readings, current, thermometer) / certificates[resistor].value
                volts = _joined(readings, voltage, thermometer)
                power += amperes * volts + _changes(amperes, lengths) * _changes(volts, lengths) / 12.0
        starts = {int(str(b.labels["cycle"])): b.schedule.start for b in reversed(thermometer)}
        if len(starts) < 2:
            raise ReductionError(f"expected at least two periods of readings, not {len(starts)}")
        held = [block for block in thermometer if block.has(part="hold")]
        begun = np.array(sorted(starts.values())) / NS
        return cls(
            times,
            np.concatenate([block.values.ravel() for block in thermometer]),
            power,
            _edges(begun, thermometer[-1].schedule.end / NS),
            {phase: _windows(held, phase) for phase in ("weighing", "velocity")},
            np.array([block.has(state="on") for block in held if block.has(phase="weighing")]),
            HARMONICS.get(str(thermometer[0].labels.get("scheme")), (1,)),
            len(readings.select(WINDINGS[1][0])) > 0,
            np.repeat([block.has(part="hold") for block in thermometer], lengths) & (power > 0.5 * power.max()),
            math.hypot(*(_relative(certificates, key) for key in HEAT)),
        )

    @property
    def period(self) -> float:
        """τ_c, the mean (s)."""
        return float(self.edges[-1] - self.edges[0]) / (len(self.edges) - 1)

    def analysed(self, settings: ThermalReduction, order: int) -> ThermalResult:
        """The analysis with a polynomial of this order."""
        ordered = settings.model_copy(update={"drift_order": order})
        return self._analysis(self.times, self.temperature, self.period, ordered)

    def each_period(self, found: ThermalResult, settings: ThermalReduction) -> list[ThermalResult]:
        """The periods by themselves, without the drift that was found in all of them."""
        alone = PeriodicSettings(harmonics=settings.harmonics, average=settings.average)
        inside = [(found.times_s >= start) & (found.times_s < end) for start, end in pairwise(self.edges)]
        return [
            self._analysis(found.times_s[own], found.remainder_K[own], float(length), alone)
            for own, length in zip(inside, np.diff(self.edges), strict=True)
            if own.any()
        ]

    def noise(self, found: ThermalResult) -> dict[str, float]:
        """What the noise of single readings makes of the results, of an even record.

        From fourth differences, in which no smooth course enters. A sine's amplitude and its phase times that have the
        deviation σ √(2/n).
        """
        fourth = np.diff(found.remainder_K, 4)
        amplitude = math.sqrt(float(fourth @ fourth) / (35.0 * len(fourth) * len(found.times_s)))
        late = 2.0 * amplitude / found.delta_t_f_K if found.delta_t_f_K > 0 else math.inf
        return {
            "delta_t_f_K": found.swing_gain * amplitude,
            "delay_s": late * self.period / (2 * math.pi * self.harmonics[0]),
            "delta_t_m_K": found.difference_gain * amplitude,
        }

    def _analysis(self, times: Array, temperature: Array, period: float, settings: PeriodicSettings) -> ThermalResult:
        power = self.power[np.isin(self.times, times)]
        windows = self.windows["weighing"], self.windows["velocity"]
        two = not self.on.all()
        return thermal_analysis(
            times,
            temperature,
            power,
            period,
            *windows,
            settings,
            mass_on=self.on if two else None,
            harmonics=self.harmonics,
        )


def figures(found: ThermalResult) -> dict[str, float]:
    """What is sought, by its key."""
    return {
        "delta_t_f_K": found.delta_t_f_K,
        "delay_s": math.nan if found.delay_s is None else found.delay_s,
        "delta_t_m_K": found.delta_t_m_K,
    }


def _evaluated(
    chosen: ThermalResult,
    orders: Sequence[ThermalResult],
    alone: Sequence[ThermalResult],
    least: Mapping[str, float],
    scale: float,
) -> dict[str, Estimate]:
    """What is sought, each with its standard uncertainty.

    This has three parts: the scatter of the periods by themselves, with Student's factor for their number, but not less
    than `least`, which the thermometer's noise makes; the range over the orders of the polynomial as a rectangular
    distribution; and for temperatures the scale of the thermometer. A swing that is not seen has no delay.
    """
    from scipy.special import stdtrit

    student = float(stdtrit(len(alone) - 1, ONE_SIGMA))
    found: dict[str, Estimate] = {}
    for key, value in figures(chosen).items():
        each, other = [figures(one)[key] for one in alone], [figures(one)[key] for one in orders]
        scatter = max(student * float(np.std(each, ddof=1)) / math.sqrt(len(each)), least[key])
        size = scale * value if key.endswith("_K") else 0.0
        u = math.hypot(scatter, 0.5 * (max(other) - min(other)) / math.sqrt(3.0), size)
        found[key] = Estimate(value, u, len(each) - 1.0)
    if not found["delta_t_f_K"].value > SEEN * found["delta_t_f_K"].u:
        found["delay_s"] = Estimate(math.nan, math.nan)
    return found


def _blocks(readings: Blocks, channel: str) -> list[Block]:
    """The blocks of a channel in order of time."""
    found = sorted(readings.select(channel), key=lambda block: block.schedule.start)
    if not found:
        raise ReductionError(f"no block of channel {channel!r}")
    return found


def _times(block: Block) -> Array:
    """When it was read (s), shape (n,)."""
    return block.times().ravel() + _late(block)


def _late(block: Block) -> float:
    return float(block.labels.get(LATE, 0.0))


def _edges(begun: Array, end: float) -> Array:
    """Starts of the whole periods and the end of the last (s).

    Raises
    ------
    ReductionError
        If they are so uneven that no wave has one period.
    """
    mean = float(np.diff(begun).mean())
    edges = np.append(begun, end) if end - begun[-1] > (1.0 - UNEVEN) * mean else begun
    off = edges - np.linspace(edges[0], edges[-1], len(edges))
    if (most := float(np.abs(off).max())) > UNEVEN * mean:
        raise ReductionError(
            f"thermal analysis: periods of {mean:g} s in the mean begin up to {most:.3g} s early or late, more than "
            f"{UNEVEN:.0%} of one: the run was interrupted, or cycles are missing"
        )
    return edges


def _joined(readings: Blocks, channel: str, thermometer: Sequence[Block]) -> Array:
    """The values of a channel that was read together with the thermometer."""
    blocks = _blocks(readings, channel)
    if [block.schedule for block in blocks] != [block.schedule for block in thermometer]:
        raise ReductionError(f"{channel!r} was not read at the times of the magnet's thermometer")
    for block, other in zip(blocks, thermometer, strict=True):
        if abs(apart := _late(block) - _late(other)) > TOGETHER * block.schedule.step / NS:
            raise ReductionError(
                f"{channel!r} was read {apart:+.3g} s after the magnet's thermometer at "
                f"{block.schedule.start / NS:g} s, more than {TOGETHER:.0%} of a reading: power and temperature do not "
                "belong together"
            )
    return np.concatenate([block.values.ravel() for block in blocks])


def _changes(values: Array, lengths: Sequence[int]) -> Array:
    """By how much what is read changes within each reading, from its neighbours in the same block."""
    parts = np.split(values, np.cumsum(lengths)[:-1])
    return np.concatenate([np.gradient(part) if len(part) > 1 else np.zeros_like(part) for part in parts])


def _windows(held: Sequence[Block], phase: str) -> Array:
    """The data windows of a phase (s), shape (windows, 2)."""
    edges = [(block.schedule.start / NS, block.schedule.end / NS) for block in held if block.has(phase=phase)]
    return np.array(edges).reshape(-1, 2)


def _aperiodic(found: ThermalResult) -> float:
    """What does not repeat in the remainder (K, rms)."""
    periods = found.remainder_K[: len(found.remainder_K) // found.periods * found.periods].reshape(found.periods, -1)
    return float(np.std(periods - periods.mean(axis=0)))


def _about_a_line(values: Array) -> float:
    """Standard uncertainty of the mean of values that drift, as the copper does with the room.

    Of two values, which have no scatter about their line, half of the difference.
    """
    if len(values) < 3:
        return 0.5 * float(np.ptp(values))
    x = np.arange(len(values)) - 0.5 * (len(values) - 1)
    rest = values - values.mean() - x * float(x @ values) / float(x @ x)
    return math.sqrt(float(rest @ rest) / (len(values) - 2) / len(values))


def _relative(certificates: Mapping[str, Estimate], key: str) -> float:
    """Relative standard uncertainty of a gain, or of a resistance; 0 if nothing is stated."""
    found = certificates.get(key, Estimate(0.0))
    return found.u if key.endswith(".gain") else found.u / found.value if found.value else 0.0


def _quantities(
    values: Mapping[str, Estimate],
    alone: Sequence[ThermalResult],
    alpha: Estimate,
    order: int,
    record: Record,
    least: Mapping[str, float],
    scale: float,
) -> tuple[Quantity, ...]:
    said = {
        "delta_t_f_K": ("K", "δT_f", "periodic temperature of the magnet, peak to peak of the fit"),
        "delay_s": ("s", "τ_d", "its lag behind the heat, less a quarter of its period"),
        "delta_t_m_K": ("K", "δT_m", "its mean in the velocity windows less that in the weighing windows"),
    }
    found = [Quantity(key, values[key].value, *words, values[key].u) for key, words in said.items()]
    difference = values["delta_t_m_K"]
    u_epsilon = math.hypot(alpha.value * difference.u, alpha.u * difference.value)
    heat = np.array([record.power[record.heated & np.isin(record.times, one.times_s)].mean() for one in alone])
    u_heat = math.hypot(_about_a_line(heat), record.u_power * float(heat.mean()))
    each = np.array([one.delta_t_f_K for one in alone])
    u_each = np.hypot(least["delta_t_f_K"] * math.sqrt(len(alone)), scale * each)
    return (
        *found,
        Quantity("epsilon", alpha.value * difference.value, "1", "ε", "of a mass, α_m δT_m", u_epsilon),
        Quantity("period_s", record.period, "s", "τ_c", "of the scheme"),
        Quantity("power_W", float(heat.mean()), "W", "P", "heat, mean of the holds with current", u_heat),
        Quantity("drift_order", float(order), "1", "n", "order of the polynomial T_f"),
        Quantity("delta_t_f_of_period_K", each, "K", "δT_f,k", "of each period by itself", u_each),
    )


def _curves(record: Record, found: ThermalResult) -> tuple[Curve, ...]:
    """The temperature with its drift, the remainder with its fit, and the heat, over the periods used."""
    used = np.isin(record.times, found.times_s)
    hours = found.times_s / 3600.0
    read = record.temperature[used]
    time = ("time", "h")
    return (
        Curve(
            "temperature",
            "The magnet's temperature as read, and the polynomial that is taken for drift.",
            time,
            ("temperature rise", "K"),
            (Line("read", hours, read), Line("T_f", hours, read - found.remainder_K)),
        ),
        Curve(
            "periodic_temperature",
            "What the polynomial leaves of the temperature, and the sines fitted to it.",
            time,
            ("periodic temperature", "K"),
            (Line("remainder", hours, found.remainder_K), Line("fit", hours, found.fit_K)),
        ),
        Curve(
            "heat", "Heat in the coil, from currents and voltages.", time, ("power", "W"), _heat(hours, record, used)
        ),
    )


def _heat(hours: Array, record: Record, used: NDArray[np.bool_]) -> tuple[Line, ...]:
    return (Line("both windings" if record.two else "one winding", hours, record.power[used]),)
