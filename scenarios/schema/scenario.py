"""A scenario: what a file says, validated, ready to build a twin from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from scenarios.schema.check import Balance, Checked, check
from scenarios.schema.document import Document, parse, read
from scenarios.schema.emit import emit
from scenarios.schema.errors import KeyPath, Position, position_of
from scenarios.schema.fields import dump, units
from scenarios.schema.library import find
from scenarios.schema.merge import VERSION, extended
from scenarios.schema.overrides import with_settings, with_values
from twin.component import Component
from twin.parameter import Parameters

Models = Mapping[str, type[Parameters]]
Section = TypeVar("Section", bound=Parameters)


@dataclass(frozen=True, eq=False, repr=False)
class Scenario:
    """A validated scenario. Two are equal if they resolve to the same values, wherever they were written.

    Parameters
    ----------
    name, description : what it is called, what it is for.
    seed : seed of all noise.
    balance : the balance.
    campaign_type : name of the campaign.
    campaign : the campaign with its validated parameters.
    sections : the validated further sections, such as ``reduction`` and ``thermal``.
    file : the file it was read from, as it was named.
    """

    name: str
    description: str
    seed: int
    balance: Balance
    campaign_type: str
    campaign: Parameters
    sections: dict[str, Parameters]
    file: str
    _document: Document = field(repr=False)
    _models: dict[str, type[Parameters]] = field(repr=False)

    @property
    def wiring(self) -> dict[str, str]:
        """The output port that feeds each wired input port."""
        return dict(self.balance.wiring)

    @property
    def reduction(self) -> Parameters | None:
        """The parameters of the data reduction, if the loader was given their model."""
        return self.sections.get("reduction")

    @property
    def thermal(self) -> Parameters | None:
        """The parameters of the thermal analysis, if the loader was given their model."""
        return self.sections.get("thermal")

    def section(self, key: str, model: type[Section]) -> Section:
        """A further section as an instance of its model.

        Raises
        ------
        TypeError
            If the scenario was loaded without this model for the section.
        """
        found = self.sections.get(key)
        if not isinstance(found, model):
            raise TypeError(f"the scenario was loaded without {model.__name__} for {key!r}; give it to load()")
        return found

    def components(self) -> dict[str, Component]:
        """New instances of the components by name: scaled to the balance's size and named, for an engine to bind."""
        factor = self.balance.scale / self.balance.native_scale
        fresh: dict[str, Component] = {}
        for name, part in self.balance.parts.items():
            copy = part.model_copy(deep=True)
            fresh[name] = (copy if factor == 1.0 else copy.scaled(factor)).named(name)
        return fresh

    def with_(self, overrides: Mapping[str, Any] | None = None, **keys: Any) -> Scenario:
        """A new scenario with some values changed, by their keys with dots: ``with_({"balance.scale": 0.5}, seed=2)``.

        A mapping merges into the one that is there; None takes a key away, so that its default holds.

        Raises
        ------
        ScenarioError
            If the result is not valid.
        """
        return _made(with_values(self._document, {**(overrides or {}), **keys}), self._models, self.name, self.file)

    def with_settings(self, settings: Sequence[str]) -> Scenario:
        """A new scenario with settings ``key.path=value`` in the words of a scenario file.

        Raises
        ------
        ScenarioError
            If a setting cannot be read or the result is not valid.
        """
        return _made(with_settings(self._document, settings), self._models, self.name, self.file)

    def ideal(self) -> Scenario:
        """A new scenario in which every effect of every component has its neutral value."""
        parts = {name: dump(part.ideal()) for name, part in self.balance.parts.items()}
        tree, written = dict(self._document.tree), dict(self._document.tree["balance"])
        for name, values in parts.items():
            written[name] = {"type": self.balance.types[name], **values}
        tree["balance"] = written
        return _made(Document(tree, self._document.positions), self._models, self.name, self.file)

    @property
    def resolved(self) -> dict[str, Any]:
        """The whole scenario as plain values: SI numbers, defaults filled in, parameters at the native scale."""
        balance = self.balance
        components = {name: {"type": balance.types[name], **dump(part)} for name, part in balance.parts.items()}
        return {
            "schema": VERSION,
            "name": self.name,
            "description": self.description,
            "seed": self.seed,
            "balance": {
                "name": balance.name,
                "scale": balance.scale,
                "native_scale": balance.native_scale,
                **components,
                "wiring": dict(balance.wiring),
            },
            "campaign": {"type": self.campaign_type, **dump(self.campaign)},
            **{key: dump(section) for key, section in self.sections.items()},
        }

    def to_yaml(self) -> str:
        """`resolved` as a scenario file with each quantity's unit in a comment; loading it gives an equal scenario."""
        found: dict[KeyPath, str] = {
            ("balance", "scale"): "1",
            ("balance", "native_scale"): "1",
            **units(self.campaign, ("campaign",)),
        }
        for name, part in self.balance.parts.items():
            found |= units(part, ("balance", name))
        for key, section in self.sections.items():
            found |= units(section, (key,))
        return emit(self.resolved, found)

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON of `resolved`, in hexadecimal digits."""
        text = json.dumps(self.resolved, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def position(self, path: str | KeyPath) -> Position:
        """Where a value was written, by its path; for a default, where the nearest mapping around it was."""
        if isinstance(path, str):
            path = tuple(int(part) if part.isdigit() else part for part in path.split("."))
        if path[:2] == ("balance", "wiring"):
            path = (*path[:2], ".".join(str(part) for part in path[2:]))
        return position_of(path, self._document.positions)

    def __eq__(self, other: object) -> bool:
        return self.hash == other.hash if isinstance(other, Scenario) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.hash)

    def __repr__(self) -> str:
        balance = f"{self.balance.name} at scale {self.balance.scale:g}, {len(self.balance.parts)} components"
        return f"<Scenario {self.name}: {balance}, campaign {self.campaign_type}, seed {self.seed}>"


def load(source: str | Path, *, models: Models | None = None, settings: Sequence[str] = ()) -> Scenario:
    """Load a scenario.

    Parameters
    ----------
    source : a file (a path that ends in ``.yaml`` or has a folder in it), or the name of a shipped scenario.
    models : the models of further sections by key, such as ``{"reduction": ..., "thermal": ...}``; a section
        without model is an unknown key.
    settings : values to set over the file, such as ``balance.scale=0.5``.

    Raises
    ------
    ScenarioError
        If it cannot be read or is not valid, with file, line and key.
    """
    path = find(source)
    document = with_settings(extended(read(path), path), settings)
    return _made(document, dict(models or {}), path.stem, str(path))


def load_text(
    text: str | bytes, *, file: str = "scenario.yaml", models: Models | None = None, settings: Sequence[str] = ()
) -> Scenario:
    """Load a scenario from a text; `file` is how messages call it, and what paths in ``extends`` are relative to.

    Raises
    ------
    ScenarioError
        As `load`.
    """
    path = Path(file)
    document = with_settings(extended(parse(text, file), path), settings)
    return _made(document, dict(models or {}), path.stem, file)


def _made(document: Document, models: dict[str, type[Parameters]], name: str, file: str) -> Scenario:
    """The scenario that a merged document describes."""
    found: Checked = check(document, models, name)
    head = found.head
    return Scenario(
        name=head.name,
        description=head.description,
        seed=head.seed,
        balance=found.balance,
        campaign_type=found.campaign_type,
        campaign=found.campaign,
        sections=found.sections,
        file=file,
        _document=document,
        _models=models,
    )
