"""Real instruments from the command line, and in a scenario file."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import h5netcdf
import numpy as np
import pytest

from hw_bridge.drivers.wire import wire
from hw_bridge.errors import BridgeError
from scenarios.cli.app import main
from scenarios.run.experiment import Experiment
from scenarios.run.output import OutputFolder
from tests.hw_bridge.real_bench import NOBODY, TEXT, output, resources, scenario
from tests.hw_bridge.subjects import bench, driver
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
    file: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    named = ["--real", "resistor=artefact", "--real", f"current_source=keithley6221@{NOBODY}"]
    named += ["--out", str(tmp_path / "out")]
    code = main(["run", str(file), *named, "--real", f"induced_voltmeter=hp3458a@{NOBODY}"])
    errors = capsys.readouterr().err.strip().splitlines()
    assert code == 2
    assert len([line for line in errors if "does not connect" in line]) == 1
    assert "Traceback" not in "".join(errors)
    assert [path.name for path in tmp_path.iterdir()] == ["bench.yaml"], "nothing is kept of it"


def test_a_boundary_is_checked_before_anything_is_connected(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real = "balance.induced_voltmeter.hardware.driver=hp3458a"
    assert main(["check", str(file), "--set", real]) == 2
    text = capsys.readouterr().err
    assert "bench.yaml:17" in text
    assert "a real meter cannot read a simulated signal" in text


@pytest.mark.parametrize(
    ("hardware", "text"),
    [
        (
            "current_source.hardware.driver=pi_gcs",
            "the driver pi_gcs has the role MotionStage, and current_source needs",
        ),
        (
            "motion_stage.hardware.driver=keithley6221",
            "the role CurrentSource, and motion_stage needs the role MotionSt",
        ),
        (
            "induced_voltmeter.hardware.driver=pt100_3458a",
            "the role Thermometer, and induced_voltmeter needs the role V",
        ),
        (
            "environment.hardware.driver=hp3458a",
            "the role Voltmeter, and environment needs the role EnvironmentStation",
        ),
        ("magnet.hardware.driver=hp3458a", "the role Voltmeter, and magnet plays none: it takes driver artefact"),
        ("magnet.hardware={driver: artefact, limits: {current: 1 A}}", "artefact does not enforce limits.current"),
        (
            "motion_stage.hardware={driver: pi_gcs, limits: {slew: 1 A/s}}",
            "pi_gcs does not enforce limits.slew; it enforces lower, upper, velocity",
        ),
        (
            "induced_voltmeter.hardware={driver: hp3458a, interlocks: [{port: magnet.bl, below: 1}]}",
            "hp3458a takes no hardware.interlocks: it does not act",
        ),
        ("induced_voltmeter.hardware={driver: hp3458a, limits: {force: 1 N}}", "force"),
    ],
)
def test_what_a_driver_cannot_do_is_refused_before_anything_is_connected(
    file: Path, capsys: pytest.CaptureFixture[str], hardware: str, text: str
) -> None:
    assert main(["check", str(file), "--set", f"balance.{hardware}"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert text in line


@pytest.mark.parametrize(
    "resource", ["", "blah", "127.0.0.1:5025", "TCPIP::127.0.0.1::SOCKET", "TCPIP::127.0.0.1::65536::SOCKET", "GPIB0::"]
)
def test_what_is_no_resource_is_told_before_anything_is_connected(
    file: Path, capsys: pytest.CaptureFixture[str], resource: str
) -> None:
    parts = {"current_source": ("keithley6221", resource), "induced_voltmeter": ("hp3458a", NOBODY)}
    words = ["--set", "balance.resistor.hardware.driver=artefact"]
    for name, (kind, place) in parts.items():
        words += ["--set", f"balance.{name}.hardware={{driver: {kind}, resource: '{place}'}}"]
    assert main(["check", str(file), *words]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "hardware.resource: expected a VISA resource such as TCPIP::192.0.2.7::5025::SOCKET" in line
    assert line.endswith(f"not {resource!r}")


@pytest.mark.parametrize(
    "resource",
    ["GPIB0::22::INSTR", "TCPIP::[::1]::5025::SOCKET", "TCPIP::10.0.0.1,44747::gpib0,12::INSTR", "ASRL/dev/x::INSTR"],
)
def test_what_pyvisa_takes_is_a_resource(resource: str) -> None:
    wire(resource, 1.0).check()


def test_a_refused_start_leaves_nothing_behind(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--real", "resistor=artefact", "--real", f"current_source=keithley6221@{NOBODY}"]
    words += ["--real", f"induced_voltmeter=hp3458a@{NOBODY}"]
    for more, text in ((["--arm"], "--arm needs"), ([], "does not connect")):
        assert main(["run", str(file), *words, *more, "--out", str(tmp_path / "night")]) == 2
        assert text in capsys.readouterr().err
        assert [path.name for path in tmp_path.iterdir()] == ["bench.yaml"]


def test_another_instrument_that_does_not_answer_is_hinted_at(wired: Wired) -> None:
    made = driver("s", "keithley6221", resources(wired)["induced_voltmeter"], bench(), timeout=0.5)
    with pytest.raises(BridgeError, match=r"no answer in time: it may be another instrument than keithley6221 expects"):
        made.open()
    assert made.close()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--real", "induced_voltmeter"], "expected NAME=driver@resource"),
        (
            ["--real", "induced_voltmete=hp3458a@X"],
            "there is no component 'induced_voltmete' that could be real; did you mean",
        ),
        (["--arm"], "nothing here is real"),
        (["--real", "induced_voltmeter=hp3548a@X"], "did you mean 'hp3458a'"),
        (
            ["--real", "motion_stage=keithley6221@X"],
            "error: --real motion_stage: the driver keithley6221 has the role CurrentSource",
        ),
        (
            ["--set", "balance.motion_stage.hardware={driver: keithley6221}"],
            "error: --set balance.motion_stage.hardware: the driver keithley6221 has the role CurrentSource",
        ),
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
    before = datetime.now(UTC)
    with wired.connect("socket") as operator:  # who has it in hand, as the run is a dry one
        operator.query(":SOUR:CURR 2E-4;:OUTP ON;:OUTP?")
        code = main(["run", str(file), *words, "--json", "--out", str(tmp_path / "out"), "--no-report"])
        assert output(wired) == (True, 2e-4)
        operator.query("*RST;:OUTP?")
    captured = capsys.readouterr()
    assert code == 0, captured.err
    summary = json.loads(captured.out)
    told = summary["hardware"]
    assert not told["armed"]
    assert summary["true"] == {}, "nobody knows the noise of a real meter"
    began = datetime.fromisoformat(told["began"])
    assert before < began < began + timedelta(seconds=summary["virtual_s"]) < datetime.now(UTC)
    with h5netcdf.File(tmp_path / "out" / "run.nc") as kept:
        assert kept.attrs["began"] == told["began"]
    assert told["instruments"]["induced_voltmeter"]["identity"].startswith("HP3458A, 36.0 degC inside")
    assert told["lag"]["events"] > 0
    assert "dry run" in captured.err
    assert main(["run", "--resume", str(tmp_path / "out")]) == 0
    assert f"in real time from {began:%Y-%m-%d %H:%M:%S} UTC" in capsys.readouterr().out
    assert main(["shadow", str(tmp_path / "out"), "--members", "4", "--json"]) == 4, "no noise is stated: no band"
    (channel,) = json.loads(capsys.readouterr().out.splitlines()[-1])["channels"]
    assert (channel["channel"], channel["source"], channel["blocks"], channel["judged"]) == (
        "induced_voltmeter",
        "real",
        1,
        0,
    )


def test_after_an_error_it_is_told_how_to_go_on(
    wired: Wired, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unplugged(*_: Any, **__: Any) -> None:
        raise BridgeError("induced_voltmeter: connection lost")

    monkeypatch.setattr("hw_bridge.drivers.hp3458a.Hp3458ADriver.read", unplugged)
    out, there = tmp_path / "a night", resources(wired)
    words = ["--real", "resistor=artefact", "--real", f"current_source=keithley6221@{there['current_source']}"]
    words += ["--real", f"induced_voltmeter=hp3458a@{there['induced_voltmeter']}", "--out", str(out)]
    assert main(["run", str(file), *words]) == 3
    note, error = capsys.readouterr().err.splitlines()[-2:]
    assert note == f"note: what was measured is kept; go on with: kibble-twin run --resume '{out}'"
    assert error == "error: induced_voltmeter: connection lost"


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
