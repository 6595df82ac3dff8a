"""Every effect alone, as theory expects it and as its correction leaves it; none is missing, and the page is right."""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from pathlib import Path

import pytest

import scenarios
from components.displacement_sensor import DisplacementSensor
from components.fluxgate import Fluxgate
from scenarios.cli.app import main
from scenarios.run.experiment import Experiment
from scenarios.studies import effects as study
from scenarios.studies import effects_table
from scenarios.studies.catalogue import EFFECTS, GROUPS
from scenarios.studies.effects import Effect, Noise, Row, examine, short
from twin.component import Component

NAMES = [effect.name for effect in EFFECTS]
PAGE = Path(__file__).parents[2] / "docs" / "effects.md"


@cache
def ideal() -> Experiment:
    return short(scenarios.load("kbmini_tmtp"))


@cache
def row(name: str) -> Row:
    return examine(ideal(), EFFECTS[NAMES.index(name)])


@cache
def page() -> dict[str, list[str]]:
    """The cells of each row of the page by the name of its effect."""
    lines = [line.strip("| ").split(" | ") for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    return {name: cells for name, *cells in lines if name not in (effects_table.BIAS[0], effects_table.NOISE[0], "---")}


@pytest.mark.parametrize("name", NAMES)
def test_an_effect_alone(name: str) -> None:
    """Theory within 1 % without correction, less than 1 % left with it; what cancels is gone."""
    assert row(name).ok, row(name).complaint


# --- nothing is missing ----------------------------------------------------------------------------------------------


def switches() -> set[str]:
    """Every parameter of every part that has a neutral value."""
    parts: dict[str, type[Component]] = {name: type(part) for name, part in ideal().scenario.components().items()}
    parts |= {"displacement_sensor": DisplacementSensor, "fluxgate": Fluxgate}
    return {
        f"{name}.{key}"
        for name, kind in parts.items()
        for key, field in kind.model_fields.items()
        if isinstance(field.json_schema_extra, dict) and "neutral" in field.json_schema_extra and key != "uncertainties"
    }


def test_every_parameter_that_can_be_switched_off_is_switched_on_somewhere() -> None:
    of_a_pair = {"coil.mutual_curvature", "coil.mutual_quadratic_coefficient"}  # see tests/campaigns/test_omtp.py
    outside = {"external_flux.leakage_multipoles"}  # what fluxgates see: tests/campaigns/test_environment_survey.py
    outside |= {"external_flux.ambient_gain"}  # of what a fluxgate has read: tests/components/test_fed.py
    assert switches() - {key for effect in EFFECTS for key in effect.settings} == of_a_pair | outside


def test_every_correction_takes_out_an_effect() -> None:
    from scenarios.reduction import Corrections

    needless = {"leakage"}  # what it takes out of one phase it takes out of the other
    needless |= {"external_flux"}  # a coil that moves is immune; tests/campaigns/test_magnet_moving.py has the magnet
    assert set(Corrections.model_fields) - {c for effect in EFFECTS for c in effect.corrections} == needless


def test_names_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES)


def test_an_effect_has_to_be_larger_than_rounding() -> None:
    """Or it would be found by chance: what does not cancel stands out of the rounding by a factor of a thousand."""
    for effect in EFFECTS:
        if effect.corrections:
            assert abs(row(effect.name).expected) > 1e3 * study.ROUNDING, effect.name


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_page_has_the_effects_of_the_catalogue() -> None:
    assert list(page()) == NAMES
    titles = [line[3:] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("## ")]
    assert titles == list(GROUPS)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_says_what_a_run_finds(name: str) -> None:
    """Formulas and settings as they are, numbers within 1 %."""
    fresh = row(name)
    settings, formula, *numbers, verdict = page()[name]
    assert settings == effects_table.switched_on(fresh.effect)
    assert formula == fresh.effect.formula
    assert verdict == "ok"
    here = [fresh.found, fresh.bound] if isinstance(fresh.effect, Noise) else [fresh.expected, fresh.found]
    here += [] if fresh.left is None else [fresh.left]
    there = [1e-6 * float(number.strip("±")) for number in numbers if number != "–"]
    close = study.ROUNDING + 0.01 * abs(fresh.expected or fresh.bound)
    assert there == pytest.approx(here, rel=1e-3, abs=close)


