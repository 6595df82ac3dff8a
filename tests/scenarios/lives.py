"""A program whose runs may be killed at any moment: it forks for each, having imported everything.

    python lives.py FOLDER|URL#NAME SETTINGS

It reads a line for each life of the run that it is to begin or to go on with, and says what happens, a line each:
``born PID``, ``kept KIND CHECKSUM`` after each commit of a block, ``died STATUS``.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

import scenarios
from scenarios.run.experiment import Experiment
from scenarios.run.shared import SharedRuns, is_url
from twin.recorder import Block
from twin.store import RunStore


def say(text: str) -> None:
    """In one write, so that a line is there as a whole or not at all."""
    os.write(1, f"{text}\n".encode())


class Telling(RunStore):
    """Says what it has committed."""

    def append(self, kind: Any, block: Block) -> None:
        super().append(kind, block)
        say(f"kept {kind} {zlib.crc32(np.ascontiguousarray(block.values, dtype='<f8').tobytes())}")


def live(experiment: Experiment, place: str) -> None:
    """Begin or go on."""
    with ExitStack() as stack:
        if not is_url(place):
            store = stack.enter_context(Telling(Path(place), durable=False))
        else:
            runs = stack.enter_context(SharedRuns(place, durable=False))
            there = [run for run in runs.all() if run.name == runs.name]
            run = there[0] if there else runs.begin(experiment.scenario.to_yaml(), "")
            store = Telling(run.database, run=run.number)
        experiment.run(store=store, resume=store.has_checkpoint)


def main() -> None:
    """See the module."""
    place, settings = sys.argv[1:]
    experiment = scenarios.load("kbmini_tmtp").with_(json.loads(settings))
    experiment.check()
    live_again_and_again(lambda: live(experiment, place))


def live_again_and_again(life: Callable[[], None]) -> None:
    """A life for each line of standard input, in a process of its own."""
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                life()
                status = 0
            finally:
                os._exit(status)
        say(f"born {pid}")
        say(f"died {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}")


if __name__ == "__main__":
    main()
