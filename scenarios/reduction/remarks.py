"""What a reader of a mass should know of corrections that could not be made, or only just."""

from __future__ import annotations

import numpy as np

from scenarios.reduction.certificates import Certificates
from scenarios.reduction.readout import Readout
from scenarios.reduction.settings import Corrections

COSTLY = 3.0  # times the uncertainty of Bl without the fit of the periodic error


def remarks(run: Readout, certificates: Certificates, on: Corrections) -> tuple[str, ...]:
    """What to say of each drift that is neither corrected nor in the budget, and of a correction that costs much."""
    known, found = certificates.estimates(), []
    left = int(np.count_nonzero(run.offset_drift[2]))
    if on.offset_drift and left and not known["thermal_emf_drift"].u:
        groups = (
            "the velocity group" if left == len(run.groups) == 1 else f"{left} of {len(run.groups)} velocity groups"
        )
        found.append(
            f"A drift of the thermal EMF was not fitted in {groups}: so few sweeps, or sweeps in this order, do not "
            "tell it from Bl. Record more of them, up and down in turn, or state how uncertain it is."
        )
    if run.applied.periodic_cost > COSTLY:
        found.append(
            f"The fit of the interferometer's periodic error makes u(Bl) {run.applied.periodic_cost:.0f} times larger: "
            "from reading to reading the coil passes nearly a whole number of half-waves of the laser, so that the "
            "error is hardly told from the profile of the field. Take another reading_step or velocity."
        )
    for calibration in (run.current, run.induced):
        if calibration is None or not (on.voltmeter_calibration and on.voltmeter_drift):
            continue
        if len(calibration.shown.time) == 1 and not known[f"{calibration.meter}_gain_drift"].u:
            found.append(
                f"The {calibration.meter} voltmeter was calibrated once, so that nothing tells how its gain drifts. "
                "Calibrate it before and after, or state how uncertain the drift is."
            )
    return tuple(found)
