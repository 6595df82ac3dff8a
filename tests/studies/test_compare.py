"""Two results side by side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scenarios.cli.app import main

SHORT = ["--set=campaign.cycles=1", "--set=thermal.start=ambient", "--set=campaign.velocity.cycles=20"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Runs of the same scenario, one with another mass and seed."""
    root = tmp_path_factory.mktemp("runs")
    for name, more in (("a", []), ("b", ["--set=seed=2", "--set=balance.test_mass.mass=500 g"])):
        assert main(["run", "kbmini_tmtp", *SHORT, *more, "--out", str(root / name), "--no-report"]) == 0
    return root / "a", root / "b"


def test_what_differs(folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    a, b = map(str, folders)
    capsys.readouterr()
    assert main(["compare", a, b, "--json", "--plot", str(tmp_path / "c.svg")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {row["key"]: (row["a"], row["b"]) for row in found["scenarios"]} == {
        "seed": (1, 2),
        "balance.test_mass.mass": (1.0, 0.5),
    }
    results = [json.loads((folder / "result.json").read_text())["result"] for folder in folders]
    assert found["results"]["result.mass_kg"] == {"a": results[0]["mass_kg"], "b": results[1]["mass_kg"]}
    gap = results[1]["relative_error"] - results[0]["relative_error"]
    spread = (results[0]["u_relative"] ** 2 + results[1]["u_relative"] ** 2) ** 0.5
    assert found["score"] == pytest.approx(gap / spread)
    assert "error of the mass" in (tmp_path / "c.svg").read_text()


def test_a_result_and_itself(folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["compare", str(folders[0]), str(folders[0])]) == 0
    text = capsys.readouterr().out
    assert "the scenarios say the same" in text and "the results are the same" in text


def test_the_table(folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["compare", *map(str, folders)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split()[:3] == ["balance.test_mass.mass", "1.0", "0.5"] for line in lines)
    assert any(line.startswith("a unit is the end of a result's name") for line in lines)
    assert "standard uncertainties of their difference" in lines[-1]


def test_what_is_no_result(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["compare", str(tmp_path), str(tmp_path)]) == 2
    assert "there is no result; expected result.json" in capsys.readouterr().err
    assert main(["compare", "nist5", "nist4_tmtp"]) == 2
    error = capsys.readouterr().err
    assert "nist5: expected the folder of a result" in error and "scenario" in error and len(error) < 200
    monkeypatch.chdir(folders[0].parent)
    for words, near in ((["aa", "b"], "a"), (["a", "kbmini_tmpt"], "kbmini_tmtp")):
        assert main(["compare", *words]) == 2
        assert f"did you mean {near!r}?" in capsys.readouterr().err
    assert main(["compare", "a", "nope.yaml"]) == 2
    assert "nope.yaml: no such file" in capsys.readouterr().err
