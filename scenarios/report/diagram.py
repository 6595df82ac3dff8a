"""The component graph as a PNG: what `scenarios.run.drawing.svg` draws, for those who cannot show an SVG."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from scenarios.report.theme import as_png, fresh_look

if TYPE_CHECKING:
    from matplotlib.path import Path

NARROWER = 0.86  # DejaVu's letters are as much wider than those that the diagram is laid out for
_DOTS = 90
_LETTER = re.compile(r"([MCLh])([^MCLh]*)")


def png(svg: str) -> bytes:
    """Draw the rectangles, curves, circles and letters of a diagram.

    Parameters
    ----------
    svg : made of `rect`, `path` (M, L, C, h), `circle` and `text` elements.
    """
    from matplotlib.figure import Figure

    root = ElementTree.fromstring(svg)
    x, y, width, height = (float(number) for number in root.attrib["viewBox"].split())
    with fresh_look():
        figure = Figure(figsize=(width / 72, height / 72))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(x, x + width), ylim=(y + height, y))
        axes.set_axis_off()
        for order, element in enumerate(root):
            _draw(axes, element.tag.rpartition("}")[2], element.attrib, element.text or "", order)
        return as_png(figure, _DOTS)


def _draw(axes: Any, kind: str, given: dict[str, str], text: str, order: int) -> None:
    """Draw one element above those before it."""
    from matplotlib.patches import Circle, FancyBboxPatch, PathPatch

    def number(name: str, default: float = 0.0) -> float:
        return float(given.get(name, default))

    fill, edge = given.get("fill", "none"), given.get("stroke", "none")
    look: dict[str, Any] = {"fc": fill, "ec": edge, "lw": number("stroke-width", 1.0), "zorder": order}
    if kind == "rect":
        corner = f"round,pad=0,rounding_size={number('rx')}" if number("rx") else "square,pad=0"
        box = FancyBboxPatch((number("x"), number("y")), number("width"), number("height"), boxstyle=corner, **look)
        axes.add_patch(box)
    elif kind == "circle":
        axes.add_patch(Circle((number("cx"), number("cy")), number("r"), **look))
    elif kind == "path":
        dashes = (0, tuple(float(n) for n in given["stroke-dasharray"].split())) if "stroke-dasharray" in given else "-"
        axes.add_patch(PathPatch(_path(given["d"]), ls=dashes, **look))
    elif kind == "text":
        across = {"middle": "center", "end": "right"}.get(given.get("text-anchor", ""), "left")
        axes.text(
            number("x"), number("y"), text, color=fill, fontsize=NARROWER * number("font-size"), ha=across,
            va="baseline", weight=given.get("font-weight", "normal"), zorder=order,
        )  # fmt: skip


def _path(commands: str) -> Path:
    """A path of moves, lines and Bézier curves."""
    from matplotlib.path import Path

    points: list[tuple[float, float]] = []
    codes: list[int] = []
    for letter, rest in _LETTER.findall(commands):
        numbers = [float(n) for n in re.findall(r"-?[\d.]+", rest)]
        if letter == "h":
            points.append((points[-1][0] + numbers[0], points[-1][1]))
            codes.append(int(Path.LINETO))
            continue
        pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
        code = {"M": Path.MOVETO, "L": Path.LINETO, "C": Path.CURVE4}[letter]
        points += pairs
        codes += [int(code)] * len(pairs)
    return Path(points, codes)
