"""What the commands print: results to standard output, all else to standard error, one message a line.

Colour and progress are for terminals; ``NO_COLOR`` turns colour off. In a pipe lines keep their length.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_WIDE = 1000


def console(*, stderr: bool = False) -> Console:
    """A console on standard output or standard error."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=None if stream.isatty() else _WIDE)


def show(*what: RenderableType) -> None:
    """Print to standard output; lines are not broken."""
    out = console()
    for item in what:
        out.print(item, soft_wrap=isinstance(item, str))


def show_table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> None:
    """Print a table; the columns in `right` are aligned to the right."""
    from rich.table import Table

    table = Table(*headings, box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for index in right:
        table.columns[index].justify = "right"
    for row in rows:
        table.add_row(*row)
    show(table)


def show_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object on one line; floats keep every digit."""
    sys.stdout.write(json.dumps(value, allow_nan=False, ensure_ascii=False) + "\n")


def note(text: str) -> None:
    """Print one line to standard error."""
    sys.stderr.write(" ".join(text.split()) + "\n")
    sys.stderr.flush()


def error_line(text: str) -> None:
    """Print what went wrong, on one line of standard error."""
    from rich.text import Text

    console(stderr=True).print(Text.assemble(("error:", "bold red"), " ", " ".join(text.split())), soft_wrap=True)
