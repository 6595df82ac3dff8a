"""A plain tree as YAML text, with the unit of every physical quantity in a comment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from scenarios.schema.document import scalar
from scenarios.schema.errors import KeyPath

_PLAIN = re.compile(r"[A-Za-z_]([A-Za-z0-9_ ./+-]*[A-Za-z0-9_./+-])?")


def emit(tree: Mapping[str, Any], units: Mapping[KeyPath, str]) -> str:
    """The text of a tree: mappings in blocks, lists of plain values in brackets.

    Parameters
    ----------
    tree : mappings, lists, text, finite numbers, booleans and None.
    units : unit of the numbers by path, for the comments.
    """
    return "\n".join(_mapping(tree, (), units, "")) + "\n"


def _mapping(tree: Mapping[str, Any], path: KeyPath, units: Mapping[KeyPath, str], indent: str) -> Iterator[str]:
    """The lines of a mapping."""
    for key, value in tree.items():
        yield from _entry(f"{indent}{_text(key)}:", value, (*path, key), units, indent)


def _entry(start: str, value: Any, path: KeyPath, units: Mapping[KeyPath, str], indent: str) -> Iterator[str]:
    """The lines of one value after the key or dash that starts it."""
    comment = f"  # {units[path]}" if path in units else ""
    if isinstance(value, Mapping) and value:
        yield start + comment
        yield from _mapping(value, path, units, indent + "  ")
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        yield start + comment
        for index, item in enumerate(value):
            yield from _entry(f"{indent}  -", item, (*path, index), units, indent + "  ")
    else:
        yield f"{start} {_flow(value)}{comment}"


def _flow(value: Any) -> str:
    """A value on one line."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return _text(str(value))


def _text(text: str) -> str:
    """Text, quoted unless it is plainly text."""
    if _PLAIN.fullmatch(text) and isinstance(scalar(text), str):
        return text
    return '"' + "".join(_escaped(c) for c in text) + '"'


def _escaped(character: str) -> str:
    """One character in double quotes."""
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
