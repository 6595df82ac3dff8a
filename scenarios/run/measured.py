"""The result of a campaign that brings its own reduction, with its provenance."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from scenarios.reduction import Certificates, Estimate
from scenarios.reduction.findings import Findings, OwnReduction
from scenarios.run.build import MassCampaign
from scenarios.run.certificates import certificates
from scenarios.run.record import Record
from scenarios.run.stated import Stated
from scenarios.run.turns import true_slopes
from scenarios.schema import Scenario
from twin.component import Component
from twin.parameter import unit_of
from twin.recorder import Blocks


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Measured(Record):
    """A finished run of a campaign other than a mass campaign.

    Parameters
    ----------
    findings : what its reduction found, from readings alone.
    true : what the simulation knows of it, by the key of the quantity where there is one.
    """

    findings: Findings
    true: Mapping[str, float | list[float]]

    @property
    def notes(self) -> tuple[str, ...]:
        return *super().notes, *self.findings.notes

    def findings_summary(self) -> dict[str, Any]:
        return {
            "true": dict(self.true),
            "result": self.findings.plain(),
            "quantities": self.findings.about(),
        }


def own_reduction(scenario: Scenario) -> OwnReduction | None:
    """The reduction that the scenario's campaign brings along; None for a mass campaign."""
    found = scenario.sections.get("reduction")
    return found if isinstance(found, OwnReduction) else None


def reports_mass(scenario: Scenario) -> bool:
    """Whether a run of the scenario gives one mass: a mass campaign without a reduction of its own."""
    return own_reduction(scenario) is None and isinstance(scenario.campaign, MassCampaign)


def known_to(scenario: Scenario) -> Certificates | dict[str, Estimate]:
    """What the reduction of a scenario is told of the balance.

    The certificates that a mass needs, if it weighs; else what is stated of every part.

    Raises
    ------
    WiringError
        If a mass is weighed and a part is missing, or states what no budget has a line for.
    """
    own = own_reduction(scenario)
    weighs = own is None or getattr(own, "weighs", False)
    return certificates(scenario) if weighs else stated(scenario.sized)


def stated(parts: Mapping[str, Component]) -> dict[str, Estimate]:
    """What the certificates of a balance's parts say, by ``component.parameter``.

    Parameters
    ----------
    parts : as the laboratory believes them to be.
    """
    known, found = Stated(parts), dict[str, Estimate]()
    for name, part in parts.items():
        for key, field in type(part).model_fields.items():
            if unit_of(field) is not None and isinstance(getattr(part, key), int | float):
                found[f"{name}.{key}"] = known.of(part, key)
    return found


def true_values(scenario: Scenario, findings: Findings, truth: Blocks) -> dict[str, float | list[float]]:
    """What the campaign says is true of its quantities, of the parts as they truly are; nothing if it says nothing.

    A campaign may have a method `true_values` of the parts, and a method `true_results` of the parts, of what was found
    (for the places that it was found at) and of the reduction's settings (for the goals that it was found for).
    What the masses of a series are wrong by follows from what was recorded of the truth. Nobody knows the truth of real
    parts: what would be told of one is left out.
    """
    parts = _Simulated(scenario.true_components(), scenario.hardware)
    settings, plain = scenario.sections.get("reduction"), findings.plain()
    tellers: list[Callable[[], Mapping[str, Any]]] = [lambda: true_slopes(scenario, parts, plain, truth)]
    if tell := getattr(scenario.campaign, "true_results", None):
        tellers.insert(0, partial(tell, parts, plain, settings))
    if tell := getattr(scenario.campaign, "true_values", None):
        tellers.insert(0, partial(tell, parts))
    found: dict[str, Any] = {}
    for tell in tellers:
        with suppress(_UnknownTruthError):
            found |= tell()
    return {key: np.asarray(value, dtype=float).tolist() for key, value in found.items()}


class _UnknownTruthError(Exception):
    """Somebody has asked for the truth of a real part."""


class _Simulated(Mapping[str, Component]):
    """The parts of a balance, of which none that is real is told."""

    def __init__(self, parts: Mapping[str, Component], real: Container[str]) -> None:
        self._parts = parts
        self._real = real

    def __getitem__(self, name: str) -> Component:
        if name in self._real:
            raise _UnknownTruthError(name)
        return self._parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)
