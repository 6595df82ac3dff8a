"""The run store: every block of a run, and its last checkpoint, in a database that is complete at every moment.

A block is committed when it is recorded, before anything else happens in the run; a checkpoint is committed between two
steps. So a run that is killed at any moment has all blocks that it had recorded, and can be resumed from the last step
that finished, or reduced from what it has. What the interrupted step had recorded is set aside when the run resumes,
and stays in the database.

A run has a database of its own, SQLite's, or a place in one that a laboratory shares; see `twin.database`.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from twin.database import Database, Execute, SqliteDatabase
from twin.errors import CheckpointError
from twin.recorder import Block, Blocks, Kind, Recorder, Schedule

_COLUMNS = "channel, quantity, unit, source, start_ns, step_ns, count, every_ns, repeats, aperture_ns, labels, data"
_APPEND = (
    f"INSERT INTO block (run, kind, {_COLUMNS}, checksum) VALUES (:run, :kind, :channel, :quantity, :unit, :source, "
    ":start, :step, :count, :every, :repeats, :aperture, :labels, :data, :checksum)"
)
_SAVE = """INSERT INTO checkpoint (run, state, saved, last_block)
    VALUES (:run, :state, :saved, (SELECT coalesce(max(id), 0) FROM block WHERE run = :run))
    ON CONFLICT (run) DO UPDATE SET state = excluded.state, saved = excluded.saved, last_block = excluded.last_block"""
_SET_ASIDE = """UPDATE block SET set_aside = (SELECT max(set_aside) + 1 FROM block WHERE run = :run)
    WHERE run = :run AND set_aside = 0 AND id > (SELECT last_block FROM checkpoint WHERE run = :run)"""


class RunStore:
    """The store of a run under way.

    Parameters
    ----------
    place : a folder, which is made with the first thing that is written, or a database.
    run : which of the runs in the database.
    durable : with a folder: whether a commit outlasts a power failure, and waits for the disk. A program that is killed
        loses nothing in either case.
    """

    def __init__(self, place: Path | Database, *, run: int = 1, durable: bool = True) -> None:
        self._database = SqliteDatabase(place, durable=durable) if isinstance(place, Path) else place
        self._run = {"run": run}
        self.name = self._database.name

    @property
    def exists(self) -> bool:
        """Whether anything has been written to the database."""
        with self._legible():
            return self._database.exists()

    @property
    def has_checkpoint(self) -> bool:
        """Whether the run has got as far as its first checkpoint."""
        return self.exists and self.saved is not None

    @property
    def saved(self) -> float | None:
        """When the last checkpoint was committed (s since 1970); None if there is none."""
        with self._reading() as execute:
            for (saved,) in execute("SELECT saved FROM checkpoint WHERE run = :run", self._run):
                return float(saved)
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database; the next use opens it again."""
        self._database.close()

    # --- writing -----------------------------------------------------------------------------------------------------

    def follow(self, recorder: Recorder) -> None:
        """From now on, commit whatever this recorder records."""
        recorder.keep = self.append

    def append(self, kind: Kind, block: Block) -> None:
        """Commit a block."""
        s, data = block.schedule, np.ascontiguousarray(block.values, dtype="<f8").tobytes()
        labels = json.dumps(dict(block.labels), ensure_ascii=False)
        about = {"channel": block.channel, "quantity": block.quantity, "unit": block.unit, "source": block.source}
        times = {"start": s.start, "step": s.step, "count": s.count, "every": s.every, "repeats": s.repeats}
        values = {"aperture": block.aperture, "labels": labels, "data": data, "checksum": zlib.crc32(data)}
        with self._writing() as execute:
            execute(_APPEND, {"kind": kind, **about, **times, **values, **self._run})

    def save(self, state: dict[str, Any]) -> None:
        """Commit a checkpoint: the state of the run after the blocks so far."""
        with self._writing() as execute:
            execute(_SAVE, {"state": json.dumps(state), "saved": time.time(), **self._run})

    # --- reading -----------------------------------------------------------------------------------------------------

    def load(self) -> tuple[dict[str, Any], Blocks, Blocks]:
        """The last checkpoint with the readings and the truth that belong to it; what came later is set aside.

        Raises
        ------
        CheckpointError
            If there is none, or it cannot be read.
        """
        if not self.has_checkpoint:
            raise CheckpointError(f"{self.name} holds no run to resume: there is no checkpoint")
        with self._writing() as execute:
            execute(_SET_ASIDE, self._run)
        state = self.state()
        return state, self.blocks("readings"), self.blocks("truth")

    def state(self) -> dict[str, Any]:
        """The state of the last checkpoint."""
        with self._reading() as execute:
            for (text,) in execute("SELECT state FROM checkpoint WHERE run = :run", self._run):
                state = json.loads(text)
                if isinstance(state, dict):
                    return state
            raise ValueError("there is no checkpoint")

    def blocks(self, kind: Kind) -> Blocks:
        """All blocks of a kind that are in force, in the order of recording; also those since the last checkpoint."""
        query = (
            f"SELECT {_COLUMNS}, checksum FROM block WHERE run = :run AND kind = :kind AND set_aside = 0 ORDER BY id"
        )
        with self._reading() as execute:
            return Blocks([_block(*row) for row in execute(query, {"kind": kind, **self._run})])

    # --- the database ------------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[Execute]:
        try:
            with self._database.transaction() as execute:
                yield execute
        except self._database.errors as error:
            raise CheckpointError(f"{self.name} cannot be written ({error}); {self._database.advice}") from None

    @contextmanager
    def _reading(self) -> Iterator[Execute]:
        with self._legible():
            if not self._database.exists():
                raise ValueError("there is no such run")
            with self._database.transaction() as execute:
                yield execute

    @contextmanager
    def _legible(self) -> Iterator[None]:
        wrong: tuple[type[Exception], ...] = (*self._database.errors, ValueError, KeyError, TypeError, OverflowError)
        try:
            yield
        except wrong as error:
            raise CheckpointError(f"{self.name} cannot be read ({error})") from None


def _block(
    channel: str, quantity: str, unit: str, source: Any, start: int, step: int, count: int, every: int, repeats: int,
    aperture: int, labels: str, data: bytes, checksum: int,
) -> Block:  # fmt: skip
    """The block of a row.

    Raises
    ------
    ValueError
        If the values are not those that were written.
    """
    if zlib.crc32(data) != checksum:
        raise ValueError(f"the values of a block of {channel} are damaged")
    schedule = Schedule(start, step, count, every, repeats)
    values = np.frombuffer(data, dtype="<f8").astype(np.float64).reshape(repeats, count)
    return Block(channel, quantity, unit, schedule, aperture, values, json.loads(labels), source)
