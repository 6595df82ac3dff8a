"""Commissioning of served instruments."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

import hw_bridge.commission
import hw_bridge.skew
from components.voltmeter import Voltmeter
from hw_bridge.commission import expected_noise
from scenarios.cli.app import main
from tests.hw_bridge.real_bench import TEXT, resources
from tests.hw_bridge.sensors import VOLTS
from tests.hw_bridge.standin_daq import Card
from tests.hw_bridge.wired import Wired


@pytest.fixture
def words(wired: Wired, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The bench with source, meter and stage, and looks that take no time."""
    for name, value in (("SETTLE", 0.0), ("APERTURE", 0.02), ("READINGS", 5), ("RAMP", 0.0), ("STEPS", (0.5, 1.0))):
        monkeypatch.setattr(hw_bridge.commission, name, value)
    monkeypatch.setattr(hw_bridge.skew, "REPEATS", 2)
    file, there = tmp_path / "bench.yaml", resources(wired)
    file.write_text(TEXT)
    found = [str(file), "--out", str(tmp_path / "report.json"), "--real", "resistor=artefact"]
    found += ["--real", f"current_source=keithley6221@{there['current_source']}"]
    found += ["--real", f"induced_voltmeter=hp3458a@{there['induced_voltmeter']}"]
    found += ["--set", "balance.current_source.hardware.limits={current: 1 mA, voltage: 10 V}"]
    return found


def source(wired: Wired) -> tuple[bool, float]:
    part = wired.station.core("current_source").source
    return part.is_connected, part.level


def test_instruments_are_led_to_the_working_point_and_are_off_in_the_end(
    wired: Wired, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["commission", *words, "--arm", "--yes", "--to", "0.4 mA"]) == 0, capsys.readouterr().err
    report = json.loads((tmp_path / "report.json").read_text())
    at = {f["what"]: f for f in report["findings"] if "→" in f["instrument"]}
    assert at.pop("time stamps behind the command")["ok"] is False  # the served instruments have no time of their own
    assert set(at) == {"polarity and scale", "at 0.0002 A", "at 0.0004 A"}
    assert all(f["ok"] for f in at.values())
    assert report["unverified"] == []
    assert report["instruments"]["current_source"]["end"] == "output off, level 0 A, read back"
    assert source(wired) == (False, 0.0)


def test_without_arm_nothing_is_switched(wired: Wired, words: list[str], tmp_path: Path) -> None:
    assert main(["commission", *words]) == 0
    findings = json.loads((tmp_path / "report.json").read_text())["findings"]
    assert any(f["found"] == "not switched: a dry run" for f in findings)
    assert source(wired) == (False, 0.0)


def test_a_working_point_beyond_the_limit_is_refused_before_anything_is_connected(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["commission", *words, "--arm", "--to", "-5 mA"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "error: --to: -0.005 A is beyond hardware.limits.current of current_source, 0.001 A"
    assert not (tmp_path / "report.json").exists()


def test_a_wrong_polarity_ends_it_with_the_output_off(
    wired: Wired, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin is told of a resistor in the other direction, as if the leads were swapped."""
    monkeypatch.setattr("components.resistor.Resistor.signals", _reversed)
    assert main(["commission", *words, "--arm", "--yes"]) == 3
    assert "the polarity is reversed" in capsys.readouterr().err
    assert source(wired) == (False, 0.0)


def _reversed(self: object, **inputs: object) -> dict[str, object]:
    current = inputs["current"]
    return {"voltage": -1000.0 * current, "resistance": 0.0 * current + 1000.0}  # type: ignore[operator]


@pytest.mark.parametrize(("answers", "code"), [("y\nn\n", 3), ("", 3), ("y\n" * 9, 0)])
def test_an_operator_is_asked_before_each_step(
    wired: Wired,
    words: list[str],
    answers: str,
    code: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answers))
    assert main(["commission", *words, "--arm"]) == code
    errors = capsys.readouterr().err
    assert "next: current_source: output on" in errors
    assert ("stopped by the operator" in errors) == bool(code)
    assert source(wired) == (False, 0.0)


def test_a_stage_moves_a_little_and_comes_back(
    wired: Wired, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also to and fro, while what it moves is read; the meter, which it does not move, is not compared with that."""
    card = Card(VOLTS).install(monkeypatch)
    words += ["--arm", "--yes", "--real", f"motion_stage=pi_gcs@{resources(wired)['motion_stage']}"]
    words += ["--real", "displacement_sensor=daq_displacement_sensor@Dev1"]
    words += ["--set", "balance.displacement_sensor.hardware.settings={position: ai1, position_scale: 10 um/V}"]
    words += ["--set", "balance.motion_stage.hardware.limits={lower: -1 mm, upper: 1 mm, velocity: 5 mm/s}"]
    assert main(["commission", *words]) == 0, capsys.readouterr().err
    findings = json.loads((tmp_path / "report.json").read_text())["findings"]
    moves = [f for f in findings if f["what"] == "moves"]
    assert [f["expected"] for f in moves] == ["2e-05 m", "-2e-05 m", "0 m"]
    assert all(float(f["found"].split()[0]) == pytest.approx(float(f["expected"].split()[0]), abs=1e-8) for f in moves)
    assert wired.station.core("flexure").target == pytest.approx(0.0, abs=1e-9)
    assert card.opened == card.closed == 1 and card.started == 3  # when it connected, and with each motion
    (apart,) = [f for f in findings if f["what"] == "skew of their time stamps"]
    assert set(apart["instrument"].split(", ")) == {"induced_voltmeter", "displacement_sensor"} and apart["ok"] is None
    assert apart["found"] == "not compared: nothing real that acts reaches both"


def test_nothing_real_is_nothing_to_commission(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bench.yaml").write_text(TEXT)
    assert main(["commission", str(tmp_path / "bench.yaml")]) == 2
    assert "nothing here is real" in capsys.readouterr().err


def test_expected_noise_is_white_noise_and_the_last_digit() -> None:
    assert expected_noise(Voltmeter(white_noise=1e-6), 0.5) == pytest.approx(1e-6)
    assert expected_noise(Voltmeter(white_noise=1e-6, auto_zero=True), 0.5) == pytest.approx(2**0.5 * 1e-6)
    assert expected_noise(Voltmeter(resolution=12e-6), 0.5) == pytest.approx(12**0.5 * 1e-6)
