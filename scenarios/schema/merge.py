"""One document from several: a file over the files that it extends.

Mappings merge key by key, everything else is replaced, and null removes a key that is there. Every value keeps the
position it was written at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from scenarios.schema.document import Document, read
from scenarios.schema.errors import KeyPath, Position, ScenarioError, position_of, shown
from scenarios.schema.library import find_base

VERSION = 1
MAX_CHAIN = 20


def merge(base: Document, top: Document) -> Document:
    """`top` over `base`; neither is changed.

    A mapping that both have keeps its position in `base`; the root has that of `top`, the file that was asked for.
    """
    positions = dict(base.positions)
    tree = _merged(base.tree, top.tree, (), top.positions, positions)
    if () in top.positions:
        positions[()] = top.positions[()]
    return Document(tree, positions)


def _merged(
    base: dict[str, Any],
    top: dict[str, Any],
    path: KeyPath,
    new: Mapping[KeyPath, Position],
    positions: dict[KeyPath, Position],
) -> dict[str, Any]:
    """The merged mapping at `path`; `positions` is brought up to date."""
    result = dict(base)
    for key, value in top.items():
        here = (*path, key)
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            result[key] = _merged(base[key], value, here, new, positions)
            continue
        if key in result:
            for old in paths(result.pop(key), here):
                positions.pop(old, None)
            if value is None:
                continue
        result[key] = deepcopy(value)
        positions.update((path, new[path]) for path in paths(value, here) if path in new)
    return result


def paths(value: Any, path: KeyPath) -> Iterator[KeyPath]:
    """The path of a value and of everything in it."""
    yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(item, (*path, key))


def extended(document: Document, path: Path) -> Document:
    """A document merged over the chain of files that it extends.

    Parameters
    ----------
    document : the parsed file.
    path : where it is; paths in ``extends`` are relative to it.

    Raises
    ------
    ScenarioError
        For a base that is not found, a cycle (which it shows), or a file of another schema version.
    """
    chain, seen = [document], [path]
    while "extends" in chain[-1].tree:
        current = chain[-1]
        place, extending = current.positions[("extends",)], seen[-1]
        _check_version(current)
        for name in reversed(_names(current.tree["extends"], place)):
            if "extends" in chain[-1].tree and chain[-1] is not current:
                raise _at(place, f"{seen[-1].stem} extends a file itself; only the first of several may")
            try:
                base = find_base(name, extending)
            except ScenarioError as error:
                raise _at(place, error.expected) from error
            resolved = [known.resolve() for known in seen]
            if base.resolve() in resolved:
                cycle = [*seen[resolved.index(base.resolve()) :], base]
                raise _at(place, "the files extend each other: " + " -> ".join(known.name for known in cycle))
            if len(chain) == MAX_CHAIN:
                raise _at(place, f"more than {MAX_CHAIN} files extend each other")
            chain.append(read(base))
            seen.append(base)
            _check_version(chain[-1])
    _check_version(chain[-1])
    result = _body(chain[-1])
    for upper in reversed(chain[:-1]):
        result = merge(result, _body(upper))
    return result


def base_of(document: Document, path: Path) -> tuple[str, Document | None]:
    """Name of what a document extends, and that merged; an empty name and None if it extends nothing."""
    name = document.tree.get("extends")
    if isinstance(name, str):
        base = find_base(name, path)
        return name, extended(read(base), base)
    if not isinstance(name, list):
        return "", None
    only = {("schema",), ("extends",)}
    head: dict[str, Any] = {key: document.tree[key] for key in ("schema", "extends") if key in document.tree}
    places = {place: at for place, at in document.positions.items() if place[:1] in only}
    return " with ".join(name), extended(Document(head, places), path)


def _names(extends: Any, place: Position) -> list[str]:
    """What a file extends: one file, or one with others over it that extend nothing themselves."""
    names = extends if isinstance(extends, list) and extends else [extends]
    for name in names:
        if not isinstance(name, str):
            raise _at(place, f"expected the name of a scenario file, not {shown(name)}")
    return names


def _at(place: Position, text: str) -> ScenarioError:
    """An error at the ``extends`` of a file."""
    return ScenarioError(text, file=place.file, line=place.line, key="extends")


def _check_version(document: Document) -> None:
    """Refuse a file of another version; each states its own, so that an old one can be migrated before it is merged."""
    version = document.tree.get("schema")
    place = position_of(("schema",), document.positions)
    if version is None:
        text = f"missing key 'schema'; expected schema: {VERSION}"
    elif type(version) is not int or version < 1:
        text = f"expected schema: {VERSION}, not {shown(version)}"
    elif version > VERSION:
        text = f"schema {version} is newer than this program, which reads {VERSION}; update kibble-twin"
    else:
        return
    raise ScenarioError(text, file=place.file, line=place.line, key="schema")


def _body(document: Document) -> Document:
    """A document without its own ``schema`` and ``extends``."""
    own = (("schema",), ("extends",))
    tree = {key: value for key, value in document.tree.items() if (key,) not in own}
    return Document(tree, {path: place for path, place in document.positions.items() if path[:1] not in own})
