"""The systematic errors of a scenario: each of its effects alone, and what is missing when it alone is switched off.

Effects are those of the catalogue, at the sizes that the scenario gives them; what of its parameters no effect of the
catalogue knows is an effect of its own. Campaigns run without noise, without the errors of certificates and without
faults, so that differences tell of effects alone. Each is reduced without and with the effect's correction.

Alone: the error of an otherwise ideal campaign, less that of one in which only the partners of the effect are on, such
as the stray field for a magnetic mass. In company: the error of the whole campaign, less that of one that lacks the
effect. Where the two differ, effects interact.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from scenarios.reduction import ReductionSettings, reduce
from scenarios.run.certificates import certificates
from scenarios.run.experiment import Experiment
from scenarios.run.measured import reports_mass
from scenarios.schema.fields import dump
from scenarios.studies.catalogue import EFFECTS
from scenarios.studies.effects import Effect, Noise
from twin.errors import InputError, SimulationError, TwinError

WITHIN = 0.01
"""Share of an effect by which alone and in company may differ without being said to interact."""
LEAST = 1e-11
"""Relative error of the mass below which nothing is told from the steady state's own accuracy."""

Off = frozenset[str]
"""Corrections that are not applied."""


@dataclass(frozen=True)
class Present:
    """An effect that a scenario has.

    Parameters
    ----------
    name : what it is called.
    own : the paths that switch it, with the scenario's values; off they are neutral.
    partners : paths that it needs, with the scenario's values.
    corrections : that take it out.
    """

    name: str
    own: Mapping[str, Any]
    partners: Mapping[str, Any]
    corrections: Off


@dataclass(frozen=True)
class Pair:
    """Relative errors of the mass without and with the correction of an effect."""

    uncorrected: float
    corrected: float

    def __sub__(self, other: Pair) -> Pair:
        return Pair(self.uncorrected - other.uncorrected, self.corrected - other.corrected)


@dataclass(frozen=True)
class Contribution:
    """What an effect does to the mass."""

    effect: Present
    alone: Pair
    company: Pair

    @property
    def interaction(self) -> float:
        """The larger of what it does more in company than alone, without and with its correction."""
        more = self.company - self.alone
        return max(more.uncorrected, more.corrected, key=abs)

    @property
    def interacts(self) -> bool:
        """Whether alone and in company differ by more than `WITHIN` of the effect, and more than `LEAST`."""
        size = max(abs(pair.uncorrected) for pair in (self.alone, self.company))
        return abs(self.interaction) > max(LEAST, WITHIN * size)


@dataclass(frozen=True)
class Systematic:
    """All effects of a scenario.

    Parameters
    ----------
    rows : the largest first, as it would be uncorrected.
    whole : error of the campaign with all of them, without any of their corrections, and with all.
    """

    rows: tuple[Contribution, ...]
    whole: Pair

    @property
    def summed(self) -> Pair:
        """Of all effects alone."""
        return Pair(
            math.fsum(row.alone.uncorrected for row in self.rows), math.fsum(row.alone.corrected for row in self.rows)
        )


# --- which effects there are -----------------------------------------------------------------------------------------

_OCCURRENCES = Counter(key for effect in EFFECTS for key in effect.settings)


def _own(effect: Effect) -> tuple[str, ...]:
    """What of an effect's parameters is its own: that which the fewest other effects have."""
    least = min(_OCCURRENCES[key] for key in effect.settings)
    return tuple(key for key in effect.settings if _OCCURRENCES[key] == least)


_NOISES = frozenset(key for effect in EFFECTS if isinstance(effect, Noise) for key in _own(effect))
_NOISY = re.compile(r"(.*_)?(noise|jitter|random_walk)(_.*)?")


def switched_on(experiment: Experiment) -> dict[str, tuple[Any, Any]]:
    """Values and neutral values of all parameters that are not neutral, by part and name."""
    found: dict[str, tuple[Any, Any]] = {}
    for name, part in experiment.scenario.balance.parts.items():
        values, neutral = dump(part), dump(part.ideal())
        found |= {f"{name}.{key}": (value, neutral[key]) for key, value in values.items() if value != neutral[key]}
    return found


def noises(experiment: Experiment) -> list[str]:
    """Parameters that make noise: what the catalogue calls so, and what is named so in a part it does not know."""
    return [key for key in switched_on(experiment) if key in _NOISES or _NOISY.fullmatch(key.partition(".")[2])]


def _off(experiment: Experiment, keys: Sequence[str]) -> dict[str, Any]:
    """Overrides that make parameters neutral; None where the key is to be taken away, as mappings would merge."""
    on = switched_on(experiment)
    return {f"balance.{key}": None if isinstance(on[key][1], Mapping) else on[key][1] for key in keys if key in on}


def quiet(experiment: Experiment) -> Experiment:
    """The same without noise, errors of certificates and faults; nothing of its readings is left out as faulty.

    Raises
    ------
    InputError
        If its campaign reports no mass.
    """
    if not reports_mass(experiment.scenario):
        raise InputError(f"{experiment.scenario.name}: its campaign reports no mass")
    certain = [key for key in switched_on(experiment) if key.endswith(".uncertainties")]
    calm = {"faults": None, "reduction.outlier_threshold": 1e12}
    return experiment.with_({**_off(experiment, [*noises(experiment), *certain]), **calm})


