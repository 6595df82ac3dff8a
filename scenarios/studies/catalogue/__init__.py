"""The effects that a balance can have, each with what theory says of it.

Signs: a reported mass is ``m = (Bl)_v ΔI/g``, so that what makes Bl too large in the velocity phase, or the current too
large in the weighing phase, makes the mass too large. Sizes stand out of rounding and stay linear. Times t_w, t_v, t_I
and t_U in a formula are those of the weighings, of the sweeps, and of the calibrations of the voltmeters for current
and induced voltage.
"""

from __future__ import annotations

from scenarios.studies.catalogue.coil import COIL
from scenarios.studies.catalogue.electricity import ELECTRICITY
from scenarios.studies.catalogue.forces import FORCES
from scenarios.studies.catalogue.length import LENGTH
from scenarios.studies.catalogue.noise import NOISE
from scenarios.studies.catalogue.timing import TIMING
from scenarios.studies.effects import Effect

GROUPS: dict[str, tuple[Effect, ...]] = {
    "The mass and the forces on it": FORCES,
    "Length": LENGTH,
    "The coil in the field": COIL,
    "Electricity": ELECTRICITY,
    "Time": TIMING,
    "Noise and resolution: no bias": NOISE,
}
"""By where they act."""

EFFECTS: tuple[Effect, ...] = tuple(effect for group in GROUPS.values() for effect in group)
