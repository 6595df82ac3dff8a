"""What a campaign needs of a balance and the scenario does not give: it is added, and said.

A campaign says in its class method `needs` which parts its scheme takes beside those that every balance has. For each
that the balance lacks, a shipped file brings it with its wiring. What the scenario states stays as it is stated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, runtime_checkable

from scenarios.schema import registry
from scenarios.schema.document import Document, read
from scenarios.schema.errors import KeyPath, Position, position_of
from scenarios.schema.hardware import HARDWARE
from scenarios.schema.library import find
from scenarios.schema.merge import merge, paths
from twin.plugins import PluginError

Tree = Mapping[str, Any]


@dataclass(frozen=True)
class Need:
    """A part that a scheme needs and not every balance has.

    Parameters
    ----------
    component : whose name tells whether the balance has it.
    file : the shipped file that brings it, with its wiring and what else belongs to it.
    made : what has to be made of the parts that the balance states, as values over them and a sentence that says so.
    lacking : whether the balance lacks it; None if the component's name tells.
    """

    component: str
    file: str
    made: Callable[[Tree], tuple[Tree, str]]
    lacking: Callable[[Tree], bool] | None = None

    def lacked(self, balance: Tree) -> bool:
        """Whether a balance lacks it."""
        return self.lacking(balance) if self.lacking is not None else self.component not in balance


@runtime_checkable
class Needing(Protocol):
    """A campaign that needs parts which not every balance has."""

    @classmethod
    def needs(cls, given: Tree) -> tuple[Need, ...]:
        """What the scheme needs, with these values of the campaign as the scenario gives them."""


def completed(document: Document) -> tuple[Document, tuple[str, ...]]:
    """A document with what its campaign needs and its balance lacks, and what was added, a sentence each.

    Nothing is added to a balance of which a part is real: what real instruments are connected to, nobody can add. Nor
    where a part of the balance is of another type than the added parts work with; the campaign then says what it lacks.

    Parameters
    ----------
    document : merged, not yet validated.
    """
    said: list[str] = []
    for need in _needs(document.tree):
        balance = document.tree["balance"]
        if not need.lacked(balance) or any(HARDWARE in part for part in balance.values() if isinstance(part, dict)):
            continue
        brought = _shipped(need.file)
        if any(_clash(balance.get(name), part) for name, part in brought.tree["balance"].items()):
            continue
        place = position_of(("campaign", "type"), document.positions)
        document = merge(_parts(brought), document)
        values, text = need.made(document.tree["balance"])
        document = merge(document, _placed({"balance": values}, place))
        document = merge(document, _wiring(brought, set(document.tree["balance"])))
        said += [text] if text else []
    return document, tuple(said)


def _needs(tree: Tree) -> tuple[Need, ...]:
    """What the campaign of a document needs; nothing of a document that is wrong, which is said elsewhere."""
    campaign = tree.get("campaign")
    if not isinstance(campaign, dict) or not isinstance(tree.get("balance"), dict):
        return ()
    try:
        kind = registry.campaign_class(str(campaign.get("type")))
    except PluginError:
        return ()
    return kind.needs(campaign) if isinstance(kind, Needing) else ()


@cache
def _shipped(name: str) -> Document:
    return read(find(name))


def _clash(stated: Any, brought: Any) -> bool:
    """Whether a part is stated to be of another type than it would be."""
    types = [part.get("type") if isinstance(part, dict) else None for part in (stated, brought)]
    return None not in types and types[0] != types[1]


def _parts(brought: Document) -> Document:
    """The parts that a file brings."""
    parts = {name: part for name, part in brought.tree["balance"].items() if name != "wiring"}
    return Document({"balance": parts}, brought.positions)


def _wiring(brought: Document, there: set[str]) -> Document:
    """The wiring that a file brings, between parts that are there."""
    wiring: dict[str, str | None] = brought.tree["balance"].get("wiring", {})
    ends = {a: {end.partition(".")[0] for end in (a, b or a)} for a, b in wiring.items()}
    between = {a: b for a, b in wiring.items() if ends[a] <= there}
    return Document({"balance": {"wiring": between}}, brought.positions)


def _placed(tree: dict[str, Any], place: Position) -> Document:
    """A tree that was written nowhere, as if it stood at a place."""
    positions: dict[KeyPath, Position] = {path: place for path in paths(tree, ()) if path}
    return Document(tree, positions)