def present(experiment: Experiment) -> list[Present]:
    """The effects of a scenario without noise; those that the same parameters switch are one.

    Of two windings the second one has its part in the effects of the first.
    """
    on = {key: value for key, (value, _) in switched_on(experiment).items()}
    found: dict[tuple[str, ...], Present] = {}
    for effect in EFFECTS:
        own = tuple(key for key in _both(_own(effect)) if key in on)
        if isinstance(effect, Noise) or not own:
            continue
        partners = {f"balance.{key}": on[key] for key in _both(effect.settings) if key in on and key not in own}
        before = found.get(own)
        found[own] = Present(
            name=effect.name if before is None else f"{before.name}, {effect.name}",
            own={f"balance.{key}": on[key] for key in own},
            partners=partners if before is None else {**before.partners, **partners},
            corrections=frozenset(effect.corrections) | (frozenset() if before is None else before.corrections),
        )
    known = set(chain.from_iterable(each.own.keys() | each.partners.keys() for each in found.values()))
    rest = [key for key in on if f"balance.{key}" not in known]
    alone = []
    for key in rest:
        both = {f"balance.{each}": on[each] for each in _both([key]) if each in rest}
        if key.removeprefix("second_") not in rest or not key.startswith("second_"):
            alone.append(Present(key.replace(".", ": ").replace("_", " "), both, {}, Off()))
    return [*found.values(), *alone]


def _both(keys: Iterable[str]) -> list[str]:
    """The keys, and those of the second winding beside the first one's."""
    return [each for key in keys for each in ((key, f"second_{key}") if key.startswith("coil.") else (key,))]


# --- what they do ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """A campaign that is run once, and reduced without some corrections, one set after the other.

    Parameters
    ----------
    name : of what is on, or off.
    """

    experiment: Experiment
    without: tuple[Off, ...]
    name: str = "all effects"


def errors(job: Job) -> dict[Off, float]:
    """Relative errors of the mass by the corrections that were left out; none left out is among them.

    Raises
    ------
    SimulationError
        If it cannot be run or reduced; the message begins with the name of the job.
    """
    try:
        return _errors(job)
    except TwinError as error:
        raise SimulationError(f"{job.name}: {error}") from error


def _errors(job: Job) -> dict[Off, float]:
    result = job.experiment.run()
    found = {Off(): result.relative_error}
    settings, known = result.scenario.section("reduction", ReductionSettings), certificates(result.scenario)
    for off in job.without:
        if off not in found:
            corrections = settings.corrections.model_copy(update=dict.fromkeys(off, False))
            mass = reduce(result.readings, known, settings.model_copy(update={"corrections": corrections}))
            found[off] = mass.mass_kg / result.true.mass_kg - 1.0
    return found


def plan(experiment: Experiment) -> tuple[list[Present], list[Job]]:
    """The effects of a scenario, and the campaigns that tell of them: the whole one, then for each effect it alone,
    its partners alone, and all but it."""
    calm = quiet(experiment)
    effects = present(calm)
    ideal = calm.ideal()
    every = Off().union(*(effect.corrections for effect in effects))
    jobs = [Job(calm, (every, *(effect.corrections for effect in effects)))]
    for effect in effects:
        own = (effect.corrections,)
        keys = [path.removeprefix("balance.") for path in effect.own]
        jobs.append(Job(ideal.with_({**effect.partners, **effect.own}), own, f"{effect.name}, alone"))
        jobs.append(Job(ideal.with_(effect.partners), own, f"what {effect.name} needs, alone"))
        jobs.append(Job(calm.with_(_off(calm, keys)), own, f"all but {effect.name}"))
    return effects, jobs


def told(effects: Sequence[Present], found: Sequence[Mapping[Off, float]]) -> Systematic:
    """The table, from the errors of the jobs of a plan."""
    every = Off().union(*(effect.corrections for effect in effects))
    whole, rows = found[0], []
    for i, effect in enumerate(effects):
        alone, partners, without = (_pair(each, effect.corrections) for each in found[3 * i + 1 : 3 * i + 4])
        rows.append(Contribution(effect, alone - partners, _pair(whole, effect.corrections) - without))
    rows.sort(key=lambda row: -max(abs(row.alone.uncorrected), abs(row.company.uncorrected)))
    return Systematic(tuple(rows), _pair(whole, every))


def _pair(errors_: Mapping[Off, float], corrections: Off) -> Pair:
    return Pair(errors_[corrections], errors_[Off()])


def run_jobs(jobs: Sequence[Job], executor: Executor | None = None) -> Iterator[dict[Off, float]]:
    """The errors of the jobs, one by one; the same campaign is run once.

    Parameters
    ----------
    executor : runs them side by side; None for one after the other here.
    """
    once: dict[str, Job] = {}
    for job in jobs:
        key = job.experiment.scenario.hash
        before = once.get(key)
        once[key] = job if before is None else replace(before, without=(*before.without, *job.without))
    made = map(errors, once.values()) if executor is None else executor.map(errors, once.values())
    known: dict[str, dict[Off, float]] = {}
    keys, fresh = iter(once), iter(made)
    for job in jobs:
        while job.experiment.scenario.hash not in known:
            known[next(keys)] = next(fresh)
        yield known[job.experiment.scenario.hash]
