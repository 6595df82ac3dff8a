"""The voltmeters' gains, from their readings of the voltage reference and of their own zero."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.conditions import Conditions
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.interpolation import line
from scenarios.reduction.recording import Readings, Recording
from scenarios.reduction.slow_noise import mean_uncertainties
from scenarios.reduction.steps import Step, jumps

Array = NDArray[np.float64]
Meter = Literal["current", "induced"]


@dataclass(frozen=True, eq=False)
class Shown:
    """What a voltmeter showed of the voltage reference and of its own zero.

    Parameters
    ----------
    time : of each calibration (s), shape (n,).
    reference : its mean (V).
    zero_time, zero : of each zero (s, V), shape (zeros,); empty if none was read.
    u, dof : standard uncertainties (V) of these means and their degrees of freedom, references before zeros.
    """

    time: Array
    reference: Array
    zero_time: Array
    zero: Array
    u: Array
    dof: Array

    @cached_property
    def zeros(self) -> Array:
        """Weights of the zeros at each calibration: on the line through them."""
        return line(self.time, self.zero_time)

    @cached_property
    def held_zeros(self) -> Array:
        """The same, but before the first zero and after the last one that one itself."""
        if not len(self.zero):
            return self.zeros
        return line(np.clip(self.time, self.zero_time[0], self.zero_time[-1]), self.zero_time)

    def reading(self, zeros: Array) -> Array:
        """Of the reference less the zero (V), with these weights."""
        return np.asarray(self.reference - zeros @ self.zero)

    def relative(self) -> tuple[Array, Array]:
        """Readings of the reference less the zero (V) and their relative standard uncertainties."""
        reading, count = self.reading(self.zeros), len(self.time)
        return reading, np.sqrt(self.u[:count] ** 2 + self.zeros**2 @ self.u[count:] ** 2) / np.abs(reading)


@lru_cache(maxsize=4)
def shown_by(meter: Meter, reference: Readings, zero: Readings | None) -> Shown:
    """What a voltmeter's readings say.

    Raises
    ------
    ReductionError
        If the reference shows no voltage.
    """
    u, dof = uncertainties(reference)
    if zero is None:
        found = Shown(reference.time, reference.mean, np.zeros(0), np.zeros(0), u, dof)
    else:
        more, more_dof = uncertainties(zero)
        together = np.concatenate([u, more]), np.concatenate([dof, more_dof])
        found = Shown(reference.time, reference.mean, zero.time, zero.mean, *together)
    if any(np.any(found.reading(zeros) == 0) for zeros in (found.zeros, found.held_zeros)):
        raise ReductionError(f"a calibration of '{meter}_voltmeter' reads exactly 0 V; repeat it or exclude it")
    return found


@dataclass(frozen=True, eq=False)
class Way:
    """How calibrations come to the readings that they serve.

    Parameters
    ----------
    zeros : weights of the zeros in each calibration, shape (calibrations, zeros).
    shares : of the calibrations in the gain of each weighing or velocity group, shape (targets, calibrations).
    zero_age, age : by how much a calibration is later than its zero, and a target than its gain (s); 0 where a line
        carries the one to the other.
    """

    zeros: Array
    shares: Array
    zero_age: Array
    age: Array

    @classmethod
    def over(cls, shown: Shown, zeros: Array, shares: Array, targets: Array) -> Way:
        """With these weights to these times (s)."""
        zero_age = shown.time - zeros @ shown.zero_time if zeros.size else np.zeros(len(shown.time))
        return cls(zeros, shares, zero_age, targets - shares @ shown.time)


@dataclass(frozen=True, eq=False)
class Calibration:
    """The calibrations of one voltmeter, and how they serve its readings.

    Parameters
    ----------
    meter : whose they are.
    shown : what it read.
    pressure, temperature : of the air at each calibration (Pa, K), or None.
    drifting : the gain on the line between calibrations, and the zero between zeros.
    held : the gain of the nearest calibration, and beyond the zeros the last one.
    """

    meter: Meter
    shown: Shown
    pressure: Array | None
    temperature: Array | None
    drifting: Way
    held: Way

    @classmethod
    def prepare(
        cls,
        reference: Readings,
        zero: Readings | None,
        targets: Array,
        cycles: NDArray[np.int64],
        air: Conditions,
        meter: Meter,
        threshold: float = 6.0,
    ) -> Calibration:
        """For target times (s) and the cycles that they belong to.

        The gain is held, that of the nearest calibration of the cycle, of any other if it has none; or it is that of
        the line through the calibrations before and after, on the side of the nearest one where the gain has jumped by
        `threshold`, see `scenarios.reduction.steps.jumps`. Beyond the first and the last one a line goes on, see
        `scenarios.reduction.interpolation.line`; with one calibration only there is none.
        """
        shown = shown_by(meter, reference, zero)
        apart = np.abs(targets[:, None] - shown.time)
        apart += (cycles[:, None] != reference.cycle) * (1 + apart.max())
        nearest = np.argmin(apart, axis=1)
        one = np.arange(len(shown.time))
        part = np.concatenate([[0], np.cumsum(jumps(shown.time, *shown.relative(), threshold))])
        return cls(
            meter=meter,
            shown=shown,
            pressure=air.at("pressure", shown.time),
            temperature=air.at("temperature", shown.time),
            drifting=Way.over(shown, shown.zeros, _lines(targets, part[nearest], shown.time, part), targets),
            held=Way.over(shown, shown.held_zeros, (nearest[:, None] == one).astype(float), targets),
        )

    def voltage(self, v: SimpleNamespace) -> Array:
        """Of the reference at each calibration (V): U (1 + drift t + b (p − p0) + a ΔT)."""
        relative = 1.0 + v.reference_wander + v.reference_drift * self.shown.time
        if self.pressure is not None:
            pressure = self.pressure - v.air_pressure - v.reference_pressure
            relative = relative + v.reference_pressure_coefficient * pressure
        if self.temperature is not None:
            warmer = self.temperature - v.air_temperature - v.reference_temperature
            relative = relative + v.reference_temperature_coefficient * warmer
        volts: Array = v.reference_voltage * relative
        return volts

    def gain(self, v: SimpleNamespace) -> Array:
        """True over shown voltage for each target."""
        held = self._gain(self.held, v)
        return held + v.between * (self._gain(self.drifting, v) - held)

    def _gain(self, way: Way, v: SimpleNamespace) -> Any:
        """The same by one way; what is stated of the meter's drifts acts where nothing else follows them."""
        creep, drift = (getattr(v, f"{self.meter}_{name}_drift") for name in ("offset", "gain"))
        reading = self.shown.reading(way.zeros) - creep * way.zero_age
        return ((self.voltage(v) / reading) @ way.shares.T) * (1.0 - drift * way.age)

    def sensitivities(self, *, between: bool) -> Array:
        """Relative change of each target's gain by each mean that was read (1/V), shape (targets, means)."""
        way = self.drifting if between else self.held
        by_reading = way.shares / -self.shown.reading(way.zeros)
        return np.hstack([by_reading, -by_reading @ way.zeros])

    def u(self, *, between: bool) -> Array:
        """Relative standard uncertainty of each target's gain, by what was read."""
        return np.sqrt(self.sensitivities(between=between) ** 2 @ self.shown.u**2)


