"""Bl through the run: of each velocity group as it was, and between the groups as the weighings take it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from scenarios.reduction.force import Outcome, group_bl
from scenarios.reduction.interpolation import interpolation
from scenarios.reduction.readout import Readout
from scenarios.reduction.recording import Recording
from scenarios.reduction.settings import ReductionSettings
from scenarios.reduction.velocity import VelocityFit

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BlCourse:
    """Bl at the mean position of the weighings, without the current's own effect.

    Parameters
    ----------
    time_s : mean times of the velocity groups, shape (groups,).
    bl_Tm : of each group, corrected for all but temperature: Bl as it was then.
    u_bl_Tm : its Type A standard uncertainty, from the sweeps and the calibration of the voltmeter.
    """

    time_s: Array
    bl_Tm: Array
    u_bl_Tm: Array
    _cold: Array  # the groups' Bl at the reference temperature
    _thermometers: tuple[tuple[float, Array, Array], ...]  # relative change of Bl per kelvin, times, rises
    _settings: ReductionSettings

    def at(self, times: Array) -> Array:
        """Bl at any times (s): interpolated between the groups, at the temperature of magnet and coil then (T·m)."""
        bl: Array = interpolation(times, self.time_s, self._settings) @ self._cold
        for coefficient, at, rise in self._thermometers:
            bl = bl * (1.0 + coefficient * np.interp(times, at, rise))
        return bl


def bl_course(
    recording: Recording,
    run: Readout,
    fits: Sequence[VelocityFit],
    v: SimpleNamespace,
    outcome: Outcome,
    settings: ReductionSettings,
) -> BlCourse:
    """The course of Bl that the weighings of a run were reduced with."""
    bl = group_bl(run, v, outcome.current)
    relative = np.array([fit.u_bl / fit.bl for fit in fits])
    if settings.corrections.voltmeter_calibration and run.induced is not None:
        relative = np.hypot(relative, run.induced.u(between=settings.corrections.voltmeter_drift))
    cold, thermometers = bl, []
    for warmth, thermometer, coefficient in (
        (run.magnet, recording.thermometer, v.temperature_coefficient),
        (run.coil, recording.coil_thermometer, v.coil_expansion),
    ):
        if warmth is not None and thermometer is not None and coefficient:
            cold = cold / (1.0 + coefficient * warmth.group)
            thermometers.append((float(coefficient), *thermometer.samples))
    return BlCourse(run.groups, bl, np.abs(bl) * relative, cold, tuple(thermometers), settings)
