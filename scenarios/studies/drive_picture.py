"""A picture of a drive found step by step: velocity and current over a cycle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scenarios.report.theme import save
from scenarios.studies.drive import Step, Task


def draw(steps: Sequence[Step], task: Task, path: Path) -> None:
    """Save a picture of what each step made of velocity and current.

    Parameters
    ----------
    steps : the drives.
    task : what they were to do.
    path : of the picture; its suffix says the format (png, svg, pdf).
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 7), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    phase = np.linspace(0.0, 1.0, 1001)
    time = phase / task.frequency
    for k, step in enumerate(steps):
        colour = colormaps["viridis"](0.9 * k / max(len(steps) - 1, 1))
        name = ", ".join(map(str, step.motion.drive))
        above.plot(time, 1e3 * step.motion.at(phase)[1], color=colour, label=name)
        below.plot(time, 1e3 * step.motion.current(phase), color=colour)
    for middle in (0.25, 0.75):
        start = middle / task.frequency - 0.5 * task.window
        above.axvspan(start, start + task.window, color="0.9", zorder=0)
    for sign in (-1.0, 1.0):
        below.axhline(sign * 1e3 * task.limit, color="0.5", linestyle="--")
    above.set_ylabel("velocity of the coil / (mm/s)")
    below.set_ylabel("current / mA")
    below.set_xlabel("time / s")
    above.legend(title="harmonics", loc="upper right")
    figure.suptitle("Harmonics added to the drive; grey: the windows, dashed: the limit")
    save(figure, path)
