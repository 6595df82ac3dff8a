"""Commands: what an instrument was told to follow from when on, kept as blocks of the log.

All that an operation changes is laws on timelines, so that these are all that a campaign does to the twin. Whoever
plays them to another twin at their times makes it follow the same campaign, also one that was late.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np

from twin.checkpoint import decode_piece, encode_piece
from twin.instrument import Instrument
from twin.piece import Piece
from twin.recorder import Block, Schedule
from twin.twin import Twin

LAWS = "laws"
"""The label that holds them, without loss of a bit."""
Meaning = Callable[[str, str, tuple[Piece, ...]], tuple[Piece, ...]]


def command(instrument: str, timeline: str, laws: tuple[Piece, ...], now: int) -> Block:
    """The block of a command.

    Parameters
    ----------
    instrument, timeline : whose timeline it was told to.
    laws : in their order; the value of the block is where they lead.
    now : when (ns).
    """
    last = laws[-1]
    final = float(last.values_at(last.start if last.end is None else last.end)[0].real)
    text = json.dumps([encode_piece(law) for law in laws], separators=(",", ":"))
    labels = {"command": timeline, LAWS: text}
    return Block(instrument, timeline, "", Schedule(now, 1, 1), 0, np.array([[final]]), labels)


def is_command(block: Block) -> bool:
    """Whether a block of the log is a command."""
    return LAWS in block.labels


def record_commands(twin: Twin) -> None:
    """From now on, keep what the instruments of a twin are told in its log, before anything else happens."""
    recorder, clock = twin.recorder, twin.clock
    twin.bench.told = lambda instrument, timeline, laws: recorder.record_log(
        command(instrument, timeline, laws, clock.now)
    )


def follow(twin: Twin, block: Block, meaning: Meaning | None = None) -> None:
    """Tell a twin what a command says; its clock has to be where the command is.

    Parameters
    ----------
    meaning : gives the laws that it follows, of the instrument, the timeline and the laws as they were told.
    """
    laws = tuple(decode_piece(data) for data in json.loads(str(block.labels[LAWS])))
    part, timeline = twin.graph.components[block.channel], str(block.labels["command"])
    assert isinstance(part, Instrument)
    part.timeline(timeline).follow(*(laws if meaning is None else meaning(block.channel, timeline, laws)))
