"""The folder of a run's results: absent, complete and old, or complete and new, at every moment.

A run under way lives in a hidden folder beside the one asked for (``.DIR.partial``), from which it can be resumed. Its
final files are written into another one (``.DIR.new``), made durable, and exchanged with the old ones in one operation
of the file system. So a run that is killed at any moment neither leaves half a result nor takes an older one with it.

The report comes after the results, and beside them: its pictures and its page are each exchanged in the same way.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

from twin.errors import InputError

SUMMARY, BLOCKS, SCENARIO = "result.json", "run.nc", "scenario.yaml"
REPORT, PICTURES = "report.html", "pictures"
FILES = (SUMMARY, BLOCKS, SCENARIO, REPORT, PICTURES)
_LOCK = "lock"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # <fcntl.h>, <linux/fs.h>


class OutputError(InputError):
    """A folder cannot be used for results, or holds no run to resume."""


class OutputFolder:
    """A folder for the results of one run.

    Parameters
    ----------
    path : the folder; it is made when the run is complete.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.target = Path(os.path.realpath(path))
        self.partial = self._beside("partial")

    def _beside(self, kind: str) -> Path:
        return self.target.with_name(f".{self.target.name}.{kind}") if self.target.name else self.target

    @property
    def is_finished(self) -> bool:
        """Whether there is a result."""
        return (self.target / SUMMARY).is_file()

    @property
    def told(self) -> str:
        """The scenario of the result that is there, and when it was written; empty if there is none."""
        file = self.target / SUMMARY
        try:
            written = datetime.fromtimestamp(file.stat().st_mtime).strftime("%Y-%m-%d %H:%M")
            return f"{json.loads(file.read_text(encoding='utf-8'))['scenario']} of {written}"
        except (OSError, ValueError, LookupError, TypeError):
            return "a result that cannot be read" if self.is_finished else ""

    @property
    def is_under_way(self) -> bool:
        """Whether there is a run that has not finished."""
        return self.scenario_file.is_file()

    @property
    def has_checkpoint(self) -> bool:
        """Whether the run under way has got as far as its first step."""
        from twin.store import RunStore

        with RunStore(self.partial) as store:
            return store.has_checkpoint

    @property
    def scenario_file(self) -> Path:
        """The resolved scenario of the run under way."""
        return self.partial / SCENARIO

    def check(self, *, anew: bool = True) -> None:
        """Refuse a folder whose content is not ours to replace, or that cannot be made.

        Parameters
        ----------
        anew : a run begins that is to replace the result that may be there, which nobody could measure once more.

        Raises
        ------
        OutputError
            Saying what is in the way.
        """
        parent = self.target.parent
        if not parent.is_dir():
            raise OutputError(f"{self.path}: {parent} is no folder; make it first")
        if not os.access(parent, os.W_OK | os.X_OK):
            raise OutputError(f"{self.path}: {parent} cannot be written to; choose another place")
        if os.path.lexists(self.target) and not self.target.is_dir():
            raise OutputError(f"{self.path} is a file; choose a folder for the results")
        if self.target.is_dir():
            found = _names(self.target)
            foreign = [name for name in found if name not in FILES]
            if foreign:
                raise OutputError(f"{self.path} holds {foreign[0]}, which is no result of a run; choose another folder")
            if found and not self.is_finished:
                raise OutputError(f"{self.path} is no result of a run: {SUMMARY} is missing; choose another folder")
            if anew and self.is_finished and _was_measured(self.target / SUMMARY):
                raise OutputError(
                    f"{self.path} holds readings of real instruments, which nobody can take again; "
                    "move it away, or choose another folder"
                )

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep other runs out of the folder, after an interrupted exchange has been put right.

        Raises
        ------
        OutputError
            If another run has it, or it cannot be made.
        """
        try:
            self.partial.mkdir(exist_ok=True)
            lock = (self.partial / _LOCK).open("w")
        except OSError as error:
            raise OutputError(f"{self.path}: {self.partial} cannot be written: {_reason(error)}") from None
        with lock:
            if not _locked(lock):
                raise OutputError(f"{self.path}: another run is writing there; wait for it or choose another folder")
            self._restore()
            try:
                yield
            finally:
                if not self.is_under_way:
                    shutil.rmtree(self.partial, ignore_errors=True)

    def begin(self, scenario: str) -> None:
        """Start a run anew, with its resolved scenario; what an unfinished one has left is discarded."""
        self._discard()
        text = self.scenario_file.with_suffix(".tmp")
        text.write_text(scenario, encoding="utf-8")
        _sync(text)
        text.replace(self.scenario_file)

    def forget_unbegun(self) -> None:
        """Remove a run that was refused before its first step: nothing of it was recorded."""
        if self.is_under_way and not self.has_checkpoint:
            self._discard()

    def finish(self, write: Callable[[Path], None]) -> None:
        """Put the final files in place.

        Parameters
        ----------
        write : writes them into the folder it is given.
        """
        fresh = self._written(write)
        self._put_in_place(fresh)
        _sync(self.target.parent)
        self._discard()

    def add(self, write: Callable[[Path], None]) -> None:
        """Put a report beside the results, in place of an older one: its pictures first, then the page.

        Parameters
        ----------
        write : writes both into the folder it is given.
        """
        try:
            fresh = self._written(write)
            for path in sorted(fresh.iterdir(), key=Path.is_file):
                self._put_beside(path, self.target / path.name)
            _sync(self.target)
        finally:
            shutil.rmtree(self._beside("new"), ignore_errors=True)

    def _written(self, write: Callable[[Path], None]) -> Path:
        """A fresh folder with what `write` writes, durable."""
        fresh = self._beside("new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        try:
            write(fresh)
            for path in fresh.rglob("*"):
                _sync(path)
            _sync(fresh)
        except OSError as error:
            shutil.rmtree(fresh, ignore_errors=True)
            raise OutputError(f"{self.path}: {_reason(error)}") from error
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        return fresh

    def _put_beside(self, fresh: Path, place: Path) -> None:
        """Move a file or a folder of a report into the folder of results."""
        if not (fresh.is_dir() and place.is_dir()):
            fresh.replace(place)
        elif not exchange(fresh, place):
            place.rename(fresh.with_name("old"))
            fresh.rename(place)

    def _put_in_place(self, fresh: Path) -> None:
        """Make `fresh` the target, and remove the old one."""
        if not (self.target.is_dir() and _names(self.target)):
            fresh.rename(self.target)  # also over an empty folder
        elif exchange(fresh, self.target):
            shutil.rmtree(fresh, ignore_errors=True)
        else:
            aside = self._beside("old")
            self.target.rename(aside)
            fresh.rename(self.target)
            shutil.rmtree(aside, ignore_errors=True)

    def _restore(self) -> None:
        """Bring back an old result that was set aside for a new one which did not come; clear away leftovers."""
        aside = self._beside("old")
        if aside.is_dir() and not os.path.lexists(self.target):
            aside.rename(self.target)
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(self._beside("new"), ignore_errors=True)

    def _discard(self) -> None:
        """Remove a run under way; first what makes it one, so that half of it is never resumed."""
        self.scenario_file.unlink(missing_ok=True)
        for path in self.partial.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != _LOCK:
                path.unlink()


def check_room(folder: Path, size: int) -> None:
    """Refuse to write what has no room: HDF5 says so late, in many lines, and may take the process with it.

    Parameters
    ----------
    size : of what is to be written (bytes).

    Raises
    ------
    OutputError
        If the disk, or what a process may write, is too small for it.
    """
    if not hasattr(os, "posix_fallocate"):  # Linux and most others have it
        return
    try:
        with tempfile.TemporaryFile(dir=folder) as reserve:
            os.posix_fallocate(reserve.fileno(), 0, size)
    except OSError as error:
        raise OutputError(f"no room for {size / 1e6:.2g} MB in {folder}: {_reason(error)}") from error


def exchange(a: Path, b: Path) -> bool:
    """Exchange two paths in one operation of the file system; False if the system cannot do that (Linux can)."""
    if not sys.platform.startswith("linux"):
        return False
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    renameat2.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    return bool(renameat2(_AT_FDCWD, os.fsencode(a), _AT_FDCWD, os.fsencode(b), _RENAME_EXCHANGE) == 0)


def _was_measured(summary: Path) -> bool:
    """Whether a result is of real instruments, and of more than a dry run of what acts."""
    try:
        account = json.loads(summary.read_text(encoding="utf-8"))["hardware"]
        return account["armed"] or not any(told["acts"] for told in account["instruments"].values())
    except (OSError, ValueError, LookupError, TypeError):
        return False  # simulated, or nothing that we have written


def _locked(file: IO[str]) -> bool:
    """Lock a file until it is closed or this process ends in whatever way; False if another process has it."""
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _sync(path: Path) -> None:
    """Make a file or a folder durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _names(folder: Path) -> list[str]:
    """What is in a folder, sorted.

    Raises
    ------
    OutputError
        If it cannot be read.
    """
    try:
        return sorted(os.listdir(folder))
    except OSError as error:
        raise OutputError(f"{folder} cannot be read: {_reason(error)}") from None


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
