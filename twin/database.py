"""Databases that a run store keeps its tables in; here SQLite, with a file for each run.

Table ``block`` has a row for each block, with its values as little-endian doubles and their CRC-32; ``checkpoint`` has
the last state of each run. A database that several programs share (`twin.postgresql`) has the same tables for all its
runs. Statements are in the words that both understand, with parameters as ``:name``.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar

FILE = "run.db"
FORMAT = 2
WAIT = 10.0
"""How long (s) to wait for somebody else who writes, or for a server."""
Execute = Callable[[str, Mapping[str, Any]], Iterable[Sequence[Any]]]
"""Executes a statement with its parameters, and gives the rows."""
_TABLES = (
    """CREATE TABLE block (
        id {key}, run {integer} NOT NULL, kind TEXT NOT NULL, channel TEXT NOT NULL, quantity TEXT NOT NULL,
        unit TEXT NOT NULL, source TEXT NOT NULL, start_ns {integer} NOT NULL, step_ns {integer} NOT NULL,
        count {integer} NOT NULL, every_ns {integer} NOT NULL, repeats {integer} NOT NULL,
        aperture_ns {integer} NOT NULL, labels TEXT NOT NULL, data {bytes} NOT NULL, checksum {integer} NOT NULL,
        set_aside {integer} NOT NULL DEFAULT 0)""",
    """CREATE TABLE checkpoint (
        run {integer} PRIMARY KEY, state TEXT NOT NULL, last_block {integer} NOT NULL, saved {real} NOT NULL)""",
)


def tables(**types: str) -> list[str]:
    """The statements that make the tables, with a database's own names of `key`, `integer`, `real` and `bytes`."""
    return [table.format(**types) for table in _TABLES]


class Database(ABC):
    """A database; the connection is made when it is needed.

    Parameters
    ----------
    name : as messages tell it.
    durable : whether a commit outlasts a power failure of the machine that holds the database.
    """

    errors: ClassVar[tuple[type[Exception], ...]]
    """What it raises if it cannot do what it should."""
    advice: ClassVar[str]
    """What to do if it cannot be written."""

    def __init__(self, name: str, *, durable: bool = True) -> None:
        self.name = name
        self.durable = durable

    @abstractmethod
    def exists(self) -> bool:
        """Whether the tables have been made; reading does not make them."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Execute]:
        """What is executed in it is committed at its end, or not at all."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the connection; the next use makes another."""


class SqliteDatabase(Database):
    """A file in a folder, which is made with the first transaction; others may read it meanwhile."""

    errors = (sqlite3.Error, OSError)
    advice = "make room for it, and resume"

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.file = folder / FILE
        super().__init__(str(self.file), durable=durable)
        self._connection: sqlite3.Connection | None = None

    def exists(self) -> bool:
        return self.file.is_file()

    @contextmanager
    def transaction(self) -> Iterator[Execute]:
        connection = self._opened()
        with connection:
            yield connection.execute

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            if not self.file.exists():
                self._make()
            place = f"{self.file.absolute().as_uri()}?mode=rw"  # a run that has just gone is not begun anew
            connection = sqlite3.connect(place, timeout=WAIT, uri=True)
            try:
                connection.execute(f"PRAGMA synchronous = {'FULL' if self.durable else 'NORMAL'}")
                if (found := connection.execute("PRAGMA user_version").fetchone()[0]) != FORMAT:
                    raise sqlite3.DatabaseError(f"its format is {found}, not {FORMAT}")
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _make(self) -> None:
        """Make the database under another name, and give it its own when it is complete: who looks at a run that has
        just begun finds it whole or not at all, and is never in the way of who makes it."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.file.parent, prefix=f".{FILE}.") as folder:
            made = Path(folder) / FILE
            with closing(sqlite3.connect(made)) as connection, connection:
                connection.execute("PRAGMA journal_mode = WAL")
                for table in tables(key="INTEGER PRIMARY KEY", integer="INTEGER", real="REAL", bytes="BLOB"):
                    connection.execute(table)
                connection.execute(f"PRAGMA user_version = {FORMAT}")
            try:
                os.link(made, self.file)
            except FileExistsError:  # somebody was faster
                pass
            except OSError:  # a file system without links
                made.rename(self.file)
