"""Allan deviations of what a run read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.allan import AllanCurve, allan_deviation
from scenarios.reduction.force import Outcome
from scenarios.reduction.readout import Readout
from scenarios.reduction.recording import Readings, Recording
from scenarios.reduction.velocity import VelocityFit
from scenarios.reduction.weighing import Difference

Array = NDArray[np.float64]


def allan_curves(
    recording: Recording,
    run: Readout,
    fits: Sequence[VelocityFit],
    outcome: Outcome,
    differences: Sequence[Difference],
) -> tuple[AllanCurve, ...]:
    """Of Bl by sweep, the current that the weighing scheme leaves, the calibrations and the magnet's thermometer.

    Each is of its longest uninterrupted record; the weighings' goes through the run, at their mean spacing.
    """
    curves = []
    group = max(range(len(fits)), key=lambda i: len(fits[i].sweeps))
    times = recording.sweeps[group].time
    if len(times) > 1:
        bl = allan_deviation(fits[group].sweeps, float(times[-1] - times[0]) / (len(times) - 1))
        curves.append(AllanCurve.of("velocity", "bl", "T*m", bl))
    times, current = _residuals(run, outcome, differences)
    if len(times) > 1:
        found = allan_deviation(current, float(np.median(np.diff(times))))
        curves.append(AllanCurve.of("weighing", "current", "A", found))
    for channel, quantity, unit, readings in (
        ("current_voltmeter", "voltage", "V", recording.current_calibration),
        ("induced_voltmeter", "voltage", "V", recording.induced_calibration),
        ("magnet_thermometer", "temperature_rise", "K", recording.thermometer),
    ):
        record = None if readings is None else _longest(readings)
        if record is not None:
            curves.append(AllanCurve.of(channel, quantity, unit, allan_deviation(*record)))
    return tuple(curve for curve in curves if len(curve.tau_s))


def _residuals(run: Readout, outcome: Outcome, differences: Sequence[Difference]) -> tuple[Array, Array]:
    """Times (s) of what the weighing scheme leaves, and that as current of the coil (A)."""
    times = np.concatenate([difference.times for difference in differences])
    kilograms = np.concatenate([difference.residuals for difference in differences])
    return times, kilograms * float(np.mean(outcome.gravity) / np.mean(outcome.bl))


def _longest(readings: Readings) -> tuple[Array, float] | None:
    """The block with most readings, and their spacing (s)."""
    longest = int(np.argmax(readings.size))
    end = int(readings.size[: longest + 1].sum())
    own = slice(end - int(readings.size[longest]), end)
    times, values = (samples[own] for samples in readings.samples)
    if len(times) < 2:
        return None
    return values, float(times[-1] - times[0]) / (len(times) - 1)
