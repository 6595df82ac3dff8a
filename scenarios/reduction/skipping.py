"""What a laboratory leaves out at the start of each phase, whatever it shows: a balance that settles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scenarios.reduction.errors import ReductionError
from scenarios.reduction.recording import Recording, Sweeps, Weighings
from scenarios.reduction.result import Excluded
from scenarios.reduction.settings import ReductionSettings


def without_first(recording: Recording, settings: ReductionSettings) -> tuple[Recording, tuple[Excluded, ...]]:
    """Leave out the first weighings of each cycle and the first sweeps of each velocity phase.

    Raises
    ------
    ReductionError
        If none would be left.
    """
    weighings, out = _weighings(recording.weighings, settings.skip_weighings)
    sweeps = tuple(_sweeps(group, settings.skip_sweeps) for group in recording.sweeps)
    if settings.skip_sweeps:
        reason = f"the first {settings.skip_sweeps} of its velocity phase"
        out = (*out, *(Excluded(group.cycle, "sweep", None, reason, skipped=True) for group in recording.sweeps))
    return replace(recording, weighings=weighings, sweeps=sweeps), out


def _weighings(w: Weighings, skip: int) -> tuple[Weighings, tuple[Excluded, ...]]:
    if not skip:
        return w, ()
    keep = np.ones(len(w.time), dtype=bool)
    for cycle in set(w.cycle.tolist()):
        keep[np.flatnonzero(w.cycle == cycle)[:skip]] = False
    if not np.any(keep):
        raise ReductionError(f"reduction.skip_weighings={skip} leaves no weighing; lower it")
    out = tuple(
        Excluded(int(w.cycle[i]), "weighing", int(w.number[i]), f"among the first {skip} of its cycle", skipped=True)
        for i in np.flatnonzero(~keep)
    )
    return w.kept(keep), out


def _sweeps(group: Sweeps, skip: int) -> Sweeps:
    if skip >= len(group.time):
        raise ReductionError(f"reduction.skip_sweeps={skip} leaves no sweep of {len(group.time)}; lower it")
    return group.kept(slice(skip, None))
