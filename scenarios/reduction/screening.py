"""What is left out before the fits, so that faulty data neither end an analysis nor falsify the mass.

Only what stands out beyond doubt goes: by `outlier_threshold` standard deviations of the good majority (median absolute
deviation), never by less than a floor below which the scatter of the result tells as much. An outlier that stays
enlarges the stated uncertainty by about as much as it shifts the mass, so that it is safer to keep than to guess. What
shows no noise is a computed course: of that only gross errors go.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scenarios.reduction.recording import Readings, Recording, Weighings
from scenarios.reduction.result import Excluded
from scenarios.reduction.screened_sweeps import good_sweeps
from scenarios.reduction.screened_weighings import good_weighings
from scenarios.reduction.settings import ReductionSettings
from scenarios.reduction.steps import GROSS_CALIBRATION


def screen(recording: Recording, settings: ReductionSettings) -> tuple[Recording, tuple[Excluded, ...]]:
    """Leave out faulty weighings, cycles, sweeps, velocity groups and calibrations.

    A cycle that has lost weighings goes if the weighing scheme cannot do with those left. Returns the
    recording without all this and what it was, after the faulty readings that `read` left out.

    Raises
    ------
    ReductionError
        If more than the share `most_excluded` of the weighings, or all velocity groups, would have to go.
    """
    weighings, out = _weighings(recording.weighings, settings)
    sweeps, out_sweeps = good_sweeps(recording.sweeps, settings)
    current, out_current = _calibration(recording.current_calibration, "current_voltmeter")
    induced, out_induced = _calibration(recording.induced_calibration, "induced_voltmeter")
    screened = replace(
        recording, weighings=weighings, sweeps=sweeps, current_calibration=current, induced_calibration=induced
    )
    return screened, (*recording.excluded, *out, *out_sweeps, *out_current, *out_induced)


def _weighings(w: Weighings, settings: ReductionSettings) -> tuple[Weighings, tuple[Excluded, ...]]:
    """The good weighings of each winding, whose currents differ."""
    windings = sorted(set(w.winding.tolist()))
    if len(windings) == 1:
        return good_weighings(w, settings)
    parts = [good_weighings(w.kept(w.winding == winding), settings) for winding in windings]
    return Weighings.together([part for part, _ in parts]), tuple(item for _, out in parts for item in out)


def _calibration(readings: Readings | None, channel: str) -> tuple[Readings | None, tuple[Excluded, ...]]:
    """The calibrations without those that cannot be of the same reference as those before and after.

    What is off from the start, or until the end, may be the reference itself: see `scenarios.reduction.consistency`.
    """
    if readings is None or len(readings.mean) < 3:
        return readings, ()
    middle = float(np.median(readings.mean))
    good = np.abs(readings.mean - middle) <= GROSS_CALIBRATION * abs(middle)
    if good.all() or not good.any():
        return readings, ()
    first, last = int(np.argmax(good)), len(good) - 1 - int(np.argmax(good[::-1]))
    place = np.arange(len(good))
    keep = good | (place < first) | (place > last)
    out = tuple(
        Excluded(int(readings.cycle[i]), "reading", None, f"{channel} calibration reads {readings.mean[i]:.6g} V")
        for i in np.flatnonzero(~keep)
    )
    return (readings.kept(keep) if out else readings), out
