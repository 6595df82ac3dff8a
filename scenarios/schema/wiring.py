"""The wiring of a scenario: input ports on the left, the output ports that feed them on the right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from scenarios.schema.errors import KeyPath, Problem, ScenarioError, dotted, shown
from twin.component import Component
from twin.errors import WiringError
from twin.plugins import did_you_mean

if TYPE_CHECKING:
    from scenarios.schema.scenario import Scenario

PATH: KeyPath = ("balance", "wiring")


def checked(wiring: Any, parts: Mapping[str, Component | None], problems: list[Problem]) -> dict[str, str]:
    """The wiring as input port to output port.

    Parameters
    ----------
    wiring : what the scenario gives.
    parts : the components by name; None for one whose parameters are wrong, so that its ports are not known.
    problems : what is wrong; appended to.
    """
    if not isinstance(wiring, dict):
        problems.append(Problem(PATH, f"expected a mapping of input ports to output ports, not {shown(wiring)}"))
        return {}
    for target, source in wiring.items():
        path = (*PATH, target)
        text = _wrong_end(target, parts, "input")
        if text is None and not isinstance(source, str):
            text = f"expected an output port, written component.port, not {shown(source)}"
        text = text or _wrong_end(source, parts, "output")
        if text:
            problems.append(Problem(path, text))
    return dict(wiring)


def _wrong_end(end: str, parts: Mapping[str, Component | None], direction: str) -> str | None:
    """What is wrong with one end of a connection, or None."""
    name, dot, port = end.partition(".")
    if not (name and dot and port):
        return f"expected an {direction} port, written component.port, not {shown(end)}"
    if name not in parts:
        return f"there is no component {name!r}{did_you_mean(name, parts)}"
    part = parts[name]
    if part is None:
        return None
    ports, others = (part.inputs, part.outputs) if direction == "input" else (part.outputs, part.inputs)
    if port in ports:
        return None
    if port in others:
        side = "left" if direction == "output" else "right"
        return f"{end} is no {direction}; write it on the {side}: input: output"
    return f"{name} has no {direction} {port!r}{did_you_mean(port, ports)}"


def locate(scenario: Scenario, error: WiringError) -> ScenarioError:
    """A wiring error of the engine, with the file and line that wired the first of its ends that is wired.

    If none is, the place is that of the component that the first end belongs to.
    """
    ends = [end for end in error.ends if end]
    wired = [end for end in ends if end in scenario.wiring]
    fed = [target for end in ends for target, source in scenario.wiring.items() if source == end]
    named = [end.partition(".")[0] for end in ends if end.partition(".")[0] in scenario.balance.types]
    path: KeyPath = ("balance",)
    text = str(error)
    if wired or fed:
        path = (*PATH, (wired or fed)[0])
    elif named:
        path = ("balance", named[0])
        text = text.removeprefix(f"{named[0]}: ")  # which the key says
    place = scenario.position(path)
    return ScenarioError(text, file=place.file, line=place.line, key=dotted(path))
