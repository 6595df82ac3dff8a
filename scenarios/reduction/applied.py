"""What was done to the positions of the velocity groups before Bl was fitted."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Applied:
    """What was done to the positions before the fits, and what it does to Bl.

    Parameters
    ----------
    delay : by which they were moved, as the certificates have it (s).
    delay_sensitivity : relative change of Bl for one more second (1/s); 0 if the motion tells the delay.
    stretch : by which apertures were taken to be longer, relative.
    stretch_sensitivity : relative change of Bl for one more of it.
    curvature : share of the acceleration that was added to them (s²).
    curvature_sensitivity : relative change of Bl for one more square second (1/s²).
    skew : 1 if the delay was fitted, 0 if not.
    skew_change : relative change of Bl by that fit.
    periodic : 1 if the interferometer's periodic error was fitted, 0 if not.
    periodic_change : relative change of Bl by that fit.
    periodic_cost : by what it makes the uncertainty of Bl larger, a factor; 1 if it was not fitted.
    bent : relative change of Bl if a nonlinearity of 1 of the voltmeter is taken out of the voltages.
    lag : inductance (H) of the yoke whose flux was taken out of the voltages.
    lag_changes : relative change of Bl of each group by taking out that of 1 H (1/H), at the certified time constant
        and, if this is uncertain, at one larger by its uncertainty: shape (time constants, groups); see
        `scenarios.reduction.yoke_lag`.
    """

    delay: float
    delay_sensitivity: float = 0.0
    stretch: float = 0.0
    stretch_sensitivity: float = 0.0
    curvature: float = 0.0
    curvature_sensitivity: float = 0.0
    skew: float = 0.0
    skew_change: float = 0.0
    periodic: float = 0.0
    periodic_change: float = 0.0
    periodic_cost: float = 1.0
    bent: float = 0.0
    lag: float = 0.0
    lag_changes: Array = field(default_factory=lambda: np.zeros((1, 1)))
