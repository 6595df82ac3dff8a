"""Campaigns that report no mass, or several: studies of a mass say so in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scenarios.cli.app import main


@pytest.mark.parametrize("name", ["moving_mode", "kbmini_mass_series"])
@pytest.mark.parametrize(
    "words",
    [["montecarlo"], ["trueness"], ["ranges"], ["effects"], ["budget"], ["budget", "--noise"]],
    ids=lambda words: " ".join(words),
)
def test_a_study_of_a_mass(words: list[str], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    command, *options = words
    assert main([command, name, *options]) == 2
    assert capsys.readouterr().err == f"error: {name}: its campaign reports no mass\n"


def test_a_sweep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The point is a row with that."""
    (tmp_path / "s.yaml").write_text("study: 1\nscenario: kbmini_mass_series\noutputs: [u]\n")
    assert main(["sweep", str(tmp_path / "s.yaml"), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["error"] == "kbmini_mass_series: its campaign reports no mass"
