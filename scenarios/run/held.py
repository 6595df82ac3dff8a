"""When a shadow knows too little to judge: where one reading is all that drives a part.

The first reading of a real instrument holds, as no line leads to it and none from it yet: for a latency, and then on
the line to the second one, of which `scenarios.run.doubt` takes what goes on within the latency. How fast a room
changes before that no certificate says, nor what a balance did in the gap before a run went on. So until the second
reading has led the parts, what stands downstream is not judged, neither good nor bad, and counted.
"""

from __future__ import annotations

import json

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from scenarios.run.doubt import TOLD
from twin.checkpoint import decode_piece
from twin.command import LAWS
from twin.recorder import LATE, Block
from twin.times import to_ns
from twin.twin import Twin

FOREVER = np.iinfo(np.int64).max


class Held:
    """See the module.

    Parameters
    ----------
    twin : that is told what was read.
    """

    def __init__(self, twin: Twin) -> None:
        self._graph = twin.graph.as_networkx(neutral=False)
        self._stretches: dict[tuple[str, str], list[tuple[int, int]]] = {}
        """Of each instrument and timeline: from when on one reading was all, and until when (ns)."""

    def follow(self, command: Block) -> None:
        """Hear of what the twins are told."""
        timeline = str(command.labels["command"])
        if not timeline.startswith(TOLD):
            return
        first = decode_piece(json.loads(str(command.labels[LAWS]))[0])
        stretches = self._stretches.setdefault((command.channel, timeline), [])
        if first.end is None:
            stretches.append((first.start, FOREVER))
        elif stretches and stretches[-1][1] == FOREVER:
            stretches[-1] = stretches[-1][0], first.end

    def known(self, block: Block) -> NDArray[np.bool_]:
        """Which readings of a block hang on no such stretch, shape (readings,)."""
        instants = block.schedule.instants().ravel() + to_ns(float(block.labels.get(LATE, 0.0)))
        known = np.ones(instants.size, dtype=np.bool_)
        if block.source == "real":  # what is simulated follows what it is told, and knows all of it
            for (instrument, _), stretches in self._stretches.items():
                if block.channel in nx.descendants(self._graph, instrument):
                    for begin, end in stretches:
                        known &= (instants < begin) | (instants >= end)
        return known
