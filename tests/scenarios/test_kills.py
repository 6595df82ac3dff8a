"""kill -9 at random points of runs: what was committed is there, and the run ends as one that nobody killed.

Each test's name has the seed of its random numbers.
"""

from __future__ import annotations

import json
import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import scenarios
from scenarios.run.shared import SharedRuns, is_url
from tests.scenarios.test_cli_kill import ROOT
from twin.recorder import Blocks
from twin.store import RunStore

SETTINGS: dict[str, Any] = {
    "campaign.cycles": 6,
    "campaign.velocity.cycles": 20,
    "thermal.start": "ambient",
    "campaign.weighing.count": 5,
    "campaign.weighing.duration": "60 s",
    "campaign.weighing.window_start": "20 s",
    "campaign.weighing.window_end": "40 s",
}
MOMENT = 0.6
"""A life is killed at a random moment before this (s), or within a millisecond or so of a commit."""


@pytest.fixture(scope="module")
def straight() -> Any:
    """The run that nobody kills."""
    return scenarios.load("kbmini_tmtp").with_(SETTINGS).run()


class Lives:
    """A run with its lives, in processes of their own.

    Attributes
    ----------
    told : kind and checksum of each block that a life has said to have committed, life by life.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.told: list[list[str]] = []
        self._process = process
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.strip())

    def live(self, draw: random.Random | None) -> int:
        """One life, killed at random (None: not at all) unless it ends before; its exit status."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        pid, seconds, commits = int(self._said(60.0)[1]), 60.0, 10**9
        self.told.append([])
        if draw is not None and draw.random() < 0.5:
            seconds = draw.uniform(0.0, MOMENT)
        elif draw is not None:
            commits = draw.randrange(1, 40)
        deadline = time.monotonic() + seconds
        try:
            while len(self.told[-1]) < commits:
                if (status := self._heard(deadline - time.monotonic())) is not None:
                    return status
            time.sleep(0.0 if draw is None else draw.uniform(0.0, 2e-3))
        except queue.Empty:
            pass
        with suppress(ProcessLookupError):  # it has just ended by itself
            os.kill(pid, signal.SIGKILL)
        while (status := self._heard(60.0)) is None:
            pass
        return status

    def _heard(self, seconds: float) -> int | None:
        """Take what the life says next; its exit status if it is over."""
        what, *words = self._said(seconds)
        if what == "died":
            return int(words[0])
        self.told[-1].append(" ".join(words))
        return None

    def _said(self, seconds: float) -> list[str]:
        return self._lines.get(timeout=max(seconds, 0.0)).split() if seconds > 0 else self._lines.get_nowait().split()


@contextmanager
def lives(place: str, module: str = "tests.scenarios.lives", told: Any = SETTINGS) -> Iterator[Lives]:
    """The lives of a run in a folder or a shared database."""
    command = [sys.executable, "-m", module, place, json.dumps(told)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
        yield Lives(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(60.0) == 0


@contextmanager
def stored(place: str) -> Iterator[RunStore | None]:
    """The store of the run; None if it has not begun."""
    if not is_url(place):
        with RunStore(Path(place)) as store:
            yield store if store.exists else None
        return
    with SharedRuns(place) as runs:
        yield next((run.store for run in runs.all() if run.name == runs.name), None)


def committed(place: str) -> list[str]:
    """Kind and checksum of every block in the database, also of those that were set aside, in the order of commits."""
    with stored(place) as store:
        if store is None:
            return []
        with store._database.transaction() as execute:
            rows = execute("SELECT kind, checksum FROM block WHERE run = :run ORDER BY id", store._run)
            return [f"{kind} {checksum}" for kind, checksum in rows]


def killed(place: str, most: int, draw: random.Random) -> int:
    """A run that is killed at most so many times, and then ends; how often it was."""
    before: list[str] = []
    with lives(place) as run:
        for kills in range(most + 1):
            status = run.live(draw if kills < most else None)
            told, before = [*before, *run.told[-1]], committed(place)
            assert before[: len(told)] == told, "what was committed is lost"
            assert len(before) <= len(told) + 1, "more than the block of whose commit nobody has heard"
            if status == 0:
                return kills
            assert status == -signal.SIGKILL
    raise AssertionError("it does not end")


def same(place: str, straight: Any) -> None:
    """What is in force is what the run has that nobody killed, to the bit."""
    with stored(place) as store:
        assert store is not None
        for found, made in ((store.blocks("readings"), straight.readings), (store.blocks("truth"), straight.truth)):
            _alike(found, made)


def _alike(found: Blocks, made: Blocks) -> None:
    assert len(found) == len(made) > 0
    for a, b in zip(found, made, strict=True):
        assert a.values.tobytes() == b.values.tobytes()
        assert {**a.__dict__, "values": 0, "labels": 0} == {**b.__dict__, "values": 0, "labels": 0}
        assert dict(a.labels) == dict(b.labels)


def killed_so_often(times: int, seed: int, straight: Any, places: Iterator[str]) -> None:
    """Runs that are killed again and again, until there have been so many kills."""
    draw, kills = random.Random(seed), 0
    for place in places:
        more = killed(place, times - kills, draw)
        same(place, straight)
        kills += more
        print(f"seed {seed}: killed {more} times, {len(committed(place))} blocks committed, none lost")
        if kills == times:
            return


@pytest.mark.parametrize("seed", [1])
def test_killed_a_few_times(seed: int, straight: Any, tmp_path: Path) -> None:
    killed_so_often(4, seed, straight, (str(tmp_path / str(k)) for k in count()))


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [2])
def test_killed_two_hundred_times(seed: int, straight: Any, tmp_path: Path) -> None:
    killed_so_often(200, seed, straight, (str(tmp_path / str(k)) for k in count()))


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [3])
def test_killed_with_a_server_fifty_times(seed: int, straight: Any, postgresql: str) -> None:
    killed_so_often(50, seed, straight, (f"{postgresql}#kills-{k}" for k in count()))
