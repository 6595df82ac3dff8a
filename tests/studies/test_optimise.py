"""Pareto fronts: of known functions, of real scenarios, interrupted and resumed, and what the command says."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.cli.app import main
from scenarios.studies import sweep
from scenarios.studies.journal import Row
from scenarios.studies.optimise import Member, OptimiseError, Optimiser, best, crowding, ranks
from scenarios.studies.study import Point, load_study

STUDY = """\
study: 1
scenario: nist4_tmtp
axes:
  p: {path: balance.scale, from: 0.3, to: 1.2}
  h: {path: balance.thermal_mass.film_coefficient, from: 5, to: 20}
sampling: {method: sobol, points: 8}
outputs: [diameter]
objectives: [magnet_mass, resistance]
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    return path


def member(number: int, costs: list[float], excess: float = 0.0) -> Member:
    return Member(Point(number, {}), "", 0, np.zeros(1), Row(number, "", {}), np.array(costs), excess)


# --- what is in front ------------------------------------------------------------------------------------------------

costs = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.sampled_from([0.0, 0.0, 1.0, 2.0])), min_size=1)


def beats(a: Member, b: Member) -> bool:
    if a.excess or b.excess:
        return a.excess < b.excess
    return bool(np.all(a.costs <= b.costs) and np.any(a.costs < b.costs))


@given(costs)
def test_ranks(given_costs: list[tuple[int, int, float]]) -> None:
    """Nothing of a front is beaten by what is not in front of it; everything behind is beaten by the one before."""
    members = [member(i, [a, b], excess) for i, (a, b, excess) in enumerate(given_costs)]
    found = ranks(members)
    for one, rank in zip(members, found, strict=True):
        before = [other for other, own in zip(members, found, strict=True) if own >= rank]
        assert not any(beats(other, one) for other in before)
        ahead = [other for other, own in zip(members, found, strict=True) if own == rank - 1]
        assert rank == 0 or any(beats(other, one) for other in ahead)


def test_the_best_are_in_front_and_far_apart() -> None:
    line = [member(i, [i, 10.0 - i]) for i in (0, 1, 2, 5, 10)]
    worse = [member(10 + i, [i + 20.0, 30.0]) for i in range(3)]
    assert [each.point.number for each in best([*worse, *line], 4)] == [0, 2, 5, 10]
    assert {each.point.number for each in best([*worse, *line], 6)} == {0, 1, 2, 5, 10}
    assert crowding(np.array([[0.0, 1.0], [1.0, 0.0]])).tolist() == [math.inf, math.inf]


# --- a known front ---------------------------------------------------------------------------------------------------


def test_a_known_front(study: Path) -> None:
    """Zitzler, Deb and Thiele (2000), function 1, in four variables: f2 = 1 − √f1 at the front, where the others are
    0."""
    text = STUDY.replace("objectives: [magnet_mass, resistance]", "objectives: [mass, error]")
    axes = "\n".join(f"  x{i}: {{path: balance.coil.{name}, from: 1e-6, to: 1}}" for i, name in
                     enumerate(("resistance", "inductance", "expansion", "gap_radius")))  # fmt: skip
    study.write_text(text[: text.index("  p:")] + axes + "\n" + text[text.index("sampling") :])
    search = Optimiser(load_study(study), 32)
    for _ in range(60):
        rows = []
        for point in search.ask():
            x = np.array(list(point.overrides.values()))
            g = 1.0 + 3.0 * float(x[1:].mean())
            values = {"diameter": 0.0, "mass": float(x[0]), "error": g * (1.0 - math.sqrt(x[0] / g))}
            rows.append(Row(point.number, str(point.number), values))
        search.tell(rows[::-1])  # in any order
    front = np.array([each.costs for each in search.front])
    assert len(front) > 30
    assert np.ptp(front[:, 0]) > 0.9
    off = front[:, 1] - (1.0 - np.sqrt(front[:, 0]))
    assert off.min() > -1e-9 and np.quantile(off, 0.9) < 0.05


def test_a_failed_point_is_never_in_front(study: Path) -> None:
    search = Optimiser(load_study(study), 4)
    points = search.ask()
    values = {"diameter": 1.0, "magnet_mass": 1.0, "resistance": 1.0}
    rows = [Row(points[0].number, "a", values), Row(points[1].number, "b", {}, "it failed")]
    rows += [Row(point.number, "c", {**values, "resistance": math.nan}) for point in points[2:]]
    search.tell(rows)
    assert [each.row.key for each in search.front] == ["a"]
    assert len(search.ask()) == 4


# --- real scenarios --------------------------------------------------------------------------------------------------


