"""The magnet moves in the velocity phase and the coil stands still: TMTP and OMTP, closure and external flux."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scenarios
from scenarios.cli.app import main
from scenarios.run.experiment import Experiment
from scenarios.run.result import Result
from scenarios.schema import ScenarioError
from twin.errors import WiringError

CLOSURE = 1e-12
NAMES = ["tsinghua_magnet_moving_tmtp", "tsinghua_magnet_moving_omtp"]
SOURCES = "balance.external_flux.sources"
COUPLING = "balance.external_flux.coupling"
EARTH = {"earth": {"kind": "far", "vertical": 48e-6, "horizontal": 28e-6}}
MAGNET = {"magnet": {"kind": "near", "direction": "vertical", "z": -0.14, "attenuation": 5.83e-6}}
MOTOR = {"motor": {**MAGNET["magnet"], "appears": "moving"}}
HALF_CURRENT = 0.5 * 9.80665 / 400.0


def short(name: str, keys: dict[str, Any] | None = None) -> Experiment:
    """Few sweeps, from ambient."""
    tmtp = {"campaign.cycles": 2, "campaign.velocity.pairs": 3}
    omtp = {"campaign.cycles": 4, "campaign.velocity.pairs": 3, "campaign.hold": 130.0, "campaign.ramp": 40.0}
    plain = tmtp if name.endswith("tmtp") and "omtp" not in name else omtp
    return scenarios.load(name).ideal().with_({**plain, "thermal.start": "ambient", **(keys or {})})


def closes(result: Result) -> None:
    assert abs(result.relative_error) < CLOSURE
    assert abs(result.mass.bl_Tm / result.true.bl_Tm - 1) < CLOSURE


# --- closure ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_campaign_closes(name: str) -> None:
    result = scenarios.load(name).ideal().run()
    closes(result)
    assert result.virtual_s == 8 * 3600


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "keys",
    [
        {"balance.test_mass.mass": 0.1},
        {"balance.flexure.weighing_position": 2e-3},
        {"balance.motion_stage.gain": 3e-3, "balance.motion_stage.periodic_error": 2e-6},
        {"balance.magnet.profile": [0.4, -6.4, 50.0], "reduction.profile_order": 4},
        {"balance.support.compliance": 1e-8},
    ],
    ids=lambda keys: ", ".join(key.rpartition(".")[2] for key in keys),
)
def test_what_is_no_effect_on_the_mass(name: str, keys: dict[str, Any]) -> None:
    result = short(name, keys).run()
    assert abs(result.relative_error) < (1e-10 if "balance.support.compliance" in keys else CLOSURE)


@pytest.mark.parametrize("scheme", ["anti_series", "power_regulated"])
def test_in_any_scheme(scheme: str) -> None:
    own = {"extends": [f"tsinghua_{scheme}", "balances/magnet_moving"], "schema": 1, "campaign": {"moves": "magnet"}}
    closes(written(own).ideal().with_({"thermal.start": "ambient"}).run())


@pytest.mark.parametrize("balance", ["kbmini", "nist4"])
def test_on_any_balance(balance: str) -> None:
    """TMTP of another balance, with the wiring of a moving magnet merged over it."""
    own = {"extends": [f"{balance}_tmtp", "balances/magnet_moving"], "schema": 1, "campaign": {"moves": "magnet"}}
    motion = {"campaign.velocity.cycles": 60} if balance == "kbmini" else {"campaign.velocity.pairs": 3}
    result = written(own).ideal().with_({"campaign.cycles": 2, "thermal.start": "ambient", **motion}).run()
    closes(result)


def written(document: dict[str, Any]) -> Experiment:
    """A scenario of a file that is not shipped."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own.yaml"
        path.write_text(json.dumps(document), encoding="utf-8")
        return scenarios.load(path)


@pytest.mark.parametrize("name", NAMES)
def test_a_larger_factor_while_weighing_shows_as_a_smaller_mass(name: str) -> None:
    """(Bl)_w = (Bl)_v (1 + 1e-6): −1e-6, and its correction takes it out."""
    coils = ["coil", "second_coil"] if "omtp" in name else ["coil"]
    bent = {f"balance.{coil}.quadratic_current_coefficient": 1e-6 / HALF_CURRENT**2 for coil in coils}
    result = short(name, {**bent, "reduction.corrections.quadratic_current": False}).run()
    assert result.relative_error == pytest.approx(-1e-6, rel=1e-3)
    assert abs(short(name, bent).run().relative_error) < 1e-9


