"""Parameters: units at the edge, ranges, and the neutral value that switches an effect off."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from twin.parameter import Parameters, neutral_of, parameter, same_unit, to_si, unit_of


class Lead(Parameters):
    leakage: float = parameter("S", 1e-12, neutral=0.0, ge=0)
    length: float = parameter("m", 1.0, gt=0)


class Circuit(Parameters):
    current: float = parameter("A", gt=0)
    offset: float = parameter("V", 1e-6, neutral=0.0, source="data sheet")
    gain: float = parameter("1", 1.0001, neutral=1.0)
    levels: list[float] = parameter("K", [1.0])
    nodes: dict[str, float] = parameter("J/K", {})
    lead: Lead = Lead()
    leads: list[Lead] = Field(default_factory=list)
    named: dict[str, Lead] = Field(default_factory=dict)
    label: str = "x"


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("3.5 mA", "A", 3.5e-3),
        ("1e-8", "1", 1e-8),
        ("  -2.5e3 ", "V", -2500.0),
        (".5 mm", "m", 5e-4),
        ("5. V", "V", 5.0),
        ("25 degC", "K", 298.15),
        ("3 ppm", "1", 3e-6),
        ("10ppb", "1", 1e-8),
        ("2 %", "1", 0.02),
        ("1 V*s/m", "T*m", 1.0),
        ("1 h", "s", 3600.0),
        ("-1e-3/K", "1/K", -1e-3),
        ("-0.1 %/K", "1/K", -1e-3),
        ("10 W/(m^2*K)", "W/(m^2*K)", 10.0),
        ("+1 kg", "kg", 1.0),
    ],
)
def test_text_to_si(text: str, unit: str, value: float) -> None:
    assert to_si(text, unit) == pytest.approx(value, rel=1e-15)


def test_a_temperature_that_is_0_by_default_is_a_difference() -> None:
    class Room(Parameters):
        temperature: float = parameter("K", 298.15)
        swing: float = parameter("K", 0.0, neutral=0.0)
        length: float = parameter("m", 0.0)

    room = Room.model_validate({"temperature": "22 degC", "swing": "-2.5 degC", "length": "3 mm"})
    assert (room.temperature, room.length) == (pytest.approx(295.15), 3e-3)
    assert room.swing == pytest.approx(-2.5, abs=1e-12)
    assert Room.model_validate({"swing": "10 mK"}).swing == 0.01
    assert Room.model_validate({"swing": "0.5"}).swing == 0.5


@settings(deadline=None)
@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([("mA", 1e-3), ("kA", 1e3), ("A", 1.0), ("", 1.0)]),
)
def test_any_number_with_a_prefix(number: float, unit: tuple[str, float]) -> None:
    assert to_si(f"{number!r} {unit[0]}", "A") == pytest.approx(number * unit[1], rel=1e-15, abs=5e-324)


WRONG = [
    "",
    "mA",
    "three",
    "3,5 mA",
    "1 000 A",
    "1 V",
    "nan A",
    "inf",
    "1.2.3 A",
    "1 flurb",
    "1 A A",
    "0x10",
    "1 A;import os",
    "1 ohm**9**9**9**9",
    "1 ohm^9^9^9",
    "1 (A**9)**99",
    "1 A**99999999",
    "1 " + "A*" * 200 + "A",
    "1 mA mA",
    "1 __class__",
    "1 'A'",
    "1 A\x00",
    "--1 A",
    "1e A",
    "١ A",
]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_current_is_one_line_that_names_the_unit_and_comes_at_once(text: str) -> None:
    to_si("1 A", "A")  # the registry is loaded
    start = time.perf_counter()
    with pytest.raises(ValueError, match=r"^expected a (number|quantity) in A") as caught:
        to_si(text, "A")
    assert time.perf_counter() - start < 5.0
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


@settings(deadline=None)
@given(st.text(max_size=30))
def test_no_text_does_anything_but_convert_or_raise_a_value_error(text: str) -> None:
    try:
        value = to_si("1" + text, "A")
    except ValueError as error:
        assert str(error).startswith("expected a ")
    else:
        assert isinstance(value, float)


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("T*m", "V*s/m", True),
        ("T*m", "N/A", True),
        ("1", "1", True),
        ("1", "m/m", True),
        ("A", "mA", False),
        ("V", "A", False),
        ("W/K", "J/(s*K)", True),
        ("flurb", "A", False),
        ("flurb", "flurb", True),
        ("K", "degC", False),
    ],
)
def test_units_that_mean_the_same(a: str, b: str, same: bool) -> None:
    assert same_unit(a, b) is same and same_unit(b, a) is same


def test_values_are_converted_checked_and_frozen() -> None:
    made = Circuit(current="3.5 mA", levels=["1 K", 2, "300 mK"], nodes={"coil": "2 kJ/K"})
    assert (made.current, made.levels, made.nodes) == (3.5e-3, [1.0, 2.0, 0.3], {"coil": 2000.0})
    with pytest.raises(ValidationError):
        made.current = 1.0


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"current": 0.0},
        {"current": -1},
        {"current": math.nan},
        {"current": math.inf},
        {"current": "1e999 A"},
        {"current": True},
        {"current": None},
        {"current": [1.0]},
        {"current": "1 V"},
        {"current": 1, "other": 2},
        {"current": 1, "lead": {"length": "1 s"}},
        {"current": 1, "levels": ["1 m"]},
        {"current": 1, "nodes": {"a": "1 K"}},
    ],
)
def test_wrong_values_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Circuit(**values)


def test_ideal_switches_every_effect_off_here_and_within() -> None:
    bad = Lead(leakage=1e-9, length=2.0)
    made = Circuit(current=1.0, lead=bad, leads=[bad, bad], named={"left": bad}, label="y")
    ideal = made.ideal()
    assert (ideal.offset, ideal.gain, ideal.current, ideal.label) == (0.0, 1.0, 1.0, "y")
    for lead in (ideal.lead, *ideal.leads, *ideal.named.values()):
        assert (lead.leakage, lead.length) == (0.0, 2.0)
    assert made.offset == 1e-6 and made.leads[0].leakage == 1e-9
    assert ideal.ideal() == ideal


def test_a_group_without_effects_is_ideal_as_it_is() -> None:
    class Plain(Parameters):
        length: float = parameter("m", 1.0)

    plain = Plain()
    assert plain.ideal() is plain


def test_declarations_can_be_read_back() -> None:
    fields = Circuit.model_fields
    assert unit_of(fields["offset"]) == "V" and neutral_of(fields["offset"]) == 0.0
    assert unit_of(fields["label"]) is None and neutral_of(fields["current"]) is None
    assert fields["offset"].json_schema_extra == {"unit": "V", "neutral": 0.0, "source": "data sheet"}
