"""Tests that are killed leave nothing behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.mortal import END, seen_to

ROOT = Path(__file__).parents[1]
PATIENCE = 120.0
SLEEPER = """
import subprocess, sys
from tests.mortal import END, seen_to
with subprocess.Popen(["sleep", "1000"]) as process, seen_to(END, process.pid):
    print("ready", flush=True)
    sys.stdin.read()
"""
SERVER = """
import sys
from tests import postgresql_server
seen_to = postgresql_server.seen_to
postgresql_server.seen_to = lambda command, folder: told(seen_to(command, folder), folder)
from contextlib import contextmanager
@contextmanager
def told(waiting, folder):
    with waiting as pid:
        print(pid, folder, flush=True)
        yield
with postgresql_server.running() as url:
    print("ready", flush=True)
    sys.stdin.read()
"""


def program(text: str) -> subprocess.Popen[str]:
    """In a process of its own."""
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", text], cwd=ROOT, **pipes)


def test_what_tests_that_are_killed_have_started_ends() -> None:
    """The sleeper has the same standard output: reading ends when both have."""
    with program(SLEEPER) as tests:
        assert tests.stdout is not None and tests.stdout.readline() == "ready\n"
        tests.send_signal(signal.SIGKILL)
        out, _ = tests.communicate(timeout=PATIENCE)
    assert out == "" and tests.returncode == -signal.SIGKILL


def test_what_ends_by_itself_is_left_alone(tmp_path: Path) -> None:
    with seen_to(f"touch {tmp_path}/done; {END}", os.getpid()):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.nightly
@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfd_open")
def test_a_database_server_ends_with_tests_that_are_killed() -> None:
    pytest.importorskip("pgserver", reason="needs a PostgreSQL server: pip install pgserver")
    with program(SERVER) as tests:
        assert tests.stdout is not None
        waiting, folder = tests.stdout.readline().split()
        assert tests.stdout.readline() == "ready\n"
        server = int(Path(folder, "postmaster.pid").read_text().split()[0])
        ends = [os.pidfd_open(server), os.pidfd_open(int(waiting))]
        tests.send_signal(signal.SIGKILL)
        for end in ends:
            assert select.select([end], [], [], PATIENCE)[0]
            os.close(end)
        assert not Path(folder).exists()
