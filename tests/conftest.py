"""Fields are computed once for all tests, into a cache of their own; one database server serves all of them."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The processes of a run that is spread over several share it."""
    folder = tmp_path_factory.getbasetemp()
    root = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIBBLE_TWIN_CACHE", str(root / "cache"))
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    """Real instruments for the conformance suite."""
    parser.addoption("--hardware", action="append", metavar="NAME=driver@resource", help="a real instrument to test")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server of our own, which ends with the tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = pytest.importorskip("pgserver", reason="needs pgserver, a PostgreSQL server: pip install pgserver")
    folder = tempfile.mkdtemp(prefix="kibble-")  # a short path: a socket is in it
    try:
        running = server.get_server(folder, cleanup_mode="stop")
        yield running.get_uri()
        running.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
