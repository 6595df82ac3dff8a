"""A study: a scenario, what of it is varied, and what is wanted; from a YAML file that starts with ``study: 1``.

study: 1
scenario: nist4_tmtp
axes:
  p: {path: balance.scale, from: 0.25, to: 1, points: 16, spacing: log}
variants:
  smco: {balance.magnet.material: SmCo}
  ndfeb: {balance.magnet.material: NdFeB}
outputs: [epsilon, diameter, magnet_mass]
"""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scenarios.run.experiment import Experiment, load
from scenarios.schema import ScenarioError
from scenarios.schema.document import Document, read
from scenarios.schema.errors import KeyPath, Problem, fail
from scenarios.schema.validate import validated
from scenarios.studies.axes import Axis, AxisError, AxisModel, Overrides, axis
from scenarios.studies.goals import Constraint, Objective, constraint, objective
from scenarios.studies.outputs import OUTPUTS, refusal
from twin.errors import SimulationError
from twin.parameter import Parameters
from twin.plugins import did_you_mean

Array = NDArray[np.float64]
Goal = TypeVar("Goal", Objective, Constraint)
VERSION = 1
MANY = 10_000
"""Points beyond which a sweep wants to be told that it is meant."""
CHECKED = 256
"""Values of a range that are validated before the first run; of a longer one as many, spread over it."""
CORNERS = 64
"""Combinations of the ends of the axes that are validated, in each variant."""
CHECK_SECONDS = 2.0
"""For which the twin is built at these combinations, beyond the first and the last of each variant."""


class Sampling(Parameters):
    """How the points are chosen."""

    method: Literal["grid", "sobol", "lhs", "random"] = Field("grid", description="all combinations, or so many points")
    points: int | None = Field(None, ge=1, description="of all but a grid; a power of 2 for sobol")
    seed: int = Field(1, ge=0)


class StudyModel(Parameters):
    """A study as its file has it."""

    name: str = Field("", description="by default that of the file")
    description: str = ""
    scenario: str = Field(description="a shipped scenario or a file, relative to the study")
    settings: dict[str, Any] = Field(default={}, alias="set", description="values over the scenario, by path")
    axes: dict[str, AxisModel] = Field(default={}, description="what is varied")
    variants: dict[str, dict[str, Any]] = Field(default={}, description="named sets of values by path")
    sampling: Sampling = Sampling()
    outputs: list[str] = Field(min_length=1, description=f"what is wanted: {', '.join(OUTPUTS)}")
    objectives: list[str] = Field(default=[], description="to optimise: output, |output|, or max output")
    constraints: list[str] = Field(default=[], description="limits for that, such as '|epsilon| <= 1e-8'")


@dataclass(frozen=True)
class Point:
    """One scenario of a study.

    Parameters
    ----------
    number : in the order of the study, from 0.
    overrides : over the base, by path.
    """

    number: int
    overrides: Overrides


