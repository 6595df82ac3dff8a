"""The files of a report: the page, and its pictures as SVG and PNG."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import chain
from pathlib import Path

from scenarios.report.diagram import png
from scenarios.report.page import page
from scenarios.report.pictures import SECTIONS
from scenarios.report.pictures_shadow import shadow_pictures
from scenarios.report.theme import Rendered, render
from scenarios.run.build import build
from scenarios.run.drawing import svg
from scenarios.run.measured import Measured
from scenarios.run.output import PICTURES, REPORT, OutputFolder
from scenarios.run.reopen import Origin
from scenarios.run.result import Result
from scenarios.schema import Scenario


def add_report(
    result: Result | Measured, origin: Origin, folder: OutputFolder, *, generated: datetime | None = None
) -> None:
    """Put the report of a run beside its results, in place of one that is there.

    Parameters
    ----------
    folder : of the results, claimed.
    generated : the date on it; now by default.
    """
    folder.add(lambda target: write_files(result, origin, target, generated or datetime.now().astimezone()))


def write_files(result: Result | Measured, origin: Origin, target: Path, generated: datetime) -> None:
    """Write the page and the folder of pictures into a folder that has neither."""
    if isinstance(result, Measured):
        from scenarios.report import measured

        own = [render(picture) for picture in measured.pictures(result)]
        graph = _write_pictures(result.scenario, target, [*own, *_beside(result)])
        (target / REPORT).write_text(measured.page(result, origin, own, graph, generated), encoding="utf-8")
        return
    drawn = {section: [render(p) for make in makers if (p := make(result))] for section, makers in SECTIONS.items()}
    graph = _write_pictures(result.scenario, target, [*chain(*drawn.values()), *_beside(result)])
    (target / REPORT).write_text(page(result, origin, drawn, graph, generated), encoding="utf-8")


def _beside(result: Result | Measured) -> list[Rendered]:
    """Of the twin beside the run, if there was one."""
    return [render(picture) for picture in shadow_pictures(result.shadow)] if result.shadow else []


def _write_pictures(scenario: Scenario, target: Path, drawn: Iterable[Rendered]) -> str:
    """Write the folder of pictures; returns the component graph as SVG, which is one of them."""
    graph = svg(build(scenario).twin.graph)
    pictures = target / PICTURES
    pictures.mkdir()
    for rendered in drawn:
        _write(pictures, rendered)
    (pictures / "graph.svg").write_text(graph, encoding="utf-8")
    (pictures / "graph.png").write_bytes(png(graph))
    return graph


def _write(folder: Path, rendered: Rendered) -> None:
    (folder / f"{rendered.name}.svg").write_bytes(rendered.svg)
    (folder / f"{rendered.name}.png").write_bytes(rendered.png)
