"""What all tests share: fields computed once into a cache of their own, one database server, examples without a
deadline."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests import postgresql_server

settings.register_profile("untimed", deadline=None)  # no test measures time
settings.load_profile("untimed")


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
    with postgresql_server.running() as url:
        yield url
