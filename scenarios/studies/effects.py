"""Every effect alone: its analytic bias, the bias that a campaign finds, and what its correction leaves.

Each row of the table is one effect of the balance switched on in an otherwise ideal campaign. The campaign runs once;
its readings are reduced without and with the correction. Noise has no bias; its row says how far off the mass is, and
how far it may be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from scenarios.campaigns.tmtp import Tmtp
from scenarios.campaigns.velocity_phase import PrescribedMotion
from scenarios.reduction import Corrections, MassResult, ReductionError, ReductionSettings, reduce
from scenarios.run.certificates import certificates
from scenarios.run.experiment import Experiment
from scenarios.run.result import Result
from scenarios.studies.case import Case
from twin.errors import InputError

WITHIN = 0.01
"""Share of the expected bias by which the one found may differ, and that a correction may leave."""
ROUNDING = 1e-12
"""What an effect that cancels may leave, relative to the mass."""
CONFIDENCE = 0.999
"""Level at which the reported uncertainty has to cover the error that noise makes."""


def short(experiment: Experiment, settings: Sequence[str] = ()) -> Experiment:
    """The ideal campaign, made short: two cycles from ambient temperature, with few sweeps.

    Nothing is left out as an outlier: without noise, all that an effect does would stand out.

    Parameters
    ----------
    settings : over it, in the words of the command line.

    Raises
    ------
    InputError
        If theory does not know what effects do to the campaign.
    """
    campaign = experiment.scenario.campaign
    velocity: Any = getattr(campaign, "velocity", None)
    if type(campaign) is not Tmtp or not isinstance(velocity, PrescribedMotion):  # those derived from it are others
        raise InputError(
            "theory knows what each effect does to a TMTP campaign whose motion is prescribed, such as kbmini_tmtp; "
            f"{experiment.scenario.name} is none"
        )
    few = {"oscillation": ["campaign.velocity.cycles=60"], "sweeps": ["campaign.velocity.pairs=4"]}
    plain = ["campaign.cycles=2", "campaign.weighing.reading_step=1.0", "thermal.start=ambient"]
    plain.append("reduction.outlier_threshold=1e12")
    return experiment.ideal([*plain, *few.get(getattr(velocity, "motion", ""), []), *settings])


@dataclass(frozen=True)
class Effect:
    """One effect of a balance.

    Parameters
    ----------
    name : what it is called.
    settings : keys and values over the ideal scenario, those of the balance without ``balance.`` before them.
    bias : the relative bias of the mass that theory expects; 0 for an effect that cancels.
    formula : the same for a reader.
    corrections : that take it out; none for what cancels or cannot be known.
    certified : deviations, such as ``resistor.gain``, that are taken out where a certificate states them.
    more : further keys and values, not of the balance.
    bound : what may be left of an effect that cancels, relative; the share `WITHIN` of an expected bias may be, too.
    """

    name: str
    settings: Mapping[str, Any]
    bias: Callable[[Case], float] | float
    formula: str
    corrections: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    bound: Callable[[Case], float] | float = ROUNDING
    certified: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = set(self.corrections) - set(Corrections.model_fields)
        if unknown:
            raise ValueError(f"{self.name}: there is no correction {sorted(unknown)[0]!r}")

    def scenario(self, ideal: Experiment) -> Experiment:
        """The ideal scenario with this effect alone, and its corrections on."""
        corrections = {f"reduction.corrections.{name}": True for name in self.corrections}
        parts = {f"balance.{key}": value for key, value in self.settings.items()}
        return ideal.with_({**parts, **self.more, **corrections})

    def lacks(self, ideal: Experiment) -> str | None:
        """The first part that the effect is of and the balance has not."""
        there = {*ideal.scenario.balance.parts, *self.settings, "wiring"}
        return next((key.split(".")[0] for key in self.settings if key.split(".")[0] not in there), None)


@dataclass(frozen=True)
class Noise(Effect):
    """One kind of noise: no bias, but an error within its statistical bound, or within half a digit.

    Without a `bound` of its own it is the reported uncertainty, expanded to `CONFIDENCE`.
    """

    bias: Callable[[Case], float] | float = 0.0
    formula: str = "within the reported uncertainty"
    bound: Callable[[Case], float] | float = 0.0


@dataclass(frozen=True)
class Row:
    """What was found of an effect; all relative to the mass.

    Parameters
    ----------
    expected : the analytic bias.
    found : the bias without its corrections.
    left : the bias with them; None for an effect without correction.
    bound : by how much `found` may differ from `expected`, and how large `left` may be.
    """

    effect: Effect
    expected: float
    found: float
    left: float | None
    bound: float

    @property
    def ok(self) -> bool:
        """Whether theory, campaign and correction agree."""
        return abs(self.found - self.expected) <= self.bound and (self.left is None or abs(self.left) <= self.bound)

    @property
    def complaint(self) -> str:
        """What is wrong, for a row that is not ok."""
        name, bound = self.effect.name, ppm(self.bound).lstrip("+")
        if self.left is None or abs(self.found - self.expected) > self.bound:
            return f"{name}: found {ppm(self.found)} ppm where theory expects {ppm(self.expected)} ± {bound} ppm"
        return f"{name}: its correction leaves {ppm(self.left)} of {ppm(self.expected)} ppm, more than {bound} ppm"


def table(ideal: Experiment, effects: Sequence[Effect], executor: Executor | None = None) -> Iterator[Row]:
    """The rows, one by one.

    Parameters
    ----------
    ideal : a campaign with all effects off, such as `short` makes it.
    effects : to look at.
    executor : examines them side by side; None for one after the other here.
    """
    one = partial(examine, ideal)
    yield from (executor.map(one, effects, chunksize=4) if executor is not None else map(one, effects))


def examine(ideal: Experiment, effect: Effect) -> Row:
    """One effect alone.

    Raises
    ------
    ReductionError
        If its readings cannot be reduced; the message begins with the name of the effect.
    """
    try:
        result = effect.scenario(ideal).run()
    except ReductionError as error:
        raise ReductionError(f"{effect.name}: {error}") from error
    case = Case(result)
    expected = effect.bias(case) if callable(effect.bias) else effect.bias
    found, left = result.relative_error, None
    if effect.corrections or effect.certified:
        found, left = _uncorrected(result, effect), _corrected(result, effect)
    bound = effect.bound(case) if callable(effect.bound) else effect.bound
    bound = max(bound or _expanded(result.mass), ROUNDING, WITHIN * abs(expected))
    return Row(effect, expected, found, left, bound)


def _uncorrected(result: Result, effect: Effect) -> float:
    """Relative error of the mass without the corrections of an effect."""
    settings = result.scenario.section("reduction", ReductionSettings)
    off = settings.corrections.model_copy(update=dict.fromkeys(effect.corrections, False))
    settings = settings.model_copy(update={"corrections": off})
    return reduce(result.readings, certificates(result.scenario), settings).mass_kg / result.true.mass_kg - 1.0


def _corrected(result: Result, effect: Effect) -> float:
    """Relative error of the mass with them, and with what certificates may state of it."""
    if not effect.certified:
        return result.relative_error
    scenario, stated = result.scenario, dict[str, list[str]]()
    for part, name in (key.split(".") for key in effect.certified):
        stated.setdefault(f"balance.{part}.certified", []).append(name)
    known = certificates(scenario.with_(stated))
    mass = reduce(result.readings, known, scenario.section("reduction", ReductionSettings))
    return mass.mass_kg / result.true.mass_kg - 1.0


def _expanded(mass: MassResult) -> float:
    """Expanded relative uncertainty at the level `CONFIDENCE`, with Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(mass.dof, 0.5 + 0.5 * CONFIDENCE)) * mass.u_relative


def ppm(value: float) -> str:
    """A relative bias in ppm as text; below the rounding of a campaign it is 0."""
    return f"{1e6 * value:+.4g}" if abs(value) >= ROUNDING else "0"
