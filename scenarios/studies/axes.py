"""The axes of a study: what is varied, as lists, ranges, distributions or linked parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from scenarios.run.experiment import Experiment
from scenarios.studies.parameters import Value, number, unit_of_path
from twin.parameter import Parameters, difference_to_si

Array = NDArray[np.float64]
Overrides = dict[str, Any]
DISTRIBUTIONS = {
    "uniform": ("low", "high"),
    "normal": ("mean", "sd"),
    "lognormal": ("median", "sigma"),
    "triangular": ("low", "mode", "high"),
}
"""With their parameters; sigma is that of the logarithm."""
_RANGE = ("from", "to")
_NAMES = {"from": "from_"}


class AxisModel(Parameters):
    """An axis as a study file has it."""

    path: str | list[str] | None = Field(None, description="of the parameter, or of several that take the same value")
    values: list[Any] | None = Field(None, min_length=1, description="a list: numbers, quantities with unit, text")
    from_: float | str | None = Field(None, alias="from", description="start of a range")
    to: float | str | None = Field(None, description="end of a range")
    points: int | None = Field(None, ge=2, le=1_000_000, description="of a range")
    spacing: Literal["linear", "log"] = "linear"
    distribution: Literal["uniform", "normal", "lognormal", "triangular"] | None = None
    low: float | str | None = None
    high: float | str | None = None
    mode: float | str | None = None
    mean: float | str | None = None
    sd: float | str | None = None
    median: float | str | None = None
    sigma: float | None = Field(None, gt=0)
    linked: dict[str, list[Any]] | None = Field(
        None, min_length=1, description="parameters that go together: lists of equal length by path"
    )

    @model_validator(mode="after")
    def _one_kind(self) -> AxisModel:
        kinds = {
            "values": self.values,
            "from and to": self.from_ if self.from_ is not None else self.to,
            "distribution": self.distribution,
            "linked": self.linked,
        }
        given = [kind for kind, value in kinds.items() if value is not None]
        if len(given) != 1:
            found = " and ".join(given) if given else "none of them"
            raise ValueError(f"expected one of values, from and to, distribution, linked; there is {found}")
        if (self.path is None) != (self.linked is not None):
            raise ValueError("expected a path" if self.linked is None else "linked has its own paths: leave path out")
        if self.linked is not None and len({len(values) for values in self.linked.values()}) != 1:
            raise ValueError("expected lists of equal length in linked")
        if self.linked is not None and not all(self.linked.values()):
            raise ValueError("expected at least one value in linked")
        if given == ["from and to"] and (self.from_ is None or self.to is None):
            raise ValueError("expected both from and to")
        if self.points is not None and given != ["from and to"]:
            raise ValueError("points are of a range; give from and to")
        wanted = DISTRIBUTIONS.get(self.distribution or "", ())
        missing = [name for name in wanted if getattr(self, name) is None]
        if missing:
            raise ValueError(f"a {self.distribution} distribution needs {' and '.join(missing)}")
        parameters = {name for names in DISTRIBUTIONS.values() for name in names} - set(wanted)
        if extra := sorted(name for name in parameters if getattr(self, name) is not None):
            raise ValueError(
                f"{extra[0]} is not of {'this distribution' if self.distribution else 'an axis like this'}"
            )
        return self


@dataclass(frozen=True)
class Axis:
    """What is varied.

    Parameters
    ----------
    name : of the axis.
    paths : of its parameters.
    units : SI units of these; None for what is no quantity.
    values : for each value of the axis that of every parameter; empty for what is continuous and has no grid.
    numbers : of what is continuous: its distribution and its parameters; a range is a uniform distribution.
    """

    name: str
    paths: tuple[str, ...]
    units: tuple[str | None, ...]
    values: tuple[tuple[Value, ...], ...] = ()
    distribution: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)

    def overrides(self, values: tuple[Value, ...]) -> Overrides:
        """The parameters with these values."""
        return dict(zip(self.paths, values, strict=True))

    def at(self, share: float) -> tuple[Value, ...]:
        """The values below which a share of the axis is."""
        if not self.distribution:
            return self.values[min(int(share * len(self.values)), len(self.values) - 1)]
        return (float(_quantile(self.distribution, self.numbers, share)),) * len(self.paths)


def overrides_at(axes: Sequence[Axis], shares: Array) -> Overrides:
    """The parameters of all axes at these shares of them."""
    found: Overrides = {}
    for each, share in zip(axes, shares, strict=True):
        found |= each.overrides(each.at(float(share)))
    return found


def _quantile(distribution: str, n: Mapping[str, float], share: float) -> float:
    from scipy.special import ndtri

    if distribution == "uniform":
        return n["low"] + (n["high"] - n["low"]) * share
    if distribution == "log-uniform":
        return n["low"] * (n["high"] / n["low"]) ** share
    if distribution == "normal":
        return float(n["mean"] + n["sd"] * ndtri(share))
    if distribution == "lognormal":
        return float(n["median"] * math.exp(n["sigma"] * ndtri(share)))
    low, mode, high = n["low"], n["mode"], n["high"]
    if share * (high - low) < mode - low:
        return low + math.sqrt(share * (high - low) * (mode - low))
    return high - math.sqrt((1.0 - share) * (high - low) * (high - mode))


class AxisError(ValueError):
    """An axis that cannot be; `key` is what of it."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__(text)
        self.key = key


