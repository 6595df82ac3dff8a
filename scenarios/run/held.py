"""When a shadow knows too little to judge: where one reading is all that drives a part.

The first reading of a real instrument holds, as no line leads to it and none from it yet: for a latency, and then on
the line to the second one, of which `scenarios.run.doubt` takes what goes on within the latency. How fast a room
changes before that no certificate says, nor what a balance did in the gap before a run went on. So until the second
reading has led the parts, what would feel it is not judged, neither good nor bad, and counted. One more twin says what
would: it is told that reading wrong by `GENEROUS` times what it may be wrong by. Where that changes a reading by less
than `SLIGHT` of its standard uncertainty, it is judged as ever; on the line to the second reading, too, as soon as the
doubt about what goes on within the latency is more than that.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scenarios.run.doubt import TOLD
from scenarios.run.replay import Replay
from twin.checkpoint import decode_piece
from twin.command import LAWS, command
from twin.piece import Piece, constant, ramp
from twin.recorder import LATE, Block
from twin.times import Times, to_ns

if TYPE_CHECKING:
    from scenarios.run.ensemble import Members, Prediction

FOREVER = np.iinfo(np.int64).max
GENEROUS, SLIGHT = 10.0, 0.1
"""See the module."""


class Held:
    """See the module.

    Parameters
    ----------
    wary : is told wrong what holds; as certified, quiet.
    """

    def __init__(self, wary: Replay) -> None:
        self.wary = wary
        self._stretches: dict[tuple[str, str], list[tuple[int, int]]] = {}
        """Of each instrument and timeline: from when on one reading was all, and until when (ns)."""
        self._off: dict[tuple[str, str], float] = {}
        """By how much that reading is told wrong."""

    def follow(self, told: Block, members: Members) -> None:
        """Hear of what the twins were told, after them.

        Parameters
        ----------
        members : that doubt it.
        """
        timeline = str(told.labels["command"])
        if not timeline.startswith(TOLD):
            self.wary.follow(told)
            return
        first, *others = (decode_piece(law) for law in json.loads(str(told.labels[LAWS])))
        key = told.channel, timeline
        stretches = self._stretches.setdefault(key, [])
        if first.end is None:
            stretches.append((first.start, FOREVER))
            self._off[key] = GENEROUS * math.hypot(*(_spread(kind, *key, first.start) for kind in members))
            wrong = constant(_at(first, first.start) + self._off[key], first.start)
        elif stretches and stretches[-1][1] == FOREVER:
            stretches[-1] = stretches[-1][0], first.end
            a, b = (_at(first, instant) + self._off[key] for instant in (first.start, first.end))
            wrong = ramp(a, b, first.start, first.end)
        else:
            wrong = first
        self.wary.follow(command(*key, (wrong, *others), told.schedule.start))

    def known(self, block: Block, prediction: Prediction) -> NDArray[np.bool_]:
        """Which readings of a block can be judged, shape (readings,)."""
        instants = block.schedule.instants().ravel() + to_ns(float(block.labels.get(LATE, 0.0)))
        known = np.ones(instants.size, dtype=np.bool_)
        if block.source == "real":  # what is simulated follows what it is told, and knows all of it
            for begin, end in (stretch for stretches in self._stretches.values() for stretch in stretches):
                known &= (instants < begin) | (instants >= end)
        if known.all() or (wrong := self.wary.read(block)) is None:
            return known
        size = sum(np.mean(each**2, axis=0) for each in (prediction.noise, prediction.errors) if len(each))
        felt: NDArray[np.bool_] = np.abs(wrong.ravel() - prediction.expected) > SLIGHT * np.sqrt(size)
        return known | ~felt


def _at(law: Piece, instant: int) -> float:
    return float(law.values_at(instant)[0].real)


def _spread(twins: tuple[Replay, ...], instrument: str, timeline: str, instant: int) -> float:
    """Standard deviation of what twins make of what they were told."""
    now = Times(np.array([instant]))
    parts: list[Any] = [one.twin.graph.components[instrument] for one in twins]
    return float(np.std([part.timeline(timeline).at(now)[0] for part in parts])) if parts else 0.0