@pytest.mark.parametrize("name", NAMES)
def test_weakly_magnetic_copper_shifts_both_phases_alike(name: str) -> None:
    plain = short(name).run()
    coils = ["coil", "second_coil"] if "omtp" in name else ["coil"]
    parts = [{"susceptibility": -1e-5, "area": 7.5e-5, "radius": 85e-3}]
    copper = short(name, {f"balance.{coil}.parts": parts for coil in coils}).run()
    assert copper.mass.bl_Tm / plain.mass.bl_Tm - 1 == pytest.approx(1e-6, rel=1e-3)
    assert abs(copper.relative_error) < CLOSURE


# --- external flux ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("coupling", ["flux", "published"])
def test_a_moving_coil_is_immune_to_static_flux(name: str, coupling: str) -> None:
    keys = {"campaign.moves": "coil", "balance.flexure.weighing_position": 1e-3, COUPLING: coupling}
    result = short(name, {**keys, SOURCES: EARTH | MAGNET, "reduction.profile_order": 6}).run()
    closes(result)
    assert result.true.external_flux_epsilon == 0.0
    assert abs(result.true.bl_Tm - 400.0 * (1 - 6.4e-6)) > 1e-4  # it is there


@pytest.mark.parametrize("name", NAMES)
def test_from_first_principles_a_uniform_field_costs_nothing(name: str) -> None:
    result = short(name, {"balance.flexure.weighing_position": 1e-3, SOURCES: EARTH}).run()
    closes(result)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("coupling", ["flux", "published"])
@pytest.mark.parametrize(
    "sources", [EARTH, MAGNET, MOTOR, EARTH | MOTOR], ids=lambda sources: " and ".join(sources) if sources else ""
)
def test_the_bias_is_that_of_the_parts(name: str, coupling: str, sources: dict[str, Any]) -> None:
    experiment = short(name, {"balance.flexure.weighing_position": 1e-3, SOURCES: sources, COUPLING: coupling})
    result = experiment.run()
    expected = result.true.external_flux_epsilon
    assert result.relative_error == pytest.approx(expected, rel=1e-4, abs=1e-11)
    assert result.summary()["true"]["external_flux_epsilon"] == expected
    if coupling == "published" or "magnet" in sources:
        assert abs(expected) > 1e-9


@pytest.mark.nightly
def test_a_motor_whose_flux_follows_neither_alone_biases_by_what_the_moving_magnet_sees() -> None:
    """Computed from the geometry λ_ext is of both positions; while weighing the motor is off."""
    experiment = short("tsinghua_magnet_moving_tmtp", computed("moving"))
    part: Any = experiment.scenario.components()["external_flux"]
    by_coil, by_magnet = part.derivatives("motor")
    assert experiment.run().relative_error == pytest.approx(-by_magnet / 400.0, rel=1e-2)
    both = short("tsinghua_magnet_moving_tmtp", computed("always"))
    assert both.run().relative_error == pytest.approx(-(by_coil + by_magnet) / 400.0, rel=1e-2)
    assert abs(by_coil + by_magnet) > 0.2 * abs(by_coil)
    immune = both.with_({"campaign.moves": "coil", "reduction.profile_order": 8}).run()
    assert abs(immune.relative_error) < 1e-9


def computed(appears: str) -> dict[str, Any]:
    """A magnet below, and what the yoke lets in of it by finite elements."""
    motor = {"kind": "near", "direction": "vertical", "z": -0.15, "appears": appears}
    return {
        "balance.external_flux": {"geometry": "tsinghua", "turns": None, "radius": None, "reach": 12e-3},
        SOURCES: {"geomagnetic": None, "motor": motor},
    }


@pytest.mark.parametrize("moves", ["coil", "magnet"])
def test_flux_that_drifts_is_in_the_voltage_of_either(moves: str) -> None:
    """∂λ/∂t adds the same voltage to sweeps up and down: an offset, as the voltmeter's own."""
    drifting = {"earth": {**EARTH["earth"], "course": {"drift": 1e-2}}}
    result = short("tsinghua_magnet_moving_tmtp", {"campaign.moves": moves, SOURCES: drifting}).run()
    assert result.mass.velocity[0].offset == pytest.approx(-1269 * 8.8e-5 * 48e-6 * 1e-2, rel=1e-2)
    assert abs(result.relative_error) < 1e-8
    alternating = {"earth": {**EARTH["earth"], "course": {"amplitude": 1.0, "frequency": 50.3}}}
    noisy = short("tsinghua_magnet_moving_tmtp", {"campaign.moves": moves, SOURCES: alternating}).run()
    assert noisy.mass.velocity[0].residual_rms > 1e-7


