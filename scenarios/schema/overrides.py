"""Values set over a scenario: ``--set key.path=value`` on the command line, `Scenario.with_` in Python.

They follow the rules of `scenarios.schema.merge`; an error names the setting instead of a file and line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from scenarios.schema.document import MAX_DEPTH, Document, parse_value
from scenarios.schema.errors import Position, ScenarioError, dotted, shown
from scenarios.schema.merge import merge, paths


class Setting(str):
    """``key.path=value`` that was given in other words, by which errors name it.

    Parameters
    ----------
    text : the setting.
    place : such as ``--real current_source``.
    """

    place: str

    def __new__(cls, text: str, place: str) -> Setting:
        """With its place."""
        made = super().__new__(cls, text)
        made.place = place
        return made


def with_settings(document: Document, settings: Sequence[str]) -> Document:
    """A document with settings such as ``balance.scale=0.5`` over it, in their order.

    Raises
    ------
    ScenarioError
        With ``--set KEY`` as its place, if one cannot be read or does not fit the tree.
    """
    for setting in settings:
        key, equals, text = setting.partition("=")
        key = key.strip()
        if not equals or not key:
            raise ScenarioError(f"expected key.path=value, not {shown(setting)}", file="--set")
        place = Position(setting.place if isinstance(setting, Setting) else f"--set {key}")
        try:
            value = parse_value(text)
        except ScenarioError as error:
            raise ScenarioError(error.expected, file=place.file, key=key) from error
        document = override(document, key, value, place)
    return document


def with_values(document: Document, overrides: Mapping[str, Any]) -> Document:
    """A document with Python values over it, by keys with dots.

    Raises
    ------
    ScenarioError
        With ``with_`` as its place, if a value is nothing that a scenario file could hold or does not fit the tree.
    """
    for key, value in overrides.items():
        place = Position("with_")
        document = override(document, key, _plain(value, place, key, MAX_DEPTH), place)
    return document


def override(document: Document, key: str, value: Any, place: Position) -> Document:
    """A document with one value set; None removes the key, a mapping merges, and a number in the key indexes a list."""
    path = _split(key)
    if not all(path):
        raise ScenarioError("expected a key with dots, such as balance.scale", file=place.file, key=key)
    if path[0] in ("schema", "extends"):
        raise ScenarioError("is fixed by the file and cannot be overridden", file=place.file, key=key)
    node: Any = document.tree
    for depth, part in enumerate(path):
        if isinstance(node, list):
            if not (part.isascii() and part.isdigit() and int(part) < len(node)):
                text = f"expected an index from 0 to {len(node) - 1} into {dotted(path[:depth])}, not {part!r}"
                raise ScenarioError(text, file=place.file, key=key)
            changed = deepcopy(node)
            _put(changed, path[depth:], value, place, key)
            path, value = path[:depth], changed
            break
        if not isinstance(node, dict):
            text = f"{dotted(path[:depth])} is {shown(node)}, not a mapping with a key {part!r}"
            raise ScenarioError(text, file=place.file, key=key)
        if part not in node:
            if value is None:
                return document
            break
        node = node[part]
    for part in reversed(path):
        value = {part: value}
    return merge(document, Document(value, {here: place for here in paths(value, ()) if here}))


def _put(node: Any, path: tuple[str, ...], value: Any, place: Position, key: str) -> None:
    """Set a value below a list, in place."""
    for part in path[:-1]:
        try:
            node = node[int(part) if isinstance(node, list) else part]
        except (KeyError, IndexError, ValueError, TypeError):
            raise ScenarioError(f"there is no {part!r} to set a value in", file=place.file, key=key) from None
    try:
        node[int(path[-1]) if isinstance(node, list) else path[-1]] = value
    except (IndexError, ValueError, TypeError):
        raise ScenarioError(f"there is no {path[-1]!r} to set", file=place.file, key=key) from None


def _split(key: str) -> tuple[str, ...]:
    """The parts of a key with dots; in ``balance.wiring`` and a part's ``dimensions`` the keys have dots themselves."""
    parts = tuple(key.split("."))
    whole = 2 if parts[:2] == ("balance", "wiring") else 3 if parts[2:3] == ("dimensions",) else len(parts)
    return (*parts[:whole], ".".join(parts[whole:])) if len(parts) > whole else parts


def _plain(value: Any, place: Position, key: str, depth: int) -> Any:
    """A Python value as a scenario file would give it; numpy numbers and arrays become plain ones."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if depth == 0:
        raise ScenarioError(f"nested deeper than {MAX_DEPTH} levels", file=place.file, key=key)
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return {name: _plain(item, place, f"{key}.{name}", depth - 1) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, place, f"{key}.{i}", depth - 1) for i, item in enumerate(value)]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        if abs(value) <= 1.7e308:  # also refuses NaN
            return value
        raise ScenarioError("expected a finite number", file=place.file, key=key)
    if isinstance(value, str):
        if all(not "\ud800" <= c <= "\udfff" for c in value):
            return value
        raise ScenarioError("contains half a surrogate pair", file=place.file, key=key)
    kind = type(value).__name__
    raise ScenarioError(f"expected a number, text, list or mapping, not a {kind}", file=place.file, key=key)
