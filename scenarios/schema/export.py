"""The JSON Schema of a scenario file, for editors that complete and check while one types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from scenarios.schema import registry
from scenarios.schema.check import BalanceHead, Head
from scenarios.schema.faults import Fault
from scenarios.schema.hardware import HARDWARE, Hardware
from scenarios.schema.merge import VERSION
from twin import plugins
from twin.parameter import Parameters

Schema = dict[str, Any]

_QUANTITY = {"type": "string", "pattern": r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?.*$"}
_WIRING = {
    "type": ["object", "null"],
    "description": "input port: output port",
    "additionalProperties": {"type": ["string", "null"], "pattern": r"^[^.]+\..+$"},
}
_FILE: Schema = {
    "schema": {"const": VERSION, "description": "version of the file format"},
    "extends": {
        "type": ["string", "array"],
        "items": {"type": "string"},
        "minItems": 2,
        "description": "a shipped name, or a path relative to this file; or one with others to merge over it",
    },
}
"""Keys of every file, beside those that models declare."""
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(
    models: Mapping[str, type[Parameters]] | None = None, components: Mapping[str, str] | None = None
) -> Schema:
    """The JSON Schema (draft 2020-12) of a scenario file.

    No parameter is required in it, and null is allowed everywhere, because a file may extend another one.

    Parameters
    ----------
    models : the models of further sections by key, as for `scenarios.schema.load`.
    components : standard component names with their types; by default every known type under its own name.

    Raises
    ------
    twin.plugins.PluginError
        If a component or campaign cannot be imported.
    """
    sections = {"reduction": None, "thermal": None} if models is None else dict(models)
    parts = {name: registry.component_class(name) for name in plugins.names(plugins.COMPONENTS)}
    campaigns = {name: registry.campaign_class(name) for name in plugins.names(plugins.CAMPAIGNS)}
    own = [found for name in campaigns if (found := registry.reduction_class(name)) is not None]
    known: list[type[Parameters]] = [
        Head,
        BalanceHead,
        Fault,
        Hardware,
        *parts.values(),
        *campaigns.values(),
        *(m for m in sections.values() if m is not None),
        *own,
    ]
    references, definitions = _definitions(known)
    kinds = {name: references[model] for name, model in parts.items()}
    for reference in kinds.values():
        part = definitions[reference.rpartition("/")[2]]["properties"]
        part[HARDWARE] = {"anyOf": [{"$ref": references[Hardware]}, {"type": "null"}]}
    standard = {name: name for name in parts} if components is None else dict(components)
    head, balance = (definitions.pop(references[m].rpartition("/")[2])["properties"] for m in (Head, BalanceHead))
    balance |= {name: _standard(kinds[kind]) for name, kind in standard.items()}
    balance["wiring"] = _WIRING
    schemes = {name: references[model] for name, model in campaigns.items()}
    properties: Schema = {
        **_FILE,
        **head,
        "balance": {"type": "object", "properties": balance, "additionalProperties": {"$ref": "#/$defs/component"}},
        "campaign": {"type": ["object", "null"], **_choice(schemes)},
        "faults": {
            "type": ["object", "null"],
            "description": "what goes wrong, by name",
            "additionalProperties": {"anyOf": [{"$ref": references[Fault]}, {"type": "null"}]},
        },
        **{key: {"type": ["object", "null"]} if m is None else {"$ref": references[m]} for key, m in sections.items()},
    }
    if own and "$ref" in properties.get("reduction", {}):  # which one, the type of the campaign says
        properties["reduction"] = {"anyOf": [properties["reduction"], *({"$ref": references[m]} for m in own)]}
    return {
        "$schema": _DIALECT,
        "title": "kibble-twin scenario",
        "type": "object",
        "properties": properties,
        "required": ["schema"],
        "additionalProperties": False,
        "$defs": {**definitions, "component": {"type": ["object", "null"], **_choice(kinds)}},
    }


def _definitions(models: list[type[Parameters]]) -> tuple[dict[type[Parameters], str], dict[str, Schema]]:
    """A reference to each model's definition, and the definitions of these and all nested models."""
    once = list(dict.fromkeys(models))
    found, whole = models_json_schema([(model, "validation") for model in once], ref_template="#/$defs/{model}")
    definitions = {name: _relaxed(schema) for name, schema in whole["$defs"].items()}
    for model in once[4:]:  # the heads are taken apart; these, a fault and hardware have no type
        name = found[model, "validation"]["$ref"].rpartition("/")[2]
        definitions[name]["properties"].setdefault("type", {"type": "string"})
    return {model: found[model, "validation"]["$ref"] for model in once}, definitions


def _relaxed(schema: Schema) -> Schema:
    """A model's schema for a file that may be incomplete: nothing required, null and quantities with unit allowed."""
    if "properties" not in schema:
        return schema
    relaxed = {key: value for key, value in schema.items() if key != "required"}
    relaxed["properties"] = {key: _property(value) for key, value in schema["properties"].items()}
    return relaxed


def _property(schema: Schema) -> Schema:
    """A parameter's schema, with its unit in the description."""
    outer: Schema = {key: schema[key] for key in ("title", "description", "default") if key in schema}
    unit, source = schema.get("unit"), schema.get("source")
    inner = {k: v for k, v in schema.items() if k not in (*outer, "unit", "neutral", "source")}
    if unit is not None:
        inner = _with_quantities(inner)
        about = [outer.get("description", ""), "dimensionless" if unit == "1" else f"in {unit}", source or ""]
        outer["description"] = "; ".join(part for part in about if part)
    return {**outer, "anyOf": [inner, {"type": "null"}]}


def _with_quantities(schema: Any) -> Any:
    """A schema in which text with a unit may stand wherever a number may."""
    if isinstance(schema, list):
        return [_with_quantities(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "number":
        return {"anyOf": [schema, _QUANTITY]}
    return {key: _with_quantities(value) for key, value in schema.items()}


def _standard(reference: str) -> Schema:
    """A component under its standard name: its own type, unless it says another."""
    return {"if": {"required": ["type"]}, "then": {"$ref": "#/$defs/component"}, "else": {"$ref": reference}}


def _choice(references: Mapping[str, str]) -> Schema:
    """Keywords that choose a definition by ``type``."""
    return {
        "properties": {"type": {"enum": [*references, None]}},
        "allOf": [
            {"if": {"required": ["type"], "properties": {"type": {"const": name}}}, "then": {"$ref": reference}}
            for name, reference in references.items()
        ],
    }
