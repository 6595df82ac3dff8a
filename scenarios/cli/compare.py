"""``kibble-twin compare``: two results, and what differs in their scenarios."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenarios.cli.arguments import Json, check_picture
from scenarios.cli.exit_codes import UsageError
from scenarios.cli.progress import busy
from scenarios.cli.terminal import show, show_json, show_table

if TYPE_CHECKING:
    from scenarios.studies.compare import Comparison

_HELP = "A folder of kibble-twin run --out, or a scenario, which is run."


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help=_HELP, show_default=False)],
    second: Annotated[str, typer.Argument(metavar="B", help=_HELP, show_default=False)],
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw both masses: png, svg.")] = None,
    as_json: Json = False,
) -> None:
    """Put two results side by side: what differs, and why?"""
    from scenarios.studies.compare import Comparison, side

    if plot is not None:
        check_picture(plot)
    with busy("reading or running both"):
        found = Comparison(side(first), side(second))
    tell(found, plot, as_json=as_json)


def tell(found: Comparison, plot: Path | None, *, as_json: bool) -> None:
    """Print a comparison, and draw it if that is asked for.

    Raises
    ------
    UsageError
        If there is nothing to draw.
    """
    from scenarios.studies.compare import draw

    if plot is not None:
        try:
            draw(found, plot)
        except ValueError as error:
            raise UsageError(f"--plot: {error}") from error
    if as_json:
        show_json(_plain(found))
    else:
        _show(found)


def _plain(found: Comparison) -> dict[str, Any]:
    return {
        "a": found.first.name,
        "b": found.second.name,
        "scenarios": [{"key": d.key, "a": d.before, "b": d.after} for d in found.scenarios],
        "results": {key: {"a": a, "b": b} for key, (a, b) in found.numbers.items()},
        "score": found.score,
    }


def _show(found: Comparison) -> None:
    heads = (found.first.name, found.second.name)
    changed = [(d.key, _text(d.before), _text(d.after)) for d in found.scenarios]
    if changed:
        show_table(("scenario, SI units", *heads), changed)
    else:
        show("the scenarios say the same")
    numbers = found.numbers
    show("")
    if not numbers:
        show("the results are the same")
        return
    rows = [
        (key, _figure(a), _figure(b), _figure(None if a is None or b is None else b - a))
        for key, (a, b) in numbers.items()
    ]
    show_table(("result, SI units", *heads, "difference"), rows, right=(1, 2, 3))
    show("", "a unit is the end of a result's name, as in mass_kg; relative, or a number, where none is named")
    if found.score is not None:
        show("", f"errors of the mass differ by {found.score:+.2g} standard uncertainties of their difference")


def _text(value: Any) -> str:
    text = "–" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 48 else text[:47] + "…"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.8g}"
