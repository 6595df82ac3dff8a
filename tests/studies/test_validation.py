"""The validation table: its rows, its commands, and the page of the documentation."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import scenarios
from scenarios.cli import validate
from scenarios.cli.app import main
from scenarios.studies.published import Published, published
from scenarios.studies.thermal import thermal
from scenarios.studies.validation import figure, line, row
from twin import plugins

PAGE = Path(__file__).parents[2] / "docs" / "validation.md"
CHEAP = [item for item in published() if item.command.startswith("thermal nist4_tmtp")]


def entry(**changes: Any) -> Published:
    return Published(**{"id": "p.x", "value": -2.0, "unit": "K", "where": "sec. 1", "gate": "test"} | changes)


# --- rows ------------------------------------------------------------------------------------------------------------


def test_a_row_takes_its_figure_from_the_json() -> None:
    found = row(entry(tolerance=0.1, command="c", result="a.1.b"), {"a": [0, {"b": -2.1}]})
    assert found.plain() == {
        "id": "p.x",
        "published": -2.0,
        "twin": -2.1,
        "unit": "K",
        "ratio": pytest.approx(1.05),
        "tolerance": 0.1,
        "gate": "test",
        "pass": True,
        "reason": None,
        "where": "sec. 1",
        "command": "c",
        "result": "a.1.b",
    }


@pytest.mark.parametrize(
    ("changes", "twin", "passed", "ratio", "verdict"),
    [
        ({"tolerance": 0.01}, -2.1, False, 1.05, "not"),
        ({"value": 0.0, "tolerance": "abs:1e-3"}, 1e-4, True, None, "ok"),
        ({"gate": "report"}, 4.0, None, -2.0, "reported"),
        ({"gate": "calibration"}, -2.0, None, 1.0, "calibrated"),
        ({"value": 2.0, "gate": "limit"}, 2.5, False, 1.25, "not"),
        ({"value": 2.0, "tolerance": "at least"}, 2.5, True, 1.25, "ok"),
        ({"tolerance": 0.1, "magnitude": True, "value": 2.0}, -2.1, True, 1.05, "ok"),
    ],
)
def test_verdicts(changes: dict[str, Any], twin: float, passed: bool | None, ratio: float | None, verdict: str) -> None:
    found = row(entry(**changes, command="c", result="x"), {"x": twin})
    assert found.passed is passed and found.verdict == verdict
    assert found.ratio == (None if ratio is None else pytest.approx(ratio))


@pytest.mark.parametrize("told", ["it broke", {}, {"x": None}, {"x": "text"}, {"x": True}])
def test_a_command_that_does_not_tell_fails(told: Any) -> None:
    found = row(entry(tolerance=0.1, command="c", result="x"), told)
    assert found.passed is False and found.twin is None and "its command failed" in found.reason


def test_what_no_command_tells() -> None:
    found = row(entry(tolerance=0.1, tested="tests/x.py"), None)
    assert found.passed is None and found.verdict == "tested" and "tests/x.py asserts it" in found.reason


def test_rounding_is_not_shown() -> None:
    assert figure(3e-14, "K") == "< 1e-11 K" and figure(0.0, "1") == "0" and figure(1234.5, "s") == "1234 s"


# --- the published file ----------------------------------------------------------------------------------------------


def test_every_row_has_a_command_or_a_test_or_a_reason() -> None:
    known = plugins.names(plugins.COMMANDS)
    for item in published():
        assert item.command or item.tested or item.reason, item.id
        assert bool(item.command) == bool(item.result), item.id
        if item.command:
            assert item.command.split()[0] in known, item.id
        if item.tested:
            assert item.id.partition(".limit.")[0] in (Path(__file__).parents[2] / item.tested).read_text(), item.id
        if item.gate == "report":
            assert item.reason, item.id


def test_a_command_tells_every_row() -> None:
    """So that all of the table is mechanical."""
    assert [item.id for item in published() if not item.command] == []


def test_whatever_differs_by_more_than_two_per_cent_says_why() -> None:
    """By the page, which is compared with a fresh run."""
    ratios = {}
    for text in PAGE.read_text(encoding="utf-8").splitlines():
        if found := re.match(r"\| `([^`]+)`", text):
            ratios[found[1]] = text.split(" | ")[3]
    told = {item.id: ratios[item.id.partition(".")[2]] for item in published()}
    differ = {item.id for item in published() if told[item.id] != "–" and abs(float(told[item.id]) - 1) > 0.02}
    assert len(differ) > 20
    assert sorted(item.id for item in published() if item.id in differ and not item.reason) == []
    assert all(item.value == 0 for item in published() if told[item.id] == "–")


def at(p: float, h: float) -> float:
    """δT_m (K) of NIST-4's TMTP at a size and a film coefficient."""
    changes = {"balance.scale": p, "balance.thermal_mass.film_coefficient": h}
    return thermal(scenarios.load("nist4_tmtp").with_(changes)).analysis.delta_t_m_K


