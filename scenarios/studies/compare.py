"""Two results side by side, with what differs in the scenarios that they come from."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenarios.run.experiment import Experiment, load, load_text
from scenarios.run.found import look, opened, so_far
from scenarios.run.output import SCENARIO, SUMMARY, OutputError
from scenarios.run.shared import SharedRuns, is_url
from scenarios.schema.difference import Difference, differences
from scenarios.schema.errors import ScenarioError
from scenarios.schema.library import find, shipped
from twin.plugins import near

_HOW = ("seed", "virtual_s", "samples")
"""Of how a run went, what may matter for its result."""


@dataclass(frozen=True)
class Side:
    """A result with the scenario that it is of.

    Parameters
    ----------
    name : as it was asked for.
    experiment : the scenario.
    summary : as in ``result.json``.
    """

    name: str
    experiment: Experiment
    summary: Mapping[str, Any]

    @property
    def numbers(self) -> dict[str, float]:
        """The numbers of the result, by path."""
        parts = {key: self.summary.get(key) for key in ("result", "true", "thermal")}
        parts |= {key: self.summary[key] for key in _HOW if key in self.summary}
        return dict(_numbers(parts, ""))


def _numbers(tree: Any, path: str) -> Iterator[tuple[str, float]]:
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from _numbers(value, f"{path}.{key}" if path else str(key))
    elif isinstance(tree, list) and all(isinstance(item, int | float) for item in tree):
        for k, value in enumerate(tree):
            yield from _numbers(value, f"{path}.{k}")
    elif isinstance(tree, int | float) and not isinstance(tree, bool) and math.isfinite(tree):
        yield path, float(tree)


def side(source: str) -> Side:
    """The result in a folder that ``run --out`` has made, in a shared database, or of a scenario that is run now.

    Raises
    ------
    OutputError
        If the folder holds no result.
    ScenarioError
        If there is neither a folder nor a scenario of this name.
    """
    if is_url(source):
        with SharedRuns(source) as runs:
            run = runs.one()
            return Side(source, load_text(run.scenario, run.place), run.finished())
    if not Path(source).is_dir():
        _check_name(source)
        experiment = load(source)
        experiment.check()
        return Side(source, experiment, experiment.run().summary())
    return _kept(source, Path(source))


def _check_name(source: str) -> None:
    """Refuse what is neither kept nor a scenario, in words for both."""
    try:
        find(source)
    except ScenarioError as error:
        if Path(source).suffix in (".yaml", ".yml"):  # it can be a scenario alone
            raise
        here = [
            *(path.parent.name for path in Path().glob(f"*/{SUMMARY}")),
            *(path.name for path in Path().glob("*.yaml")),
        ]
        told = near(source, [*here, *shipped()]) or "; see kibble-twin list, and kibble-twin runs list"
        text = f"expected the folder of a result, of kibble-twin run --out, or a scenario's file or name{told}"
        raise ScenarioError(text, file=source) from error


def _kept(source: str, folder: Path) -> Side:
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise OutputError(f"{source}: there is no result; expected {SUMMARY} of kibble-twin run --out") from None
    return Side(source, load(folder / SCENARIO), summary)


def side_of_run(place: str) -> Side:
    """A run in a folder or a shared database; of one under way, what its finished cycles tell.

    Raises
    ------
    OutputError
        If there is none, or no cycle has finished.
    ReductionError
        If the cycles that have finished do not suffice.
    """
    run = look(place)
    if run.status == "finished":
        return side(place)
    result, cycles = so_far(run)
    with opened(place) as (experiment, _):
        return Side(f"{place}, {cycles} cycles so far", experiment, result.summary())


@dataclass(frozen=True)
class Comparison:
    """Two results."""

    first: Side
    second: Side

    @property
    def scenarios(self) -> list[Difference]:
        """What the second scenario has otherwise, in SI units with defaults filled in."""
        return [
            difference
            for difference in differences(
                self.first.experiment.scenario.resolved, self.second.experiment.scenario.resolved
            )
            if difference.key not in ("name", "description")
        ]

    @property
    def numbers(self) -> dict[str, tuple[float | None, float | None]]:
        """The numbers that differ, by path; None where one has none."""
        a, b = self.first.numbers, self.second.numbers
        return {
            key: (a.get(key), b.get(key))
            for key in [*a, *(key for key in b if key not in a)]
            if a.get(key) != b.get(key)
        }

    @property
    def score(self) -> float | None:
        """Difference of the relative errors of the two masses over its standard uncertainty, as if independent."""
        error, u = "result.relative_error", "result.u_relative"
        a, b = self.first.numbers, self.second.numbers
        if not all(key in numbers for key in (error, u) for numbers in (a, b)):
            return None
        spread = math.hypot(a[u], b[u])
        return (b[error] - a[error]) / spread if spread else None


def draw(found: Comparison, path: Path) -> None:
    """Save both errors of the mass with their expanded uncertainties (k = 2).

    Raises
    ------
    ValueError
        If one of them has no mass.
    """
    from scenarios.report.numbers import relative_scale
    from scenarios.report.theme import BLUE, GREY, VERMILLION, fresh_look, label, panels, save

    rows = [
        (side.numbers.get("result.relative_error"), side.numbers.get("result.u_relative")) for side in _sides(found)
    ]
    points = [(error, 2.0 * u) for error, u in rows if error is not None and u is not None]
    if len(points) < 2:
        raise ValueError("there are not two masses to draw")
    with fresh_look():
        figure, (axis,) = panels(1.8)
        scale = relative_scale([abs(error) + u for error, u in points])
        for place, ((error, u), colour, marker) in enumerate(zip(points, (BLUE, VERMILLION), "os", strict=True)):
            axis.errorbar(error * scale.factor, -place, xerr=u * scale.factor, fmt=marker, color=colour)
        axis.axvline(0.0, color=GREY, lw=0.8)
        axis.set_yticks([0, -1], [side.name for side in _sides(found)])
        axis.set(xlabel=label("error of the mass, k = 2", scale.unit), ylim=(-1.6, 0.6))
        save(figure, path)


def _sides(found: Comparison) -> tuple[Side, Side]:
    return found.first, found.second
