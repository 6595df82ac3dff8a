"""Current, Bl and force of every weighing, with each correction on or off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.errors import ReductionError
from scenarios.reduction.recording import Readings, Recording, Weighings
from scenarios.reduction.settings import Certificates, Corrections, ReductionSettings
from scenarios.reduction.velocity import VelocityFit

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Gains:
    """Factors that turn a voltmeter's readings into volts, by voltage reference over reading.

    Parameters
    ----------
    factor : for each weighing or each velocity group.
    source : which calibration each one comes from.
    u, dof : of each calibration's readings, relative.
    """

    factor: Array
    source: NDArray[np.int64]
    u: Array
    dof: Array

    @classmethod
    def nearest(
        cls, readings: Readings, times: Array, cycles: NDArray[np.int64], reference_voltage: float, channel: str
    ) -> Gains:
        """For each time and its cycle the nearest calibration of that cycle, or of any other if it has none."""
        if np.any(readings.mean == 0):
            raise ReductionError(f"a calibration of {channel!r} reads exactly 0 V; repeat it or exclude it")
        apart = np.abs(times[:, None] - readings.time)
        apart += (cycles[:, None] != readings.cycle) * (1 + apart.max())
        source = np.argmin(apart, axis=1)
        factor = reference_voltage / readings.mean
        return cls(factor[source], source, np.abs(readings.u / readings.mean), np.maximum(readings.size - 1.0, 1.0))


def interpolation(at: Array, groups: Array, settings: ReductionSettings) -> Array:
    """Weights with which the Bl of velocity groups (times `groups`, ascending) make the Bl at times `at`.

    Linear: between the groups before and after; before the first and after the last the line through the nearest two
    goes on; a single group holds throughout. Polynomial: least squares of order `bl_drift_order`.
    """
    count = len(groups)
    if settings.bl_interpolation == "polynomial":
        order = settings.bl_drift_order
        if count <= order:
            raise ReductionError(
                f"{count} velocity groups cannot determine a Bl drift of order {order}: "
                "lower reduction.bl_drift_order, or record more"
            )
        centre, half = groups.mean(), max(0.5 * float(np.ptp(groups)), 1e-300)
        cheb = np.polynomial.chebyshev.chebvander
        if order == 0:
            return np.full((len(at), count), 1.0 / count)
        return cheb((at - centre) / half, order) @ np.linalg.pinv(cheb((groups - centre) / half, order))
    weights = np.zeros((len(at), count))
    if count == 1:
        weights[:] = 1.0
        return weights
    before = np.clip(np.searchsorted(groups, at) - 1, 0, count - 2)
    share = (at - groups[before]) / (groups[before + 1] - groups[before])
    rows = np.arange(len(at))
    weights[rows, before] = 1.0 - share
    weights[rows, before + 1] = share
    return weights


@dataclass(frozen=True, eq=False)
class WeighingModel:
    """All that a force needs, prepared once.

    Parameters
    ----------
    profiles : Bl of each velocity group at each weighing's position (T·m), shape (groups, weighings).
    mixing : weights of the groups for each weighing, shape (weighings, groups).
    current_gains, induced_gains : voltmeter factors, or None if nothing was calibrated.
    rise_weighing, rise_velocity : magnet temperature (K) at each weighing and of each group, or None.
    """

    weighings: Weighings
    certificates: Certificates
    profiles: Array
    mixing: Array
    current_gains: Gains | None
    induced_gains: Gains | None
    rise_weighing: Array | None
    rise_velocity: Array | None

    @classmethod
    def prepare(
        cls,
        recording: Recording,
        weighings: Weighings,
        fits: Sequence[VelocityFit],
        certificates: Certificates,
        settings: ReductionSettings,
    ) -> WeighingModel:
        """Join what was recorded; raises ReductionError if a correction that is on has nothing to go by."""
        groups = np.array([fit.time for fit in fits])
        gains: list[Gains | None] = []
        group_cycles = np.array([sweeps.cycle for sweeps in recording.sweeps])
        for channel, readings, times, cycles in (
            ("current_voltmeter", recording.current_calibration, weighings.time, weighings.cycle),
            ("induced_voltmeter", recording.induced_calibration, groups, group_cycles),
        ):
            if readings is None or certificates.reference_voltage is None:
                if settings.corrections.voltmeter_calibration:
                    lack = "the certificates have no reference_voltage"
                    if readings is None:
                        lack = f"no block of channel {channel!r} with phase 'calibration'"
                    raise ReductionError(f"{lack}; supply it or set reduction.corrections.voltmeter_calibration=false")
                gains.append(None)
            else:
                gains.append(Gains.nearest(readings, times, cycles, certificates.reference_voltage, channel))
        thermometer = recording.thermometer
        rise_weighing = rise_velocity = None
        if thermometer is not None:
            rise_weighing = np.interp(weighings.time, *thermometer.samples)
            pairs = zip(recording.sweeps, fits, strict=True)
            rise_velocity = np.array([_group_rise(thermometer, sweeps.cycle, fit.time) for sweeps, fit in pairs])
        elif settings.corrections.temperature:
            raise ReductionError(
                "no block of channel 'magnet_thermometer'; record it or set reduction.corrections.temperature=false"
            )
        return cls(
            weighings=weighings,
            certificates=certificates,
            profiles=np.array([fit.profile(weighings.position) for fit in fits]),
            mixing=interpolation(weighings.time, groups, settings),
            current_gains=gains[0],
            induced_gains=gains[1],
            rise_weighing=rise_weighing,
            rise_velocity=rise_velocity,
        )

    def bl_parts(self, on: Corrections) -> Array:
        """What each velocity group contributes to `bl`, shape (weighings, groups)."""
        parts = self.mixing * self.profiles.T
        if on.voltmeter_calibration and self.induced_gains is not None:
            parts = parts * self.induced_gains.factor
        if on.temperature and self.rise_velocity is not None and self.rise_weighing is not None:
            alpha = self.certificates.temperature_coefficient
            parts = parts * np.outer(1 + alpha * self.rise_weighing, 1 / (1 + alpha * self.rise_velocity))
        return parts

    def bl(self, on: Corrections) -> Array:
        """Bl at the time and place of each weighing (T·m), without the effects of the current.

        With the temperature correction, (Bl)_w = (Bl)_v (1 + α_m T_w)/(1 + α_m T_v), the exact form for a linear law.
        """
        return self.bl_parts(on).sum(axis=1)

    def current(self, on: Corrections) -> Array:
        """Coil current of each weighing (A)."""
        c, w = self.certificates, self.weighings
        resistance = c.resistance * (1 + c.resistance_drift * w.time) if on.resistor_drift else c.resistance
        voltage = w.voltage
        if on.voltmeter_calibration and self.current_gains is not None:
            voltage = voltage * self.current_gains.factor
        return voltage / resistance

    def force(self, on: Corrections) -> Array:
        """Force of the coil in each weighing (N): Bl I (1 + β I²) − k z I²  (Li2021, Li2026)."""
        c, current = self.certificates, self.current(on)
        beta = c.beta if on.quadratic_current else 0.0
        force = self.bl(on) * current * (1 + beta * current**2)
        if on.reluctance:
            force = force - c.reluctance_k * (self.weighings.position - c.magnetic_centre) * current**2
        return force


def _group_rise(thermometer: Readings, cycle: int, time: float) -> float:
    """Magnet temperature of a velocity group: mean of its readings, or interpolated between others."""
    own = thermometer.of("velocity", cycle)
    return float(thermometer.mean[own].mean()) if np.any(own) else float(np.interp(time, *thermometer.samples))
