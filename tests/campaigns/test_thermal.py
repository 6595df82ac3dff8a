"""The thermal experiment: it finds what the heat equation says, whatever is changed, and in spite of room and start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scenarios
from scenarios.cli.app import main
from scenarios.reduction import ReductionError
from scenarios.reduction.thermal_experiment import ThermalReduction
from scenarios.report.measured import pictures
from scenarios.run.measured import Measured, stated
from scenarios.schema import ScenarioError
from twin.recorder import LATE, Blocks
from twin.times import to_ns

SCHEMES = ("tmtp", "omtp", "power_regulated")
STEADY = {"balance.environment.temperature_drift": 0.0}
FIGURES = ("delta_t_f_K", "delay_s", "delta_t_m_K")


@lru_cache(maxsize=3)
def shipped(scheme: str) -> Measured:
    return run(scheme)


def run(scheme: str, changes: dict[str, Any] | None = None, *, ideal: bool = False) -> Measured:
    experiment = scenarios.load(f"small_magnet_{scheme}")
    result = (experiment.ideal() if ideal else experiment).with_(changes or {}).run()
    assert isinstance(result, Measured)
    return result


@lru_cache(maxsize=1)
def unchanged() -> Measured:
    return run("tmtp", STEADY)


def assert_found(result: Measured, figures: tuple[str, ...] = FIGURES, k: float = 3.0) -> None:
    """What was found is what is true, within k standard uncertainties, which are worth the name."""
    for key in figures:
        found = result.findings[key]
        assert found.u is not None
        assert abs(found.value - result.true[key]) < k * found.u, key
    swing = result.findings["delta_t_f_K"]
    assert swing.u < 0.01 * swing.value + 1e-4


# --- it follows what is changed --------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["tmtp", "omtp"])
def test_what_is_found_is_true(scheme: str) -> None:
    assert_found(shipped(scheme))


CHANGES: dict[str, dict[str, Any]] = {
    "a thinner film": {"balance.thermal_mass.film_coefficient": 5.0},
    "less current": {"campaign.current": 50e-3},
    "less copper": {"balance.thermal_mass.dimensions": {"coil.fill": 0.3}},
    "other rings": {"balance.thermal_mass.dimensions": {"ring_material": "SmCo"}},
    "a longer period": {"campaign.hold": 1200.0},
    "no warming of the coil": {"balance.coil.resistance_temperature_coefficient": 0.0},
}


@pytest.mark.parametrize("change", CHANGES)
def test_it_follows_what_is_changed(change: str) -> None:
    """And by more than its uncertainty."""
    result = run("tmtp", CHANGES[change] | STEADY)
    assert_found(result)
    usual, found = unchanged().findings, result.findings
    moved = [abs(found[key].value - usual[key].value) / np.hypot(found[key].u, usual[key].u) for key in FIGURES]
    assert max(moved) > 10


def test_start_and_drift_do_not_matter() -> None:
    """Liu2025: initial temperature and drift of the room are arbitrary."""
    for drift, start in ((2e-5, -3.0), (-2e-5, 3.0)):
        result = run(
            "tmtp", {"balance.environment.temperature_drift": drift, "balance.thermal_mass.initial_rise": start}
        )
        assert_found(result)


@pytest.mark.nightly
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_uncertainties_cover_the_errors(scheme: str) -> None:
    """Of errors over uncertainties neither too many are large nor all small, for each of the figures."""
    results = [run(scheme, {"seed": seed}) for seed in range(30)]
    for key in FIGURES:
        z = [(r.findings[key].value - r.true[key]) / r.findings[key].u for r in results]
        assert 0.7 < np.sqrt(np.mean(np.square(z))) < 1.3, key


def test_a_room_that_drifts_changes_the_heat() -> None:
    """Ten times as fast as shipped: the copper is 2 K colder then, and what is read is the swing of that."""
    changes = {"balance.environment.temperature_drift": -1e-4, "balance.thermal_mass.initial_rise": 0.0}
    changes |= {"balance.magnet_thermometer.resolution": 0.0, "campaign.reading_step": 2.0}
    changes |= {"balance.coil.resistance_temperature_coefficient": 3.93e-3}
    drifting, still = (run("omtp", {**changes, **more}, ideal=True) for more in ({}, STEADY))
    found = {key: drifting.findings[key].value / drifting.true[key] - 1.0 for key in ("delta_t_f_K", "power_W")}
    assert found == pytest.approx(dict.fromkeys(found, 0.0), abs=2e-4)
    assert drifting.true["delta_t_f_K"] / still.true["delta_t_f_K"] < 1 - 5e-3
    assert drifting.findings["delay_s"].value == pytest.approx(drifting.true["delay_s"], abs=0.02)


@pytest.mark.parametrize(
    "changes",
    [{"campaign.settling": 3, "campaign.cycles": 2}, {}, STEADY],
    ids=["unsettled", "as shipped", "in a steady room"],
)
def test_the_heat_is_that_of_the_holds_read(changes: dict[str, Any]) -> None:
    """Without errors of the instruments: on its way to the steady state the coil has 1.3e-4 less after 3 periods."""
    exact = {"balance.current_source.gain": 0.0} | {"balance.environment.temperature_drift": -1e-5} | changes
    alpha = {"balance.coil.resistance_temperature_coefficient": 3.93e-3}
    result = run("tmtp", exact | alpha, ideal=True)
    assert result.findings["power_W"].value == pytest.approx(result.true["power_W"], rel=1.5e-5)


@pytest.mark.parametrize("step", [2.0, 5.0])
def test_the_delay_of_what_little_a_regulated_power_varies_by(step: float) -> None:
    """Currents change within a reading: means of 5 s would take 2 s off the delay, if their products were the heat."""
    changes = {"balance.magnet_thermometer.resolution": 0.0, "balance.thermal_mass.initial_rise": 0.0} | STEADY
    changes |= dict.fromkeys(
        [f"balance.{coil}.resistance_temperature_coefficient" for coil in ("coil", "second_coil")], 3.93e-3
    )
    changes |= {"balance.compensating_source.gain": 2e-4, "campaign.reading_step": step}
    result = run("power_regulated", changes, ideal=True)
    assert result.findings["delay_s"].value == pytest.approx(result.true["delay_s"], abs=0.01)


def test_without_noise_and_effects_it_is_exact() -> None:
    """Readings of 2 s lose 7e-6 of a wave of 960 s."""
    for scheme in ("tmtp", "omtp"):
        changes = {"campaign.settling": 8, "campaign.reading_step": 2.0} | STEADY
        changes |= {"balance.magnet_thermometer.resolution": 0.0, "balance.thermal_mass.initial_rise": 0.0}
        result = run(scheme, changes, ideal=True)
        for key, within in (("delta_t_f_K", 2e-5), ("delay_s", 2e-3), ("delta_t_m_K", 5e-6)):
            assert result.findings[key].value == pytest.approx(result.true[key], abs=within), key


def test_regulated_power_leaves_what_it_is_imperfect_by() -> None:
    """Linear in the mismatch of the resistances, nothing without one."""
    changes = {"balance.magnet_thermometer.resolution": 0.0, "balance.thermal_mass.initial_rise": 0.0} | STEADY
    changes |= {"campaign.cycles": 2, "campaign.settling": 2}
    swings = []
    for mismatch in (0.0, 1e-2, 2e-2):
        resistance = {"balance.second_coil.resistance": 110.0 * (1.0 + mismatch)}
        result = run("power_regulated", changes | resistance, ideal=True)
        assert result.true["delta_t_f_K"] == pytest.approx(result.findings["delta_t_f_K"].value, rel=1e-3, abs=1e-6)
        swings.append(result.findings["delta_t_f_K"].value)
    omtp = shipped("omtp").findings["delta_t_f_K"].value
    assert swings[0] < 1e-6 * omtp
    assert swings[2] == pytest.approx(2 * swings[1], rel=0.01)
    assert 0.003 < swings[1] / omtp < 0.03


def test_power_regulation_takes_the_swing_away_by_a_thousand() -> None:
    regulated, plain = shipped("power_regulated"), shipped("omtp")
    assert_found(regulated, ("delta_t_f_K", "delta_t_m_K"), 4.0)
    assert regulated.findings["delta_t_f_K"].value < 1e-3 * plain.findings["delta_t_f_K"].value
    powers = [np.ptp(power_of(result)) for result in (regulated, plain)]
    assert powers[0] < 0.01 * powers[1]


def power_of(result: Measured) -> Any:
    """The heat over the last period (W)."""
    (curve,) = (c for c in result.findings.curves if c.name == "heat")
    return curve.lines[0].y[-700:]


def test_a_swing_that_is_not_seen_has_no_delay() -> None:
    result = run("power_regulated", {"balance.second_coil.resistance": 110.0, "balance.compensating_source.gain": 0.0})
    swing = result.findings["delta_t_f_K"]
    assert swing.value < 3 * swing.u
    found = result.findings["delay_s"].value
    assert np.isnan(found) or swing.value > 2 * swing.u
    assert json.loads(json.dumps(result.summary()))["result"]["delta_t_m_K"] == pytest.approx(0.0, abs=2e-4)


# --- the reduction ---------------------------------------------------------------------------------------------------


def test_the_order_that_suffices_is_the_lowest() -> None:
    result = run("tmtp", {"reduction.drift_order": 8})
    assert result.findings["drift_order"].value == 8
    assert shipped("tmtp").findings["drift_order"].value == 6


def test_a_polynomial_alone_takes_some_of_the_swing() -> None:
    """The sequential fit, as Liu2025 describes it, loses a quarter over four periods."""
    lost = run("tmtp", {"reduction.drift_fit": "sequential", **STEADY})
    share = lost.findings["delta_t_f_K"].value / lost.true["delta_t_f_K"]
    assert 0.6 < share < 0.9


def test_the_difference_of_the_temperature_itself() -> None:
    """Li2026 averages the remainder."""
    result = run("tmtp", {"reduction.average": "remainder", **STEADY})
    found = result.findings["delta_t_m_K"]
    assert found.value == pytest.approx(result.true["delta_t_m_of_temperature_K"], abs=3 * found.u)


def test_the_thermometer_has_a_scale() -> None:
    """An error of its slope is one of δT_f, and stated."""
    wrong = run("tmtp", {"balance.magnet_thermometer.gain": 5e-3, **STEADY}, ideal=True)
    right = run("tmtp", STEADY, ideal=True)
    ratio = wrong.findings["delta_t_f_K"].value / right.findings["delta_t_f_K"].value
    assert ratio == pytest.approx(1.005, rel=1e-4)
    stated_scale = run("tmtp", STEADY).findings["delta_t_f_K"]
    assert 0.8e-3 < stated_scale.u / stated_scale.value < 1.5e-3  # 0.17 % of class 1/3 B, rectangular


def test_readings_that_do_not_suffice_are_refused() -> None:
    result = run("tmtp", {"campaign.cycles": 2})
    known = stated(result.scenario.components())
    first = [block for block in result.readings if block.labels.get("cycle") == 0]
    with pytest.raises(ReductionError, match="expected at least two periods of readings, not 1"):
        ThermalReduction().findings(Blocks(first), known)
    with pytest.raises(ReductionError, match="no block of channel 'magnet_thermometer'"):
        ThermalReduction().findings(Blocks(), known)
    late = [b for b in result.readings if b.channel != "induced_voltmeter" or b.labels["cycle"] == 0]
    with pytest.raises(ReductionError, match="'induced_voltmeter' was not read at the times of"):
        ThermalReduction().findings(Blocks(late), known)


def lagging(readings: Blocks, mean: float, late: Mapping[str, float] | None = None) -> Blocks:
    """As read in real time: each block begins later than the last one let it, and channels are late by themselves."""
    starts = sorted({block.schedule.start for block in readings})
    behind = np.cumsum(np.random.default_rng(1).exponential(mean, len(starts)))
    found = []
    for block in readings:
        start = block.schedule.start + to_ns(float(behind[starts.index(block.schedule.start)]))
        labels = {**block.labels, LATE: (late or {}).get(block.channel, 0.0)}
        found.append(replace(block, schedule=replace(block.schedule, start=start), labels=labels))
    return Blocks(found)


@pytest.mark.parametrize("mean", [1e-3, 0.1])
def test_a_run_that_lags_is_reduced_by_its_recorded_times(mean: float) -> None:
    result = shipped("tmtp")
    known, usual = stated(result.scenario.components()), result.findings
    late = dict.fromkeys(("current_voltmeter", "induced_voltmeter"), 0.02)
    found = ThermalReduction().findings(lagging(result.readings, mean, late), known)
    for key in FIGURES:
        value, u = found[key].value, found[key].u
        assert u is not None and abs(value - usual[key].value) < u
        assert abs(value - result.true[key]) < 3 * u


def test_a_channel_that_is_late_makes_the_heat_late() -> None:
    """All that is read later than its schedule says is later: temperature and power together do not count."""
    result = shipped("tmtp")
    known, usual = stated(result.scenario.components()), result.findings
    all_late = {block.channel: 2.0 for block in result.readings}
    found = ThermalReduction().findings(lagging(result.readings, 0.0, all_late), known)
    assert [found[key].value for key in ("delta_t_f_K", "delay_s")] == pytest.approx(
        [usual[key].value for key in ("delta_t_f_K", "delay_s")], rel=1e-6
    )
    moved = (found["delta_t_m_K"].value - usual["delta_t_m_K"].value) / usual["delta_t_f_K"].value
    assert 1e-3 < abs(moved) < 2.0 * np.pi * 2.0 / result.true["period_s"]  # the windows stay where they were


def test_what_lags_too_much_is_refused_with_the_reason() -> None:
    result = shipped("tmtp")
    known = stated(result.scenario.components())
    with pytest.raises(
        ReductionError, match=r"periods of .* s in the mean begin up to .* s early or late, more than 1%"
    ):
        ThermalReduction().findings(lagging(result.readings, 20.0), known)
    with pytest.raises(
        ReductionError, match=r"'induced_voltmeter' was read \+0\.2 s after the magnet's thermometer at"
    ):
        ThermalReduction().findings(lagging(result.readings, 0.0, {"induced_voltmeter": 0.2}), known)


# --- the run ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_has_every_quantity(scheme: str) -> None:
    found = shipped(scheme).summary()
    keys = {"delta_t_f_K", "delay_s", "delta_t_m_K", "epsilon", "u_delta_t_f_K", "u_delta_t_m_K"}
    assert keys <= set(found["result"])
    assert found["result"]["period_s"] == (1920.0 if scheme == "tmtp" else 3840.0)
    assert [picture.name for picture in pictures(shipped(scheme))] == ["temperature", "periodic_temperature", "heat"]


def test_run_prints_quantities_under_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "small_magnet_tmtp", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["result"] == shipped("tmtp").summary()["result"]


@pytest.mark.nightly
def test_the_report_shows_the_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert main(["run", "small_magnet_tmtp", "--set", "campaign.cycles=4", "--out", str(out)]) == 0
    assert "periodic temperature of the magnet" in capsys.readouterr().out
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "the sines fitted to it" in page
    for name in ("temperature", "periodic_temperature", "heat"):
        assert (out / "pictures" / f"{name}.png").stat().st_size > 5_000


@pytest.mark.parametrize(
    ("key", "wrong", "said"),
    [
        ("campaign.cycles", 1, "greater than or equal to 2"),
        ("campaign.ramp", 181.0, "expected ramp a multiple of reading_step, not 181 and 5 s"),
        ("campaign.scheme", "abba", "'tmtp', 'omtp' or 'power_regulated'"),
        ("thermal.start", "ambient", "unknown key 'thermal'"),
    ],
)
def test_wrong_values(key: str, wrong: Any, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        scenarios.load("small_magnet_tmtp").with_({key: wrong})


def test_a_missing_instrument_is_named() -> None:
    names = ["compensating_source.load_resistance", "compensating_source.standard_resistance"]
    names += ["second_coil.current", "second_resistor.current"]
    without = {"balance.compensating_source": None, "balance.wiring": dict.fromkeys(names)}
    changed = {"balance.second_coil": None, "balance.second_resistor": None, "balance.second_current_voltmeter": None}
    changed["balance.second_induced_voltmeter"] = None
    wiring = [k for k in scenarios.load("small_magnet_tmtp").scenario.wiring if k.startswith("second_")]
    without["balance.wiring"] |= dict.fromkeys([*wiring, "coil.other_power"])
    one = scenarios.load("small_magnet_tmtp").with_(without | changed)
    assert_found(one.run())
    with pytest.raises(ScenarioError, match="needs the role KeepingSource, called 'compensating_source'"):
        one.with_({"campaign.scheme": "power_regulated"}).run()
