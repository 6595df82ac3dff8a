"""The guide to studies says what is so."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from scenarios.cli.app import main
from scenarios.studies.study import load_study
from twin import plugins

GUIDE = (Path(__file__).parents[2] / "docs" / "studies.md").read_text(encoding="utf-8")


def test_the_studies_of_the_guide_are_valid(tmp_path: Path) -> None:
    shapes = []
    for text in re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL):
        path = tmp_path / "study.yaml"
        path.write_text(text)
        shapes.append(load_study(path).shape)
    assert shapes == [(2, 16, 3), (2, 16)]


@pytest.mark.parametrize("line", re.findall(r"^    kibble-twin (.+)$", GUIDE, re.MULTILINE))
def test_the_commands_of_the_guide_exist(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With their options."""
    words = shlex.split(line, comments=True)
    assert words[0] in plugins.names(plugins.COMMANDS)
    assert main([words[0], "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in words if word.startswith("-"))
