"""The pieces of a period on which a power is a polynomial in time, or known to stay as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.signal import Signal
from twin.steps import Step
from twin.times import NS

Array = NDArray[np.float64]


def breakpoints(steps: Sequence[Step], power: Signal) -> tuple[Array, Array]:
    """Where the power or its slope may jump (s), from 0 to the end of the period; and the power between (W), where it
    is known to stay the same whatever the temperatures, else NaN."""
    edges, known, start = [0], [], 0
    for step in steps:
        end = start + step.duration
        value = power.constant_over(start, end)
        within = sorted(power.breakpoints(start, end)) if value is None else []
        edges += [*within, end]
        known += [np.nan if value is None else value] * (len(within) + 1)
        start = end
    return np.array(edges) / NS, np.array(known)


def subdivided(edges: Array, known: Array, longest: float) -> tuple[Array, Array]:
    """The edges with others between them, so that no piece on which something happens is longer."""
    counts = np.ceil(np.diff(edges) / longest - 1e-9).astype(int).clip(min=1)
    return divided(edges, known, np.where(np.isnan(known), counts, 1))


def divided(edges: Array, known: Array, counts: NDArray[Any]) -> tuple[Array, Array]:
    """Each piece in so many equal ones."""
    starts = np.repeat(edges[:-1], counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    edges = np.append(starts + within * np.repeat(np.diff(edges) / counts, counts), edges[-1])
    return edges, np.repeat(known, counts)
