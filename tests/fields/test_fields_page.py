"""docs/fields.md: every command on it runs, and its tables are those of the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from components.fields import external, weakly_magnetic
from components.fields import influence as influences
from components.fields import profile as profiles
from components.fields.catalogue import CATALOGUE
from components.fields.magnetostatics import Mesh
from components.fields.materials import MATERIALS
from scenarios.cli.app import main

PAGE = (Path(__file__).parents[2] / "docs" / "fields.md").read_text(encoding="utf-8")
COARSE = Mesh(order=2, corner=0.03, edge=0.4, gap=0.25, growth=0.8)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


def rows(head: str) -> list[list[str]]:
    """The rows of the table whose first heading is this."""
    table = PAGE.split(f"| {head} |", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines()[2:]]


COMMANDS = [shlex.split(line, comments=True)[1:] for block in blocks("sh") for line in block.splitlines()]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_on_the_page_runs(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a coarse mesh, which is a tenth of the time."""
    solve = profiles.profile
    monkeypatch.setattr(profiles, "profile", lambda geometry, mesh=None, **more: solve(geometry, COARSE, **more))
    monkeypatch.setattr(weakly_magnetic, "_MESH", COARSE)
    monkeypatch.setattr(influences, "_MESH", COARSE)
    slope = external.far_vertical_slope
    monkeypatch.setattr(external, "far_vertical_slope", lambda geometry, field: slope(geometry, field, COARSE))
    monkeypatch.chdir(tmp_path)
    (own,) = blocks("yaml")
    (tmp_path / "mine.yaml").write_text(own, encoding="utf-8")
    assert main(words) == 0, capsys.readouterr().err
    printed = capsys.readouterr().out
    if words[1] == "mine.yaml":
        assert "mine" in printed
    if "--json" in words:
        told = {key for row in rows("printed") for key in re.findall(r"`(\w+)`", row[0])}
        assert set(re.findall(r'"(\w+)":', printed)) == told


def test_the_page_has_commands_for_all_options() -> None:
    used = {word for words in COMMANDS if words[0] == "fields" for word in words if word.startswith("--")}
    assert used == {"--json", "--plot", "--tolerance", "--part", "--external", "--weight", "--scale", "--influence"}


def test_what_is_inferred_is_on_the_page() -> None:
    told = {row[0].strip("`"): (row[1], set(re.findall(r"`([\w.]+)`", row[2]))) for row in rows("magnet")}
    assert {name: inferred for name, (_, inferred) in told.items()} == {
        name: set(geometry.inferred) for name, geometry in CATALOGUE.items()
    }
    for name, (sources, _) in told.items():
        assert all(tag in CATALOGUE[name].source for tag in sources.split(", "))


def test_the_materials_are_on_the_page() -> None:
    told = {row[0].strip("`"): row[1:] for row in rows("material")}
    assert list(told) == list(MATERIALS)
    for name, (permeability, remanence, conductivity, source) in told.items():
        material = MATERIALS[name]
        assert permeability == ("B–H curve" if material.bh else f"{material.permeability:g}")
        assert remanence == (f"{material.remanence:.3g}" if material.remanence else "")
        assert conductivity == f"{material.conductivity:g}"
        assert source == material.source
