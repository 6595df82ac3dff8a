"""A blind campaign: the true mass and some errors are drawn in secret, and sealed until an analysis has answered.

The laboratory's own description of the balance, its scenario, is published with the readings. The run is made of
another one, which has a mass, errors and a seed of its own that nobody is told. Without the seed the noise cannot be
repeated, and the certificates' own errors are hidden with it. What is published has no truth recorded; what the twin's
reduction makes of the readings is there to compare with.
"""

from __future__ import annotations

import hashlib
import json
import math
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from scenarios.run.execute import MODELS, Progress, concluded
from scenarios.run.experiment import Experiment
from scenarios.run.measured import known_to, reports_mass
from scenarios.run.output import SUMMARY
from scenarios.run.result import Result
from scenarios.schema import ScenarioError, load_text
from scenarios.studies.parameters import present, unit_of_path
from twin.errors import InputError
from twin.parameter import difference_to_si
from twin.recorder import Blocks

MASS = "balance.test_mass.mass"
SPREAD = 5e-6
"""By how much the true mass may be off its nominal value, relative, unless something else is said."""
_SEEDS = 2**62
_STEPS = 2**53


class BlindError(InputError):
    """A blind campaign that cannot be made, or an answer that cannot be read."""


@dataclass(frozen=True)
class Hidden:
    """A parameter with a secret value.

    Parameters
    ----------
    path, unit : of the parameter.
    nominal : as the laboratory believes it to be.
    spread : half width of what was drawn from, about the nominal value; all values in it are equally likely.
    true : what was drawn.
    """

    path: str
    unit: str
    nominal: float
    spread: float
    true: float

    @property
    def bias(self) -> float:
        """By how much the laboratory is wrong."""
        return self.true - self.nominal


@dataclass(frozen=True)
class Secret:
    """What is sealed.

    Parameters
    ----------
    seed : of noise and of the errors of certificates.
    hidden : the mass first.
    faults : what goes wrong, by name; the published scenario does not tell.
    scenario_hash, record_sha256 : of the scenario and of the file of readings that were published.
    """

    seed: int
    hidden: tuple[Hidden, ...]
    faults: Mapping[str, Any] = field(default_factory=dict)
    scenario_hash: str = ""
    record_sha256: str = ""

    def plain(self) -> dict[str, Any]:
        """For `scenarios.studies.sealed`."""
        return {**asdict(self), "hidden": [asdict(each) for each in self.hidden], "faults": dict(self.faults)}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Secret:
        """What was sealed.

        Raises
        ------
        BlindError
            If it was something else.
        """
        try:
            hidden = tuple(Hidden(**each) for each in plain["hidden"])
            seed, faults = int(plain["seed"]), dict(plain["faults"])
            return cls(seed, hidden, faults, plain["scenario_hash"], plain["record_sha256"])
        except (KeyError, TypeError, ValueError):
            raise BlindError("what is sealed there is no blind campaign") from None

    @property
    def mass_kg(self) -> float:
        """The true one."""
        return self.hidden[0].true

    @property
    def settings(self) -> dict[str, Any]:
        """Over the published scenario, by path: with them the run can be repeated."""
        faults = {"faults": dict(self.faults)} if self.faults else {}
        return {"seed": self.seed, **{each.path: each.true for each in self.hidden}, **faults}


def spreads(experiment: Experiment, given: Mapping[str, str], within: float = SPREAD) -> dict[str, float]:
    """Half widths of what is drawn, by path, in SI units; the mass first.

    Parameters
    ----------
    given : quantities by path.
    within : relative, of the mass.

    Raises
    ------
    BlindError
        If a path is no quantity of the balance, or its width none of its unit.
    """
    scenario = experiment.scenario
    if not reports_mass(scenario) or present(experiment, MASS) is None:
        raise BlindError(f"{scenario.name}: there is no mass to hide in its campaign")
    if not 0 < within < 1:
        raise BlindError(f"expected a width between 0 and 1 for the mass, not {within:g}")
    found = {MASS: within * float(present(experiment, MASS))}
    for path, text in given.items():
        unit, value = unit_of_path(scenario, path), present(experiment, path)
        if not path.startswith("balance.") or unit is None or not isinstance(value, int | float):
            raise BlindError(f"{path} is no quantity of {scenario.name}; see kibble-twin schema")
        try:
            half = difference_to_si(text, unit)
        except ValueError as error:
            raise BlindError(f"{path}: {error}") from None
        if path == MASS or not (half > 0 and math.isfinite(half)):
            raise BlindError(f"{path}: expected a width greater than 0, and of the mass in its own option")
        found[path] = half
    for path, half in found.items():
        for end in (-half, half):  # what cannot be is said before anything is drawn, so that nothing is told by it
            experiment.with_({path: present(experiment, path) + end})
    return found


