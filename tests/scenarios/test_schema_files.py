"""Which file a name means, and files that are no scenario at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scenarios.schema import ScenarioError, load, shipped
from scenarios.schema import library as shipped_files
from tests.scenarios.schema_parts import MODELS, TEXT, installed, small


@pytest.fixture(scope="module", autouse=True)
def _parts() -> Iterator[None]:
    with installed():
        yield


@pytest.mark.parametrize(
    ("data", "line", "text"),
    [
        (b"", 1, "is empty"),
        (b"# nothing\n", 1, "is empty"),
        (b"---\n", 1, "is empty"),
        (b"- a\n- b\n", 1, "expected a mapping at the top level, not a list"),
        (b"\njust text\n", 2, "expected a mapping at the top level, not 'just text'"),
        (b"schema: 1\nname: \xff\n", 2, "is not UTF-8"),
        (TEXT.encode("utf-16"), 1, "NUL byte"),
        (b"\x89PNG\r\n\x1a\n\0\0", 3, "NUL byte"),
        (b"a: " + b"x" * 1_000_000, None, "is larger than 1 MB"),
    ],
)
def test_what_is_no_scenario_at_all(tmp_path: Path, data: bytes, line: int | None, text: str) -> None:
    """Such a file has no key, but still one line that says what was expected."""
    file = tmp_path / "odd.yaml"
    file.write_bytes(data)
    with pytest.raises(ScenarioError) as caught:
        load(file)
    assert (caught.value.file, caught.value.line, caught.value.key) == (str(file), line, "")
    assert text in str(caught.value) and len(str(caught.value).splitlines()) == 1


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory, a missing file, a name that is none, a name that no system allows."""
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "small.yaml").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    for source, text in (
        (tmp_path / "folder.yaml", "is a directory"),
        (tmp_path / "smal.yaml", "no such file; did you mean 'small.yaml'?"),
        ("smal.yaml", "did you mean 'small.yaml'?"),
        ("small", "no shipped scenario and no file has this name; did you mean 'small.yaml'?"),
        ("x/../small", "no shipped scenario"),
        ("/dev/null.yaml", "no such file"),
        (Path("/dev/null"), "is no regular file"),
        ("a\0b.yaml", "no such file"),
        ("x" * 5000 + ".yaml", "no such file"),
        ("", "no shipped scenario"),
    ):
        with pytest.raises(ScenarioError) as caught:
            load(source)
        assert text in str(caught.value) and len(str(caught.value).splitlines()) == 1, source


def test_shipped_scenarios_are_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names without suffix mean shipped files; files in folders are there to be extended."""
    library, cwd = tmp_path / "library", tmp_path / "cwd"
    (library / "balances").mkdir(parents=True)
    (cwd / "balances" / "tiny").mkdir(parents=True)
    (library / "balances" / "tiny.yaml").write_text(TEXT)
    (library / "tiny_tmtp.yaml").write_text("schema: 1\nextends: balances/tiny\nname: tiny_tmtp\nseed: 9\n")
    (cwd / "mine.yaml").write_text("schema: 1\nextends: tiny_tmtp\nname: mine\n")
    monkeypatch.setattr(shipped_files, "folder", lambda: library)
    monkeypatch.chdir(cwd)
    assert shipped() == ["tiny_tmtp"]
    assert load("tiny_tmtp", models=MODELS) == small().with_(name="tiny_tmtp", seed=9)
    assert load("balances/tiny", models=MODELS) == small()
    assert load("mine.yaml", models=MODELS).seed == 9
    with pytest.raises(ScenarioError, match="did you mean 'tiny_tmtp'"):
        load("tiny_tmpt")
    with pytest.raises(ScenarioError, match="did you mean 'balances/tiny'"):
        load("balances/tinny")
