"""Which boundaries between real and simulated parts make sense where readings drive the twin, and why others do not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import scenarios
from hw_bridge.bridge import Bridge
from scenarios.cli.app import main
from scenarios.schema import Scenario
from tests.hw_bridge.real_bench import NOBODY
from tests.hw_bridge.test_following import ARTEFACT, NAMES, SENSOR, TEXT, scenario, wired_otherwise
from twin.errors import WiringError
from twin.real_time import RealTimeClock
from twin.twin import Twin


def read(name: str, **more: Any) -> dict[str, Any]:
    """A sensor of which nobody asks anything."""
    return {"driver": NAMES[name], "resource": NOBODY, "commands": SENSOR, **more}


STAGE = {"driver": "pi_gcs", "resource": NOBODY, "limits": {"lower": "-1 mm", "upper": "1 mm", "velocity": "1 mm/s"}}
STATION = {"driver": "generic_station", "resource": NOBODY, "commands": {"identify": "ID", "temperature": "T?"}}


def prepared(chosen: Scenario) -> Bridge:
    """Look at the boundary; nothing is connected."""
    bridge = Bridge(chosen, clock=RealTimeClock(None), tell=str)
    bridge.prepare(Twin(bridge.parts(), chosen.wiring, clock=bridge.clock))
    return bridge


@pytest.mark.parametrize(
    ("real", "quantities"),
    [
        ({"environment": ARTEFACT, "magnet_thermometer": read("magnet_thermometer")}, {"temperature_rise"}),
        ({"motion_stage": ARTEFACT, "interferometer": read("interferometer")}, {"position"}),
        ({"motion_stage": STAGE, "interferometer": read("interferometer")}, {"position"}),
        ({"fluxgate": read("fluxgate")}, {"field"}),
        ({"environment": STATION}, {"temperature"}),
        (
            {"current_source": ARTEFACT, "resistor": ARTEFACT, "current_voltmeter": read("current_voltmeter")},
            {"voltage"},
        ),
        ({"interferometer": read("interferometer"), "motion_stage": ARTEFACT, "fluxgate": read("fluxgate")}, None),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_readings_may_drive(real: Mapping[str, Any], quantities: set[str] | None) -> None:
    bridge = prepared(scenario(real))
    parts: Any = bridge._twin.graph.components if bridge._twin is not None else {}
    told = [set(parts[name].fed) for name in real if getattr(parts[name], "fed", ())]
    assert told == ([quantities] if quantities is not None else [{"position"}, {"field"}])


@pytest.mark.parametrize(
    ("real", "wiring", "reason"),
    [
        (
            {"interferometer": read("interferometer")},
            {},
            r"interferometer is real, and motion_stage, which it reads, is simulated: a real meter cannot read a simu",
        ),
        (
            {"motion_stage": ARTEFACT},
            {"interferometer.position": "motion_stage.position"},
            r"motion_stage is a real artefact, and interferometer, which gets its position, is simulated: nobody tells",
        ),
        (
            {"motion_stage": ARTEFACT, "interferometer": read("interferometer")},
            {"coil.position": "motion_stage.position"},
            r"nobody tells the twin what it is; wire coil\.position to interferometer\.position, which reads it",
        ),
        (
            {"current_source": ARTEFACT, "resistor": ARTEFACT, "current_voltmeter": read("current_voltmeter")},
            {"induced_voltmeter.input": "resistor.voltage"},
            r"wire induced_voltmeter\.input to current_voltmeter\.voltage, which reads it",
        ),
        (
            {"current_source": ARTEFACT, "resistor": ARTEFACT, "current_voltmeter": read("current_voltmeter")},
            {"circuit.meter_conductance": "current_voltmeter.conductance", "circuit.source_current": "shunt.current"},
            r"gets its conductance, is simulated: it reads its voltage alone, and nothing tells the twin its cond",
        ),
        (
            {"interferometer": read("interferometer", latency="1 s")},
            {"coil.position": "motion_stage.position"},
            r"interferometer: hardware\.latency is of readings that drive the twin, and none does",
        ),
        (
            {"fluxgate": read("fluxgate", driver="generic_thermometer")},
            {},
            r"the driver generic_thermometer has the role Thermometer, and fluxgate needs the role Fluxgate",
        ),
    ],
)
def test_what_cannot_drive_is_refused_with_its_reason(
    real: Mapping[str, Any], wiring: Mapping[str, str], reason: str
) -> None:
    chosen = scenario(real)
    if "circuit.source_current" in wiring:
        chosen = chosen.with_({"balance.circuit": {}})
    with pytest.raises(WiringError, match=reason):
        prepared(wired_otherwise(chosen, wiring))


def test_a_servo_that_acts_at_once_does_not_wait_for_readings() -> None:
    """What the source of the servo drives is measured; the current that the coil then has is known later."""
    shunted = {
        "shunt.voltage": "current_voltmeter.voltage",
        "shunt.resistance": "resistor.resistance",
        "circuit.source_current": "shunt.current",
    }
    chosen = wired_otherwise(scenarios.load("moving_mode").scenario.with_({"balance.shunt": {}}), shunted)
    prepared(chosen)  # simulated, the loop is closed
    source = {"driver": "keithley6221", "resource": NOBODY}
    real = {"current_source": source, "resistor": ARTEFACT, "current_voltmeter": read("current_voltmeter")}
    chosen = chosen.with_({f"balance.{name}.hardware": entry for name, entry in real.items()})
    reason = "servo finds its demand by what that does at once, and between is what current_voltmeter has read"
    with pytest.raises(WiringError, match=reason):
        prepared(chosen)


def test_check_says_what_drives_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "followed.yaml").write_text(TEXT)
    words = ["check", str(tmp_path / "followed.yaml"), "--real", "motion_stage=artefact", "--real"]
    words += ["interferometer=sios@USB::0", "--real", "fluxgate=daq_fluxgate@Dev1"]
    words += ["--set", "balance.fluxgate.hardware.settings={field: ai0, field_scale: 205 uT/V}"]
    assert main(words) == 0
    assert capsys.readouterr().err.splitlines() == [
        "note: what interferometer reads drives coil.position",
        "note: what fluxgate reads drives external_flux.ambient",
    ]


def test_check_says_who_follows_the_air_and_who_is_real_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    """Gravity is of the environment, too, and no station reads it."""
    example = Path(__file__).parents[2] / "docs" / "examples" / "served_campaign.yaml"
    asked = "{identify: I, temperature: T, pressure: P}"
    words = f"{{driver: generic_station, resource: 'GPIB0::9::INSTR', commands: {asked}}}"
    real = ["--set", f"balance.environment.hardware={words}", "--real", "thermal_mass=artefact"]
    assert main(["check", str(example), *real]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "note: what environment reads drives test_mass.air_density, resistor.temperature_rise, "
        "voltage_reference.pressure, interferometer.refractive_index; "
        "what the twin expects of real parts follows too: thermal_mass.ambient_rise"
    ]


@pytest.mark.parametrize(
    ("off", "note"),
    [
        ("sources={geomagnetic: null}", "drives external_flux.ambient"),
        ("ambient_gain=0", "drives nothing: external_flux.ambient has no influence as it is set"),
    ],
)
def test_a_measured_field_acts_without_sources_and_check_says_what_drives_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], off: str, note: str
) -> None:
    (tmp_path / "followed.yaml").write_text(TEXT)
    words = ["check", str(tmp_path / "followed.yaml"), "--real", "fluxgate=daq_fluxgate@Dev1"]
    words += ["--set", "balance.fluxgate.hardware.settings={field: ai0, field_scale: 205 uT/V}"]
    assert main([*words, "--set", f"balance.external_flux.{off}"]) == 0
    assert capsys.readouterr().err.splitlines() == [f"note: what fluxgate reads {note}"]


def test_a_measured_field_through_a_coil_that_nobody_knows_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "followed.yaml").write_text(TEXT)
    words = ["check", str(tmp_path / "followed.yaml"), "--real", "fluxgate=daq_fluxgate@Dev1"]
    words += ["--set", "balance.fluxgate.hardware.settings={field: ai0, field_scale: 205 uT/V}"]
    words += ["--set", "balance.external_flux.sources={geomagnetic: null}", "--set", "balance.external_flux.turns=null"]
    assert main(words) == 2
    assert "external_flux: ambient is a measured field, and nothing says which coil" in capsys.readouterr().err


def test_readings_of_another_unit_are_no_wiring() -> None:
    with pytest.raises(WiringError, match=r"coil\.current is in A, but current_voltmeter\.voltage is in V"):
        prepared(wired_otherwise(scenario({}), {"coil.current": "current_voltmeter.voltage"}))


@pytest.mark.parametrize(
    ("hardware", "text"),
    [
        ("{driver: sios, resource: 'USB::0', latency: 50 ms}", "expected a latency of at least the interval"),
        ("{driver: sios, resource: 'USB::0', latency: 0}", "latency"),
        ("{driver: generic_interferometer, commands: {identify: I}, resource: X}", "hardware.commands lacks read"),
        (
            "{driver: generic_interferometer, commands: {identify: I, read: R}, settings: {scale: 0}}",
            "settings.scale cannot be zero",
        ),
    ],
)
def test_what_is_wrong_with_how_it_reads_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], hardware: str, text: str
) -> None:
    (tmp_path / "followed.yaml").write_text(TEXT)
    assert main(["check", str(tmp_path / "followed.yaml"), "--set", f"balance.interferometer.hardware={hardware}"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert text in line
