"""Entry points: how the layers above, and a laboratory's own package, add parts without touching this one.

An installed distribution names its objects in one of the groups below, for example in its ``pyproject.toml``::

    [project.entry-points."kibble_twin.components"]
    my_voltmeter = "my_lab.voltmeter:Voltmeter"

Nothing is imported before it is asked for by name.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from twin.errors import InputError

COMPONENTS = "kibble_twin.components"
DRIVERS = "kibble_twin.drivers"
CAMPAIGNS = "kibble_twin.campaigns"
REDUCTIONS = "kibble_twin.reductions"
COMMANDS = "kibble_twin.commands"
BRIDGES = "kibble_twin.bridges"
"""What runs a campaign with real instruments; one member."""


class PluginError(InputError, LookupError):
    """A name is not registered in a group, is registered twice, or cannot be imported.

    Parameters
    ----------
    message : what is wrong and what to do.
    group, name : what was looked up.
    known : the names that the group has.
    """

    def __init__(self, message: str, group: str = "", name: str = "", known: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.group, self.name, self.known = group, name, known


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of an error message: the nearest of the known words, or all of them if none is near.

    >>> did_you_mean("resistence", ["resistance", "gain"])
    "; did you mean 'resistance'?"
    >>> did_you_mean("x", ["resistance", "gain"])
    '; known are gain, resistance'
    """
    words = sorted(set(known))
    return near(word, words) or (f"; known are {', '.join(words)}" if words else "; none is known here")


def near(word: str, known: Iterable[str]) -> str:
    """As `did_you_mean`, where there are too many words to list: empty if none of them is near."""
    close = difflib.get_close_matches(word, sorted(set(known)), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


@lru_cache(maxsize=16)
def _registered(group: str) -> tuple[EntryPoint, ...]:
    """All entry points of a group; reading the metadata of every distribution is slow, so once is enough."""
    return tuple(entry_points(group=group))


def names(group: str) -> tuple[str, ...]:
    """The names registered in a group, sorted; nothing is imported."""
    return tuple(sorted({point.name for point in _registered(group)}))


@lru_cache(maxsize=512)
def _load(point: EntryPoint) -> Any:
    """The object an entry point refers to, imported once."""
    return point.load()


def load(group: str, name: str) -> Any:
    """The object registered as `name` in `group`, imported at its first use.

    Raises
    ------
    PluginError
        If the name is unknown (the message gives the nearest), if two distributions register different objects under
        it, or if importing it fails.
    """
    points = {point.value: point for point in _registered(group) if point.name == name}
    known = names(group)
    kind = group.rpartition(".")[2].removesuffix("s")
    if not points:
        raise PluginError(f"unknown {kind} {name!r}{did_you_mean(name, known)}", group, name, known)
    if len(points) > 1:
        places = " and ".join(sorted(points))
        raise PluginError(f"{kind} {name!r} is registered twice, as {places}; uninstall one", group, name, known)
    point = next(iter(points.values()))
    try:
        return _load(point)
    except Exception as error:  # importing runs foreign code, which may fail in any way
        text = f"{kind} {name!r} ({point.value}) cannot be imported: {type(error).__name__}: {error}"
        raise PluginError(text, group, name, known) from error
