"""kill -9 during a run with real instruments: what was committed is there, and the next run ends in the safe state."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hw_bridge.real_bench import output, reference, resources
from tests.hw_bridge.real_lives import CYCLES
from tests.hw_bridge.wired import Wired
from tests.scenarios.test_kills import committed, lives


@pytest.fixture(scope="module")
def wired() -> Iterator[Wired]:
    with Wired() as made:
        reference(made)
        yield made


def killed_so_often(times: int, seed: int, wired: Wired, folder: Path) -> None:
    """A run that is killed and begun anew, over the blocks that are there; then one that ends."""
    draw, before, kills = random.Random(seed), list[str](), 0
    with lives(str(folder), "tests.hw_bridge.real_lives", resources(wired)) as run:
        while kills < times:
            status = run.live(draw)
            told, before = [*before, *run.told[-1]], committed(str(folder))
            assert before[: len(told)] == told, "what was committed is lost"
            assert len(before) <= len(told) + 1, "more than the block of whose commit nobody has heard"
            kills += status == -signal.SIGKILL
            assert status in (0, -signal.SIGKILL)
        assert run.live(None) == 0
    assert len(run.told[-1]) == CYCLES and committed(str(folder)) == [*before, *run.told[-1]]
    assert output(wired) == (False, 0.0)


def test_killed_a_few_times(wired: Wired, tmp_path: Path) -> None:
    killed_so_often(2, 1, wired, tmp_path)


@pytest.mark.nightly
def test_killed_fifty_times(wired: Wired, tmp_path: Path) -> None:
    killed_so_often(50, 2, wired, tmp_path)