@dataclass(frozen=True, eq=False)
class Study:
    """A validated study.

    Parameters
    ----------
    base : the scenario that it is about.
    axes : what is varied; the last one fastest.
    variants : values over the base by path, by name; empty without variants.
    outputs : names of what is wanted, with what objectives and constraints need.
    file : that it was read from, by which errors name it.
    """

    name: str
    description: str
    base: Experiment
    axes: tuple[Axis, ...]
    variants: Mapping[str, Overrides]
    sampling: Sampling
    outputs: tuple[str, ...]
    objectives: tuple[Objective, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    file: Path | None = None

    @property
    def place(self) -> str:
        """What an error about it begins with: its file, else its name."""
        return self.name if self.file is None else str(self.file)

    @property
    def is_grid(self) -> bool:
        """Whether the points are all combinations."""
        return self.sampling.method == "grid"

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of variants, if there are any, and of the values of each axis, or of the samples."""
        own = tuple(len(each.values) for each in self.axes) if self.is_grid else (len(self.samples),)
        return (len(self.variants), *own) if self.variants else own

    @property
    def size(self) -> int:
        """Number of points."""
        return math.prod(self.shape)

    @property
    def wanted(self) -> list[str]:
        """Outputs that objectives and constraints need."""
        return _outputs(self.objectives, self.constraints)

    @cached_property
    def samples(self) -> Array:
        """Of a study without grid: shares of the axes, shape (points, axes)."""
        return _samples(self.sampling, len(self.axes))

    def points(self) -> Iterator[Point]:
        """The scenarios, one by one, without holding them."""
        variants: list[Overrides] = list(self.variants.values()) or [{}]
        combined = (variant | own for variant in variants for own in self._combinations())
        return (Point(number, overrides) for number, overrides in enumerate(combined))

    def _combinations(self) -> Iterator[Overrides]:
        if self.is_grid:
            rows: Any = product(*(each.values for each in self.axes))
        else:
            rows = ([each.at(u) for each, u in zip(self.axes, row, strict=True)] for row in self.samples)
        for row in rows:
            yield _overrides(self.axes, row)


def _outputs(objectives: Sequence[Objective], constraints: Sequence[Constraint]) -> list[str]:
    return [*(goal.output for goal in objectives), *(limit.output for limit in constraints)]


def _samples(sampling: Sampling, axes: int) -> Array:
    from scipy.stats import qmc

    rng, count = np.random.default_rng(sampling.seed), sampling.points or 0
    if sampling.method == "random":
        return rng.random((count, axes))
    engine = qmc.Sobol if sampling.method == "sobol" else qmc.LatinHypercube
    word = "rng" if "rng" in inspect.signature(engine).parameters else "seed"
    made: Array = engine(axes, **{word: rng}).random(count)
    return np.clip(made, 1e-12, 1 - 1e-12)


def load_study(path: Path) -> Study:
    """Read a study and validate all of it.

    Raises
    ------
    ScenarioError
        With file, line and key of the first mistake, and how many others there are.
    """
    return _Reader(read(path), path).study()


class _Reader:
    """Reads one file."""

    def __init__(self, document: Document, path: Path) -> None:
        self.document, self.path = document, path
        self.problems: list[Problem] = []

    def wrong(self, key: KeyPath, text: str) -> None:
        """Take note of a mistake."""
        self.problems.append(Problem(key, text))

    def stop(self) -> None:
        """Raise the mistakes that there are."""
        if self.problems:
            raise fail(self.problems, self.document.positions)

    def study(self) -> Study:
        tree = dict(self.document.tree)
        if tree.pop("study", None) != VERSION:
            self.wrong(("study",), f"expected study: {VERSION}")
            self.stop()
        model = validated(StudyModel, tree, (), self.problems)
        self.stop()
        assert model is not None
        base = self._base(model)
        variants = {name: self._overrides(("variants", name), values, base) for name, values in model.variants.items()}
        axes = [found for name, each in model.axes.items() if (found := self._axis(name, each, base, model.sampling))]
        self._check_rest(model, axes)
        objectives = self._goals("objectives", model.objectives, objective)
        constraints = self._goals("constraints", model.constraints, constraint)
        self.stop()
        study = Study(
            name=model.name or self.path.stem,
            description=model.description,
            base=base,
            axes=tuple(axes),
            variants=variants,
            sampling=model.sampling,
            outputs=tuple(dict.fromkeys([*model.outputs, *_outputs(objectives, constraints)])),
            objectives=tuple(objectives),
            constraints=tuple(constraints),
            file=self.path,
        )
        self._check_values(study)
        self.stop()
        return study

    def _base(self, model: StudyModel) -> Experiment:
        beside = self.path.parent / model.scenario
        try:
            base = load(beside if beside.is_file() else model.scenario)
        except ScenarioError as error:
            self.wrong(("scenario",), str(error))
            raise fail(self.problems, self.document.positions) from error
        settings = self._overrides(("set",), model.settings, base)
        self.stop()
        return base.with_(settings)

    def _overrides(self, key: KeyPath, values: Mapping[str, Any], base: Experiment) -> Overrides:
        """Values by path, each looked at alone so that each mistake has its line."""
        for path, value in values.items():
            self._try((*key, path), base, {path: value})
        return dict(values)

    def _try(self, key: KeyPath, base: Experiment, overrides: Overrides) -> Experiment | None:
        try:
            return base.with_(overrides)
        except ScenarioError as error:
            self.wrong(key, f"{error.key}: {error.expected}" if error.key else error.expected)
            return None

    def _axis(self, name: str, given: AxisModel, base: Experiment, sampling: Sampling) -> Axis | None:
        key: KeyPath = ("axes", name)
        if name in ("variant", "point", *OUTPUTS, "failed", "scenario_hash"):
            self.wrong(key, f"{name!r} means something else in the results; take another name")
        try:
            found = axis(name, given, base)
        except AxisError as error:
            self.wrong((*key, error.key), str(error))
            return None
        if sampling.method == "grid" and not found.values:
            text = "missing key 'points'" if given.distribution is None else "a distribution is not for a grid"
            self.wrong(key, f"{text}; or choose sampling: {{method: sobol, points: 256}}")
            return None
        return found

    def _goals(self, key: str, texts: list[str], made: Callable[[str], Goal]) -> list[Goal]:
        found = []
        for i, text in enumerate(texts):
            try:
                found.append(made(text))
            except ValueError as error:
                self.wrong((key, i), str(error))
        return found

    def _check_rest(self, model: StudyModel, axes: list[Axis]) -> None:
        for i, name in enumerate(model.outputs):
            if name not in OUTPUTS:
                self.wrong(("outputs", i), f"there is no output {name!r}{did_you_mean(name, OUTPUTS)}")
            elif name in model.outputs[:i]:
                self.wrong(("outputs", i), f"{name!r} is there twice")
        seen: dict[str, str] = {}
        for each in axes:
            for path in each.paths:
                if path in seen:
                    self.wrong(("axes", each.name, "path"), f"{path} is varied by {seen[path]!r} already")
                seen[path] = each.name
        sampling = model.sampling
        if sampling.method == "grid" and sampling.points is not None:
            self.wrong(("sampling", "points"), "a grid has the points of its axes; give them there")
        if sampling.method != "grid" and sampling.points is None:
            self.wrong(("sampling",), "missing key 'points'")
        if sampling.method != "grid" and not axes:
            self.wrong(("axes",), "expected at least one axis to sample")
        if sampling.method == "sobol" and (sampling.points or 1).bit_count() != 1:
            self.wrong(("sampling", "points"), f"expected a power of 2 for sobol, not {sampling.points}")

    def _check_values(self, study: Study) -> None:
        """Each value of each axis beside the first of the others, in every variant; then combinations of the ends."""
        for name, variant in (study.variants or {"": {}}).items():
            spread = [_spread(study, each) for each in study.axes]
            first = variant | _overrides(study.axes, [values[0] for values in spread])
            for each, values in zip(study.axes, spread, strict=True):
                for one in values:
                    if self._try(("axes", each.name), study.base, {**first, **each.overrides(one)}) is None:
                        break
            self.stop()
            tried = [
                self._try(("axes",), study.base, variant | _overrides(study.axes, corner))
                for corner in _corners(spread)
            ]
            self.stop()
            corners = [found for found in tried if found is not None]
            self._check_wiring(name, corners, CHECK_SECONDS / max(len(study.variants), 1))
            self._check_outputs(study, name, corners)
        self.stop()

    def _check_wiring(self, variant: str, corners: Sequence[Experiment], seconds: float) -> None:
        """Build what a run needs, at the first corner and the one opposite, and at others while there is time."""
        begin = time.perf_counter()
        for i, corner in enumerate([corners[0], *corners[:0:-1]]):
            if i > 1 and time.perf_counter() - begin > seconds:
                return
            try:
                corner.check()
            except ScenarioError as error:
                self.wrong(("axes",) if i else ("variants", variant) if variant else ("scenario",), str(error))
                return
            except SimulationError:  # of this point alone: its row will say so
                continue

    def _check_outputs(self, study: Study, variant: str, corners: Sequence[Experiment]) -> None:
        """Refuse an output that no corner has; one that some points have not is NaN there, with the reason."""
        said: set[str] = set()
        for name in study.outputs:
            reasons = [refusal(corner, name) for corner in corners]
            if all(reasons) and OUTPUTS[name].source not in said:
                said.add(OUTPUTS[name].source)
                where = f" in the variant {variant!r}" if variant else ""
                self.wrong(self._asked(name), f"there is no {name}{where}: {reasons[0]}")

    def _asked(self, output: str) -> KeyPath:
        """Where the file asks for an output."""
        listed = self.document.tree["outputs"]
        return ("outputs", listed.index(output)) if output in listed else ("objectives",)


def _overrides(axes: Sequence[Axis], values: Sequence[tuple[Any, ...]]) -> Overrides:
    found: Overrides = {}
    for each, own in zip(axes, values, strict=True):
        found |= each.overrides(own)
    return found


def _spread(study: Study, each: Axis) -> list[tuple[Any, ...]]:
    """Values of an axis that are looked at before the first run: all that the file lists, some of a range."""
    if not each.distribution:
        return list(each.values)
    if study.is_grid:
        if len(each.values) <= CHECKED:
            return list(each.values)
        return [each.values[i] for i in np.linspace(0, len(each.values) - 1, CHECKED).astype(int)]
    column = study.samples[:, study.axes.index(each)]
    return [each.at(float(u)) for u in (column.min(), *np.linspace(0.02, 0.98, 9), column.max())]


def _corners(spread: Sequence[Sequence[tuple[Any, ...]]]) -> Iterator[list[tuple[Any, ...]]]:
    """Combinations of the ends of the axes, that of all firsts first and that of all lasts last."""
    ends = [list(dict.fromkeys((values[0], values[-1]))) for values in spread]
    count = math.prod(map(len, ends))
    shown = min(count, CORNERS)
    for k in range(shown):
        number, corner = k * (count - 1) // max(shown - 1, 1), []
        for choices in reversed(ends):
            number, place = divmod(number, len(choices))
            corner.append(choices[place])
        yield corner[::-1]
