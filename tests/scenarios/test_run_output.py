"""The folder of results: at every moment absent, complete and old, or complete and new."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scenarios.run import output
from scenarios.run.output import FILES, OutputError, OutputFolder, exchange


class KillError(BaseException):
    """Stands for kill -9: nothing that follows is done."""


def write(text: str) -> Callable[[Path], None]:
    """Writes the three files, all with the same text."""

    def into(folder: Path) -> None:
        for name in FILES:
            (folder / name).write_text(text)

    return into


def content(folder: Path) -> str | None:
    """The text of a complete result, None if there is no folder."""
    if not folder.exists():
        return None
    assert sorted(os.listdir(folder)) == sorted(FILES)
    texts = {(folder / name).read_text() for name in FILES}
    assert len(texts) == 1
    return texts.pop()


def finished(path: Path, text: str) -> None:
    """A whole run."""
    folder = OutputFolder(path)
    folder.check()
    with folder.claimed():
        folder.begin("scenario")
        folder.finish(write(text))


@pytest.mark.parametrize("linux", [True, False])
def test_replaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linux: bool) -> None:
    """An absent folder, an empty one, and an older result; with and without the help of the system."""
    if not linux:
        monkeypatch.setattr(output, "exchange", lambda *_: False)
    path = tmp_path / "kept"
    for text in ("first", "second", "third"):
        finished(path, text)
        assert content(path) == text and os.listdir(tmp_path) == ["kept"]
    (tmp_path / "empty").mkdir()
    finished(tmp_path / "empty", "fourth")
    assert content(tmp_path / "empty") == "fourth"


@pytest.mark.parametrize("linux", [True, False])
@pytest.mark.parametrize("old", [None, "old"])
def test_killed_before_or_after_any_call_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linux: bool, old: str | None
) -> None:
    """Every call that changes the disk is in turn the last one that is done, or the first one that is not."""
    path, calls, last = tmp_path / "kept", 0, -1

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == last:
                raise KillError
            return function(*arguments, **options)

        return call

    def killed_at(number: int) -> bool:
        nonlocal calls, last
        calls, last = 0, number
        folder = OutputFolder(path)
        try:
            with monkeypatch.context() as patch:
                for name in ("unlink", "rmdir", "mkdir", "fsync", "rename", "replace"):
                    patch.setattr(os, name, counted(getattr(os, name)))
                patch.setattr(output, "exchange", counted(exchange) if linux else lambda *_: False)
                with folder.claimed():
                    folder.begin("scenario")
                    folder.finish(write("new"))
        except KillError:
            return True
        return False

    number = 1
    while True:
        if old is not None:
            finished(path, old)
        was_killed = killed_at(number)
        if not linux and not path.exists() and (tmp_path / ".kept.old").exists():
            with OutputFolder(path).claimed():  # without an exchange, the next start brings the old one back
                pass
        assert content(path) in (old, "new")
        finished(path, "later")  # whatever is left is in nobody's way
        assert content(path) == "later" and os.listdir(tmp_path) == ["kept"]
        if not was_killed:
            break
        number += 1
        for name in FILES:
            (path / name).unlink()
        path.rmdir()
    assert number > 8


def test_link_to_a_folder(tmp_path: Path) -> None:
    """The folder is replaced, not the link to it."""
    finished(tmp_path / "real", "old")
    (tmp_path / "link").symlink_to("real")
    finished(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink() and content(tmp_path / "real") == "new"


def test_foreign_folder(tmp_path: Path) -> None:
    """A result beside which somebody has put a file of their own is not replaced."""
    finished(tmp_path / "kept", "old")
    (tmp_path / "kept" / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"holds notes\.txt"):
        OutputFolder(tmp_path / "kept").check()


@pytest.mark.parametrize(
    ("armed", "acts", "kept"), [(True, True, True), (False, False, True), (False, True, False), (True, False, True)]
)
def test_what_nobody_can_measure_again_is_not_replaced(tmp_path: Path, armed: bool, acts: bool, kept: bool) -> None:
    """But a dry run is, of something that would act."""
    path = tmp_path / "night"
    account = {"armed": armed, "instruments": {"source": {"acts": acts}, "meter": {"acts": False}}}
    finished(path, json.dumps({"hardware": account}))
    folder = OutputFolder(path)
    if kept:
        with pytest.raises(OutputError, match="readings of real instruments, which nobody can take again"):
            folder.check()
        folder.check(anew=False)
    else:
        folder.check()


def test_refused_run_leaves_nothing(tmp_path: Path) -> None:
    """A run that ends before it has begun leaves no folder behind."""
    with pytest.raises(KeyboardInterrupt), OutputFolder(tmp_path / "kept").claimed():
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []
