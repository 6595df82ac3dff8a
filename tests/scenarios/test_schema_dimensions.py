"""Dimensions of a geometry are set by their own names, dots and all."""

from __future__ import annotations

import pytest

import scenarios
from components.thermal_mass import ThermalMass
from scenarios.schema import ScenarioError


@pytest.mark.parametrize("dimension", ["ring.0", "coil.fill", "ring_height"])
def test_a_dimension_is_set_by_its_name(dimension: str) -> None:
    """As in the file, so on the command line: the dots are part of the name."""
    experiment = scenarios.load("kbmini_tmtp", [f"balance.thermal_mass.dimensions.{dimension}=0.012"])
    part = experiment.scenario.balance.parts["thermal_mass"]
    assert isinstance(part, ThermalMass)
    assert part.dimensions == {dimension: 0.012}
    assert experiment.with_({f"balance.thermal_mass.dimensions.{dimension}": None}).scenario != experiment.scenario
    with pytest.raises(ScenarioError, match=r"unknown dimension 'ring\.2'"):
        scenarios.load("kbmini_tmtp", ["balance.thermal_mass.dimensions.ring.2=12 mm"])