def command(study: Path, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["optimise", str(study), "--workers=1", "--json", *words]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_smallest_magnet_within_a_limit(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """R ∝ 1/p and m ∝ p³: of all with R ≤ 150 Ω the smallest has p = 110.78/150."""
    study.write_text(STUDY.replace("[magnet_mass, resistance]", "[magnet_mass]") + 'constraints: ["resistance <= 150"]')
    (only,) = command(study, capsys, "--generations", "12")["front"]
    assert 110.78 / 150 <= only["axes"]["p"] < 1.01 * 110.78 / 150
    assert only["outputs"]["magnet_mass"] == pytest.approx(850 * only["axes"]["p"] ** 3)
    assert only["outputs"]["resistance"] <= 150


def test_two_objectives_that_pull_apart(study: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Every size is on the front, from the lightest to the one of least resistance; and pictures, with a text."""
    found = command(study, capsys, "--generations", "3", "--plot", str(tmp_path / "front.svg"))
    sizes = [each["axes"]["p"] for each in found["front"]]
    assert len(sizes) == found["feasible"] == found["points"] == 32
    assert sizes == sorted(sizes) and sizes[0] < 0.35 and sizes[-1] > 1.15
    assert "magnet mass / kg" in (tmp_path / "front.svg").read_text()
    assert main(["optimise", str(study), "--workers=1", "--generations", "0"]) == 0
    assert "8 points; 8 are on the front" in capsys.readouterr().out


def test_variants_compete(study: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A coil of twice the resistance is on the front nowhere."""
    heavy = "variants: {plain: {}, worse: {balance.coil.resistance: 221.56}}\n"
    study.write_text(STUDY + heavy)
    out = tmp_path / "o.nc"
    found = command(study, capsys, "--generations", "2", "--out", str(out), "--plot", str(tmp_path / "f.png"))
    import xarray as xr

    with xr.open_dataset(out) as data:
        assert data.sizes == {"point": 48}
        assert int(data["front"].sum()) == len(found["front"])
        assert set(data["variant"].values) == {"plain", "worse"} and data["p"].attrs["long_name"] == "balance.scale"
        on = data["front"].values.astype(bool)
        assert np.isclose(data["resistance"].values[on] * data["p"].values[on], 110.78).mean() > 0.8
    assert (tmp_path / "f.png").read_bytes()[:4] == b"\x89PNG"


def test_it_goes_on_where_it_was_interrupted(
    study: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the same front, and no finished point is computed again."""
    whole = command(study, capsys, "--generations", "3")
    computed = []
    evaluate = sweep.evaluate

    def counted(*given: Any) -> Any:
        computed.append(1)
        if len(computed) == 13:
            raise KeyboardInterrupt
        return evaluate(*given)

    monkeypatch.setattr(sweep, "evaluate", counted)
    words = ["optimise", str(study), "--workers=1", "--generations", "3", "--out", str(tmp_path / "o.nc"), "--json"]
    assert main(words) == 130
    assert "interrupted: 12 of 32 points are kept" in capsys.readouterr().err
    assert command(study, capsys, *words[3:], "--resume")["front"] == whole["front"]
    assert len(computed) == 13 + 20
    longer = command(study, capsys, "--generations", "4", *words[5:], "--resume")
    assert longer["points"] == 40 and len(computed) == 13 + 20 + 8


def test_side_by_side_as_alone(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alone = command(study, capsys, "--generations", "1")
    assert main(["optimise", str(study), "--workers=2", "--generations", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["front"] == alone["front"]


def test_no_point_keeps_the_limits(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study.write_text(STUDY + 'constraints: ["resistance <= 1 ohm"]')
    assert main(["optimise", str(study), "--workers=1", "--generations", "0"]) == 0
    assert "no point keeps the limits; the nearest breaks them by" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "words", "message"),
    [
        ("constraints: ['resistance < 1']", [], "study.yaml:9: constraints.0: expected a limit such as"),
        ("constraints: ['resistence <= 1']", [], "there is no output 'resistence'"),
        ("", ["-n", "12"], "expected a power of 2"),
        ("", ["--generations", "2000"], "16008 points are more than 10000; add --yes"),
        ("", ["--resume"], "give it with --out"),
        ("", ["--plot", "x.abc"], "--plot"),
        ("", ["--out", "nowhere/o.nc"], "expected a file in a folder that is there"),
    ],
)
def test_bad_input_is_one_line(
    more: str, words: list[str], message: str, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study.write_text(STUDY + more)
    assert main(["optimise", str(study), *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_what_there_is_nothing_to_optimise_of(study: Path) -> None:
    study.write_text(STUDY.replace("objectives: [magnet_mass, resistance]\n", ""))
    with pytest.raises(OptimiseError, match=r"study\.yaml: expected objectives, such as"):
        Optimiser(load_study(study), 8)