def test_the_bands_of_what_the_film_decides() -> None:
    """The reasons tell them; what is published lies inside."""
    rows = {item.id: item for item in published()}
    for name in ("liu2025.tmtp.p0", "liu2025.tmtp.p11_30.delta_t_m"):
        item = rows[name]
        found = re.search(r"([\d.e-]+) to ([\d.e-]+)( K)? for film coefficients of 5 to 20", item.reason)
        assert found is not None
        band = float(found[1]), float(found[2])
        assert min(band) < item.value < max(band)
        for value, h in zip(band, (5.0, 20.0), strict=True):
            if name.endswith("p0"):
                assert at(0.997 * value, h) < 0 < at(1.003 * value, h)
            else:
                assert at(11 / 30, h) == pytest.approx(value, rel=5e-3)


# --- the command -----------------------------------------------------------------------------------------------------


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """What is cheap is as the page says, and as asserted; each command runs once."""
    ids = [item.id for item in CHEAP if item.command == "thermal nist4_tmtp"]
    assert main(["validate", *ids, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [item["id"] for item in found["rows"]] == ids and len(ids) >= 4
    assert all(item["pass"] in (True, None) and item["ratio"] > 0.8 for item in found["rows"])


def test_a_result_outside_its_tolerance_is_an_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validate, "tell", lambda command: {"delta_t_f": 1.0, "delta_t_m": 1.0})
    assert main(["validate", "liu2025.tmtp.p1.delta_t"]) == 3
    assert "liu2025.tmtp.p1.delta_t_m (sec. 3.1): published 3.8e-06 K, the twin has 1" in capsys.readouterr().err
    assert main(["validate", "liu2026"]) == 2


def test_a_command_that_fails_says_why() -> None:
    assert "no shipped scenario" in str(validate.tell("thermal nist5"))


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_page_has_every_row() -> None:
    """With what is published and asserted now: a row that has changed makes the page old."""
    lines = [text for text in PAGE.read_text(encoding="utf-8").splitlines() if text.startswith("| `")]
    wanted = sorted((line(row(item, None)) for item in published()), key=lambda text: text.split(",")[0])
    there = sorted(lines, key=lambda text: text.split(",")[0])
    assert [text.split(" | ")[:2] for text in there] == [text.split(" | ")[:2] for text in wanted]
    assert [text.split(" | ")[-1] for text in there] == [text.split(" | ")[-1] for text in wanted]


def test_the_page_is_current_where_that_is_cheap() -> None:
    page = PAGE.read_text(encoding="utf-8")
    told = {command: validate.tell(command) for command in {item.command for item in CHEAP}}
    for item in CHEAP:
        assert line(row(item, told[item.command])) in page, item.id


@pytest.mark.nightly
def test_the_page_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--markdown"]) == 0
    assert capsys.readouterr().out == PAGE.read_text(encoding="utf-8")
