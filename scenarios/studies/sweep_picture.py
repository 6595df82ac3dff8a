"""Picture of a sweep: a panel for each output, over the longest axis; further axes and variants as lines or colours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.report.numbers import readable
from scenarios.report.theme import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    decades,
    fresh_look,
    label,
    legend,
    panels,
    save,
)
from scenarios.studies.dataset import dataset
from scenarios.studies.journal import Row
from scenarios.studies.outputs import OUTPUTS
from scenarios.studies.study import Study

Array = NDArray[np.float64]
LINES = 8
"""Of a panel, at most; more become colours, or points."""
PANELS = 6
DECADES = 30.0
"""Largest over smallest from which an axis is logarithmic."""
_LOOKS = tuple(zip((BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, GREY, "#1a1a1a"), "osD^vPX*", strict=True))


class PictureError(ValueError):
    """There is nothing to draw."""


def draw(study: Study, rows: Sequence[Row], path: Path) -> None:
    """Save the outputs of a sweep against its axes.

    Parameters
    ----------
    path : of the picture; its suffix says the format.

    Raises
    ------
    PictureError
        If no axis has numbers, or no point has a value.
    """
    data = dataset(study, rows)
    numeric = [each.name for each in study.axes if np.issubdtype(data[each.name].dtype, np.number)]
    outputs = [name for name in study.outputs if np.isfinite(data[name].values).any()][:PANELS]
    if not numeric or not outputs:
        raise PictureError("there is nothing to draw: no axis has numbers" if outputs else "no point has a value")
    along = max(numeric, key=lambda name: data[name].size) if study.is_grid else numeric[0]
    with fresh_look():
        figure, axes = panels(*(2.4 for _ in outputs))
        for axis, name in zip(axes, outputs, strict=True):
            _panel(figure, axis, _Panel(study, data, along, name))
        axes[-1].set_xlabel(_named(data, along))
        legend(axes[0], columns=2)
        save(figure, path)


@dataclass(frozen=True)
class _Panel:
    """What of a dataset goes into a panel."""

    study: Study
    data: Any
    along: str
    output: str

    @property
    def x(self) -> Array:
        """Values of the axis that goes to the right."""
        return np.asarray(self.data[self.along].values, dtype=float)

    @property
    def others(self) -> list[str]:
        """The dimensions beside it."""
        return [dim for dim in self.data[self.output].dims if dim != self.along]

    def shown(self, values: Array) -> Array:
        """The values, or their sizes where they have a sign and go over decades."""
        return np.abs(values) if self.of_size else values

    @property
    def of_size(self) -> bool:
        """Whether sizes are drawn, on a logarithmic axis."""
        values = self.data[self.output].values
        known = np.abs(values[np.isfinite(values) & (values != 0)])
        return bool(known.size and (values < 0).any() and known.max() > DECADES * known.min())

    def curves(self) -> Iterator[tuple[str, Array]]:
        """Along the axis, for each combination of what is beside it."""
        values = self.data[self.output].transpose(*self.others, self.along)
        ranges = [range(self.data.sizes[dim]) for dim in self.others]
        for place in product(*ranges):
            parts = [_value(self.data, dim, i) for dim, i in zip(self.others, place, strict=True)]
            yield ", ".join(parts), self.shown(values.values[place])


def _panel(figure: Any, axis: Any, panel: _Panel) -> None:
    values = panel.data[panel.output]
    count = values.size // max(panel.data[panel.along].size, 1)
    others = panel.others
    if not panel.study.is_grid:
        _points(figure, axis, panel)
    elif count <= LINES:
        for (name, y), (colour, marker) in zip(panel.curves(), _LOOKS, strict=False):
            axis.plot(panel.x, y, marker=marker if len(y) <= 24 else None, ms=3.5, color=colour, label=name or None)
    elif len(others) == 1 and np.issubdtype(panel.data[others[0]].dtype, np.number):
        _map(figure, axis, panel, others[0])
        return
    else:
        for _, y in panel.curves():
            axis.plot(panel.x, y, color=BLUE, lw=0.6, alpha=0.5)
    unit = readable(OUTPUTS[panel.output].unit)
    name = panel.output.replace("_", " ")
    axis.set_ylabel(label(f"|{name}|" if panel.of_size else name, unit))
    _logarithmic(axis, "x", panel.x)
    _logarithmic(axis, "y", panel.shown(values.values))


def _points(figure: Any, axis: Any, panel: _Panel) -> None:
    """Of samples, point by point; a second axis in colour."""
    variants = list(panel.study.variants) or [""]
    numeric = [e.name for e in panel.study.axes if np.issubdtype(panel.data[e.name].dtype, np.number)]
    second = next((name for name in numeric if name != panel.along), None)
    y = panel.shown(np.atleast_2d(panel.data[panel.output].values))
    for own, name, (colour, marker) in zip(y, variants, _LOOKS, strict=False):
        if second is None or len(variants) > 1:
            axis.plot(panel.x, own, marker, ms=3.5, color=colour, label=name or None)
        else:
            seen = axis.scatter(panel.x, own, c=panel.data[second].values, s=12, marker=marker, cmap="viridis")
            figure.colorbar(seen, ax=axis, label=_named(panel.data, second))


def _map(figure: Any, axis: Any, panel: _Panel, across: str) -> None:
    """Two axes as a map of colours."""
    from matplotlib.colors import LogNorm

    z = panel.shown(panel.data[panel.output].transpose(across, panel.along).values)
    known = z[np.isfinite(z) & (z > 0)]
    over_decades = known.size == np.isfinite(z).sum() and known.max() > DECADES * known.min()
    y = np.asarray(panel.data[across].values, dtype=float)
    norm = LogNorm(known.min(), known.max()) if over_decades else None
    shown = axis.pcolormesh(panel.x, y, z, norm=norm, cmap="viridis", shading="nearest")
    axis.grid(visible=False)
    name = panel.output.replace("_", " ")
    text = label(f"|{name}|" if panel.of_size else name, readable(OUTPUTS[panel.output].unit))
    figure.colorbar(shown, ax=axis, label=text)
    axis.set_ylabel(_named(panel.data, across))
    _logarithmic(axis, "x", panel.x)
    _logarithmic(axis, "y", y)


def _logarithmic(axis: Any, which: str, values: Array) -> None:
    """Where the values are positive and go over more than a decade."""
    known = values[np.isfinite(values)]
    least = 4.0 if which == "x" else DECADES
    if known.size and known.min() > 0 and known.max() >= least * known.min():
        getattr(axis, f"set_{which}scale")("log")
        decades(getattr(axis, f"{which}axis"))


def _named(data: Any, name: str) -> str:
    return label(name.replace("_", " "), readable(data[name].attrs.get("units", "")))


def _value(data: Any, dim: str, i: int) -> str:
    """A value of an axis in words."""
    value = data[dim].values[i]
    if isinstance(value, str):
        return value
    unit = readable(data[dim].attrs.get("units", ""))
    return f"{dim} = {value:g} {unit}".rstrip()
