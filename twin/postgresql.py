"""A PostgreSQL server that holds the runs of a laboratory, through SQLAlchemy (extra ``postgresql``).

The tables are in a schema of their own, ``kibble_twin``, which the first run makes. A third one, ``run``, has the name
of each run, its scenario and its result. Whoever works on a run holds an advisory lock on it, which ends with the
connection, in whatever way that ends. Passwords belong into ``~/.pgpass`` or ``PGPASSWORD``, not into a URL.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from twin.database import FORMAT, WAIT, Database, Execute, tables
from twin.errors import CheckpointError, InputError

SCHEMA = "kibble_twin"
SCHEMES = ("postgresql://", "postgres://", "postgresql+psycopg://")
_LOCKS = 0x6B74
"""The class of our advisory locks; 0 in it is for the schema, the others are for runs."""
_RUN = """CREATE TABLE run (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name TEXT NOT NULL UNIQUE, scenario TEXT NOT NULL,
    begun TIMESTAMPTZ NOT NULL DEFAULT now(), ended TIMESTAMPTZ, result TEXT)"""
_TYPES = {
    "key": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "integer": "BIGINT",
    "real": "DOUBLE PRECISION",
    "bytes": "BYTEA",
}


class DatabaseError(Exception):
    """What went wrong with the server, in one line."""


class PostgresDatabase(Database):
    """See the module.

    Parameters
    ----------
    url : ``postgresql://user@host:port/database``.
    durable : whether a commit waits for the server's disk.

    Raises
    ------
    InputError
        For another URL, or if SQLAlchemy is not installed.
    """

    errors = (DatabaseError,)
    advice = "see whether the server is there, and resume"

    def __init__(self, url: str, *, durable: bool = True) -> None:
        if not url.startswith(SCHEMES):
            raise InputError(f"expected postgresql://user@host/database, not {url}")
        try:
            from sqlalchemy import make_url
            from sqlalchemy.exc import ArgumentError
        except ImportError:
            raise InputError("PostgreSQL needs SQLAlchemy: pip install 'kibble-twin[postgresql]'") from None
        try:
            self._url = make_url(url).set(drivername="postgresql+psycopg")
        except (ArgumentError, ValueError):
            raise InputError("expected postgresql://user@host/database; this URL cannot be read") from None
        shown = self._url.set(drivername="postgresql").render_as_string(hide_password=True)
        super().__init__(shown, durable=durable)
        self._connection: Any = None
        self._claimed: int | None = None
        self._ready = False

    def exists(self) -> bool:
        with self._spoken():
            connection = self._connected()
            self._ready = self._ready or _has_tables(connection)
        return self._ready

    @contextmanager
    def transaction(self) -> Iterator[Execute]:
        if not self.exists():
            with self._spoken():
                _make_tables(self._connected())
        with self._spoken():
            connection = self._connected()
            with connection.begin():
                yield lambda statement, values: connection.execute(_text(statement), values)

    def claim(self, run: int) -> bool:
        """Keep others from working on a run until this is closed; False if somebody does."""
        with self._spoken():
            claimed = _locked(self._connected(), run)
        self._claimed = run if claimed else None
        return claimed

    def close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()

    # --- the connection ----------------------------------------------------------------------------------------------

    @contextmanager
    def _spoken(self) -> Iterator[None]:
        """Errors of SQLAlchemy, in one line; a connection that has failed is not used again."""
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except SQLAlchemyError as error:
            if self._connection is not None:
                broken, self._connection = self._connection, None
                broken.invalidate()
                broken.close()
            cause = str(getattr(error, "orig", None) or error).strip()
            raise DatabaseError(cause.splitlines()[0] if cause else type(error).__name__) from None

    def _connected(self) -> Any:
        if self._connection is None:
            from sqlalchemy import NullPool, create_engine

            patience = {"connect_timeout": round(WAIT), "tcp_user_timeout": round(1e3 * WAIT)}
            engine = create_engine(
                self._url, poolclass=NullPool, connect_args={**patience, "application_name": "kibble-twin"}
            )
            connection = engine.connect()
            try:
                with connection.begin():
                    for name, value in (
                        ("search_path", SCHEMA),
                        ("synchronous_commit", "on" if self.durable else "off"),
                        ("statement_timeout", f"{WAIT:g}s"),
                    ):
                        connection.execute(_text("SELECT set_config(:name, :value, false)"), _pair(name, value))
                if self._claimed is not None and not _locked(connection, self._claimed):
                    raise CheckpointError(f"{self.name}: the connection was lost, and another program has the run now")
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection


def _pair(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}


@cache
def _text(statement: str) -> Any:
    from sqlalchemy import text

    return text(statement)


def _locked(connection: Any, run: int) -> bool:
    with connection.begin():
        lock = _text("SELECT pg_try_advisory_lock(:locks, :run)")
        return bool(connection.execute(lock, {"locks": _LOCKS, "run": run}).scalar())


def _has_tables(connection: Any) -> bool:
    """Whether there are tables, and of our format.

    Raises
    ------
    DatabaseError
        If they are of another format.
    """
    with connection.begin():
        if connection.execute(_text(f"SELECT to_regclass('{SCHEMA}.format')"), {}).scalar() is None:
            return False
        found = connection.execute(_text(f"SELECT number FROM {SCHEMA}.format"), {}).scalar()
    if found != FORMAT:
        raise DatabaseError(f"the format of its schema {SCHEMA} is {found}, not {FORMAT}")
    return True


def _make_tables(connection: Any) -> None:
    with connection.begin():
        connection.execute(_text("SELECT pg_advisory_xact_lock(:locks, 0)"), {"locks": _LOCKS})
        if connection.execute(_text(f"SELECT to_regclass('{SCHEMA}.format')"), {}).scalar() is not None:
            return  # somebody else was faster
        index = "CREATE INDEX block_of_run ON block (run, id)"
        made = f"CREATE TABLE format AS SELECT {FORMAT} AS number"
        for statement in (f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}", _RUN, *tables(**_TYPES), index, made):
            connection.execute(_text(statement), {})
