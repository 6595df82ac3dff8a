"""The JSON Schema, the classes found by entry point, and the package's lazy names."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from typing import Any

import pytest

import scenarios.schema
from scenarios.schema import json_schema
from scenarios.schema.registry import campaign_class, component_class
from tests.scenarios.schema_parts import MODELS, Coil, Tmtp, installed
from twin import plugins
from twin.plugins import PluginError, did_you_mean


@pytest.fixture(autouse=True)
def _parts() -> Iterator[None]:
    with installed():
        yield


def references(node: Any) -> Iterator[str]:
    """Every ``$ref`` in a schema."""
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "$ref")
    for item in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from references(item)


def test_schema_describes_parameters_with_their_units() -> None:
    """A number or text with unit, the unit in the description, nothing required but the version."""
    schema = json_schema(MODELS)
    assert schema["$schema"].endswith("2020-12/schema") and schema["required"] == ["schema"]
    assert all(reference.removeprefix("#/$defs/") in schema["$defs"] for reference in references(schema))
    assert json.loads(json.dumps(schema)) == schema
    balance = schema["properties"]["balance"]["properties"]
    coil = schema["$defs"][balance["coil"]["else"]["$ref"].removeprefix("#/$defs/")]
    resistance = coil["properties"]["resistance"]
    assert resistance["description"] == "in ohm"
    number, text = resistance["anyOf"][0]["anyOf"]
    assert number == {"type": "number", "exclusiveMinimum": 0} and text["type"] == "string"
    assert "required" not in coil and coil["additionalProperties"] is False and "type" in coil["properties"]
    assert balance["native_scale"]["description"]
    assert schema["$defs"]["component"]["properties"]["type"]["enum"][:-1] == sorted(plugins.names(plugins.COMPONENTS))
    assert set(schema["properties"]) >= {"schema", "extends", "name", "seed", "campaign", "reduction", "thermal"}


def test_schema_takes_the_names_it_is_given() -> None:
    """Standard component names need not be type names; sections without model stay open."""
    schema = json_schema(components={"meter": "voltmeter"})
    balance = schema["properties"]["balance"]["properties"]
    assert "voltmeter" not in balance and balance["meter"]["else"]["$ref"].endswith("Voltmeter")
    assert schema["properties"]["reduction"] == {"type": ["object", "null"]}


def test_classes_are_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is registered but of the wrong kind is told."""
    assert component_class("coil") is Coil and campaign_class("tmtp") is Tmtp
    with pytest.raises(PluginError, match="unknown component 'coyl'; did you mean 'coil'") as caught:
        component_class("coyl")
    assert caught.value.known == ("coil", "current_source", "magnet", "voltmeter")
    monkeypatch.setattr(plugins, "_load", lambda point: 3)
    for find in (component_class, campaign_class):
        with pytest.raises(PluginError, match="not a subclass"):
            find({component_class: "coil", campaign_class: "tmtp"}[find])


def test_a_registered_class_that_cannot_be_imported_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A laboratory's broken package is named; so is a name that two packages claim."""
    points = [EntryPoint("a", "nowhere_at_all:X", "g.parts"), EntryPoint("b", "m:X", "g.parts")]
    points += [EntryPoint("b", "n:X", "g.parts"), EntryPoint("c", "math:pi", "g.parts")]
    monkeypatch.undo()
    monkeypatch.setattr(plugins, "_registered", lambda group: tuple(points))
    monkeypatch.setattr(plugins, "_load", lambda point: point.load())
    assert plugins.names("g.parts") == ("a", "b", "c") and plugins.load("g.parts", "c") == pytest.approx(3.14159)
    with pytest.raises(PluginError, match=r"part 'a' .* cannot be imported: ModuleNotFoundError"):
        plugins.load("g.parts", "a")
    with pytest.raises(PluginError, match="part 'b' is registered twice, as m:X and n:X"):
        plugins.load("g.parts", "b")


def test_real_entry_points_are_read() -> None:
    """The lookup itself, on a group that a test environment has."""
    code = "from twin import plugins; assert 'pytest' in plugins.names('console_scripts'); "
    code += "assert callable(plugins.load('console_scripts', 'pytest')); assert plugins.names('no.such.group') == ()"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_suggestions() -> None:
    """The nearest word, else all, else that there is none."""
    assert did_you_mean("coyl", ["coil", "magnet"]) == "; did you mean 'coil'?"
    assert did_you_mean("xyz", ["magnet", "coil"]) == "; known are coil, magnet"
    assert did_you_mean("xyz", []) == "; none is known here"


def test_listing_scenarios_imports_nothing_heavy() -> None:
    """A command that only lists must not wait for pydantic, numpy or the YAML parser."""
    code = "import sys; from scenarios.schema import shipped; shipped(); "
    code += "assert not {'pydantic', 'numpy', 'ruamel.yaml', 'pint'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names() -> None:
    """Each is there, and another is not."""
    assert all(getattr(scenarios.schema, name) is not None for name in scenarios.schema.__all__)
    unknown = "nothing"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(scenarios.schema, unknown)