def drawn(experiment: Experiment, widths: Mapping[str, float]) -> Secret:
    """Secret values, from the randomness of the operating system."""
    hidden = []
    for path, half in widths.items():
        nominal = float(present(experiment, path))
        share = 2.0 * (secrets.randbelow(_STEPS) + 0.5) / _STEPS - 1.0
        unit = unit_of_path(experiment.scenario, path)
        hidden.append(Hidden(path, unit or "1", nominal, half, nominal + share * half))
    return Secret(1 + secrets.randbelow(_SEEDS), tuple(hidden), experiment.scenario.resolved.get("faults", {}))


def published_of(experiment: Experiment) -> Experiment:
    """The scenario that is published: without faults, with a seed that says nothing, and without what it came from."""
    told = experiment.scenario.with_({"seed": 0, "faults": None}).to_yaml()
    return Experiment(load_text(told, models=MODELS))


def run_blind(experiment: Experiment, secret: Secret, public: Experiment, progress: Progress | None = None) -> Result:
    """Run the campaign as it secretly is; what is known of it to those who do not know.

    Parameters
    ----------
    public : see `published_of`.

    Raises
    ------
    BlindError
        If the secret values do not go together; it does not say which.
    """
    try:
        true = experiment.with_(secret.settings)
    except ScenarioError:
        raise BlindError("the values that were drawn do not go together; run again, or with smaller widths") from None
    made = true.run(progress=progress)
    told = concluded(public.scenario, known_to(public.scenario), made.readings, Blocks())
    assert isinstance(told, Result)
    return replace(told, virtual_s=made.virtual_s, wall_s=made.wall_s, events=made.events, steps_total=made.steps_total)


def sha256_of(path: Path) -> str:
    """Of a file, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


# --- the answer ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """What an analysis has found: the mass and its standard uncertainty (kg, k = 1)."""

    mass_kg: float
    u_mass_kg: float


def read_answer(path: Path) -> Answer:
    """The answer of an analysis: the folder or ``result.json`` of a run, or JSON with ``mass_kg`` and ``u_mass_kg``.

    Raises
    ------
    BlindError
        If there are no such numbers.
    """
    file = path / SUMMARY if path.is_dir() else path
    try:
        plain = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BlindError(f"{file}: {(error.strerror or str(error)).lower()}") from None
    except ValueError:
        raise BlindError(f"{file}: expected JSON with mass_kg and u_mass_kg") from None
    plain = plain.get("result", plain) if isinstance(plain, dict) else {}
    try:
        mass, u = float(plain["mass_kg"]), float(plain["u_mass_kg"])
    except (KeyError, TypeError, ValueError):
        raise BlindError(f"{file}: expected numbers mass_kg and u_mass_kg (kg, k = 1)") from None
    if not (math.isfinite(mass) and u > 0 and math.isfinite(u)):
        raise BlindError(f"{file}: expected a mass and an uncertainty greater than 0, not {mass:g} and {u:g} kg")
    return Answer(mass, u)


@dataclass(frozen=True)
class Verdict:
    """An answer beside the truth."""

    secret: Secret
    answer: Answer

    @property
    def difference_kg(self) -> float:
        """Answer less truth."""
        return self.answer.mass_kg - self.secret.mass_kg

    @property
    def z(self) -> float:
        """Difference over the standard uncertainty that was stated."""
        return self.difference_kg / self.answer.u_mass_kg

    def plain(self) -> dict[str, Any]:
        """As data."""
        return {
            "true_mass_kg": self.secret.mass_kg,
            "mass_kg": self.answer.mass_kg,
            "u_mass_kg": self.answer.u_mass_kg,
            "difference_kg": self.difference_kg,
            "relative_difference": self.difference_kg / self.secret.mass_kg,
            "z": self.z,
            "seed": self.secret.seed,
            "faults": dict(self.secret.faults),
            "hidden": [{**asdict(each), "bias": each.bias} for each in self.secret.hidden],
        }
