"""``kibble-twin report`` and what ``run --out`` adds to its results."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from scipy.special import stdtrit

from scenarios.cli.app import main
from scenarios.reduction import Excluded
from scenarios.reduction.gum import Input, combine
from scenarios.report import files, tables
from scenarios.report.numbers import plus_minus, significant
from scenarios.report.page import page
from scenarios.report.theme import Rendered
from scenarios.run import output
from scenarios.run.output import FILES, PICTURES, REPORT, OutputFolder, exchange
from scenarios.run.reopen import Origin
from scenarios.run.result import Result
from scenarios.schema.difference import Difference

SECTIONS = [
    "summary", "currents", "temperatures", "bl", "weighings", "allan", "budget", "graph", "scenario", "excluded",
    "provenance",
]  # fmt: skip
RESULTS = ["result.json", "run.nc", "scenario.yaml"]
DATE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Page(HTMLParser):
    """What a page holds: its tags, the addresses it names, its ids, and the text of some elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.texts: dict[str, list[str]] = {"h1": [], "h2": [], "td": [], "th": [], "style": []}
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for key, value in attrs:
            if key in ("src", "href", "xlink:href", "srcset", "data", "action", "poster"):
                self.addresses.append(value or "")
            if key == "id":
                self.ids.append(value or "")
            assert not key.startswith("on"), key
        if tag in self.texts:
            self._open.append(tag)
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open[-1]][-1] += data


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """The results of the run, to be changed."""
    return Path(shutil.copytree(folder, tmp_path / "copy"))


