"""Every study draws: what stands in the picture is what it is about."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.cli.app import main

HEAD = "study: 1\nscenario: nist4_tmtp\noutputs: [resistance, magnet_mass]\n"
P = "  p: {path: balance.scale, from: 0.25, to: 1, points: 5, spacing: log}\n"
R = "  R: {path: balance.coil.resistance, from: 50, to: 200, points: 10}\n"
MATERIAL = "  m: {path: balance.magnet.material, values: [SmCo, NdFeB]}\n"


def sweep(tmp_path: Path, text: str) -> str:
    (tmp_path / "s.yaml").write_text(HEAD + text)
    picture = tmp_path / "s.svg"
    assert main(["sweep", str(tmp_path / "s.yaml"), "--workers=1", "--plot", str(picture)]) == 0
    return picture.read_text()


@pytest.mark.parametrize(
    ("text", "words", "images"),
    [
        (f"axes:\n{P}", ["resistance / Ω", "magnet mass / kg", ">p<"], 0),
        (f"axes:\n{P}{MATERIAL}", [">SmCo<", ">NdFeB<"], 0),
        (f"axes:\n{P}variants: {{a: {{}}, b: {{balance.coil.resistance: 200}}}}\n", [">a<", ">b<"], 0),
        (f"axes:\n{P}{R}".replace("points: 5", "points: 9"), [">p<", ">resistance / Ω<", ">R / Ω<"], 2),
        (f"axes:\n{R}{P}{MATERIAL}", [">R / Ω<"], 0),
        (f"axes:\n{P}sampling: {{method: sobol, points: 8}}\n".replace(", points: 5", ""), [">p<"], 0),
        (f"axes:\n{P}{R}sampling: {{method: lhs, points: 8}}\n".replace(", points: 5", "").replace(", points: 10", ""),
         [">R / Ω<"], 2),
    ],
)  # fmt: skip
def test_a_sweep(text: str, words: list[str], images: int, tmp_path: Path) -> None:
    """Lines for few, a map of two long axes, points for samples; a colour bar is an image."""
    svg = sweep(tmp_path, text)
    assert all(word in svg for word in words)
    assert (svg.count("<image") > 0) == (images > 0)


def test_a_sweep_with_nothing_to_draw(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The results are told nevertheless."""
    (tmp_path / "s.yaml").write_text(f"{HEAD}axes:\n{MATERIAL}")
    assert main(["sweep", str(tmp_path / "s.yaml"), "--workers=1", "--plot", str(tmp_path / "s.svg")]) == 0
    out, err = capsys.readouterr()
    assert "warning: no picture: there is nothing to draw: no axis has numbers\n" in err
    assert "NdFeB" in out and not (tmp_path / "s.svg").exists()


def test_sizes_of_what_changes_sign_go_on_a_logarithmic_axis(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(f"{HEAD.replace('resistance, magnet_mass', 'epsilon')}axes:\n{P}")
    assert main(["sweep", str(tmp_path / "s.yaml"), "--workers=1", "--plot", str(tmp_path / "s.svg")]) == 0
    assert ">|epsilon|<" in (tmp_path / "s.svg").read_text()


@pytest.mark.parametrize("name", ["nist4_tmtp", "nist4_omtp"])
def test_a_thermal_study(name: str, tmp_path: Path) -> None:
    """The temperature of the magnet about its mean, its fit and both kinds of windows."""
    picture = tmp_path / "t.svg"
    assert main(["thermal", name, "--plot", str(picture), "--json"]) == 0
    svg = picture.read_text()
    assert all(word in svg for word in ("weighing windows", "velocity windows", ">fit<", "δT_f = ", "T − mean / "))


@pytest.mark.parametrize(
    "words",
    [
        ["thermal", "nist4_tmtp"], ["boundary", "nist4_tmtp"], ["boundary", "--table"], ["sweep", "s.yaml"],
        ["montecarlo", "nist4_tmtp"], ["compare", "a", "b"], ["sensitivity", "s.yaml"], ["budget", "nist4_tmtp"],
        ["budget", "nist4_tmtp", "--noise"], ["optimise", "s.yaml"],
        ["blind", "--open", "x", "--answer", "y"],
    ],
)  # fmt: skip
def test_every_study_has_a_picture_and_refuses_what_it_cannot_save(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is computed or even read."""
    for plot in ("picture.abc", "/no/such/folder/picture.png"):
        assert main([*words, "--plot", plot]) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: --plot: ") and error.count("\n") == 1
