"""The noise budget: closed forms of single sources, their sum, and the twin that it is compared with."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import scenarios
from scenarios.cli.app import main
from scenarios.run.experiment import Experiment
from scenarios.studies.effects import short
from scenarios.studies.noise_budget import NoiseBudget, Run, Source, campaigns, run, sources, told

WEIGHING, MOTION, LASER = "voltmeter, current", "voltmeter, motion", "interferometer"
NOISE = {
    "balance.current_voltmeter.white_noise": 1e-7,
    "balance.induced_voltmeter.white_noise": 2e-7,
    "balance.induced_voltmeter.trigger_jitter": 1e-5,
    "balance.interferometer.white_noise": 1e-12,
    "balance.voltage_reference.white_noise": 1e-6,
    "balance.voltage_reference.noise_step": 1.0,
}


@cache
def noisy() -> Experiment:
    return short(scenarios.load("kbmini_tmtp")).with_({**NOISE, "campaign.cycles": 4})


@cache
def runs() -> tuple[list[Source], list[Run]]:
    there, experiments = campaigns(noisy())
    return there, [run(experiment) for experiment in experiments]


@cache
def budget() -> NoiseBudget:
    return told(*runs())


def test_a_voltmeter_while_weighing() -> None:
    """White noise of density w, averaged over T, of a force m g that is R m g/Bl: σ(T) = w/√(2T) · Bl/(R m g)."""
    parts = noisy().scenario.components()
    volts = parts["resistor"].resistance * 9.80665 / parts["magnet"].bl  # type: ignore[attr-defined]
    noise = budget().readings["force"].sources[WEIGHING]
    assert noise.allan[0] == pytest.approx(1e-7 / math.sqrt(2 * noise.tau_s[0]) / volts, rel=0.05)
    assert np.median(noise.asd) == pytest.approx(1e-7 / volts, rel=0.1)
    assert noise.low[0] < noise.allan[0] < noise.high[0]


def test_a_voltmeter_in_motion() -> None:
    """A sweep's mean has w/√(2 T) over its window T, of a voltage Bl v; from sweep to sweep it is white."""
    campaign = noisy().scenario.campaign
    window, velocity = campaign.velocity.window, campaign.velocity.velocity  # type: ignore[attr-defined]
    bl = noisy().scenario.components()["magnet"].bl  # type: ignore[attr-defined]
    noise = budget().readings["bl"].sources[MOTION]
    assert noise.allan[0] == pytest.approx(2e-7 / math.sqrt(2 * window) / (bl * velocity), rel=0.1)
    assert noise.tau_s[0] == pytest.approx(0.5)


def test_the_interferometer() -> None:
    """The ends of a sweep's window, each σ = w √B of a bandwidth B, over the way v T."""
    scenario = noisy().scenario
    campaign, laser = scenario.campaign, scenario.components()["interferometer"]
    way = campaign.velocity.velocity * campaign.velocity.window  # type: ignore[attr-defined]
    sigma = 1e-12 * math.sqrt(laser.bandwidth)  # type: ignore[attr-defined]
    noise = budget().readings["bl"].sources[LASER]
    assert noise.allan[0] == pytest.approx(math.sqrt(2.0) * sigma / way, rel=0.1)


def test_sources_are_named_by_part_and_jitter_is_timing() -> None:
    found = {source.name: source.settings for source in sources(noisy())}
    assert set(found) == {WEIGHING, MOTION, "timing", "voltage reference", LASER}
    assert found["timing"] == {"balance.induced_voltmeter.trigger_jitter": 1e-5}


def test_a_servo_is_a_source() -> None:
    """As is any part whose parameters are called noise."""
    found = {source.name: source.settings for source in sources(scenarios.load("kbmini_tmtp_servo"))}
    assert list(found["servo"]) == ["balance.servo.sensor_noise"]
    assert "position detector" not in found


def test_what_a_source_does_not_reach_does_not_show_it() -> None:
    """The voltmeter of the motion is idle while weighing; the reference is in the mass alone."""
    readings, mass = budget().readings, budget().mass
    assert MOTION not in readings["force"].sources and WEIGHING not in readings["bl"].sources
    assert all("voltage reference" not in each.sources for each in readings.values())
    assert mass is not None and set(mass.sources) >= {WEIGHING, MOTION, LASER, "voltage reference"}


def test_the_sum_is_that_of_squares_and_the_twin_agrees() -> None:
    found = budget()
    for each in found.readings.values():
        squares = sum(noise.allan**2 for noise in each.sources.values())
        assert each.total.allan == pytest.approx(np.sqrt(squares))
        assert each.total.asd == pytest.approx(np.sqrt(sum(noise.asd**2 for noise in each.sources.values())))
        assert np.isfinite(each.scores).any()
    assert found.mass is not None
    assert found.mass.total == pytest.approx(math.hypot(*found.mass.sources.values()))
    assert found.agrees


def test_a_missing_source_is_told() -> None:
    """Without one of the runs the sum no longer describes the twin."""
    there, made = runs()
    place = [source.name for source in there].index(MOTION)
    without = told([*there[:place], *there[place + 1 :]], [*made[: place + 1], *made[place + 2 :]])
    assert without.readings["force"].agrees
    assert not without.readings["bl"].agrees and not without.agrees


def test_the_mass_is_compared_by_its_variance() -> None:
    mass = budget().mass
    assert mass is not None and mass.agrees
    assert replace(mass, twin=50 * mass.total).agrees is False
    assert replace(mass, total=0.0, twin=0.0).agrees is None


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON, then text and picture."""
    monkeypatch.setattr("scenarios.cli.budget.experiment", lambda *_: noisy())
    there, made = runs()
    monkeypatch.setattr("scenarios.studies.noise_budget.campaigns", lambda _: (there, [noisy()] * len(made)))
    monkeypatch.setattr("scenarios.studies.noise_budget.run_all", lambda *_: iter(made))
    assert main(["budget", "x", "--noise", "--workers=1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["agrees"] and found["mass"]["cycles"] == 4
    assert found["force"]["twin"]["tau_s"] == budget().readings["force"].twin.tau_s.tolist()
    assert found["parameters"]["timing"] == {"balance.induced_voltmeter.trigger_jitter": 1e-5}
    picture = tmp_path / "n.svg"
    assert main(["budget", "x", "--noise", "--workers=1", "--plot", str(picture)]) == 0
    out = capsys.readouterr().out
    assert out.count("sum and twin agree within their error bars") == 3
    assert "the whole twin" in picture.read_text() and MOTION in picture.read_text()


def test_a_silent_scenario_is_refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scenarios.cli.budget.experiment", lambda *_: short(scenarios.load("kbmini_tmtp")))
    assert main(["budget", "x", "--noise"]) == 2
    assert capsys.readouterr().err == "error: kbmini_tmtp: nothing in it makes noise\n"
