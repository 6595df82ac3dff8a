"""Tensor-product grids of rectangles, graded to the edges of the parts.

Along each axis the wanted cell size grows linearly with the distance from the nearest edge, between a finest and a
coarsest size; cells are placed so that they share the integral of its inverse. Iron corners need it: the field there
goes as a power of the distance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.fields.geometry import Part

Array = NDArray[Any]

AIR = -1
"""The index of cells that no part covers."""


def lines(sizes: Mapping[float, float], coarsest: float, growth: float) -> Array:
    """Nodes on one axis.

    Parameters
    ----------
    sizes : wanted cell size (m) at each edge (m); the first and last edges are the ends, each is a node.
    coarsest : largest cell size (m).
    growth : by how much the size grows with the distance from an edge.
    """
    edges = sorted(sizes)
    found = [np.array(edges[:1])]
    for a, b in pairwise(edges):
        x = np.linspace(a, b, 400)
        wanted = np.full_like(x, coarsest)
        for edge, size in sizes.items():
            wanted = np.minimum(wanted, size + growth * np.abs(x - edge))
        share = np.concatenate([[0.0], np.cumsum(0.5 * (1 / wanted[1:] + 1 / wanted[:-1]) * np.diff(x))])
        cells = max(1, math.ceil(share[-1] - 1e-9))
        inner = np.interp(np.arange(1, cells) * share[-1] / cells, share, x)
        found.append(np.concatenate([inner, [b]]))
    return np.concatenate(found)


def stretched(start: float, first: float, end: float, ratio: float) -> Array:
    """Nodes from `start` (left out) to `end`, each cell `ratio` times as long as the one before, which was `first`."""
    length = abs(end - start)
    cells = max(1, math.ceil(math.log1p(length * (ratio - 1) / (first * ratio)) / math.log(ratio) - 1e-9))
    steps = np.cumsum(ratio ** np.arange(cells))
    nodes = start + (end - start) * steps / steps[-1]
    nodes[-1] = end
    return nodes


@dataclass(frozen=True)
class Grid:
    """Rectangles between lines of constant r and constant z.

    Parameters
    ----------
    r, z : growing node positions (m), shapes (n + 1,) and (m + 1,).
    part : shape (n, m); index into the parts the grid was made for, `AIR` where there is none.
    """

    r: Array
    z: Array
    part: NDArray[np.int64]


def covered(r: Array, z: Array, parts: Sequence[Part]) -> Grid:
    """The grid on these nodes, each cell with the part that its centre is in."""
    centre_r, centre_z = 0.5 * (r[1:] + r[:-1]), 0.5 * (z[1:] + z[:-1])
    found = np.full((len(centre_r), len(centre_z)), AIR, dtype=np.int64)
    for index, part in enumerate(parts):
        inside_r = (part.r[0] < centre_r) & (centre_r < part.r[1])
        inside_z = (part.z[0] < centre_z) & (centre_z < part.z[1])
        found[np.ix_(inside_r, inside_z)] = index
    return Grid(r, z, found)


def distinct(values: Iterable[float], slack: float) -> list[float]:
    """The values in order, those closer than `slack` to the one before left out."""
    found: list[float] = []
    for value in sorted(values):
        if not found or value - found[-1] > slack:
            found.append(value)
    return found
