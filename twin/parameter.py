"""Parameters of a component: a number with its unit, range, neutral value and source.

A parameter is declared on a component class with `parameter`. Its value in a scenario file is a bare SI number or a
string with unit (``3.5 mA``), which is converted here; the wrong dimension is an error that names both units. A
temperature that is 0 by default is a difference, of which ``2 degC`` is 2 K. A parameter that describes an *effect* has
a `neutral` value, which switches the effect off exactly.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)


def parameter(unit: str, default: Any = ..., *, neutral: Any = None, source: str = "", **constraints: Any) -> Any:
    """Declare a parameter.

    Parameters
    ----------
    unit : SI unit of the number that the component sees, such as ``"A"``, ``"W/K"``, ``"1/K"``; ``"1"`` for pure
        numbers.
    default : value if none is given; without it the parameter is required.
    neutral : for an effect, the value that switches it off exactly (see `Parameters.ideal`).
    source : where the default comes from.
    constraints : ``gt``, ``ge``, ``lt``, ``le``, ``description`` as in `pydantic.Field`.
    """
    extra: dict[str, Any] = {"unit": unit}
    if neutral is not None:
        extra["neutral"] = neutral
    if source:
        extra["source"] = source
    return Field(default, json_schema_extra=extra, **constraints)


@lru_cache(maxsize=1)
def _registry() -> Any:
    import pint

    registry: Any = pint.UnitRegistry(cache_folder=None)
    registry.define("ppb = 1e-9")  # pint has % and ppm alone
    return registry


def to_si(text: str, unit: str) -> float:
    """Convert a string with unit, such as ``"3.5 mA"``, to a float in `unit`.

    A number without unit is taken to be in `unit` already. Temperatures with offset (``"25 degC"``) become kelvin.

    Raises
    ------
    ValueError
        If the text is no quantity or its dimension differs; the message names what was expected.
    """
    match = _NUMBER.match(text.strip())
    if not match:
        example = "" if unit == "1" else f" in {unit}, such as '1 {unit}'"
        raise ValueError(f"expected a number{example}, not {text!r}")
    number, rest = float(match.group()), text.strip()[match.end() :].strip()
    if not rest:
        return number
    # pint evaluates powers of powers, and drops what cannot be printed
    if len(rest) > 40 or not rest.isprintable() or re.search(r"(\*\*|\^)[^*^/]*(\*\*|\^)|\d{3}", rest):
        raise ValueError(f"expected a quantity in {unit}; {rest[:40]!r} is not a unit known here")
    import pint

    registry = _registry()
    try:
        return float(
            registry.Quantity(number, "1" + rest if rest[0] == "/" else rest).to("" if unit == "1" else unit).magnitude
        )
    except pint.DimensionalityError:
        raise ValueError(f"expected a quantity in {unit}, not {text!r}") from None
    except Exception:  # pint's parser raises whatever Python's tokenizer and arithmetic do
        raise ValueError(f"expected a quantity in {unit}; {rest!r} is not a unit known here") from None


def difference_to_si(text: str, unit: str) -> float:
    """As `to_si`, of a difference of two quantities: of temperatures ``"2 degC"`` is 2 K, not 275 K."""
    unit_of_text = _NUMBER.sub("", text.strip(), count=1)
    return to_si(text, unit) - (to_si(f"0{unit_of_text}", unit) if unit == "K" and unit_of_text else 0.0)


def _to_si(value: Any, unit: str, convert: Callable[[str, str], float]) -> Any:
    """A value, or each value of a list, as a float in `unit`; what is no string is left to pydantic."""
    if isinstance(value, bool):
        raise ValueError(f"expected a number in {unit}, not {str(value).lower()}")
    if isinstance(value, list | tuple):
        return [_to_si(item, unit, convert) for item in value]
    if isinstance(value, dict):
        return {key: _to_si(item, unit, convert) for key, item in value.items()}
    return convert(value, unit) if isinstance(value, str) else value


@lru_cache(maxsize=256)
def same_unit(a: str, b: str) -> bool:
    """Whether two unit strings mean the same SI unit (``"T*m"`` and ``"V*s/m"`` do)."""
    if a == b:
        return True
    registry = _registry()
    try:
        ratio = registry.Quantity(1.0, "" if a == "1" else a) / registry.Quantity(1.0, "" if b == "1" else b)
        return bool(ratio.dimensionless) and math.isclose(ratio.to("").magnitude, 1.0)
    except Exception:  # an unknown unit is simply not the same; pint raises many kinds
        return False


def unit_of(field: FieldInfo) -> str | None:
    """The declared unit of a field, or None if it is not a physical parameter."""
    extra = field.json_schema_extra
    return str(extra["unit"]) if isinstance(extra, Mapping) and "unit" in extra else None


def converter_of(field: FieldInfo) -> Callable[[str, str], float]:
    """From text and unit to a float: what is 0 by default is a difference."""
    return difference_to_si if field.default == 0.0 else to_si


def neutral_of(field: FieldInfo) -> Any:
    """The value that switches the field's effect off, or None if the field is not an effect."""
    extra = field.json_schema_extra
    return extra.get("neutral") if isinstance(extra, Mapping) else None


class Parameters(BaseModel):
    """A group of parameters: strings with units become SI floats; unknown keys, NaN and infinities are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True, validate_default=True)

    @field_validator("*", mode="before")
    @classmethod
    def _convert_units(cls, value: Any, info: ValidationInfo) -> Any:
        field = cls.model_fields[info.field_name or ""]
        unit = unit_of(field)
        if unit is None:
            return value
        return _to_si(value, unit, converter_of(field))

    def ideal(self) -> Self:
        """A copy with every effect, here and in nested groups, at its neutral value."""
        changed: dict[str, Any] = {}
        for key, field in type(self).model_fields.items():
            neutral, value = neutral_of(field), getattr(self, key)
            ideal = _ideal(value) if neutral is None else neutral
            if ideal is not value:
                changed[key] = ideal
        return self.model_copy(update=changed) if changed else self


def _ideal(value: Any) -> Any:
    """The value, with what it holds of parameters ideal."""
    if isinstance(value, Parameters):
        return value.ideal()
    if isinstance(value, list | tuple) and any(isinstance(item, Parameters) for item in value):
        return type(value)(_ideal(item) for item in value)
    if isinstance(value, dict) and any(isinstance(item, Parameters) for item in value.values()):
        return {key: _ideal(item) for key, item in value.items()}
    return value