def _lines(at: Array, part_at: NDArray[np.int64], known: Array, part: NDArray[np.int64]) -> Array:
    """Weights of `line` with times known in several parts, of which none serves another."""
    weights = np.zeros((len(at), len(known)))
    for one in np.unique(part_at):
        rows, columns = part_at == one, part == one
        weights[np.ix_(rows, columns)] = line(at[rows], known[columns])
    return weights


def before(recording: Recording, step: Step) -> Recording:
    """Without the calibrations and zeros after a step of the voltage reference: no line may lead across it.

    Those of a voltmeter that has no other stay: then no cycle does.
    """

    def early(readings: Readings | None) -> Readings | None:
        keep = None if readings is None else readings.time <= step.after
        return readings.kept(keep) if readings is not None and keep is not None and keep.any() else readings

    return replace(
        recording,
        current_calibration=early(recording.current_calibration),
        current_zero=early(recording.current_zero),
        induced_calibration=early(recording.induced_calibration),
        induced_zero=early(recording.induced_zero),
    )


def uncertainties(readings: Readings) -> tuple[Array, Array]:
    """Standard uncertainty of each block's mean and its degrees of freedom, slow noise included."""
    ends = np.cumsum(readings.size)
    u, dof = np.zeros(len(ends)), np.full(len(ends), math.inf)
    for size in set(readings.size.tolist()) - {1}:
        alike = np.flatnonzero(readings.size == size)
        records = np.stack([readings.samples[1][end - size : end] for end in ends[alike]])
        u[alike], dof[alike] = mean_uncertainties(records)
    return u, dof
