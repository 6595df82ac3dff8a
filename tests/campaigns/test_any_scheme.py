"""Any scheme on any balance: what the scheme needs and the balance lacks is added, and said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scenarios
from scenarios.cli.app import main
from scenarios.run.execute import MODELS
from scenarios.run.experiment import Experiment
from scenarios.schema import ScenarioError, load_text

VELOCITY = {"kbmini": "0.3 mm/s", "nist4": "1 mm/s", "tsinghua": "2 mm/s"}
SWEEPS = "pairs: 3, sweep_duration: 20 s, window_start: 5 s, window_end: 15 s"
SCHEMES = {
    "tmtp": "type: tmtp, cycles: 2",
    "omtp": "type: omtp, cycles: 4",
    "power_regulated": "type: power_regulated, cycles: 4",
    "anti_series": "type: anti_series, cycles: 2",
    "magnet-moving tmtp": "type: tmtp, cycles: 2, moves: magnet",
    "magnet-moving omtp": "type: omtp, cycles: 4, moves: magnet",
}
DRIVE = (
    "motion: hinge, amplitudes: [213 uA, 213 uA, 127.8 uA, 76.7 uA, 29.8 uA], phases: [0, -0.8, -2.3, -3.8, -5.3], "
    "cycles: 30, window_middle: 366 ms, reading_step: 25 ms"
)
"""KBmini's, of Li2026."""
HINGE = "balance: {flexure: {type: hinge}}\n"
TWO = ("omtp", "power_regulated", "anti_series", "magnet-moving omtp")


def written(balance: str, scheme: str) -> str:
    """A file of two lines, beside the version of its format."""
    sweeps = f"velocity: {{velocity: {VELOCITY[balance]}, {SWEEPS}}}"
    return f"schema: 1\nextends: balances/{balance}\ncampaign: {{{SCHEMES[scheme]}, {sweeps}}}\n"


def of(balance: str, scheme: str, more: str = "") -> Experiment:
    return Experiment(load_text(written(balance, scheme) + more, models=MODELS))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("balance", VELOCITY)
def test_every_scheme_closes_on_every_balance(balance: str, scheme: str) -> None:
    experiment = of(balance, scheme)
    told = " ".join(experiment.scenario.notes)
    assert ("a second winding is added" in told) == (scheme in TWO)
    assert ("compensating source" in told) == (scheme == "power_regulated")
    assert ("moves the magnet is added" in told) == scheme.startswith("magnet-moving")
    result = experiment.ideal().run()
    assert abs(result.relative_error) < 1e-12
    assert abs(result.mass.bl_Tm / result.true.bl_Tm - 1) < 1e-12
    assert result.summary()["notes"] == list(experiment.scenario.notes)


def oscillating(balance: str, more: str = HINGE) -> Experiment:
    head = f"schema: 1\nextends: balances/{balance}\n"
    text = f"{head}campaign: {{type: tmtp, cycles: 1, weighing: {{count: 4}}, velocity: {{{DRIVE}}}}}\n"
    return Experiment(load_text(text + more, models=MODELS))


@pytest.mark.parametrize("balance", VELOCITY)
def test_a_driven_hinge_closes_on_every_balance_and_its_coil_acts_back(balance: str) -> None:
    experiment = oscillating(balance)
    (told,) = experiment.scenario.notes
    assert "acts back on the hinge" in told and "none is stated of its oscillator, which is KBmini's" in told
    shipped = scenarios.load("kbmini_oscillating").scenario.wiring
    assert {port for port in shipped if port.startswith("flexure.")} <= set(experiment.scenario.wiring)
    result = experiment.ideal().run()
    assert abs(result.relative_error) < 1e-12
    assert abs(result.mass.bl_Tm / result.true.bl_Tm - 1) < 1e-12
    loaded = experiment.ideal().with_({"balance.induced_voltmeter.input_conductance": 1e-5}).run()
    reach = [np.ptp(next(iter(r.readings.select("interferometer", phase="velocity"))).values) for r in (result, loaded)]
    assert reach[1] < reach[0] * (1 - 1e-4)  # the meter's load brakes it
    assert abs(loaded.relative_error) < 1e-9


def test_wires_of_a_hinge_that_are_stated_stay_as_they_are() -> None:
    assert scenarios.load("kbmini_oscillating").scenario.notes == ()
    some = HINGE.replace("}}", "}, wiring: {flexure.coil_bl: coil.bl}}")
    assert oscillating("kbmini", some).scenario.notes == ()
    stated = HINGE.replace("type: hinge", "type: hinge, oscillator: {natural_frequency: 0.71 Hz}")
    assert "KBmini" not in oscillating("nist4", stated).scenario.notes[0]
    swept = of("nist4", "tmtp", HINGE)
    assert swept.scenario.notes == () and "flexure.coil_bl" not in swept.scenario.wiring


