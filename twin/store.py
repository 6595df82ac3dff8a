"""The run store: every block of a run, and its last checkpoint, in a database that is complete at every moment.

A block is committed when it is recorded, before anything else happens in the run; a checkpoint is committed between two
steps. So a run that is killed at any moment has all blocks that it had recorded, and can be resumed from the last step
that finished, or reduced from what it has. What the interrupted step had recorded is set aside when the run resumes,
and stays in the database.

The database is SQLite's, with a write-ahead log; values are little-endian doubles with a checksum, the rest is text and
integers. Others may read it while the run goes on.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from twin.errors import CheckpointError
from twin.recorder import Block, Blocks, Kind, Recorder, Schedule

FILE = "run.db"
FORMAT = 1
WAIT = 10.0
"""How long (s) to wait for somebody else who writes."""
_TABLES = (
    """CREATE TABLE block (
        id INTEGER PRIMARY KEY, kind TEXT NOT NULL, channel TEXT NOT NULL, quantity TEXT NOT NULL, unit TEXT NOT NULL,
        source TEXT NOT NULL, start_ns INTEGER NOT NULL, step_ns INTEGER NOT NULL, count INTEGER NOT NULL,
        every_ns INTEGER NOT NULL, repeats INTEGER NOT NULL, aperture_ns INTEGER NOT NULL, labels TEXT NOT NULL,
        data BLOB NOT NULL, checksum INTEGER NOT NULL, set_aside INTEGER NOT NULL DEFAULT 0)""",
    """CREATE TABLE checkpoint (
        id INTEGER PRIMARY KEY CHECK (id = 1), state TEXT NOT NULL, last_block INTEGER NOT NULL)""",
)
_COLUMNS = "channel, quantity, unit, source, start_ns, step_ns, count, every_ns, repeats, aperture_ns, labels, data"


class RunStore:
    """A folder that holds a run under way.

    Parameters
    ----------
    folder : made with the first thing that is written.
    durable : whether a commit outlasts a power failure, and takes a few milliseconds for it. A program that is killed
        loses nothing in either case.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder
        self.durable = durable
        self._connection: sqlite3.Connection | None = None

    @property
    def file(self) -> Path:
        """The database."""
        return self.folder / FILE

    @property
    def has_checkpoint(self) -> bool:
        """Whether the run has got as far as its first checkpoint."""
        if not self.file.is_file():
            return False
        with self._reading() as connection:
            return bool(connection.execute("SELECT count(*) FROM checkpoint").fetchone()[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database; the next use opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # --- writing -----------------------------------------------------------------------------------------------------

    def follow(self, recorder: Recorder) -> None:
        """From now on, commit whatever this recorder records."""
        recorder.keep = self.append

    def append(self, kind: Kind, block: Block) -> None:
        """Commit a block."""
        s, data = block.schedule, np.ascontiguousarray(block.values, dtype="<f8").tobytes()
        labels = json.dumps(dict(block.labels), ensure_ascii=False)
        about = (block.channel, block.quantity, block.unit, block.source)
        times = (s.start, s.step, s.count, s.every, s.repeats, block.aperture)
        with self._writing() as connection:
            connection.execute(
                f"INSERT INTO block (kind, {_COLUMNS}, checksum) VALUES (?{', ?' * 13})",
                (kind, *about, *times, labels, data, zlib.crc32(data)),
            )

    def save(self, state: dict[str, Any]) -> None:
        """Commit a checkpoint: the state of the run after the blocks so far."""
        with self._writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO checkpoint (id, state, last_block) "
                "VALUES (1, ?, (SELECT coalesce(max(id), 0) FROM block))",
                (json.dumps(state),),
            )

    # --- reading -----------------------------------------------------------------------------------------------------

    def load(self) -> tuple[dict[str, Any], Blocks, Blocks]:
        """The last checkpoint with the readings and the truth that belong to it; what came later is set aside.

        Raises
        ------
        CheckpointError
            If there is none, or it cannot be read.
        """
        if not self.has_checkpoint:
            raise CheckpointError(f"{self.folder} holds no run to resume: there is no checkpoint in {FILE}")
        with self._writing() as connection:
            connection.execute(
                "UPDATE block SET set_aside = (SELECT max(set_aside) + 1 FROM block) "
                "WHERE set_aside = 0 AND id > (SELECT last_block FROM checkpoint)"
            )
        state = self.state()
        return state, self.blocks("readings"), self.blocks("truth")

    def state(self) -> dict[str, Any]:
        """The state of the last checkpoint."""
        with self._reading() as connection:
            row = connection.execute("SELECT state FROM checkpoint").fetchone()
            state = json.loads(row[0]) if row else None
            if not isinstance(state, dict):
                raise ValueError("there is no checkpoint")
            return state

    def blocks(self, kind: Kind) -> Blocks:
        """All blocks of a kind that are in force, in the order of recording; also those since the last checkpoint."""
        with self._reading() as connection:
            query = f"SELECT {_COLUMNS}, checksum FROM block WHERE kind = ? AND set_aside = 0 ORDER BY id"
            return Blocks([_block(row) for row in connection.execute(query, (kind,))])

    # --- the database ------------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._opened()
            with connection:
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise CheckpointError(f"{self.file} cannot be written ({error}); make room for it, and resume") from None

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            if not self.file.is_file():
                raise ValueError(f"{FILE} is missing")
            yield self._opened()
        except (sqlite3.Error, OSError, ValueError, KeyError, TypeError, OverflowError) as error:
            raise CheckpointError(f"{self.file} cannot be read ({error}); start the run anew") from None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.file, timeout=WAIT)
            try:
                _prepare(connection, "FULL" if self.durable else "NORMAL")
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection


def _prepare(connection: sqlite3.Connection, synchronous: str) -> None:
    """Make the tables of a new database; refuse one of another format."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    if connection.execute("PRAGMA user_version").fetchone()[0] == FORMAT:
        return
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found == 0:
            for table in _TABLES:
                connection.execute(table)
            connection.execute(f"PRAGMA user_version = {FORMAT}")
        elif found != FORMAT:
            raise sqlite3.DatabaseError(f"its format is {found}, not {FORMAT}")


def _block(row: tuple[Any, ...]) -> Block:
    """The block of a row.

    Raises
    ------
    ValueError
        If the values are not those that were written.
    """
    channel, quantity, unit, source, start, step, count, every, repeats, aperture, labels, data, checksum = row
    if zlib.crc32(data) != checksum:
        raise ValueError(f"the values of a block of {channel} are damaged")
    schedule = Schedule(start, step, count, every, repeats)
    values = np.frombuffer(data, dtype="<f8").astype(np.float64).reshape(repeats, count)
    return Block(channel, quantity, unit, schedule, aperture, values, json.loads(labels), source)
