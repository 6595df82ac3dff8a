"""What a study wants: outputs to make small, and limits to keep, in words such as ``|epsilon| <= 1e-8``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from scenarios.studies.outputs import OUTPUTS
from twin.parameter import to_si
from twin.plugins import did_you_mean

_NAME = r"(?:\|\s*(?P<magnitude>\w+)\s*\||(?P<name>\w+))"
_OBJECTIVE = re.compile(rf"(?P<most>max\s+)?{_NAME}")
_CONSTRAINT = re.compile(rf"{_NAME}\s*(?P<side><=|>=)\s*(?P<limit>.+)")


@dataclass(frozen=True)
class Objective:
    """An output that should be small, or large.

    Parameters
    ----------
    text : as it was written.
    output : name of the output.
    magnitude : whether its size is meant.
    largest : whether it should be large.
    """

    text: str
    output: str
    magnitude: bool = False
    largest: bool = False

    def of(self, values: Mapping[str, float]) -> float:
        """The figure to show."""
        return abs(values[self.output]) if self.magnitude else values[self.output]

    def cost(self, values: Mapping[str, float]) -> float:
        """The figure to make small."""
        return -self.of(values) if self.largest else self.of(values)


@dataclass(frozen=True)
class Constraint:
    """A limit that an output has to keep.

    Parameters
    ----------
    text, output, magnitude : see `Objective`.
    limit : in the SI unit of the output.
    upper : whether the output has to be below.
    """

    text: str
    output: str
    magnitude: bool
    limit: float
    upper: bool

    def excess(self, values: Mapping[str, float]) -> float:
        """By how much the limit is broken, relative to it where it is not 0; 0 if it is kept."""
        value = abs(values[self.output]) if self.magnitude else values[self.output]
        beyond = value - self.limit if self.upper else self.limit - value
        return max(beyond, 0.0) / (abs(self.limit) or 1.0)


def objective(text: str) -> Objective:
    """An objective: ``magnet_mass``, ``|epsilon|``, ``max bl``.

    Raises
    ------
    ValueError
        If it is none.
    """
    found = _OBJECTIVE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"expected an output, |output|, or max output, not {text!r}")
    name = _output(found)
    return Objective(text.strip(), name, bool(found["magnitude"]), bool(found["most"]))


def constraint(text: str) -> Constraint:
    """A limit: ``|epsilon| <= 1e-8``, ``power <= 50 mW``, ``diameter >= 100 mm``.

    Raises
    ------
    ValueError
        If it is none.
    """
    found = _CONSTRAINT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"expected a limit such as '|epsilon| <= 1e-8', not {text!r}")
    name = _output(found)
    limit = to_si(found["limit"], OUTPUTS[name].unit)
    if not math.isfinite(limit):
        raise ValueError(f"expected a finite limit, not {text!r}")
    return Constraint(text.strip(), name, bool(found["magnitude"]), limit, found["side"] == "<=")


def _output(found: re.Match[str]) -> str:
    name = found["magnitude"] or found["name"]
    if name not in OUTPUTS:
        raise ValueError(f"there is no output {name!r}{did_you_mean(name, OUTPUTS)}")
    return str(name)
