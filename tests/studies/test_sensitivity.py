"""Sensitivities: of what has closed forms, and what the command refuses."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest

from scenarios.cli.app import main

STUDY = """study: 1
scenario: nist4_tmtp
axes:
  p: {path: balance.scale, from: 0.5, to: 1}
  R: {path: balance.coil.resistance, distribution: normal, mean: 100 ohm, sd: 10}
  h: {path: balance.thermal_mass.film_coefficient, from: 5, to: 15}
sampling: {method: sobol, points: 128}
outputs: [resistance, magnet_mass]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "s.yaml"
    found.write_text(STUDY)
    return found


def told(capsys: pytest.CaptureFixture[str], *words: Any) -> dict[str, Any]:
    assert main(["sensitivity", *map(str, words), "--workers", "1", "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_derivatives_of_closed_forms(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """R/p and 850 kg p³ at p = 0.75 and R = 100 Ω; the film has nothing to do with either."""
    outputs = told(capsys, path, "-n", 0)["outputs"]
    resistance, mass = outputs["resistance"], outputs["magnet_mass"]
    assert resistance["R"]["derivative"] == pytest.approx(1 / 0.75, rel=1e-9)
    assert resistance["R"]["spread"] == pytest.approx(10 / 0.75, rel=1e-3)
    assert resistance["p"]["derivative"] == pytest.approx(-100 / 0.75**2, rel=1e-3)
    assert resistance["p"]["elasticity"] == pytest.approx(-1.0, rel=1e-3)
    assert mass["p"]["elasticity"] == pytest.approx(3.0, rel=1e-3)
    assert mass["p"]["spread"] == pytest.approx(3 * 850 * 0.75**2 * 0.5 / math.sqrt(12), rel=1e-3)
    assert [own["h"]["derivative"] for own in outputs.values()] == [0.0, 0.0]
    assert "first" not in mass["p"]


def test_the_table_names_its_units(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sensitivity", str(path), "-n", "0"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "d resistance / Ω" in lines[0] and "spread / Ω" in lines[0]
    assert "balance.coil.resistance / Ω" in lines[2] and "balance.scale  " in lines[1]


def test_indices(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the mass all is the size's; of R/p the shares of E[R]² Var[1/p] and of Var[R] E[1/p]²."""
    pytest.importorskip("SALib")
    found = told(capsys, path, "--plot", tmp_path / "s.svg")
    assert found["points"] == 128 * 5
    mass, resistance = found["outputs"]["magnet_mass"], found["outputs"]["resistance"]
    assert mass["p"]["first"] == pytest.approx(1.0, abs=0.05) and mass["p"]["total"] == pytest.approx(1.0, abs=0.05)
    assert mass["h"]["total"] == mass["R"]["total"] == pytest.approx(0.0, abs=1e-12)
    mean, square = 2 * math.log(2.0), 2.0  # of 1/p and 1/p², p even from 0.5 to 1
    of_size, of_wire = 100.0**2 * (square - mean**2), 10.0**2 * mean**2
    whole = (100.0**2 + 10.0**2) * square - (100.0 * mean) ** 2
    for axis, share in (("p", of_size), ("R", of_wire)):
        width = max(3 * resistance[axis]["first_half_width"], 0.03)
        assert resistance[axis]["first"] == pytest.approx(share / whole, abs=width)
    assert "first order" in (tmp_path / "s.svg").read_text()


@pytest.mark.parametrize(
    ("text", "words", "message"),
    [
        (STUDY + "variants: {a: {}}\n", [], "s.yaml: sensitivities are of one scenario; leave variants out"),
        (STUDY.replace("from: 5, to: 15", "values: [5, 10]"), [], "axes.h is a list"),
        (STUDY, ["-n", "100"], "expected a power of 2 or 0, not 100"),
        (STUDY, ["-n", "0", "--plot", "x.png"], "give -n more than 0"),
    ],
)
def test_bad_input_is_one_line(
    text: str, words: list[str], message: str, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text(text)
    assert main(["sensitivity", str(path), *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_without_salib(path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("SALib", "SALib.sample"):
        monkeypatch.setitem(sys.modules, name, None)
    assert main(["sensitivity", str(path)]) == 2
    assert "pip install 'kibble-twin[sensitivity]'" in capsys.readouterr().err
