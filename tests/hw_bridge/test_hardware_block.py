"""What is wrong with a ``hardware:`` block or a ``--real`` is one line that says where, and exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.cli.app import main
from tests.hw_bridge.real_bench import NOBODY, TEXT

SOURCE = f"driver: keithley6221, resource: '{NOBODY}'"
ASRL = "driver: keithley6221, resource: 'ASRL/dev/ttyUSB0::INSTR'"
GENERIC = "identify: I, set: S, level: L, on: A, off: B, output: C, output_on: D, output_off: E"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The bench."""
    found = tmp_path / "bench.yaml"
    found.write_text(TEXT)
    return found


@pytest.mark.parametrize(
    ("name", "block", "text"),
    [
        ("current_source", "keithley6221", "hardware: expected a mapping, not 'keithley6221'"),
        ("current_source", "[]", "hardware: expected a mapping, not a list"),
        ("current_source", "{}", "hardware.driver: missing key 'driver'"),
        ("current_source", "{driver: keithly6221}", "hardware.driver: unknown driver 'keithly6221'; did you mean"),
        ("current_source", f"{{{SOURCE}, limits: 5}}", "hardware.limits: expected a mapping, not 5"),
        ("current_source", f"{{{SOURCE}, limits: {{current: -1 mA}}}}", "limits.current: must be greater than 0"),
        ("current_source", f"{{{SOURCE}, limits: {{current: unknown}}}}", "limits.current: expected a number in A"),
        ("current_source", f"{{{SOURCE}, limits: {{current: 5 V}}}}", "limits.current: expected a quantity in A"),
        ("current_source", f"{{{SOURCE}, limits: {{current: .nan}}}}", "expected a finite number, not .nan"),
        ("current_source", f"{{{SOURCE}, limits: {{curent: 1}}}}", "unknown key 'curent'; did you mean 'current'?"),
        ("current_source", f"{{{SOURCE}, limits: {{current: 1 A}}}}", "a 6221 delivers no more than 0.105 A"),
        ("current_source", f"{{{SOURCE}, timeout: 0}}", "hardware.timeout: must be greater than 0"),
        ("current_source", f"{{{SOURCE}, settings: {{a: 1}}}}", "hardware.settings has the unknown a"),
        (
            "current_source",
            f"{{{SOURCE}, serial: {{baud_rate: 19200}}}}",
            "hardware: serial is of a resource such as ASRL",
        ),
        ("current_source", f"{{{ASRL}, serial: 9600}}", "hardware.serial: expected a mapping, not 9600"),
        ("current_source", f"{{{ASRL}, serial: {{baud: 19200}}}}", "unknown key 'baud'; did you mean 'baud_rate'?"),
        ("current_source", f"{{{ASRL}, serial: {{baud_rate: -1}}}}", "serial.baud_rate: must be greater than 0"),
        (
            "current_source",
            f"{{{ASRL}, serial: {{baud_rate: fast}}}}",
            "serial.baud_rate: expected a whole number, not",
        ),
        (
            "current_source",
            f"{{{ASRL}, serial: {{data_bits: 9}}}}",
            "serial.data_bits: expected 5, 6, 7 or 8, not 9",
        ),
        (
            "current_source",
            f"{{{ASRL}, serial: {{parity: E}}}}",
            "serial.parity: expected 'none', 'odd', 'even', 'mark' or 'space'",
        ),
        ("current_source", f"{{{ASRL}, serial: {{stop_bits: 3}}}}", "serial.stop_bits: expected"),
        (
            "current_source",
            f"{{{ASRL}, serial: {{flow_control: rts}}}}",
            "serial.flow_control: expected 'none', 'xon_xoff'",
        ),
        (
            "current_source",
            f"{{{SOURCE}, interlocks: [{{port: coil.x, below: 1}}]}}",
            "hardware.interlocks: coil.x: there is no component 'coil'",
        ),
        (
            "current_source",
            f"{{{SOURCE}, interlocks: [{{port: magnet.bl, below: 1}}]}}",
            "hardware.interlocks: magnet.bl is not one of the outputs",
        ),
        (
            "current_source",
            f"{{{SOURCE}, interlocks: [{{port: magnet.field, below: 1}}]}}",
            "hardware.interlocks: magnet.field is a field, which has no one value",
        ),
        (
            "current_source",
            f"{{driver: generic_source, limits: {{current: 1}}, commands: {{{GENERIC}, tolerance: lots}}}}",
            "hardware.commands.tolerance: expected a number of amperes, not 'lots'",
        ),
        (
            "current_source",
            f"{{driver: generic_source, limits: {{current: 1}}, commands: {{{GENERIC}, tolerance: '-1'}}}}",
            "hardware.commands.tolerance: expected a number of amperes, not '-1'",
        ),
        (
            "current_source",
            f"{{driver: two_stage_source, stages: {{coarse: {{driver: other}}, fine: {{{SOURCE}}}}}}}",
            "current_source.coarse: unknown driver 'other'; known are",
        ),
        (
            "displacement_sensor",
            "{driver: daq_displacement_sensor, resource: '', settings: {position: ai0, position_scale: 1 um/V}}",
            "hardware.resource: expected the name of a card such as Dev1, not ''",
        ),
        (
            "displacement_sensor",
            "{driver: daq_displacement_sensor, resource: Dev1, settings: {position: 3, position_scale: 1 um/V}}",
            "hardware.settings.position: expected text, not 3",
        ),
        ("resistor", "{driver: artefact, resource: x}", "nobody talks to an artefact: it takes no hardware.resource"),
        (
            "resistor",
            "{driver: artefact, calibration: {u: 1}}",
            "it takes no hardware.calibration; what its certificate",
        ),
        (
            "environment",
            "{driver: generic_station, commands: {identify: I, temperature: T, temperature_unit: F}}",
            "hardware.commands.temperature_unit: expected K or degC, not 'F'",
        ),
        (
            "environment",
            "{driver: generic_station, commands: {identify: I, temperature: T, pressure: P, pressure_unit: degC}}",
            "hardware.commands.pressure_unit: expected Pa or hPa, not 'degC'",
        ),
        (
            "resitor",
            "{driver: artefact}",
            "there is no component 'resitor' that could be real; did you mean 'resistor'?",
        ),
    ],
)
def test_a_wrong_block_is_one_line(
    file: Path, capsys: pytest.CaptureFixture[str], name: str, block: str, text: str
) -> None:
    assert main(["check", str(file), "--set", f"balance.{name}.hardware={block}"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert text in line and name in line


@pytest.mark.parametrize(
    ("real", "text"),
    [
        (["current_source"], "--real: expected NAME=driver@resource, or NAME=artefact, not 'current_source'"),
        (["=keithley6221@x"], "--real: expected NAME=driver@resource"),
        (["resistor=@x"], "--real: expected NAME=driver@resource"),
        ([""], "--real: expected NAME=driver@resource"),
        (["resistor=artefact", "resistor=hp3458a@x"], "--real: resistor is given twice"),
        (["nothing=artefact"], "there is no component 'nothing' that could be real; known are current_source"),
        (["current_source=kaithley6221@x"], "hardware.driver: unknown driver 'kaithley6221'; did you mean"),
        (["resistor=hp3458a@x"], "the driver hp3458a has the role Voltmeter, and resistor plays none"),
        (["current_source=keithley6221"], "current_source is real, and nothing real is wired to it"),
        (["resistor=artefact@x"], "nobody talks to an artefact"),
    ],
)
def test_a_wrong_real_is_one_line(file: Path, capsys: pytest.CaptureFixture[str], real: list[str], text: str) -> None:
    assert main(["run", str(file), *[word for given in real for word in ("--real", given)]]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert text in line
