"""A scenario that can be run: what `scenarios.load` gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from scenarios.reduction import ReductionError, ReductionSettings, ThermalSettings
from scenarios.reduction.weighing import compare
from scenarios.run import notebook
from scenarios.run.build import Setup, build
from scenarios.run.execute import MODELS, Progress, execute
from scenarios.run.measured import known_to, own_reduction
from scenarios.schema import Scenario, ScenarioError, locate
from scenarios.schema import load as load_scenario
from scenarios.schema import load_text as scenario_of_text
from twin import plugins
from twin.component import Component
from twin.errors import InputError, SimulationError, WiringError
from twin.steps import Step
from twin.store import RunStore
from twin.times import to_ns


class Experiment:
    """A scenario with its verbs; the files that it names have been read.

    >>> import scenarios
    >>> experiment = scenarios.load("kbmini_tmtp").with_({"balance.test_mass.mass": "100 g"})
    >>> experiment.scenario.seed
    1
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = _self_contained(scenario)

    def with_(self, overrides: Mapping[str, Any] | None = None, **keys: Any) -> Experiment:
        """The same with some values changed, by their paths: ``with_({"balance.scale": 0.5}, seed=2)``."""
        return Experiment(self.scenario.with_(overrides, **keys))

    def ideal(self, settings: Sequence[str] = ()) -> Experiment:
        """The same with every effect and all noise off; `settings` may turn single ones on again."""
        return Experiment(self.scenario.ideal().with_settings(settings))

    def check(self) -> Setup:
        """Build everything that a run needs, without running it.

        Raises
        ------
        ScenarioError
            Naming file, line and key of what is wired wrongly or missing.
        """
        _check_settings(self.scenario)
        try:
            known_to(self.scenario)
            if not self.scenario.hardware:
                return build(self.scenario)
            bridge = plugins.load(plugins.BRIDGES, "bridge")(self.scenario)
            setup = build(self.scenario, parts=bridge.parts)
            bridge.prepare(setup.twin)
            return setup
        except WiringError as error:
            raise locate(self.scenario, error) from error

    def late_faults(self) -> list[str]:
        """Names of the faults that begin when the campaign is over."""
        campaign: Any = self.scenario.campaign
        return [name for name, fault in self.scenario.faults.items() if to_ns(fault.time) >= campaign.duration]

    def graph(self) -> notebook.ShownGraph:
        """The component graph, checked; see `check`."""
        graph = self.check().twin.graph
        return notebook.ShownGraph(graph.components, graph.wiring)

    def plan(self) -> list[Step]:
        """The campaign's steps with their durations; see `check`."""
        return self.check().steps

    def run(
        self,
        *,
        store: Path | RunStore | None = None,
        resume: bool = False,
        progress: Progress | None = None,
        arm: bool | None = None,
        shadow: bool = False,
        tell: Callable[[str], None] = lambda text: None,
    ) -> Any:
        """Run the campaign and reduce it; see `scenarios.run.execute.execute`.

        Parameters
        ----------
        arm : has to be said where parts are real, so that no study, and nobody by mistake, runs them: True to really
            switch outputs, False for a dry run.
        shadow, tell : see `scenarios.run.execute.execute`.

        Raises
        ------
        InputError
            If parts are real and nobody says so.

        Returns
        -------
        scenarios.run.result.Result
            Of a mass campaign; of any other a `scenarios.run.measured.Measured`.
        """
        if self.scenario.hardware and arm is None:
            raise InputError(
                f"{self.scenario.name}: {', '.join(self.scenario.hardware)} are real, and a study simulates: "
                "kibble-twin run runs them, or run(arm=False)"
            )
        _check_settings(self.scenario)
        try:
            return execute(
                self.scenario, store=store, resume=resume, progress=progress, arm=bool(arm), shadow=shadow, tell=tell
            )
        except WiringError as error:
            raise locate(self.scenario, error) from error

    def __repr__(self) -> str:
        return notebook.scenario_text(self.scenario)

    def _repr_html_(self) -> str:
        return notebook.scenario_html(self.scenario)


def load(source: str | Path, settings: Sequence[str] = ()) -> Experiment:
    """Load a shipped scenario by name, or a scenario file.

    Parameters
    ----------
    source : a name such as ``kbmini_tmtp``, or a path.
    settings : overrides in the words of the command line, such as ``"balance.scale=0.5"``.

    Raises
    ------
    ScenarioError
        One line that names file, line and key.
    """
    return Experiment(load_scenario(source, models=MODELS, settings=settings))


def load_text(text: str, name: str) -> Experiment:
    """The experiment of a scenario that is kept as text; messages call it `name`."""
    return Experiment(scenario_of_text(text, file=name, models=MODELS))


def _check_settings(scenario: Scenario) -> None:
    """Refuse settings of the analysis that the campaign cannot fill, before hours of it are run.

    Raises
    ------
    ScenarioError
        Naming file, line and key.
    """
    if own_reduction(scenario) is not None:
        return
    campaign: Any = scenario.campaign
    thermal, reduction = scenario.section("thermal", ThermalSettings), scenario.section("reduction", ReductionSettings)
    if thermal.periods is not None and thermal.periods > campaign.cycles:
        raise _refused(
            scenario, "thermal.periods", f"must not be more than the {campaign.cycles} cycles (got {thermal.periods})"
        )
    count = len(campaign.mass_on()) // campaign.comparisons - reduction.skip_weighings
    on = np.arange(reduction.skip_weighings, reduction.skip_weighings + max(count, 0)) % 2 == 0
    try:
        compare(reduction.weighing_scheme, np.arange(len(on), dtype=float), on, reduction.drift_order)
    except ReductionError as error:
        raise _refused(scenario, "campaign", f"the reduction cannot use it: {error}") from error


def _refused(scenario: Scenario, key: str, text: str) -> ScenarioError:
    place = scenario.position(key)
    return ScenarioError(text, file=place.file, line=place.line, key=key)


def _self_contained(scenario: Scenario) -> Scenario:
    """The scenario with the tables themselves in place of the files that hold them.

    It then means the same wherever it is kept, and its hash tells when a table has changed.

    Raises
    ------
    ScenarioError
        If a file that it names cannot be read, where it is named.
    """
    changed: dict[str, Any] = {}
    for name, part in scenario.balance.parts.items():
        named = {key: file for key in _files(type(part)) if (file := getattr(part, key)) is not None}
        if not named:
            continue
        key = f"balance.{name}.{next(iter(named))}"
        placed = {file: Path(scenario.position(f"balance.{name}.{file}").file).parent / named[file] for file in named}
        try:
            tables = part.model_copy(update=placed).named(name).tables()
        except SimulationError as error:
            raise _refused(scenario, key, str(error)) from error
        changed |= {f"balance.{name}.{key}": value for key, value in tables.items()}
    return scenario.with_tables(changed) if changed else scenario


@cache
def _files(kind: type[Component]) -> list[str]:
    """The parameters of a component that name a file."""
    extras = {key: field.json_schema_extra for key, field in kind.model_fields.items()}
    return [key for key, extra in extras.items() if isinstance(extra, dict) and extra.get("path")]
