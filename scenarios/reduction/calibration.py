"""The voltmeters' gains, from their readings of the voltage reference and of their own zero."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.conditions import Conditions
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.recording import Readings
from scenarios.reduction.slow_noise import mean_uncertainties

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Calibration:
    """The calibrations of one voltmeter, and which of them serves which reading.

    Parameters
    ----------
    time : of each calibration (s).
    reading : of the reference less the zero (V).
    u, dof : of `reading`, relative.
    pressure, temperature : of the air then (Pa, K), or None.
    source : for each weighing or velocity group, the calibration that serves it.
    """

    time: Array
    reading: Array
    u: Array
    dof: Array
    pressure: Array | None
    temperature: Array | None
    source: NDArray[np.int64]

    @classmethod
    def prepare(
        cls,
        reference: Readings,
        zero: Readings | None,
        targets: Array,
        cycles: NDArray[np.int64],
        air: Conditions,
        channel: str,
    ) -> Calibration:
        """For each target time and its cycle the nearest calibration of that cycle, or of any other if it has none.

        The zero is interpolated in time between its readings.
        """
        reading = reference.mean
        u, dof = uncertainties(reference)
        if zero is not None:
            u_zero, dof_zero = uncertainties(zero)
            reading = reading - np.interp(reference.time, zero.time, zero.mean)
            nearest = np.argmin(np.abs(reference.time[:, None] - zero.time), axis=1)
            u, dof = _summed(u, dof, u_zero[nearest], dof_zero[nearest])
        if np.any(reading == 0):
            raise ReductionError(f"a calibration of {channel!r} reads exactly 0 V; repeat it or exclude it")
        apart = np.abs(targets[:, None] - reference.time)
        apart += (cycles[:, None] != reference.cycle) * (1 + apart.max())
        return cls(
            time=reference.time,
            reading=reading,
            u=np.abs(u / reading),
            dof=dof,
            pressure=air.at("pressure", reference.time),
            temperature=air.at("temperature", reference.time),
            source=np.argmin(apart, axis=1),
        )

    def voltage(self, v: SimpleNamespace) -> Array:
        """Of the reference at each calibration (V): U (1 + drift t + b (p − p0) + a ΔT)."""
        relative = 1.0 + v.reference_wander + v.reference_drift * self.time
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
        factor: Array = (self.voltage(v) / self.reading)[..., self.source]
        return factor

    def shares(self) -> Array:
        """Which calibration serves which target: ones and zeros, shape (targets, calibrations)."""
        return (self.source[:, None] == np.arange(len(self.time))).astype(float)


def uncertainties(readings: Readings) -> tuple[Array, Array]:
    """Standard uncertainty of each block's mean and its degrees of freedom, slow noise included."""
    ends = np.cumsum(readings.size)
    u, dof = np.zeros(len(ends)), np.full(len(ends), math.inf)
    for size in set(readings.size.tolist()) - {1}:
        alike = np.flatnonzero(readings.size == size)
        records = np.stack([readings.samples[1][end - size : end] for end in ends[alike]])
        u[alike], dof[alike] = mean_uncertainties(records)
    return u, dof


def _summed(u: Array, dof: Array, more: Array, more_dof: Array) -> tuple[Array, Array]:
    """Two independent uncertainties together, with their effective degrees of freedom."""
    variance = u**2 + more**2
    spread = u**4 / dof + more**4 / more_dof
    effective = np.divide(variance**2, spread, out=np.full_like(u, math.inf), where=spread > 0)
    return np.sqrt(variance), effective