def axis(name: str, given: AxisModel, base: Experiment) -> Axis:
    """An axis over a scenario, with its values in SI units.

    Raises
    ------
    AxisError
        If a value is no quantity of the parameter's unit, or the range or distribution cannot be.
    """
    scenario = base.scenario
    if given.linked is not None:
        paths = tuple(given.linked)
        columns = [[_number(base, path, value, "linked") for value in values] for path, values in given.linked.items()]
        rows = tuple(zip(*columns, strict=True))
        return Axis(name, paths, tuple(unit_of_path(scenario, path) for path in paths), rows)
    paths = (given.path,) if isinstance(given.path, str) else tuple(given.path or ())
    if not paths:
        raise AxisError("path", "expected at least one path")
    units = tuple(unit_of_path(scenario, path) for path in paths)
    if len(set(units)) > 1:
        raise AxisError("path", f"expected parameters of one unit, not {', '.join(map(str, units))}")
    if given.values is not None:
        values = [_number(base, paths[0], value, "values") for value in given.values]
        if len(set(values)) < len(values):
            raise AxisError("values", "a value is there twice")
        return Axis(name, paths, units, tuple((value,) * len(paths) for value in values))
    if units[0] is None:
        raise AxisError("path", f"{paths[0]} is no quantity of this scenario; a range and a distribution need one")
    kind = given.distribution or ("log-uniform" if given.spacing == "log" else "uniform")
    names = DISTRIBUTIONS[given.distribution] if given.distribution else _RANGE
    numbers = {key: float(_number(base, paths[0], getattr(given, _NAMES.get(key, key)), key)) for key in names}
    if not given.distribution:
        numbers = {"low": numbers["from"], "high": numbers["to"]}
    _check(kind, numbers)
    made: tuple[tuple[Value, ...], ...] = ()
    if given.points is not None:
        space = np.geomspace if given.spacing == "log" else np.linspace
        made = tuple((float(x),) * len(paths) for x in space(numbers["low"], numbers["high"], given.points))
    return Axis(name, paths, units, made, kind, numbers)


def _number(base: Experiment, path: str, value: Any, key: str) -> Any:
    if isinstance(value, list | dict):
        raise AxisError(key, f"expected a number or text for {path}, not a {type(value).__name__}")
    if key == "sigma":
        return value
    try:
        if key == "sd" and isinstance(value, str):
            return difference_to_si(value, unit_of_path(base.scenario, path) or "1")
        return number(base.scenario, path, value)
    except ValueError as error:
        raise AxisError(key, str(error)) from None


def _check(kind: str, n: Mapping[str, float]) -> None:
    if "low" in n and not n["low"] < n["high"]:
        raise AxisError("to" if "uniform" in kind else "high", f"expected more than {n['low']:g}, not {n['high']:g}")
    if kind == "log-uniform" and n["low"] <= 0:
        raise AxisError("spacing", f"a logarithmic range starts above 0, not at {n['low']:g}")
    if "mode" in n and not n["low"] <= n["mode"] <= n["high"]:
        raise AxisError("mode", f"expected a number from {n['low']:g} to {n['high']:g}, not {n['mode']:g}")
    if "sd" in n and n["sd"] <= 0:
        raise AxisError("sd", f"expected more than 0, not {n['sd']:g}")
    if "median" in n and n["median"] <= 0:
        raise AxisError("median", f"expected more than 0, not {n['median']:g}")
