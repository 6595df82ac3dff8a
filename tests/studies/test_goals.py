"""Objectives and limits in words."""

from __future__ import annotations

import pytest

from scenarios.studies.goals import Constraint, Objective, constraint, objective


@pytest.mark.parametrize(
    ("text", "expected", "cost"),
    [
        ("magnet_mass", Objective("magnet_mass", "magnet_mass"), 3.0),
        ("|epsilon|", Objective("|epsilon|", "epsilon", magnitude=True), 2.0),
        ("| epsilon |", Objective("| epsilon |", "epsilon", magnitude=True), 2.0),
        ("max magnet_mass", Objective("max magnet_mass", "magnet_mass", largest=True), -3.0),
        ("max |epsilon|", Objective("max |epsilon|", "epsilon", magnitude=True, largest=True), -2.0),
    ],
)
def test_an_objective(text: str, expected: Objective, cost: float) -> None:
    assert objective(text) == expected
    assert expected.cost({"magnet_mass": 3.0, "epsilon": -2.0}) == cost


@pytest.mark.parametrize(
    ("text", "expected", "value", "excess"),
    [
        ("|epsilon| <= 1e-8", Constraint("|epsilon| <= 1e-8", "epsilon", True, 1e-8, True), -3e-8, 2.0),
        ("epsilon<=1e-8", Constraint("epsilon<=1e-8", "epsilon", False, 1e-8, True), -3e-8, 0.0),
        ("power <= 50 mW", Constraint("power <= 50 mW", "power", False, 0.05, True), 0.06, 0.2),
        ("diameter >= 100 mm", Constraint("diameter >= 100 mm", "diameter", False, 0.1, False), 0.05, 0.5),
        ("epsilon >= 0", Constraint("epsilon >= 0", "epsilon", False, 0.0, False), -2.0, 2.0),
    ],
)
def test_a_limit(text: str, expected: Constraint, value: float, excess: float) -> None:
    """With a unit or without; how far it is broken, relative to it."""
    assert constraint(text) == expected
    assert expected.excess({expected.output: value}) == pytest.approx(excess)
    assert expected.excess({expected.output: expected.limit}) == 0.0


@pytest.mark.parametrize(
    ("made", "text", "message"),
    [
        (objective, "", "expected an output"),
        (objective, "min epsilon", "expected an output"),
        (objective, "|epsilon", "expected an output"),
        (objective, "epsilom", "there is no output 'epsilom'.*epsilon"),
        (constraint, "epsilon", "expected a limit such as"),
        (constraint, "epsilon < 1", "expected a limit such as"),
        (constraint, "epsilon <= 1 kg", "expected a quantity in 1"),
        (constraint, "epsilon <= inf", "expected a number, not 'inf'"),
    ],
)
def test_what_is_none(made: object, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        made(text)  # type: ignore[operator]
