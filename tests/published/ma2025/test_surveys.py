"""Ma2025: the field around the magnet while its motor lifts it by 10 mm."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pytest

import scenarios
from tests.published.values import published


@lru_cache(maxsize=1)
def survey() -> Any:
    return scenarios.load("tsinghua_environment_survey").run().findings


def test_fluxgates_that_stand_still() -> None:
    """From the Earth's field and the yoke's volume alone."""
    published()["ma2025.survey.static_change"].check(survey()["static_radial_change_T"].value)


@pytest.mark.parametrize("ring", ["moving_radial", "moving_vertical"])
def test_fluxgates_that_move_along(ring: str) -> None:
    published()["ma2025.survey.co_moving_change"].check(survey()[f"{ring}_change_T"].value)
    assert abs(survey()[f"{ring}_switching_T"].value) < 0.1e-6  # no step when the motor is switched
