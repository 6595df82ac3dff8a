"""A PostgreSQL server of our own, for tests and benchmarks: pgserver has one in a wheel."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.mortal import seen_to

STOP = 'read -r pid < "$1/postmaster.pid" && kill -QUIT "$pid"; rm -rf "$1"'
"""A server that nobody needs any more, at once."""


@contextmanager
def running() -> Iterator[str]:
    """Its URL; a test is skipped where there is no such wheel."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pgserver = pytest.importorskip("pgserver", reason="needs a PostgreSQL server: pip install pgserver")
    pytest.importorskip("sqlalchemy", reason="needs the extra postgresql")
    folder = tempfile.mkdtemp(prefix="kibble-")  # a short path: a socket is in it
    with seen_to(STOP, folder):
        try:
            server = pgserver.get_server(folder, cleanup_mode="stop")
            yield server.get_uri()
            server.cleanup()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
