"""The distribution of a reported mass by Monte Carlo (JCGM 101:2008), beside what the GUM's law of propagation says.

A trial is a whole campaign with another seed: other errors of every certificate, drawn from the distributions that the
parts state, and other noise. What the reduction then finds, less what is true, is a sample of the error of the mass.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scenarios.studies.trueness import Score

Array = NDArray[np.float64]
DIGITS = 2
"""Significant digits of the standard uncertainty that are held to matter (JCGM 101:2008, 7.9.2)."""


@dataclass(frozen=True, eq=False)
class Distribution:
    """What many trials say of the relative error of a mass.

    Parameters
    ----------
    errors : of the trials that gave a mass, ascending.
    reported : their relative standard uncertainties.
    refused : trials without a mass.
    coverage : probability of the intervals.
    """

    errors: Array
    reported: Array
    refused: int
    coverage: float

    @classmethod
    def of(cls, scores: Sequence[Score], coverage: float) -> Distribution:
        """Of the trials of a study.

        Raises
        ------
        ValueError
            If fewer trials gave a mass than an interval of this coverage needs.
        """
        pairs = np.array([(score.error, score.u) for score in scores]).reshape(-1, 2)
        kept = pairs[np.isfinite(pairs[:, 0])]
        if len(kept) * (1.0 - coverage) < 1.0:
            needed = math.ceil(1.0 / (1.0 - coverage) - 1e-9)
            raise ValueError(f"{len(kept)} trials gave a mass; an interval of {coverage:g} needs {needed} at least")
        order = np.argsort(kept[:, 0])
        return cls(kept[order, 0], kept[order, 1], len(pairs) - len(kept), coverage)

    @property
    def count(self) -> int:
        """Trials that gave a mass."""
        return len(self.errors)

    @property
    def mean(self) -> float:
        """Of the errors; 0 if nothing is biased."""
        return float(self.errors.mean())

    @property
    def u(self) -> float:
        """Standard deviation of the errors: the standard uncertainty of a mass, relative."""
        return float(self.errors.std(ddof=1))

    @property
    def u_of_u(self) -> float:
        """Standard uncertainty of `u`, for errors that are about normal."""
        return self.u / math.sqrt(2.0 * (self.count - 1))

    @property
    def gum_u(self) -> float:
        """Root mean square of the reported standard uncertainties."""
        return float(np.sqrt(np.mean(self.reported**2)))

    def _within(self) -> int:
        return min(int(self.coverage * self.count + 0.5), self.count - 1)

    @property
    def symmetric(self) -> tuple[float, float]:
        """The interval with as many errors below it as above (JCGM 101:2008, 7.7.2)."""
        inside = self._within()
        low = (self.count - inside) // 2
        return float(self.errors[low]), float(self.errors[min(low + inside, self.count - 1)])

    @property
    def shortest(self) -> tuple[float, float]:
        """The shortest interval of this coverage (JCGM 101:2008, 7.7.4)."""
        inside = self._within()
        starts = self.errors[: self.count - inside]
        at = int(np.argmin(self.errors[inside:] - starts))
        return float(self.errors[at]), float(self.errors[at + inside])

    @property
    def gum(self) -> tuple[float, float]:
        """The interval of the GUM: no bias, normal, `gum_u`."""
        from scipy.special import ndtri

        half = float(ndtri(0.5 + 0.5 * self.coverage)) * self.gum_u
        return -half, half

    @property
    def tolerance(self) -> float:
        """δ: half of the last digit of `gum_u` that matters (JCGM 101:2008, 7.9.2)."""
        return 0.5 * 10.0 ** (math.floor(math.log10(self.gum_u)) - DIGITS + 1)

    @property
    def differences(self) -> tuple[float, float]:
        """By how much the ends of the GUM's interval differ from the symmetric one's (JCGM 101:2008, 8.1)."""
        (low, high), (a, b) = self.symmetric, self.gum
        return abs(a - low), abs(b - high)

    @property
    def u_of_ends(self) -> float:
        """Standard uncertainty of an end of the symmetric interval, for errors that are about normal."""
        from scipy.special import ndtri

        tail = 0.5 * (1.0 - self.coverage)
        density = math.exp(-0.5 * float(ndtri(tail)) ** 2) / math.sqrt(2.0 * math.pi)
        return self.u * math.sqrt(tail * (1.0 - tail) / self.count) / density

    @property
    def validated(self) -> bool | None:
        """Whether the GUM's interval is good to `tolerance`; None if the trials are too few to tell."""
        worst = max(self.differences)
        if abs(worst - self.tolerance) < 2.0 * self.u_of_ends:
            return None
        return worst <= self.tolerance


def draw(found: Distribution, path: Path) -> None:
    """Save a histogram of the errors with both intervals.

    Parameters
    ----------
    path : of the picture; its suffix says the format.
    """
    from scenarios.report.numbers import relative_scale
    from scenarios.report.theme import BLUE, SKY, VERMILLION, fresh_look, label, legend, panels, save

    with fresh_look():
        figure, (axis,) = panels(3.0)
        scale = relative_scale(found.errors)
        bins = min(max(int(math.sqrt(found.count)), 8), 80)
        axis.hist(found.errors * scale.factor, bins=bins, density=True, color=SKY, ec=BLUE, lw=0.5)
        x = np.linspace(*axis.get_xlim(), 400)
        width = found.gum_u * scale.factor
        normal = np.exp(-0.5 * (x / width) ** 2) / (width * math.sqrt(2 * math.pi))
        axis.plot(x, normal, color=VERMILLION, label="GUM")
        for ends, colour, style, name in (
            (found.symmetric, BLUE, "--", f"{100 * found.coverage:g} %, Monte Carlo"),
            (found.gum, VERMILLION, ":", f"{100 * found.coverage:g} %, GUM"),
        ):
            for end, text in zip(ends, (name, None), strict=True):
                axis.axvline(end * scale.factor, color=colour, ls=style, label=text)
        axis.set(xlabel=label("error of the mass", scale.unit), ylabel="density")
        legend(axis)
        save(figure, path)
