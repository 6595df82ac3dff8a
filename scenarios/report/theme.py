"""How pictures look: colours that everybody can tell apart, sizes that stay readable on a telephone, units on axes.

Nothing here touches pyplot or the user's own matplotlib settings, and the same data give the same bytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from scenarios.report.numbers import Prefix, superscript

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, VERMILLION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
SKY, PURPLE, BLACK, GREY = "#56B4E9", "#CC79A7", "#1a1a1a", "#6b7280"
"""Okabe and Ito's colours, which differ for every kind of colour vision; markers and line styles differ too."""

WIDTH: Final = 5.0
"""Of every picture (inch), so that its letters of 9.5 points have 9 pixels on a telephone and 15 on a desk."""

DPI: Final = 190
_LOOK: Final[Any] = {
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.labelsize": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#4b5563",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-4, 5),
    "grid.color": "#e5e7eb",
    "grid.linewidth": 0.7,
    "xtick.labelsize": 9.0,
    "ytick.labelsize": 9.0,
    "legend.fontsize": 9.0,
    "legend.frameon": False,
    "legend.handlelength": 2.2,
    "lines.linewidth": 1.4,
    "lines.markersize": 5.0,
    "errorbar.capsize": 2.5,
    "hatch.linewidth": 0.6,
    "path.simplify": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "kibble-twin",
}


class Panels(NamedTuple):
    """A figure and its panels, one below the other."""

    figure: Figure
    axes: list[Axes]


@dataclass(frozen=True)
class Picture:
    """A picture with what is said of it.

    Parameters
    ----------
    name : of its files.
    alt : what is seen, in a sentence, for those who cannot see it.
    caption : what is shown and what the signs mean.
    draw : draws it, under `look`.
    """

    name: str
    alt: str
    caption: str
    draw: Callable[[], Figure]


@dataclass(frozen=True)
class Rendered:
    """A picture as files."""

    name: str
    alt: str
    caption: str
    svg: bytes
    png: bytes


@contextmanager
def fresh_look() -> Iterator[None]:
    """Draw as reports do, whatever the user's own settings are; afterwards those hold again."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_LOOK)
        yield


def panels(*heights: float, share_x: bool = True) -> Panels:
    """A figure with panels of these heights (inch), one below the other."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, sum(heights) + 0.25), layout="constrained")
    axes = figure.subplots(
        len(heights), 1, squeeze=False, sharex=share_x, gridspec_kw={"height_ratios": heights}
    ).ravel()
    return Panels(figure, list(axes))


def render(picture: Picture) -> Rendered:
    """Draw a picture, as SVG and as PNG."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    with fresh_look():
        figure = picture.draw()
        svg = io.BytesIO()
        nothing = {"Creator": None, "Date": None, "Format": None, "Type": None}
        FigureCanvasSVG(figure).print_svg(svg, metadata=nothing)
        figure.set_layout_engine("none")  # everything is in its place now, for the PNG too
        png = as_png(figure, DPI)
    return Rendered(picture.name, picture.alt, picture.caption, svg.getvalue(), png)


def save(figure: Figure, path: Path) -> None:
    """Save a figure in the format of the suffix, in place of an older one only when it is complete.

    Raises
    ------
    OutputError
        If it cannot be written, such as on a full disk.
    """
    from scenarios.run.output import OutputError

    out = io.BytesIO()
    figure.savefig(out, format=path.suffix.lower().removeprefix("."), dpi=150)
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.write_bytes(out.getvalue())
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise OutputError(f"{path}: {(error.strerror or str(error)).lower()}; the picture is not saved") from error


def as_png(figure: Figure, dpi: float) -> bytes:
    """Draw a figure once (`savefig` draws it twice)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    out = io.BytesIO()
    figure.set_dpi(dpi)
    FigureCanvasAgg(figure).print_png(out, metadata={"Software": None})
    return out.getvalue()


def inline(rendered: Rendered) -> str:
    """The SVG as it stands in a page: without size and head, ids its own, with its alternative text."""
    text = rendered.svg.decode()
    text = text[text.index("<svg") :]
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1, flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1, flags=re.DOTALL)
    own = f"{rendered.name}-"
    text = re.sub(r'(\sid="|href="#|url\(#)', lambda found: found.group(1) + own, text)
    from html import escape

    label = escape(rendered.alt, quote=True)
    return text.replace("<svg", f'<svg role="img" aria-label="{label}"', 1).strip()


# --- axes ------------------------------------------------------------------------------------------------------------


def time_unit(span_s: float) -> Prefix:
    """The unit in which a span of time is drawn."""
    for size, unit in ((2 * 86400.0, "d"), (2 * 3600.0, "h"), (180.0, "min")):
        if span_s >= size:
            return Prefix(1.0 / {"d": 86400.0, "h": 3600.0, "min": 60.0}[unit], unit)
    return Prefix(1.0, "s")


def label(quantity: str, unit: str) -> str:
    """An axis label: a quantity and its unit."""
    return f"{quantity} / {unit}" if unit else quantity


def decades(axis: Any) -> None:
    """Write the decades of a logarithmic axis as 0.1, 1, 10, 10⁵; where they are few, 2 and 5 in between."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    def written(value: float, _: int) -> str:
        mantissa, _e, power = f"{value:.0e}".partition("e")
        if -3 < int(power) < 4:
            return f"{value:g}"
        return f"10{superscript(int(power))}" if mantissa == "1" else f"{mantissa} × 10{superscript(int(power))}"

    low, high = axis.get_view_interval()
    few = high < 30.0 * low
    axis.set_major_formatter(FuncFormatter(written))
    axis.set_minor_locator(LogLocator(subs=(2.0, 5.0), numticks=99))
    axis.set_minor_formatter(FuncFormatter(written) if few else NullFormatter())


def legend(axes: Axes, columns: int = 3) -> None:
    """A legend above the panel, where it hides nothing."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        columns = min(len(handles), columns)
        place: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "borderaxespad": 0.1}
        axes.legend(handles, labels, ncols=columns, columnspacing=1.2, handletextpad=0.5, **place)
