"""Runs in a database that a laboratory shares: PostgreSQL, by its URL.

A run is known by the database and its name, ``postgresql://host/database#name``. It is there from its first block on,
and stays with its result; nothing of it is ever replaced. `results` writes it to a folder as ``run --out`` does, for
whatever works with folders.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scenarios.run.output import BLOCKS, SCENARIO, SUMMARY, OutputError
from twin.errors import CheckpointError
from twin.postgresql import PostgresDatabase
from twin.store import RunStore

_COLUMNS = "id, name, scenario, result, extract(epoch FROM coalesce(ended, begun))"


def is_url(place: str | Path) -> bool:
    """Whether a place is in a database, and no folder."""
    return isinstance(place, str) and "://" in place


@dataclass(frozen=True)
class SharedRun:
    """A run in a shared database.

    Parameters
    ----------
    database : connected.
    number : by which its blocks are known there.
    name : by which people know it.
    scenario : resolved, as YAML.
    summary : of a finished run; None for one that is under way, or was interrupted.
    changed : when it began or ended (s since 1970).
    """

    database: PostgresDatabase
    number: int
    name: str
    scenario: str
    summary: dict[str, Any] | None
    changed: float

    @property
    def place(self) -> str:
        """Where it is, as the command line takes it."""
        return f"{self.database.name}#{self.name}"

    @property
    def store(self) -> RunStore:
        """Its blocks and its checkpoint."""
        return RunStore(self.database, run=self.number)

    def claim(self) -> None:
        """Keep other programs from working on it until the database is closed.

        Raises
        ------
        OutputError
            If one does.
        """
        with _spoken(self.database):
            if not self.database.claim(self.number):
                raise OutputError(f"{self.place}: another program is working on this run; wait for it")

    def finish(self, summary: dict[str, Any]) -> None:
        """Keep its result."""
        statement = "UPDATE run SET result = :result, ended = now() WHERE id = :run"
        with _spoken(self.database), self.database.transaction() as execute:
            execute(statement, {"result": json.dumps(summary, allow_nan=False), "run": self.number})

    def forget_unbegun(self) -> bool:
        """Remove it if it was refused before its first step, when nothing of it was recorded; whether it was."""
        statement = "DELETE FROM run WHERE id = :run AND id NOT IN (SELECT run FROM checkpoint) RETURNING id"
        with _spoken(self.database), self.database.transaction() as execute:
            return bool(list(execute(statement, {"run": self.number})))

    def finished(self) -> dict[str, Any]:
        """The summary of its result.

        Raises
        ------
        OutputError
            If it has not finished.
        """
        if self.summary is None:
            raise OutputError(f"{self.place} has not finished; go on with: kibble-twin run --resume '{self.place}'")
        return self.summary

    def write(self, folder: Path) -> None:
        """Write its results to a folder, as ``run --out`` does.

        Raises
        ------
        OutputError
            If it has not finished.
        """
        from scenarios.run.experiment import load_text
        from scenarios.run.export import provenance, write_blocks
        from scenarios.run.shadow import good

        summary = self.finished()
        attributes = provenance(summary, load_text(self.scenario, self.place).scenario)
        log = self.store.blocks("log")
        readings = good(self.store.blocks("readings"), log)
        write_blocks(folder / BLOCKS, readings, self.store.blocks("truth"), attributes, log)
        (folder / SCENARIO).write_text(self.scenario, encoding="utf-8")
        (folder / SUMMARY).write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


class SharedRuns:
    """The runs of a database; a context, at the end of which the connection is closed.

    Parameters
    ----------
    place : ``postgresql://user@host/database``, with ``#name`` of a run or without.
    durable : whether each commit waits for the server's disk.

    Raises
    ------
    InputError
        If that is no such URL.
    """

    def __init__(self, place: str, *, durable: bool = True) -> None:
        url, _, self.name = place.partition("#")
        self.database = PostgresDatabase(url, durable=durable)

    def __enter__(self) -> SharedRuns:
        return self

    def __exit__(self, *_: object) -> None:
        self.database.close()

    def begin(self, scenario: str, stem: str) -> SharedRun:
        """A new run, which is claimed.

        Parameters
        ----------
        scenario : resolved, as YAML.
        stem : of its name, if the place has none: a number is added.

        Raises
        ------
        OutputError
            If there is a run of that name.
        """
        insert = "INSERT INTO run (name, scenario) VALUES (:name, :scenario) ON CONFLICT (name) DO NOTHING RETURNING "
        names = iter([self.name]) if self.name else (f"{stem}-{number}" for number in count(self._next(stem)))
        for name in names:
            with _spoken(self.database), self.database.transaction() as execute:
                made = [self._run(row) for row in execute(insert + _COLUMNS, {"name": name, "scenario": scenario})]
            for run in made:
                run.claim()
                return run
        raise OutputError(
            f"{self.database.name}#{self.name} is there already; choose another name, or go on with it with --resume"
        )

    def all(self) -> list[SharedRun]:
        """All runs, the one that began last first."""
        return self._found("ORDER BY id DESC")

    def one(self) -> SharedRun:
        """The run that the place names.

        Raises
        ------
        OutputError
            If it names none, or one that is not there.
        """
        if not self.name:
            raise OutputError(
                f"{self.database.name}: which run? give {self.database.name}#NAME, see kibble-twin runs list"
            )
        for run in self._found("WHERE name = :name", name=self.name):
            return run
        raise OutputError(f"{self.database.name} has no run {self.name}; see kibble-twin runs list")

    def _next(self, stem: str) -> int:
        """A number that is probably free."""
        return 1 + sum(run.name.startswith(f"{stem}-") for run in self._found())

    def _found(self, condition: str = "", **values: Any) -> list[SharedRun]:
        with _spoken(self.database):
            if not self.database.exists():
                return []
            with self.database.transaction() as execute:
                return [self._run(row) for row in execute(f"SELECT {_COLUMNS} FROM run {condition}", values)]

    def _run(self, row: Any) -> SharedRun:
        number, name, scenario, result, changed = row
        return SharedRun(self.database, number, name, scenario, json.loads(result) if result else None, float(changed))


@contextmanager
def results(place: str | Path) -> Iterator[Path]:
    """The folder with the results of a run: where they are, or a temporary one for a run of a database.

    Raises
    ------
    OutputError
        If there is no such run in the database, or it has not finished.
    """
    if not is_url(place):
        yield Path(place)
        return
    with SharedRuns(str(place)) as runs, TemporaryDirectory(prefix="kibble-twin-") as folder:
        runs.one().write(Path(folder))
        yield Path(folder)


@contextmanager
def _spoken(database: PostgresDatabase) -> Iterator[None]:
    """Errors of the database as those of the store."""
    try:
        yield
    except database.errors as error:
        raise CheckpointError(f"{database.name}: {error}") from None
