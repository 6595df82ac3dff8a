"""Extending and overriding: what wins, where it came from, and the laws that hold for any documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.schema.document import Document, parse, read
from scenarios.schema.errors import Position, ScenarioError
from scenarios.schema.merge import extended, merge
from scenarios.schema.overrides import override, with_values


def chain(folder: Path, *texts: str) -> Document:
    """The last of several files (a.yaml, b.yaml, ...) with all that it extends."""
    paths = [folder / f"{name}.yaml" for name, _ in zip("abcdefgh", texts, strict=False)]
    for path, text in zip(paths, texts, strict=True):
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text("schema: 1\n" + text)
    return extended(read(paths[-1], paths[-1].name), paths[-1])


def test_mappings_merge_and_the_rest_is_replaced(tmp_path: Path) -> None:
    """Values and positions of three files; null removes."""
    document = chain(
        tmp_path,
        "x: {p: 1, q: [1, 2], r: {s: 1}}\ny: 1\nz: 1\n",
        "extends: a\nx:\n  q: [3]\n  r: null\n  t: 5\n",
        "extends: b.yaml\ny: {n: 2}\nz: null\nw: null\n",
    )
    assert document.tree == {"x": {"p": 1, "q": [3], "t": 5}, "y": {"n": 2}, "w": None}
    places = {".".join(map(str, path)): Path(p.file).name + f":{p.line}" for path, p in document.positions.items()}
    assert places == {
        "": "c.yaml:1", "x": "a.yaml:2", "x.p": "a.yaml:2", "x.q": "b.yaml:4", "x.q.0": "b.yaml:4", "x.t": "b.yaml:6",
        "y": "c.yaml:3", "y.n": "c.yaml:3", "w": "c.yaml:5",
    }  # fmt: skip


def test_a_base_beside_the_file_or_in_another_folder(tmp_path: Path) -> None:
    """Paths are relative to the file that extends, not to where one stands."""
    (tmp_path / "bases").mkdir()
    (tmp_path / "bases" / "one.yml").write_text("schema: 1\nextends: ../two\na: 1\n")
    (tmp_path / "two.yaml").write_text("schema: 1\nb: 2\n")
    top = parse("schema: 1\nextends: bases/one\nc: 3\n", "top.yaml")
    assert extended(top, tmp_path / "top.yaml").tree == {"a": 1, "b": 2, "c": 3}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (("extends: a\n",), "a.yaml:2: extends: the files extend each other: a.yaml -> a.yaml"),
        (("extends: c\n", "extends: a\n", "extends: b\n"), "extend each other: c.yaml -> b.yaml -> a.yaml -> c.yaml"),
        (("a: 1\n", "extends: aa\n"), "b.yaml:2: extends: no file and no shipped scenario 'aa'"),
        (("a: 1\n", "extends: a.yml\n"), "did you mean 'a.yaml'?"),
        (("a: 1\n", "extends: [[a]]\n"), "b.yaml:2: extends: expected the name of a scenario file, not a list"),
        (("a: [\n", "extends: a\n"), "a.yaml:3: a.0: not valid YAML"),
        (("a: 1\nschema: 1\n", "extends: a\n"), "a.yaml:3: schema: duplicate key 'schema', first given in line 1"),
    ],
)  # fmt: skip
def test_wrong_chains(tmp_path: Path, texts: tuple[str, ...], message: str) -> None:
    """The error is at the file and line that extends, or at the base's own mistake."""
    with pytest.raises(ScenarioError) as caught:
        chain(tmp_path, *texts)
    assert message in str(caught.value).replace(str(tmp_path) + "/", "")


def test_a_base_of_another_version_and_an_endless_chain_are_refused(tmp_path: Path) -> None:
    """Each file states its own version."""
    (tmp_path / "old.yaml").write_text("name: x\n")
    top = parse("schema: 1\nextends: old\n", "top.yaml")
    with pytest.raises(ScenarioError, match=r"old.yaml:1: schema: missing key 'schema'"):
        extended(top, tmp_path / "top.yaml")
    for i in range(30):
        (tmp_path / f"n{i}.yaml").write_text(f"schema: 1\nextends: n{i + 1}\n")
    with pytest.raises(ScenarioError, match="more than 20 files"):
        extended(read(tmp_path / "n0.yaml"), tmp_path / "n0.yaml")


