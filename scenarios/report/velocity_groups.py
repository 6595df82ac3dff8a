"""The velocity groups as they were read, beside what was fitted to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.group import without_periodic_error
from scenarios.reduction.repeated_motion import repeated_motion
from scenarios.reduction.settings import ReductionSettings
from scenarios.reduction.velocity import VelocityFit
from scenarios.run.certificates import certificates
from scenarios.run.result import Result
from twin.recorder import Block
from twin.times import NS

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ReadGroup:
    """A velocity group.

    Parameters
    ----------
    fit : what was fitted.
    voltage : as it was read, a row a sweep.
    position : at the edges of the apertures (m), less the periodic error and at the time of the voltages, as far as
        these were fitted; NaN in sweeps that were left out.
    """

    fit: VelocityFit
    voltage: Block
    position: Array

    @property
    def aperture(self) -> float:
        """Of the voltages (s)."""
        return self.voltage.aperture / NS

    @property
    def left(self) -> Array:
        """What the fit leaves of the flux that passes in each aperture (Wb), shape (sweeps, readings)."""
        fit, ways = self.fit, np.diff(self.position, axis=1)
        elapsed = self.voltage.times() - fit.time
        drift = fit.drift * elapsed.mean(axis=1, keepdims=True)
        offset = fit.offset + (fit.offset_drift.fitted or 0.0) * elapsed
        powers = np.arange(len(fit.coefficients)) + 1.0
        flux_of_fit = ((self.position - fit.z)[..., None] ** powers) @ (fit.coefficients / powers)
        flux = (self.voltage.values - offset) * self.aperture
        left: Array = flux - np.diff(flux_of_fit, axis=1) - drift * ways
        return left


def read_groups(result: Result) -> list[ReadGroup]:
    """The groups of a run that have positions."""
    period = certificates(result.scenario).nonlinearity_period
    positions = {
        (block.labels.get("cycle"), block.schedule.start): block
        for block in result.readings.select("interferometer", phase="velocity")
    }
    found = []
    for voltage in result.readings.select("induced_voltmeter", phase="velocity"):
        position = positions.get((voltage.labels.get("cycle"), voltage.schedule.start))
        if position is None or position.values.shape[1] != voltage.values.shape[1] + 1:
            continue
        start, end = voltage.schedule.start / NS, voltage.schedule.end / NS
        fit = next((fit for fit in result.mass.velocity if start <= fit.time <= end), None)
        if fit is not None and np.isfinite(position.values).any():
            used = ~_left_out(result, voltage) & np.isfinite(position.values).all(axis=1)
            z = np.full_like(position.values, np.nan)
            z[used] = _fitted(fit, position.values[used], voltage, used, period)
            found.append(ReadGroup(fit, voltage, z))
    return found


def _fitted(fit: VelocityFit, z: Array, voltage: Block, used: NDArray[np.bool_], period: float | None) -> Array:
    """Positions (m) without the periodic error that was fitted, moved by the skew that was."""
    if period is not None and any(fit.periodic):
        z = without_periodic_error(z, fit.periodic, period)
    if fit.skew is None:
        return z
    aperture, times = voltage.aperture / NS, voltage.times()[used].mean(axis=1)
    return repeated_motion(z, times, aperture).moved(z, fit.skew)


def _left_out(result: Result, voltage: Block) -> NDArray[np.bool_]:
    """Which sweeps of a velocity phase did not count."""
    out = np.zeros(len(voltage.values), dtype=bool)
    out[: result.scenario.section("reduction", ReductionSettings).skip_sweeps] = True
    for item in result.mass.excluded:
        if item.what == "sweep" and item.cycle == voltage.labels.get("cycle") and item.number is not None:
            out[item.number] = True
    return out
