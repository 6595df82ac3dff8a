"""``kibble-twin list``: what is installed."""

from __future__ import annotations

from scenarios.cli.arguments import Json
from scenarios.cli.terminal import show, show_json, show_table


def list_(as_json: Json = False) -> None:
    """List the shipped scenarios, and the parts that are installed."""
    from rich.text import Text

    from twin import plugins

    scenarios = _scenarios()
    groups = {
        "campaigns": plugins.names(plugins.CAMPAIGNS),
        "components": plugins.names(plugins.COMPONENTS),
        "drivers": plugins.names(plugins.DRIVERS),
        "commands": plugins.names(plugins.COMMANDS),
    }
    if as_json:
        show_json({"scenarios": scenarios, **{key: list(names) for key, names in groups.items()}})
        return
    show_table(("scenarios", ""), ((f"  {name}", text) for name, text in scenarios.items()))
    for key, names in groups.items():
        show("", Text(key, style="bold"), *(f"  {line}" for line in _lines(names)))


def _scenarios() -> dict[str, str]:
    """The shipped scenarios with their descriptions."""
    from scenarios.schema.document import read
    from scenarios.schema.library import find, shipped
    from scenarios.schema.merge import extended

    paths = {name: find(name) for name in shipped()}
    return {name: str(extended(read(path), path).tree.get("description", "")) for name, path in paths.items()}


def _lines(names: tuple[str, ...], width: int = 74) -> list[str]:
    """Names in lines of at most `width` characters."""
    from textwrap import wrap

    return wrap(", ".join(names), width) or ["none"]
