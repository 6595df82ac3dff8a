"""Samples that an instrument takes by a clock of its own, cut into the steps of a schedule.

Steps are cut at times and not after a rounded number of samples: they need not be whole samples, and a rate that is not
quite what was asked for stretches no reading.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from twin.times import NS

Array = NDArray[np.float64]
Edges = NDArray[np.int64]
TINY = 1e-6
"""Of a sample, by which rounding may put a time behind it."""


def edges_of(step: int, count: int, rate: float) -> Edges:
    """Number of the first sample of each of `count` steps (ns), and of the one after the last; the first is 0.

    Raises
    ------
    ValueError
        If a step has no sample at this rate (Hz).
    """
    edges: Edges = np.ceil(np.arange(count + 1) * (step / NS * rate) - TINY).astype(np.int64)
    if not np.all(np.diff(edges) > 0):
        raise ValueError(f"a step of {step / NS:g} s is shorter than a sample, at {rate:g} Hz")
    return edges


def means_of(samples: Array, edges: Edges, limit: float = math.inf) -> Array:
    """Of each step, shape (..., steps); not a number where one of its samples is beyond a limit."""
    means = np.add.reduceat(samples, edges[:-1], axis=-1) / np.diff(edges)
    largest = np.maximum.reduceat(np.abs(samples), edges[:-1], axis=-1)
    return np.where(largest > limit, np.nan, means)


def firsts_of(samples: Array, edges: Edges, limit: float = math.inf) -> Array:
    """The first sample of each step, shape (..., steps); not a number where it is beyond a limit."""
    first = samples[..., edges[:-1]]
    return np.where(np.abs(first) > limit, np.nan, first)
