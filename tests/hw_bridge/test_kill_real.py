"""kill -9 during a run with real instruments: what was committed is there, and the next run ends in the safe state."""

from __future__ import annotations

import random
import signal
from contextlib import closing
from pathlib import Path

import pytest

from tests.hw_bridge.real_bench import bridged, hardware, output, resources
from tests.hw_bridge.real_lives import CYCLES, campaign
from tests.hw_bridge.wired import Wired
from tests.scenarios.test_kills import committed, lives
from twin.errors import CheckpointError
from twin.postgresql import PostgresDatabase
from twin.steps import Step
from twin.store import RunStore


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


def test_a_database_that_is_lost_ends_the_run_in_its_safe_state(wired: Wired, postgresql: str) -> None:
    """What had been committed is there; nothing goes out that the store does not know of."""
    with closing(PostgresDatabase(postgresql)) as database, closing(PostgresDatabase(postgresql)) as other:
        store = RunStore(database, run=77)

        def lose(step: Step) -> None:
            if step.cycle == 2:
                assert output(wired)[0]
                with other.transaction() as execute:
                    every = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                    list(execute(every + "AND application_name = 'kibble-twin'", {}))

        with (
            pytest.raises(CheckpointError, match="see whether the server is there"),
            bridged(hardware(resources(wired))) as (bridge, twin, there),
        ):
            store.follow(twin.recorder)
            twin.run(campaign(bridge.clock, there), lose)
        assert output(wired) == (False, 0.0)
        assert [block.labels["cycle"] for block in store.blocks("readings")] == [0, 1, 2]


@pytest.mark.nightly
def test_killed_fifty_times(wired: Wired, tmp_path: Path) -> None:
    killed_so_often(50, 2, wired, tmp_path)
