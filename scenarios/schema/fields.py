"""What the models know about a key: its field, its unit, and the keys beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from scenarios.schema.errors import KeyPath
from twin.parameter import Parameters, converter_of, difference_to_si, unit_of


def keys(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a model by the key that a scenario file uses."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models anywhere in a type annotation."""
    if isinstance(annotation, type) and not get_args(annotation):
        if issubclass(annotation, BaseModel):
            yield annotation
        return
    for argument in get_args(annotation):
        yield from _models(argument)


def find(model: type[BaseModel], path: KeyPath) -> tuple[FieldInfo | None, list[type[BaseModel]]]:
    """The innermost field on a path, and the models that describe what stands there.

    Indices, keys of plain mappings and pydantic's labels of union members are passed over.
    """
    field: FieldInfo | None = None
    models: list[type[BaseModel]] = [model]
    for part in path:
        matches = [keys(candidate)[part] for candidate in models if isinstance(part, str) and part in keys(candidate)]
        if matches:
            field = matches[0]
            models = [found for match in matches for found in _models(match.annotation)]
    return field, models


def unit_at(model: type[BaseModel], path: KeyPath) -> str | None:
    """The unit of the numbers at a path, or None if they are no physical quantity.

    The size of an uncertainty has the unit of the parameter that it is stated for.
    """
    field, _ = find(model, _measured(path))
    return None if field is None else unit_of(field)


def number_at(model: type[BaseModel], path: KeyPath, text: str) -> float | None:
    """A text as a number in the unit at a path; None if there is no physical quantity. A size is a difference.

    Raises
    ------
    ValueError
        If the text is no quantity of that unit.
    """
    field, _ = find(model, _measured(path))
    unit = None if field is None else unit_of(field)
    if field is None or unit is None:
        return None
    return (converter_of(field) if path == _measured(path) else difference_to_si)(text, unit)


def _measured(path: KeyPath) -> KeyPath:
    """The parameter whose unit the numbers at a path have."""
    return path[1:2] if path[:1] == ("uncertainties",) and (len(path) == 2 or path[2:] == ("size",)) else path


def units(model: BaseModel, path: KeyPath = ()) -> dict[KeyPath, str]:
    """The unit of every physical parameter of a validated model, by path."""
    found: dict[KeyPath, str] = {}
    for name, field in type(model).model_fields.items():
        here = (*path, field.alias or name)
        unit = unit_of(field)
        if unit is None:
            found |= _units_in(getattr(model, name), here)
        else:
            found[here] = unit
    return found


def _units_in(value: Any, path: KeyPath) -> dict[KeyPath, str]:
    """The units of the models inside a value."""
    if isinstance(value, BaseModel):
        return units(value, path)
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    return {here: unit for key, item in items for here, unit in _units_in(item, (*path, key)).items()}


def dump(model: Parameters) -> dict[str, Any]:
    """A validated model as the plain tree that a scenario file would give for it, numbers in SI."""
    return model.model_dump(mode="json", by_alias=True)
