"""Committed blocks of 8 kB, beside what the disk itself does in the same run: append, or write over, and flush."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from twin.recorder import Block, Schedule
from twin.store import RunStore
from twin.times import NS

BLOCK = Block("dvm", "voltage", "V", Schedule(0, NS, 1024), NS, np.random.default_rng(1).standard_normal((1, 1024)))
"""8 kB of noise, which nothing can compress."""


def flushing(file: Path, size: int = 0) -> tuple[Callable[[], None], int]:
    """Writes 8 kB at the end of a file (or, within `size` bytes, over what is there) and waits for the disk."""
    handle, data = os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC), BLOCK.values.tobytes()
    if size:
        os.write(handle, bytes(size))
        os.fsync(handle)
        os.lseek(handle, 0, os.SEEK_SET)

    def write() -> None:
        if size and os.lseek(handle, 0, os.SEEK_CUR) + len(data) > size:
            os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, data)
        os.fdatasync(handle)

    return write, handle


@pytest.mark.parametrize("size", [0, 1 << 22], ids=["append", "write over"])
def test_the_disk_itself(benchmark, tmp_path: Path, size: int) -> None:
    write, handle = flushing(tmp_path / "file", size)
    benchmark(write)
    os.close(handle)


@pytest.mark.parametrize("durable", [True, False], ids=["durable", "not durable"])
def test_sqlite(benchmark, tmp_path: Path, durable: bool) -> None:
    """Target: 2000 a second, durable, where the disk can."""
    with RunStore(tmp_path, durable=durable) as store:
        benchmark(store.append, "readings", BLOCK)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    from tests import postgresql_server

    with postgresql_server.running() as url:
        yield url


@pytest.mark.parametrize("durable", [True, False], ids=["durable", "not durable"])
def test_postgresql(benchmark, durable: bool, postgresql: str) -> None:
    """A server on this machine."""
    from twin.postgresql import PostgresDatabase

    with RunStore(PostgresDatabase(postgresql, durable=durable), run=1) as store:
        benchmark(store.append, "readings", BLOCK)
