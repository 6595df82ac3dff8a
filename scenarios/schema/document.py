"""A YAML text as a plain tree, with the line of every key.

YAML 1.2 with its core rules: ``1e-8`` is a number, ``yes`` and ``on`` are text. What a scenario does not need and what
can surprise or harm is refused: anchors and aliases (a few lines of them can grow to gigabytes), tags, several
documents, duplicate keys, keys that are no text, NaN and infinities, more than 20 levels, more than 1 MB.

The tree is built from the parser's event stream rather than from composed nodes: nothing recurses, and a text is
refused at the event that offends, before it costs anything.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scenarios.schema.errors import KeyPath, Position, ScenarioError, dotted, shown

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
MAX_KEY = 128  # YAML itself limits a key on the line of its value to 1024 characters

_INT = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: dict[str, bool | None] = dict.fromkeys(("", "~", "null", "Null", "NULL"))
_WORDS |= {word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")}


@dataclass(frozen=True)
class Document:
    """A tree of plain values and where each of them was written.

    Parameters
    ----------
    tree : mappings, lists, text, numbers, booleans and None.
    positions : file and line by key path; the root is ``()``.
    """

    tree: dict[str, Any]
    positions: dict[KeyPath, Position]


def read(path: Path, named: str | None = None) -> Document:
    """Read and parse a scenario file.

    Parameters
    ----------
    path : the file.
    named : how messages call it; by default its path.

    Raises
    ------
    ScenarioError
        If it is no readable regular file or not a valid document.
    """
    file = named or str(path)
    try:
        if path.is_dir():
            raise ScenarioError("is a directory; expected a scenario file", file=file)
        if path.exists() and not path.is_file():
            raise ScenarioError("is no regular file; expected a scenario file", file=file)
        with open(path, "rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno).lower() if isinstance(error, OSError) and error.errno else str(error)
        raise ScenarioError(f"cannot be read: {reason}", file=file) from error
    return parse(data, file)


def parse(text: str | bytes, file: str) -> Document:
    """Parse a scenario text; `file` is how messages call it.

    Raises
    ------
    ScenarioError
        With file, line and key, if the text is not a valid document.
    """
    builder = _Builder(file).build(_decoded(text, file))
    value, positions = builder.value, builder.positions
    if not isinstance(value, dict):
        if value is None:
            raise ScenarioError("is empty; expected a scenario", file=file, line=1)
        line = positions[()].line
        raise ScenarioError(f"expected a mapping at the top level, not {shown(value)}", file=file, line=line)
    return Document(value, positions)


def parse_value(text: str) -> Any:
    """The value of a ``--set``: a bracketed or quoted YAML value, otherwise the text by the rules for a plain scalar.

    Raises
    ------
    ScenarioError
        If the text is not a valid value; its place is for the caller to say.
    """
    text = _decoded(text.strip(), "")
    if text[:1] in ("[", "{", '"', "'"):
        return _Builder("").build(text).value
    try:
        return scalar(text)
    except ValueError as error:
        raise ScenarioError(str(error)) from None


def scalar(text: str) -> str | int | float | bool | None:
    """A plain (unquoted) scalar by the YAML 1.2 core rules.

    Raises
    ------
    ValueError
        For NaN, infinities and numbers beyond the range of a float.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"expected a finite number, not {text}")
    if not (_FLOAT.fullmatch(text) or _OTHER_BASE.fullmatch(text)):
        return text
    if len(text) > 400 or (_FLOAT.fullmatch(text) and math.isinf(float(text))):
        raise ValueError("expected a number below 1.8e308")
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else int(text, 0)


def _decoded(text: str | bytes, file: str) -> str:
    """The text of a file, refused if it is too long or no text."""
    try:
        data = text.encode() if isinstance(text, str) else text
    except UnicodeEncodeError:
        raise ScenarioError("contains half a surrogate pair; expected UTF-8 text", file=file) from None
    if len(data) > MAX_BYTES:
        raise ScenarioError("is larger than 1 MB; expected a scenario file", file=file)
    if (at := data.find(b"\0")) >= 0:
        line = data.count(b"\n", 0, at) + 1
        raise ScenarioError("contains a NUL byte: it is binary; expected UTF-8 text", file=file, line=line)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ScenarioError("is not UTF-8; expected UTF-8 text", file=file, line=line) from None


@dataclass
class _Frame:
    """A mapping or list that is being read."""

    container: Any
    path: KeyPath
    key: str | None = None
    seen: dict[str, int] = field(default_factory=dict)

    @property
    def awaits_key(self) -> bool:
        """Whether the next event is a key of a mapping."""
        return isinstance(self.container, dict) and self.key is None

    def here(self) -> KeyPath:
        """The path of the value that comes next."""
        if isinstance(self.container, list):
            return (*self.path, len(self.container))
        return self.path if self.key is None else (*self.path, self.key)

    def add(self, value: Any) -> None:
        """Put the value where `here` says."""
        if isinstance(self.container, list):
            self.container.append(value)
        else:
            self.container[self.key] = value
            self.key = None


