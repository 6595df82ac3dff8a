"""Li2021: inductance of a coil in the BIPM magnet, and the diamagnetic effect in both phases.

The magnet's rings, caps and coil are inferred; what is printed is gap, turns and mean radius.
"""

from __future__ import annotations

from functools import lru_cache

from components.fields.catalogue import BIPM
from components.fields.profile import profile
from components.fields.weakly_magnetic import Effect, WeakPart, effect
from tests.published.values import published

CHI = -1e-5


@lru_cache(maxsize=1)
def coil() -> Effect:
    """The coil of 200 mm² at r = 125 mm, all of it of copper's susceptibility."""
    return effect(BIPM, WeakPart(0.125, 0.0, 200e-6, CHI, BIPM.coil.radial_width))


def test_curvature_of_the_inductance() -> None:
    published()["li2021.bipm.k"].check(profile(BIPM, cached=False).k)


def test_diamagnetic_effect_on_the_force() -> None:
    published()["li2021.dfea.force"].check(coil().force_relative)


def test_diamagnetic_effect_on_the_voltage() -> None:
    published()["li2021.dfea.velocity"].check(coil().velocity_relative)


def test_what_leaves_the_coil_goes_beside_it() -> None:
    published()["li2021.dfea.beside"].check(-coil().beside_relative / coil().lorentz_relative)


def test_reciprocity() -> None:
    """Of the coil, and of a part of 50 mm² that sits 17.5 mm above its centre at r = 122.5 mm."""
    for found in (coil(), effect(BIPM, WeakPart(0.1225, 17.5e-3, 50e-6, CHI))):
        published()["li2021.reciprocity"].check(found.force_relative / found.velocity_relative - 1)
