"""The run store: blocks and checkpoints in a folder, complete at every moment.

Blocks are written first, the checkpoint that counts them last and by renaming, so that a run that is killed at any
moment can be resumed from the last step that finished.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from twin.errors import CheckpointError
from twin.recorder import Block, Blocks, Recorder, Schedule


class RunStore:
    """A folder that holds a run under way.

    Parameters
    ----------
    folder : made if it does not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._written = {"readings": 0, "truth": 0}

    @property
    def checkpoint_file(self) -> Path:
        """Where the last checkpoint is."""
        return self.folder / "checkpoint.json"

    def save(self, recorder: Recorder, state: dict[str, Any]) -> None:
        """Write the blocks that are new, then the checkpoint."""
        for kind, blocks in (("readings", recorder.readings), ("truth", recorder.truth)):
            self._append(kind, blocks)
        temporary = self.checkpoint_file.with_suffix(".tmp")
        with temporary.open("w") as file:
            json.dump({**state, "blocks": self._written}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.checkpoint_file)

    def _append(self, kind: str, blocks: Blocks) -> None:
        folder = self.folder / kind
        folder.mkdir(parents=True, exist_ok=True)
        for number, block in enumerate(blocks.since(self._written[kind]), start=self._written[kind]):
            np.save(folder / f"{number:06d}.npy", block.values, allow_pickle=False)
            meta = {k: v for k, v in block.__dict__.items() if k not in ("values", "schedule", "labels")}
            meta |= {"schedule": asdict(block.schedule), "labels": dict(block.labels)}
            (folder / f"{number:06d}.json").write_text(json.dumps(meta))
            self._written[kind] = number + 1

    def load(self) -> tuple[dict[str, Any], Blocks, Blocks]:
        """The last checkpoint with the readings and the truth that belong to it.

        Raises
        ------
        CheckpointError
            If there is none, or it cannot be read.
        """
        try:
            state = json.loads(self.checkpoint_file.read_text())
            self._written = dict(state["blocks"])
            readings = Blocks(list(self._read("readings", self._written["readings"])))
            truth = Blocks(list(self._read("truth", self._written["truth"])))
        except FileNotFoundError as error:
            raise CheckpointError(f"{self.folder} holds no run to resume: {error.filename} is missing") from None
        except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
            message = f"the checkpoint in {self.folder} cannot be read ({error}); start the run anew"
            raise CheckpointError(message) from None
        return state, readings, truth

    def _read(self, kind: str, count: int) -> Iterable[Block]:
        for number in range(count):
            path = self.folder / kind / f"{number:06d}.npy"
            meta = json.loads(path.with_suffix(".json").read_text())
            schedule = Schedule(**meta.pop("schedule"))
            yield Block(schedule=schedule, values=np.load(path, allow_pickle=False), **meta)
