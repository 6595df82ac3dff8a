"""A scenario: what it resolves to, its text, its hash, its components, its positions, and changes to it."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.schema import Scenario, ScenarioError, load, locate
from tests.scenarios.schema_parts import (
    MODELS,
    TEXT,
    Coil,
    Magnet,
    Reduction,
    Thermal,
    Tmtp,
    Voltmeter,
    installed,
    small,
)
from twin.errors import WiringError


@pytest.fixture(scope="module", autouse=True)
def _parts() -> Iterator[None]:
    with installed():
        yield


def test_values_are_validated_and_in_si() -> None:
    """Units are converted, defaults filled in, sections are instances of their models."""
    scenario = small()
    assert (scenario.name, scenario.seed, scenario.balance.name, scenario.description) == ("small", 1, "Small", "")
    assert scenario.balance.types["source"] == "current_source"
    assert isinstance(scenario.campaign, Tmtp) and scenario.campaign.duration == 28800.0
    assert scenario.section("reduction", Reduction).order == 4 and scenario.section("thermal", Thermal).window == 3600.0
    assert scenario.reduction is not None and scenario.thermal is not None
    assert scenario.wiring["coil.field"] == "magnet.field"
    resolved = scenario.resolved
    assert resolved["schema"] == 1 and "extends" not in resolved
    assert resolved["balance"]["magnet"]["temperature_coefficient"] == pytest.approx(-3e-4)
    assert resolved["balance"]["meter"] == {
        "type": "voltmeter", "gain": 3e-6, "offset": None, "range": 10.0, "noise": {"white": 1e-8},
        "uncertainties": {}, "certified": [],
    }  # fmt: skip
    assert json.loads(json.dumps(resolved)) == resolved
    with pytest.raises(TypeError, match="give it to load"):
        scenario.section("reduction", Thermal)
    assert "small" in repr(scenario) and "tmtp" in repr(scenario)


def test_text_has_units_and_loads_again() -> None:
    """`to_yaml` is a document: unit after every value, and the same scenario when loaded."""
    scenario = small()
    text = scenario.to_yaml()
    assert "    resistance: 250.0  # ohm\n" in text
    assert "        radius: 0.065  # m\n" in text
    assert "      white: 1e-08  # V/Hz**0.5\n" in text
    assert small(text) == scenario and small(text).hash == scenario.hash and hash(small(text)) == hash(scenario)
    assert small(text).to_yaml() == text
    assert scenario != "small"


@settings(deadline=None)
@given(
    gain=st.floats(allow_nan=False, allow_infinity=False, max_value=1e300, min_value=-1e300),
    label=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    profile=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=4),
    turns=st.lists(st.integers(1, 10**6), max_size=3),
    seed=st.integers(0, 2**128),
)
def test_any_scenario_survives_its_text(
    gain: float, label: str, profile: list[float], turns: list[int], seed: int
) -> None:
    """Every number comes back bit for bit, every text character for character."""
    values = {"balance.meter.gain": gain, "balance.coil.label": label, "balance.magnet.profile": profile}
    scenario = small().with_(values, seed=seed, balance={"coil": {"windings": [{"turns": n} for n in turns]}})
    again = small(scenario.to_yaml())
    assert again == scenario
    part = again.components()["meter"]
    assert isinstance(part, Voltmeter) and part.gain == gain


def test_components_are_new_scaled_and_named() -> None:
    """The engine names and binds them, so that nobody may get the same one twice."""
    scenario = small()
    first, second = scenario.components(), scenario.components()
    assert list(first) == ["magnet", "coil", "source", "meter"]
    assert all(part.name == name for name, part in first.items())
    assert all(first[name] is not second[name] for name in first)
    looked_at = [*scenario.balance.parts.values(), *scenario.sized.values(), *scenario.true.values()]
    assert not {id(part) for part in (*first.values(), *scenario.true_components().values())} & {*map(id, looked_at)}
    magnet = first["magnet"]
    assert isinstance(magnet, Magnet) and magnet.gap_height == pytest.approx(0.1)
    native = scenario.with_({"balance.scale": None}).components()["magnet"]
    assert isinstance(native, Magnet) and native.gap_height == 0.05
    assert scenario.resolved["balance"]["magnet"]["gap_height"] == 0.05


def test_ideal_takes_every_effect_away_and_can_be_overridden() -> None:
    """Effects and noise become neutral, parameters stay; then one effect alone can be put back."""
    ideal = small().ideal()
    balance = ideal.resolved["balance"]
    assert balance["magnet"]["temperature_coefficient"] == 0.0 and balance["magnet"]["flux_density"] == 0.4
    assert balance["meter"]["gain"] == 0.0 and balance["meter"]["noise"] == {"white": 0.0}
    assert balance["source"]["type"] == "current_source"
    assert small(ideal.to_yaml()) == ideal == ideal.ideal()
    alone = ideal.with_({"balance.meter.gain": "2 ppm"}).resolved["balance"]
    assert alone["meter"]["gain"] == 2e-6 and alone["meter"]["noise"] == {"white": 0.0}
    assert small().resolved["balance"]["meter"]["gain"] == 3e-6


def test_with_changes_values_and_keeps_the_original() -> None:
    """Keys with dots, list indices, mappings that merge, None that takes away, numpy values."""
    scenario = small()
    text = scenario.to_yaml()
    changed = scenario.with_(
        {
            "balance.coil.resistance": "1 kohm",
            "balance.coil.windings.1.radius": 0.07,
            "balance.magnet.profile": np.array([1.0, 2.0]),
            "balance.wiring.meter.voltage": None,
            "balance.meter.gain": None,
            "campaign": {"current": "2 mA"},
            "description": None,
        },
        seed=np.int64(7),
    )
    coil = changed.components()["coil"]
    assert isinstance(coil, Coil) and coil.resistance == 1000.0
    assert [winding.radius for winding in coil.windings] == pytest.approx([0.06, 0.07])
    assert changed.resolved["balance"]["magnet"]["profile"] == [1.0, 2.0]
    assert "meter.voltage" not in changed.wiring and changed.seed == 7
    assert changed.resolved["balance"]["meter"]["gain"] == 0.0
    assert changed.resolved["campaign"]["current"] == 0.002 and changed.resolved["campaign"]["duration"] == 28800.0
    assert changed != scenario and scenario.to_yaml() == text
    assert scenario.with_() == scenario


@pytest.mark.parametrize("change", [{"balance.source": None}, {"balance.source.type": "voltmeter"}])
def test_wires_that_stay_are_looked_at_again_where_a_part_changes(change: dict[str, Any]) -> None:
    with pytest.raises(ScenarioError, match="source") as caught:
        small().with_({"balance.scale": 0.9}).with_(change)
    assert caught.value.key == "balance.wiring.coil.current"


def by_definition(scenario: Scenario) -> str:
    """SHA-256 of the canonical JSON of `resolved`."""
    text = json.dumps(scenario.resolved, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.sampled_from(
            [
                {"balance.scale": 0.9},
                {"balance.scale": None},
                {"balance.coil.resistance": "1 kohm"},
                {"balance.magnet.profile": [1.0, 2.0]},
                {"balance.meter": {"type": "voltmeter"}, "balance.meter.gain": "5 ppm"},
                {"balance.wiring.meter.voltage": None},
                {"balance.wiring": {"meter.voltage": "coil.voltage"}},
                {"campaign.duration": "4 h"},
                {"reduction.order": 2},
                {"seed": 5, "description": "größer"},
                {"notes": ["a", "b"]},
            ]
        ),
        max_size=5,
    )
)
def test_the_hash_is_that_of_all_that_it_resolves_to(changes: list[dict[str, Any]]) -> None:
    """However a scenario was made, and whichever of those before it have been hashed."""
    with installed():
        scenario = small()
        first = scenario.hash
        for change in changes:
            scenario = scenario.with_(change)
            assert scenario.hash == by_definition(scenario)
        assert scenario.ideal().hash == by_definition(scenario.ideal())
        assert pickle.loads(pickle.dumps(scenario)).with_(seed=9).hash == by_definition(scenario.with_(seed=9))
        assert small().hash == first == by_definition(small())


def test_what_has_not_changed_is_not_validated_again() -> None:
    """A sweep asks for thousands of scenarios that differ in a value."""
    scenario = small()
    larger = scenario.with_({"balance.scale": 0.9})
    assert larger.campaign is scenario.campaign
    assert all(larger.balance.parts[name] is part for name, part in scenario.balance.parts.items())
    other = larger.with_({"campaign.current": "2 mA"})
    assert other.campaign is not scenario.campaign and other.balance.parts["coil"] is scenario.balance.parts["coil"]
    with pytest.raises(ScenarioError):
        larger.with_({"campaign.current": "2 mV"})


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("balance.scale", -1, "with_: balance.scale: must be greater than 0 (got -1)"),
        ("balance.scale", float("nan"), "with_: balance.scale: expected a finite number"),
        ("balance.scale", object, "with_: balance.scale: expected a number, text, list or mapping, not a type"),
        ("balance.coil.resistence", 1, "with_: balance.coil.resistence: unknown key"),
        ("balance.coyl.resistance", 1, "with_: balance.coyl: unknown component 'coyl'; did you mean 'coil'?"),
        ("balance.coil.windings.2.turns", 1, "expected an index from 0 to 1 into balance.coil.windings, not '2'"),
        ("balance.coil.windings.0.turns.x", 1, "there is no 'x' to set"),
        ("balance.coil.windings.0.turns.x.y", 1, "there is no 'x' to set a value in"),
        ("seed.x", 1, "with_: seed.x: seed is 1, not a mapping with a key 'x'"),
        ("", 1, "with_: expected a key with dots"),
        ("schema", 2, "cannot be overridden"),
        ("extends", "x", "cannot be overridden"),
        ("description", "\ud800", "half a surrogate pair"),
        ("description", {1: 2}, "not a dict"),
    ],
)
def test_wrong_overrides(key: str, value: object, text: str) -> None:
    """An override that does not fit is told by its key."""
    with pytest.raises(ScenarioError) as caught:
        small().with_({key: value})
    assert text in str(caught.value) and len(str(caught.value).splitlines()) == 1


def test_a_value_that_contains_itself_is_refused() -> None:
    """Python can build what no file can."""
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(ScenarioError, match="nested deeper than 20 levels"):
        small().with_(description=loop)


def test_settings_are_read_as_in_a_file() -> None:
    """`--set` values follow the rules of the file; later ones win."""
    settings = [
        "balance.scale=1",
        "balance.scale=0.25",
        "balance.wiring.meter.voltage=",
        "balance.meter.noise={white: 2e-9}",
    ]
    settings += [
        "balance.magnet.profile=[1, 2, 3]",
        "balance.coil.label='12'",
        "description=a: b # c",
        "balance.coil.mass=1 g",
    ]
    scenario = small(settings=settings)
    assert scenario == small().with_settings(settings)
    assert scenario.balance.scale == 0.25 and "meter.voltage" not in scenario.wiring
    assert scenario.description == "a: b # c"
    balance = scenario.resolved["balance"]
    assert balance["coil"]["mass"] == 0.001 and balance["coil"]["label"] == "12"
    assert balance["meter"]["noise"] == {"white": 2e-9} and balance["magnet"]["profile"] == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("balance.scale=-1", "--set balance.scale: must be greater than 0 (got -1)"),
        ("balance.coil.resistance=3 kg", "--set balance.coil.resistance: expected a quantity in ohm, not '3 kg'"),
        ("balance.meter={noise: {white: -1}}", "--set balance.meter: balance.meter.noise.white: must be greater"),
        ("balance.scale", "--set: expected key.path=value, not 'balance.scale'"),
        ("=3", "--set: expected key.path=value"),
        ("seed=.inf", "--set seed: expected a finite number, not .inf"),
        ("seed=[", "--set seed: not valid YAML"),
        ("seed={a: &b 1}", "--set seed: anchors"),
        ("sed=1", "--set sed: unknown key 'sed'; did you mean 'seed'?"),
        ("seed=\0", "NUL"),
        ("balance..scale=1", "expected a key with dots"),
    ],
)
def test_wrong_settings(setting: str, text: str) -> None:
    """The setting takes the place of file and line, and comes before problems of the file."""
    with pytest.raises(ScenarioError) as caught:
        small(settings=[setting])
    assert text in str(caught.value) and len(str(caught.value).splitlines()) == 1
    assert caught.value.line is None


def test_position_is_that_of_the_value_or_of_the_mapping_around_it() -> None:
    """For messages of the layers above."""
    scenario = small(settings=["balance.coil.mass=1"])
    assert str(scenario.position("balance.coil.resistance")) == "small.yaml:14"
    assert str(scenario.position("balance.meter.offset")) == "small.yaml:19"
    assert str(scenario.position("balance.coil.windings.1.radius")) == "small.yaml:17"
    assert str(scenario.position("balance.wiring.coil.current")) == "small.yaml:25"
    assert str(scenario.position("balance.coil.mass")) == "--set balance.coil.mass"
    assert str(scenario.position(("thermal", "window"))) == "small.yaml:1"


@pytest.mark.parametrize(
    ("ends", "line", "key"),
    [
        (("coil.current",), 25, "balance.wiring.coil.current"),
        (("magnet.temperature", "coil.current"), 25, "balance.wiring.coil.current"),
        (("magnet.field",), 24, "balance.wiring.coil.field"),
        (("magnet.temperature",), 9, "balance.magnet"),
        (("other.port",), 4, "balance"),
        ((), 4, "balance"),
    ],
)
def test_locate_finds_the_line_that_wired_it(ends: tuple[str, ...], line: int, key: str) -> None:
    """An engine's wiring error becomes one about the file."""
    error = locate(small(), WiringError("a loop", ends))
    assert (error.line, error.key) == (line, key) and str(error) == f"small.yaml:{line}: {key}: a loop"


def test_a_scenario_and_its_errors_travel_between_processes() -> None:
    """Studies send both through a process pool."""
    scenario = small()
    again = pickle.loads(pickle.dumps(scenario))
    assert again == scenario and again.with_(seed=5).seed == 5
    with pytest.raises(ScenarioError) as caught:
        scenario.with_(seed=-1)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert str(copy) == str(caught.value) and copy.key == "seed"


def test_name_defaults_to_the_file(tmp_path: Path) -> None:
    """A scenario without a name is called as its file."""
    file = tmp_path / "my_run.yaml"
    file.write_text(TEXT.replace("name: small\n", ""))
    scenario = load(str(file), models=MODELS)
    assert scenario.name == "my_run" and scenario.with_(seed=3).name == "my_run" and scenario.file == str(file)
