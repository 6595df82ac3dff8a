"""Residuals: what was read less what the twin says, block by block, in the band that it may have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.report.numbers import Prefix, prefixed, readable
from scenarios.report.theme import BLUE, GREY, SKY, VERMILLION, Picture, label, panels, time_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
MOST = 8
"""Channels that are drawn."""
HEIGHT = 1.35
"""Of a panel (inch)."""


class Channel(NamedTuple):
    """A panel.

    Parameters
    ----------
    name, unit : of the channel.
    time_s, residual, band : of its blocks.
    marked : blocks that stand out.
    before : residuals before a fit; None if nothing was fitted.
    """

    name: str
    unit: str
    time_s: Array
    residual: Array
    band: Array
    marked: NDArray[np.bool_]
    before: Array | None = None


def shadow_pictures(shadow: Mapping[str, Any]) -> list[Picture]:
    """The residuals of a run with a shadow; none if nothing has a band."""
    found = [
        Channel(
            f"{c['channel']} {c['quantity']}".replace("_", " "),
            str(c["unit"]),
            np.asarray(c["time_s"], dtype=float),
            np.asarray(c["residual"], dtype=float),
            np.asarray(c["band"], dtype=float),
            np.asarray(c["alarm"], dtype=bool),
        )
        for c in shadow["channels"]
        if c["judged"]
    ]
    if not found:
        return []
    found.sort(key=lambda channel: not channel.marked.any())
    alarms = int(sum(channel.marked.sum() for channel in found))
    return [
        Picture(
            "shadow",
            f"Mean residual of each block in its band; channels: {min(len(found), MOST)}, alarms: {alarms}.",
            "Mean of reading − prediction for each block, in the band of the twin's noise and the certificates, "
            "expanded to one false alarm in a million. A cross has left it, or some of its readings have.",
            lambda: drawn(found[:MOST]),
        )
    ]


def drawn(channels: Sequence[Channel], band: str = "band") -> Figure:
    """A panel for each channel."""
    figure, axes = panels(*[HEIGHT] * len(channels))
    unit = time_unit(max(float(channel.time_s.max()) for channel in channels))
    for axis, channel in zip(axes, channels, strict=True):
        times = channel.time_s * unit.factor
        before = channel.residual if channel.before is None else channel.before
        sizes = np.concatenate([channel.residual, before, channel.band])
        scale = Prefix(1.0, "") if channel.unit in ("", "1") else prefixed(channel.unit, sizes)
        axis.axhline(0.0, color=GREY, lw=0.8)
        axis.errorbar(
            times, np.zeros(len(times)), yerr=channel.band * scale.factor, fmt="none", ecolor=SKY, lw=3.0, label=band
        )
        if channel.before is not None:
            axis.plot(times, before * scale.factor, "o", mfc="none", color=GREY, label="before", ms=4)
        good = ~channel.marked
        axis.plot(times[good], channel.residual[good] * scale.factor, "o", color=BLUE, label="residual", ms=4)
        if channel.marked.any():
            axis.plot(times[~good], channel.residual[~good] * scale.factor, "X", color=VERMILLION, label="alarm", ms=7)
        axis.set(ylabel=label("Δ", readable(scale.unit)))
        axis.set_title(channel.name)
    shown: dict[str, Any] = {}
    for axis in axes:
        shown |= dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    figure.legend(shown.values(), shown.keys(), loc="outside upper right", ncols=len(shown), columnspacing=1.2)
    axes[-1].set_xlabel(label("time", unit.unit))
    return figure
