"""Allan deviations of what a run read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.allan import AllanCurve, mean_deviation
from scenarios.reduction.recording import Readings, Recording
from scenarios.reduction.velocity import VelocityFit
from twin.recorder import Block
from twin.times import NS

Array = NDArray[np.float64]


def allan_curves(windows: Sequence[Block], recording: Recording, fits: Sequence[VelocityFit]) -> tuple[AllanCurve, ...]:
    """Of Bl by sweep, the voltages while weighing, the calibrations and the magnet's thermometer.

    Each is the mean over all uninterrupted records: velocity groups, weighing windows, calibrations. No average reaches
    beyond a record, so that what happens between them, such as a change of the load, has no part in it. The magnet's
    temperature moves by itself, so that its curve tells no noise but at the shortest times.
    """
    curves = []
    times = recording.sweeps[0].time
    if len(times) > 1:
        found = mean_deviation([fit.sweeps for fit in fits], float(times[-1] - times[0]) / (len(times) - 1))
        curves.append(AllanCurve.of("velocity", "bl", "T*m", found))
    if windows:
        step = windows[0].schedule.step
        records = [burst for block in windows if block.schedule.step == step for burst in block.values]
        curves.append(AllanCurve.of("weighing", "voltage", "V", mean_deviation(records, step / NS)))
    for channel, quantity, unit, readings in (
        ("current_voltmeter", "voltage", "V", recording.current_calibration),
        ("induced_voltmeter", "voltage", "V", recording.induced_calibration),
        ("magnet_thermometer", "temperature_rise", "K", recording.thermometer),
    ):
        found_records = None if readings is None else _complete(readings)
        if found_records is not None:
            curves.append(AllanCurve.of(channel, quantity, unit, mean_deviation(*found_records)))
    return tuple(
        replace(curve, white=None, floor=None) if curve.channel == "magnet_thermometer" else curve
        for curve in curves
        if len(curve.tau_s)
    )


def weighing_windows(blocks: Iterable[Block], recording: Recording) -> tuple[Block, ...]:
    """The voltages across the standard resistor in the weighings that are in use."""
    w = recording.weighings
    used = set(zip(w.cycle.tolist(), w.number.tolist(), strict=True))
    return tuple(
        block
        for block in blocks
        if (block.channel, block.quantity, block.labels.get("phase")) == ("current_voltmeter", "voltage", "weighing")
        and (block.labels["cycle"], block.labels["weighing"]) in used
    )


def _complete(readings: Readings) -> tuple[list[Array], float] | None:
    """The blocks with most readings, and the spacing of these (s)."""
    most, ends = int(readings.size.max()), np.cumsum(readings.size)
    if most < 2:
        return None
    times, values = ([part[end - most : end] for end in ends[readings.size == most]] for part in readings.samples)
    return values, float(np.median([at[-1] - at[0] for at in times])) / (most - 1)
