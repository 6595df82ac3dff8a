"""What every finished run keeps beside its findings: the scenario, the blocks and how it went."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from scenarios.run import notebook
from scenarios.schema import Scenario
from twin.recorder import Blocks


def package_version() -> str:
    """The version of kibble-twin that is running."""
    try:
        return version("kibble-twin")
    except PackageNotFoundError:
        return "unknown"


def moment(seconds: float) -> str:
    """A time of day as it stands in records: ISO 8601, UTC.

    Parameters
    ----------
    seconds : since 1970.
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Record(ABC):
    """A finished run.

    Parameters
    ----------
    scenario : as it was run.
    readings, truth, log : all blocks; the log has what instruments were told, and readings that are not good.
    virtual_s : duration of the campaign; wall_s : what it took here, from the loaded scenario to the result.
    events : of the clock.
    steps_total, steps_resumed : of the campaign; of these, how many an earlier, interrupted run had finished.
    hardware : of a run with real instruments: what they are, what was told of them, and how late events were.
    shadow : what the twin beside the run says of its readings.
    """

    scenario: Scenario
    readings: Blocks = field(repr=False)
    truth: Blocks = field(repr=False)
    log: Blocks = field(default_factory=Blocks, repr=False)
    virtual_s: float = 0.0
    wall_s: float = 0.0
    events: int = 0
    steps_total: int = 0
    steps_resumed: int = 0
    hardware: Mapping[str, Any] = field(default_factory=dict)
    shadow: Mapping[str, Any] = field(default_factory=dict)

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
            **({"hardware": dict(self.hardware)} if self.hardware else {}),
            **({"shadow": dict(self.shadow)} if self.shadow else {}),
            **self.findings_summary(),
            "notes": list(self.notes),
        }
        plain: dict[str, Any] = _finite(summary)
        return plain

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the results should know, a sentence each."""
        return self.scenario.notes

    @abstractmethod
    def findings_summary(self) -> dict[str, Any]:
        """What was found, and what is true, as plain values for `summary`."""

    def __repr__(self) -> str:
        return notebook.result_text(self.summary())

    def _repr_html_(self) -> str:
        return notebook.result_html(self.summary())


def _finite(value: Any) -> Any:
    """A tree of plain values with None in place of NaN and infinities."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
