"""Masses in turn: each weighs what it weighs, its counterweight half of that, and upside down M is the other way."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from components.mass_set import MassSet
from components.roles import Magazine
from components.test_mass import TestMass
from tests.components.bench import bench
from twin.errors import SimulationError

INPUTS = {"gravity": 9.8, "air_density": 1.2, "stray_field": 45e-6, "stray_gradient": 1e-3}
STEEL = {"density": 8000.0, "susceptibility": 0.01, "magnetisation": 50.0}


def weighed(part: TestMass, mass: float | None = None, *, upside_down: bool = False) -> tuple[float, float]:
    """Weight of a mass that was asked for, and of its tare."""
    twin = bench(part, **INPUTS)
    if isinstance(part, MassSet):
        part.present(mass, upside_down=upside_down)
    return float(twin.signal("part.weight")(0.0)), float(twin.signal("part.tare_weight")(0.0))


@pytest.mark.parametrize("mass", [None, 1.0, 0.7, 0.5])
@pytest.mark.parametrize("upside_down", [False, True])
def test_each_weighs_as_it_would_alone(mass: float | None, upside_down: bool) -> None:
    several = MassSet(mass=1.0, further=[0.7, 0.5], **STEEL)
    turned = {**STEEL, "magnetisation": -50.0 if upside_down else 50.0}
    alone = TestMass(mass=mass or 1.0, **turned)
    assert isinstance(several, Magazine)
    assert weighed(several, mass, upside_down=upside_down) == pytest.approx(weighed(alone), rel=1e-15)


def test_upside_down_the_magnetisation_alone_turns_over() -> None:
    """The difference is 2 V M B', of the mass and not of the tare."""
    up, tare = weighed(MassSet(mass=1.0, **STEEL))
    down, same = weighed(MassSet(mass=1.0, **STEEL), upside_down=True)
    assert down - up == pytest.approx(2 * 1.0 / 8000.0 * 50.0 * 1e-3, rel=1e-8)
    assert same == tare


def test_there_is_no_other_mass() -> None:
    part = MassSet(mass=1.0, further=[0.5]).named("test_mass")
    bench(part, "test_mass")
    with pytest.raises(SimulationError, match=r"test_mass: there is no mass of 0.7 kg among 1, 0.5 kg"):
        part.present(0.7)


@pytest.mark.parametrize("further", [[1.0], [0.5, 0.5], [0.0], [-1.0]])
def test_masses_differ_and_are_masses(further: list[float]) -> None:
    with pytest.raises(ValidationError, match="expected masses above 0 kg that differ"):
        MassSet(mass=1.0, further=further)
