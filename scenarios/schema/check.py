"""A merged document against all its models: everything that is wrong with it is found before the first is reported."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from scenarios.schema import faults, registry, wiring
from scenarios.schema.canonical import Texts
from scenarios.schema.document import Document
from scenarios.schema.errors import KeyPath, Problem, fail, shown
from scenarios.schema.hardware import HARDWARE, Hardware
from scenarios.schema.validate import validated
from twin.component import Component
from twin.parameter import Parameters, parameter
from twin.plugins import PluginError, did_you_mean

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class Head(Parameters):
    """The keys of a scenario beside its sections."""

    name: str = Field(min_length=1, description="name of the scenario; by default that of the file")
    description: str = Field("", description="what the scenario is for")
    seed: int = Field(0, ge=0, description="seed of all noise; the same seed gives the same data")
    notes: list[str] = Field([], description="what a reader of the results should know, a sentence each")


class BalanceHead(Parameters):
    """The keys of a balance beside its components and their wiring."""

    name: str = Field(min_length=1, description="name of the balance")
    scale: float | None = parameter("1", None, gt=0, description="size p relative to NIST-4; default native_scale")
    native_scale: float = parameter("1", 1.0, gt=0, description="the p for which the component parameters are given")
    second_winding: Literal["alike", "bifilar"] = Field(
        "alike", description="how one is added where a scheme needs it: like the coil, or from half of its copper"
    )


@dataclass(frozen=True)
class Balance:
    """A validated balance.

    Parameters
    ----------
    name : name of the balance.
    scale, native_scale : linear size relative to NIST-4, and the one for which the parameters are given.
    types : the component types by component name.
    parts : the components by name, at their native scale and not bound to anything; never hand them to an engine.
    wiring : output port by input port.
    hardware : real instruments by the name of the component whose place they take.
    second_winding : how one is added where a scheme needs it.
    """

    name: str
    scale: float
    native_scale: float
    types: dict[str, str]
    parts: dict[str, Component]
    wiring: dict[str, str]
    hardware: dict[str, Hardware] = field(default_factory=dict)
    second_winding: str = "alike"


@dataclass(frozen=True)
class Checked:
    """All that a document says, validated."""

    head: Head
    balance: Balance
    campaign_type: str
    campaign: Parameters
    sections: dict[str, Parameters]
    faults: dict[str, faults.Fault]


@dataclass(frozen=True)
class Known:
    """What has been validated before: a mapping of the document that is still the same object is not looked at again.

    Parameters
    ----------
    tree : of the document.
    balance, campaign, sections : what it says of them.
    texts : of what has been hashed of it.
    """

    tree: Mapping[str, Any]
    balance: Balance
    campaign: tuple[str, Parameters]
    sections: Mapping[str, Parameters]
    texts: Texts

    def part(self, name: str, given: Any) -> Component | None:
        """The component of this name, if what is given for it has been validated."""
        return self.balance.parts.get(name) if self.tree["balance"].get(name) is given else None

    def wiring(self, given: Any, parts: Mapping[str, Component | None]) -> dict[str, str] | None:
        """The wiring, if what is given for it has been validated, between parts of these kinds."""
        before = self.balance.parts
        same = self.tree["balance"].get("wiring") is given and before.keys() == parts.keys()
        return self.balance.wiring if same and all(type(parts[name]) is type(before[name]) for name in before) else None

    def same(self, key: str, tree: Mapping[str, Any]) -> bool:
        """Whether this section of another document has been validated, or is left out in both."""
        return tree.get(key) is self.tree.get(key)


def check(
    document: Document, models: Mapping[str, type[Parameters]], default_name: str, known: Known | None = None
) -> Checked:
    """Validate a merged document.

    Parameters
    ----------
    document : the document, without ``schema`` and ``extends``.
    models : the models of further sections, such as ``reduction``, by key.
    default_name : the scenario's name if it gives none.
    known : a document from which this one was made, validated.

    Raises
    ------
    ScenarioError
        For the first problem by line, with the number of the others.
    """
    tree, problems = document.tree, list[Problem]()
    models = _sections(tree, models)
    allowed = [*Head.model_fields, "balance", "campaign", "faults", *models]
    for key in tree:
        if key not in allowed:
            problems.append(Problem((key,), f"unknown key {key!r}{did_you_mean(key, [*allowed, 'schema', 'extends'])}"))
    head_keys = {key: tree[key] for key in Head.model_fields if key in tree}
    head = validated(Head, {"name": default_name, **head_keys}, (), problems)
    balance = _balance(_mapping(tree, "balance", problems), problems, known)
    if known is not None and known.same("campaign", tree):
        campaign: tuple[str, Parameters] | None = known.campaign
    else:
        campaign = _campaign(_mapping(tree, "campaign", problems), problems)
    sections: dict[str, Parameters] = {}
    for key, model in models.items():
        if known is not None and known.same(key, tree) and isinstance(known.sections.get(key), model):
            sections[key] = known.sections[key]
            continue
        values = _mapping({key: {}, **tree}, key, problems)
        section = None if values is None else validated(model, values, (key,), problems)
        if section is not None:
            sections[key] = section
    planned = faults.checked(tree.get("faults", {}), balance.parts, problems) if balance is not None else {}
    if problems or head is None or balance is None or campaign is None:
        raise fail(problems, document.positions)
    return Checked(head, balance, *campaign, sections, planned)


def _sections(tree: Mapping[str, Any], models: Mapping[str, type[Parameters]]) -> Mapping[str, type[Parameters]]:
    """The models of further sections: those given, or that of the campaign's own reduction alone."""
    campaign = tree.get("campaign")
    kind = campaign.get("type") if isinstance(campaign, dict) else None
    if "reduction" not in models or not isinstance(kind, str):
        return models
    own = registry.reduction_class(kind)
    return models if own is None else {"reduction": own}


