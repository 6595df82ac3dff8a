"""Values against a model of parameters; what pydantic finds, said in the words of the file.

Pydantic converts more than a scenario should allow: ``true`` to 1, the text ``'3'`` to a number without unit, ``yes``
to true. After validation the values are compared with what was written, and such conversions are refused.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import ValidationError

from scenarios.schema.errors import KeyPath, Problem, one_line, shown
from scenarios.schema.fields import dump, find, keys, unit_at
from twin.errors import TwinError
from twin.parameter import Parameters, to_si
from twin.plugins import did_you_mean

Model = TypeVar("Model", bound=Parameters)

_NUMBERS = ("float_type", "float_parsing", "decimal_type", "decimal_parsing")
_NOUNS = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), "a whole number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("string_type", "path_type", "string_sub_type"), "text"),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type"), "a mapping"),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type", "iterable_type"), "a list"),
    "none_required": "null",
}
_BOUNDS = {
    "greater_than": ("greater than", "gt"),
    "greater_than_equal": ("greater than or equal to", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("less than or equal to", "le"),
    "multiple_of": ("a multiple of", "multiple_of"),
}


def validated(model: type[Model], values: Any, path: KeyPath, problems: list[Problem]) -> Model | None:
    """An instance of `model`, or None after adding what is wrong to `problems`.

    Parameters
    ----------
    model : the model.
    values : what the scenario gives for it.
    path : where in the scenario the values are.
    problems : what is wrong; appended to.
    """
    try:
        result = model.model_validate(values)
    except ValidationError as error:
        problems.extend(_translated(error, model, values, path))
        return None
    except TwinError as error:
        problems.append(Problem(path, str(error)))
        return None
    except Exception as error:  # the unit parser and validators of foreign components may fail in any way on odd text
        if unreadable := _unreadable(values, model, ()):
            problems.extend(Problem((*path, *found.path), found.text) for found in unreadable)
            return None
        reason = f"{type(error).__name__}: {error}"
        problems.append(Problem(path, f"the values cannot be used as parameters of {model.__name__} ({reason})"))
        return None
    loose = _loose(values, dump(result), model, ())
    problems.extend(Problem((*path, *found.path), found.text) for found in loose)
    return None if loose else result


def _translated(error: ValidationError, model: type[Parameters], values: Any, path: KeyPath) -> list[Problem]:
    """One problem for every place that pydantic complains about; alternatives of a union are joined by *or*."""
    nouns: dict[KeyPath, list[str]] = {}
    sentences: dict[KeyPath, str] = {}
    found: dict[KeyPath, Any] = {}
    for detail in error.errors(include_url=False):
        here, value = _located(detail["loc"], values)
        kind, context = detail["type"], detail.get("ctx", {})
        noun = _noun(kind, context, unit_at(model, detail["loc"]))
        if kind in ("missing", "extra_forbidden") and detail["loc"] and isinstance(detail["loc"][-1], str):
            here = (*here, detail["loc"][-1]) if kind == "missing" else here
            sentences.setdefault(here, _about_key(kind, detail["loc"], model))
        elif noun is not None:
            nouns.setdefault(here, []).append(noun)
            found[here] = value
        else:
            sentences.setdefault(here, _sentence(kind, context, value, detail["msg"]))
    for here, words in nouns.items():
        sentences.setdefault(here, f"expected {' or '.join(dict.fromkeys(words))}, not {shown(found[here])}")
    for here, text in list(sentences.items()):  # a misspelt key is one mistake, not an unknown and a missing one
        if text.startswith("unknown key") and text.endswith("'?"):
            meant = text.split("'")[-2]
            if sentences.get((*here[:-1], meant), "").startswith("missing key"):
                del sentences[(*here[:-1], meant)]
    return [Problem((*path, *here), one_line(text)) for here, text in sentences.items()]


def _located(loc: KeyPath, values: Any) -> tuple[KeyPath, Any]:
    """The path in the scenario that a pydantic location means, and the value there: union labels are left out."""
    path: KeyPath = ()
    for part in loc:
        inside = isinstance(values, dict) and part in values
        if inside or (isinstance(values, list) and isinstance(part, int) and part < len(values)):
            path, values = (*path, part), values[part]
    return path, values


def _noun(kind: str, context: dict[str, Any], unit: str | None) -> str | None:
    """What is expected, if the complaint is that something of another type is there."""
    if kind in _NUMBERS:
        return _number(unit)
    if kind in ("literal_error", "enum"):
        return str(context["expected"])
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        key = str(context["discriminator"]).removesuffix("_of()").strip("_'")  # a function's name tells its key
        return f"a mapping whose {key} is one of {context.get('expected_tags', 'those known')}"
    noun = _NOUNS.get(kind)
    return f"a list of numbers in {unit}" if noun == "a list" and unit not in (None, "1") else noun


def _number(unit: str | None) -> str:
    """What a number with this unit is called."""
    return "a number" if unit in (None, "1") else f"a number in {unit}"


def _about_key(kind: str, loc: KeyPath, model: type[Parameters]) -> str:
    """The sentence for a key that is missing or unknown."""
    name = str(loc[-1])
    _, models = find(model, loc[:-1])
    if kind == "extra_forbidden":
        known = [key for one in models for key in keys(one)]
        if name in known:  # of another kind, which a key beside it has not chosen
            return f"unknown key {name!r} with the keys beside it; set it to null"
        return f"unknown key {name!r}{did_you_mean(name, known)}"
    unit = unit_at(model, loc)
    return f"missing key {name!r}" + (f"; expected {_number(unit)}" if unit else "")


def _sentence(kind: str, context: dict[str, Any], value: Any, message: str) -> str:
    """The sentence for a complaint about a value of the right type."""
    if kind in _BOUNDS:
        words, bound = _BOUNDS[kind]
        return f"must be {words} {context[bound]:g} (got {shown(value)})"
    if kind in ("too_long", "too_short"):
        words, bound = ("at most", "max_length") if kind == "too_long" else ("at least", "min_length")
        return f"expected {words} {context[bound]} items (got {context['actual_length']})"
    if kind == "missing":
        return "expected a longer list"
    if kind == "string_too_short":
        return f"expected text of at least {context['min_length']} characters"
    if kind == "finite_number":
        return f"expected a finite number, not {shown(value)}"
    if kind in ("value_error", "assertion_error"):
        return str(context["error"])
    return message[:1].lower() + message[1:]


def _unreadable(given: Any, model: type[Parameters], path: KeyPath) -> list[Problem]:
    """The texts in place of quantities that cannot be converted, one by one."""
    if isinstance(given, dict | list):
        items = given.items() if isinstance(given, dict) else enumerate(given)
        return [found for key, item in items for found in _unreadable(item, model, (*path, key))]
    unit = unit_at(model, path)
    if not isinstance(given, str) or unit is None:
        return []
    try:
        to_si(given, unit)
    except Exception:  # whatever the unit parser trips over, it is this text
        return [Problem(path, f"expected a quantity in {unit}, not {shown(given)}")]
    return []


def _loose(given: Any, seen: Any, model: type[Parameters], path: KeyPath) -> list[Problem]:
    """Where pydantic made something of a value that the file's writer cannot have meant."""
    if isinstance(given, dict) and isinstance(seen, dict):
        return [p for key in given if key in seen for p in _loose(given[key], seen[key], model, (*path, key))]
    if isinstance(given, list) and isinstance(seen, list):
        pairs = enumerate(zip(given, seen, strict=False))
        return [p for i, (one, other) in pairs for p in _loose(one, other, model, (*path, i))]
    unit = unit_at(model, path)
    number = isinstance(seen, int | float) and not isinstance(seen, bool)
    if isinstance(seen, bool) and not isinstance(given, bool):
        return [Problem(path, f"expected true or false, not {shown(given)}")]
    if number and (isinstance(given, bool) or (isinstance(given, str) and unit is None)):
        return [Problem(path, f"expected {_number(unit)}, not {shown(given)}")]
    return []