# --- what moves ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def run() -> Result:
    return (
        scenarios.load("tsinghua_magnet_moving_tmtp").with_({"campaign.cycles": 2, "campaign.velocity.pairs": 6}).run()
    )


def test_the_readings_are_those_of_a_moving_coil() -> None:
    """Positions are of the coil in the magnet; the hinge rests, so that nothing of it relaxes."""
    result = run()
    (block,) = (b for b in result.readings.select("interferometer", phase="velocity") if b.labels["cycle"] == 0)
    up, down = block.values[0], block.values[1]
    assert np.all(np.diff(up) > 0)
    assert np.all(np.diff(down) < 0)
    assert np.ptp(up) == pytest.approx(0.2e-3 * 60, rel=1e-3)
    volts = next(iter(result.readings.select("induced_voltmeter", phase="velocity"))).values
    assert volts[0].mean() > 0.07 > -0.07 > volts[1].mean()
    assert result.mass.corrections.get("after_effect", 0.0) == 0.0


def test_it_is_right_within_its_uncertainty() -> None:
    result = run()
    assert abs(result.relative_error) < 4 * result.mass.u_relative
    assert result.mass.u_relative < 2e-7


def test_without_a_stage_it_is_refused() -> None:
    """Where none can be added: beside real instruments."""
    real = {"driver": "keithley6221", "resource": "TCPIP::localhost::1::SOCKET"}
    alone = {"campaign.moves": "magnet", "balance.current_source.hardware": real}
    with pytest.raises((WiringError, ScenarioError), match=r"needs the role MotionStage.*balances/magnet_moving"):
        scenarios.load("tsinghua_tmtp").with_(alone).check()


def test_a_hinge_cannot_move_the_magnet() -> None:
    own = {"extends": ["kbmini_oscillating", "balances/magnet_moving"], "schema": 1, "campaign": {"moves": "magnet"}}
    with pytest.raises((WiringError, ScenarioError), match="the motion 'hinge' needs a flexure that can be driven"):
        written(own).run()


def test_it_runs_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    shorter = ["--set=campaign.cycles=2", "--set=campaign.velocity.pairs=4"]
    assert main(["run", "tsinghua_magnet_moving_tmtp", "--json", *shorter]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"mass_kg", "relative_error", "bl_Tm"} <= set(found["result"])


# --- the budget ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("source", [EARTH, MAGNET, MOTOR], ids=["earth", "magnet", "motor"])
def test_known_sources_are_in_the_budget_or_corrected(name: str, source: dict[str, Any]) -> None:
    """With their size while they are not corrected (GUM F.2.4.5, as Ma2025 does)."""
    given = {SOURCES: None, "balance.external_flux.turns": 1269, "balance.external_flux.radius": 85e-3}
    plain = short(name, given).with_({SOURCES: source, COUPLING: "published"})
    without, with_ = (plain.with_({"reduction.corrections.external_flux": on}).run() for on in (False, True))
    bias = without.true.external_flux_epsilon
    assert without.relative_error == pytest.approx(bias, rel=0.02, abs=1e-12)
    line = without.mass.type_b.get("external flux, not corrected", 0.0)
    assert line == pytest.approx(abs(bias), rel=0.02, abs=1e-12)
    assert abs(with_.relative_error) < 0.01 * abs(bias) + 1e-11
    assert "external flux, not corrected" not in with_.mass.type_b
    if source is MAGNET:
        assert abs(bias) > 1e-9


def test_what_is_not_known_of_a_coupling_is_not_known_of_the_mass() -> None:
    doubted = {SOURCES: MAGNET, COUPLING: "published", "reduction.corrections.external_flux": True}
    doubted["balance.external_flux.uncertainties"] = {"permeability": 1e3}  # of 1e4
    result = short(NAMES[0], doubted).run()
    size = abs(result.true.external_flux_epsilon)
    assert result.mass.type_b["external flux: known sources"] == pytest.approx(0.1 * size, rel=0.35)