@pytest.fixture(scope="module")
def html(folder: Path) -> str:
    """The page of the run."""
    return (folder / REPORT).read_text(encoding="utf-8")


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures take a while, and some tests do not look at them."""
    monkeypatch.setattr(files, "SECTIONS", dict.fromkeys(files.SECTIONS, ()))


def written(result: Result, origin: Origin) -> str:
    """A page without pictures."""
    nothing = dict.fromkeys(("currents", "temperatures", "bl", "weighings", "allan", "budget"), ())
    return page(result, origin, nothing, '<svg width="10" height="10" style=""></svg>', DATE)


# --- the page --------------------------------------------------------------------------------------------------------


def test_files(folder: Path) -> None:
    """Results, page and pictures; every picture as SVG and as PNG."""
    assert sorted(os.listdir(folder)) == sorted(FILES)
    names = Counter(path.stem for path in (folder / PICTURES).iterdir())
    assert set(names.values()) == {2} and {"currents", "bl_time", "masses", "budget", "graph"} <= set(names)
    for path in (folder / PICTURES).iterdir():
        if path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG\r\n")
        else:
            assert ElementTree.fromstring(path.read_bytes()).tag.endswith("svg")


def test_sections(html: str) -> None:
    """All of them in order, each in the table of contents, and no id twice."""
    found = Page(html)
    assert [i for i in found.ids if i in SECTIONS] == SECTIONS
    assert [a for a in found.addresses if a[1:] in SECTIONS] == [f"#{name}" for name in SECTIONS]
    assert max(Counter(found.ids).values()) == 1
    assert "recorded nothing" not in html and html.startswith("<!DOCTYPE html>")
    assert found.tags["figure"] == found.tags["figcaption"] == 11 and found.tags["details"] == 2


def test_self_contained(html: str) -> None:
    """Nothing comes from elsewhere: addresses are within the page or hold their data; there is no script."""
    found = Page(html)
    assert all(address.startswith(("#", "data:")) for address in found.addresses)
    targets = {a[1:] for a in found.addresses if a.startswith("#")}
    assert targets <= set(found.ids)
    assert not found.tags["script"] and not found.tags["iframe"]
    assert not re.search(r"@import|url\((?!#)", html) and len(html) < 5_000_000
    assert 'name="viewport"' in html


def test_numbers_of_the_summary(html: str, result: Result) -> None:
    """Mass with its uncertainty, and the deviation from the truth, are those of the result."""
    found = Page(html)
    assert tables.headline(result) in html
    rows = dict(zip(found.texts["th"], found.texts["td"], strict=False))
    assert rows["Deviation from the true mass"].startswith(tables.ppm(result.relative_error))
    assert rows["True mass, as simulated"] == "1 kg"


def made_of(result: Result, **changes: Any) -> Result:
    """The result with another mass or another budget."""
    return replace(result, mass=replace(result.mass, **changes))


@pytest.mark.parametrize(("z", "agrees"), [(0.5, True), (1.66, True), (-1.98, True), (2.02, False), (-3.0, False)])
@pytest.mark.parametrize(("k", "limit"), [(1.0, 2.0), (2.0, 2.0), (3.0, 3.0)])
def test_verdict(result: Result, z: float, agrees: bool, k: float, limit: float) -> None:
    """By how many uncertainties mass and truth differ, against 2 or the k asked for; k = 1 is no limit."""
    z *= limit / 2.0
    true = replace(result.true, mass_kg=result.mass.mass_kg - z * result.mass.u_mass_kg)
    found = tables.verdict(replace(made_of(result, coverage_factor=k), true=true))
    assert found is not None and found.agrees is agrees
    assert f"within {limit:g} u" in found.text and found.text.endswith(f"= {abs(z):.2f}")
    assert found.text.startswith("agrees" if agrees else "does not agree")


@pytest.mark.parametrize(("error", "equal"), [(3e-16, True), (1e-9, False)])
def test_verdict_without_uncertainty(result: Result, error: float, equal: bool) -> None:
    """Rounding is no uncertainty: with nothing else in u the masses are equal or they are not."""
    true = replace(result.true, mass_kg=result.mass.mass_kg * (1.0 + error))
    bare = replace(made_of(result, u_mass_kg=1e-16, inputs=()), true=true)
    found = tables.verdict(bare)
    assert found is not None and found.agrees is equal and found.text.startswith("equals" if equal else "does not")
    assert tables.expanded(bare) == []


@pytest.mark.parametrize(
    ("settings", "written"),
    [
        ({}, ["(95 %)"]),
        ({"coverage_factor": 2.0}, ["k = 2.00", "(95 %)"]),
        ({"confidence": 0.95}, ["(95 %)"]),
        ({"confidence": 0.9973}, ["(99.73 %)", "(95 %)"]),
    ],
)
def test_expanded_uncertainty(result: Result, settings: dict[str, float], written: list[str]) -> None:
    """As it is asked for and at 95 %, with k from the degrees of freedom; in the summary and in the budget."""
    asked = made_of(result, **settings)
    found = tables.coverage(asked)
    assert [each.text[-len(end) :] for each, end in zip(found, written, strict=True)] == written
    assert found[-1].k == pytest.approx(stdtrit(result.mass.budget.dof, 0.975), rel=2e-3)
    rows = [row.value for row in tables.summary(asked, Origin("", "", None)) if "U(m)" in row.name]
    u = result.mass.u_mass_kg
    assert rows == [plus_minus(result.mass.mass_kg, each.k * u, "kg") for each in found]
    assert [row.relative for row in tables.budget(asked).totals if "Expanded" in row.label] == [
        significant(each.k * result.mass.u_relative * 1e6) for each in found
    ]


def test_budget(result: Result) -> None:
    """A line each for what the reduction has found, largest first; what does not matter is in a line together."""
    lines, table = result.mass.budget.lines, tables.budget(result)
    assert len(table.lines) + len(table.smaller) == len(lines) > 5
    assert [row.label for row in [*table.lines, *table.smaller]] == [
        line.label for line in sorted(lines, key=lambda line: -line.contribution)
    ]
    u = result.mass.u_relative
    small = [line.contribution for line in lines if line.contribution < 0.01 * u]
    assert len(table.smaller) == len(small) > 1
    totals = {row.label: float(row.relative.replace("\N{NARROW NO-BREAK SPACE}", "")) for row in table.totals}
    assert table.relative_unit == "ppm"
    assert totals["Combined standard uncertainty"] == pytest.approx(u * 1e6, rel=0.006)
    assert totals[f"{len(small)} smaller ones together"] == pytest.approx(math.hypot(*small) * 1e6, rel=0.006)
    assert math.hypot(totals["Type A together"], totals["Type B together"]) == pytest.approx(u * 1e6, rel=0.006)


@pytest.mark.parametrize(("number", "alone"), [(0, []), (1, []), (2, [0.009, 0.001]), (5, [0.009] + [0.001] * 4)])
def test_a_single_small_line_is_not_folded(number: int, alone: list[float]) -> None:
    """One line in place of one line saves nothing."""
    sizes = [1.0, 0.011, *[0.001] * (number - 1), *([0.009] if number else [])]
    lines = combine([Input(str(i), "B", None, "kg", size, 1.0) for i, size in enumerate(sizes)], 1.0).lines
    kept, small = tables.folded(lines, 1.0)
    assert [line.contribution for line in small] == pytest.approx(alone)
    assert sorted(line.label for line in [*kept, *small]) == sorted(line.label for line in lines)


def test_corrections(result: Result) -> None:
    """A row for each that changes the mass or is off; the others are named in a sentence."""
    rows, idle = tables.corrections(result)
    sizes = result.mass.corrections
    assert {row.name for row in rows if row.applied} == {
        n.replace("_", " ") for n, s in sizes.items() if abs(s) > 1e-14
    }
    assert set(idle) == {n.replace("_", " ") for n, s in sizes.items() if abs(s) <= 1e-14}
    buoyancy = next(row for row in rows if row.name == "buoyancy")
    assert float(buoyancy.ppm) == pytest.approx(sizes["buoyancy"] * 1e6, rel=0.006)
    off = result.scenario.with_({"reduction.corrections.tide": False})
    row = next(row for row in tables.corrections(replace(result, scenario=off))[0] if row.name == "tide")
    assert (row.applied, row.ppm, row.micrograms) == (False, "", "")


def test_escapes(reopened: tuple[Result, Origin]) -> None:
    """A hostile name, description or reason is shown as it is written, and does nothing."""
    result, origin = reopened
    name = "<script>alert('x')</script>\"&{{ 7*7 }}"
    scenario = result.scenario.with_({"name": name, "description": "</style><img src=x onerror=alert(1)>"})
    text = written(replace(result, scenario=scenario), origin)
    found = Page(text)
    assert not found.tags["script"] and not found.tags["img"]
    assert found.texts["h1"] == [name]


def test_large_picture_is_a_png(reopened: tuple[Result, Origin]) -> None:
    """An SVG of more than 300 kB stands on the page as PNG, with its text."""
    big = Rendered("big", 'alt "quoted"', "caption", b"<svg" + b" " * 300_001 + b"></svg>", b"\x89PNG")
    nothing: dict[str, Any] = dict.fromkeys(("currents", "temperatures", "bl", "weighings", "allan"), ())
    text = page(*reopened, {**nothing, "budget": [big]}, '<svg width="1" height="1" style=""></svg>', DATE)
    assert 'alt="alt &#34;quoted&#34;"' in text or 'alt="alt &quot;quoted&quot;"' in text
    assert "data:image/png;base64,iVBORw==" in text


def test_date_is_apart(reopened: tuple[Result, Origin]) -> None:
    """The date stands once, in the last section."""
    text = written(*reopened)
    assert text.count("2026-01-02") == 1 and text.index("2026-01-02") > text.index('id="provenance"')


def test_differences(reopened: tuple[Result, Origin]) -> None:
    """Key, both values and unit of each; a sentence if nothing differs, and one if there is nothing to compare with."""
    result, origin = reopened
    items = Difference("balance.magnet.<x>", None, 0.5, "T*m"), Difference("campaign.cycles", 8, 3)
    text = written(result, replace(origin, parent="kbmini", differences=items))
    cells = Page(text).texts
    assert "balance.magnet.<x>" in cells["th"] and cells["td"][cells["td"].index("–") :][:6] == [
        "–", "0.5", "T·m", "8", "3", "",
    ]  # fmt: skip
    alike = replace(origin, parent="kbmini", differences=())
    assert "Nothing differs from <code>kbmini</code>" in written(result, alike)
    assert "There is no parent known" in written(result, replace(origin, parent=""))


def test_excluded(reopened: tuple[Result, Origin]) -> None:
    """What was left out and why, counted from 1."""
    result, origin = reopened
    items = (Excluded(0, "weighing", 2, "it is <late>"), Excluded(1, "cycle", None, "no air"))
    items += tuple(Excluded(2, "sweep", i, "stuck" if i == 5 else "zero") for i in (0, 1, 2, 4, 5))
    cells = Page(written(replace(result, mass=replace(result.mass, excluded=items)), origin)).texts["td"]
    where = cells.index("weighing 3") - 1
    assert cells[where : where + 6] == ["1", "weighing 3", "it is <late>", "2", "cycle", "no air"]
    sweeps = cells[where + 6 : where + 15]
    assert sweeps == ["3", "sweeps 1 to 3", "zero", "3", "sweep 5", "zero", "3", "sweep 6", "stuck"]
    assert "Nothing was excluded" in written(replace(result, mass=replace(result.mass, excluded=())), origin)


# --- the command -----------------------------------------------------------------------------------------------------


def test_same_mass_to_the_bit(folder: Path, copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Made anew from the recorded blocks: the same numbers, the same pictures, and the results untouched."""
    shutil.rmtree(copy / PICTURES)
    (copy / REPORT).unlink()
    assert main(["report", str(copy), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    recorded = json.loads((folder / "result.json").read_text())
    assert found.pop("report") == str(copy / REPORT)
    assert found == recorded
    old, new = contents(folder), contents(copy)
    old.pop(REPORT), new.pop(REPORT)
    assert new == old
    assert sorted(os.listdir(copy.parent)) == ["copy"]


@pytest.mark.usefixtures("no_pictures")
def test_for_a_reader(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without summary file it works too; it says where the report is."""
    (copy / "result.json").unlink()
    assert main(["report", str(copy)]) == 0
    found = capsys.readouterr()
    assert found.out.endswith(f"report: {copy / REPORT}\n") and " m = " in found.out and found.err == ""
    assert sorted(os.listdir(copy)) == sorted(set(FILES) - {"result.json"})


@pytest.mark.usefixtures("no_pictures")
def test_other_settings(folder: Path, copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A correction that is left out changes the mass by its size; the page says so, the run's own result stays."""
    assert main(["report", str(copy), "--json", "--set", "reduction.corrections.buoyancy=false"]) == 0
    found = json.loads(capsys.readouterr().out)["result"]
    recorded = json.loads((folder / "result.json").read_text())["result"]
    without = recorded["mass_kg"] / (1.0 + recorded["corrections"]["buoyancy"])
    assert found["mass_kg"] == pytest.approx(without, rel=1e-13) != recorded["mass_kg"]
    text = (copy / REPORT).read_text()
    assert "reduction.corrections.buoyancy=false" in text and "Change against the run" in text
    assert "Hash as reduced here" in text
    assert all((copy / name).read_bytes() == (folder / name).read_bytes() for name in RESULTS)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (shutil.rmtree, "no such folder"),
        (lambda path: (path / "run.nc").unlink(), "run.nc is missing"),
        (lambda path: (path / "scenario.yaml").unlink(), "scenario.yaml is missing"),
        (lambda path: (path / "run.nc").write_text("no such thing"), "is no run of kibble-twin"),
        (lambda path: (path / "scenario.yaml").write_text("schema: [1"), "scenario.yaml"),
        (lambda path: (path / "result.json").write_text("{"), "result.json is no summary of a run"),
    ],
)
def test_no_run(copy: Path, capsys: pytest.CaptureFixture[str], change: Callable[[Path], Any], text: str) -> None:
    """One line that says what is wrong, exit code 2, and nothing is changed."""
    change(copy)
    before = contents(copy)
    assert main(["report", str(copy)]) == 2
    found = capsys.readouterr()
    assert found.out == "" and found.err.count("\n") == 1 and text in found.err
    assert contents(copy) == before and set(os.listdir(copy.parent)) <= {"copy"}


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("balance.scale=0.5", "balance.scale belongs to the run"),
        ("seed=2", "seed belongs to the run"),
        ("reduction.profile_ordre=2", "profile_ordre"),
    ],
)
def test_wrong_setting(folder: Path, capsys: pytest.CaptureFixture[str], setting: str, text: str) -> None:
    """What belongs to the run cannot be set afterwards."""
    assert main(["report", str(folder), "--set", setting]) == 2
    found = capsys.readouterr()
    assert text in found.err and found.err.count("\n") == 1


