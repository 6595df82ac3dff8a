"""The pages of the documentation do what they say.

A block after ``<!-- run -->`` is run, in its page's own folder and, if it is Python, in its page's own names; a command
has to end with 0, or as in ``<!-- run: 2 -->``. A block after ``<!-- output -->`` is what the block before it has
printed, with … for anything. A block after ``<!-- file: NAME -->`` is a file.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from scenarios.cli.app import main
from scenarios.schema.library import folder, shipped
from twin import plugins

DOCS = Path(__file__).parents[2] / "docs"
_MARKED = re.compile(r"^<!-- (run|output|file)(?:: (\S+))? -->\n\n?```(\w+).*?\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    what: str
    how: str
    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    return [Block(*match) for match in _MARKED.findall(page.read_text(encoding="utf-8"))]


PAGES = [pytest.param(page, id=page.name) for page in sorted(DOCS.glob("*.md")) if blocks(page)]


def like(shown: str, printed: str) -> bool:
    """Whether the page shows what was printed, up to … and the kind and number of spaces."""
    one, other = ("\n".join(" ".join(line.split()) for line in text.strip().splitlines()) for text in (shown, printed))
    return re.fullmatch(".*?".join(map(re.escape, re.split(r"\s*…\s*", one))), other, re.DOTALL) is not None


@pytest.mark.parametrize("page", PAGES)
def test_a_page_does_what_it_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    printed = ""
    for what, how, language, text in blocks(page):
        if what == "file":
            (tmp_path / how).write_text(text, encoding="utf-8")
        elif what == "output":
            assert like(text, printed), printed
        elif language == "python":
            exec(compile(text, str(page), "exec"), names)
            printed = capsys.readouterr().out
        else:
            for line in text.splitlines():
                words = shlex.split(line, comments=True)
                assert words[0] == "kibble-twin" and main(words[1:]) == int(how or 0), capsys.readouterr().err
            printed = capsys.readouterr().out


def test_marks_are_read() -> None:
    """A mark that nobody understands would be a block that nobody runs."""
    for page in DOCS.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        assert len(re.findall(r"^<!-- (?:run|output|file)\b", text, re.MULTILINE)) == len(blocks(page)), page.name


def test_every_campaign_is_on_its_page() -> None:
    """With a shipped scenario that runs it."""
    text = (DOCS / "campaigns.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", text)) & set(shipped())
    files = [(folder() / f"{name}.yaml").read_text(encoding="utf-8") for name in sorted(named)]
    found = {kind for file in files for kind in re.findall(r"^campaign:.*\n  type: (\w+)$", file, re.MULTILINE)}
    assert found == set(plugins.names(plugins.CAMPAIGNS))


@pytest.mark.parametrize(
    ("shown", "printed", "alike"),
    [
        ("a … c", "a b c", True),
        ("a  \nb", "a\nb   \n", True),
        ("a … c", "a b d", False),
        ("m = 1.0 kg", "m = 1x0 kg", False),
        ("", "something", False),
    ],
)
def test_what_is_shown_is_what_is_printed(shown: str, printed: str, alike: bool) -> None:
    assert like(shown, printed) is alike
