"""Blind campaigns: what is published tells no truth, and what is opened tells all of it."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scenarios
from scenarios.cli.app import main
from scenarios.report.numbers import significant
from scenarios.run.reopen import reopen
from scenarios.studies import sealed
from scenarios.studies.blind import MASS, BlindError, drawn, published_of, spreads

PASSPHRASE = "correct horse battery staple"
RESISTOR = "balance.resistor.resistance"
FAULT = "faults={shock: {component: interferometer, kind: mode_hop, time: 1 h, size: 0.1 ppm}}"
SHORT = ["--set", "campaign.cycles=2", "--set", "thermal.start=ambient"]


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A blind campaign and what its command printed."""
    out = tmp_path_factory.mktemp("blind") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIBBLE_TWIN_PASSPHRASE", PASSPHRASE)
        patch.setattr(sealed, "COST", 2**4)
        hide = ["--hide", f"{RESISTOR}=1 mohm", "--within", "20 ppm"]
        assert main(["blind", "kbmini_tmtp", "--out", str(out), *hide, *SHORT]) == 0
    return {"out": out, "sealed": out.with_name("run.sealed.json"), "sidecar": out.with_name("run.sealed.sha256")}


@pytest.fixture
def passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIBBLE_TWIN_PASSPHRASE", PASSPHRASE)