def _mapping(tree: Mapping[str, Any], key: str, problems: list[Problem]) -> dict[str, Any] | None:
    """A copy of a section, which has to be there and to be a mapping; None if it is not."""
    if isinstance(tree.get(key), dict):
        return dict(tree[key])
    text = f"expected a mapping, not {shown(tree[key])}" if key in tree else f"missing key {key!r}"
    problems.append(Problem((key,), text))
    return None


def _campaign(values: dict[str, Any] | None, problems: list[Problem]) -> tuple[str, Parameters] | None:
    """The campaign: its type and its parameters."""
    if values is None:
        return None
    path: KeyPath = ("campaign",)
    kind = values.pop("type", None)
    if not isinstance(kind, str):
        text = "missing key 'type'" if kind is None else f"expected the type of a campaign, not {shown(kind)}"
        problems.append(Problem((*path, "type"), text))
        return None
    try:
        model = registry.campaign_class(kind)
    except PluginError as error:
        problems.append(Problem((*path, "type"), str(error)))
        return None
    campaign = validated(model, values, path, problems)
    return None if campaign is None else (kind, campaign)


def _balance(values: dict[str, Any] | None, problems: list[Problem], known: Known | None) -> Balance | None:
    """The balance with its components and wiring."""
    if values is None:
        return None
    before = len(problems)
    connections = values.pop("wiring", {})
    head_keys = {key: values.pop(key) for key in BalanceHead.model_fields if key in values}
    head = validated(BalanceHead, head_keys, ("balance",), problems)
    types: dict[str, str] = {}
    parts: dict[str, Component | None] = {}
    hardware: dict[str, Hardware] = {}
    for name, given in values.items():
        same = None if known is None else known.part(name, given)
        if known is not None and same is not None:
            types[name], parts[name] = known.balance.types[name], same
        else:
            types[name], parts[name] = _component(name, given, values, problems)
        if isinstance(given, dict) and given.get(HARDWARE) is not None:
            real = validated(Hardware, given[HARDWARE], ("balance", name, HARDWARE), problems)
            hardware |= {} if real is None else {name: real}
    same_wiring = None if known is None else known.wiring(connections, parts)
    wired = wiring.checked(connections, parts, problems) if same_wiring is None else same_wiring
    if head is None or len(problems) > before:
        return None
    scale = head.native_scale if head.scale is None else head.scale
    made = {name: part for name, part in parts.items() if part is not None}
    return Balance(head.name, scale, head.native_scale, types, made, wired, hardware, head.second_winding)


def _component(
    name: str, given: Any, others: Mapping[str, Any], problems: list[Problem]
) -> tuple[str, Component | None]:
    """One component among others: its type, and the validated component unless something is wrong."""
    path: KeyPath = ("balance", name)
    if not isinstance(given, dict):
        near = did_you_mean(name, [*BalanceHead.model_fields, "wiring"])
        hint = near if near.startswith("; did") else "; write {} for a component with default parameters"
        problems.append(Problem(path, f"expected a component, which is a mapping, not {shown(given)}{hint}"))
        return name, None
    if not _NAME.fullmatch(name):
        problems.append(Problem(path, "expected a component name of letters, digits and underscores"))
        return name, None
    values = dict(given)
    values.pop(HARDWARE, None)
    kind = values.pop("type", name)
    if not isinstance(kind, str):
        problems.append(Problem((*path, "type"), f"expected the type of a component, not {shown(kind)}"))
        return name, None
    try:
        model = registry.component_class(kind)
    except PluginError as error:
        text = str(error)
        if set(given) == {HARDWARE}:  # of a component that is somewhere else, or misspelt
            near = did_you_mean(name, [other for other in others if other != name])
            text = f"there is no component {name!r} that could be real{near}"
        problems.append(Problem((*path, "type") if "type" in given else path, text))
        return kind, None
    return kind, validated(model, values, path, problems)
