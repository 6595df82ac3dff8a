"""What was done to the positions of the velocity groups before Bl was fitted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Applied:
    """What was done to the positions before the fits, and what it does to Bl.

    Parameters
    ----------
    delay : by which they were moved, as the certificates have it (s).
    delay_sensitivity : relative change of Bl for one more second (1/s); 0 if the motion tells the delay.
    curvature : share of the acceleration that was added to them (s²).
    curvature_sensitivity : relative change of Bl for one more square second (1/s²).
    skew : 1 if the delay was fitted, 0 if not.
    skew_change : relative change of Bl by that fit.
    periodic : 1 if the interferometer's periodic error was fitted, 0 if not.
    periodic_change : relative change of Bl by that fit.
    """

    delay: float
    delay_sensitivity: float = 0.0
    curvature: float = 0.0
    curvature_sensitivity: float = 0.0
    skew: float = 0.0
    skew_change: float = 0.0
    periodic: float = 0.0
    periodic_change: float = 0.0
