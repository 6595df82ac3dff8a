"""Campaigns that report no mass, or several: studies of a mass say so in one line."""

from __future__ import annotations

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
    """No point has the output: that is told before the first one runs."""
    (tmp_path / "s.yaml").write_text("study: 1\nscenario: kbmini_mass_series\noutputs: [u]\n")
    assert main(["sweep", str(tmp_path / "s.yaml"), "--json"]) == 2
    error = capsys.readouterr().err
    assert "s.yaml:3: outputs.0: there is no u" in error and "its campaign reports no mass" in error
