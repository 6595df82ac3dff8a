"""The faults of a scenario: what goes wrong with which component, when and by how much.

faults:
  zener:
    component: voltage_reference
    fault: step
    time: 2 h
    size: 1 ppm
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from scenarios.schema.errors import KeyPath, Problem, shown
from scenarios.schema.validate import validated
from twin.component import Component
from twin.fault import FOREVER, PlannedFault
from twin.parameter import Parameters, difference_to_si, parameter
from twin.plugins import did_you_mean
from twin.times import to_ns


class Fault(Parameters):
    """One fault. Its name is the key that it stands under."""

    component: str = Field(description="name of the component")
    fault: str = Field(description="one of the faults that the component can have")
    time: float = parameter("s", ge=0, description="when it begins, after the start of the campaign")
    duration: float | None = parameter("s", None, gt=0, description="how long it lasts; none: for good")
    size: float | str | None = Field(None, description="in the unit of the fault; none: its usual size")

    def planned(self) -> PlannedFault:
        """The fault as the engine takes it."""
        assert isinstance(self.size, float)
        start = to_ns(self.time)
        return PlannedFault(
            self.fault, start, FOREVER if self.duration is None else start + to_ns(self.duration), self.size
        )


def checked(given: Any, parts: Mapping[str, Component], problems: list[Problem]) -> dict[str, Fault]:
    """The faults by name.

    Parameters
    ----------
    given : what the scenario gives.
    parts : the components by name.
    problems : what is wrong; appended to.
    """
    path: KeyPath = ("faults",)
    if not isinstance(given, dict):
        problems.append(Problem(path, f"expected a mapping of names to faults, not {shown(given)}"))
        return {}
    found: dict[str, Fault] = {}
    for name, values in given.items():
        here = (*path, name)
        if not isinstance(values, dict):
            problems.append(Problem(here, f"expected a mapping with component, fault and time, not {shown(values)}"))
            continue
        fault = validated(Fault, values, here, problems)
        if fault is not None and (sized := _sized(fault, parts, here, problems)) is not None:
            found[name] = sized
    return found


def _sized(fault: Fault, parts: Mapping[str, Component], path: KeyPath, problems: list[Problem]) -> Fault | None:
    """The fault with its size as a number in the unit of its kind."""
    part = parts.get(fault.component)
    if part is None:
        text = f"there is no component {fault.component!r}{did_you_mean(fault.component, parts)}"
        problems.append(Problem((*path, "component"), text))
        return None
    kind = part.faults.get(fault.fault)
    if kind is None:
        hint = did_you_mean(fault.fault, part.faults) if part.faults else "; it has no faults"
        problems.append(Problem((*path, "fault"), f"{fault.component} cannot have the fault {fault.fault!r}{hint}"))
        return None
    if kind.passing and fault.duration is None:
        problems.append(Problem((*path, "duration"), "missing key 'duration'; expected a time in s"))
        return None
    size: Any = kind.default if fault.size is None else fault.size
    if size is None:
        problems.append(Problem((*path, "size"), f"missing key 'size'; expected a number in {kind.unit}"))
        return None
    try:
        number = difference_to_si(size, kind.unit) if isinstance(size, str) else float(size)
    except ValueError as error:
        problems.append(Problem((*path, "size"), str(error)))
        return None
    return fault.model_copy(update={"size": number})
