"""``kibble-twin validate``: every published result beside what the twin's own commands tell."""

from __future__ import annotations

import io
import json
import shlex
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenarios.cli.arguments import Json
from scenarios.cli.exit_codes import DONE, UsageError
from scenarios.cli.progress import counted
from scenarios.cli.terminal import show, show_json, show_table
from twin.errors import TwinError

if TYPE_CHECKING:
    from scenarios.studies.published import Published


class ValidationError(TwinError):
    """The twin does not reproduce what it is held to."""


def validate(
    only: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Results to look at, or the beginnings of their ids; all by default."),
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print docs/validation.md instead.")] = False,
    as_json: Json = False,
) -> None:
    """Compare the twin with the published results.

    Exit code 3 if one that is asserted is outside its tolerance.
    """
    from scenarios.studies import validation as table
    from scenarios.studies.published import published

    chosen = [row for row in published() if not only or any(row.id.startswith(begin) for begin in only)]
    if not chosen:
        raise UsageError(f"no published result begins with {' or '.join(only or ())}; see kibble-twin validate --help")
    told: dict[str, dict[str, Any] | str] = {}
    commands = list(dict.fromkeys(row.command for row in chosen if row.command))
    for command in counted(commands, len(commands), "command"):
        told[command] = tell(command)
    rows = [table.row(row, told.get(row.command)) for row in chosen]
    wrong = [row for row in rows if row.passed is False]
    if as_json:
        show_json({"rows": [row.plain() for row in rows], "failed": len(wrong)})
    elif markdown:
        show(table.markdown(rows).rstrip())
    else:
        lines = [(row.published.id, *table.cells(row), row.reason) for row in rows]
        show_table(("result", "published", "twin", "ratio", "verdict", "reason"), lines, right=(1, 2, 3))
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise ValidationError(f"{_complaint(wrong[0].published, wrong[0].twin, wrong[0].failure)}{more}")


def tell(command: str) -> dict[str, Any] | str:
    """What a command of ours prints as JSON, or its error."""
    from scenarios.cli.app import main

    out, error = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(error):
        code = main([*shlex.split(command), "--json"])
    if code != DONE:
        return " ".join(error.getvalue().split()).removeprefix("error: ") or f"exit code {code}"
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def _complaint(row: Published, twin: float | None, failure: str) -> str:
    if failure or twin is None:
        return f"{row.id}: {failure}"
    return f"{row.id} ({row.where}): published {row.value:g} {row.unit}, the twin has {twin:g}"
