"""What mkdocs asks of us while it builds the site: tables that are made of the code, and the decisions one by one.

A page has ``<!-- table: components -->``, ``<!-- table: campaigns -->`` or ``<!-- table: commands -->`` where such a
table belongs. Pages that are in ``docs`` and that nobody has put into the navigation of ``mkdocs.yml`` are put there.
"""

from __future__ import annotations

import inspect
import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from scenarios.cli.app import main
from scenarios.schema import registry
from twin import plugins
from twin.parameter import Parameters

HERE = Path(__file__).parent
WIDE = ("effects.md", "validation.md")
_TABLE = re.compile(r"^<!-- table: (\w+) -->$", re.MULTILINE)


def on_config(config: Any) -> Any:
    """Every decision has a place in the navigation, and so has every page that has none yet."""
    told = set(_pages(config.nav))
    found = sorted(path.relative_to(HERE).as_posix() for path in HERE.rglob("*.md"))
    decisions = [name for name in found if name.startswith("decisions/")]
    more = [name for name in found if name not in told and name not in decisions]
    if more:
        config.nav.append({"More": more})
    config.nav.append({"Decisions": decisions})
    return config


def _pages(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    for entry in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from _pages(entry)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The page with its tables; beside wide ones there is no table of contents."""
    if page.file.src_uri in WIDE:
        page.meta.setdefault("hide", ["toc"])
    return _TABLE.sub(lambda match: TABLES[match[1]](), markdown)


# --- tables ----------------------------------------------------------------------------------------------------------


def components() -> str:
    """Every component with its parameters and ports."""
    return "\n".join(_class(name, registry.component_class(name)) for name in sorted(plugins.names(plugins.COMPONENTS)))


def campaigns() -> str:
    """Every campaign with its parameters."""
    return "\n".join(_class(name, registry.campaign_class(name)) for name in sorted(plugins.names(plugins.CAMPAIGNS)))


def commands() -> str:
    """What every command says of itself."""
    os.environ["COLUMNS"] = "100"
    parts = []
    for name in sorted(plugins.names(plugins.COMMANDS)):
        said = io.StringIO()
        with redirect_stdout(said):
            main([name, "--help"])
        parts.append(f"## {name}\n\n```text\n{said.getvalue().strip()}\n```\n")
    return "\n".join(parts)


TABLES: dict[str, Callable[[], str]] = {"components": components, "campaigns": campaigns, "commands": commands}


def _class(name: str, kind: type[Parameters]) -> str:
    parts = [f"## {name}\n\n{_plain(inspect.getdoc(kind) or '')}\n"]
    rows = list(_rows(kind, ""))
    if rows:
        parts.append("| parameter | unit | default | |\n| --- | --- | --- | --- |\n" + "\n".join(rows) + "\n")
    for title, ports in (("in", getattr(kind, "inputs", {})), ("out", getattr(kind, "outputs", {}))):
        if ports:
            listed = ", ".join(f"`{port}` ({declared.unit})" for port, declared in ports.items())
            parts.append(f"*{title}:* {listed}\n")
    faults = getattr(kind, "faults", {})
    if faults:
        parts.append("*faults:* " + ", ".join(f"`{fault}`" for fault in faults) + "\n")
    return "\n".join(parts)


def _rows(kind: type[Parameters], prefix: str) -> Iterator[str]:
    for name, field in kind.model_fields.items():
        if name == "uncertainties":  # of every component
            continue
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Parameters):
            yield from _rows(inner, f"{prefix}{name}.")
            continue
        default = "required" if field.is_required() else _shown(field.get_default(call_default_factory=True))
        source = f" ({extra['source']})" if extra.get("source") else ""
        text = f"{field.description or ''}{source}"
        cells = (f"`{prefix}{name}`", str(extra.get("unit", "")), default, text)
        yield "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _shown(value: Any) -> str:
    if value is None or value == {} or value == []:
        return "–"
    return f"`{value!r}`" if not isinstance(value, float) else f"`{value:g}`"


def _plain(docstring: str) -> str:
    """A docstring as Markdown: numpy's headings are bold, double backquotes single, and none in what is set off."""
    docstring = re.sub(r"^( {4,})``(.+)``", r"\1\2", docstring, flags=re.MULTILINE)
    text = re.sub(r"^(\w[\w ]*)\n-{3,}$", r"**\1**\n", docstring, flags=re.MULTILINE)
    return re.sub(r"``([^`]+)``", r"`\1`", text)
