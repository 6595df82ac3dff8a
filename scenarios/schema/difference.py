"""What differs between two merged documents, key by key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scenarios.schema.errors import KeyPath, dotted


@dataclass(frozen=True)
class Difference:
    """A value that differs.

    Parameters
    ----------
    key : its path with dots.
    before, after : as they were written; None where there is none.
    unit : of a bare number; empty if it is no quantity.
    """

    key: str
    before: Any
    after: Any
    unit: str = ""


def differences(
    base: Mapping[str, Any], top: Mapping[str, Any], units: Mapping[KeyPath, str] | None = None
) -> list[Difference]:
    """The values of `top` that `base` does not have, or has another for, and those that it lacks."""
    known = units or {}
    found = _between(base, top, ())
    return [Difference(dotted(path), before, after, known.get(path, "")) for path, before, after in found]


def _between(base: Any, top: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any, Any]]:
    if isinstance(base, Mapping) and isinstance(top, Mapping):
        for key in [*top, *(key for key in base if key not in top)]:
            yield from _between(base.get(key), top.get(key), (*path, key))
    elif isinstance(top, Mapping) and base is None and top:
        for key, value in top.items():
            yield from _between(None, value, (*path, key))
    elif base != top:
        yield path, base, top
