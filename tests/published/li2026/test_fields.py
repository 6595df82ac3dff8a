"""Li2026, KBmini: field, geometric factor, current and power from the magnet's geometry.

The coil's width, the chamber and the yoke's bore are inferred.
"""

from __future__ import annotations

from functools import lru_cache

from components.fields.catalogue import KBMINI
from components.fields.profile import Profile, profile
from tests.published.values import published

RESISTANCE = 2.4e3  # of the coil (Li2026, sec. 3.1)
FORCE = 0.5 * 9.80665  # of half a kilogram


@lru_cache(maxsize=1)
def kbmini() -> Profile:
    return profile(KBMINI, cached=False)


def current() -> float:
    return FORCE / float(kbmini().bl_at(0.0))


def test_gap_field() -> None:
    published()["li2026.gap_field"].check(kbmini().gap_field)


def test_geometric_factor() -> None:
    published()["li2026.bl"].check(float(kbmini().bl_at(0.0)))


def test_weighing_current() -> None:
    published()["li2026.weighing_current"].check(current())


def test_coil_power() -> None:
    published()["li2026.coil_power"].check(RESISTANCE * current() ** 2)


def test_the_profile_bends_by_a_few_ppm_over_the_motion() -> None:
    """Sec. 3.2: a few 1e-6 over 0.4 mm."""
    ends = float(kbmini().bl_at([-0.2e-3, 0.2e-3]).mean() / kbmini().bl_at(0.0) - 1)
    assert 1e-6 < abs(ends) < 1e-5