# --- verdicts and the command ----------------------------------------------------------------------------------------

GAIN = next(effect for effect in EFFECTS if effect.name == "gain of the current's meter")
WRONG = dataclasses.replace(GAIN, name="wrong theory", bias=3e-6)
HELPLESS = dataclasses.replace(GAIN, name="wrong correction", corrections=("resistor_drift",))


def test_a_wrong_theory_and_a_wrong_correction_are_told() -> None:
    assert examine(ideal(), GAIN).ok
    wrong = examine(ideal(), dataclasses.replace(WRONG, corrections=("voltmeter_calibration",)))
    assert not wrong.ok
    assert wrong.complaint == "wrong theory: found +2 ppm where theory expects +3 ± 0.03 ppm"
    helpless = dataclasses.replace(examine(ideal(), GAIN), effect=HELPLESS, left=1e-6)
    assert not helpless.ok
    assert helpless.complaint == "wrong correction: its correction leaves +1 of +2 ppm, more than 0.02 ppm"


def test_an_effect_names_its_corrections() -> None:
    with pytest.raises(ValueError, match="there is no correction 'astrology'"):
        Effect("x", {}, 0.0, "0", ("astrology",))


def command(monkeypatch: pytest.MonkeyPatch, *effects: Effect) -> int:
    monkeypatch.setattr("scenarios.studies.catalogue.EFFECTS", effects)
    monkeypatch.setattr(effects_table, "GROUPS", {"Some": effects})
    return main(["effects", "--workers=1", "--json"])


def test_the_command_prints_every_row(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(monkeypatch, GAIN, next(e for e in EFFECTS if isinstance(e, Noise))) == 0
    out, err = capsys.readouterr()
    gain, noise = json.loads(out)["effects"]
    assert gain["found"] == pytest.approx(2e-6, rel=1e-6)
    assert gain["settings"] == {"balance.current_voltmeter.gain": 2e-6}
    assert gain["ok"] and noise["ok"]
    assert abs(noise["found"]) <= noise["bound"]
    assert err == ""


def test_the_command_fails_with_the_first_effect_that_is_off(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, GAIN, WRONG, dataclasses.replace(WRONG, name="and another")) == 3
    out, err = capsys.readouterr()
    assert [effect["ok"] for effect in json.loads(out)["effects"]] == [True, False, False]
    assert err == "error: wrong theory: found +2 ppm where theory expects +3 ± 0.03 ppm (and 1 more)\n"


def test_an_effect_of_a_part_that_is_not_there_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = Effect("gain of the barograph", {"barograph.gain": 1.0}, 0.0, "0")
    assert command(monkeypatch, GAIN, missing) == 0
    out, err = capsys.readouterr()
    assert len(json.loads(out)["effects"]) == 1
    assert err == "note: gain of the barograph is left out, the balance has no 'barograph'\n"


def test_the_command_prints_tables(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """For people, with units in the headings; and the page, with the effects in their groups."""
    monkeypatch.setattr("scenarios.studies.catalogue.EFFECTS", (GAIN,))
    monkeypatch.setattr(effects_table, "GROUPS", {"Some": (GAIN,)})
    assert main(["effects", "--workers=1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("  ")[0] == "effect"
    assert "ε found / ppm" in lines[0]
    assert lines[1].split()[-5:] == ["δ", "+2", "+2", "0", "ok"]
    assert main(["effects", "--workers=1", "--markdown", "--set", "campaign.cycles=1"]) == 0
    out = capsys.readouterr().out
    assert "kibble-twin effects --set campaign.cycles=1 --markdown" in out
    assert "## Some\n" in out
    assert "| gain of the current's meter | `current_voltmeter.gain` = 2e-06 | δ | +2 | +2 | 0 | ok |" in out


def test_effects_side_by_side() -> None:
    """In other processes as here: an effect can be sent there."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(1, mp_context=get_context("forkserver")) as executor:
        (there,) = study.table(ideal(), [GAIN], executor)
    assert there == row(GAIN.name)


@pytest.mark.parametrize("name", ["kbmini_oscillating", "kbmini_anti_series", "nist4_omtp"])
def test_a_campaign_without_a_theory_of_its_effects_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["effects", name]) == 2
    assert f"such as kbmini_tmtp; {name} is none" in capsys.readouterr().err
