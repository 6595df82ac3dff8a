"""Steps: what a campaign is made of.

A campaign is a list of steps, each with a name, a planned duration and an operation in time. Between steps nothing is
under way, so that a run can be checkpointed there; a resumed run goes on with the first step that had not finished.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from twin.clock import Process


@dataclass(frozen=True)
class Step:
    """One step of a campaign.

    Parameters
    ----------
    name : what it does, such as ``"weighing 3, mass on"``.
    duration : how long it takes (ns); no law changes unannounced while it lasts.
    operation : makes the operation that does it; called when the step's turn has come.
    phase : the part of the campaign it belongs to, such as ``"weighing"``.
    cycle : which repetition of the campaign's cycle, from 0.
    """

    name: str
    duration: int
    operation: Callable[[], Process]
    phase: str = ""
    cycle: int = 0
