"""Every parameter of every part is there by its path, with its unit; and what a wrong one is answered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scenarios
from scenarios.schema import ScenarioError
from scenarios.studies.axes import AxisModel, axis
from scenarios.studies.parameters import number, present, unit_of_path
from twin.parameter import difference_to_si, unit_of

SCENARIOS = ("kbmini_tmtp_servo", "nist4_power_regulated", "nist4_gradiometer", "tsinghua_environment_survey")


def test_the_unit_of_every_parameter() -> None:
    """Of the kinds of parts that there are, at their paths."""
    seen = set()
    for name in SCENARIOS:
        scenario = scenarios.load(name).scenario
        for part, component in scenario.balance.parts.items():
            for key, field in type(component).model_fields.items():
                assert unit_of_path(scenario, f"balance.{part}.{key}") == unit_of(field), (part, key)
            seen.add(type(component))
    assert len(seen) > 25


def test_every_number_can_be_set_and_no_other_quantity_is_taken() -> None:
    """To what it is, which changes nothing; and not to kilograms, or seconds for a mass."""
    experiment = scenarios.load("kbmini_tmtp")
    checked = 0
    for part, component in experiment.scenario.balance.parts.items():
        for key, field in type(component).model_fields.items():
            unit, value = unit_of(field), getattr(component, key)
            if unit is None or not isinstance(value, int | float):
                continue
            path = f"balance.{part}.{key}"
            assert present(experiment, path) == value, path
            with pytest.raises(ValueError, match="expected a quantity in"):
                number(experiment.scenario, path, "1 s" if unit == "kg" else "1 kg")
            checked += 1
    assert checked > 100
    with pytest.raises(ScenarioError, match="expected a quantity in ohm"):
        experiment.with_({"balance.coil.resistance": "1 kg"})
    assert experiment.with_({"balance.coil.resistance": "2.4 kohm"}).scenario.hash == experiment.scenario.hash


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("balance.scale", "1"),
        ("balance.coil.parts.0.susceptibility", "1"),
        ("campaign.velocity.velocity", "m/s"),
        ("campaign.weighing.duration", "s"),
        ("reduction.coverage_factor", "1"),
        ("seed", None),
        ("balance.magnet.material", None),
        ("balance.coil.no_such_thing", None),
        ("balance.no_such_part.gain", None),
    ],
)
def test_the_unit_of_a_path(path: str, unit: str | None) -> None:
    assert unit_of_path(scenarios.load("kbmini_tmtp").scenario, path) == unit


@given(st.floats(0.001, 100))
def test_a_width_is_a_difference(value: float) -> None:
    """Also of temperatures, whose scales do not begin together."""
    assert difference_to_si(f"{value!r} degC", "K") == pytest.approx(value, abs=1e-9)
    assert difference_to_si(f"{value!r} mK", "K") == pytest.approx(1e-3 * value)
    assert difference_to_si(f"{value!r}", "K") == value


def test_the_spread_of_a_temperature() -> None:
    experiment = scenarios.load("kbmini_tmtp")
    given_ = AxisModel(path="balance.environment.temperature", distribution="normal", mean="25 degC", sd="0.1 degC")
    assert axis("T", given_, experiment).numbers == pytest.approx({"mean": 298.15, "sd": 0.1})


def test_values_that_are_differences() -> None:
    """2 degC of a temperature that is 0 by default, or of an uncertainty, are 2 K."""
    experiment = scenarios.load("kbmini_tmtp")
    for path, kelvin in (
        ("balance.environment.temperature", 275.15),
        ("balance.environment.temperature_swing", 2.0),
        ("balance.environment.uncertainties.temperature", 2.0),
    ):
        assert axis("T", AxisModel(path=path, values=["2 degC"]), experiment).values == ((pytest.approx(kelvin),),)
