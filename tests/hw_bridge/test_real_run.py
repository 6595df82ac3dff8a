"""Real instruments from the command line, and in a scenario file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scenarios.cli.app import main
from scenarios.run.experiment import Experiment
from scenarios.run.output import OutputFolder
from tests.hw_bridge.real_bench import NOBODY, TEXT, output, resources, scenario
from tests.hw_bridge.wired import Wired
from twin.errors import InputError
from twin.recorder import Block, Schedule
from twin.store import RunStore
from twin.times import NS


def test_a_mass_campaign_needs_meters_that_read_the_reference(capsys: pytest.CaptureFixture[str]) -> None:
    real = "balance.current_voltmeter.hardware.driver=hp3458a"
    assert main(["check", "kbmini_tmtp", "--set", real]) == 2
    assert "it needs a scanner" in capsys.readouterr().err


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "bench.yaml"
    found.write_text(TEXT)
    return found


def test_a_device_that_does_not_connect_is_one_line_and_exit_code_2(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = ["--real", "resistor=artefact", "--real", f"current_source=keithley6221@{NOBODY}"]
    code = main(["run", str(file), *named, "--real", f"induced_voltmeter=hp3458a@{NOBODY}"])
    errors = capsys.readouterr().err.strip().splitlines()
    assert code == 2
    assert len([line for line in errors if "does not connect" in line]) == 1
    assert "Traceback" not in "".join(errors)


def test_a_boundary_is_checked_before_anything_is_connected(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real = "balance.induced_voltmeter.hardware.driver=hp3458a"
    assert main(["check", str(file), "--set", real]) == 2
    text = capsys.readouterr().err
    assert "bench.yaml:17" in text
    assert "a real meter cannot read a simulated signal" in text


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--real", "induced_voltmeter"], "expected NAME=driver@resource"),
        (["--real", "induced_voltmete=hp3458a@X"], "unknown component 'induced_voltmete'"),
        (["--arm"], "nothing here is real"),
        (["--real", "induced_voltmeter=hp3548a@X"], "did you mean 'hp3458a'"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_told(
    file: Path, capsys: pytest.CaptureFixture[str], words: list[str], text: str
) -> None:
    assert main(["run", str(file), *words]) == 2
    assert text in capsys.readouterr().err


def test_a_campaign_runs_with_a_real_meter_in_real_time(
    wired: Wired, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = resources(wired)
    words = ["--real", "resistor=artefact", "--real", f"current_source=keithley6221@{there['current_source']}"]
    words += ["--real", f"induced_voltmeter=hp3458a@{there['induced_voltmeter']}"]
    with wired.connect("socket") as operator:  # who has it in hand, as the run is a dry one
        operator.query(":SOUR:CURR 2E-4;:OUTP ON;:OUTP?")
        code = main(["run", str(file), *words, "--json", "--out", str(tmp_path / "out"), "--no-report"])
        assert output(wired) == (True, 2e-4)
        operator.query("*RST;:OUTP?")
    captured = capsys.readouterr()
    assert code == 0, captured.err
    told = json.loads(captured.out)["hardware"]
    assert not told["armed"]
    assert told["instruments"]["induced_voltmeter"]["identity"].startswith("HP3458A, 36.0 degC inside")
    assert told["lag"]["events"] > 0
    assert "dry run" in captured.err
    assert main(["run", "--resume", str(tmp_path / "out")]) == 0


def test_readings_of_real_instruments_are_not_discarded(
    real: dict[str, Any], file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = OutputFolder(tmp_path / "out")
    with folder.claimed():
        folder.begin(scenario(real).to_yaml())
        with RunStore(folder.partial) as store:
            block = Block("induced_voltmeter", "voltage", "V", Schedule(0, NS, 1), NS, np.ones((1, 1)), source="real")
            store.append("readings", block)
    assert main(["run", str(file), "--out", str(tmp_path / "out")]) == 2
    text = capsys.readouterr().err
    assert "1 blocks of readings of an unfinished run with real instruments" in text and "--resume" in text
    with RunStore(folder.partial) as store:
        assert len(store.blocks("readings")) == 1


def test_no_study_runs_what_is_real(real: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="a study simulates"):
        Experiment(scenario(real)).run()


def test_hardware_is_a_part_of_what_a_scenario_says(real: dict[str, Any]) -> None:
    from scenarios.run.execute import MODELS
    from scenarios.schema.scenario import load_text

    found = scenario(real)
    again = load_text(found.to_yaml(), models=MODELS)
    assert again == found
    assert again.hardware == found.hardware
    assert found.hash != scenario({}).hash
    assert found.ideal().hardware == found.hardware


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"driver": "hp3458a", "limits": {"curent": 1}}, "curent"),
        ({"driver": "hp3458a", "limits": {"current": "1 V"}}, "current"),
        ({"resource": "X"}, "driver"),
        ({"driver": "hp3458a", "interlocks": [{"port": "coil", "below": 1}]}, "port"),
    ],
)
def test_wrong_hardware_is_told_with_its_place(change: dict[str, Any], text: str) -> None:
    from scenarios.schema import ScenarioError

    with pytest.raises(ScenarioError, match=text):
        scenario({"induced_voltmeter": change})
