"""How far what real instruments have read may be from what was truly there, for a twin that follows their readings.

A run's twin follows what was read as if it were true. A member of an ensemble takes it for what its own instrument has
shown: with the errors of this member's certificates, a draw of its noise, and the calibration's uncertainty. Its parts
follow what is left.

Readings are followed later by a latency, within which the truth has gone on. How far nobody knows, since a line between
two readings is noise and change: a noisy member goes on along it for a share of the latency, drawn once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from components.fed import Fed
from scenarios.schema import Scenario
from twin.noise import Streams
from twin.piece import Piece, constant, ramp
from twin.times import to_ns
from twin.twin import Twin

Array = NDArray[np.float64]
TOLD = "told_"
"""How the timelines are called that follow readings."""


class Doubt:
    """What one twin makes of readings that it is told.

    Parameters
    ----------
    scenario : as this twin is, with the instruments that are real.
    twin : whose parts err.
    quiet : whether it errs as its certificates allow, and has no noise; or has noise alone.
    """

    def __init__(self, scenario: Scenario, twin: Twin, *, quiet: bool) -> None:
        self._hardware, self._twin = scenario.hardware, twin
        self._quiet, self._streams = quiet, Streams(scenario.seed)
        self._last: dict[tuple[str, str], tuple[int, float]] = {}  # until when readings last (ns), and the correction

    def truly(self, instrument: str, timeline: str, laws: tuple[Piece, ...]) -> tuple[Piece, ...]:
        """What is there in truth while it is told these laws; laws of other timelines stay as they are.

        Parameters
        ----------
        laws : lines, each to the next reading, or one that is held from its start on.
        """
        part = self._twin.graph.components[instrument]
        if not (isinstance(part, Fed) and timeline.startswith(TOLD)):
            return laws
        ends = np.array([[float(law.values_at(t)[0].real) for t in (law.start, _end(law))] for law in laws])
        corrections = self._corrections(part, timeline.removeprefix(TOLD), laws, ends)
        ends[:, 1] += corrections[1:]
        ends[:, 0] += corrections[:-1]
        lines = zip(laws, ends, strict=True)
        return tuple(constant(b, x.start) if x.end is None else ramp(a, b, x.start, x.end) for x, (a, b) in lines)

    def _corrections(self, part: Fed, quantity: str, laws: tuple[Piece, ...], ends: Array) -> Array:
        """What is to be added to what was told, where the laws begin and at each of their ends."""
        hardware, aperture = self._hardware[part.name], part.aperture_of(quantity)
        lag = to_ns(hardware.lag)
        nodes = np.array([_end(law) for law in laws], dtype=np.int64)
        instants = np.maximum(nodes - lag - aperture // 2, 0)
        free, before = self._last.get((part.name, quantity), (int(instants[0]), np.nan))
        instants = instants + max(free - int(instants[0]), 0)  # of one that came late nobody has told the time
        added = -part.error(quantity, ends[:, 1], instants, aperture)
        if self._quiet:
            draw = self._streams.generator(part.name, f"calibration {quantity}")
            added -= hardware.calibration.u * float(draw.standard_normal())
        else:
            share = float(self._streams.generator(part.name, f"latency {quantity}").uniform(0.0, 1.0))
            spans = np.array([max(_end(law) - law.start, 1) for law in laws])
            added += share * lag * (ends[:, 1] - ends[:, 0]) / spans
        self._last[part.name, quantity] = int(instants[-1]) + max(aperture, 1), float(added[-1])
        return np.concatenate([[added[0] if np.isnan(before) else before], added])


def _end(law: Piece) -> int:
    return law.start if law.end is None else law.end
