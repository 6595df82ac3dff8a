"""Our docstrings for mkdocstrings: ``name : what it is`` is a name and what it is; numpy would have a type there."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

_SECTION = re.compile(r"^(?:Parameters|Attributes)\n-+\n(?:(?!\n\S[^\n]*\n-{3,}).)*", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"^(\w[\w, *]*) : (?=\S)", re.MULTILINE)


def plain(docstring: str) -> str:
    """With each name on a line of its own."""
    return _SECTION.sub(lambda section: _NAMED.sub(r"\1\n    ", section[0]), docstring)


class OneLineNames(Extension):
    """Rewrites each docstring before it is read."""

    def on_instance(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = plain(obj.docstring.value)
