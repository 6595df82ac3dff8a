"""Canonical JSON, of which a scenario's hash is made: keys in order, no spaces, no value that is no number.

A study makes thousands of scenarios from one, and most of their parts are the same objects: their text is written once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scenarios.schema.fields import dump
from twin.parameter import Parameters


@dataclass(frozen=True)
class Text:
    """A value that has been written."""

    json: str


class Texts:
    """The texts of what scenarios that are made from each other hold; each is of the object that was there last."""

    def __init__(self) -> None:
        self._written: dict[str, tuple[Any, Any, Text]] = {}

    def of(self, key: str, value: Parameters | Mapping[str, Any], beside: Mapping[str, Any]) -> Text:
        """The text of an object that does not change, with what stands beside its parameters.

        Parameters
        ----------
        key : its place in the scenario.
        """
        known, same, text = self._written.get(key, (None, None, None))
        if text is None or known is not value or same != beside:
            plain = dump(value) if isinstance(value, Parameters) else value
            text = Text(written({**beside, **plain}))
            self._written[key] = value, beside, text
        return text


def written(value: Any) -> str:
    """The canonical text of a plain value, some of which may have been written before: of mappings in mappings."""
    if isinstance(value, Text):
        return value.json
    if isinstance(value, dict) and any(isinstance(item, Text | dict) for item in value.values()):
        return "{" + ",".join(f"{json.dumps(key)}:{written(value[key])}" for key in sorted(value)) + "}"
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