def test_while_a_run_writes_there(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It waits for nobody: exit code 2."""
    with OutputFolder(copy).claimed():
        assert main(["report", str(copy)]) == 2
    assert "another run is writing there" in capsys.readouterr().err


# --- what cannot be drawn, and what is interrupted -------------------------------------------------------------------


@pytest.mark.parametrize(("error", "code"), [(ZeroDivisionError("oops"), 0), (KeyboardInterrupt(), 130)])
def test_failed_report_keeps_the_results(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    short: list[str],
    error: BaseException,
    code: int,
) -> None:
    """The results are in place before the report is begun; one line says what failed and how to try again."""

    def fail(*_: Any) -> str:
        raise error

    monkeypatch.setattr(files, "render", fail)
    assert main(["run", *short, "--set=campaign.cycles=1", "--json", "--out", str(tmp_path / "kept")]) == code
    found = capsys.readouterr()
    assert found.err.count("\n") == 1 and f"kibble-twin report {tmp_path / 'kept'}" in found.err
    assert ("oops" in found.err) == (code == 0)
    assert sorted(os.listdir(tmp_path)) == ["kept"] and sorted(os.listdir(tmp_path / "kept")) == RESULTS
    if code == 0:
        assert json.loads(found.out) == json.loads((tmp_path / "kept" / "result.json").read_text())


def test_without_report(tmp_path: Path, short: list[str]) -> None:
    """As many runs want it."""
    assert main(["run", *short, "--set=campaign.cycles=1", "--no-report", "--out", str(tmp_path / "kept")]) == 0
    assert sorted(os.listdir(tmp_path / "kept")) == RESULTS


class KillError(BaseException):
    """Stands for kill -9: nothing that follows is done."""


@pytest.mark.parametrize("linux", [True, False])
def test_killed_at_any_call_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linux: bool) -> None:
    """The page is the old or the new one, the pictures are complete, and the results are never touched."""
    path, calls, last = tmp_path / "kept", 0, -1
    path.mkdir()
    for name in RESULTS:
        (path / name).write_text("result")

    def write(text: str) -> Callable[[Path], None]:
        def into(target: Path) -> None:
            (target / PICTURES).mkdir()
            for name in ("a.svg", "b.svg"):
                (target / PICTURES / name).write_text(text)
            (target / REPORT).write_text(text)

        return into

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == last:
                raise KillError
            return function(*arguments, **options)

        return call

    number, killed = 0, True
    while killed:
        with OutputFolder(path).claimed():
            OutputFolder(path).add(write("old"))
        number, calls = number + 1, 0
        last = number
        try:
            with monkeypatch.context() as patch, OutputFolder(path).claimed():
                for name in ("fsync", "rename", "replace"):
                    patch.setattr(os, name, counted(getattr(os, name)))
                patch.setattr(output, "exchange", counted(exchange) if linux else lambda *_: False)
                OutputFolder(path).add(write("new"))
            killed = False
        except KillError:
            pass
        assert (path / REPORT).read_text() in ("old", "new")
        assert all((path / name).read_text() == "result" for name in RESULTS)
        if linux or (path / PICTURES).exists():
            texts = [(path / PICTURES / name).read_text() for name in ("a.svg", "b.svg")]
            assert texts in (["old"] * 2, ["new"] * 2) and len(os.listdir(path / PICTURES)) == 2
        assert os.listdir(tmp_path) == ["kept"]
    assert number > 5 and (path / REPORT).read_text() == texts[0] == "new"
