"""The page of a report: one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenarios.report import hardware, tables
from scenarios.report.pictures_shadow import shadow_pictures
from scenarios.report.tables import Row
from scenarios.report.theme import Rendered, inline, render
from scenarios.run.record import Record, package_version
from scenarios.run.reopen import Origin
from scenarios.run.result import Result

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

INLINE_LIMIT = 300_000
"""Size of an SVG (bytes) beyond which the page holds the PNG instead."""
LEGIBLE = 0.72
"""Of its own size, down to which the component graph shrinks."""


@dataclass(frozen=True)
class Figure:
    """A picture on the page."""

    content: Markup
    caption: str


def page(
    result: Result, origin: Origin, pictures: Mapping[str, Sequence[Rendered]], graph: str, generated: datetime
) -> str:
    """The report as HTML.

    Parameters
    ----------
    pictures : by section.
    graph : the component graph as SVG.
    generated : when; it stands in the last section only.
    """
    corrections, idle = tables.corrections(result)
    template = templates().get_template("report.html.j2")
    text = template.render(
        **provenance(result, origin, graph, generated),
        result=result,
        headline=tables.headline(result),
        verdict=None if result.hardware else tables.verdict(result),
        expanded=tables.expanded(result),
        summary=tables.summary(result, origin),
        figures={section: [figure(rendered) for rendered in found] for section, found in pictures.items()},
        budget=tables.budget(result),
        corrections=corrections,
        idle=idle,
        excluded=tables.excluded(result),
        notes=result.notes,
    )
    return text.lstrip()


def provenance(result: Record, origin: Origin, graph: str, generated: datetime) -> dict[str, Any]:
    """What every report tells of the scenario, the balance and the run; the arguments are those of `page`."""
    return {
        "scenario": result.scenario,
        "graph": diagram(graph),
        "parent": origin.parent,
        "differences": tables.differences(origin),
        "resolved": result.scenario.to_yaml(),
        "run_facts": tables.run_facts(result, origin),
        "report_facts": report_facts(generated),
        **beside(result),
    }


def beside(result: Record) -> dict[str, Any]:
    """What every report tells of real instruments, and of the twin beside the run."""
    instruments, shadow = hardware.instruments(result), dict(result.shadow)
    title = "Real instruments" if instruments else "Shadow"
    return {
        "kind": hardware.kind(result),
        "instruments": instruments,
        "hardware_facts": hardware.facts(result),
        "unverified": hardware.unverified(result),
        "shadow": shadow,
        "shadow_figures": [figure(render(picture)) for picture in shadow_pictures(shadow)] if shadow else [],
        "beside": [("hardware", title)] if instruments or shadow else [],
    }


def figure(rendered: Rendered) -> Figure:
    """A picture as inline SVG, or as PNG where that is smaller by far."""
    from markupsafe import Markup

    if len(rendered.svg) <= INLINE_LIMIT:
        return Figure(Markup(inline(rendered)), rendered.caption)
    data = base64.b64encode(rendered.png).decode()
    image = f'<img alt="{escape(rendered.alt, quote=True)}" src="data:image/png;base64,{data}">'
    return Figure(Markup(image), rendered.caption)


def diagram(graph: str) -> Markup:
    """The component graph as wide as there is room, but not so small that its letters cannot be read."""
    from markupsafe import Markup

    stated = re.search(r'width="(\d+)"', graph)
    assert stated is not None, "our own SVG states its width"
    width = float(stated.group(1))
    size = f'style="width:100%;height:auto;min-width:{LEGIBLE * width:.0f}px;max-width:{width:.0f}px"'
    graph = re.sub(r'width="\d+" height="\d+" style="[^"]*"', size, graph, count=1)
    return Markup(graph.replace("<svg", '<svg role="img" aria-label="Component graph of the balance"', 1))


def report_facts(generated: datetime) -> list[Row]:
    """How, where and when the page was made, which has no part in the results."""
    import matplotlib
    import numpy as np

    return [
        Row("Generated", generated.isoformat(sep=" ", timespec="seconds")),
        Row("kibble-twin", package_version()),
        Row("Python", platform.python_version()),
        Row("NumPy, Matplotlib", f"{np.__version__}, {matplotlib.__version__}"),
        Row("Host", f"{platform.node() or 'unnamed'}: {platform.system()} {platform.release()}, {platform.machine()}"),
    ]


@cache
def templates() -> Environment:
    """The templates of the pages; values are escaped, and one that a template misses is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    options: dict[str, Any] = {"trim_blocks": True, "lstrip_blocks": True, "undefined": StrictUndefined}
    return Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, **options)
