"""The document parser: YAML 1.2 core values, positions, and nothing but ScenarioError whatever comes."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.schema.document import Document, parse, parse_value
from scenarios.schema.emit import emit
from scenarios.schema.errors import Position, ScenarioError

SCALARS: list[tuple[str, Any]] = [
    ("1e-8", 1e-8), ("1.", 1.0), (".5", 0.5), ("-1E+3", -1000.0), ("+7", 7), ("017", 17), ("0o17", 15), ("0x1F", 31),
    ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("y", "y"), ("true", True), ("False", False),
    ("TRUE", True), ("null", None), ("~", None), ("", None), ("1_000", "1_000"), ("12:30:45", "12:30:45"),
    ("2026-01-01", "2026-01-01"), ("0b1", "0b1"), ("=", "="), ("<<", "<<"), ("3.5 mA", "3.5 mA"), ("nan", "nan"),
    ("'1'", "1"), ('"1e3"', "1e3"), ("25 °C", "25 °C"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), SCALARS)
def test_scalars_follow_the_core_rules(text: str, value: Any) -> None:
    """The same in a file and on the command line."""
    found = parse(f"a: {text}\n", "f").tree["a"]
    assert found == value and type(found) is type(value)
    again = parse_value(text)
    assert again == value and type(again) is type(value)


def test_every_key_and_item_has_a_line() -> None:
    """Keys at the line of the key, items at the line of the item."""
    text = "\ufeff# first\na:\n  b: [1,\n    2]\n  c: |\n    text\n'one':\n- x\n- {y: 1}\non: 2\n".replace(
        "'on'", "'one'"
    )
    document = parse(text.encode(), "f")
    assert document.tree == {"a": {"b": [1, 2], "c": "text\n"}, "one": ["x", {"y": 1}], "on": 2}
    lines = {path: place.line for path, place in document.positions.items()}
    assert lines == {
        (): 2, ("a",): 2, ("a", "b"): 3, ("a", "b", 0): 3, ("a", "b", 1): 4, ("a", "c"): 5,
        ("one",): 7, ("one", 0): 8, ("one", 1): 9, ("one", 1, "y"): 9, ("on",): 10,
    }  # fmt: skip
    assert document.positions["a",] == Position("f", 2) and str(Position("f", 2)) == "f:2"


def parsed_or_refused(text: str | bytes) -> Document | None:
    """The document, or None if the text is refused as it should be."""
    try:
        return parse(text, "file.yaml")
    except ScenarioError as error:
        assert error.file == "file.yaml" and len(str(error).splitlines()) == 1 and str(error).isprintable()
        return None


@settings(deadline=None)
@given(st.text() | st.text(alphabet=" \t\n-:?[]{},&*!|>'\"%@`#\\aU09.x"))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but ScenarioError comes out, and what is read can be written and read again."""
    document = parsed_or_refused(text)
    if document is not None:
        assert parse(emit(document.tree, {}), "again").tree == document.tree


@settings(deadline=None)
@given(st.binary() | st.text().map(lambda text: text.encode("utf-16")))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Also for what is no text."""
    parsed_or_refused(data)


@settings(deadline=None)
@given(st.text())
def test_any_setting_is_read_or_refused(text: str) -> None:
    """The value of a ``--set`` comes from a shell and can be anything."""
    try:
        parse_value(text)
    except ScenarioError as error:
        assert str(error).isprintable()


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_come_back_bit_for_bit(number: float) -> None:
    """From Python's shortest representation, with the sign of zero."""
    found = parse(f"a: {number!r}", "f").tree["a"]
    assert isinstance(found, float) and found == number and math.copysign(1, found) == math.copysign(1, number)


@settings(deadline=None)
@given(st.integers(-(10**300), 10**300))
def test_integers_come_back(number: int) -> None:
    """Whole numbers stay whole."""
    found = parse(f"a: {number}", "f").tree["a"]
    assert found == number and isinstance(found, int)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=10)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


@settings(deadline=None)
@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=5))
def test_any_tree_survives_its_text(tree: dict[str, Any]) -> None:
    """Writing and reading is the identity."""
    assert parse(emit(tree, {}), "f").tree == tree


def test_hostile_texts_are_refused_quickly() -> None:
    """Each would take a recursive or expanding reader down."""
    for text in ("[" * 100_000, "{a: " * 100_000, "- " * 100_000, "? " * 100_000, "a: " * 1000, "&a " * 100_000):
        assert parsed_or_refused(text) is None
