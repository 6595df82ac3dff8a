"""The table of systematic errors: what an effect does alone and in company, and what counts as an interaction."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

import scenarios
from scenarios.cli.app import main
from scenarios.run.experiment import Experiment
from scenarios.studies.effects import short
from scenarios.studies.systematic import (
    LEAST,
    Contribution,
    Job,
    Off,
    Pair,
    Present,
    Systematic,
    errors,
    plan,
    present,
    quiet,
    run_jobs,
    switched_on,
    told,
)
from twin.errors import SimulationError

METERS = {"balance.current_voltmeter.gain": 0.02, "balance.induced_voltmeter.gain": -0.03}


@cache
def ideal() -> Experiment:
    return short(scenarios.load("kbmini_tmtp"))


def table(experiment: Experiment) -> Systematic:
    effects, jobs = plan(experiment)
    return told(effects, list(run_jobs(jobs)))


def test_two_gains_interact_as_a_product() -> None:
    """m ∝ (1 + a)(1 + b): a alone, a (1 + b) beside b, a b more; nothing is left with the correction."""
    found = table(ideal().with_(METERS))
    rows = {next(iter(row.effect.own)): row for row in found.rows}
    a, b = METERS.values()
    for (path, own), other in zip(METERS.items(), (b, a), strict=True):
        row = rows[path]
        assert row.alone.uncorrected == pytest.approx(own, rel=1e-9)
        assert row.company.uncorrected == pytest.approx(own * (1 + other), rel=1e-9)
        assert row.interaction == pytest.approx(own * other, rel=1e-6)
        assert row.interacts
        assert abs(row.alone.corrected) < 1e-12 and abs(row.company.corrected) < 1e-12
    assert found.whole.uncorrected == pytest.approx((1 + a) * (1 + b) - 1, rel=1e-9)
    assert found.summed.uncorrected == pytest.approx(a + b, rel=1e-9)
    assert found.rows[0] is rows["balance.induced_voltmeter.gain"]


def test_small_effects_do_not_interact() -> None:
    """And their sum is the whole."""
    found = table(ideal().with_({path: 1e-6 for path in METERS}))
    assert not any(row.interacts for row in found.rows)
    assert found.whole.uncorrected == pytest.approx(found.summed.uncorrected, rel=1e-5)


def test_partners_are_on_and_not_counted() -> None:
    """A magnetic mass needs a stray field: alone with it, less what the field does by itself, which is nothing here;
    and beside buoyancy the error of a barometer is that of the barometer alone."""
    air = {"balance.environment.pressure": 101325.0, "balance.environment.pressure_offset": 20.0}
    found = {row.effect.name: row for row in table(ideal().with_(air)).rows}
    buoyancy, barometer = found["air buoyancy, refractive index of the air"], found["barometer of the station"]
    assert buoyancy.alone.uncorrected == pytest.approx(-4.14e-4, rel=0.01)
    assert buoyancy.effect.corrections == {"buoyancy", "refractive_index"}
    assert barometer.effect.partners == {"balance.environment.pressure": 101325.0}
    assert barometer.alone.uncorrected == pytest.approx(8.2e-8, rel=0.01)
    assert barometer.company.uncorrected == pytest.approx(barometer.alone.uncorrected, rel=1e-3)


@pytest.mark.parametrize("name", ["kbmini_tmtp", "nist4_omtp", "tsinghua_magnet_moving_tmtp"])
def test_every_parameter_that_is_on_is_in_a_row(name: str) -> None:
    """And each is switched off by one row alone."""
    calm = quiet(scenarios.load(name))
    effects = present(calm)
    owned = [path for effect in effects for path in effect.own]
    assert len(owned) == len(set(owned))
    partners = {path for effect in effects for path in effect.partners}
    assert {f"balance.{key}" for key in switched_on(calm)} == {*owned, *partners}


def test_what_makes_noise_or_is_uncertain_is_off() -> None:
    calm = quiet(scenarios.load("kbmini_faulty"))
    on = switched_on(calm)
    assert not [key for key in on if key.endswith(".uncertainties")]
    assert not [key for key in on if "noise" in key or "jitter" in key]
    assert not calm.scenario.faults
    few = calm.with_({"campaign.cycles": 2, "thermal.start": "ambient", "campaign.velocity.cycles": 60})
    again, other = errors(Job(few, ())), errors(Job(few.with_(seed=7), ()))
    assert again == other


def test_what_cannot_be_run_is_named() -> None:
    weak = ideal().with_({"balance.current_source.limit": 1e-4})
    with pytest.raises(SimulationError, match="all but noise: "):
        errors(Job(weak, (), "all but noise"))


def test_a_campaign_without_a_mass_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("moving_mode", "kbmini_mass_series"):
        for words in ([], ["--noise"]):
            assert main(["budget", name, *words]) == 2
            assert capsys.readouterr().err == f"error: {name}: its campaign reports no mass\n"


def test_a_part_that_the_catalogue_does_not_know_is_silent_too() -> None:
    """By the names of its parameters, such as a servo's sensor noise."""
    experiment = scenarios.load("kbmini_tmtp_servo")
    assert "servo.sensor_noise" in switched_on(experiment)
    assert "servo.sensor_noise" not in switched_on(quiet(experiment))


def test_both_windings_have_part_in_an_effect() -> None:
    effects = present(quiet(scenarios.load("nist4_omtp")))
    (current,) = (effect for effect in effects if "quadratic current" in effect.name)
    assert set(current.own) == {f"balance.{coil}.quadratic_current_coefficient" for coil in ("coil", "second_coil")}
    assert current.corrections == {"quadratic_current"}
    (mutual,) = (effect for effect in effects if "mutual curvature" in effect.name)
    assert set(mutual.own) == {f"balance.{coil}.mutual_curvature" for coil in ("coil", "second_coil")}


@pytest.mark.parametrize(
    ("alone", "company", "interacts"),
    [(1e-6, 1.005e-6, False), (1e-6, 1.02e-6, True), (0.0, 0.5 * LEAST, False), (0.0, 2 * LEAST, True)],
)
def test_what_is_an_interaction(alone: float, company: float, interacts: bool) -> None:
    effect = Present("x", {}, {}, Off())
    assert Contribution(effect, Pair(alone, 0.0), Pair(company, 0.0)).interacts is interacts
    assert Contribution(effect, Pair(1.0, alone), Pair(1.0, company)).interaction == pytest.approx(company - alone)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON, then text and picture."""
    noisy = {"balance.current_voltmeter.white_noise": 1e-8, "balance.current_voltmeter.uncertainties": {}}
    experiment = ideal().with_({**METERS, **noisy, "campaign.cycles": 3})
    monkeypatch.setattr("scenarios.cli.budget.experiment", lambda *_: experiment)
    assert main(["budget", "x", "--workers=1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [effect["parameters"] for effect in found["effects"]][:2] == [
        {"balance.induced_voltmeter.gain": -0.03},
        {"balance.current_voltmeter.gain": 0.02},
    ]
    assert found["effects"][0]["interacts"] and found["gum"]["u_relative"] > 0
    assert sum(line["contribution"] ** 2 for line in found["gum"]["lines"]) == pytest.approx(
        found["gum"]["u_relative"] ** 2
    )
    picture = tmp_path / "b.svg"
    assert main(["budget", "x", "--workers=1", "--plot", str(picture)]) == 0
    out = capsys.readouterr().out
    assert "interacts" in out and "uncertainty budget (GUM)" in out
    assert "gain of the current&#39;s" in picture.read_text() or "gain of the current's" in picture.read_text()
