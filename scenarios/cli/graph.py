"""``kibble-twin graph``: what is wired to what."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from scenarios.cli.arguments import Settings, Source, experiment


def graph(
    scenario: Source,
    settings: Settings = None,
    picture: Annotated[
        Literal["mermaid", "dot", "svg"],
        typer.Option("--format", help="Text for Mermaid or Graphviz, or a picture: --format svg > balance.svg."),
    ] = "mermaid",
) -> None:
    """Print what is wired to what, as text or as a picture.

    Loops are marked; connections without influence with the present parameters are dashed.
    """
    from scenarios.run import drawing

    sys.stdout.write(getattr(drawing, picture)(experiment(scenario, settings).graph()))