class _Builder:
    """Builds the tree from the parser's events."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.value: Any = None
        self.positions: dict[KeyPath, Position] = {}
        self.stack: list[_Frame] = []
        self.documents = 0
        self.line = 1  # of the latest event

    def build(self, text: str) -> _Builder:
        """Read all events of a text."""
        from ruamel.yaml import YAML

        try:
            for event in YAML(typ="safe", pure=True).parse(text):
                self.take(event)
        except ScenarioError:
            raise
        except Exception as failure:  # the parser raises its own errors and, on odd escapes, almost anything
            problem, line = _explain(failure, text)
            raise self.error(problem, line or self.line) from failure
        return self

    def error(self, message: str, line: int) -> ScenarioError:
        """An error at a line, with the key that is being read."""
        path = self.stack[-1].here() if self.stack else ()
        return ScenarioError(message, file=self.file, line=line, key=dotted(path))

    def take(self, event: Any) -> None:
        """Take one event."""
        kind, line = type(event).__name__, event.start_mark.line + 1
        self.line = line
        if kind == "DocumentStartEvent":
            self.documents += 1
            if self.documents > 1:
                raise self.error("a second document starts here; expected one scenario a file", line)
            if event.version not in (None, (1, 2)):
                raise self.error("expected YAML 1.2", line)
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            self.add(self.stack.pop().container)
        elif kind in ("MappingStartEvent", "SequenceStartEvent", "ScalarEvent", "AliasEvent"):
            if event.anchor is not None:
                raise self.error("anchors (&) and aliases (*) are not allowed; quote the text, or write it out", line)
            if event.tag is not None:
                raise self.error(f"the tag {shown(str(event.tag))} is not allowed; expected a plain value", line)
            if self.stack and self.stack[-1].awaits_key:
                self.enter(event, line)
            else:
                self.start(event, line)

    def enter(self, event: Any, line: int) -> None:
        """Take the next key of a mapping."""
        frame = self.stack[-1]
        if type(event).__name__ != "ScalarEvent":
            raise self.error("expected a key, not a list or mapping", line)
        try:
            key = _scalar_of(event)
        except ValueError:
            key = None
        if not isinstance(key, str):
            raise self.error(f"expected text as a key, not {shown(event.value)}; quote it", line)
        if not key or len(key) > MAX_KEY:
            raise self.error(f"expected a key of 1 to {MAX_KEY} characters", line)
        first = frame.seen.setdefault(key, line)
        doubled, frame.key = key in frame.container, key
        if doubled:
            raise self.error(f"duplicate key {key!r}, first given in line {first}", line)
        self.positions[frame.here()] = Position(self.file, line)

    def start(self, event: Any, line: int) -> None:
        """Take a scalar, or the start of a mapping or list."""
        here = self.stack[-1].here() if self.stack else ()
        self.positions.setdefault(here, Position(self.file, line))
        if type(event).__name__ == "ScalarEvent":
            try:
                self.add(_scalar_of(event))
            except ValueError as failure:
                raise self.error(str(failure), line) from None
        elif len(self.stack) == MAX_DEPTH:
            raise self.error(f"nested deeper than {MAX_DEPTH} levels", line)
        else:
            self.stack.append(_Frame({} if type(event).__name__ == "MappingStartEvent" else [], here))

    def add(self, value: Any) -> None:
        """Put a finished value into the mapping or list around it."""
        if self.stack:
            self.stack[-1].add(value)
        else:
            self.value = value


def _scalar_of(event: Any) -> str | int | float | bool | None:
    """The value of a scalar event: resolved if plain, text if quoted or a block."""
    text = str(event.value)
    if any("\ud800" <= c <= "\udfff" or c == "\0" for c in text):
        raise ValueError("contains an escape that is no character")
    return scalar(text) if event.implicit[0] else text


def _explain(failure: Exception, text: str) -> tuple[str, int | None]:
    """A parser's failure in words for the writer of the file, and the line if the parser knows it."""
    position = getattr(failure, "position", None)
    if isinstance(position, int):
        found = text[position : position + 1]
        return f"the control character {found!r} is not allowed", text.count("\n", 0, position) + 1
    mark = getattr(failure, "problem_mark", None) or getattr(failure, "context_mark", None)
    problem = str(getattr(failure, "problem", None) or "an escape or number that cannot be read")
    if "'\\t'" in problem:
        problem = "a tab cannot indent or separate here; use spaces"
    return f"not valid YAML: {problem}", None if mark is None else mark.line + 1
