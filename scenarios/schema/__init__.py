"""From a scenario file to a validated `Scenario`.

`load` reads a file or a shipped scenario, `load_text` a text; `shipped` lists what is there; `json_schema` describes
the format; `locate` ties an error of the engine to the line that caused it. What is wrong with a file is a
`ScenarioError`.

Names are imported when they are first used, so that a command that only lists scenarios does not wait for pydantic.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scenarios.schema.check import Balance
    from scenarios.schema.errors import Position, ScenarioError
    from scenarios.schema.export import json_schema
    from scenarios.schema.library import shipped
    from scenarios.schema.scenario import Scenario, load, load_text
    from scenarios.schema.wiring import locate

__all__ = [
    "Balance",
    "Position",
    "Scenario",
    "ScenarioError",
    "json_schema",
    "load",
    "load_text",
    "locate",
    "shipped",
]

_HOME = {
    "Balance": "check",
    "Position": "errors",
    "ScenarioError": "errors",
    "json_schema": "export",
    "shipped": "library",
    "Scenario": "scenario",
    "load": "scenario",
    "load_text": "scenario",
    "locate": "wiring",
}


def __getattr__(name: str) -> Any:
    """Import a public name from the module that defines it."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
