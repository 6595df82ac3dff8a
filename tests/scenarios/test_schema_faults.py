"""Faults in scenario files, and what differs from a scenario's parent."""

from __future__ import annotations

from typing import Any

import pytest

import scenarios
from scenarios.schema import Scenario, ScenarioError
from twin.fault import FOREVER, PlannedFault
from twin.times import NS

ZENER = {"component": "voltage_reference", "fault": "step", "time": "2 h", "size": "1 ppm"}


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return scenarios.load("kbmini_tmtp").scenario


def test_a_fault_reaches_its_component_in_si(scenario: Scenario) -> None:
    faulty = scenario.with_({"faults.zener": ZENER})
    parts = faulty.true_components()
    assert parts["voltage_reference"].planned("step") == (PlannedFault("step", 7200 * NS, FOREVER, 1e-6),)
    assert parts["resistor"].planned("step") == ()
    assert scenario.true_components()["voltage_reference"].planned("step") == ()


def test_a_fault_may_end_and_have_its_usual_size(scenario: Scenario) -> None:
    fault = {"component": "current_voltmeter", "fault": "sticks", "time": 60, "duration": "10 min"}
    parts = scenario.with_({"faults": {"meter": fault}}).true_components()
    assert parts["current_voltmeter"].planned("sticks") == (PlannedFault("sticks", 60 * NS, 660 * NS, 1.0),)


def test_a_size_in_kelvin_is_a_difference(scenario: Scenario) -> None:
    fault = {"component": "environment", "fault": "air_conditioning", "time": 0, "duration": "1 h", "size": "2 degC"}
    (planned,) = scenario.with_({"faults.room": fault}).true_components()["environment"].planned("air_conditioning")
    assert planned.size == pytest.approx(2.0)


def test_the_resolved_scenario_keeps_its_faults(scenario: Scenario) -> None:
    from scenarios.run.execute import MODELS
    from scenarios.schema.scenario import load_text

    faulty = scenario.with_({"faults.zener": ZENER})
    again = load_text(faulty.to_yaml(), models=MODELS)
    assert again == faulty != scenario
    assert again.faults["zener"].size == 1e-6


def test_ideal_scenarios_have_none(scenario: Scenario) -> None:
    assert scenario.with_({"faults.zener": ZENER}).ideal().faults == {}


@pytest.mark.parametrize(
    ("changes", "key", "text"),
    [
        ({"component": "voltage_referense"}, "component", "did you mean 'voltage_reference'"),
        ({"fault": "stap"}, "fault", "did you mean 'step'"),
        ({"size": "1 V"}, "size", "expected a quantity in 1"),
        ({"size": None}, "size", "missing key 'size'"),
        ({"time": "2 m"}, "time", "expected a quantity in s"),
        ({"time": -1}, "time", "must be greater than or equal to 0"),
        ({"duration": 0}, "duration", "must be greater than 0"),
        ({"component": "environment", "fault": "air_conditioning"}, "duration", "missing key 'duration'"),
        ({"when": 3}, "when", "unknown key 'when'"),
    ],
)
def test_what_is_wrong_with_a_fault(scenario: Scenario, changes: dict[str, Any], key: str, text: str) -> None:
    values = {k: v for k, v in {**ZENER, **changes}.items() if v is not None}
    with pytest.raises(ScenarioError, match=text) as found:
        scenario.with_({"faults.zener": values})
    assert found.value.key == f"faults.zener.{key}"


def test_a_part_without_faults_says_so(scenario: Scenario) -> None:
    with pytest.raises(ScenarioError, match="it has no faults"):
        scenario.with_({"faults.a": {"component": "servo", "fault": "x", "time": 0}})


def test_differences_are_those_to_what_the_file_extends() -> None:
    found = {d.key: (d.before, d.after) for d in scenarios.load("nist4_tmtp_ramped").scenario.differences()}
    assert found["campaign.weighing.ramp"] == ("1 s", "45 s")
    assert found["campaign.weighing.current"] == ("flat", "ramped")
    assert not any(key.startswith("balance") for key in found)


def test_values_set_over_a_scenario_are_the_differences_to_it() -> None:
    changed = scenarios.load("kbmini_tmtp", ["seed=7"]).with_({"balance.test_mass.mass": 0.1}).scenario
    assert changed.parent == "kbmini_tmtp"
    assert {(d.key, d.after, d.unit) for d in changed.differences()} == {
        ("seed", 7, ""),
        ("balance.test_mass.mass", 0.1, "kg"),
    }


def test_a_key_that_is_taken_away_is_a_difference() -> None:
    changed = scenarios.load("kbmini_tmtp").with_({"balance.coil.inductance_curvature": None}).scenario
    [found] = changed.differences()
    assert (found.key, found.before, found.after) == (
        "balance.coil.inductance_curvature", "47900 H/m^2", None,
    )  # fmt: skip