def verdict(campaign: dict[str, Any], answer: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["blind", "--open", str(campaign["sealed"]), "--answer", str(answer), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_bias_is_found_again(
    campaign: dict[str, Any], passphrase: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """The analysis, which believes the certificates, is off by what the resistor is."""
    found = verdict(campaign, campaign["out"], capsys)
    mass, resistor = found["hidden"]
    assert mass["path"] == MASS and abs(mass["bias"]) <= 20e-6
    assert resistor["path"] == RESISTOR and 0 < abs(resistor["bias"]) <= 1e-3
    u = found["u_mass_kg"]
    assert found["difference_kg"] == pytest.approx(resistor["bias"] / resistor["nominal"], abs=5 * u)
    assert found["z"] == pytest.approx(found["difference_kg"] / u)
    assert found["true_mass_kg"] == mass["true"]


def test_the_run_can_be_repeated_from_what_was_sealed(
    campaign: dict[str, Any], passphrase: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """The published readings are those of the secret scenario, bit for bit, and of no other."""
    found = verdict(campaign, campaign["out"], capsys)
    secret = {"seed": found["seed"], **{each["path"]: each["true"] for each in found["hidden"]}}
    public = scenarios.load(campaign["out"] / "scenario.yaml")
    told, _ = reopen(campaign["out"])

    def weighings(blocks: Any) -> np.ndarray:
        return np.concatenate([b.values.ravel() for b in blocks.select("current_voltmeter", phase="weighing")])

    assert np.array_equal(weighings(public.with_(secret).run().readings), weighings(told.readings))


def test_nothing_that_is_published_tells_the_truth(
    campaign: dict[str, Any], passphrase: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither as text nor as a number of eight bytes, nor by what the scenario came from."""
    found = verdict(campaign, campaign["out"], capsys)
    numbers = [each[key] for each in found["hidden"] for key in ("true", "bias")]
    numbers += [each["bias"] / each["nominal"] for each in found["hidden"]]
    needles = [repr(number).encode() for number in numbers] + [f"{number:.12g}".encode() for number in numbers]
    needles += [struct.pack(order, number) for number in numbers for order in ("<d", ">d")]
    needles += [str(found["seed"]).encode(), struct.pack("<q", found["seed"])]
    files = [path for path in campaign["out"].rglob("*") if path.is_file()]
    files += [campaign["sealed"], campaign["sidecar"]]
    assert {path.name for path in files} >= {"run.nc", "result.json", "scenario.yaml"}
    for path in files:
        content = path.read_bytes()
        assert not [needle for needle in needles if needle in content], path
    assert all(needle in json.dumps(found).encode() for needle in [repr(number).encode() for number in numbers[:4]])
    summary = json.loads((campaign["out"] / "result.json").read_text())
    assert set(summary["true"].values()) == {None} and summary["result"]["relative_error"] is None
    assert summary["thermal"] is None and summary["differences"] == [] and summary["seed"] == 0
    told, _ = reopen(campaign["out"])
    assert len(told.truth) == 0


@pytest.mark.nightly
def test_its_report_tells_no_truth(campaign: dict[str, Any]) -> None:
    assert main(["report", str(campaign["out"])]) == 0
    page = (campaign["out"] / "report.html").read_text(encoding="utf-8").lower()
    assert "true mass" not in page and "(truth)" not in page and ">truth<" not in page


def test_the_hashes_are_those_of_the_seal(campaign: dict[str, Any]) -> None:
    """In the sidecar as sha256sum has them, and in the published result."""
    digest = hashlib.sha256(campaign["sealed"].read_bytes()).hexdigest()
    line, content = campaign["sidecar"].read_text().splitlines()
    assert line == f"{digest}  run.sealed.json"
    told = json.loads((campaign["out"] / "result.json").read_text())["blind"]
    assert told == {"sealed_sha256": digest, "content_sha256": content.removeprefix("# content ")}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("{}", "expected numbers mass_kg and u_mass_kg"),
        ("[1]", "expected numbers mass_kg and u_mass_kg"),
        ("{", "expected JSON with mass_kg and u_mass_kg"),
        ('{"mass_kg": 1.0, "u_mass_kg": 0}', "an uncertainty greater than 0"),
    ],
)
def test_an_answer_that_is_none(
    answer: str, message: str, campaign: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is refused before the seal is broken."""
    (tmp_path / "a.json").write_text(answer)
    assert main(["blind", "--open", str(campaign["sealed"]), "--answer", str(tmp_path / "a.json")]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_plain_answer_and_what_is_said_of_it(
    campaign: dict[str, Any], passphrase: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.json").write_text('{"mass_kg": 1.1, "u_mass_kg": 1e-7}')
    assert verdict(campaign, tmp_path / "a.json", capsys)["mass_kg"] == 1.1
    assert main(["blind", "--open", str(campaign["sealed"]), "--answer", str(tmp_path / "a.json")]) == 0
    out = capsys.readouterr().out
    assert "opened, as published" in out and RESISTOR in out and "z = +" in out


def test_what_is_opened_is_drawn(
    campaign: dict[str, Any], passphrase: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The answer beside the true mass, and each hidden error with its size."""
    picture = tmp_path / "b.svg"
    words = ["blind", "--open", str(campaign["sealed"]), "--answer", str(campaign["out"]), "--plot", str(picture)]
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    svg = picture.read_text(encoding="utf-8")
    assert f"z = {found['z']:+.2f}".replace("-", "−") in svg
    for each, unit in zip(found["hidden"], ("kg", "Ω"), strict=True):
        assert each["path"].removeprefix("balance.") in svg
        assert f">{significant(each['bias'], 3)} {unit}<" in svg


def test_a_passphrase_that_is_not_right_or_not_there(
    campaign: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["blind", "--open", str(campaign["sealed"]), "--answer", str(campaign["out"])]
    monkeypatch.delenv("KIBBLE_TWIN_PASSPHRASE", raising=False)
    assert main(words) == 2
    assert "there is nobody to ask for a passphrase" in capsys.readouterr().err
    (tmp_path / "secret").write_text("incorrect horse\n")
    assert main([*words, "--passphrase-file", str(tmp_path / "secret")]) == 2
    error = capsys.readouterr().err
    assert "run.sealed.json: the passphrase is another one" in error and error.count("\n") == 1
    (tmp_path / "secret").write_text(f"{PASSPHRASE}\nand a second line\n")
    assert main([*words, "--passphrase-file", str(tmp_path / "secret")]) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give a scenario and --out DIR"),
        (["kbmini_tmtp"], "give a scenario and --out DIR"),
        (["kbmini_tmtp", "--out", "x", "--hide", "resistance"], "--hide: expected KEY.PATH=WIDTH"),
        (["kbmini_tmtp", "--out", "x", "--within", "2 kg"], "--within: expected a quantity in 1"),
        (["kbmini_tmtp", "--out", "x", "--within", "2"], "a width between 0 and 1"),
        (["kbmini_tmtp", "--out", "x", "--hide", "balance.resistor.resistnce=1"], "resistnce is no quantity"),
        (["kbmini_tmtp", "--out", "x", "--hide", f"{RESISTOR}=1 m"], "expected a quantity in ohm"),
        (["kbmini_tmtp", "--out", "x", "--hide", f"{RESISTOR}=-1"], "a width greater than 0"),
        (["kbmini_tmtp", "--out", "x", "--hide", f"{RESISTOR}=2 kohm"], "resistance: must be greater than 0"),
        (["moving_mode", "--out", "x"], "there is no mass to hide"),
        (["kbmini_mass_series", "--out", "x"], "there is no mass to hide"),
        (["kbmini_tmtp", "--out", "x", "--plot", "x.png"], "--plot goes with --open SEALED"),
        (["--open", "x"], "--open SEALED goes with --answer RESULT"),
    ],
)
def test_bad_input_is_one_line(
    words: list[str], message: str, passphrase: None, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["blind", *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_not_replaced(
    campaign: dict[str, Any], passphrase: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second run of the same name would make the first one's seal worthless."""
    assert main(["blind", "kbmini_tmtp", "--out", str(campaign["out"])]) == 2
    assert "run.sealed.json is there already" in capsys.readouterr().err


def test_other_readings_are_told(
    campaign: dict[str, Any], passphrase: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside a seal stand the readings that were published with it, or none."""
    (tmp_path / "answer.json").write_text('{"mass_kg": 1.0, "u_mass_kg": 1e-7}')
    for path in (campaign["sealed"], campaign["sidecar"]):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    words = ["blind", "--open", str(tmp_path / "run.sealed.json"), "--answer", str(tmp_path / "answer.json"), "--json"]
    assert main(words) == 0 and not json.loads(capsys.readouterr().out)["record_compared"]
    (tmp_path / "run").mkdir()
    record = tmp_path / "run" / "run.nc"
    record.write_bytes((campaign["out"] / "run.nc").read_bytes())
    assert main(words) == 0 and json.loads(capsys.readouterr().out)["record_compared"]
    record.write_bytes(record.read_bytes() + b" ")
    assert main(words) == 2
    assert "these are not the readings that were published with" in capsys.readouterr().err


def test_faults_are_sealed_and_not_published() -> None:
    experiment = scenarios.load("kbmini_faulty")
    public, secret = published_of(experiment), drawn(experiment, spreads(experiment, {}))
    assert experiment.scenario.faults and not public.scenario.faults and not public.scenario.differences()
    assert set(secret.settings["faults"]) == set(experiment.scenario.faults)
    assert public.with_(secret.settings).scenario.faults == experiment.scenario.faults


def test_draws_are_uniform_and_never_the_same() -> None:
    experiment = scenarios.load("kbmini_tmtp")
    widths = spreads(experiment, {}, within=1e-3)
    shares = [drawn(experiment, widths).hidden[0].bias / 1e-3 for _ in range(40)]
    assert len(set(shares)) == 40
    assert min(shares) < -0.5 and max(shares) > 0.5 and all(abs(share) <= 1 for share in shares)


def test_the_mass_has_its_own_option() -> None:
    with pytest.raises(BlindError, match="of the mass in its own option"):
        spreads(scenarios.load("kbmini_tmtp"), {MASS: "1 mg"})
