"""The parameters of a scenario by their paths: what unit a value has, and whether it is allowed there."""

from __future__ import annotations

from typing import Any

from scenarios.run.experiment import Experiment
from scenarios.schema import Scenario
from scenarios.schema.check import BalanceHead, Head
from scenarios.schema.fields import unit_at
from twin.parameter import to_si

Value = float | int | str | bool


def unit_of_path(scenario: Scenario, path: str) -> str | None:
    """The SI unit of the numbers at a path such as ``balance.scale``; None for what is no physical quantity."""
    first, *rest = path.split(".")
    if first == "balance" and len(rest) > 1 and rest[0] in scenario.balance.parts:
        return unit_at(type(scenario.balance.parts[rest[0]]), _keys(rest[1:]))
    if first == "balance":
        return unit_at(BalanceHead, _keys(rest))
    if first == "campaign":
        return unit_at(type(scenario.campaign), _keys(rest))
    if first in scenario.sections:
        return unit_at(type(scenario.sections[first]), _keys(rest))
    return unit_at(Head, _keys([first, *rest]))


def _keys(parts: list[str]) -> tuple[str | int, ...]:
    return tuple(int(part) if part.isdigit() else part for part in parts)


def number(scenario: Scenario, path: str, value: Any) -> Value:
    """A value for a path: text with a unit becomes a number in the SI unit of the parameter; the rest stays.

    Raises
    ------
    ValueError
        If the text is no quantity of that unit.
    """
    unit = unit_of_path(scenario, path)
    found: Value = to_si(value, unit) if isinstance(value, str) and unit is not None else value
    return found


def present(experiment: Experiment, path: str) -> Any:
    """The value that a scenario has at a path, in SI; None if it has none there.

    Parameters
    ----------
    path : with dots.
    """
    node: Any = experiment.scenario.resolved
    for part in path.split("."):
        if isinstance(node, list) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        elif isinstance(node, dict) and part in node:
            node = node[part]
        else:
            return None
    return node
