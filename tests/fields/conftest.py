"""A cache of their own for the tests of fields."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIBBLE_TWIN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