def test_a_resonance_is_not_guessed() -> None:
    with pytest.raises(ScenarioError, match=r"give the flexure 'type: hinge', and an 'oscillator' with its natural_fr"):
        oscillating("nist4", "").check()


@pytest.mark.parametrize("balance", VELOCITY)
def test_the_added_winding_is_that_of_the_shipped_file(balance: str) -> None:
    """But for its winding factor, which the file assumes to differ a little."""
    added = of(balance, "omtp").scenario.resolved["balance"]
    shipped = scenarios.load(f"{balance}_omtp").scenario.resolved["balance"]
    assert shipped["second_coil"].pop("winding_factor") == 1.0005
    assert added["second_coil"].pop("winding_factor") == 1.0
    assert added == shipped


def test_what_is_stated_of_the_second_winding_holds() -> None:
    own = of("kbmini", "omtp", "balance: {second_coil: {winding_factor: 1.01}}\n")
    assert own.scenario.balance.parts["second_coil"].winding_factor == 1.01
    assert own.scenario.balance.parts["coil"].resistance == 4800.0
    assert "but for the winding_factor that is stated" in own.scenario.notes[0]
    whole = of("kbmini", "omtp", "balance: {second_coil: {resistance: 3 kohm}, circuit: {lead_resistance: 2}}\n")
    parts = whole.scenario.balance.parts
    assert (parts["coil"].resistance, parts["second_coil"].resistance) == (2400.0, 3000.0)
    assert parts["sensing_circuit"].lead_resistance == 2.0


def test_the_second_winding_follows_the_first() -> None:
    """Also in what is set later."""
    changed = of("tsinghua", "omtp").with_({"balance.coil.resistance": 500.0, "balance.coil.inductance": 1.5})
    coil, second = (changed.scenario.balance.parts[name] for name in ("coil", "second_coil"))
    assert (second.resistance, second.inductance, second.mutual_inductance, coil.mutual_inductance) == (500, *3 * [1.5])


@pytest.mark.nightly
def test_the_mutual_inductance_follows_from_the_geometry_too() -> None:
    plain: dict[str, Any] = dict.fromkeys(("inductance", "inductance_curvature", "radial_deviation"))
    plain |= dict.fromkeys(("gap_area", "gap_radius")) | {"geometry": "kbmini"}
    computed = of("kbmini", "anti_series").with_({f"balance.coil.{key}": value for key, value in plain.items()})
    coil = computed.scenario.balance.parts["coil"]
    assert coil.mutual_inductance == coil.inductance > 0


def test_without_the_scheme_nothing_is_added() -> None:
    again = of("nist4", "anti_series").with_({"campaign.type": "tmtp"})
    assert again.scenario.notes == () and "second_coil" not in again.scenario.balance.parts
    assert again.scenario == of("nist4", "tmtp").scenario


def test_what_was_added_is_kept_with_the_scenario() -> None:
    scenario = of("tsinghua", "power_regulated").scenario
    again = load_text(scenario.to_yaml(), models=MODELS)
    assert again == scenario and again.notes == scenario.notes
    assert [found.key for found in scenario.differences() if found.key.startswith("balance")] == []


def test_parts_that_are_not_there_are_not_wired() -> None:
    text = "balance:\n  ground_vibration: null\n  wiring: {coil.vibration: null, interferometer.vibration: null}\n"
    quiet = of("tsinghua", "omtp", text)
    assert "second_coil.vibration" not in quiet.scenario.wiring
    quiet.check()


def test_nothing_is_added_where_it_does_not_fit() -> None:
    """To a servo of another kind, or beside real instruments: the scheme then says what it lacks."""
    with pytest.raises(
        ScenarioError, match="needs the role SwitchedServo, called 'servo'; the one that is there cannot"
    ):
        of("kbmini", "omtp", "balance: {servo: {type: dynamic_servo, moving_mass: 2 kg, bl: 1400 T*m}}\n").check()
    real = "balance: {current_source: {hardware: {driver: keithley6221, resource: 'TCPIP::localhost::1::SOCKET'}}}\n"
    beside = of("kbmini", "omtp", real)
    assert beside.scenario.notes == () and "second_coil" not in beside.scenario.balance.parts


def test_it_is_said_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "two_lines.yaml"
    file.write_text(written("nist4", "omtp"), encoding="utf-8")
    for command in ("check", "plan", "run"):
        assert main([command, str(file)]) == 0
        assert "note: a second winding is added, from half the copper of the first" in capsys.readouterr().err
    for command in ("plan", "run"):
        assert main([command, str(file), "--json"]) == 0
        assert "a second winding is added" in json.loads(capsys.readouterr().out)["notes"][0]


def test_a_wrong_first_winding_is_what_is_complained_of() -> None:
    with pytest.raises(ScenarioError, match=r"balance\.coil\.resistance: must be greater than 0"):
        of("kbmini", "omtp", "balance: {coil: {resistance: -1}}\n")
