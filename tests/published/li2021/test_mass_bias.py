"""Li2021: a weakly magnetic coil biases either phase by the same, and the mass not at all."""

from __future__ import annotations

import pytest

import scenarios
from scenarios.run.result import Result
from tests.published.values import published

PART = {"area": "1.24e-4 m^2", "radius": "55.25 mm"}  # of KBmini's coil, Li2026


def weighed(susceptibility: float) -> Result:
    """KBmini with no other effect."""
    short = {"campaign.cycles": 2, "campaign.velocity.cycles": 60, "campaign.velocity.reading_step": 0.1}
    part = {"balance.coil.parts": [{**PART, "susceptibility": susceptibility}]}
    quick = {"thermal.start": "ambient", "campaign.weighing.reading_step": 1.0}
    result = scenarios.load("kbmini_tmtp").ideal().with_(short | quick | part).run()
    assert isinstance(result, Result)
    return result


def test_the_mass_does_not_know_the_susceptibility_of_the_coil() -> None:
    magnetic, none = weighed(-1e-5), weighed(0.0)
    published()["li2021.mass_bias"].check(magnetic.mass.mass_kg / none.mass.mass_kg - 1.0)
    # while either phase, and Bl with it, is off by −χ A_i r_a/(A_a r_i)
    expected = 1e-5 * 1.24e-4 * 54.5e-3 / (4.4e-4 * 55.25e-3)
    assert magnetic.mass.bl_Tm / none.mass.bl_Tm - 1.0 == pytest.approx(expected, rel=1e-6)
