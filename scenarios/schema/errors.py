"""What is wrong in a scenario file: where, which key, and what was expected instead, in one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from twin.errors import InputError

KeyPath = tuple[str | int, ...]
"""The way to a value in a scenario: mapping keys, and indices of list items."""

_LONGEST = 60


class Position(NamedTuple):
    """Where a value was written.

    Parameters
    ----------
    file : the file as it was named, or ``--set a.b`` or ``with_`` for an override.
    line : line in the file, from 1; None where there are no lines.
    """

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


class Problem(NamedTuple):
    """One thing that is wrong, not yet tied to a line: the path of the value and a sentence."""

    path: KeyPath
    text: str


class ScenarioError(InputError):
    """A scenario cannot be read or is not valid; its text is one line ``FILE:LINE: key: what was expected``.

    Parameters
    ----------
    expected : what was expected, and what was found instead.
    file : file the value stands in, or the override that set it; empty if there is none.
    line : line in the file, from 1.
    key : the key with dots, such as ``balance.coil.resistance``; empty for the file as a whole.
    more : how many further problems there are.
    """

    def __init__(self, expected: str, *, file: str = "", line: int | None = None, key: str = "", more: int = 0) -> None:
        place = str(Position(file, line))
        option, _, given = f"{place}.".partition(" ")
        told = {"--set": given, "--real": f"balance.{given}"}.get(option, "")  # the option names the key already
        named = key and not told.startswith(f"{key}.")
        text = ": ".join(part for part in (place, key if named else "", expected) if part)
        super().__init__(one_line(f"{text} (and {more} more)" if more else text))
        self.file, self.line, self.key, self.expected, self.more = file, line, key, expected, more


def one_line(text: str) -> str:
    """The text without line breaks, other control characters written as escapes."""
    spaced = " ".join(text.split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in spaced)


def dotted(path: KeyPath) -> str:
    """``("balance", "coil", 0)`` as ``balance.coil.0``."""
    return ".".join(str(part) for part in path)


def shown(value: Any) -> str:
    """A value of a scenario as an error message shows it: what it is if it is long, itself if it is short."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, str):
        return repr(value if len(value) <= _LONGEST else value[:_LONGEST] + "...")
    if isinstance(value, int | float):
        text = repr(value) if abs(value) < 1e300 else "a huge number"
        return text if len(text) <= _LONGEST else "a huge number"
    return "a mapping" if isinstance(value, Mapping) else "a list" if isinstance(value, list | tuple) else repr(value)


def position_of(path: KeyPath, positions: Mapping[KeyPath, Position]) -> Position:
    """Where a value was written; for one that was not, where the nearest mapping around it was.

    Of a mapping that several files wrote, where it was written last: an override, the file itself, a file it extends.
    """
    while path and path not in positions:
        path = path[:-1]
    top = positions.get((), Position("")).file
    inside = [place for key, place in positions.items() if path and key[: len(path)] == path]
    overrides = [place for place in inside if place.line is None]
    own = [place for place in inside if place.file == top]
    return (overrides or own or [positions.get(path, Position(""))])[0]


def fail(problems: Iterable[Problem], positions: Mapping[KeyPath, Position]) -> ScenarioError:
    """The error for a list of problems: overrides first, then the file itself by line, then the files it extends."""
    top = positions.get((), Position("")).file

    def order(problem: Problem) -> tuple[int, int]:
        place = position_of(problem.path, positions)
        return (0 if place.line is None else 1 if place.file == top else 2), place.line or 0

    ordered = sorted(problems, key=order)
    first = ordered[0]
    place = position_of(first.path, positions)
    key, more = dotted(first.path), len(ordered) - 1
    return ScenarioError(first.text, file=place.file, line=place.line, key=key, more=more)
