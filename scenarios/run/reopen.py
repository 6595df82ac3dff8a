"""A run that is read back from the folder of its results, and reduced again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scenarios.run.execute import concluded
from scenarios.run.experiment import load
from scenarios.run.export import ENGINE, ExportError, read_blocks, read_log
from scenarios.run.measured import Measured, known_to
from scenarios.run.output import BLOCKS, SCENARIO, SUMMARY, OutputError
from scenarios.run.record import package_version
from scenarios.run.result import Result
from scenarios.schema.difference import Difference
from twin.times import NS

SECTIONS = ("reduction", "thermal")
"""The sections of a scenario that tell how readings are analysed, and not how they come about."""


@dataclass(frozen=True)
class Origin:
    """Where a result comes from.

    Parameters
    ----------
    version : of kibble-twin that ran the campaign.
    scenario_hash : of the scenario as it was run.
    mass_kg : the mass that the run gave.
    parent, differences : what the scenario as run differs from, and where; an empty name if that is not known.
    settings : of the reduction that were changed since, in the words of the command line.
    """

    version: str
    scenario_hash: str
    mass_kg: float | None
    parent: str = ""
    differences: tuple[Difference, ...] = ()
    settings: tuple[str, ...] = ()

    @classmethod
    def of(cls, result: Result | Measured) -> Origin:
        """Of a run that has just finished."""
        s = result.scenario
        mass = result.mass.mass_kg if isinstance(result, Result) else None
        return cls(package_version(), s.hash, mass, s.parent, tuple(s.differences()))


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds no run.

    Raises
    ------
    OutputError
        Saying what is missing.
    """
    if not folder.is_dir():
        written = "that run --out has written, or export --format folder for a run of a shared database"
        raise OutputError(f"{folder}: no such folder; give one {written}")
    for name in (BLOCKS, SCENARIO):
        if not (folder / name).is_file():
            raise OutputError(f"{folder} is no result of a run: {name} is missing")


def reopen(folder: Path, settings: Sequence[str] = ()) -> tuple[Result | Measured, Origin]:
    """Read what a run has recorded and reduce it again, to the same result unless settings change it.

    Parameters
    ----------
    folder : as ``run --out`` wrote it: blocks and scenario; the summary may be missing.
    settings : of the reduction or the thermal analysis, such as ``reduction.drift_order=2``.

    Raises
    ------
    OutputError
        If the folder holds no run, or a setting belongs to the run itself.
    ScenarioError, ReductionError
        As their names say.
    """
    for setting in settings:
        if setting.partition(".")[0] not in SECTIONS:
            raise OutputError(
                f"{setting.partition('=')[0]} belongs to the run, which has been made; "
                f"only {' and '.join(f'{section}.…' for section in SECTIONS)} can be set"
            )
    check_folder(folder)
    experiment = load(folder / SCENARIO, settings)
    experiment.check()
    scenario = experiment.scenario
    try:
        attributes = _attributes(folder / BLOCKS)
        readings, truth = read_blocks(folder / BLOCKS)
        log = read_log(folder / BLOCKS)
    except ExportError as error:
        raise OutputError(str(error)) from None
    summary = _summary(folder / SUMMARY)
    campaign: Any = scenario.campaign
    result = replace(
        concluded(scenario, known_to(scenario), readings, truth),
        log=log,
        hardware=summary.get("hardware") or {},
        shadow=summary.get("shadow") or {},
        virtual_s=summary.get("virtual_s") or campaign.duration / NS,
        wall_s=summary.get("wall_s") or 0.0,
        events=summary.get("events") or 0,
        steps_total=summary.get("steps_total") or 0,
        steps_resumed=summary.get("steps_resumed") or 0,
    )
    return result, Origin(
        version=str(attributes["version"]),
        scenario_hash=str(attributes["scenario_hash"]),
        mass_kg=summary.get("result", {}).get("mass_kg"),
        parent=summary.get("parent", ""),
        differences=tuple(Difference(**item) for item in summary.get("differences", ())),
        settings=tuple(settings),
    )


def _attributes(path: Path) -> dict[str, Any]:
    """The global attributes of a run's file."""
    import xarray as xr

    try:
        with xr.open_dataset(path, engine=ENGINE) as data:
            return {key: data.attrs[key] for key in ("version", "scenario_hash")}
    except (OSError, KeyError, ValueError) as error:
        raise ExportError(f"{path} is no run of kibble-twin: {error}") from None


def _summary(path: Path) -> dict[str, Any]:
    """What the run said of itself; nothing if it is not there.

    Raises
    ------
    OutputError
        If it cannot be read.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise OutputError(f"{path} is no summary of a run: {error}") from None
    return found if isinstance(found, dict) else {}
