"""How pieces of a group went, by their length: a campaign repeats itself, and the next will go much like one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.checkpoint import decode_array, encode_array

Array = NDArray[Any]
LENGTHS = 64
"""Of so many lengths of pieces it is remembered how they went; campaigns have few."""
EACH = 8
"""So many pieces of each length; a cycle has about as many weighings."""


@dataclass(frozen=True)
class Precedent:
    """How one piece went.

    Parameters
    ----------
    ends : states at its first and last node as closed forms alone move them, shape (states, 2): by these it is found.
    moved : how the rest of the forcing moved the states, shape (states, nodes).
    contraction : by which a sweep of its relaxation brought the states nearer.
    """

    ends: Array
    moved: Array
    contraction: float


class Precedents:
    """How the last pieces of each length went, on as many nodes as the very last."""

    def __init__(self) -> None:
        self._kept: dict[int, list[Precedent]] = {}

    def nodes(self, length: int) -> int | None:
        """On how many nodes the last piece of this length (ns) was solved; None if there was none."""
        return self._kept[length][-1].moved.shape[1] if length in self._kept else None

    def nearest(self, length: int, own: Array, size: Array) -> Precedent:
        """The piece of this length (ns) most like one on which closed forms move the states so.

        Parameters
        ----------
        own : the states at the nodes, shape (states, nodes).
        size : of the states, shape (states,).
        """
        kept = self._kept[length]
        far = np.abs(np.array([p.ends for p in kept]) - own[:, [0, -1]]) / size[:, None]
        return kept[-1 - int(far.max(axis=(1, 2), initial=0.0)[::-1].argmin())]  # of equals the last

    def add(self, length: int, own: Array, moved: Array, contraction: float) -> None:
        """Remember a piece, and forget the oldest if there are too many."""
        kept = self._kept.setdefault(length, [])
        if kept and kept[-1].moved.shape != moved.shape:
            kept.clear()
        kept.append(Precedent(own[:, [0, -1]], moved, contraction))
        del kept[:-EACH]
        if len(self._kept) > LENGTHS:
            del self._kept[next(iter(self._kept))]

    def copy(self) -> Precedents:
        """The same, to go on from."""
        other = Precedents()
        other._kept = {length: list(kept) for length, kept in self._kept.items()}
        return other

    def state(self) -> list[Any]:
        """All that is remembered, as plain data."""
        return [
            [length, [[encode_array(p.ends), encode_array(p.moved), p.contraction] for p in kept]]
            for length, kept in self._kept.items()
        ]

    def restore(self, state: list[Any]) -> None:
        """Continue from a checkpoint."""
        self._kept = {
            int(length): [Precedent(decode_array(ends), decode_array(moved), rate) for ends, moved, rate in kept]
            for length, kept in state
        }
