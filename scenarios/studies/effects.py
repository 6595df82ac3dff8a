"""Every effect alone: its analytic bias, the bias that a campaign finds, and what its correction leaves.

Each row of the table is one effect of the balance switched on in an otherwise ideal campaign. The campaign runs once;
its readings are reduced without and with the correction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scenarios.reduction import Corrections, ReductionSettings, reduce
from scenarios.run.certificates import certificates
from scenarios.run.experiment import Experiment
from scenarios.run.result import Result


@dataclass(frozen=True)
class Effect:
    """One effect of a balance.

    Parameters
    ----------
    name : what it is called.
    settings : keys and values over the ideal scenario, those of the balance without ``balance.`` before them.
    bias : the relative bias of the mass that theory expects, from the run; 0 for an effect that cancels.
    formula : the same for a reader.
    corrections : that take it out; none for what cancels or cannot be known.
    more : further keys and values, not of the balance.
    """

    name: str
    settings: Mapping[str, Any]
    bias: Callable[[Result], float]
    formula: str
    corrections: tuple[str, ...] = ()
    more: Mapping[str, Any] | None = None

    def scenario(self, ideal: Experiment) -> Experiment:
        """The ideal scenario with this effect alone."""
        return ideal.with_({**{f"balance.{key}": value for key, value in self.settings.items()}, **(self.more or {})})


@dataclass(frozen=True)
class Row:
    """What was found of an effect; all relative to the mass.

    Parameters
    ----------
    expected : the analytic bias.
    found : the bias without its corrections.
    left : the bias with them; None for an effect without correction.
    """

    effect: Effect
    expected: float
    found: float
    left: float | None


def table(ideal: Experiment, effects: Sequence[Effect]) -> Iterator[Row]:
    """The rows, one by one.

    Parameters
    ----------
    ideal : a campaign with all effects off; short phases do.
    effects : to look at.
    """
    for effect in effects:
        yield examine(ideal, effect)


def examine(ideal: Experiment, effect: Effect) -> Row:
    """One effect alone."""
    experiment = effect.scenario(ideal)
    result = experiment.run()
    known, settings = certificates(result.scenario), result.scenario.section("reduction", ReductionSettings)

    def bias(on: bool) -> float:
        changed = settings.corrections.model_copy(update=dict.fromkeys(effect.corrections, on))
        mass = reduce(result.readings, known, settings.model_copy(update={"corrections": changed}))
        return mass.mass_kg / result.true.mass_kg - 1.0

    unknown = set(effect.corrections) - set(Corrections.model_fields)
    if unknown:
        raise ValueError(f"{effect.name}: there is no correction {sorted(unknown)[0]!r}")
    return Row(effect, effect.bias(result), bias(False), bias(True) if effect.corrections else None)


def markdown(rows: Sequence[Row]) -> str:
    """The table in Markdown."""
    lines = [
        "| effect | switched on | theory | ε expected | ε found | with correction |",
        "|---|---|---|---:|---:|---:|",
    ]
    for row in rows:
        switched = ", ".join(f"`{key}` = {_value(value)}" for key, value in row.effect.settings.items())
        lines.append(
            f"| {row.effect.name} | {switched} | {row.effect.formula} | {ppm(row.expected)} | {ppm(row.found)} | {left(row)} |"
        )
    return "\n".join(lines) + "\n"


def left(row: Row) -> str:
    """What the correction leaves, as text."""
    return "not corrected" if row.left is None else ppm(row.left)


def ppm(value: float) -> str:
    """A relative bias as text; below the rounding of a campaign it is 0."""
    return f"{1e6 * value:+.4g} ppm" if abs(value) >= 5e-13 else "0"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)
