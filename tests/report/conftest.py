"""A short run with its report, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.cli.app import main
from scenarios.run.reopen import Origin, reopen
from scenarios.run.result import Result

SHORT = [
    "kbmini_tmtp",
    *(f"--set=campaign.{key}" for key in ("cycles=3", "weighing.count=5", "weighing.duration=60 s")),
    *(f"--set=campaign.weighing.{key}" for key in ("window_start=20 s", "window_end=40 s")),
    "--set=campaign.velocity.cycles=20",
]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run; not to be changed."""
    path = tmp_path_factory.mktemp("report") / "kept"
    assert main(["run", *SHORT, "--out", str(path)]) == 0
    return path


@pytest.fixture(scope="session")
def reopened(folder: Path) -> tuple[Result, Origin]:
    """The result of that run, and where it comes from."""
    return reopen(folder)


@pytest.fixture(scope="session")
def result(reopened: tuple[Result, Origin]) -> Result:
    """The result of that run."""
    return reopened[0]


@pytest.fixture(scope="session")
def short() -> list[str]:
    """The arguments of that run."""
    return SHORT