# Keys a, b, c hold plain values and x, y, z mappings: merging is associative where a key is the same kind everywhere.
LEAVES = st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)
TREES: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.dictionaries(st.sampled_from("abc"), LEAVES, max_size=3),
    lambda inner: st.builds(
        lambda plain, nested: {**plain, **nested},
        st.dictionaries(st.sampled_from("abc"), LEAVES, max_size=3),
        st.dictionaries(st.sampled_from("xyz"), inner, max_size=2),
    ),
    max_leaves=8,
)


def document(tree: dict[str, Any], name: str) -> Document:
    """A document whose every path was written in the file `name`."""

    def paths(value: Any, path: tuple[str | int, ...]) -> dict[tuple[str | int, ...], Position]:
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        return {path: Position(name, 1)} | {p: q for key, item in items for p, q in paths(item, (*path, key)).items()}

    return Document(tree, paths(tree, ()))


@settings(deadline=None)
@given(TREES, TREES, TREES)
def test_merging_is_associative(a: dict[str, Any], b: dict[str, Any], c: dict[str, Any]) -> None:
    """It does not matter which two of three files are merged first, neither for values nor for positions."""
    one, two, three = document(a, "a"), document(b, "b"), document(c, "c")
    assert merge(merge(one, two), three) == merge(one, merge(two, three))


@settings(deadline=None)
@given(TREES, TREES)
def test_merging_is_idempotent_and_changes_nothing(a: dict[str, Any], b: dict[str, Any]) -> None:
    """A file over itself, over nothing, and twice; the documents themselves stay as they were."""
    one, two, empty = document(a, "a"), document(b, "b"), document({}, "e")
    before = repr((one, two))
    both = merge(one, two)
    assert merge(both, two) == both and merge(one, one) == one and merge(empty, two) == two
    assert set(both.positions) == set(document(both.tree, "x").positions)
    assert repr((one, two)) == before


@settings(deadline=None)
@given(TREES, st.lists(st.sampled_from("xyz"), max_size=2), st.sampled_from("abc"), LEAVES | st.none())
def test_overriding_is_idempotent(tree: dict[str, Any], above: list[str], last: str, value: Any) -> None:
    """The same override twice is the same as once, and its value is there afterwards."""
    key = ".".join([*above, last])
    once = with_values(document(tree, "a"), {key: value})
    assert with_values(once, {key: value}) == once
    node: Any = once.tree
    for part in above:
        node = node.get(part, {})
    assert node.get(last) == value
    if value is not None:
        assert once.positions[(*above, last)] == Position("with_")


def test_override_keeps_the_positions_around_it() -> None:
    """Only what was set moves."""
    found = override(parse("a: {b: 1, c: 2}\nd: [1, 2]\n", "f"), "a.b", 3, Position("--set a.b"))
    assert found.positions["a",] == Position("f", 1) and found.positions["a", "c"] == Position("f", 1)
    assert found.positions["a", "b"] == Position("--set a.b") and found.tree["a"] == {"b": 3, "c": 2}
    assert override(found, "d.1", 5, Position("x")).tree["d"] == [1, 5]
    assert override(found, "e.f", None, Position("x")) is found


def test_a_file_may_extend_one_with_others_over_it(tmp_path: Path) -> None:
    """What is named later wins, and the file itself over all."""
    (tmp_path / "one.yaml").write_text("schema: 1\nextends: two\na: 1\nb: 1\nd: {x: 1, y: 1}\n")
    (tmp_path / "two.yaml").write_text("schema: 1\na: 2\ne: 2\n")
    (tmp_path / "over.yaml").write_text("schema: 1\nb: 3\nd: {x: null, z: 3}\n")
    top = parse("schema: 1\nextends: [one, over]\nc: 4\n", "top.yaml")
    merged = extended(top, tmp_path / "top.yaml")
    assert merged.tree == {"a": 1, "b": 3, "c": 4, "d": {"y": 1, "z": 3}, "e": 2}


@pytest.mark.parametrize(
    ("extends", "message"),
    [
        ("[over, one]", "one extends a file itself; only the first of several may"),
        ("[one, 3]", "expected the name of a scenario file, not 3"),
        ("[over, over]", "the files extend each other"),
    ],
)
def test_wrong_lists(tmp_path: Path, extends: str, message: str) -> None:
    (tmp_path / "one.yaml").write_text("schema: 1\nextends: over\n")
    (tmp_path / "over.yaml").write_text("schema: 1\nb: 3\n")
    with pytest.raises(ScenarioError, match=message) as caught:
        extended(parse(f"schema: 1\nextends: {extends}\n", "top.yaml"), tmp_path / "top.yaml")
    assert "top.yaml:2: extends" in str(caught.value)
