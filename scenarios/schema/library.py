"""The scenario files that are shipped, and which file a name means."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from scenarios.schema.errors import ScenarioError
from twin.plugins import did_you_mean

_SUFFIXES = (".yaml", ".yml")


def folder() -> Path:
    """Where the shipped scenario files are."""
    return Path(str(files("scenarios").joinpath("library")))


def shipped() -> list[str]:
    """The names of the shipped scenarios that can be run, such as ``kbmini_tmtp``, sorted."""
    return sorted(path.stem for path in folder().glob("*.yaml"))


def _everything() -> dict[str, Path]:
    """All shipped files by name, with those that others extend, such as ``balances/kbmini``."""
    root = folder()
    return {path.relative_to(root).with_suffix("").as_posix(): path for path in sorted(root.rglob("*.yaml"))}


def find(source: str | Path) -> Path:
    """The file that a scenario's name means.

    An existing path is meant if it ends in ``.yaml`` or ``.yml`` or has a folder in it, otherwise a shipped name.

    Raises
    ------
    ScenarioError
        If there is no such file; the message gives near names.
    """
    text, path = str(source), Path(source)
    if isinstance(source, Path) or path.suffix in _SUFFIXES or len(path.parts) > 1 or path.is_absolute():
        if _is_there(path) and not (path.is_dir() and text in _everything()):
            return path
        if isinstance(source, Path) or path.suffix in _SUFFIXES:
            beside = _beside(path.parent)
            near = did_you_mean(path.name, beside) if beside else ", nor any other scenario in its folder"
            raise ScenarioError(f"no such file{near}", file=text)
    known = _everything()
    if text in known:
        return known[text]
    near = did_you_mean(text, [*shipped(), *_beside(Path()), *(known if "/" in text else ())])
    raise ScenarioError(f"no shipped scenario and no file has this name{near}", file=text)


def find_base(name: str, extending: Path) -> Path:
    """The file that ``extends: name`` means in the file `extending`.

    A path relative to that file, with or without ``.yaml``, wins over a shipped name.

    Raises
    ------
    ScenarioError
        Without file and line, which the caller knows, if there is no such file.
    """
    beside = extending.parent
    for candidate in (name, *(name + suffix for suffix in _SUFFIXES)):
        path = beside / candidate
        if _is_there(path) and not path.is_dir():
            return path
    known = _everything()
    if name in known:
        return known[name]
    raise ScenarioError(f"no file and no shipped scenario {name!r}{did_you_mean(name, [*known, *_beside(beside)])}")


def _is_there(path: Path) -> bool:
    """Whether a path exists; one that is too long or has odd characters does not."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _beside(directory: Path) -> list[str]:
    """The scenario files in a directory; none if it cannot be read."""
    try:
        return sorted(path.name for path in directory.iterdir() if path.suffix in _SUFFIXES)
    except (OSError, ValueError):
        return []
