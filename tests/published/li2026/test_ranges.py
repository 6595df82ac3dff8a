"""Li2026, KBmini: five masses in the three current ranges, against class E2 and the goals of the design."""

from __future__ import annotations

from functools import lru_cache

import pytest

import scenarios
from scenarios.studies.ranges import KBMINI, Point, weigh, weighing_resolution
from tests.published.values import published


@lru_cache(maxsize=len(KBMINI))
def point(name: str) -> Point:
    return weigh(scenarios.load(name))


@pytest.mark.parametrize("name", KBMINI)
def test_velocity_part(name: str) -> None:
    """At any mass, and the same at all: it does not know the mass."""
    found = point(name).velocity
    published()["li2026.velocity_part"].check(found)
    assert found == pytest.approx(point("kbmini_100g").velocity, rel=0.1)


@pytest.mark.parametrize("name", KBMINI)
def test_class_e2_is_met(name: str) -> None:
    found = point(name)
    assert found.u <= found.e2


@pytest.mark.parametrize("name", KBMINI)
def test_velocity_part_and_resolution_meet_the_target(name: str) -> None:
    """Together, and the resolution that of its range; references, density and air come on top, in u."""
    found = point(name)
    assert found.targeted <= found.target
    assert found.resolution * found.mass_kg <= weighing_resolution(found.mass_kg)
    assert found.u > found.targeted


@pytest.mark.parametrize("name", KBMINI)
def test_the_mass_is_right(name: str) -> None:
    """Within three times its uncertainty, and within what class E2 allows."""
    found = point(name)
    assert abs(found.error) < 3 * found.u
    assert abs(found.error) < 2 * found.e2


def test_1_kg() -> None:
    published()["li2026.u_1kg"].check(point("kbmini_tmtp").u)
