"""What the reduction asks of a single block: its labels, its times, its name in messages."""

from __future__ import annotations

import numpy as np

from scenarios.reduction.errors import ReductionError
from twin.recorder import Block
from twin.times import NS


def label_of(block: Block, key: str) -> int:
    """A label that is an integer.

    Raises
    ------
    ReductionError
        If the block has none, or another value.
    """
    value = block.labels.get(key)
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ReductionError(f"{name_of(block)} has {key} {value!r}; it needs an integer label {key!r}")
    return int(value)


def middle_of(block: Block) -> float:
    """Mean time of all readings of a block (s), without building them all."""
    s = block.schedule
    return (s.start + 0.5 * s.every * (s.repeats - 1) + 0.5 * s.step * (s.count - 1) + 0.5 * block.aperture) / NS


def duration_of(block: Block) -> float:
    """From the start of the first reading to the end of the last (s)."""
    s = block.schedule
    return (s.every * (s.repeats - 1) + s.step * (s.count - 1) + block.aperture) / NS


def name_of(block: Block) -> str:
    """How a message calls a block."""
    labels = ", ".join(f"{key} {value}" for key, value in block.labels.items())
    return f"block {block.channel!r} ({labels})"
