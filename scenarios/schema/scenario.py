"""A scenario: what a file says, validated, ready to build a twin from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from scenarios.schema.canonical import Texts, written
from scenarios.schema.check import Balance, Checked, Known, check
from scenarios.schema.difference import Difference, differences
from scenarios.schema.document import Document, parse, read
from scenarios.schema.emit import emit
from scenarios.schema.errors import KeyPath, Position, position_of
from scenarios.schema.faults import Fault
from scenarios.schema.fields import dump, units
from scenarios.schema.hardware import HARDWARE, Hardware
from scenarios.schema.library import find
from scenarios.schema.merge import VERSION, base_of, extended
from scenarios.schema.needs import completed
from scenarios.schema.overrides import with_settings, with_values
from twin.component import Component
from twin.noise import Streams
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
    faults : what goes wrong, by name.
    file : the file it was read from, as it was named.
    notes : what a reader of the results should know, such as what was added to the balance for the campaign.
    parent : name of the scenario or balance that it differs from: the one that its file extends, or for values set over
        a file that file; empty if there is none.
    """

    name: str
    description: str
    seed: int
    balance: Balance
    campaign_type: str
    campaign: Parameters
    sections: dict[str, Parameters]
    faults: dict[str, Fault]
    notes: tuple[str, ...]
    file: str
    parent: str
    _document: Document = field(repr=False)
    _completed: Document = field(repr=False)
    _models: dict[str, type[Parameters]] = field(repr=False)
    _base: Document | None = field(repr=False)
    _texts: Texts = field(repr=False)

    @property
    def wiring(self) -> dict[str, str]:
        """The output port that feeds each wired input port."""
        return dict(self.balance.wiring)

    @property
    def hardware(self) -> dict[str, Hardware]:
        """The real instruments, by the name of the component whose place they take."""
        return dict(self.balance.hardware)

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

    @cached_property
    def sized(self) -> Mapping[str, Component]:
        """The components by name, scaled to the balance's size, as their certificates say they are: to look at, and
        never to be handed to an engine."""
        factor, parts = self.balance.scale / self.balance.native_scale, self.balance.parts
        return {name: (part if factor == 1.0 else part.scaled(factor)).named(name) for name, part in parts.items()}

    @cached_property
    def true(self) -> Mapping[str, Component]:
        """As `sized`, but as the parts truly are in this run, with errors drawn."""
        streams = Streams(self.seed)
        return {name: part.drawn(streams) for name, part in self.sized.items()}

    def components(self) -> dict[str, Component]:
        """New instances of the components `sized`, by name."""
        return {name: part.fresh().named(name) for name, part in self.sized.items()}

    def true_components(self) -> dict[str, Component]:
        """New instances of the components `true`, by name, with their faults planned."""
        true = {name: part.fresh().named(name) for name, part in self.true.items()}
        for name, part in true.items():
            part.plan_faults(f.planned() for f in self.faults.values() if f.component == name)
        return true

    def differences(self) -> list[Difference]:
        """What has another value than in `parent`, as it was written, in the order of the file."""
        if self._base is None:
            return []
        known: dict[KeyPath, str] = {}
        for name, part in self.balance.parts.items():
            known |= units(part, ("balance", name))
        known |= units(self.campaign, ("campaign",))
        return differences(self._base.tree, self._document.tree, known)

    def with_(self, overrides: Mapping[str, Any] | None = None, **keys: Any) -> Scenario:
        """A new scenario with some values changed, by their keys with dots: ``with_({"balance.scale": 0.5}, seed=2)``.

        A mapping merges into the one that is there; None takes a key away, so that its default holds.

        Raises
        ------
        ScenarioError
            If the result is not valid.
        """
        return self._changed(with_values(self._document, {**(overrides or {}), **keys}))

    def with_settings(self, settings: Sequence[str]) -> Scenario:
        """A new scenario with settings ``key.path=value`` in the words of a scenario file.

        Raises
        ------
        ScenarioError
            If a setting cannot be read or the result is not valid.
        """
        return self._changed(with_settings(self._document, settings))

    def with_tables(self, tables: Mapping[str, Any]) -> Scenario:
        """The same scenario with tables in place of the files that hold them; it differs from the same parent."""
        document = with_values(self._document, tables)
        return _made(document, self._models, self.name, self.file, self.parent, self._base, self._known)

    def _changed(self, document: Document) -> Scenario:
        """The scenario of a changed document; it differs from the file that this one was read from."""
        set_over = self.parent == self.name
        parent, base = (self.parent, self._base) if set_over else (self.name, self._document)
        return _made(document, self._models, self.name, self.file, parent, base, self._known)

    @property
    def _known(self) -> Known:
        return Known(
            self._completed.tree, self.balance, (self.campaign_type, self.campaign), self.sections, self._texts
        )

    def ideal(self) -> Scenario:
        """A new scenario in which every effect of every component has its neutral value, and nothing goes wrong."""
        parts = {name: dump(part.ideal()) for name, part in self.balance.parts.items()}
        tree, written = dict(self._document.tree), dict(self._document.tree["balance"])
        for name, values in parts.items():
            written[name] = {"type": self.balance.types[name], **values, **self._real(name)}
        written["wiring"] = self.wiring
        tree |= {"balance": written, "notes": list(self.notes)}
        tree.pop("faults", None)
        return self._changed(Document(tree, self._document.positions))

    @property
    def resolved(self) -> dict[str, Any]:
        """The whole scenario as plain values: SI numbers, defaults filled in, parameters at the native scale."""
        return self._tree(
            lambda _, value, beside: {**beside, **(dump(value) if isinstance(value, Parameters) else value)}
        )

    def _tree(self, of: Callable[[str, Parameters | dict[str, str], dict[str, Any]], Any]) -> dict[str, Any]:
        """The scenario with its parts in some form: `of` gives it for a place, what is there and what stands beside."""
        balance = self.balance
        types = balance.types
        components = {
            name: of(f"balance.{name}", part, {"type": types[name], **self._real(name)})
            for name, part in balance.parts.items()
        }
        return {
            "schema": VERSION,
            "name": self.name,
            "description": self.description,
            "seed": self.seed,
            **({"notes": list(self.notes)} if self.notes else {}),
            "balance": {
                "name": balance.name,
                "scale": balance.scale,
                "native_scale": balance.native_scale,
                **({"second_winding": way} if (way := balance.second_winding) != "alike" else {}),
                **components,
                "wiring": of("balance.wiring", balance.wiring, {}),
            },
            "campaign": of("campaign", self.campaign, {"type": self.campaign_type}),
            **{key: of(key, section, {}) for key, section in self.sections.items()},
            **({"faults": {name: dump(fault) for name, fault in self.faults.items()}} if self.faults else {}),
        }

    def _real(self, name: str) -> dict[str, Any]:
        """What stands beside the parameters of a component that is real."""
        return {HARDWARE: dump(self.balance.hardware[name])} if name in self.balance.hardware else {}

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

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON of `resolved`, in hexadecimal digits."""
        return hashlib.sha256(written(self._tree(self._texts.of)).encode()).hexdigest()

    def position(self, path: str | KeyPath) -> Position:
        """Where a value was written, by its path; for a default, where the nearest mapping around it was."""
        if isinstance(path, str):
            path = tuple(int(part) if part.isdigit() else part for part in path.split("."))
        if path[:2] == ("balance", "wiring"):
            path = (*path[:2], ".".join(str(part) for part in path[2:]))
        return position_of(path, self._completed.positions)

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
    return _loaded(read(path), path, str(path), models, settings)


def load_text(
    text: str | bytes, *, file: str = "scenario.yaml", models: Models | None = None, settings: Sequence[str] = ()
) -> Scenario:
    """Load a scenario from a text; `file` is how messages call it, and what paths in ``extends`` are relative to.

    Raises
    ------
    ScenarioError
        As `load`.
    """
    return _loaded(parse(text, file), Path(file), file, models, settings)


def _loaded(own: Document, path: Path, file: str, models: Models | None, settings: Sequence[str]) -> Scenario:
    """The scenario of a parsed file, with values set over it."""
    written = extended(own, path)
    parent, base = base_of(own, path)
    if settings:
        name = written.tree.get("name", path.stem)
        parent, base = (name if isinstance(name, str) else path.stem), written
    return _made(with_settings(written, settings), dict(models or {}), path.stem, file, parent, base)


def _made(
    document: Document,
    models: dict[str, type[Parameters]],
    name: str,
    file: str,
    parent: str,
    base: Document | None,
    known: Known | None = None,
) -> Scenario:
    """The scenario that a merged document describes."""
    complete, added = completed(document)
    found: Checked = check(complete, models, name, known)
    head = found.head
    return Scenario(
        name=head.name,
        description=head.description,
        seed=head.seed,
        balance=found.balance,
        campaign_type=found.campaign_type,
        campaign=found.campaign,
        sections=found.sections,
        faults=found.faults,
        notes=(*head.notes, *added),
        file=file,
        parent=parent,
        _document=document,
        _completed=complete,
        _models=models,
        _base=base,
        _texts=Texts() if known is None else known.texts,
    )
