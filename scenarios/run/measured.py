"""The result of a campaign that brings its own reduction, with its provenance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from scenarios.reduction import Estimate
from scenarios.reduction.findings import Findings, OwnReduction
from scenarios.run import notebook
from scenarios.run.result import finite, package_version
from scenarios.schema import Scenario
from twin.component import Component
from twin.parameter import unit_of
from twin.recorder import Blocks


@dataclass(frozen=True, eq=False)
class Measured:
    """A finished run of a campaign other than a mass campaign.

    Parameters
    ----------
    scenario : as it was run.
    findings : what its reduction found, from readings alone.
    true : what the simulation knows of it, by the key of the quantity where there is one.
    readings, truth : all blocks.
    virtual_s, wall_s, events, steps_total, steps_resumed : as of `scenarios.run.result.Result`.
    """

    scenario: Scenario
    findings: Findings
    true: Mapping[str, float]
    readings: Blocks = field(repr=False)
    truth: Blocks = field(repr=False)
    virtual_s: float = 0.0
    wall_s: float = 0.0
    events: int = 0
    steps_total: int = 0
    steps_resumed: int = 0

    def summary(self) -> dict[str, Any]:
        """The result as plain numbers, in SI units; what is not a finite number is None."""
        summary = {
            "scenario": self.scenario.name,
            "campaign": self.scenario.campaign_type,
            "seed": self.scenario.seed,
            "version": package_version(),
            "scenario_hash": self.scenario.hash,
            "parent": self.scenario.parent,
            "differences": [asdict(difference) for difference in self.scenario.differences()],
            "virtual_s": self.virtual_s,
            "wall_s": self.wall_s,
            "events": self.events,
            "samples": self.readings.samples,
            "steps_total": self.steps_total,
            "steps_resumed": self.steps_resumed,
            "steps_run": self.steps_total - self.steps_resumed,
            "true": dict(self.true),
            "result": self.findings.plain(),
            "quantities": self.findings.about(),
            "notes": list(self.findings.notes),
        }
        plain: dict[str, Any] = finite(summary)
        return plain

    def __repr__(self) -> str:
        return notebook.result_text(self.summary())

    def _repr_html_(self) -> str:
        return notebook.result_html(self.summary())


def own_reduction(scenario: Scenario) -> OwnReduction | None:
    """The reduction that the scenario's campaign brings along; None for a mass campaign."""
    found = scenario.sections.get("reduction")
    return found if isinstance(found, OwnReduction) else None


def stated(parts: Mapping[str, Component]) -> dict[str, Estimate]:
    """What the certificates of a balance's parts say, by ``component.parameter``.

    Parameters
    ----------
    parts : as the laboratory believes them to be.
    """
    found: dict[str, Estimate] = {}
    for name, part in parts.items():
        for key, field_ in type(part).model_fields.items():
            value = getattr(part, key)
            if unit_of(field_) is not None and isinstance(value, int | float):
                u = part.standard_uncertainty(key) if key in part.uncertainties else 0.0
                found[f"{name}.{key}"] = Estimate(float(value), u)
    return found


def true_values(scenario: Scenario) -> dict[str, float]:
    """What the campaign says is true of its quantities, of the parts as they truly are; nothing if it says nothing."""
    tell = getattr(scenario.campaign, "true_values", None)
    return {} if tell is None else {key: float(value) for key, value in tell(scenario.true_components()).items()}
