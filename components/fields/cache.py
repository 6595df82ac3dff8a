"""What was computed of fields and heat, kept in the process and on disk by the hash of what it was computed from.

A file is written beside its final name and then renamed, so that writers at the same time do not meet and a reader
sees a whole file or none. A file holds a checksum of its arrays; one that is damaged, or of another key, is not
believed and is computed again. The cache is a convenience: a directory that cannot be written is no error.

The directory is ``$KIBBLE_TWIN_CACHE``, or ``kibble-twin`` in the user's cache directory.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

VARIABLE = "KIBBLE_TWIN_CACHE"
"""The environment variable that names the directory."""

ROOM_FOR = 16
"""Results that are kept in the process; beyond, the oldest goes."""

Result = TypeVar("Result")
_CHECK = "checksum"
_KEPT: dict[tuple[str, str], Any] = {}  # of this process, by directory and key


def directory() -> Path:
    """Where computed profiles are kept."""
    if named := os.environ.get(VARIABLE):
        return Path(named).expanduser() / "fields"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "kibble-twin" / "fields"


def key(*content: str) -> str:
    """The key of what is computed from these texts."""
    return hashlib.sha256("\n".join(content).encode()).hexdigest()


def kept(
    name: str,
    compute: Callable[[], Result],
    pack: Callable[[Result], Mapping[str, Array]],
    unpack: Callable[[dict[str, Array]], Result],
    *,
    cached: bool = True,
) -> Result:
    """What `compute` gives, or gave before: asked again in this process it is the same object, in another one equal.

    Parameters
    ----------
    name : the key of all that the result follows from.
    compute : makes the result.
    pack, unpack : the result as arrays, and back.
    cached : False computes, and leaves the cache alone.
    """
    if not cached:
        return compute()
    place = str(directory()), name
    if place not in _KEPT:
        arrays = load(name)
        found = compute() if arrays is None else unpack(arrays)
        if arrays is None:
            save(name, pack(found))
        while len(_KEPT) >= ROOM_FOR:
            del _KEPT[next(iter(_KEPT))]
        _KEPT[place] = found
    result: Result = _KEPT[place]
    return result


def forget() -> None:
    """Drop what is kept in the process; what is on disk stays."""
    _KEPT.clear()


def load(name: str) -> dict[str, Array] | None:
    """The arrays that are kept under a key, or None if there are none or they are damaged."""
    try:
        with open(_path(name), "rb") as stream, np.load(stream, allow_pickle=False) as file:
            found = {key: file[key] for key in file.files}
    except Exception:  # a damaged archive raises whatever zipfile, zlib and numpy do
        return None
    check = found.pop(_CHECK, None)
    return found if check is not None and str(check) == _checksum(name, found) else None


def save(name: str, arrays: Mapping[str, Array]) -> None:
    """Keep arrays under a key; nothing happens if the directory cannot be written."""
    with suppress(OSError):
        path = _path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{name[:8]}.", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, allow_pickle=False, **arrays, **{_CHECK: np.array(_checksum(name, arrays))})
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise


def _path(name: str) -> Path:
    return directory() / f"{name}.npz"


def _checksum(name: str, arrays: Mapping[str, Array]) -> str:
    """Over the key, and names, types, shapes and contents of the arrays."""
    found = hashlib.sha256(name.encode())
    for key in sorted(arrays):
        array = np.ascontiguousarray(arrays[key])
        found.update(f"{key} {array.dtype.str} {np.shape(arrays[key])}\n".encode())
        found.update(array.tobytes())
    return found.hexdigest()
