"""Boundaries: every crossing of a limit, and what the command says of them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scenarios
from scenarios.cli.app import main
from scenarios.studies.boundary import MATERIALS, SCHEMES, Search, roots, table_entry
from scenarios.studies.thermal import thermal

GRID = np.linspace(0.0, 1.0, 9)


@settings(deadline=None)
@given(st.lists(st.floats(0.05, 0.95), min_size=1, max_size=4, unique_by=lambda x: round(x, 1)))
def test_the_roots_of_a_polynomial(given_roots: list[float]) -> None:
    """As many as there are, wherever they are on the grid, if a step of it holds at most one of them."""
    expected = sorted(given_roots)
    if np.diff(expected).min(initial=1.0) < 0.13:
        return
    found = roots(lambda x: math.prod(x - r for r in expected), GRID)
    assert found == pytest.approx(expected, rel=1e-9)


@settings(deadline=None)
@given(st.floats(0.2, 0.8), st.floats(1e-3, 2e-2))
def test_two_roots_between_neighbours_of_the_grid(middle: float, apart: float) -> None:
    found = roots(lambda x: (x - middle) ** 2 - apart**2, GRID)
    assert found == pytest.approx([middle - apart, middle + apart], rel=1e-6)


def test_roots_at_points_of_the_grid_count_once() -> None:
    assert roots(lambda x: (x - 0.5) * (x - 1.0) * x, GRID) == [0.0, 0.5, 1.0]
    assert roots(lambda x: 1.0 + x, GRID) == []


class Known(Search):
    """ε = sin(2πx)/2."""

    def epsilon(self, value: float) -> float:
        return 0.5 * math.sin(2 * math.pi * value)

    def _root(self, value: float, low: float, high: float):  # type: ignore[no-untyped-def]
        from scenarios.studies.boundary import Root

        return Root(value, 0.0, 1.0, None, None)


def test_where_the_limit_is_kept() -> None:
    """|sin 2πx| ≤ 1/2 about 0, 1/2 and 1."""
    found = Known(scenarios.load("nist4_tmtp"), "balance.scale").boundary(0.25, 0.0, 1.0)
    twelfths = [1, 5, 7, 11]
    assert [12 * root.value for root in found.roots] == pytest.approx(twelfths, rel=1e-9)
    assert [(round(12 * a), round(12 * b)) for a, b in found.within] == [(0, 1), (5, 7), (11, 12)]
    assert found.smallest is found.roots[-1]
    assert Known(scenarios.load("nist4_tmtp"), "x").boundary(0.6, 0.0, 1.0).verdict == "kept all through"
    broken = Known(scenarios.load("nist4_tmtp"), "x").boundary(0.1, 0.2, 0.3)
    assert broken.verdict == "exceeded all through" and broken.smallest is None


@pytest.mark.parametrize(("limit", "low", "high"), [(0.0, 0.1, 1.0), (math.nan, 0.1, 1.0), (1e-8, 1.0, 1.0)])
def test_what_is_no_boundary(limit: float, low: float, high: float) -> None:
    with pytest.raises(ValueError, match="expected a"):
        Search(scenarios.load("nist4_tmtp"), "balance.scale").boundary(limit, low, high)


def test_the_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """At its root |ε| is the limit; diameter and mass are those of that size."""
    picture = tmp_path / "b.svg"
    words = ["boundary", "nist4_tmtp", "--from", "0.7", "--to", "0.8", "--plot", str(picture), "--json"]
    words += ["--limit", "10 ppb"]
    monkeypatch.setattr("scenarios.studies.boundary.Search.boundary.__defaults__", (5,))
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    (root,) = found["roots"]
    experiment = scenarios.load("nist4_tmtp").with_({"balance.scale": root["value"]})
    assert abs(thermal(experiment).epsilon) == pytest.approx(1e-8, rel=1e-9)
    assert root["diameter_mm"] == pytest.approx(600 * root["value"], rel=1e-12)
    assert root["mass_kg"] == pytest.approx(850 * root["value"] ** 3, rel=1e-12)
    assert 0 < root["u"] < 1e-6
    assert found["within"] == [[root["value"], 0.8]]
    assert main([word for word in words if word != "--json"]) == 0
    told = capsys.readouterr().out.replace("\N{NARROW NO-BREAK SPACE}", "")
    assert "numerically to" in told and "0.7418846" in told and "±" not in told
    assert "limit" not in picture.read_text() and "|ε|" in picture.read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["boundary"], "give the file or the name of a scenario, or --table"),
        (["boundary", "nist4_tmtp", "--over", "balance.scal", "--limit", "1ppb"], "did you mean 'scale'?"),
        (["boundary", "nist4_tmtp", "--over", "balance.coil.resistnce"], "did you mean 'resistance'?"),
        (["boundary", "nist4_tmtp", "--over", "name"], "has no quantity name"),
        (["boundary", "nist4_tmtp", "--limit", "1 kg"], "--limit: expected a quantity in 1"),
        (["boundary", "nist4_tmtp", "--over", "balance.coil.resistance"], "give --from and --to"),
        (["boundary", "nist4_tmtp", "--over", "campaign.weighing.count", "--from", "1"], "is a whole number"),
        (["thermal", "nist4_tmtp", "--over", "campaign.weighing.count"], "is a whole number"),
        (["boundary", "nist4_tmtp", "--from", "1 m"], "--from: expected a quantity in 1"),
        (["boundary", "nist4_tmtp", "--from", "-1"], "scale: must be greater than 0"),
        (["boundary", "nist4_tmtp", "--limit", "0"], "expected a limit greater than 0"),
        (["boundary", "nist4_tmtp", "--table"], "--table has its own scenarios"),
    ],
)
def test_bad_input_is_one_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_an_entry_of_the_table() -> None:
    """NdFeB needs a larger magnet than SmCo: its equivalent coefficient is larger."""
    sizes = {}
    for material in MATERIALS:
        entry = table_entry(("tmtp", material), 1e-8, 0.7, 0.9, points=3)
        assert entry.size is not None and entry.band is not None
        sizes[material] = entry.size.value
        assert all(size == pytest.approx(entry.size.value, rel=2e-3) for size in entry.band)
    assert sizes["NdFeB"] > 1.05 * sizes["SmCo"]


def test_a_tenth_of_omtp_may_be_as_small_as_omtp_with_ten_times_the_limit() -> None:
    tenth = table_entry(("power_regulated_10", "SmCo"), 1e-8, 0.165, 0.185, points=3).size
    whole = table_entry(("omtp", "SmCo"), 1e-7, 0.165, 0.185, points=3).size
    assert tenth is not None and whole is not None and tenth.value == whole.value


@pytest.mark.nightly
def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["boundary", "--table", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)["entries"]
    assert [(e["scheme"], e["material"]) for e in entries] == [(s, m) for s in SCHEMES for m in MATERIALS]
    assert all(entry["p"] is not None for entry in entries[:4])
